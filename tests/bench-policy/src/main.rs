//! Policy engines beside one another on the same rules and the same requests: the first argument, a number, is
//! the most rules; further ones name the engines.
//!
//! `casbin` is handed the very model and rules. Cedar and Regorus have no path patterns with parameters, so each is
//! handed what its users would build: rules as data, looked up by department, role and pattern, where the pattern
//! that a path falls under is found by the caller and costs nothing here. `cedar-rules` is one `permit` per rule.
//! A figure counts only where the engine answers every request as Hangu does.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod engines;
#[path = "../../../policy/tests/allocation/workload.rs"]
mod workload;

use std::error::Error;
use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

use engines::{ENGINES, Engine};
use workload::{Request, policy};

const REQUESTS: usize = 20_000;
/// Requests that are asked in turn when warm.
const FEW: usize = 16;
/// Slow engines are asked for as long as this, then it is enough.
const ENOUGH: Duration = Duration::from_millis(1_500);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let largest = arguments
        .iter()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(1_000_000);
    let named = |name: &str| {
        let mut names = arguments
            .iter()
            .filter(|argument| argument.parse::<usize>().is_err());
        names.clone().next().is_none() || names.any(|known| known == name)
    };
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "engine            rules       load      memory        cold        warm   asked  allowed"
    )?;
    for rules in [100, 1_000, 10_000, 100_000, 1_000_000] {
        if rules > largest {
            break;
        }
        let text = policy(rules);
        let requests: Vec<Request> = (0..REQUESTS)
            .map(|number| Request::new(number, rules))
            .collect();
        let mut wanted: Option<Vec<bool>> = None;
        for (name, most, load) in ENGINES {
            if rules > *most || !(named(name) || wanted.is_none()) {
                continue;
            }
            let before = resident();
            let started = Instant::now();
            let mut engine = load(&text, rules, &requests)?;
            let loaded = started.elapsed();
            let kept = resident().saturating_sub(before) >> 20;
            let answers = compare(name, rules, engine.as_mut(), wanted.as_deref())?;
            let allowed =
                answers.iter().filter(|allowed| **allowed).count() * 100 / answers.len().max(1);
            let (cold, asked) = mean(engine.as_mut(), requests.len());
            let (warm, _) = mean(engine.as_mut(), FEW);
            writeln!(
                out,
                "{name:<12} {rules:>10} {:>7} ms {kept:>8} MB {cold:>8} ns {warm:>8} ns {asked:>7} {allowed:>6} %",
                loaded.as_millis()
            )?;
            wanted.get_or_insert(answers);
        }
    }
    Ok(())
}

/// Asks as many requests as there is time for, and compares the answers with those that are known.
fn compare(
    name: &str,
    rules: usize,
    engine: &mut dyn Engine,
    wanted: Option<&[bool]>,
) -> Result<Vec<bool>, Box<dyn Error>> {
    let started = Instant::now();
    let mut answers = Vec::new();
    for number in 0..REQUESTS {
        let allowed = engine.ask(number)?;
        if wanted
            .and_then(|wanted| wanted.get(number))
            .is_some_and(|wanted| *wanted != allowed)
        {
            return Err(
                format!("{name} answers request {number} at {rules} rules differently").into(),
            );
        }
        answers.push(allowed);
        if started.elapsed() > ENOUGH {
            break;
        }
    }
    Ok(answers)
}

/// Processor time of a decision over so many requests in turn, in nanoseconds, and how many were asked.
fn mean(engine: &mut dyn Engine, requests: usize) -> (u128, usize) {
    let mut best = u128::MAX;
    let mut most = 0;
    for _ in 0..5 {
        let (wall, started, mut asked) = (Instant::now(), spent(), 0);
        while asked < REQUESTS {
            // Reading the clock costs as much as a fast decision, so it is read once for many.
            for _ in 0..if most > 1_000 { 500 } else { 1 } {
                black_box(engine.ask(asked % requests).unwrap_or_default());
                asked += 1;
            }
            if wall.elapsed() > ENOUGH {
                break;
            }
        }
        let time = match (spent(), started) {
            (Some(now), Some(before)) => now.saturating_sub(before),
            (None, _) | (_, None) => wall.elapsed(),
        };
        best = best.min(time.as_nanos() / asked.max(1) as u128);
        most = asked;
        if wall.elapsed() > ENOUGH {
            break;
        }
    }
    (best, most)
}

/// Processor time of this thread.
fn spent() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds = text.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

/// Bytes of memory that the process has, zero where the system does not tell.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or_default() * 4096
}
