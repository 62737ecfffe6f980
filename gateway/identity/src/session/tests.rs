use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{journal::Durability, *};

mod model;
use crate::{caller::CallerFile, caller::Proof, token::tests::at};

fn caller(id: &str) -> Arc<Caller> {
    let file: CallerFile =
        toml::from_str(&format!("id = '{id}'\nkind = 'person'\nassurance = 2")).unwrap();
    Arc::new(file.resolve(Proof::Session).unwrap())
}

fn limits() -> SessionLimitsFile {
    toml::from_str("idle = '10m'\nabsolute = '1h'\nper-caller = 3\ntotal = 5").unwrap()
}

fn sessions() -> Sessions {
    Sessions::open(limits(), NoJournal, vec![], at(0)).unwrap()
}

fn outcome(sessions: &Sessions, id: &str, seconds: i64) -> Result<String, SessionRefusal> {
    sessions
        .find(id, None, at(seconds))
        .map(|session| session.caller().id.clone())
}

#[test]
fn a_session_opens_with_its_id_and_with_no_other_text() {
    let sessions = sessions();
    let id = sessions.start(caller("u:wang"), None, None, at(0)).unwrap();
    assert_eq!(outcome(&sessions, id.as_str(), 1), Ok("u:wang".into()));
    assert_eq!(id.as_str().len(), ID_LENGTH);
    let never_given = "A".repeat(ID_LENGTH);
    assert_eq!(
        outcome(&sessions, &never_given, 1),
        Err(SessionRefusal::Ended)
    );
    let first = id.as_str().chars().next().unwrap();
    let padded = format!("{}=", id.as_str());
    for bad in [
        "",
        "x",
        &padded,
        &id.as_str()[1..],
        &"!".repeat(ID_LENGTH),
        &"é".repeat(ID_LENGTH / 2),
    ] {
        assert_eq!(
            outcome(&sessions, bad, 1),
            Err(SessionRefusal::Malformed),
            "{bad}"
        );
    }
    assert_eq!(
        outcome(
            &sessions,
            &id.as_str()
                .replacen(first, if first == 'x' { "y" } else { "x" }, 1),
            1
        ),
        Err(SessionRefusal::Ended)
    );
}

#[test]
fn neither_list_nor_journal_contains_an_id() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions");
    let (journal, past) = FileJournal::open(&path).unwrap();
    let sessions = Sessions::open(limits(), journal, past, at(0)).unwrap();
    let id = sessions.start(caller("u:wang"), None, None, at(0)).unwrap();
    assert!(
        !std::fs::read_to_string(&path)
            .unwrap()
            .contains(id.as_str())
    );
    assert!(!format!("{:?} {sessions:?} {id:?}", sessions.list(None, at(0))).contains(id.as_str()));
}

#[test]
fn an_id_planted_before_signing_in_is_never_adopted() {
    let sessions = sessions();
    let planted = "P".repeat(ID_LENGTH - 1) + "A";
    let id = sessions
        .start(caller("u:wang"), Some(&planted), None, at(0))
        .unwrap();
    assert_ne!(id.as_str(), planted);
    assert_eq!(outcome(&sessions, &planted, 1), Err(SessionRefusal::Ended));
}

#[test]
fn signing_in_ends_the_session_the_browser_came_with() {
    let sessions = sessions();
    let attackers = sessions
        .start(caller("u:mallory"), None, None, at(0))
        .unwrap();
    let id = sessions
        .start(caller("u:wang"), Some(attackers.as_str()), None, at(1))
        .unwrap();
    assert_eq!(
        outcome(&sessions, attackers.as_str(), 2),
        Err(SessionRefusal::Ended)
    );
    assert_eq!(outcome(&sessions, id.as_str(), 2), Ok("u:wang".into()));
}

#[test]
fn rotation_ends_the_old_id_keeps_the_sign_in_time_and_takes_the_new_caller() {
    let sessions = sessions();
    let old = sessions
        .start(caller("u:wang"), None, Some([1; 32]), at(0))
        .unwrap();
    let stronger = Arc::new(Caller {
        assurance: crate::Assurance::MAX,
        ..Caller::clone(&caller("u:wang"))
    });
    let new = sessions
        .rotate(old.as_str(), Some(stronger), at(500))
        .unwrap();
    assert_eq!(
        outcome(&sessions, old.as_str(), 500),
        Err(SessionRefusal::Ended)
    );
    let session = sessions
        .find(new.as_str(), Some(&[1; 32]), at(500))
        .unwrap();
    assert_eq!(
        (session.caller().assurance.level(), session.started()),
        (4, at(0))
    );
    assert_eq!(
        sessions.find(new.as_str(), None, at(500)).unwrap_err(),
        SessionRefusal::OtherCertificate
    );
    assert!(matches!(
        sessions.rotate(old.as_str(), None, at(501)),
        Err(SessionStartError::Ended)
    ));
    assert!(matches!(
        sessions.rotate(new.as_str(), None, at(3600)),
        Err(SessionStartError::Ended)
    ));
}

