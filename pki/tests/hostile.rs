//! Certificates, lists and requests that somebody bent: they are refused, and nothing panics.
#![cfg(test)]

use std::sync::LazyLock;
use std::time::Duration;

use hangu_pki::authority::{Authority, Key, Names, Request};
use hangu_pki::name::AltName;
use hangu_pki::trust::{Material, PeerIdentity, Trust, TrustFile};
use hangu_pki::verify::{Anchors, Crls, Profile, Question, Usage, validate};
use jiff::Timestamp;
use proptest::prelude::*;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};

struct Fixture {
    root: Vec<u8>,
    chain: Vec<CertificateDer<'static>>,
    chain_pem: String,
    key_pem: String,
    crls_pem: String,
    crls: Vec<Vec<u8>>,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let mut authority = Authority::init(dir.path(), Names::of("Hangu"), now()).unwrap();
    let issued = authority.issue(&request(Key::Generate), now()).unwrap();
    let crls_pem = authority.crls_pem().unwrap();
    Fixture {
        root: CertificateDer::from_pem_slice(authority.root_pem().as_bytes())
            .unwrap()
            .to_vec(),
        chain: CertificateDer::pem_slice_iter(issued.chain_pem.as_bytes())
            .map(Result::unwrap)
            .collect(),
        crls: CertificateRevocationListDer::pem_slice_iter(crls_pem.as_bytes())
            .map(|crl| crl.unwrap().to_vec())
            .collect(),
        chain_pem: issued.chain_pem,
        key_pem: issued.key_pem.unwrap().to_string(),
        crls_pem,
    }
});

/// A change of a few octets: where, as a share of the whole, and what comes there.
fn bend() -> impl Strategy<Value = Vec<(f64, u8, Bend)>> {
    let kind = prop_oneof![
        Just(Bend::Replace),
        Just(Bend::Insert),
        Just(Bend::Remove),
        Just(Bend::Cut)
    ];
    prop::collection::vec((0.0..1.0_f64, any::<u8>(), kind), 1..4)
}

#[derive(Clone, Copy, Debug)]
enum Bend {
    Replace,
    Insert,
    Remove,
    Cut,
}

