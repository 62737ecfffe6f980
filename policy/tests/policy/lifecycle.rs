//! Which step of a change may follow which, by whom.

use hangu_policy::lifecycle::reach::Protected;
use hangu_policy::lifecycle::record::Sealed;
use hangu_policy::lifecycle::store::memory::MemoryStore;
use hangu_policy::lifecycle::store::{Loaded, StoreError};
use hangu_policy::lifecycle::{
    Actor, BundleId, Canary, ChangeId, Due, Failed, Refused, Registry, Role, Settings, Stage,
    Store, Text,
};

use crate::lifecycle_support::{
    HOUR, NOON, ann, approved, bo, cy, founded, founded_in, founding, in_review, key, live,
    numbered, open, refused, revision, security, stage, with_rows, without,
};

#[test]
fn a_change_goes_from_draft_to_live_and_the_one_before_is_superseded() {
    let mut registry = founded();
    let bundle = with_rows("p, u:ann, web, *, www.city.example, /x, ^GET$, true, allow, \n");
    let id = registry.draft(&bundle, &ann(), "a page", NOON).unwrap();
    assert_eq!(stage(&registry, id), "draft");
    registry.submit(id, &ann(), "ready", NOON + 1).unwrap();
    assert_eq!(stage(&registry, id), "review");
    registry
        .approve(id, &bundle.id(), &bo(), "fine", NOON + 2)
        .unwrap();
    assert_eq!(stage(&registry, id), "approved");
    registry.shadow(id, &bo(), "look", NOON + 3).unwrap();
    assert_eq!(registry.candidate().unwrap().id, id);
    let canary = Canary::new(vec!["web".to_owned()], 10).unwrap();
    registry
        .canary(id, canary.clone(), &bo(), "a few", NOON + 4)
        .unwrap();
    assert_eq!(registry.change(id).unwrap().stage, Stage::Canary(canary));
    assert_eq!(registry.live().unwrap().bundle, founding().id());
    registry.promote(id, &ann(), "all", NOON + 5).unwrap();
    assert_eq!(stage(&registry, id), "live");
    assert_eq!(stage(&registry, ChangeId(1)), "superseded");
    assert_eq!(registry.candidate(), None);
    let live = registry.live().unwrap().bundle;
    assert_eq!(
        revision(&registry.bundle(&live).unwrap()),
        revision(&bundle)
    );
    let what: Vec<&str> = registry
        .change(id)
        .unwrap()
        .history
        .iter()
        .map(|entry| entry.what)
        .collect();
    assert_eq!(
        what,
        [
            "drafted",
            "submitted",
            "approved",
            "shadowed",
            "canaried",
            "promoted"
        ]
    );
}

#[test]
fn nobody_approves_or_rejects_a_change_of_their_own() {
    let mut registry = founded();
    let bundle = numbered(1);
    let id = in_review(&mut registry, &bundle);
    let own = Refused::OwnChange {
        change: id,
        author: "ann".to_owned(),
    };
    assert_eq!(
        refused(registry.approve(id, &bundle.id(), &ann(), "mine", NOON)),
        own
    );
    assert_eq!(refused(registry.reject(id, &ann(), "mine", NOON)), own);
    assert_eq!(stage(&registry, id), "review");
}

#[test]
fn one_person_is_one_approval() {
    let mut registry = founded();
    let bundle = without("role:blocked, *, *, *, /*");
    let id = in_review(&mut registry, &bundle);
    assert_eq!(
        registry
            .change(id)
            .unwrap()
            .needed
            .as_ref()
            .unwrap()
            .approvals,
        2
    );
    registry
        .approve(id, &bundle.id(), &bo(), "yes", NOON)
        .unwrap();
    let twice = Refused::ApprovedTwice {
        change: id,
        by: "bo".to_owned(),
    };
    assert_eq!(
        refused(registry.approve(id, &bundle.id(), &bo(), "yes", NOON)),
        twice
    );
    assert_eq!(
        refused(registry.promote(id, &bo(), "go", NOON)),
        Refused::Approvals {
            change: id,
            have: 1,
            needed: 2,
            missing: vec![]
        }
    );
    registry
        .approve(id, &bundle.id(), &cy(), "yes", NOON)
        .unwrap();
    registry.promote(id, &bo(), "go", NOON).unwrap();
}

