use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

use jiff::SignedDuration;

use super::*;
use crate::token::tests::at;

static WANGS: LazyLock<String> = LazyLock::new(|| hash_password("correct horse").unwrap());

fn wang() -> LocalIdentityFile {
    LocalIdentityFile {
        login: "wang".into(),
        password: WANGS.clone(),
        caller: toml::from_str("id = 'u:wang'\nkind = 'person'\nassurance = 2\nclearance = 1")
            .unwrap(),
        disabled: false,
    }
}

fn identities() -> LocalIdentities {
    LocalIdentities::new(vec![wang()], &LockoutFile::default()).unwrap()
}

fn address(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

#[test]
fn the_right_password_gives_the_caller_and_a_wrong_one_does_not() {
    let identities = identities();
    let caller = identities
        .verify("wang", "correct horse", address(1), at(0))
        .unwrap();
    assert_eq!(
        (caller.id.as_str(), caller.proof, caller.assurance.level()),
        ("u:wang", Proof::Session, 2)
    );
    assert!(
        identities
            .verify(" WANG ", "correct horse", address(1), at(0))
            .is_ok(),
        "case and white space do not matter"
    );
    for (login, password) in [
        ("wang", "Correct horse"),
        ("wang", ""),
        ("wang", "correct horse "),
        ("li", "correct horse"),
        ("", ""),
    ] {
        let refused = identities.verify(login, password, address(1), at(0));
        assert_eq!(refused, Err(SignInRefusal::Wrong), "{login} {password}");
    }
}

#[test]
fn a_disabled_identity_is_refused_in_the_words_of_a_wrong_password() {
    let identities = LocalIdentities::new(
        vec![LocalIdentityFile {
            disabled: true,
            ..wang()
        }],
        &LockoutFile::default(),
    )
    .unwrap();
    assert_eq!(
        identities.verify("wang", "correct horse", address(1), at(0)),
        Err(SignInRefusal::Wrong)
    );
}

#[test]
fn no_identities_means_nobody_signs_in() {
    let none = LocalIdentities::new(vec![], &LockoutFile::default()).unwrap();
    assert_eq!(
        none.verify("admin", "admin", address(1), at(0)),
        Err(SignInRefusal::Wrong)
    );
}

#[test]
fn an_unknown_name_takes_as_long_as_a_known_one() {
    let identities = identities();
    let quickest = |login: &str| {
        let time = |n: u8| {
            let start = Instant::now();
            let _ = identities.verify(login, "wrong", address(n), at(i64::from(n) * 100_000));
            start.elapsed()
        };
        (0..5).map(time).min().unwrap()
    };
    let (known, unknown) = (quickest("wang"), quickest("nobody"));
    // An answer without the dummy hash is a thousand times quicker; half leaves room for a busy machine.
    assert!(
        unknown > known / 2 && unknown > Duration::from_millis(1),
        "known {known:?}, unknown {unknown:?}"
    );
}

#[test]
fn a_name_locks_after_five_failures_with_waits_that_double_up_to_a_limit() {
    let identities = identities();
    for n in 0..5 {
        assert_eq!(
            identities.verify("wang", "wrong", address(n), at(0)),
            Err(SignInRefusal::Wrong)
        );
    }
    let mut now = 0;
    for wait in [30, 60, 120, 240, 480, 900, 900] {
        let locked = identities.verify("wang", "correct horse", address(9), at(now + wait - 1));
        assert_eq!(
            locked,
            Err(SignInRefusal::Locked {
                until: at(now + wait)
            }),
            "the right password waits as well"
        );
        now += wait;
        assert_eq!(
            identities.verify("wang", "wrong", address(9), at(now)),
            Err(SignInRefusal::Wrong)
        );
    }
    assert!(
        identities
            .verify("wang", "correct horse", address(10), at(now + 900))
            .is_ok()
    );
    assert_eq!(
        identities.verify("wang", "wrong", address(10), at(now + 901)),
        Err(SignInRefusal::Wrong),
        "counting begins anew"
    );
}

#[test]
fn a_name_that_does_not_exist_locks_just_the_same() {
    let identities = identities();
    for n in 0..5 {
        assert_eq!(
            identities.verify("ghost", "x", address(n), at(0)),
            Err(SignInRefusal::Wrong)
        );
    }
    assert_eq!(
        identities.verify("ghost", "x", address(9), at(0)),
        Err(SignInRefusal::Locked { until: at(30) })
    );
}

#[test]
fn an_address_that_tries_many_names_locks_and_the_names_stay_open_to_others() {
    let quick = LockoutFile {
        per_address: 3,
        ..LockoutFile::default()
    };
    let identities = LocalIdentities::new(vec![wang()], &quick).unwrap();
    for n in 0..3 {
        let name = format!("name{n}");
        assert_eq!(
            identities.verify(&name, "x", address(1), at(0)),
            Err(SignInRefusal::Wrong)
        );
    }
    for _ in 0..20 {
        let locked = identities.verify("wang", "wrong", address(1), at(0));
        assert_eq!(locked, Err(SignInRefusal::Locked { until: at(30) }));
    }
    assert!(
        identities
            .verify("wang", "correct horse", address(2), at(0))
            .is_ok()
    );
}

#[test]
fn a_success_does_not_clear_the_failures_of_the_address() {
    let quick = LockoutFile {
        per_address: 3,
        ..LockoutFile::default()
    };
    let identities = LocalIdentities::new(vec![wang()], &quick).unwrap();
    assert!(identities.verify("a", "x", address(1), at(0)).is_err());
    assert!(identities.verify("b", "x", address(1), at(0)).is_err());
    assert!(
        identities
            .verify("wang", "correct horse", address(1), at(0))
            .is_ok()
    );
    assert_eq!(
        identities.verify("c", "x", address(1), at(0)),
        Err(SignInRefusal::Wrong)
    );
    assert!(matches!(
        identities.verify("d", "x", address(1), at(0)),
        Err(SignInRefusal::Locked { .. })
    ));
}

#[test]
fn attempts_side_by_side_do_not_slip_under_the_limit() {
    let identities = identities();
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let attempt = |n: u8| {
            scope.spawn({
                let identities = &identities;
                move || identities.verify("wang", "wrong", address(n), at(0))
            })
        };
        let threads: Vec<_> = (0..12).map(attempt).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| **outcome == Err(SignInRefusal::Wrong))
            .count(),
        5
    );
}

