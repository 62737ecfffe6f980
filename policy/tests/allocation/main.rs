#![cfg(test)]
//! What decisions and loads ask of the heap; a program of its own, since it has an allocator of its own.

mod counting;
mod workload;

use std::sync::Mutex;

use counting::Counting;
use hangu_policy::{Dialect, Line, RowChange, Snapshot, Source, Value};
use workload::{DEPARTMENT, MODEL, Request, policy, users};

/// What the process holds is counted over all threads, so tests take turns.
static TURN: Mutex<()> = Mutex::new(());

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn load(text: &str) -> Snapshot {
    let source = |name, text| Source { name, text };
    Snapshot::load(
        source("model", MODEL),
        &[source("rules", text)],
        Dialect::Strict,
    )
    .unwrap()
}

#[test]
fn a_decision_asks_the_heap_for_nothing() {
    let _turn = TURN.lock();
    let rules = 5 * DEPARTMENT;
    let loaded = load(&policy(rules));
    let row = "p, role:0-0, d0, zone:gov, d0.gov.example, /new/:id, ^GET$, r.ctx.aal >= 2, allow, redact:L2";
    let line = Line {
        file: "rules",
        number: 900_000,
        text: row,
    };
    let changed = loaded.apply(&[RowChange::Add(line)]).unwrap();
    let requests: Vec<Request> = (0..4_000)
        .map(|number| Request::new(number, rules))
        .collect();
    for snapshot in [&loaded, &changed] {
        let before = counting::asked();
        let allowed = requests
            .iter()
            .filter(|request| request.ask(snapshot))
            .count();
        assert_eq!(counting::asked() - before, 0);
        assert_eq!(allowed, 2_000);
    }
    // The counter counts.
    let before = counting::asked();
    drop(std::hint::black_box(vec![1]));
    assert_eq!(counting::asked() - before, 1);
}

#[test]
fn a_denial_asks_the_heap_for_nothing_either() {
    let _turn = TURN.lock();
    let loaded = load(&policy(DEPARTMENT));
    let text = Value::Str;
    let context = [("risk", Value::Int(90)), ("aal", Value::Int(2))];
    let request = [
        text("u:3"),
        text("d0"),
        text("zone:internet"),
        text("d0.gov.example"),
        text("/admin/x"),
        text("DELETE"),
        Value::Map(&context),
    ];
    let before = counting::asked();
    let decision = loaded.decide(&request).unwrap();
    assert_eq!(counting::asked() - before, 0);
    assert_eq!(decision.rules.len(), 3);
}

#[test]
fn an_expression_asks_the_heap_for_nothing_not_even_the_first_time() {
    let _turn = TURN.lock();
    let row = "p, u:3, d0, zone:internet, d0.gov.example, /re/*, ^P[A-Z]{2}(CH)?$, true, allow,";
    let loaded = load(&format!("{}{row}\n", policy(DEPARTMENT)));
    let context = [("risk", Value::Int(10)), ("dev", Value::Int(80))];
    for (method, allowed) in [("PATCH", true), ("PUT", true), ("PURGE", false)] {
        let text = Value::Str;
        let request = [
            text("u:3"),
            text("d0"),
            text("zone:internet"),
            text("d0.gov.example"),
            text("/re/x"),
            text(method),
            Value::Map(&context),
        ];
        let before = counting::asked();
        let decision = loaded.decide(&request).unwrap();
        assert_eq!(counting::asked() - before, 0, "{method}");
        assert_eq!(decision.into_permit().is_ok(), allowed, "{method}");
    }
}

#[test]
fn a_hundred_thousand_rules_are_loaded_in_less_than_64_megabytes() {
    let _turn = TURN.lock();
    const RULES: usize = 100_000;
    let text = policy(RULES);
    assert!(users(RULES) >= 10_000);
    counting::forget_peak();
    let before = counting::held();
    let loaded = load(&text);
    let (kept, peak) = (counting::held() - before, counting::peak() - before);
    println!("{} MB kept, {} MB at most", kept >> 20, peak >> 20);
    assert!(peak < 64 << 20, "{peak}");
    assert!(loaded.rules().count() > RULES);
}