#[test]
fn approval_of_a_bundle_that_was_exchanged_meanwhile_is_refused() {
    let mut registry = founded();
    let (seen, smuggled) = (numbered(1), numbered(2));
    let id = in_review(&mut registry, &seen);
    registry
        .revise(id, &smuggled, &ann(), "typo", NOON)
        .unwrap();
    registry.submit(id, &ann(), "ready", NOON).unwrap();
    assert_eq!(
        refused(registry.approve(id, &seen.id(), &bo(), "yes", NOON)),
        Refused::OtherBundle {
            change: id,
            bundle: smuggled.id()
        }
    );
}

#[test]
fn revising_an_approved_change_makes_its_approvals_lapse() {
    let mut registry = founded();
    let id = approved(&mut registry, &numbered(1));
    registry
        .revise(id, &numbered(2), &ann(), "better", NOON)
        .unwrap();
    assert_eq!(stage(&registry, id), "draft");
    assert!(registry.change(id).unwrap().approvals.is_empty());
    let draft = Refused::Stage {
        change: id,
        stage: "draft",
        wanted: "`approved`, `shadow` or `canary`",
    };
    assert_eq!(refused(registry.promote(id, &bo(), "go", NOON)), draft);
    assert_eq!(
        refused(registry.revise(id, &numbered(3), &bo(), "mine now", NOON)),
        Refused::NotAuthor {
            change: id,
            author: "ann".to_owned()
        }
    );
}

type Act<'a> = &'a dyn Fn(&mut Registry<MemoryStore>, ChangeId) -> Result<(), Failed>;

/// Every step but founding, ending and taking back, by somebody in a role.
fn attempts(by: &Actor) -> Vec<(&'static str, Refused)> {
    let attempt = |act: Act<'_>| {
        let mut registry = founded();
        let id = in_review(&mut registry, &numbered(1));
        let before = registry.anchor();
        let refusal = refused(act(&mut registry, id));
        assert_eq!(registry.anchor(), before, "a refusal writes nothing");
        refusal
    };
    vec![
        (
            "draft",
            attempt(&|r, _| r.draft(&numbered(2), by, "x", NOON).map(|_| ())),
        ),
        (
            "revise",
            attempt(&|r, id| r.revise(id, &numbered(2), by, "x", NOON)),
        ),
        ("submit", attempt(&|r, id| r.submit(id, by, "x", NOON))),
        (
            "approve",
            attempt(&|r, id| r.approve(id, &numbered(1).id(), by, "x", NOON)),
        ),
        ("reject", attempt(&|r, id| r.reject(id, by, "x", NOON))),
        ("withdraw", attempt(&|r, id| r.withdraw(id, by, "x", NOON))),
        ("shadow", attempt(&|r, id| r.shadow(id, by, "x", NOON))),
        (
            "canary",
            attempt(&|r, id| r.canary(id, Canary::new(vec![], 5).unwrap(), by, "x", NOON)),
        ),
        ("promote", attempt(&|r, id| r.promote(id, by, "x", NOON))),
        (
            "emergency",
            attempt(&|r, _| {
                r.emergency(&numbered(2), NOON + HOUR, by, "x", NOON)
                    .map(|_| ())
            }),
        ),
        ("review", attempt(&|r, id| r.review(id, by, "x", NOON))),
    ]
}

#[test]
fn only_security_administrators_change_policy() {
    let mut registry = founded();
    live(&mut registry, &numbered(7));
    for role in [Role::SystemAdministrator, Role::Auditor, Role::Gateway] {
        let back = registry.roll_back(&Actor::new("eve", role), "x", NOON);
        assert!(matches!(refused(back), Refused::Role { .. }));
        for (step, refusal) in attempts(&Actor::new("eve", role)) {
            let wanted = Refused::Role {
                role: role.name(),
                wanted: "security-administrator",
            };
            assert_eq!(refusal, wanted, "{step}");
        }
    }
    assert!(Role::Auditor.reads() && Role::SecurityAdministrator.reads());
    assert!(!Role::SystemAdministrator.reads());
}

#[test]
fn only_the_gateway_founds_and_only_once() {
    let mut registry = open(MemoryStore::new(), &key()).unwrap();
    assert_eq!(
        refused(registry.found(&founding(), &ann(), "x", NOON)),
        Refused::Role {
            role: "security-administrator",
            wanted: "gateway"
        }
    );
    assert_eq!(
        refused(registry.draft(&numbered(1), &ann(), "x", NOON)),
        Refused::NotFounded
    );
    registry
        .found(&founding(), &Actor::gateway(), "x", NOON)
        .unwrap();
    assert_eq!(
        refused(registry.found(&numbered(1), &Actor::gateway(), "x", NOON)),
        Refused::Founded
    );
}