#[test]
fn a_reload_unlocks_nobody_but_an_administrator_can() {
    let first = identities();
    for n in 0..5 {
        let _ = first.verify("wang", "wrong", address(n), at(0));
    }
    let second = first.reloaded(vec![wang()]).unwrap();
    assert!(matches!(
        second.verify("wang", "correct horse", address(9), at(1)),
        Err(SignInRefusal::Locked { .. })
    ));
    second.unlock("Wang");
    assert!(
        second
            .verify("wang", "correct horse", address(9), at(1))
            .is_ok()
    );
}

#[test]
fn failures_are_forgotten_after_a_day() {
    let identities = identities();
    for n in 0..4 {
        let _ = identities.verify("wang", "wrong", address(n), at(0));
    }
    let day = SignedDuration::from_hours(24).as_secs();
    assert_eq!(
        identities.verify("wang", "wrong", address(1), at(day)),
        Err(SignInRefusal::Wrong)
    );
    assert_eq!(
        identities.verify("wang", "wrong", address(1), at(day)),
        Err(SignInRefusal::Wrong)
    );
}

#[test]
fn an_overlong_password_is_wrong_even_if_its_beginning_is_right() {
    let long = "p".repeat(MAX_PASSWORD);
    let identity = LocalIdentityFile {
        password: hash_password(&long).unwrap(),
        ..wang()
    };
    let identities = LocalIdentities::new(vec![identity], &LockoutFile::default()).unwrap();
    assert!(identities.verify("wang", &long, address(1), at(0)).is_ok());
    assert_eq!(
        identities.verify("wang", &format!("{long}p"), address(1), at(0)),
        Err(SignInRefusal::Wrong)
    );
    assert_eq!(hash_password(&format!("{long}p")), Err(HashError::Length));
    assert_eq!(hash_password(""), Err(HashError::Length));
}

#[test]
fn hashes_that_are_weak_or_ruinous_are_refused_when_they_are_read() {
    let base = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$";
    let hash = "RdescudvJCsgt3ub+b4dWRWJTmaaJObG";
    let file = |password: String| LocalIdentityFile { password, ..wang() };
    let problem = |password: String| match LocalIdentities::new(
        vec![file(password)],
        &LockoutFile::default(),
    ) {
        Err(LocalSetupError::Identities(errors)) => {
            errors.into_iter().next().map(|error| error.problem)
        }
        Ok(_) | Err(LocalSetupError::Lockout(_) | LocalSetupError::Random) => None,
    };
    assert_eq!(problem(format!("{base}{hash}")), None);
    for bad in [
        "",
        "secret",
        "{SSHA}x",
        &base.replace("argon2id", "argon2i"),
    ] {
        assert_eq!(
            problem(format!("{bad}{hash}")),
            Some(LocalProblem::NotArgon2id),
            "{bad}"
        );
    }
    for (good, bad) in [
        ("m=19456", "m=1024"),
        ("m=19456", "m=4194304"),
        ("t=2", "t=1"),
        ("t=2", "t=1000"),
    ] {
        assert_eq!(
            problem(format!("{}{hash}", base.replace(good, bad))),
            Some(LocalProblem::Parameters),
            "{bad}"
        );
    }
}

#[test]
fn every_mistake_in_the_identities_is_reported() {
    let named = |login: &str| LocalIdentityFile {
        login: login.into(),
        ..wang()
    };
    let nobody = LocalIdentityFile {
        caller: CallerFile {
            id: "root".into(),
            ..wang().caller
        },
        ..named("b")
    };
    match LocalIdentities::new(
        vec![named("a"), named("A"), named(" x"), nobody],
        &LockoutFile::default(),
    ) {
        Err(LocalSetupError::Identities(errors)) => assert_eq!(errors.len(), 3, "{errors:?}"),
        other => panic!("{other:?}"),
    }
    let misspelt =
        "login = 'a'\npassword = ''\ndisable = true\ncaller = { id = 'u:a', kind = 'person' }";
    assert!(toml::from_str::<LocalIdentityFile>(misspelt).is_err());
}
