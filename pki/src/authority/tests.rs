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

#[test]
fn only_the_owner_can_enter_the_folder_and_read_the_keys() {
    let (dir, _) = authority();
    let mode = |name: &str| {
        fs::metadata(dir.path().join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(""), 0o700);
    assert_eq!(mode(ROOT_KEY), 0o600);
    assert_eq!(mode(ISSUING_KEY), 0o600);
    let left: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_string_lossy().contains("tmp"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn an_authority_is_never_overwritten() {
    let (dir, authority) = authority();
    let error = Authority::init(dir.path(), Names::of("Other"), now()).unwrap_err();
    assert!(matches!(error, AuthorityError::Exists(_)), "{error}");
    assert_eq!(
        Authority::open(dir.path()).unwrap().root_pem(),
        authority.root_pem()
    );
}

#[test]
fn a_folder_without_an_authority_is_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    let error = Authority::open(dir.path()).unwrap_err();
    assert!(matches!(error, AuthorityError::Absent(_)), "{error}");
}

#[test]
fn a_key_that_others_can_read_is_not_used() {
    let (dir, mut authority) = authority();
    fs::set_permissions(
        dir.path().join(ISSUING_KEY),
        fs::Permissions::from_mode(0o640),
    )
    .unwrap();
    let error = authority.issue(&client("alice"), now()).unwrap_err();
    assert!(
        matches!(error, AuthorityError::Exposed { mode: 0o640, .. }),
        "{error}"
    );
}

#[test]
fn what_is_issued_passes_the_strict_profile_and_says_what_was_asked() {
    let (_dir, mut authority) = authority();
    let issued = authority.issue(&client("张三"), now()).unwrap();
    verify_again(&trust(&authority), &chain(&issued), now()).unwrap();
    let identity = PeerIdentity::from_der(&chain(&issued)[0]).unwrap();
    assert_eq!(identity.subject, "CN=张三,OU=窗口服务,O=Hangu Test");
    assert_eq!(
        identity.spiffe_id.as_deref(),
        Some("spiffe://hangu.example/client")
    );
    assert_eq!(identity.email, ["client@hangu.example"]);
    assert_eq!(identity.issuer, "CN=Hangu Test Issuing CA,O=Hangu Test");
    assert_eq!(identity.fingerprint_sha256, issued.entry.fingerprint);
    assert_eq!(identity.serial, issued.entry.serial);
    let server = authority
        .issue(
            &server(&["dns:portal.example", "ip:192.0.2.7", "dns:*.svc.example"]),
            now(),
        )
        .unwrap();
    let chain = chain(&server);
    let names = ["dns:portal.example", "ip:192.0.2.7", "dns:a.svc.example"]
        .map(|name| name.parse().unwrap());
    let question = Question {
        leaf: &chain[0],
        intermediates: &chain[1..],
        usage: Usage::Server,
        names: &names,
        max_intermediates: Some(1),
        at: now(),
    };
    assert_eq!(
        trust(&authority)
            .validate(&question)
            .unwrap()
            .certificates()
            .len(),
        3
    );
    let question = Question {
        names: &["dns:other.example".parse().unwrap()],
        ..question
    };
    assert_eq!(
        trust(&authority).validate(&question),
        Err(Reason::WrongName("dns:other.example".parse().unwrap()))
    );
}

#[test]
fn a_server_certificate_is_no_client_certificate() {
    let (_dir, mut authority) = authority();
    let issued = authority
        .issue(&server(&["dns:portal.example"]), now())
        .unwrap();
    assert_eq!(
        verify_again(&trust(&authority), &chain(&issued), now()),
        Err(Reason::WrongUsage)
    );
}

#[test]
fn a_certificate_is_good_from_its_first_to_its_last_second() {
    let (_dir, mut authority) = authority();
    let issued = authority.issue(&client("alice"), now()).unwrap();
    let trust = trust(&authority);
    let chain = chain(&issued);
    let second = Duration::from_secs(1);
    assert_eq!(
        verify_again(&trust, &chain, issued.entry.not_before),
        Ok(())
    );
    assert_eq!(
        verify_again(&trust, &chain, issued.entry.not_before - second),
        Err(Reason::NotYetValid)
    );
    assert_eq!(verify_again(&trust, &chain, issued.entry.not_after), Ok(()));
    assert_eq!(
        verify_again(&trust, &chain, issued.entry.not_after + second),
        Err(Reason::Expired)
    );
}

#[test]
fn a_revoked_certificate_is_refused_and_its_neighbour_is_not() {
    let (_dir, mut authority) = authority();
    let (alice, bob) = (
        authority.issue(&client("alice"), now()).unwrap(),
        authority.issue(&client("bob"), now()).unwrap(),
    );
    let before = trust(&authority);
    let colons = alice
        .entry
        .fingerprint
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).unwrap())
        .collect::<Vec<_>>()
        .join(":");
    let Revoked::Now(entry) = authority
        .revoke(
            &colons.to_uppercase(),
            RevocationReason::KeyCompromise,
            now(),
        )
        .unwrap()
    else {
        panic!("revoked before")
    };
    assert_eq!(
        (entry.revoked_at, entry.reason),
        (Some(now()), Some(RevocationReason::KeyCompromise))
    );
    let after = trust(&authority);
    assert_eq!(verify_again(&before, &chain(&alice), now()), Ok(()));
    assert_eq!(
        verify_again(&after, &chain(&alice), now()),
        Err(Reason::Revoked)
    );
    assert_eq!(verify_again(&after, &chain(&bob), now()), Ok(()));
    after.follows(&before).unwrap();
    assert!(before.follows(&after).is_err(), "a list may not go back");
    // Again, by serial number: nothing changes but the list's number.
    let again = authority
        .revoke(
            &alice.entry.serial,
            RevocationReason::Superseded,
            now() + HOUR,
        )
        .unwrap();
    assert_eq!(again, Revoked::Before(entry));
}

