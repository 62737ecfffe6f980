//! A crash or a full disk at any step, and two processes at once.

use super::*;

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
                .args(["--exact", "authority::tests::crash::other_process"])
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
