//! Whatever is tried in whatever order, what is live was approved or is an emergency within its time.

use std::collections::BTreeMap;

use hangu_policy::lifecycle::store::memory::MemoryStore;
use hangu_policy::lifecycle::{
    Actor, BundleId, Canary, ChangeId, Kind, Registry, Role, Settings, Stage,
};
use proptest::prelude::*;

use crate::lifecycle_support::{
    HOUR, NOON, founded_in, founding, key, numbered, open, security, without,
};

/// One attempt; who makes it and when comes beside it.
#[derive(Clone, Debug)]
enum Attempt {
    Draft(usize),
    Revise(u64, usize),
    Submit(u64),
    Approve(u64),
    ApproveUnseen(u64, usize),
    Reject(u64),
    Withdraw(u64),
    Shadow(u64),
    Canary(u64),
    Promote(u64),
    TakeBack(u64),
    Emergency(usize, u64),
    RollBack,
    Review(u64),
    Tend,
    Reopen,
}

/// Policies to choose from: some narrow, some that need two approvals.
fn bundles() -> Vec<hangu_policy::lifecycle::Bundle> {
    vec![
        founding(),
        numbered(1),
        without("p, svc:etl"),
        without("g, u:ann, role:resident"),
        without("role:blocked, *, *, *, /*"),
    ]
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let (change, bundle) = (2..6_u64, 0..5_usize);
    prop_oneof![
        3 => bundle.clone().prop_map(Attempt::Draft),
        1 => (change.clone(), bundle.clone()).prop_map(|(id, bundle)| Attempt::Revise(id, bundle)),
        4 => change.clone().prop_map(Attempt::Submit),
        8 => change.clone().prop_map(Attempt::Approve),
        1 => (change.clone(), bundle.clone()).prop_map(|(id, bundle)| Attempt::ApproveUnseen(id, bundle)),
        1 => change.clone().prop_map(Attempt::Reject),
        1 => change.clone().prop_map(Attempt::Withdraw),
        5 => change.clone().prop_map(Attempt::Shadow),
        5 => change.clone().prop_map(Attempt::Canary),
        3 => change.clone().prop_map(Attempt::Promote),
        1 => change.clone().prop_map(Attempt::TakeBack),
        4 => (bundle, 0..30_u64).prop_map(|(bundle, hours)| Attempt::Emergency(bundle, hours)),
        1 => Just(Attempt::RollBack),
        1 => change.prop_map(Attempt::Review),
        2 => Just(Attempt::Tend),
        1 => Just(Attempt::Reopen),
    ]
}

fn actor() -> impl Strategy<Value = Actor> {
    prop_oneof![
        4 => Just(security("ann")),
        4 => Just(security("bo")),
        4 => Just(security("cy")),
        1 => Just(Actor::new("sys", Role::SystemAdministrator)),
        1 => Just(Actor::new("aud", Role::Auditor)),
        1 => Just(Actor::gateway()),
    ]
}

/// Whoever can take a step, so that sequences come far; every fourth is left to chance.
fn willing(registry: &Kept, attempt: &Attempt, by: Actor, chance: u8) -> Actor {
    let author = |number: &u64| {
        let change = registry.change(ChangeId(*number)).ok()?;
        Some(change.author.clone())
    };
    let other = |number: &u64| {
        let change = registry.change(ChangeId(*number)).ok()?;
        let spoke = |id: &&str| {
            change.author != *id && change.approvals.iter().all(|given| given.by != *id)
        };
        ["ann", "bo", "cy"]
            .into_iter()
            .find(spoke)
            .map(str::to_owned)
    };
    let id = if let Attempt::Submit(number) | Attempt::Revise(number, _) = attempt {
        author(number)
    } else if let Attempt::Approve(number) = attempt {
        other(number)
    } else {
        None
    };
    let id = id.filter(|_| !chance.is_multiple_of(4));
    id.map_or(by, |id| security(&id))
}

/// What must be true of what is live, kept apart from the code that decides it.
struct Truth {
    /// Bundles that were live for good at some time.
    settled: Vec<BundleId>,
    /// Persons who approved what a change brings now.
    approvals: BTreeMap<(ChangeId, BundleId), Vec<String>>,
}

type Kept = Registry<MemoryStore>;

fn act(registry: &mut Kept, attempt: &Attempt, by: &Actor, now: u64) -> bool {
    let all = bundles();
    let named = |registry: &Kept, id: ChangeId| {
        registry
            .change(id)
            .map(|change| change.bundle)
            .unwrap_or_default()
    };
    let id = |number: &u64| ChangeId(*number);
    let why = "because";
    match attempt {
        Attempt::Draft(bundle) => registry.draft(&all[*bundle], by, why, now).is_ok(),
        Attempt::Revise(number, bundle) => registry
            .revise(id(number), &all[*bundle], by, why, now)
            .is_ok(),
        Attempt::Submit(number) => registry.submit(id(number), by, why, now).is_ok(),
        Attempt::Approve(number) => {
            let bundle = named(registry, id(number));
            registry.approve(id(number), &bundle, by, why, now).is_ok()
        }
        Attempt::ApproveUnseen(number, bundle) => registry
            .approve(id(number), &all[*bundle].id(), by, why, now)
            .is_ok(),
        Attempt::Reject(number) => registry.reject(id(number), by, why, now).is_ok(),
        Attempt::Withdraw(number) => registry.withdraw(id(number), by, why, now).is_ok(),
        Attempt::Shadow(number) => registry.shadow(id(number), by, why, now).is_ok(),
        Attempt::Canary(number) => {
            let canary = Canary::new(vec![], 10).unwrap();
            registry.canary(id(number), canary, by, why, now).is_ok()
        }
        Attempt::Promote(number) => registry.promote(id(number), by, why, now).is_ok(),
        Attempt::TakeBack(number) => registry.take_back(id(number), by, why, now).is_ok(),
        Attempt::Emergency(bundle, hours) => registry
            .emergency(&all[*bundle], now + hours * HOUR, by, why, now)
            .is_ok(),
        Attempt::RollBack => registry.roll_back(by, why, now).is_ok(),
        Attempt::Review(number) => registry.review(id(number), by, why, now).is_ok(),
        Attempt::Tend => registry.tend(now).unwrap().is_some(),
        Attempt::Reopen => false,
    }
}