#[test]
fn nameless_actors_and_empty_reasons_are_refused() {
    let mut registry = founded();
    for id in ["", "a b", "a\n", "a\u{0}", &"x".repeat(257)] {
        assert_eq!(
            refused(registry.draft(&numbered(1), &security(id), "x", NOON)),
            Refused::Nobody
        );
    }
    for reason in ["", " \n", &"x".repeat(4097)] {
        assert_eq!(
            refused(registry.draft(&numbered(1), &ann(), reason, NOON)),
            Refused::Reason
        );
    }
}

#[test]
fn a_change_whose_parent_is_no_longer_live_must_be_revised() {
    let mut registry = founded();
    let late = approved(&mut registry, &numbered(1));
    live(&mut registry, &numbered(2));
    let stale = Refused::NeedsRebase {
        change: late,
        parent: founding().id(),
        live: numbered(2).id(),
    };
    assert_eq!(refused(registry.shadow(late, &bo(), "x", NOON)), stale);
    assert_eq!(refused(registry.promote(late, &bo(), "x", NOON)), stale);
    assert_eq!(
        stale.to_string(),
        format!(
            "change `c-2` was written against `{}`, but `{}` is live; revise it on top of that",
            founding().id(),
            numbered(2).id()
        )
    );
    registry
        .revise(late, &numbered(3), &ann(), "on top", NOON)
        .unwrap();
    registry.submit(late, &ann(), "ready", NOON).unwrap();
    registry
        .approve(late, &numbered(3).id(), &bo(), "yes", NOON)
        .unwrap();
    if !registry.change(late).unwrap().is_approved() {
        registry
            .approve(late, &numbered(3).id(), &cy(), "yes", NOON)
            .unwrap();
    }
    registry.promote(late, &bo(), "go", NOON).unwrap();
}

#[test]
fn two_candidates_at_once_are_refused() {
    let mut registry = founded();
    let first = approved(&mut registry, &numbered(1));
    let second = approved(&mut registry, &numbered(2));
    registry.shadow(first, &bo(), "x", NOON).unwrap();
    let busy = Refused::CandidateBusy(first);
    assert_eq!(refused(registry.shadow(second, &bo(), "x", NOON)), busy);
    assert_eq!(
        refused(registry.canary(second, Canary::new(vec![], 5).unwrap(), &bo(), "x", NOON)),
        busy
    );
    assert_eq!(refused(registry.promote(second, &bo(), "x", NOON)), busy);
    registry
        .take_back(first, &Actor::gateway(), "it refused 5 of 9", NOON)
        .unwrap();
    assert_eq!(
        registry.change(first).unwrap().stage,
        Stage::RolledBack {
            why: "it refused 5 of 9".to_owned()
        }
    );
    registry.shadow(second, &bo(), "x", NOON).unwrap();
}

#[test]
fn ended_changes_take_no_further_step() {
    let mut registry = founded();
    let rejected = in_review(&mut registry, &numbered(1));
    registry.reject(rejected, &bo(), "no", NOON).unwrap();
    let withdrawn = approved(&mut registry, &numbered(2));
    registry.shadow(withdrawn, &bo(), "x", NOON).unwrap();
    registry
        .withdraw(withdrawn, &ann(), "no need", NOON)
        .unwrap();
    assert_eq!(registry.candidate(), None);
    let superseded = live(&mut registry, &numbered(3));
    live(&mut registry, &numbered(4));
    for id in [rejected, withdrawn, superseded] {
        let bundle = registry.change(id).unwrap().bundle;
        let steps = [
            registry.submit(id, &ann(), "x", NOON),
            registry.revise(id, &numbered(9), &ann(), "x", NOON),
            registry.approve(id, &bundle, &bo(), "x", NOON),
            registry.reject(id, &bo(), "x", NOON),
            registry.withdraw(id, &ann(), "x", NOON),
            registry.shadow(id, &bo(), "x", NOON),
            registry.promote(id, &bo(), "x", NOON),
            registry.take_back(id, &bo(), "x", NOON),
        ];
        for step in steps {
            assert!(matches!(refused(step), Refused::Stage { .. }));
        }
    }
}

