//! An authority in a temporary folder, asked, crashed and shared.

mod crash;
mod issuing;
mod revoking;

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use rustls_pki_types::CertificateRevocationListDer;
use tempfile::TempDir;
use x509_parser::prelude::{CertificateRevocationList, FromDer as _};

use super::store::fault;
use super::*;
use crate::name::AltName;
use crate::trust::{PeerIdentity, Trust, TrustFile, verify_again};
use crate::verify::{Profile, Question, Reason, Usage};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn now() -> Timestamp {
    "2026-11-22T08:00:00.5Z".parse().unwrap()
}

fn authority() -> (TempDir, Authority) {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::init(dir.path(), Names::of("Hangu Test"), now()).unwrap();
    (dir, authority)
}

fn client(name: &str) -> Request {
    Request {
        usage: Usage::Client,
        common_name: Some(name.to_owned()),
        organizational_unit: Some("窗口服务".to_owned()),
        sans: vec![
            AltName::Uri("spiffe://hangu.example/client".to_owned()),
            AltName::Email("client@hangu.example".to_owned()),
        ],
        validity: DAY,
        key: Key::Generate,
    }
}

fn server(names: &[&str]) -> Request {
    Request {
        usage: Usage::Server,
        common_name: None,
        organizational_unit: None,
        sans: names.iter().map(|name| name.parse().unwrap()).collect(),
        validity: 90 * DAY,
        key: Key::Generate,
    }
}

fn trust(authority: &Authority) -> Trust {
    let crls = vec![authority.crls_pem().unwrap().into()];
    Trust::try_from(&TrustFile {
        anchors: authority.root_pem().into(),
        crls,
        profile: Profile::Strict,
    })
    .unwrap()
}

fn chain(issued: &Issued) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(issued.chain_pem.as_bytes())
        .collect::<Result<_, _>>()
        .unwrap()
}

fn each_list<T>(pem: &str, read: impl Fn(&CertificateRevocationList<'_>) -> T) -> Vec<T> {
    let ders = CertificateRevocationListDer::pem_slice_iter(pem.as_bytes()).map(Result::unwrap);
    ders.map(|der| read(&CertificateRevocationList::from_der(&der).unwrap().1))
        .collect()
}

fn listed(pem: &str) -> Vec<String> {
    each_list(pem, |list| {
        list.iter_revoked_certificates()
            .map(|revoked| hex::serial(revoked.raw_serial()))
            .collect::<Vec<_>>()
    })
    .concat()
}

fn numbers(pem: &str) -> Vec<u64> {
    each_list(pem, |list| {
        u64::from_str_radix(&hex::serial(&list.crl_number().unwrap().to_bytes_be()), 16).unwrap()
    })
}

fn pem_block(kind: &str, der: &[u8]) -> Vec<u8> {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n").into_bytes()
}
