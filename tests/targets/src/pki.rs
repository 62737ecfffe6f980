//! Certificates, revocation lists and names.

use std::sync::OnceLock;

use hangu_pki::name::AltName;
use hangu_pki::trust::{PeerIdentity, Trust, TrustFile};
use hangu_pki::verify::{Anchors, Crls, Profile, Question, Usage, validate};
use jiff::Timestamp;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};

use crate::input;

/// An authority of its own, a chain below it and its revocation lists; their keys are gone.
const ROOT: &[u8] = include_bytes!("pki/root.pem");
const CHAIN: &[u8] = include_bytes!("pki/chain.pem");
const CRLS: &[u8] = include_bytes!("pki/crls.pem");

/// A moment at which all of them hold, in Unix seconds.
const NOW: i64 = 1_795_334_400;

struct Fixture {
    root: CertificateDer<'static>,
    chain: Vec<CertificateDer<'static>>,
    crls: Vec<Vec<u8>>,
}

/// A number, then what takes the place of something that holds: 0, the leaf; 1, the intermediate; 2 and 3, a revocation
/// list; 4, the anchor; all in DER. Or 5, PEM; 6, a name.
///
/// What was signed by nobody is never accepted.
pub fn verify(data: &[u8]) {
    let (what, bytes) = input::pick(data, &[0, 1, 2, 3, 4, 5, 6]);
    let fixture = fixture();
    let (mut root, mut chain) = (fixture.root.clone(), fixture.chain.clone());
    let mut crls = fixture.crls.clone();
    match what {
        0 => {
            chain[0] = CertificateDer::from(bytes.to_vec());
            drop(PeerIdentity::from_der(&chain[0]));
        }
        1 => chain[1] = CertificateDer::from(bytes.to_vec()),
        2 => crls[0] = bytes.to_vec(),
        3 => crls[1] = bytes.to_vec(),
        4 => root = CertificateDer::from(bytes.to_vec()),
        5 => return pem(bytes),
        _ => return name(&input::text(bytes)),
    }
    let accepted = is_valid(root, &chain, &crls);
    let same = chain == fixture.chain && crls == fixture.crls;
    // An anchor is trusted because it is there, not because of what signed it.
    assert!(!accepted || same, "something that was altered is accepted");
}

fn pem(bytes: &[u8]) {
    drop(Anchors::from_pem(bytes));
    drop(Trust::try_from(&TrustFile {
        anchors: bytes.to_vec(),
        crls: vec![bytes.to_vec()],
        profile: Profile::Strict,
    }));
}

fn name(text: &str) {
    if let Ok(name) = text.parse::<AltName>() {
        assert_eq!(
            name.to_string().parse::<AltName>(),
            Ok(name),
            "a name reads back as it is written"
        );
    }
}

fn is_valid(root: CertificateDer<'static>, chain: &[CertificateDer<'_>], crls: &[Vec<u8>]) -> bool {
    let Ok(anchors) = Anchors::from_der([root]) else {
        return false;
    };
    let Ok(crls) = Crls::from_der(crls.iter().map(Vec::as_slice)) else {
        return false;
    };
    let names = ["dns:portal.example".parse().expect("a name")];
    let question = Question {
        leaf: &chain[0],
        intermediates: &chain[1..],
        usage: Usage::Server,
        names: &names,
        max_intermediates: None,
        at: Timestamp::from_second(NOW).expect("a time"),
    };
    let strict = validate(&anchors, &crls, Profile::Strict, &question).is_ok();
    let interoperable = validate(&anchors, &crls, Profile::Interoperable, &question).is_ok();
    assert!(
        interoperable || !strict,
        "the strict profile accepts what webpki does not"
    );
    strict
}

fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let certificates = |pem| {
            CertificateDer::pem_slice_iter(pem)
                .map(|certificate| certificate.expect("a certificate"))
        };
        Fixture {
            root: certificates(ROOT).next().expect("a root"),
            chain: certificates(CHAIN).collect(),
            crls: CertificateRevocationListDer::pem_slice_iter(CRLS)
                .map(|list| list.expect("a revocation list").to_vec())
                .collect(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_authority_signed_is_accepted() {
        let Fixture { root, chain, crls } = fixture();
        assert_eq!((chain.len(), crls.len()), (2, 2));
        assert!(is_valid(root.clone(), chain, crls));
    }
}
