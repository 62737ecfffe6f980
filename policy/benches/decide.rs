//! Time of a decision, of a load and of a change against the number of rules: `cargo bench -p hangu-policy`.
//!
//! Means are processor time of the thread where the system tells it; quantiles and changes, of which the median
//! and the ninetieth of a hundred are told, are wall time. Memory is what the allocator was asked for and has not got back, and allocations are those of all cold requests.
//!
//! Cold requests are distinct and drawn evenly over all departments, so nothing stays warm on purpose;
//! warm ones are 64 of them in turn. Half of them are allowed. A change adds or removes one row: a rule of
//! some department, a role of some caller. The first argument, a number, limits the sizes.

#[path = "../tests/allocation/counting.rs"]
mod counting;
#[path = "../tests/allocation/workload.rs"]
mod workload;

use std::error::Error;
use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

use counting::Counting;
use hangu_policy::{Dialect, Line, Mistake, RowChange, Snapshot, Source};
use workload::{DEPARTMENT, MODEL, Request, policy, users};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const REQUESTS: usize = 50_000;
const ROUNDS: usize = 7;

fn main() -> Result<(), Box<dyn Error>> {
    let largest = std::env::args()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(1_000_000);
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "rules       load   kept    peak    mean   p50   p99  p99.9    warm allocs  allowed    rule+   rule-   role+   role-     p90"
    )?;
    for rules in [100, 1_000, 10_000, 100_000, 1_000_000] {
        if rules > largest {
            break;
        }
        measure(&mut out, rules)?;
    }
    Ok(())
}

fn measure(out: &mut impl Write, rules: usize) -> Result<(), Box<dyn Error>> {
    let text = policy(rules);
    let before = counting::held();
    counting::forget_peak();
    let started = Stopwatch::start();
    let sources = [Source {
        name: "rules",
        text: &text,
    }];
    let snapshot = Snapshot::load(
        Source {
            name: "model",
            text: MODEL,
        },
        &sources,
        Dialect::Strict,
    )
    .map_err(|mistakes| first(&mistakes))?;
    let loaded = started.elapsed();
    let megabytes = |bytes: usize| bytes.saturating_sub(before) >> 20;
    let (kept, peak) = (megabytes(counting::held()), megabytes(counting::peak()));
    let requests: Vec<Request> = (0..REQUESTS)
        .map(|number| Request::new(number, rules))
        .collect();
    let mut best = Duration::MAX;
    let mut allowed = 0;
    for _ in 0..ROUNDS {
        let started = Stopwatch::start();
        allowed = requests
            .iter()
            .filter(|request| request.ask(&snapshot))
            .count();
        best = best.min(started.elapsed());
    }
    let mut times: Vec<u128> = requests
        .iter()
        .map(|request| {
            let started = Instant::now();
            black_box(request.ask(&snapshot));
            started.elapsed().as_nanos()
        })
        .collect();
    times.sort_unstable();
    let at = |permille: usize| {
        times
            .get(times.len() * permille / 1000)
            .copied()
            .unwrap_or_default()
    };
    let asked = counting::asked();
    for request in &requests {
        black_box(request.ask(&snapshot));
    }
    let allocations = counting::asked() - asked;
    let few = requests.get(..64).unwrap_or_default();
    let mut warm = Duration::MAX;
    for _ in 0..ROUNDS {
        let started = Stopwatch::start();
        for request in few.iter().cycle().take(REQUESTS) {
            black_box(request.ask(&snapshot));
        }
        warm = warm.min(started.elapsed());
    }
    let warm = warm.as_nanos() / REQUESTS as u128;
    let changes = changes(&snapshot, rules)?;
    let mean = best.as_nanos() / REQUESTS as u128;
    let share = allowed * 100 / REQUESTS;
    let load = loaded.as_millis();
    let [joined, left, given, taken, most] = changes.map(|time| time.as_micros());
    writeln!(
        out,
        "{rules:>8} {load:>4} ms {kept:>3} MB {peak:>4} MB {mean:>4} ns {:>5} {:>5} {:>6} {warm:>4} ns {allocations:>6} {share:>6} % \
         {joined:>5} µs {left:>4} µs {given:>4} µs {taken:>4} µs {most:>4} µs",
        at(500),
        at(990),
        at(999)
    )?;
    Ok(())
}

/// Rows that are changed one after the other.
const CHANGES: usize = 200;

/// Median times of adding and removing a rule, adding and removing a role, and the largest of what nine of ten
/// stay below.
fn changes(snapshot: &Snapshot, rules: usize) -> Result<[Duration; 5], Box<dyn Error>> {
    let departments = rules.div_ceil(DEPARTMENT);
    let mut current: Option<Snapshot> = None;
    let mut medians = [Duration::ZERO; 5];
    for (kind, add) in [(0, true), (0, false), (1, true), (1, false)] {
        let mut times = Vec::new();
        for number in 0..CHANGES {
            let department = number * 7_919 % departments;
            let user = number * 31 % users(rules);
            let text = if kind == 0 {
                format!(
                    "p, role:{department}-{}, d{department}, zone:gov, d{department}.gov.example, /new/{number}/:id, ^GET$, \
                     r.ctx.aal >= 2, allow, redact:L2;rate:gold",
                    number % 20
                )
            } else {
                format!("g, u:{user}, role:new-{number}, d{}", user % departments)
            };
            let number = u32::try_from(5_000_000 + kind * CHANGES + number)?;
            let line = Line {
                file: "rules",
                number,
                text: &text,
            };
            let change = if add {
                RowChange::Add(line)
            } else {
                RowChange::Remove(line)
            };
            let started = Instant::now();
            let next = current.as_ref().unwrap_or(snapshot).apply(&[change]);
            times.push(started.elapsed());
            current = Some(next.map_err(|mistakes| first(&mistakes))?);
        }
        times.sort_unstable();
        let place = kind * 2 + usize::from(!add);
        if let Some(median) = medians.get_mut(place) {
            *median = times.get(CHANGES / 2).copied().unwrap_or_default();
        }
        if let Some(most) = medians.last_mut() {
            *most = (*most).max(times.get(CHANGES * 9 / 10).copied().unwrap_or_default());
        }
    }
    Ok(medians)
}

fn first(mistakes: &[Mistake]) -> String {
    mistakes
        .first()
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// Processor time of this thread, or wall time where the system does not tell.
struct Stopwatch {
    wall: Instant,
    spent: Option<Duration>,
}

impl Stopwatch {
    fn start() -> Self {
        Self {
            wall: Instant::now(),
            spent: spent(),
        }
    }

    fn elapsed(&self) -> Duration {
        match (spent(), self.spent) {
            (Some(now), Some(before)) => now.saturating_sub(before),
            (None, _) | (_, None) => self.wall.elapsed(),
        }
    }
}

fn spent() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace()
        .next()?
        .parse()
        .ok()
        .map(Duration::from_nanos)
}
