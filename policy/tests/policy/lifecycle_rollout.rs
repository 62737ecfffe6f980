//! A candidate beside the live policy, as requests meet it.

use std::sync::Arc;

use hangu_policy::lifecycle::rollout::differences::Flip;
use hangu_policy::lifecycle::rollout::successes::Successes;
use hangu_policy::lifecycle::rollout::watch::{Limits, Verdict};
use hangu_policy::lifecycle::rollout::{By, Mode};
use hangu_policy::lifecycle::{Canary, ChangeId, Rollout};
use hangu_policy::{Effect, Snapshot, Value};
use proptest::prelude::*;

use crate::support::snapshot;

const MODEL: &str = "[request_definition]\nr = sub, act\n[policy_definition]\np = sub, act, eft, obl\n[policy_effect]\n\
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))\n[matchers]\n\
m = (p.sub == \"*\" || r.sub == p.sub) && (p.act == \"*\" || r.act == p.act)\n";

/// Everybody reads; callers `a0` to `a99`, of which some are shut out.
fn policy(rows: &str) -> Arc<Snapshot> {
    Arc::new(snapshot(MODEL, &format!("p, *, read, allow, \n{rows}")))
}

fn steady(rows: &str) -> Rollout {
    Rollout::steady(policy(rows), Arc::new(Successes::default()))
}

const LIMITS: Limits = Limits {
    least: 3,
    share: 10,
    window_ms: 60_000,
};

fn with(live: Rollout, rows: &str, mode: Mode) -> Rollout {
    live.with_candidate(ChangeId(7), policy(rows), mode, &[9; 32], LIMITS)
}

fn canary(departments: &[&str], share: u8) -> Mode {
    let departments = departments.iter().map(|name| (*name).to_owned()).collect();
    Mode::Canary(Canary::new(departments, share).unwrap())
}

/// Who decides for a caller, and what.
fn ask(rollout: &Rollout, caller: &str, act: &str) -> (By, Effect) {
    ask_in(rollout, caller, act, "web", 1000)
}

fn ask_in(rollout: &Rollout, caller: &str, act: &str, department: &str, now: u64) -> (By, Effect) {
    let values = [Value::Str(caller), Value::Str(act)];
    let outcome = rollout.decide(&values, caller, department, now).unwrap();
    (outcome.by, outcome.decision.effect)
}

#[test]
fn a_shadow_sees_differences_and_changes_no_verdict() {
    let rollout = with(
        steady("p, a3, write, allow, redact:L2\n"),
        "p, a1, read, deny, \np, a2, write, allow, \np, a3, write, allow, redact:L1\n",
        Mode::Shadow,
    );
    for _ in 0..50 {
        assert_eq!(ask(&rollout, "a1", "read"), (By::Live, Effect::Allow));
    }
    assert_eq!(ask(&rollout, "a2", "write"), (By::Live, Effect::Deny));
    assert_eq!(ask(&rollout, "a3", "write"), (By::Live, Effect::Allow));
    assert_eq!(ask(&rollout, "a4", "read"), (By::Live, Effect::Allow));
    let report = rollout.differences().unwrap();
    assert_eq!((report.compared, report.beyond), (53, 0));
    let flips: Vec<_> = report
        .differences
        .iter()
        .map(|kind| (kind.difference.flip, kind.count))
        .collect();
    assert_eq!(
        flips,
        [(Flip::Lost, 50), (Flip::Gained, 1), (Flip::Costs, 1)]
    );
    let sample = &report.differences[0].samples[0];
    assert_eq!(
        (sample.caller.as_str(), sample.department.as_str()),
        ("a1", "web")
    );
    assert_eq!(sample.request, serde_json::json!(["a1", "read"]));
    assert_eq!(rollout.verdict(), None, "a shadow harms nobody");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_shadow_answers_what_the_live_policy_alone_answers(
        live in rows(), tried in rows(), asked in prop::collection::vec((0..6_usize, 0..2_usize), 1..60),
    ) {
        let alone = steady(&live);
        let shadowed = with(steady(&live), &tried, Mode::Shadow);
        for (caller, act) in asked {
            let (caller, act) = (format!("a{caller}"), ["read", "write"][act]);
            let values = [Value::Str(&caller), Value::Str(act)];
            let one = alone.decide(&values, &caller, "", 5).unwrap();
            let other = shadowed.decide(&values, &caller, "", 5).unwrap();
            prop_assert_eq!(one.decision.effect, other.decision.effect);
            prop_assert_eq!(one.decision.rules, other.decision.rules);
            prop_assert_eq!(one.decision.revision, other.decision.revision);
            prop_assert_eq!(one.decision.obligations, other.decision.obligations);
            prop_assert_eq!(other.by, By::Live);
        }
    }
}