#[test]
fn idle_and_absolute_limits_are_exact() {
    let sessions = sessions();
    let id = sessions.start(caller("u:wang"), None, None, at(0)).unwrap();
    assert!(outcome(&sessions, id.as_str(), 599).is_ok());
    assert_eq!(
        outcome(&sessions, id.as_str(), 599 + 600),
        Err(SessionRefusal::Idle)
    );
    for use_at in (599..3600).step_by(599) {
        assert!(outcome(&sessions, id.as_str(), use_at).is_ok(), "{use_at}");
    }
    assert!(outcome(&sessions, id.as_str(), 3599).is_ok());
    assert_eq!(
        outcome(&sessions, id.as_str(), 3600),
        Err(SessionRefusal::TooOld)
    );
}

#[test]
fn a_session_bound_to_a_certificate_is_refused_with_another_and_with_none() {
    let sessions = sessions();
    let id = sessions
        .start(caller("u:wang"), None, Some([1; 32]), at(0))
        .unwrap();
    assert!(sessions.find(id.as_str(), Some(&[1; 32]), at(1)).is_ok());
    for certificate in [Some(&[2; 32]), None] {
        assert_eq!(
            sessions.find(id.as_str(), certificate, at(1)).unwrap_err(),
            SessionRefusal::OtherCertificate
        );
    }
    let free = sessions.start(caller("u:li"), None, None, at(0)).unwrap();
    assert!(sessions.find(free.as_str(), Some(&[2; 32]), at(1)).is_ok());
}

#[test]
fn an_ended_session_is_noticed_by_streams_that_hold_it() {
    let sessions = sessions();
    let id = sessions.start(caller("u:wang"), None, None, at(0)).unwrap();
    let held = sessions.find(id.as_str(), None, at(1)).unwrap();
    assert!(held.is_live(at(1)));
    assert!(sessions.end(id.as_str(), at(2)).unwrap());
    assert!(!held.is_live(at(2)));
    assert!(!sessions.end(id.as_str(), at(2)).unwrap());
}

#[test]
fn one_session_too_many_ends_the_one_idle_longest_of_the_same_caller_only() {
    let sessions = sessions();
    let other = sessions.start(caller("u:li"), None, None, at(0)).unwrap();
    let ids: Vec<_> = (1..=3)
        .map(|n| sessions.start(caller("u:wang"), None, None, at(n)).unwrap())
        .collect();
    assert!(outcome(&sessions, ids[0].as_str(), 10).is_ok());
    let fourth = sessions
        .start(caller("u:wang"), None, None, at(11))
        .unwrap();
    let alive: Vec<bool> = [&ids[0], &ids[1], &ids[2], &fourth, &other]
        .map(|id| outcome(&sessions, id.as_str(), 12).is_ok())
        .to_vec();
    assert_eq!(alive, [true, false, true, true, true]);
}

#[test]
fn when_all_places_are_taken_signing_in_is_refused_until_one_is_over() {
    let sessions = sessions();
    for n in 0..5 {
        sessions
            .start(caller(&format!("u:{n}")), None, None, at(n))
            .unwrap();
    }
    assert!(matches!(
        sessions.start(caller("u:late"), None, None, at(10)),
        Err(SessionStartError::Full)
    ));
    assert!(
        sessions
            .start(caller("u:late"), None, None, at(600))
            .is_ok()
    );
    assert_eq!(sessions.sweep(at(100_000)).unwrap(), 5);
    assert!(sessions.is_empty());
}