impl Truth {
    /// Notes what was granted, from the attempt and not from the registry.
    fn note(&mut self, registry: &Kept, attempt: &Attempt, by: &Actor) {
        if let Attempt::Approve(number) | Attempt::ApproveUnseen(number, _) = attempt {
            let id = ChangeId(*number);
            let change = registry.change(id).unwrap();
            assert_ne!(change.author, by.id, "an author approved");
            assert_eq!(by.role, Role::SecurityAdministrator);
            let given = self.approvals.entry((id, change.bundle)).or_default();
            assert!(!given.contains(&by.id), "one person approved twice");
            given.push(by.id.clone());
        }
        if let Attempt::Revise(number, _) = attempt {
            self.approvals.retain(|(id, _), _| id.0 != *number);
        }
    }

    fn holds(&mut self, registry: &Kept, now: u64) {
        let live: Vec<_> = registry
            .changes()
            .filter(|change| change.stage == Stage::Live)
            .collect();
        assert_eq!(live.len(), 1, "exactly one is live");
        let live = live[0];
        assert_eq!(live, registry.live().unwrap());
        let tried: Vec<_> = registry
            .changes()
            .filter(|change| matches!(change.stage, Stage::Shadow | Stage::Canary(_)))
            .collect();
        assert!(tried.len() <= 1);
        for change in &tried {
            assert_eq!(registry.candidate(), Some(*change));
            assert_eq!(
                change.parent,
                Some(live.bundle),
                "a candidate stands on what is live"
            );
            assert!(self.approved(change), "{change:?}");
        }
        match live.kind {
            Kind::Founding => {}
            Kind::Ordinary => assert!(self.approved(live), "{live:?}"),
            Kind::Rollback => assert!(self.settled.contains(&live.bundle)),
            Kind::Emergency { until_ms, since_ms } => {
                assert!(until_ms <= since_ms + 24 * HOUR);
                let ended = now >= until_ms && !self.approved(live);
                assert_eq!(
                    ended,
                    registry
                        .due(now)
                        .iter()
                        .any(|due| matches!(due, hangu_policy::lifecycle::Due::Ends { .. }))
                );
                assert!(self.settled.contains(&live.parent.unwrap()));
            }
        }
        if !matches!(live.kind, Kind::Emergency { .. }) || self.approved(live) {
            self.settled.push(live.bundle);
        }
    }

    fn approved(&self, change: &hangu_policy::lifecycle::Change) -> bool {
        let given = self
            .approvals
            .get(&(change.id, change.bundle))
            .map_or(0, Vec::len);
        change.needed.as_ref().is_some_and(|needed| {
            needed.approvals > 0 && given as u64 >= u64::from(needed.approvals)
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_sequence_of_steps_makes_live_what_nobody_approved(
        steps in prop::collection::vec((attempt(), actor(), 0..2 * HOUR, any::<u8>()), 10..90),
    ) {
        let (store, der) = (MemoryStore::new(), key());
        let mut registry = founded_in(store.clone(), &der, Settings::default());
        let mut truth = Truth { settled: vec![founding().id()], approvals: BTreeMap::new() };
        let mut now = NOON;
        for (attempt, by, passed, chance) in steps {
            now += passed;
            let by = willing(&registry, &attempt, by, chance);
            let before = registry.anchor();
            let base = registry.live().unwrap().clone();
            let done = act(&mut registry, &attempt, &by, now);
            prop_assert_eq!(done, registry.anchor() != before, "a refusal writes nothing");
            if done {
                let reads_only = matches!(by.role, Role::SystemAdministrator | Role::Auditor);
                prop_assert!(!reads_only || matches!(attempt, Attempt::Tend), "{:?} by {:?}", attempt, by);
                truth.note(&registry, &attempt, &by);
            }
            if matches!(attempt, Attempt::Tend) && done {
                prop_assert_eq!(Some(registry.live().unwrap().bundle), base.parent, "back to the parent");
            }
            if matches!(attempt, Attempt::Reopen) {
                let again = open(store.clone(), &der).unwrap();
                prop_assert_eq!(again.anchor(), registry.anchor());
                prop_assert!(again.changes().eq(registry.changes()));
                registry = again;
            }
            truth.holds(&registry, now);
        }
        registry.tend(u64::MAX).unwrap();
        let live = registry.live().unwrap();
        prop_assert!(truth.approved(live) || truth.settled.contains(&live.bundle));
        let again = open(store, &der).unwrap();
        prop_assert_eq!(again.anchor(), registry.anchor());
    }
}
