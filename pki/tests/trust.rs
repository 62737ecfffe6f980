//! Trust and certificates as they come from files: what is taken, what is refused, and what is said about it.
#![cfg(test)]

use std::time::Duration;

use hangu_pki::authority::{Authority, Issued, Key, Names, Request};
use hangu_pki::trust::{
    Certificates, Material, MaterialError, PeerIdentity, Trust, TrustError, TrustFile,
};
use hangu_pki::verify::{CrlError, Profile, Usage};
use jiff::Timestamp;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tempfile::TempDir;

#[test]
fn trust_without_a_single_anchor_is_refused() {
    for anchors in ["", "no certificate here\n"] {
        let file = TrustFile {
            anchors: anchors.into(),
            ..TrustFile::default()
        };
        assert!(matches!(
            Trust::try_from(&file),
            Err(TrustError::Anchors(_))
        ));
    }
}

#[test]
fn an_anchor_that_is_no_ca_is_refused_by_name() {
    let leaf = CertificateParams::new(vec!["portal.example".to_owned()])
        .unwrap()
        .self_signed(&KeyPair::generate().unwrap())
        .unwrap();
    let strict = TrustFile {
        anchors: leaf.pem().into(),
        ..TrustFile::default()
    };
    let error = Trust::try_from(&strict).unwrap_err();
    assert_eq!(
        error.to_string(),
        "trust anchor `CN=rcgen self signed cert`: strict profile: a CA certificate has no subject key identifier"
    );
    assert!(
        Trust::try_from(&TrustFile {
            profile: Profile::Interoperable,
            ..strict
        })
        .is_ok()
    );
}

#[test]
fn an_empty_revocation_list_file_does_not_switch_revocation_off() {
    let (_dir, authority) = authority();
    let crls = vec![authority.crls_pem().unwrap().into_bytes(), b" \n".to_vec()];
    let file = TrustFile {
        anchors: authority.root_pem().into(),
        crls,
        profile: Profile::Strict,
    };
    assert_eq!(Trust::try_from(&file).unwrap_err(), TrustError::EmptyCrl(2));
    let file = TrustFile {
        crls: vec![b"nothing in here".to_vec()],
        ..file
    };
    assert_eq!(
        Trust::try_from(&file).unwrap_err(),
        TrustError::Crl(CrlError::Empty)
    );
}

#[test]
fn a_trust_says_when_its_lists_run_out() {
    let (_dir, authority) = authority();
    let crls = vec![authority.crls_pem().unwrap().into_bytes()];
    let trust = Trust::try_from(&TrustFile {
        anchors: authority.root_pem().into(),
        crls,
        profile: Profile::Strict,
    })
    .unwrap();
    let mut said: Vec<_> = trust
        .crls()
        .iter()
        .map(|info| (info.issuer.as_str(), info.next_update - now().as_second()))
        .collect();
    said.sort_unstable();
    assert_eq!(
        said,
        [
            ("CN=Hangu Issuing CA,O=Hangu", 7 * 86400),
            ("CN=Hangu Root CA,O=Hangu", 365 * 86400)
        ]
    );
}

#[test]
fn a_trust_that_drops_a_list_does_not_follow() {
    let (_dir, authority) = authority();
    let trust = |crls: Vec<Vec<u8>>| {
        Trust::try_from(&TrustFile {
            anchors: authority.root_pem().into(),
            crls,
            profile: Profile::Strict,
        })
        .unwrap()
    };
    let with = trust(vec![authority.crls_pem().unwrap().into_bytes()]);
    assert!(matches!(
        trust(Vec::new()).follows(&with),
        Err(CrlError::GoesBack { .. })
    ));
    with.follows(&trust(Vec::new())).unwrap();
    with.follows(&with).unwrap();
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let (_dir, mut authority) = authority();
    let (one, two) = (
        server(&mut authority, &["dns:a.example"]),
        server(&mut authority, &["dns:b.example"]),
    );
    let error = Material::server(
        one.chain_pem.as_bytes(),
        two.key_pem.unwrap().as_bytes(),
        now(),
    )
    .unwrap_err();
    assert!(matches!(error, MaterialError::KeyMismatch(_)), "{error}");
}

#[test]
fn a_certificate_out_of_its_time_is_refused_with_the_date() {
    let (_dir, mut authority) = authority();
    let issued = server(&mut authority, &["dns:a.example"]);
    let at = |now| {
        Material::server(
            issued.chain_pem.as_bytes(),
            issued.key_pem.as_ref().unwrap().as_bytes(),
            now,
        )
        .map(drop)
    };
    assert_eq!(at(now()), Ok(()));
    let late = at(now() + Duration::from_secs(3601)).unwrap_err();
    assert_eq!(
        late.to_string(),
        "the certificate of `` expired at 2026-11-22T09:00:00Z"
    );
    assert!(matches!(
        at(now() - Duration::from_secs(3600)),
        Err(MaterialError::NotYetValid { .. })
    ));
}