#[test]
fn sessions_are_listed_without_secrets_and_ended_by_handle_or_caller() {
    let sessions = sessions();
    for n in 0..3 {
        sessions.start(caller("u:wang"), None, None, at(n)).unwrap();
    }
    let others = sessions
        .start(caller("u:li"), None, Some([1; 32]), at(5))
        .unwrap();
    let list = sessions.list(None, at(6));
    let summary: Vec<_> = list
        .iter()
        .map(|info| (info.caller.id.as_str(), info.seen, info.bound))
        .collect();
    assert_eq!(
        summary,
        [
            ("u:li", at(5), true),
            ("u:wang", at(2), false),
            ("u:wang", at(1), false),
            ("u:wang", at(0), false)
        ]
    );
    assert_eq!(list[0].expires, at(605));

    assert_eq!(sessions.end_handle("", at(6)).unwrap(), 0);
    assert_eq!(sessions.end_handle(&list[1].handle, at(6)).unwrap(), 1);
    assert_eq!(sessions.end_caller("u:wang", at(6)).unwrap(), 2);
    assert_eq!(sessions.end_caller("u:wang", at(6)).unwrap(), 0);
    assert!(
        sessions
            .find(others.as_str(), Some(&[1; 32]), at(6))
            .is_ok()
    );
}

/// Sessions with a journal in a file, to be stopped and started again.
struct Restartable {
    folder: tempfile::TempDir,
}

impl Restartable {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("sessions.journal")
    }

    fn start(&self, seconds: i64) -> Sessions {
        let (journal, past) = FileJournal::open(&self.path()).unwrap();
        Sessions::open(limits(), journal, past, at(seconds)).unwrap()
    }
}

#[test]
fn a_restart_keeps_live_sessions_and_lets_no_ended_one_come_back() {
    let machine = Restartable::new();
    let first = machine.start(0);
    let kept = first
        .start(caller("u:wang"), None, Some([1; 32]), at(0))
        .unwrap();
    let signed_out = first.start(caller("u:li"), None, None, at(0)).unwrap();
    let rotated = first.start(caller("u:zhao"), None, None, at(0)).unwrap();
    let rotated_to = first.rotate(rotated.as_str(), None, at(1)).unwrap();
    first.end(signed_out.as_str(), at(2)).unwrap();
    drop(first);

    let second = machine.start(3);
    let session = second.find(kept.as_str(), Some(&[1; 32]), at(3)).unwrap();
    assert_eq!(**session.caller(), *caller("u:wang"));
    assert_eq!(
        second.find(kept.as_str(), None, at(3)).unwrap_err(),
        SessionRefusal::OtherCertificate
    );
    assert_eq!(
        outcome(&second, signed_out.as_str(), 3),
        Err(SessionRefusal::Ended)
    );
    assert_eq!(
        outcome(&second, rotated.as_str(), 3),
        Err(SessionRefusal::Ended)
    );
    assert_eq!(
        outcome(&second, rotated_to.as_str(), 3),
        Ok("u:zhao".into())
    );
}

#[test]
fn a_restart_with_a_torn_tail_keeps_everything_that_was_acknowledged() {
    let machine = Restartable::new();
    let first = machine.start(0);
    let ended = first.start(caller("u:li"), None, None, at(0)).unwrap();
    let kept = first.start(caller("u:wang"), None, None, at(0)).unwrap();
    first.end(ended.as_str(), at(1)).unwrap();
    drop(first);
    let mut content = std::fs::read(machine.path()).unwrap();
    content.extend_from_slice(b"0123456789abcdef {\"t\":\"open\",\"key\":\"00");
    std::fs::write(machine.path(), content).unwrap();

    let second = machine.start(2);
    assert_eq!(
        outcome(&second, ended.as_str(), 2),
        Err(SessionRefusal::Ended)
    );
    assert_eq!(outcome(&second, kept.as_str(), 2), Ok("u:wang".into()));
    assert!(second.end(kept.as_str(), at(3)).unwrap());
    drop(second);
    assert_eq!(
        outcome(&machine.start(4), kept.as_str(), 4),
        Err(SessionRefusal::Ended)
    );
}

#[test]
fn limits_hold_across_a_restart() {
    let machine = Restartable::new();
    let first = machine.start(0);
    let used = first.start(caller("u:wang"), None, None, at(0)).unwrap();
    let unused = first.start(caller("u:li"), None, None, at(0)).unwrap();
    assert!(outcome(&first, used.as_str(), 500).is_ok());
    drop(first);
    let second = machine.start(700);
    assert_eq!(
        outcome(&second, unused.as_str(), 700),
        Err(SessionRefusal::Ended)
    );
    assert_eq!(outcome(&second, used.as_str(), 700), Ok("u:wang".into()));
    drop(second);
    assert_eq!(
        outcome(&machine.start(3600), used.as_str(), 3600),
        Err(SessionRefusal::Ended)
    );
}