#[test]
fn what_does_not_load_or_fails_its_tests_is_not_reviewed() {
    let mut registry = founded();
    let broken = crate::lifecycle_support::of_rules("p, nonsense\n");
    let id = registry.draft(&broken, &ann(), "half", NOON).unwrap();
    assert!(matches!(
        registry.submit(id, &ann(), "x", NOON),
        Err(Failed::Mistakes(_))
    ));
    let mut failing = numbered(1);
    let case = r#"{"r": ["u:nobody", "web", "internet", "h", "/", "GET", {}], "exp": true, "name": "all"}"#;
    failing.cases.push(Text::new("a.policy-test.jsonl", case));
    registry.revise(id, &failing, &ann(), "x", NOON).unwrap();
    let Err(Failed::Cases(cases)) = registry.submit(id, &ann(), "x", NOON) else {
        panic!("a failing test is no obstacle");
    };
    assert!(
        cases[0]
            .to_string()
            .starts_with("a.policy-test.jsonl:1:1: the test `all` fails: "),
        "{cases:?}"
    );
    assert_eq!(stage(&registry, id), "draft");
    registry
        .emergency(&failing, NOON + 1, &ann(), "x", NOON)
        .unwrap();
}

#[test]
fn a_change_that_changes_nothing_is_refused() {
    let mut registry = founded();
    assert_eq!(
        refused(registry.draft(&founding(), &ann(), "x", NOON)),
        Refused::NothingChanges
    );
    let id = registry.draft(&numbered(1), &ann(), "x", NOON).unwrap();
    assert_eq!(
        refused(registry.revise(id, &founding(), &ann(), "x", NOON)),
        Refused::NothingChanges
    );
}

#[test]
fn an_emergency_is_live_at_once_and_ends_by_itself() {
    let mut registry = founded();
    let id = registry
        .emergency(&numbered(1), NOON + HOUR, &ann(), "fire", NOON)
        .unwrap();
    assert_eq!(registry.live().unwrap().id, id);
    assert_eq!(
        registry.due(NOON + HOUR - 1),
        [Due::Review {
            change: id,
            until_ms: NOON + HOUR
        }]
    );
    assert_eq!(registry.tend(NOON + HOUR - 1).unwrap(), None);
    assert_eq!(registry.due(NOON + HOUR)[0], Due::Ends { change: id });
    assert_eq!(registry.tend(NOON + HOUR).unwrap(), Some(id));
    assert_eq!(
        (stage(&registry, id), stage(&registry, ChangeId(1))),
        ("expired", "live")
    );
    assert_eq!(registry.live().unwrap().bundle, founding().id());
    assert_eq!(registry.tend(NOON + HOUR).unwrap(), None);
    let again = registry.emergency(&numbered(2), NOON + 2 * HOUR, &ann(), "fire", NOON + HOUR);
    assert_eq!(refused(again), Refused::ReviewOwed(id));
    let own = Refused::OwnChange {
        change: id,
        author: "ann".to_owned(),
    };
    assert_eq!(refused(registry.review(id, &ann(), "fine", NOON)), own);
    registry
        .review(id, &bo(), "it was needed", NOON + HOUR)
        .unwrap();
    assert_eq!(
        refused(registry.review(id, &bo(), "again", NOON)),
        Refused::NoReviewOwed(id)
    );
    assert_eq!(registry.due(NOON + 9 * HOUR), []);
    registry
        .emergency(&numbered(2), NOON + 2 * HOUR, &ann(), "fire", NOON + HOUR)
        .unwrap();
}

#[test]
fn an_emergency_that_was_approved_in_time_stays() {
    let mut registry = founded();
    let bundle = without("role:blocked, *, *, *, /*");
    let id = registry
        .emergency(&bundle, NOON + HOUR, &ann(), "fire", NOON)
        .unwrap();
    let own = Refused::OwnChange {
        change: id,
        author: "ann".to_owned(),
    };
    assert_eq!(
        refused(registry.approve(id, &bundle.id(), &ann(), "mine", NOON)),
        own
    );
    registry
        .approve(id, &bundle.id(), &bo(), "yes", NOON + 1)
        .unwrap();
    assert!(!registry.change(id).unwrap().settled, "it takes two");
    registry
        .approve(id, &bundle.id(), &cy(), "yes", NOON + 2)
        .unwrap();
    assert_eq!(registry.due(NOON + 99 * HOUR), []);
    assert_eq!(registry.tend(NOON + 99 * HOUR).unwrap(), None);
    assert_eq!(registry.live().unwrap().id, id);
}

