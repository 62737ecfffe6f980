//! Time of a decision against the number of rules: `cargo bench -p hangu-policy`.
//!
//! Means are processor time of the thread where the system tells it, quantiles are wall time.
//!
//! Requests are distinct and drawn evenly over all departments, so nothing stays warm on purpose; half
//! of them are allowed. The first argument, a number, limits the sizes.

use std::error::Error;
use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

use hangu_policy::{Dialect, Effect, Snapshot, Source, Value};

const MODEL: &str = include_str!("../tests/policy/gateway.conf");
const REQUESTS: usize = 50_000;
const ROUNDS: usize = 7;

fn main() -> Result<(), Box<dyn Error>> {
    let largest = std::env::args()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(1_000_000);
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "rules      load   mean   p50   p99  p99.9  one caller  allowed"
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
    .map_err(|mistakes| {
        mistakes
            .first()
            .map(ToString::to_string)
            .unwrap_or_default()
    })?;
    let loaded = started.elapsed();
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
    let one = Request::new(3, rules);
    let started = Stopwatch::start();
    for _ in 0..REQUESTS {
        black_box(one.ask(black_box(&snapshot)));
    }
    let warm = started.elapsed().as_nanos() / REQUESTS as u128;
    let mean = best.as_nanos() / REQUESTS as u128;
    let share = allowed * 100 / REQUESTS;
    let load = loaded.as_millis();
    writeln!(
        out,
        "{rules:>8} {load:>4} ms {mean:>4} ns {:>5} {:>5} {:>6} {warm:>8} ns {share:>7} %",
        at(500),
        at(990),
        at(999)
    )?;
    Ok(())
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

/// Rules of a department; a department has about a thousand.
const DEPARTMENT: usize = 1_000;

fn policy(rules: usize) -> String {
    let mut text = String::from(
        "p, *, *, *, *, /*, *, r.ctx.risk >= 80, deny, log:full;alert:soc\n\
         p, *, *, zone:internet, *, /admin/*, *, true, deny, log:full\n\
         p, *, *, *, *, /*, ^(PUT|DELETE|PATCH)$, r.ctx.dev < 40, deny, log:full\n\
         p, role:suspended, *, *, *, /*, *, true, deny, log:full\n\
         g2, zone:intranet, zone:gov\n",
    );
    let departments = rules.div_ceil(DEPARTMENT);
    for rule in 0..rules {
        let (department, inside) = (rule % departments, rule / departments);
        let (role, path) = (inside % 20, path(inside, ":id"));
        let act = ["^GET$", "^(GET|HEAD)$", "^(GET|PUT)$", "^POST$"]
            .get(inside % 4)
            .copied()
            .unwrap_or("*");
        let tail = if inside.is_multiple_of(7) { "/*" } else { "" };
        text += &format!(
            "p, role:{department}-{role}, d{department}, zone:gov, d{department}.gov.example, {path}{tail}, {act}, \
             r.ctx.aal >= 2 && r.ctx.dev >= 60, allow, redact:L2;rate:gold\n"
        );
    }
    for user in 0..users(rules) {
        let department = user % departments;
        for role in 0..20 {
            if (user / departments + role).is_multiple_of(4) {
                text += &format!("g, u:{user}, role:{department}-{role}, d{department}\n");
            }
        }
    }
    text
}

fn users(rules: usize) -> usize {
    (rules / 10).clamp(100, 20_000)
}

fn path(inside: usize, id: &str) -> String {
    format!(
        "/api/v{}/area{}/{id}/part{}",
        inside % 3,
        inside % 50,
        inside / 50
    )
}

/// The facts that the gateway itself adds; the same for all, since they are read where they stand.
const CONTEXT: [(&str, Value<'static>); 6] = [
    ("aal", Value::Int(2)),
    ("dev", Value::Int(80)),
    ("risk", Value::Int(10)),
    ("min", Value::Int(600)),
    ("dow", Value::Int(3)),
    ("cert", Value::Bool(false)),
];

/// A request in one piece of memory, as one that was just read from a connection.
struct Request {
    text: String,
    /// Ends of subject, domain, host and path.
    ends: [usize; 4],
    act: &'static str,
}

impl Request {
    fn new(number: usize, rules: usize) -> Self {
        let departments = rules.div_ceil(DEPARTMENT);
        let user = number * 7_919 % users(rules);
        let department = user % departments;
        let mine = (0..20).filter(|role| (user / departments + role).is_multiple_of(4));
        let mine: Vec<usize> = mine.collect();
        let role = mine
            .get(number % mine.len().max(1))
            .copied()
            .unwrap_or_default();
        let size = rules / departments;
        // A rule of this department that gives something to this role.
        let inside = (number / 3 % (size / 20).max(1)) * 20 + role;
        let hit = number.is_multiple_of(2);
        let act = if hit {
            ["GET", "GET", "PUT", "POST"]
                .get(inside % 4)
                .copied()
                .unwrap_or("GET")
        } else {
            "DELETE"
        };
        let mut text = String::with_capacity(128);
        let more = if inside.is_multiple_of(7) {
            "/more/of/it"
        } else {
            ""
        };
        let parts = [
            format!("u:{user}"),
            format!("d{department}"),
            format!("d{department}.gov.example"),
            path(inside, &number.to_string()) + more,
        ];
        let ends = parts.map(|part| {
            text += &part;
            text.len()
        });
        Self { text, ends, act }
    }

    fn ask(&self, snapshot: &Snapshot) -> bool {
        let mut start = 0;
        let [sub, dom, host, path] = self.ends.map(|end| {
            let part = self.text.get(start..end).unwrap_or_default();
            start = end;
            Value::Str(part)
        });
        let text = Value::Str;
        let request = [
            sub,
            dom,
            text("zone:intranet"),
            host,
            path,
            text(self.act),
            Value::Map(&CONTEXT),
        ];
        snapshot
            .decide(&request)
            .is_ok_and(|decision| decision.effect == Effect::Allow)
    }
}