#[test]
fn the_journal_is_shortened_and_still_says_the_same() {
    let machine = Restartable::new();
    let first = machine.start(0);
    let kept = first.start(caller("u:wang"), None, None, at(0)).unwrap();
    for n in 0..1500 {
        let id = first
            .start(caller("u:li"), None, None, at(n % 500))
            .unwrap();
        first.end(id.as_str(), at(n % 500)).unwrap();
    }
    let lines = std::fs::read_to_string(machine.path())
        .unwrap()
        .lines()
        .count();
    assert!(lines < 1100, "{lines}");
    drop(first);
    let second = machine.start(501);
    assert_eq!(second.len(), 1);
    assert!(outcome(&second, kept.as_str(), 501).is_ok());
}

/// A journal that fails when told to.
struct Failing(Arc<AtomicBool>);

impl SessionJournal for Failing {
    fn append(&mut self, _: &[u8], _: Durability) -> io::Result<()> {
        if self.0.load(Ordering::Relaxed) {
            Err(io::Error::other("disk full"))
        } else {
            Ok(())
        }
    }

    fn replace(&mut self, _: &[u8]) -> io::Result<()> {
        Err(io::Error::other("disk full"))
    }

    fn read_again(&mut self) -> Result<Vec<Record>, JournalError> {
        Err(io::Error::other("disk gone").into())
    }
}

#[test]
fn when_the_disk_is_full_nobody_signs_in_and_a_sign_out_works_but_says_so() {
    let full = Arc::new(AtomicBool::new(false));
    let sessions = Sessions::open(limits(), Failing(Arc::clone(&full)), vec![], at(0)).unwrap();
    let id = sessions.start(caller("u:wang"), None, None, at(0)).unwrap();
    full.store(true, Ordering::Relaxed);
    assert!(matches!(
        sessions.start(caller("u:li"), None, None, at(1)),
        Err(SessionStartError::Journal(_))
    ));
    assert_eq!(sessions.len(), 1);
    assert!(outcome(&sessions, id.as_str(), 500).is_ok());
    assert!(sessions.end(id.as_str(), at(501)).is_err());
    assert_eq!(
        outcome(&sessions, id.as_str(), 501),
        Err(SessionRefusal::Ended)
    );
}

#[test]
fn limits_that_make_no_sense_are_refused() {
    for (text, expect) in [
        ("idle = '0s'", "idle"),
        ("absolute = '-1h'", "absolute"),
        ("per-caller = 0", "per-caller"),
        ("total = 0", "total"),
        ("idle = '13h'", "absolute"),
    ] {
        let limits: SessionLimitsFile = toml::from_str(text).unwrap();
        let error = Sessions::open(limits, NoJournal, vec![], at(0))
            .unwrap_err()
            .to_string();
        assert!(error.contains(expect), "{text}: {error}");
    }
    assert!(toml::from_str::<SessionLimitsFile>("idel = '1h'").is_err());
}

#[test]
fn while_one_gateway_takes_over_from_another_each_learns_the_sign_outs_of_the_other() {
    let machine = Restartable::new();
    let old = machine.start(0);
    old.share(Sharing::WithAnother);
    let early = old.start(caller("u:wang"), None, None, at(0)).unwrap();
    let new = machine.start(1);
    new.share(Sharing::WithAnother);
    let late = old.start(caller("u:li"), None, None, at(2)).unwrap();
    let fresh = new.start(caller("u:zhao"), None, None, at(2)).unwrap();
    old.end(early.as_str(), at(3)).unwrap();
    assert_eq!(new.catch_up(at(4)).unwrap(), 2);
    assert_eq!(old.catch_up(at(4)).unwrap(), 1);
    for sessions in [&old, &new] {
        assert_eq!(
            outcome(sessions, early.as_str(), 5),
            Err(SessionRefusal::Ended)
        );
        assert_eq!(outcome(sessions, late.as_str(), 5), Ok("u:li".into()));
        assert_eq!(outcome(sessions, fresh.as_str(), 5), Ok("u:zhao".into()));
    }
    assert_eq!(new.catch_up(at(5)).unwrap(), 0);
}

#[test]
fn a_shared_journal_is_not_rewritten_under_the_other_process() {
    let machine = Restartable::new();
    let sessions = machine.start(0);
    sessions.share(Sharing::WithAnother);
    let other = machine.start(0);
    for n in 0..600 {
        let id = sessions.start(caller("u:li"), None, None, at(n)).unwrap();
        sessions.end(id.as_str(), at(n)).unwrap();
    }
    let mine = other.start(caller("u:wang"), None, None, at(600)).unwrap();
    drop((sessions, other));
    assert_eq!(
        outcome(&machine.start(601), mine.as_str(), 601),
        Ok("u:wang".into())
    );
}
