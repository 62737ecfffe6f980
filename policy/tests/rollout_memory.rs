#![cfg(test)]
//! A rollout without a candidate allocates nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use hangu_policy::lifecycle::rollout::successes::Successes;
use hangu_policy::lifecycle::rollout::{Mode, watch::Limits};
use hangu_policy::lifecycle::{ChangeId, Rollout};
use hangu_policy::{Dialect, Effect, Snapshot, Source, Value};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// Counts what this thread asks for.
struct Counting;

#[expect(
    unsafe_code,
    reason = "an allocator is unsafe by its trait; this one hands everything on"
)]
// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn policy() -> Arc<Snapshot> {
    let source = |name, text| Source { name, text };
    let model = source("m", include_str!("policy/gateway.conf"));
    let rules = source("r", include_str!("policy/gateway.csv"));
    Arc::new(Snapshot::load(model, &[rules], Dialect::Strict).unwrap())
}

/// Allocations of a thousand decisions.
fn allocations(rollout: &Rollout) -> u64 {
    let text = Value::Str;
    let context = [
        ("aal", Value::Int(3)),
        ("dev", Value::Int(80)),
        ("risk", Value::Int(1)),
        ("cert", Value::Bool(true)),
    ];
    let path = [text("staff.city.example"), text("/people/7"), text("PUT")];
    let [host, path, act] = path;
    let map = Value::Map(&context);
    let request = [
        text("u:cy"),
        text("staff"),
        text("zone:intranet"),
        host,
        path,
        act,
        map,
    ];
    let before = ALLOCATIONS.with(Cell::get);
    for now_ms in 0..1000 {
        let outcome = rollout.decide(&request, "u:cy", "staff", now_ms).unwrap();
        assert_eq!(outcome.decision.effect, Effect::Allow);
    }
    ALLOCATIONS.with(Cell::get) - before
}

#[test]
fn a_decision_without_a_candidate_allocates_nothing() {
    let rollout = Rollout::steady(policy(), Arc::new(Successes::default()));
    assert_eq!(allocations(&rollout), 0);
    let changed = {
        let source = |name, text| Source { name, text };
        let model = source("m", include_str!("policy/gateway.conf"));
        let rules = "p, *, *, *, *, /*, *, true, allow, \n";
        Arc::new(Snapshot::load(model, &[source("r", rules)], Dialect::Strict).unwrap())
    };
    let tried = rollout.with_candidate(
        ChangeId(1),
        changed,
        Mode::Shadow,
        &[1; 32],
        Limits::default(),
    );
    assert!(allocations(&tried) > 0, "the count is one that can rise");
}
