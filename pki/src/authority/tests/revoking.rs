//! What revocation does, and what the lists say.

use super::*;

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
fn a_certificate_that_says_where_its_list_is_passes_like_any_other() {
    let dir = tempfile::tempdir().unwrap();
    let names = Names {
        crl_url: Some("http://pki.example/crl.pem".to_owned()),
        ..Names::of("Hangu Test")
    };
    let mut authority = Authority::init(dir.path(), names, now()).unwrap();
    let alice = authority.issue(&client("alice"), now()).unwrap();
    assert_eq!(
        verify_again(&trust(&authority), &chain(&alice), now()),
        Ok(())
    );
    authority
        .revoke(&alice.entry.serial, RevocationReason::Superseded, now())
        .unwrap();
    assert_eq!(
        verify_again(&trust(&authority), &chain(&alice), now()),
        Err(Reason::Revoked)
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
fn a_chain_accepted_before_is_refused_once_its_certificate_or_list_has_run_out() {
    let (_dir, mut authority) = authority();
    let short = authority.issue(&client("alice"), now()).unwrap();
    let long = authority
        .issue(
            &Request {
                validity: 90 * DAY,
                ..client("bob")
            },
            now(),
        )
        .unwrap();
    let trust = trust(&authority);
    for _ in 0..3 {
        assert_eq!(verify_again(&trust, &chain(&short), now()), Ok(()));
        assert_eq!(
            verify_again(&trust, &chain(&short), now() + 2 * DAY),
            Err(Reason::Expired)
        );
        assert_eq!(
            verify_again(&trust, &chain(&short), now() - DAY),
            Err(Reason::NotYetValid)
        );
        assert_eq!(verify_again(&trust, &chain(&long), now() + 6 * DAY), Ok(()));
        let due = now() + 7 * DAY;
        assert_eq!(
            verify_again(&trust, &chain(&long), due - Duration::from_secs(1)),
            Ok(())
        );
        assert_eq!(
            verify_again(&trust, &chain(&long), due),
            Err(Reason::CrlExpired)
        );
    }
}