#[test]
fn approval_after_the_end_comes_too_late() {
    let mut registry = founded();
    let id = registry
        .emergency(&numbered(1), NOON + HOUR, &ann(), "fire", NOON)
        .unwrap();
    let late = registry.approve(id, &numbered(1).id(), &bo(), "yes", NOON + HOUR);
    assert!(matches!(refused(late), Refused::Stage { .. }));
    assert_eq!(registry.tend(NOON + HOUR).unwrap(), Some(id));
}

#[test]
fn an_emergency_lasts_no_longer_than_settings_and_a_day_allow() {
    let day = 24 * HOUR;
    for (setting, longest) in [(2 * HOUR, 2 * HOUR), (99 * HOUR, day)] {
        let settings = Settings {
            emergency_ms: setting,
            ..Settings::default()
        };
        let mut registry = founded_in(MemoryStore::new(), &key(), settings);
        for until_ms in [0, NOON, NOON + longest + 1, u64::MAX] {
            let begun = registry.emergency(&numbered(1), until_ms, &ann(), "fire", NOON);
            assert!(
                matches!(refused(begun), Refused::EmergencyTime { .. }),
                "{until_ms}"
            );
        }
        registry
            .emergency(&numbered(1), NOON + longest, &ann(), "fire", NOON)
            .unwrap();
    }
}

#[test]
fn one_emergency_after_another_goes_back_to_what_was_live_before_both() {
    let mut registry = founded();
    let first = registry
        .emergency(&numbered(1), NOON + HOUR, &ann(), "fire", NOON)
        .unwrap();
    let late = NOON + HOUR / 2;
    let beyond = registry.emergency(&numbered(2), NOON + 24 * HOUR + 1, &ann(), "still", late);
    assert!(
        matches!(refused(beyond), Refused::EmergencyTime { .. }),
        "the day began with the first"
    );
    let second = registry
        .emergency(&numbered(2), late + HOUR, &ann(), "still", late)
        .unwrap();
    assert_eq!(stage(&registry, first), "superseded");
    assert_eq!(
        registry.tend(NOON + HOUR).unwrap(),
        None,
        "the first one is over"
    );
    assert_eq!(registry.tend(late + HOUR).unwrap(), Some(second));
    assert_eq!(registry.live().unwrap().bundle, founding().id());
    assert_eq!(
        refused(registry.roll_back(&ann(), "back", NOON)),
        Refused::NothingBefore
    );
}

#[test]
fn a_clock_that_goes_back_far_ends_an_emergency() {
    let mut registry = founded();
    let id = registry
        .emergency(&numbered(1), NOON + HOUR, &ann(), "fire", NOON)
        .unwrap();
    assert_eq!(registry.tend(NOON - 60_000).unwrap(), None);
    assert_eq!(registry.tend(NOON - HOUR).unwrap(), Some(id));
}

#[test]
fn a_change_on_top_of_an_emergency_is_compared_with_what_was_approved_last() {
    let mut registry = founded();
    let opened = without("role:blocked, *, *, *, /*");
    registry
        .emergency(&opened, NOON + HOUR, &ann(), "fire", NOON)
        .unwrap();
    let mut harmless = opened;
    harmless.rules[0].text.push_str("\n# a remark\n");
    let id = in_review(&mut registry, &harmless);
    let needed = registry.change(id).unwrap().needed.clone().unwrap();
    assert_eq!(
        needed.approvals, 2,
        "else one approval would settle what takes two"
    );
}

#[test]
fn an_emergency_sends_a_candidate_back_to_wait() {
    let mut registry = founded();
    let waiting = approved(&mut registry, &numbered(1));
    registry
        .canary(waiting, Canary::new(vec![], 50).unwrap(), &bo(), "x", NOON)
        .unwrap();
    registry
        .emergency(&numbered(2), NOON + HOUR, &cy(), "fire", NOON)
        .unwrap();
    assert_eq!(
        (stage(&registry, waiting), registry.candidate()),
        ("approved", None)
    );
    assert!(matches!(
        refused(registry.promote(waiting, &bo(), "x", NOON)),
        Refused::NeedsRebase { .. }
    ));
    registry.tend(NOON + HOUR).unwrap();
    registry.promote(waiting, &bo(), "x", NOON).unwrap();
}