#[test]
fn broken_chains_and_keys_are_refused_with_what_would_be_right() {
    let (_dir, mut authority) = authority();
    let issued = server(&mut authority, &["dns:a.example"]);
    let (chain, key) = (
        issued.chain_pem.as_bytes(),
        issued.key_pem.as_ref().unwrap().as_bytes(),
    );
    assert!(matches!(
        Material::server(b"", key, now()),
        Err(MaterialError::Chain(_))
    ));
    assert!(matches!(
        Material::server(key, key, now()),
        Err(MaterialError::Chain(_))
    ));
    assert!(matches!(
        Material::server(chain, b"", now()),
        Err(MaterialError::Key(_))
    ));
    assert!(matches!(
        Material::server(chain, chain, now()),
        Err(MaterialError::Key(_))
    ));
    let nobody = authority
        .issue(
            &Request {
                usage: Usage::Client,
                common_name: Some("alice".to_owned()),
                ..request(&[])
            },
            now(),
        )
        .unwrap();
    let error = Material::server(
        nobody.chain_pem.as_bytes(),
        nobody.key_pem.unwrap().as_bytes(),
        now(),
    )
    .unwrap_err();
    assert!(matches!(error, MaterialError::NoNames(_)), "{error}");
}

#[test]
fn a_name_finds_its_certificate_exactly_then_by_wildcard() {
    let (_dir, mut authority) = authority();
    let mut material = |names: &[&str]| {
        let issued = server(&mut authority, names);
        Material::server(
            issued.chain_pem.as_bytes(),
            issued.key_pem.unwrap().as_bytes(),
            now(),
        )
        .unwrap()
    };
    let (exact, wild) = (
        material(&["dns:a.svc.example", "dns:portal.example"]),
        material(&["dns:*.svc.example"]),
    );
    let certificates = Certificates::new(&[exact.clone(), wild.clone()], None);
    let found = |name: &str| {
        certificates
            .carrying(name)
            .first()
            .map(|key| PeerIdentity::from_der(&key.cert[0]).unwrap().serial)
    };
    let (exact, wild) = (
        Some(exact.identity().serial.clone()),
        Some(wild.identity().serial.clone()),
    );
    assert_eq!(found("a.svc.example"), exact);
    assert_eq!(found("PORTAL.example"), exact);
    assert_eq!(found("b.svc.example"), wild);
    for nobodys in [
        "svc.example",
        "a.b.svc.example",
        "other.example",
        "",
        "*.svc.example.",
        ".",
    ] {
        assert_eq!(found(nobodys), None, "{nobodys}");
    }
}

#[test]
fn an_identity_with_two_names_of_a_kind_has_none_of_that_kind() {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "alice");
    params.subject_alt_names = ["spiffe://hangu.example/a", "spiffe://hangu.example/b"]
        .map(|uri| SanType::URI(uri.try_into().unwrap()))
        .to_vec();
    let der = params
        .self_signed(&KeyPair::generate().unwrap())
        .unwrap()
        .der()
        .clone();
    let identity = PeerIdentity::from_der(&der).unwrap();
    assert_eq!(identity.common_name.as_deref(), Some("alice"));
    assert_eq!((identity.uri.len(), identity.spiffe_id), (2, None));
}

#[test]
fn an_identity_reads_every_kind_of_name() {
    let (_dir, mut authority) = authority();
    let issued = server(
        &mut authority,
        &["dns:a.example", "ip:2001:db8::1", "ip:192.0.2.1"],
    );
    let leaf = CertificateDer::from_pem_slice(issued.chain_pem.as_bytes()).unwrap();
    let identity = PeerIdentity::from_der(&leaf).unwrap();
    assert_eq!(identity.dns, ["a.example"]);
    assert_eq!(
        identity
            .ip
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["2001:db8::1", "192.0.2.1"]
    );
    assert_eq!(identity.not_after, now().as_second() + 3600);
    assert_eq!(identity.subject, "");
}

fn now() -> Timestamp {
    "2026-11-22T08:00:00Z".parse().unwrap()
}

fn authority() -> (TempDir, Authority) {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::init(dir.path(), Names::of("Hangu"), now()).unwrap();
    (dir, authority)
}

fn request(names: &[&str]) -> Request {
    Request {
        usage: Usage::Server,
        common_name: None,
        organizational_unit: None,
        sans: names.iter().map(|name| name.parse().unwrap()).collect(),
        validity: Duration::from_secs(3600),
        key: Key::Generate,
    }
}

fn server(authority: &mut Authority, names: &[&str]) -> Issued {
    authority.issue(&request(names), now()).unwrap()
}
