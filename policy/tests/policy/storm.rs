//! Rows change a thousand times a second while decisions are made.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use hangu_policy::{Effect, Line, Revision, RowChange, Snapshot, Value};

use crate::dice::Dice;
use crate::support::{GATEWAY_MODEL, snapshot};

const CHANGES: usize = 2_000;
const EVERY: Duration = Duration::from_millis(1);
const READERS: usize = 3;
/// Switches that changes turn: the first half are rules, the second are roles.
const SWITCHES: usize = 32;

/// The row behind a switch, and its line.
fn row(switch: usize) -> (u32, String) {
    let line = 50_000 + u32::try_from(switch).unwrap();
    if switch < SWITCHES / 2 {
        let row = format!("p, u:{switch}, d0, *, *, /storm/:id, ^GET$, true, allow, ");
        (line, row)
    } else {
        (line, format!("g, u:{switch}, role:storm, d0"))
    }
}

/// Rows that stand through it all.
fn standing() -> String {
    let mut text = String::from(
        "p, role:storm, d0, *, *, /storm/*, ^GET$, true, allow, redact:L1\n\
         p, *, *, *, *, /*, *, r.ctx.risk >= 80, deny, log:full\n",
    );
    for row in 0..2_000 {
        text += &format!(
            "p, role:{row}, d{}, *, *, /filler/{row}/:id, ^GET$, true, allow, \n",
            row % 7
        );
    }
    text
}

fn ask(snapshot: &Snapshot, switch: usize) -> (bool, Revision) {
    let sub = format!("u:{switch}");
    let text = Value::Str;
    let context = [
        ("aal", Value::Int(2)),
        ("dev", Value::Int(80)),
        ("risk", Value::Int(10)),
        ("min", Value::Int(600)),
        ("dow", Value::Int(3)),
        ("cert", Value::Bool(false)),
    ];
    let request = [
        text(&sub),
        text("d0"),
        text("zone:intranet"),
        text("h"),
        text("/storm/7"),
        text("GET"),
        Value::Map(&context),
    ];
    let decision = snapshot.decide(&request).unwrap();
    (decision.effect == Effect::Allow, decision.revision)
}

/// What a reader saw: how many changes were published before and after, the switch, and the answer.
type Seen = (usize, usize, usize, bool, Revision);

#[test]
fn every_decision_in_a_storm_of_changes_is_that_of_the_old_or_the_new_snapshot() {
    let rows: Vec<(u32, String)> = (0..SWITCHES).map(row).collect();
    let current = ArcSwap::from_pointee(snapshot(GATEWAY_MODEL, &standing()));
    let published = AtomicUsize::new(0);
    let over = AtomicBool::new(false);
    // By number of changes: the revision and the switches that are on.
    let mut history: Vec<(Revision, u32)> = vec![(*current.load().revision(), 0)];
    let mut took = Vec::new();
    let started = Instant::now();
    let seen: Vec<Seen> = thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS)
            .map(|reader| {
                let (current, published, over) = (&current, &published, &over);
                scope.spawn(move || {
                    let mut dice = Dice(77 + reader as u64);
                    let mut seen: Vec<Seen> = Vec::new();
                    while !over.load(Ordering::SeqCst) {
                        let switch = dice.below(SWITCHES);
                        let before = published.load(Ordering::SeqCst);
                        let (allowed, revision) = ask(&current.load(), switch);
                        let after = published.load(Ordering::SeqCst);
                        seen.push((before, after, switch, allowed, revision));
                    }
                    seen
                })
            })
            .collect();
        let mut dice = Dice(5);
        for change in 1..=CHANGES {
            let switch = dice.below(SWITCHES);
            let on = history.last().unwrap().1 ^ (1 << switch);
            let (number, text) = &rows[switch];
            let line = Line {
                file: "rules.csv",
                number: *number,
                text,
            };
            let add = on >> switch & 1 == 1;
            let row = if add {
                RowChange::Add(line)
            } else {
                RowChange::Remove(line)
            };
            let begun = Instant::now();
            let next = current.load().apply(&[row]).unwrap();
            took.push(begun.elapsed());
            history.push((*next.revision(), on));
            current.store(next.into());
            published.store(change, Ordering::SeqCst);
            let due = EVERY * u32::try_from(change).unwrap();
            thread::sleep(due.saturating_sub(started.elapsed()));
        }
        over.store(true, Ordering::SeqCst);
        readers
            .into_iter()
            .flat_map(|reader| reader.join().unwrap())
            .collect()
    });
    let elapsed = started.elapsed();
    took.sort_unstable();
    println!(
        "{CHANGES} changes in {elapsed:?}, half of them within {:?}, {} decisions meanwhile",
        took[CHANGES / 2],
        seen.len()
    );
    // The same switches give the same revision, whatever happened in between.
    let mut revisions: HashMap<u32, Revision> = HashMap::new();
    for (revision, on) in &history {
        assert_eq!(revisions.entry(*on).or_insert(*revision), revision);
    }
    let mut both = [0_usize; 2];
    for (before, after, switch, allowed, revision) in &seen {
        // One more may have been installed than was counted.
        let window = &history[*before..=(*after + 1).min(CHANGES)];
        let known = window
            .iter()
            .any(|(known, on)| known == revision && (on >> switch & 1 == 1) == *allowed);
        assert!(
            known,
            "{before}..{after}: switch {switch} is {allowed} under {revision}"
        );
        both[usize::from(*allowed)] += 1;
    }
    assert!(both.iter().all(|count| *count > 100), "{both:?}");
    for (revision, on) in history.iter().step_by(CHANGES / 8) {
        let mut text = standing();
        for (_, row) in rows
            .iter()
            .enumerate()
            .filter(|(switch, _)| on >> switch & 1 == 1)
            .map(|(_, row)| row)
        {
            text += row;
            text.push('\n');
        }
        let loaded = snapshot(GATEWAY_MODEL, &text);
        assert_eq!(loaded.revision(), revision);
        for switch in 0..SWITCHES {
            assert_eq!(ask(&loaded, switch).0, on >> switch & 1 == 1);
        }
    }
}