#[test]
fn revoking_the_issuing_ca_refuses_everything_below_it() {
    let (_dir, mut authority) = authority();
    let alice = authority.issue(&client("alice"), now()).unwrap();
    let issuing = authority.inventory().unwrap()[0].clone();
    assert_eq!(issuing.usage, Purpose::Authority);
    authority
        .revoke(&issuing.serial, RevocationReason::CaCompromise, now())
        .unwrap();
    assert_eq!(
        verify_again(&trust(&authority), &chain(&alice), now()),
        Err(Reason::Revoked)
    );
}

#[test]
fn a_list_past_its_next_update_refuses_and_a_new_one_helps() {
    let (_dir, mut authority) = authority();
    let alice = authority
        .issue(
            &Request {
                validity: 90 * DAY,
                ..client("alice")
            },
            now(),
        )
        .unwrap();
    let later = now() + 8 * DAY;
    assert_eq!(
        verify_again(&trust(&authority), &chain(&alice), later),
        Err(Reason::CrlExpired)
    );
    assert!(!authority.is_crl_stale(now() + DAY).unwrap());
    assert!(authority.is_crl_stale(now() + 4 * DAY).unwrap());
    authority.crl(later).unwrap();
    assert!(!authority.is_crl_stale(later).unwrap());
    assert_eq!(
        verify_again(&trust(&authority), &chain(&alice), later),
        Ok(())
    );
}

#[test]
fn a_chain_without_the_roots_list_has_an_unknown_status() {
    let (_dir, mut authority) = authority();
    let alice = authority.issue(&client("alice"), now()).unwrap();
    let crls = authority.crls_pem().unwrap();
    let issuing_only = crls
        .split_inclusive("-----END X509 CRL-----\n")
        .next()
        .unwrap();
    let file = TrustFile {
        anchors: authority.root_pem().into(),
        crls: vec![issuing_only.into()],
        profile: Profile::Strict,
    };
    assert_eq!(
        verify_again(&Trust::try_from(&file).unwrap(), &chain(&alice), now()),
        Err(Reason::RevocationUnknown)
    );
}

#[test]
fn an_old_list_does_not_hide_a_newer_one_in_the_same_file() {
    let (_dir, mut authority) = authority();
    let alice = authority.issue(&client("alice"), now()).unwrap();
    let old = authority.crls_pem().unwrap();
    authority
        .revoke(&alice.entry.serial, RevocationReason::Superseded, now())
        .unwrap();
    let new = authority.crls_pem().unwrap();
    for crls in [
        vec![old.clone().into(), new.clone().into()],
        vec![new.into(), old.into()],
    ] {
        let file = TrustFile {
            anchors: authority.root_pem().into(),
            crls,
            profile: Profile::Strict,
        };
        assert_eq!(
            verify_again(&Trust::try_from(&file).unwrap(), &chain(&alice), now()),
            Err(Reason::Revoked)
        );
    }
}