fn bent(original: &[u8], bends: &[(f64, u8, Bend)]) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for (share, octet, kind) in bends {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share below 1 of a small length"
        )]
        let at = (bytes.len() as f64 * share) as usize;
        match kind {
            Bend::Replace if at < bytes.len() => bytes[at] = *octet,
            Bend::Insert => bytes.insert(at, *octet),
            Bend::Remove if at < bytes.len() => drop(bytes.remove(at)),
            Bend::Cut => bytes.truncate(at),
            Bend::Replace | Bend::Remove => {}
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_bent_leaf_is_never_accepted(bends in bend()) {
        let leaf = CertificateDer::from(bent(&FIXTURE.chain[0], &bends));
        let _ = PeerIdentity::from_der(&leaf);
        let verdict = ask(&FIXTURE.root, &leaf, &FIXTURE.chain[1..], &FIXTURE.crls);
        prop_assert_eq!(verdict, leaf == FIXTURE.chain[0]);
    }

    #[test]
    fn a_bent_intermediate_is_never_accepted(bends in bend()) {
        let intermediate = CertificateDer::from(bent(&FIXTURE.chain[1], &bends));
        let same = intermediate == FIXTURE.chain[1];
        prop_assert_eq!(ask(&FIXTURE.root, &FIXTURE.chain[0], &[intermediate], &FIXTURE.crls), same);
    }

    #[test]
    fn a_bent_list_is_never_relied_on(bends in bend(), which in 0..2_usize) {
        let mut crls = FIXTURE.crls.clone();
        crls[which] = bent(&crls[which], &bends);
        let same = crls == FIXTURE.crls;
        prop_assert_eq!(ask(&FIXTURE.root, &FIXTURE.chain[0], &FIXTURE.chain[1..], &crls), same);
    }

    #[test]
    fn a_bent_anchor_does_not_panic(bends in bend()) {
        ask(&bent(&FIXTURE.root, &bends), &FIXTURE.chain[0], &FIXTURE.chain[1..], &FIXTURE.crls);
    }

    #[test]
    fn bent_pem_does_not_panic(bends in bend()) {
        let chain = bent(FIXTURE.chain_pem.as_bytes(), &bends);
        let key = bent(FIXTURE.key_pem.as_bytes(), &bends);
        let crls = vec![bent(FIXTURE.crls_pem.as_bytes(), &bends)];
        let _ = Material::server(&chain, FIXTURE.key_pem.as_bytes(), now());
        let _ = Material::server(FIXTURE.chain_pem.as_bytes(), &key, now());
        let _ = Trust::try_from(&TrustFile { anchors: chain, crls, profile: Profile::Strict });
    }

    #[test]
    fn a_name_reads_back_as_it_was_written(text in "[ -~]{0,40}|(dns|ip|email|uri):[!-~]{0,40}") {
        if let Ok(name) = text.parse::<AltName>() {
            prop_assert_eq!(name.to_string().parse::<AltName>(), Ok(name));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_bent_request_is_refused_or_certified_as_it_stands(bends in bend()) {
        static CSR: LazyLock<Vec<u8>> = LazyLock::new(|| {
            let key = rcgen::KeyPair::generate().unwrap();
            rcgen::CertificateParams::default().serialize_request(&key).unwrap().der().to_vec()
        });
        static AUTHORITY: LazyLock<std::sync::Mutex<(tempfile::TempDir, Authority)>> = LazyLock::new(|| {
            let dir = tempfile::tempdir().unwrap();
            let authority = Authority::init(dir.path(), Names::of("Hangu"), now()).unwrap();
            std::sync::Mutex::new((dir, authority))
        });
        let der = bent(&CSR, &bends);
        let issued = AUTHORITY.lock().unwrap().1.issue(&request(Key::Csr(pem("CERTIFICATE REQUEST", &der))), now());
        prop_assert_eq!(issued.is_ok(), der == *CSR);
    }
}

fn ask(
    root: &[u8],
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    crls: &[Vec<u8>],
) -> bool {
    let Ok(anchors) = Anchors::from_der([CertificateDer::from(root.to_vec())]) else {
        return false;
    };
    let Ok(crls) = Crls::from_der(crls.iter().map(Vec::as_slice)) else {
        return false;
    };
    let names = ["dns:portal.example".parse().unwrap()];
    let question = Question {
        leaf,
        intermediates,
        usage: Usage::Server,
        names: &names,
        max_intermediates: None,
        at: now(),
    };
    let strict = validate(&anchors, &crls, Profile::Strict, &question).is_ok();
    let interoperable = validate(&anchors, &crls, Profile::Interoperable, &question).is_ok();
    assert!(
        interoperable || !strict,
        "the strict profile accepts what webpki does not"
    );
    strict
}

fn request(key: Key) -> Request {
    Request {
        usage: Usage::Server,
        common_name: Some("portal.example".to_owned()),
        organizational_unit: None,
        sans: vec![
            "dns:portal.example".parse().unwrap(),
            "ip:192.0.2.1".parse().unwrap(),
        ],
        validity: Duration::from_secs(3600),
        key,
    }
}

fn now() -> Timestamp {
    "2026-11-22T08:00:00Z".parse().unwrap()
}

fn pem(kind: &str, der: &[u8]) -> Vec<u8> {
    use base64::Engine as _;
    format!(
        "-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n",
        base64::engine::general_purpose::STANDARD.encode(der)
    )
    .into_bytes()
}

#[test]
fn no_byte_of_a_request_can_be_another() {
    let dir = tempfile::tempdir().unwrap();
    let mut authority = Authority::init(dir.path(), Names::of("Hangu"), now()).unwrap();
    for _ in 0..12 {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::default();
        let der = params.serialize_request(&key).unwrap().der().to_vec();
        for at in 0..der.len() {
            for byte in [0, 1, 0x7f, 0x80, 0xff, der[at] ^ 1, der[at] ^ 0x80] {
                let mut other = der.clone();
                other[at] = byte;
                let pem = pem("CERTIFICATE REQUEST", &other);
                let issued = authority.issue(&request(Key::Csr(pem)), now());
                let same = byte == der[at];
                assert_eq!(issued.is_ok(), same, "{at}: {der:02x?} to {byte:02x}");
            }
        }
    }
}