#[test]
fn rolling_back_goes_one_step_further_back_each_time() {
    let mut registry = founded();
    let first = live(&mut registry, &numbered(1));
    let second = live(&mut registry, &numbered(2));
    let back = registry.roll_back(&cy(), "it hurts", NOON).unwrap();
    assert_eq!(registry.live().unwrap().bundle, numbered(1).id());
    assert_eq!(
        registry.change(second).unwrap().stage,
        Stage::RolledBack {
            why: "it hurts".to_owned()
        }
    );
    assert_eq!(
        (stage(&registry, first), stage(&registry, back)),
        ("superseded", "live")
    );
    registry.roll_back(&cy(), "still", NOON).unwrap();
    assert_eq!(registry.live().unwrap().bundle, founding().id());
    assert_eq!(
        refused(registry.roll_back(&cy(), "more", NOON)),
        Refused::NothingBefore
    );
}

#[test]
fn rolling_back_never_returns_to_an_emergency_that_nobody_approved() {
    let mut registry = founded();
    registry
        .emergency(&numbered(1), NOON + HOUR, &cy(), "fire", NOON)
        .unwrap();
    live(&mut registry, &numbered(2));
    registry.roll_back(&ann(), "back", NOON).unwrap();
    assert_eq!(registry.live().unwrap().bundle, founding().id());
}

#[test]
fn twelve_policies_back_can_be_returned_to() {
    let mut registry = founded();
    for number in 0..12 {
        live(&mut registry, &numbered(number));
    }
    assert_eq!(registry.lived().count(), 13);
    for number in (0..11).rev() {
        registry.roll_back(&ann(), "back", NOON).unwrap();
        let live = registry.live().unwrap().bundle;
        assert_eq!(registry.bundle(&live).unwrap(), numbered(number));
    }
}

#[test]
fn the_owner_of_a_protected_place_must_write_or_approve() {
    let settings = Settings {
        protected: vec![Protected {
            field: "dom".to_owned(),
            value: "staff".to_owned(),
            owner: Some("di".to_owned()),
        }],
        ..Settings::default()
    };
    let mut registry = founded_in(MemoryStore::new(), &key(), settings);
    let bundle = with_rows("p, u:ann, staff, *, staff.city.example, /x, ^GET$, true, allow, \n");
    let id = in_review(&mut registry, &bundle);
    registry
        .approve(id, &bundle.id(), &bo(), "yes", NOON)
        .unwrap();
    registry
        .approve(id, &bundle.id(), &cy(), "yes", NOON)
        .unwrap();
    let without_owner = Refused::Approvals {
        change: id,
        have: 2,
        needed: 2,
        missing: vec!["di".to_owned()],
    };
    assert_eq!(
        refused(registry.promote(id, &bo(), "go", NOON)),
        without_owner
    );
    assert_eq!(
        without_owner.to_string(),
        "change `c-2` has 2 of 2 approvals; owners still to approve: `di`"
    );
    registry
        .approve(id, &bundle.id(), &security("di"), "yes", NOON)
        .unwrap();
    registry.promote(id, &bo(), "go", NOON).unwrap();

    let own = with_rows("p, u:ann, staff, *, staff.city.example, /y, ^GET$, true, allow, \n");
    let id = registry.draft(&own, &security("di"), "mine", NOON).unwrap();
    registry.submit(id, &security("di"), "ready", NOON).unwrap();
    registry.approve(id, &own.id(), &bo(), "yes", NOON).unwrap();
    assert_eq!(
        stage(&registry, id),
        "review",
        "an owner who writes is not one of two who approve"
    );
    registry.approve(id, &own.id(), &cy(), "yes", NOON).unwrap();
    assert_eq!(stage(&registry, id), "approved");
}

#[test]
fn a_canary_needs_a_share_and_named_departments() {
    for share in [0, 101, 255] {
        assert_eq!(Canary::new(vec![], share), Err(Refused::Canary));
    }
    assert_eq!(Canary::new(vec![String::new()], 5), Err(Refused::Canary));
    assert_eq!(
        Canary::new(vec!["x".to_owned(); 65], 5),
        Err(Refused::Canary)
    );
}

/// How an append goes wrong.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    Lost,
    Done,
}

