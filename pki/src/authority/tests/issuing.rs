//! What can be had from an authority, and what cannot.

use super::*;

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
fn names_that_make_no_authority_are_refused_before_anything_is_written() {
    let good = Names::of("Hangu Test");
    for names in [
        Names::of(""),
        Names::of(&"x".repeat(60)),
        Names {
            root: good.issuing.clone(),
            ..good.clone()
        },
        Names {
            crl_url: Some("https://pki.example/crl.pem".to_owned()),
            ..good.clone()
        },
        Names {
            issuing_validity: 4000 * DAY,
            ..good.clone()
        },
        Names {
            crl_validity: Duration::ZERO,
            ..good
        },
    ] {
        let dir = tempfile::tempdir().unwrap();
        let error = Authority::init(&dir.path().join("pki"), names, now()).unwrap_err();
        assert!(matches!(error, AuthorityError::Setting(_)), "{error}");
        assert!(!dir.path().join("pki").exists());
    }
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