#[test]
fn a_revocation_leaves_the_list_only_after_the_certificates_end() {
    let (_dir, mut authority) = authority();
    let alice = authority.issue(&client("alice"), now()).unwrap();
    authority
        .revoke(&alice.entry.serial, RevocationReason::Unspecified, now())
        .unwrap();
    let end = alice.entry.not_after;
    assert_eq!(
        listed(&authority.crl(end + DAY).unwrap()),
        [alice.entry.serial.as_str()]
    );
    assert!(listed(&authority.crl(end + 8 * DAY).unwrap()).is_empty());
}

#[test]
fn the_lists_numbers_only_rise() {
    let (dir, mut authority) = authority();
    let mut last = numbers(&authority.crls_pem().unwrap());
    for round in 0..5 {
        let next = numbers(
            &Authority::open(dir.path())
                .unwrap()
                .crl(now() + HOUR * round)
                .unwrap(),
        );
        assert!(
            next.iter().zip(&last).all(|(next, last)| next > last),
            "{last:?} then {next:?}"
        );
        last = next;
    }
    let _ = authority.crl(now());
}

#[test]
fn the_roots_key_may_be_away_for_everything_but_revoking_the_issuing_ca() {
    let (dir, mut authority) = authority();
    let (key, away) = (dir.path().join(ROOT_KEY), dir.path().join("away"));
    fs::rename(&key, &away).unwrap();
    let alice = authority.issue(&client("alice"), now()).unwrap();
    authority
        .revoke(&alice.entry.serial, RevocationReason::Unspecified, now())
        .unwrap();
    assert_eq!(
        verify_again(&trust(&authority), &chain(&alice), now()),
        Err(Reason::Revoked)
    );
    assert!(!authority.is_crl_stale(now()).unwrap());
    let issuing = authority.inventory().unwrap()[0].serial.clone();
    let error = authority
        .revoke(&issuing, RevocationReason::CaCompromise, now())
        .unwrap_err();
    assert!(matches!(error, AuthorityError::RootKeyAway(_)), "{error}");
    assert_eq!(authority.inventory().unwrap()[0].revoked_at, None);
    fs::rename(&away, &key).unwrap();
    authority
        .revoke(&issuing, RevocationReason::CaCompromise, now())
        .unwrap();
}

#[test]
fn requests_that_the_profile_does_not_allow_are_refused_and_leave_no_trace() {
    let (_dir, mut authority) = authority();
    let with = |change: &dyn Fn(&mut Request)| {
        let mut request = client("alice");
        change(&mut request);
        request
    };
    let refused = [
        server(&[]),
        server(&["email:a@b.example", "dns:a.example"]),
        Request {
            common_name: Some("other.example".to_owned()),
            ..server(&["dns:a.example"])
        },
        with(&|request| (request.common_name, request.sans) = (None, Vec::new())),
        with(&|request| request.common_name = Some("a\0b".to_owned())),
        with(&|request| request.common_name = Some("长".repeat(65))),
        with(&|request| request.validity = Duration::ZERO),
        with(&|request| request.validity = 399 * DAY),
        with(&|request| {
            request
                .sans
                .push(AltName::Uri("spiffe://hangu.example/other".to_owned()))
        }),
        with(&|request| {
            request.key = Key::Csr(
                b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"
                    .to_vec(),
            )
        }),
    ];
    for request in refused {
        let error = authority.issue(&request, now()).unwrap_err();
        assert!(
            !matches!(
                error,
                AuthorityError::Build(_) | AuthorityError::Unreadable(_)
            ),
            "{request:?}: {error}"
        );
    }
    assert_eq!(authority.inventory().unwrap().len(), 1);
}

#[test]
fn a_leaf_never_outlives_the_issuing_ca() {
    let (_dir, mut authority) = authority();
    let error = authority
        .issue(&client("alice"), now() + 1095 * DAY - HOUR)
        .unwrap_err();
    assert!(matches!(error, AuthorityError::Validity { .. }), "{error}");
}