fn rows() -> impl Strategy<Value = String> {
    let row = (0..6_usize, prop::bool::ANY, prop::bool::ANY).prop_map(|(caller, write, allow)| {
        let act = if write { "write" } else { "read" };
        let effect = if allow { "allow" } else { "deny" };
        format!("p, a{caller}, {act}, {effect}, \n")
    });
    prop::collection::hash_set(row, 0..8).prop_map(|rows| rows.into_iter().collect())
}

#[test]
fn a_canary_takes_its_share_and_always_the_same_callers() {
    let callers: Vec<String> = (0..2000).map(|number| format!("u:{number}")).collect();
    let drawn = |rollout: &Rollout| -> Vec<bool> {
        let by = |caller: &String| ask(rollout, caller, "read").0 == By::Candidate;
        callers.iter().map(by).collect()
    };
    let ten = with(steady(""), "", canary(&[], 10));
    let first = drawn(&ten);
    let count = first.iter().filter(|drawn| **drawn).count();
    assert!((140..=260).contains(&count), "{count} of 2000");
    assert_eq!(
        first,
        drawn(&with(steady(""), "", canary(&[], 10))),
        "after a restart too"
    );
    let more = drawn(&with(steady(""), "", canary(&[], 30)));
    let kept = first
        .iter()
        .zip(&more)
        .all(|(before, after)| !before || *after);
    assert!(kept, "whoever was in a share stays in a larger one");
    let other =
        steady("").with_candidate(ChangeId(8), policy(""), canary(&[], 10), &[9; 32], LIMITS);
    assert_ne!(first, drawn(&other), "another change draws others");
    assert!(
        drawn(&with(steady(""), "", canary(&[], 100)))
            .iter()
            .all(|drawn| *drawn)
    );
}

#[test]
fn a_canary_of_departments_leaves_the_others_alone() {
    let rollout = with(
        steady(""),
        "p, *, write, allow, \n",
        canary(&["web", "staff"], 100),
    );
    for (department, by) in [
        ("web", By::Candidate),
        ("staff", By::Candidate),
        ("tax", By::Live),
        ("", By::Live),
    ] {
        assert_eq!(
            ask_in(&rollout, "a1", "write", department, 5).0,
            by,
            "{department}"
        );
    }
}

#[test]
fn a_canary_that_refuses_callers_who_used_to_get_in_is_taken_back_once_and_at_once() {
    let shut: String = (0..5)
        .map(|number| format!("p, a{number}, read, deny, \n"))
        .collect();
    let rollout = with(steady(""), &shut, canary(&[], 100));
    // Before the canary the callers got in.
    let earlier = Successes::default();
    let known: Vec<String> = (0..10).map(|number| format!("a{number}")).collect();
    known.iter().for_each(|caller| earlier.remember(caller));
    let live = Rollout::steady(policy(""), Arc::new(earlier));
    let known_rollout = with(live, &shut, canary(&[], 100));

    for caller in &known {
        ask(&rollout, caller, "read");
    }
    assert_eq!(
        rollout.verdict(),
        None,
        "nobody is known to have got in before"
    );

    assert_eq!(
        ask(&known_rollout, "a0", "read"),
        (By::Candidate, Effect::Deny)
    );
    assert_eq!(
        ask(&known_rollout, "a1", "read"),
        (By::Candidate, Effect::Deny)
    );
    assert_eq!(known_rollout.verdict(), None);
    assert_eq!(
        ask(&known_rollout, "a2", "read"),
        (By::Live, Effect::Allow),
        "the third makes the verdict"
    );
    let Some(Verdict::RollBack { why }) = known_rollout.verdict() else {
        panic!("no verdict");
    };
    assert_eq!(
        why.to_string(),
        "60 秒内拒绝了 3 位曾获准访问者中的 3 位 · it refused 3 of 3 callers who used to get in, within 60 s"
    );
    let again = known_rollout.verdict();
    assert_eq!(again, Some(Verdict::RollBack { why }), "until it is done");
    assert_eq!(ask(&known_rollout, "a0", "read"), (By::Live, Effect::Allow));
}

