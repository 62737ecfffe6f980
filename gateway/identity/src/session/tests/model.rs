//! The store beside a model so simple that it is right: a list of ids with caller, start, last use and an end.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Start { caller: u8, replaces: Option<u8> },
    Use { session: u8 },
    Rotate { session: u8 },
    End { session: u8 },
    EndCaller { caller: u8 },
    Wait { seconds: i64 },
    Sweep,
    Restart,
    RestartAfterTornWrite,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3_u8, proptest::option::of(0..8_u8)).prop_map(|(caller, replaces)| Step::Start { caller, replaces }),
        6 => (0..8_u8).prop_map(|session| Step::Use { session }),
        2 => (0..8_u8).prop_map(|session| Step::Rotate { session }),
        3 => (0..8_u8).prop_map(|session| Step::End { session }),
        1 => (0..3_u8).prop_map(|caller| Step::EndCaller { caller }),
        3 => (1..700_i64).prop_map(|seconds| Step::Wait { seconds }),
        1 => Just(Step::Sweep),
        2 => Just(Step::Restart),
        1 => Just(Step::RestartAfterTornWrite),
    ]
}

#[derive(Debug, Clone)]
struct Known {
    caller: String,
    started: i64,
    seen: i64,
    /// The latest last use that a restart may have forgotten back to.
    seen_at_least: i64,
    ended: bool,
}

impl Known {
    /// Whether it must work: true, must not: false, or may (a use that was not written down before a restart).
    fn works(&self, now: i64) -> Option<bool> {
        let in_time = |seen: i64| now < self.started + 3600 && now < seen + 600;
        match (self.ended, in_time(self.seen), in_time(self.seen_at_least)) {
            (true, ..) | (_, false, _) => Some(false),
            (false, true, true) => Some(true),
            (false, true, false) => None,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_sequence_of_steps_lets_an_ended_session_in_or_a_live_one_out(steps in proptest::collection::vec(step(), 1..60)) {
        let machine = Restartable::new();
        let limits = || SessionLimitsFile { per_caller: 100, total: 1000, ..limits() };
        let start = |now: i64| {
            let (journal, past) = FileJournal::open(&machine.path()).unwrap();
            Sessions::open(limits(), journal, past, at(now)).unwrap()
        };
        let mut sessions = start(0);
        let mut now = 0;
        let mut ids: Vec<String> = Vec::new();
        let mut model: HashMap<String, Known> = HashMap::new();
        let pick = |ids: &[String], session: u8| ids.iter().rev().nth(usize::from(session)).cloned();
        for step in steps {
            match step {
                Step::Start { caller: n, replaces } => {
                    let name = format!("u:{n}");
                    let previous = replaces.and_then(|session| pick(&ids, session));
                    let id = sessions.start(caller(&name), previous.as_deref(), None, at(now)).unwrap();
                    if let Some(old) = previous {
                        model.get_mut(&old).unwrap().ended = true;
                    }
                    model.insert(id.as_str().to_owned(), Known { caller: name, started: now, seen: now, seen_at_least: now, ended: false });
                    ids.push(id.as_str().to_owned());
                }
                Step::Use { session } => {
                    let Some(id) = pick(&ids, session) else { continue };
                    let known = model.get_mut(&id).unwrap();
                    let worked = sessions.find(&id, None, at(now)).is_ok();
                    prop_assert!(known.works(now).is_none_or(|must| must == worked), "{known:?} at {now}: {worked}");
                    if worked {
                        known.seen = now;
                        known.seen_at_least = known.seen_at_least.max(now - 150);
                    } else {
                        known.ended = true;
                    }
                }
                Step::Rotate { session } => {
                    let Some(id) = pick(&ids, session) else { continue };
                    let known = model.get_mut(&id).unwrap();
                    match sessions.rotate(&id, None, at(now)) {
                        Ok(new) => {
                            prop_assert_ne!(known.works(now), Some(false));
                            let started = known.started;
                            let caller = known.caller.clone();
                            known.ended = true;
                            model.insert(new.as_str().to_owned(), Known { caller, started, seen: now, seen_at_least: now, ended: false });
                            ids.push(new.as_str().to_owned());
                        }
                        Err(_) => {
                            prop_assert_ne!(known.works(now), Some(true));
                            known.ended = true;
                        }
                    }
                }
                Step::End { session } => {
                    let Some(id) = pick(&ids, session) else { continue };
                    sessions.end(&id, at(now)).unwrap();
                    model.get_mut(&id).unwrap().ended = true;
                }
                Step::EndCaller { caller } => {
                    let name = format!("u:{caller}");
                    sessions.end_caller(&name, at(now)).unwrap();
                    model.values_mut().filter(|known| known.caller == name).for_each(|known| known.ended = true);
                }
                Step::Wait { seconds } => now += seconds,
                Step::Sweep => drop(sessions.sweep(at(now)).unwrap()),
                Step::Restart => {
                    drop(sessions);
                    sessions = start(now);
                }
                Step::RestartAfterTornWrite => {
                    drop(sessions);
                    let mut content = std::fs::read(machine.path()).unwrap();
                    content.extend_from_slice(b"0011223344556677 {\"t\":\"end\",\"ke");
                    std::fs::write(machine.path(), content).unwrap();
                    sessions = start(now);
                }
            }
        }
        for (id, known) in &model {
            let works = sessions.find(id, None, at(now)).is_ok();
            prop_assert!(known.works(now).is_none_or(|must| must == works), "{known:?} at {now}: {works}");
        }
    }
}