#[test]
fn a_csr_brings_its_key_and_nothing_else() {
    let (_dir, mut authority) = authority();
    for algorithm in [
        &rcgen::PKCS_ECDSA_P256_SHA256,
        &rcgen::PKCS_ECDSA_P384_SHA384,
        &rcgen::PKCS_ED25519,
        &rcgen::PKCS_RSA_SHA256,
    ] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let mut wish = rcgen::CertificateParams::new(vec!["admin.example".to_owned()]).unwrap();
        wish.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        wish.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        let csr = wish.serialize_request(&key).unwrap();
        let issued = authority
            .issue(
                &Request {
                    key: Key::Csr(csr.pem().unwrap().into()),
                    ..client("alice")
                },
                now(),
            )
            .unwrap();
        assert!(issued.key_pem.is_none());
        verify_again(&trust(&authority), &chain(&issued), now()).unwrap();
        let identity = PeerIdentity::from_der(&chain(&issued)[0]).unwrap();
        assert!(identity.dns.is_empty(), "{identity:?}");
        let mut forged = csr.der().to_vec();
        *forged.last_mut().unwrap() ^= 1;
        let error = authority.issue(
            &Request {
                key: Key::Csr(pem_block("CERTIFICATE REQUEST", &forged)),
                ..client("alice")
            },
            now(),
        );
        assert!(matches!(error, Err(AuthorityError::Csr(_))), "{error:?}");
    }
}

#[test]
fn serial_numbers_are_128_random_bits() {
    let (_dir, mut authority) = authority();
    let serials: HashSet<_> = (0..50)
        .map(|_| {
            authority
                .issue(&client("alice"), now())
                .unwrap()
                .entry
                .serial
        })
        .collect();
    assert_eq!(serials.len(), 50);
    assert!(
        serials.iter().filter(|serial| serial.len() >= 30).count() > 45,
        "{serials:?}"
    );
}

#[test]
fn a_line_torn_anywhere_is_as_if_it_had_never_been_written() {
    let (dir, mut authority) = authority();
    authority.issue(&client("alice"), now()).unwrap();
    let path = dir.path().join("inventory.jsonl");
    let before = fs::read(&path).unwrap();
    authority.issue(&client("bob"), now()).unwrap();
    let whole = fs::read(&path).unwrap();
    for length in before.len()..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let mut authority = Authority::open(dir.path()).unwrap();
        assert_eq!(authority.inventory().unwrap().len(), 2, "torn at {length}");
        authority.issue(&client("carol"), now()).unwrap();
        let subjects: Vec<_> = authority
            .inventory()
            .unwrap()
            .iter()
            .map(|entry| entry.subject.clone())
            .collect();
        assert!(subjects[2].starts_with("CN=carol"), "{subjects:?}");
        assert_eq!(
            Authority::open(dir.path())
                .unwrap()
                .inventory()
                .unwrap()
                .len(),
            3
        );
    }
}

