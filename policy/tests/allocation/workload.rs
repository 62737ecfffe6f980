//! The workload of the benches: departments with path rules, roles, methods, conditions and a few rules
//! that deny to everybody.

use hangu_policy::{Effect, Snapshot, Value};

pub(crate) const MODEL: &str = include_str!("../policy/gateway.conf");

/// Rules of a department; a department has about a thousand.
pub(crate) const DEPARTMENT: usize = 1_000;

/// Rules and roles of as many departments as it takes.
pub(crate) fn policy(rules: usize) -> String {
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

/// How many callers have roles.
pub(crate) fn users(rules: usize) -> usize {
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
pub(crate) struct Request {
    text: String,
    /// Ends of subject, domain, host and path.
    ends: [usize; 4],
    act: &'static str,
}

impl Request {
    pub(crate) fn new(number: usize, rules: usize) -> Self {
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

    /// Subject, domain, host, path and method.
    pub(crate) fn parts(&self) -> [&str; 5] {
        let mut start = 0;
        let [sub, dom, host, path] = self.ends.map(|end| {
            let part = self.text.get(start..end).unwrap_or_default();
            start = end;
            part
        });
        [sub, dom, host, path, self.act]
    }

    /// Whether it is allowed.
    pub(crate) fn ask(&self, snapshot: &Snapshot) -> bool {
        let [sub, dom, host, path, act] = self.parts().map(Value::Str);
        let zone = Value::Str("zone:intranet");
        let request = [sub, dom, zone, host, path, act, Value::Map(&CONTEXT)];
        snapshot
            .decide(&request)
            .is_ok_and(|decision| decision.effect == Effect::Allow)
    }
}