/// A store whose next append fails.
struct Faulty(MemoryStore, std::sync::Arc<std::sync::Mutex<Fault>>);

impl Store for Faulty {
    fn append(
        &mut self,
        record: &Sealed,
        bundle: Option<(&BundleId, &[u8])>,
    ) -> Result<(), StoreError> {
        let fault = std::mem::replace(&mut *self.1.lock().unwrap(), Fault::None);
        if fault != Fault::Lost {
            self.0.append(record, bundle)?;
        }
        if fault == Fault::None {
            return Ok(());
        }
        Err(StoreError::Damaged("the disk is gone".to_owned()))
    }

    fn load(&mut self) -> Result<Loaded, StoreError> {
        self.0.load()
    }

    fn bundle(&mut self, id: &BundleId) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.bundle(id)
    }
}

#[test]
fn an_append_that_failed_is_asked_after_before_the_next_step() {
    for (fault, changes) in [(Fault::Lost, 2), (Fault::Done, 3)] {
        let next = std::sync::Arc::new(std::sync::Mutex::new(Fault::None));
        let mut registry = founded_in(
            Faulty(MemoryStore::new(), next.clone()),
            &key(),
            Settings::default(),
        );
        *next.lock().unwrap() = fault;
        let failed = registry.draft(&numbered(1), &ann(), "x", NOON);
        assert!(matches!(failed, Err(Failed::Store(_))));
        assert_eq!(
            registry.changes().count(),
            1,
            "nothing is believed that was not confirmed"
        );
        registry.draft(&numbered(2), &ann(), "x", NOON).unwrap();
        assert_eq!(registry.changes().count(), changes);
    }
}

#[test]
fn of_two_processes_that_append_the_later_one_is_refused_and_reads_again() {
    let (store, der) = (MemoryStore::new(), key());
    let mut one = founded_in(store.clone(), &der, Settings::default());
    let mut other = open(store, &der).unwrap();
    one.draft(&numbered(1), &ann(), "x", NOON).unwrap();
    let late = other.draft(&numbered(2), &bo(), "x", NOON);
    assert!(matches!(
        late,
        Err(Failed::Store(StoreError::Conflict { number: 2 }))
    ));
    let id = other.draft(&numbered(2), &bo(), "x", NOON).unwrap();
    assert_eq!(id, ChangeId(3));
    one.refresh().unwrap();
    assert_eq!(one.anchor(), other.anchor());
}

#[test]
fn a_rehearsal_judges_steps_one_after_the_other_and_leaves_nothing() {
    let mut registry = founded();
    let bundle = with_rows("p, u:ann, web, *, www.city.example, /x, ^GET$, true, allow, \n");
    let before = registry.anchor();
    let steps = |registry: &mut Registry<MemoryStore>| -> Result<(), Failed> {
        let id = registry.draft(&bundle, &ann(), "a page", NOON)?;
        registry.submit(id, &ann(), "ready", NOON + 1)?;
        registry.approve(id, &bundle.id(), &bo(), "fine", NOON + 2)?;
        registry.promote(id, &ann(), "all", NOON + 3)?;
        let live = registry.live()?.bundle;
        assert_eq!(registry.bundle(&live)?, bundle);
        registry.promote(id, &ann(), "again", NOON + 4)
    };
    let refusal = registry.rehearse(steps).unwrap_err();
    assert!(
        matches!(refusal, Failed::Refused(Refused::Stage { .. })),
        "{refusal}"
    );
    assert_eq!((registry.anchor(), registry.changes().count()), (before, 1));
    assert!(matches!(
        registry.bundle(&bundle.id()),
        Err(Failed::Lost { .. })
    ));
    registry.refresh().unwrap();
    assert_eq!(registry.live().unwrap().bundle, founding().id());
}

#[test]
fn a_rehearsal_that_breaks_down_leaves_a_record_that_is_kept_again() {
    let mut registry = founded();
    let bundle = numbered(1);
    let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _never: Result<(), Failed> = registry.rehearse(|registry| {
            registry.draft(&bundle, &ann(), "x", NOON)?;
            panic!("a fault in the middle");
        });
    }));
    assert!(broken.is_err());
    assert_eq!(registry.changes().count(), 1);
    registry.draft(&bundle, &ann(), "x", NOON).unwrap();
    registry.refresh().unwrap();
    assert_eq!(registry.changes().count(), 2, "the step was kept");
}