#[test]
fn a_damaged_line_in_the_middle_is_reported_and_not_repaired() {
    let (dir, mut authority) = authority();
    authority.issue(&client("alice"), now()).unwrap();
    let path = dir.path().join("inventory.jsonl");
    let mut bytes = fs::read(&path).unwrap();
    bytes[10] = 0xff;
    fs::write(&path, &bytes).unwrap();
    let error = Authority::open(dir.path()).unwrap_err();
    assert!(matches!(&error, AuthorityError::Damaged { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

/// Cuts `operation` off after every number of steps in turn and hands the folder to `check`, until it runs through.
fn cut_off_everywhere<T>(
    prepare: impl Fn() -> (TempDir, T),
    operation: impl Fn(&TempDir, &T) -> Result<(), AuthorityError>,
    check: impl Fn(usize, &TempDir, &T),
) {
    for steps in 0.. {
        let (dir, given) = prepare();
        fault::after(Some(steps));
        let outcome = operation(&dir, &given);
        fault::after(None);
        check(steps, &dir, &given);
        if outcome.is_ok() {
            assert!(steps > 3, "the operation has no steps to cut it off at");
            return;
        }
    }
}

#[test]
fn an_init_cut_off_anywhere_can_be_run_again() {
    cut_off_everywhere(
        || (tempfile::tempdir().unwrap(), ()),
        |dir, ()| Authority::init(dir.path(), Names::of("Hangu Test"), now()).map(drop),
        |steps, dir, ()| {
            if !dir.path().join(STATE).exists() {
                assert!(
                    matches!(Authority::open(dir.path()), Err(AuthorityError::Absent(_))),
                    "after {steps} steps"
                );
                Authority::init(dir.path(), Names::of("Hangu Test"), now()).unwrap();
            }
            let mut authority = Authority::open(dir.path()).unwrap();
            let alice = authority.issue(&client("alice"), now()).unwrap();
            assert_eq!(
                authority.inventory().unwrap().len(),
                2,
                "after {steps} steps"
            );
            verify_again(&trust(&authority), &chain(&alice), now()).unwrap();
        },
    );
}

#[test]
fn an_issue_cut_off_anywhere_leaves_an_authority_that_issues_and_knows_all_it_handed_out() {
    cut_off_everywhere(
        || {
            let (dir, mut authority) = authority();
            let alice = authority.issue(&client("alice"), now()).unwrap();
            (dir, alice.entry.serial)
        },
        |dir, _| {
            Authority::open(dir.path())?
                .issue(&client("bob"), now())
                .map(drop)
        },
        |steps, dir, alice| {
            let mut authority = Authority::open(dir.path()).unwrap();
            let carol = authority.issue(&client("carol"), now()).unwrap();
            let serials: Vec<_> = authority
                .inventory()
                .unwrap()
                .iter()
                .map(|entry| entry.serial.clone())
                .collect();
            assert!(
                serials.contains(alice) && serials.contains(&carol.entry.serial),
                "after {steps} steps"
            );
            verify_again(&trust(&authority), &chain(&carol), now()).unwrap();
        },
    );
}

#[test]
fn a_revoke_cut_off_anywhere_is_finished_by_the_next() {
    cut_off_everywhere(
        || {
            let (dir, mut authority) = authority();
            let alice = authority.issue(&client("alice"), now()).unwrap();
            (dir, alice)
        },
        |dir, alice| {
            Authority::open(dir.path())?
                .revoke(&alice.entry.serial, RevocationReason::KeyCompromise, now())
                .map(drop)
        },
        |steps, dir, alice| {
            let mut authority = Authority::open(dir.path()).unwrap();
            let before = numbers(&authority.crls_pem().unwrap());
            let recorded = authority
                .inventory()
                .unwrap()
                .iter()
                .any(|entry| entry.revoked_at.is_some());
            let on_list = !listed(&authority.crls_pem().unwrap()).is_empty();
            assert!(
                recorded || !on_list,
                "on the list and not in the inventory after {steps} steps"
            );
            assert_eq!(
                authority.is_crl_stale(now()).unwrap(),
                recorded && !on_list,
                "after {steps} steps"
            );
            authority
                .revoke(&alice.entry.serial, RevocationReason::KeyCompromise, now())
                .unwrap();
            assert_eq!(
                verify_again(&trust(&authority), &chain(alice), now()),
                Err(Reason::Revoked),
                "after {steps} steps"
            );
            assert!(
                numbers(&authority.crls_pem().unwrap()) > before,
                "after {steps} steps"
            );
        },
    );
}

/// The other process of `two_processes_issue_into_one_inventory`; on its own it does nothing.
#[test]
fn other_process() {
    let Some(dir) = std::env::var_os("HANGU_PKI_TEST_DIR") else {
        return;
    };
    let mut authority = Authority::open(Path::new(&dir)).unwrap();
    for round in 0..20 {
        let issued = authority.issue(&client("other"), now()).unwrap();
        if round % 5 == 0 {
            authority
                .revoke(&issued.entry.serial, RevocationReason::Superseded, now())
                .unwrap();
        }
    }
}

#[test]
fn two_processes_issue_into_one_inventory() {
    let (dir, mut authority) = authority();
    let mut others: Vec<_> = (0..2)
        .map(|_| {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command
                .args(["--exact", "authority::tests::other_process"])
                .env("HANGU_PKI_TEST_DIR", dir.path());
            command.stdout(std::process::Stdio::null()).spawn().unwrap()
        })
        .collect();
    for _ in 0..20 {
        authority.issue(&client("this"), now()).unwrap();
    }
    for other in &mut others {
        assert!(other.wait().unwrap().success());
    }
    let entries = authority.inventory().unwrap();
    let serials: HashSet<_> = entries.iter().map(|entry| &entry.serial).collect();
    assert_eq!((entries.len(), serials.len()), (61, 61));
    let revoked = entries
        .iter()
        .filter(|entry| entry.revoked_at.is_some())
        .count();
    assert_eq!(revoked, 8);
    assert_eq!(listed(&authority.crls_pem().unwrap()).len(), 8);
    assert_eq!(numbers(&authority.crls_pem().unwrap()), [9, 9]);
}

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