#[test]
fn what_the_live_policy_would_refuse_too_takes_no_canary_back() {
    let successes = Arc::new(Successes::default());
    let callers: Vec<String> = (0..20).map(|number| format!("a{number}")).collect();
    callers.iter().for_each(|caller| successes.remember(caller));
    let live = Rollout::steady(policy(""), successes);
    let rollout = with(live, "", canary(&[], 100));
    for caller in &callers {
        assert_eq!(
            ask(&rollout, caller, "write"),
            (By::Candidate, Effect::Deny)
        );
    }
    assert_eq!(rollout.verdict(), None);
}

#[test]
fn a_candidate_that_cannot_judge_refuses_and_is_taken_back() {
    let other = MODEL.replace("r = sub, act", "r = sub, act, dom");
    let candidate = Arc::new(snapshot(&other, "p, *, *, allow, \n"));
    let successes = Arc::new(Successes::default());
    (0..3).for_each(|number| successes.remember(&format!("a{number}")));
    let live = Rollout::steady(policy(""), successes);
    let rollout = live.with_candidate(ChangeId(1), candidate, canary(&[], 100), &[0; 32], LIMITS);
    for caller in ["a0", "a1"] {
        let values = [Value::Str(caller), Value::Str("read")];
        assert!(rollout.decide(&values, caller, "web", 1).is_err());
    }
    assert_eq!(ask(&rollout, "a2", "read"), (By::Live, Effect::Allow));
    assert_eq!(
        rollout.differences().unwrap().differences[0]
            .difference
            .flip,
        Flip::Unjudged
    );
    assert!(rollout.verdict().is_some());
}

#[test]
fn without_a_candidate_the_live_policy_decides_and_nothing_is_compared() {
    let rollout = steady("p, a1, read, deny, \n");
    assert_eq!(ask(&rollout, "a1", "read"), (By::Live, Effect::Deny));
    assert_eq!(ask(&rollout, "a2", "read"), (By::Live, Effect::Allow));
    assert_eq!((rollout.differences(), rollout.verdict()), (None, None));
    assert!(rollout.candidate().is_none());
    assert!(Arc::ptr_eq(rollout.snapshot(By::Candidate), rollout.live()));
}

#[test]
fn requests_of_many_threads_make_one_verdict() {
    let shut: String = (0..64)
        .map(|number| format!("p, a{number}, read, deny, \n"))
        .collect();
    let successes = Arc::new(Successes::default());
    (0..64).for_each(|number| successes.remember(&format!("a{number}")));
    let rollout = with(
        Rollout::steady(policy(""), successes),
        &shut,
        canary(&[], 100),
    );
    let verdicts: Vec<Verdict> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let rollout = &rollout;
                scope.spawn(move || {
                    let seen = |number| {
                        let caller = format!("a{}", (number + thread * 16) % 64);
                        ask(rollout, &caller, "read");
                        rollout.verdict()
                    };
                    (0..64).filter_map(seen).collect::<Vec<_>>()
                })
            })
            .collect();
        let seen = threads.into_iter().map(|thread| thread.join().unwrap());
        seen.flatten().collect()
    });
    assert!(!verdicts.is_empty());
    assert!(
        verdicts.iter().all(|verdict| *verdict == verdicts[0]),
        "{verdicts:?}"
    );
}
