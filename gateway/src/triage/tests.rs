//! Marks and exceptions over restarts, beside another process, and over a store that breaks.

use std::fs;
use std::sync::Arc;

use super::exception::{Deed, State, Step, Terms};
use super::grants::Grants;
use super::mark::{Mark, Verdict};
use super::past::Counted;
use super::scope::Scope;
use super::{FILE, Fault, Triage};

fn terms(by: &str, until_ms: u64) -> Terms {
    Terms {
        scope: Scope {
            rule: "sqli-union".to_owned(),
            portal: "staff".to_owned(),
            path: Some("/a".to_owned()),
            parameter: Some("q".to_owned()),
        },
        reason: "r".to_owned(),
        by: by.to_owned(),
        created_ms: 1,
        until_ms,
        approvals: 1,
        because: Vec::new(),
        event: Some(7),
        reach: Counted::default(),
    }
}

fn step(what: Deed, by: &str, at_ms: u64) -> Step {
    Step {
        what,
        by: by.to_owned(),
        reason: "r".to_owned(),
        at_ms,
    }
}

fn held(grants: &Grants, now_ms: u64) -> bool {
    let of = grants.of("staff");
    of.is_some_and(|all| all.iter().any(|one| one.holds("/a", now_ms)))
}

fn open(folder: &tempfile::TempDir) -> (Triage, Arc<Grants>) {
    let grants = Arc::<Grants>::default();
    let triage = Triage::open(folder.path().join(FILE), Arc::clone(&grants), 10);
    (triage, grants)
}

#[test]
fn an_approved_exception_holds_at_once_over_a_restart_and_until_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let (triage, grants) = open(&folder);
    let id = triage.propose(terms("u:chen", 1_000)).unwrap().id;
    assert!(!held(&grants, 10), "nothing holds before it is approved");
    let own = triage.step(id, step(Deed::Approve, "u:chen", 11));
    assert!(matches!(own, Err(Fault::Refused(_))));
    assert!(!held(&grants, 11));
    triage.step(id, step(Deed::Approve, "u:zhou", 12)).unwrap();
    assert!(held(&grants, 12));
    drop(triage);

    let (triage, grants) = open(&folder);
    assert!(held(&grants, 13));
    assert!(
        held(&grants, 999) && !held(&grants, 1_000),
        "it ends by itself"
    );
    assert!(triage.expire(999).unwrap().is_empty());
    let ended = triage.expire(1_000).unwrap();
    assert_eq!(ended.len(), 1);
    assert!(triage.expire(1_001).unwrap().is_empty(), "once");
    assert!(grants.of("staff").is_none());
}

#[test]
fn what_one_process_ends_does_not_hold_in_another() {
    let folder = tempfile::tempdir().unwrap();
    let (one, mine) = open(&folder);
    let (other, theirs) = open(&folder);
    let id = one.propose(terms("u:chen", 1_000)).unwrap().id;
    other.step(id, step(Deed::Approve, "u:zhou", 12)).unwrap();
    assert!(held(&theirs, 12));
    let state = one.read(12, |book| book.exception(id).unwrap().state(12));
    assert_eq!(state.unwrap(), State::InForce);
    assert!(held(&mine, 12));
    one.step(id, step(Deed::End, "u:chen", 13)).unwrap();
    assert!(!held(&mine, 13));
    other.read(14, |_| ()).unwrap();
    assert!(!held(&theirs, 14));
    let again = other.step(id, step(Deed::End, "u:zhou", 15));
    assert!(matches!(again, Err(Fault::Refused(_))));
}

#[test]
fn a_store_that_breaks_ends_every_exception_and_one_that_is_whole_again_brings_them_back() {
    let folder = tempfile::tempdir().unwrap();
    let (triage, grants) = open(&folder);
    let id = triage.propose(terms("u:chen", 1_000)).unwrap().id;
    triage.step(id, step(Deed::Approve, "u:zhou", 12)).unwrap();
    drop(triage);

    let (file, aside) = (folder.path().join(FILE), folder.path().join("aside"));
    fs::copy(&file, &aside).unwrap();
    fs::write(&file, vec![7; 8192]).unwrap();
    let (triage, now) = open(&folder);
    assert!(held(&grants, 13), "as the process before knew it");
    assert!(!held(&now, 13));
    assert!(matches!(triage.read(13, |_| ()), Err(Fault::Store(_))));
    assert!(matches!(
        triage.propose(terms("u:chen", 1_000)),
        Err(Fault::Store(_))
    ));
    assert!(triage.expire(13).is_err());

    for log in ["triage.db-wal", "triage.db-shm"] {
        let _absent = fs::remove_file(folder.path().join(log));
    }
    fs::copy(&aside, &file).unwrap();
    triage.read(14, |_| ()).unwrap();
    assert!(held(&now, 14));
}

#[test]
fn an_entry_that_was_forged_ends_every_exception() {
    let folder = tempfile::tempdir().unwrap();
    let (triage, grants) = open(&folder);
    let id = triage.propose(terms("u:chen", 1_000)).unwrap().id;
    triage.step(id, step(Deed::Approve, "u:zhou", 12)).unwrap();
    assert!(held(&grants, 12));
    let other = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    let forged =
        "INSERT INTO entry (number, kind, exception, body) VALUES (99, 'mark', NULL, '{}')";
    other.execute(forged, []).unwrap();
    assert!(matches!(triage.read(13, |_| ()), Err(Fault::Store(_))));
    assert!(!held(&grants, 13));
}

#[test]
fn the_last_mark_counts_and_can_be_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let (triage, _) = open(&folder);
    let say = |mark, by: &str, at_ms| {
        let mark = Mark {
            event: 7,
            rule: "sqli-union".to_owned(),
            portal: "staff".to_owned(),
            mark,
            note: String::new(),
            by: by.to_owned(),
            at_ms,
        };
        triage.mark(mark).unwrap();
    };
    let said = |triage: &Triage| {
        let said = triage.read(20, |book| {
            let mark = book.mark(7, "sqli-union");
            mark.map(|mark| (mark.mark, mark.by.clone(), mark.at_ms))
        });
        said.unwrap()
    };
    say(Verdict::FalsePositive, "u:chen", 11);
    say(Verdict::TruePositive, "u:zhou", 12);
    let last = Some((Verdict::TruePositive, "u:zhou".to_owned(), 12));
    assert_eq!(said(&triage), last);
    let (again, _) = open(&folder);
    assert_eq!(said(&again), last);
    say(Verdict::None, "u:zhou", 13);
    assert_eq!(said(&triage), None);
    assert_eq!(triage.read(20, |book| book.marks().count()).unwrap(), 0);
}
