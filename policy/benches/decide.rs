//! Time of a decision against the number of rules: `cargo bench -p hangu-policy`.
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
    let started = Instant::now();
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
        let started = Instant::now();
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
    let started = Instant::now();
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

struct Request {
    sub: String,
    dom: String,
    host: String,
    path: String,
    act: &'static str,
    context: [(&'static str, Value<'static>); 6],
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
        Self {
            sub: format!("u:{user}"),
            dom: format!("d{department}"),
            host: format!("d{department}.gov.example"),
            path: path(inside, &number.to_string())
                + if inside.is_multiple_of(7) {
                    "/more/of/it"
                } else {
                    ""
                },
            act,
            context: [
                ("aal", Value::Int(2)),
                ("dev", Value::Int(80)),
                ("risk", Value::Int(10)),
                ("min", Value::Int(600)),
                ("dow", Value::Int(3)),
                ("cert", Value::Bool(false)),
            ],
        }
    }

    fn ask(&self, snapshot: &Snapshot) -> bool {
        let text = Value::Str;
        let request = [
            text(&self.sub),
            text(&self.dom),
            text("zone:intranet"),
            text(&self.host),
            text(&self.path),
            text(self.act),
            Value::Map(&self.context),
        ];
        snapshot
            .decide(&request)
            .is_ok_and(|decision| decision.effect == Effect::Allow)
    }
}
