//! The dialect `casbin-rs` beside the crate itself: random models, random rows, hostile texts.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use casbin::{CoreApi, DefaultModel, Enforcer, StringAdapter};
use hangu_policy::compat::{Definitions, Extras, Policy, Question};
use hangu_policy::{Dialect, Effect, Grounds, Source};
use serde_json::{Value as Json, json};

use crate::dice::Dice;

/// Models of a run, so many that at least 200,000 requests over 5,000 of them are answered; `make nightly` sets
/// `HANGU_DIALECT_MODELS`.
fn models() -> u64 {
    let set = std::env::var("HANGU_DIALECT_MODELS").ok();
    set.and_then(|text| text.parse().ok()).unwrap_or(5_800)
}

const REQUESTS: usize = 40;

#[derive(Debug, Default)]
struct Tally {
    requests: u64,
    allowed: u64,
    denied: u64,
    failed: u64,
    panicked: u64,
    refused: BTreeMap<String, u64>,
}

#[test]
fn random_models_are_answered_as_the_crate_answers_them() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut tally = Tally::default();
    for seed in 1..=models() {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let written = Written::new(&mut dice);
        let theirs = runtime.block_on(async {
            let model = DefaultModel::from_str(&written.model).await?;
            Enforcer::new(model, StringAdapter::new(&written.rules)).await
        });
        let ours = written.load();
        let (theirs, ours) = match (theirs, ours) {
            (Ok(theirs), Ok(ours)) => (theirs, ours),
            (Err(_), Err(reason)) => {
                *tally.refused.entry(reason).or_default() += 1;
                continue;
            }
            (Ok(_), Err(reason)) => panic!("seed {seed}: refused here only: {reason}\n{written:?}"),
            (Err(error), Ok(_)) => panic!("seed {seed}: refused there only: {error}\n{written:?}"),
        };
        for _ in 0..REQUESTS {
            let request = written.request(&mut dice);
            let allowed = asked(&theirs, &request);
            let question = Question {
                values: &request,
                definitions: Definitions::default(),
                now: 0,
            };
            let answer = ours.decide(&question);
            tally.requests += 1;
            match (&allowed, &answer) {
                (Outcome::Answer(allowed, rows), Ok(answer)) => {
                    let same = (answer.effect == Effect::Allow) == *allowed;
                    assert!(same, "seed {seed}: {request:?}\n{answer:?}\n{written:?}");
                    let mine: Vec<Vec<&str>> = ours.rows(answer).map(|row| row.fields).collect();
                    let made =
                        answer.grounds != Grounds::NoRuleMatched && !(*allowed && rows.is_empty());
                    if made && written.rows_are_comparable() {
                        assert_eq!(mine, *rows, "seed {seed}: {request:?}\n{written:?}");
                    }
                    tally.allowed += u64::from(*allowed);
                    tally.denied += u64::from(answer.grounds == Grounds::ExplicitDeny);
                }
                (Outcome::Failed, Err(_)) => tally.failed += 1,
                (Outcome::Panicked, Err(_)) => tally.panicked += 1,
                _ => panic!("seed {seed}: {request:?}\n{allowed:?} {answer:?}\n{written:?}"),
            }
        }
    }
    println!("{tally:?}");
    assert!(
        tally.requests >= models() * 39 / 40 * 40 * 9 / 10,
        "{tally:?}"
    );
    assert!(tally.allowed * 100 >= tally.requests * 30, "{tally:?}");
    assert!(tally.denied * 100 >= tally.requests * 20, "{tally:?}");
}

#[derive(Debug)]
enum Outcome {
    Answer(bool, Vec<Vec<String>>),
    Failed,
    Panicked,
}

fn asked(enforcer: &Enforcer, request: &[Json]) -> Outcome {
    let [sub, dom, obj, act, ctx] = request else {
        panic!("a request has five values");
    };
    let tuple = (
        sub.clone(),
        dom.clone(),
        obj.clone(),
        act.clone(),
        ctx.clone(),
    );
    match catch_unwind(AssertUnwindSafe(|| enforcer.enforce_ex(tuple))) {
        Ok(Ok((allowed, rows))) => Outcome::Answer(allowed, rows),
        Ok(Err(_)) => Outcome::Failed,
        Err(_) => Outcome::Panicked,
    }
}

const EFFECTS: [&str; 4] = [
    "some(where (p.eft == allow))",
    "!some(where (p.eft == deny))",
    "some(where (p.eft == allow)) && !some(where (p.eft == deny))",
    "priority(p.eft) || deny",
];

const SUBJECTS: [&str; 5] = [
    "r.sub == p.sub",
    "g(r.sub, p.sub)",
    "(p.sub == \"*\" || g(r.sub, p.sub))",
    "g3(r.sub, p.sub, r.dom)",
    "(r.sub == p.sub || r.sub in [\"b\", \"root\"])",
];

const OBJECTS: [&str; 11] = [
    "r.obj == p.obj",
    "keyMatch(r.obj, p.obj)",
    "keyMatch2(r.obj, p.obj)",
    "keyMatch3(r.obj, p.obj)",
    "keyMatch4(r.obj, p.obj)",
    "keyMatch5(r.obj, p.obj)",
    "regexMatch(r.obj, p.obj)",
    "g2(r.obj, p.obj)",
    "keyGet(r.obj, p.obj) != \"b\"",
    "keyGet2(r.obj, p.obj, \"id\") != \"\"",
    "keyGet3(r.obj, p.obj, \"id\") != \"\"",
];

const ACTS: [&str; 5] = [
    "r.act == p.act",
    "regexMatch(r.act, p.act)",
    "(p.act == \"*\" || r.act == p.act)",
    "r.act != p.act",
    "r.act in [\"read\", \"write\", \"中\"]",
];

const MORE: [&str; 9] = [
    "eval(p.cond)",
    "r.ctx.age >= 18",
    "(r.ctx.age + 2) * 3 > 60 - r.ctx.level % 4",
    "r.ctx.none != true",
    "!(r.ctx.flag)",
    "r.ctx.name == r.sub",
    "r.dom <= p.dom",
    "(r.dom == p.dom || p.dom == \"*\")",
    "-r.ctx.level < 0",
];

#[derive(Debug)]
struct Written {
    model: String,
    rules: String,
    rows: Vec<[String; 6]>,
    effect: &'static str,
}

impl Written {
    fn new(dice: &mut Dice) -> Self {
        let effect = EFFECTS[dice.pick(&[0, 1, 1, 2, 2, 2, 3, 3, 3])];
        let (subject, object) = (dice.pick(&SUBJECTS), dice.pick(&OBJECTS));
        let act = dice.pick(&ACTS);
        let mut matcher = match dice.below(6) {
            0 => format!("{subject} && {act}"),
            1 => format!("{object} && {subject}"),
            2 => format!("{subject} && {act} || r.sub == \"root\" && p.eft != \"deny\""),
            _ => format!("{subject} && {act} && {object}"),
        };
        if dice.below(6) == 0 {
            matcher = format!("{matcher} && {}", dice.pick(&MORE));
        }
        let model = format!(
            "[request_definition]\nr = sub, dom, obj, act, ctx\n[policy_definition]\np = sub, dom, obj, act, cond, eft\n\
             [role_definition]\ng = _, _\ng2 = _, _\ng3 = _, _, _\n[policy_effect]\ne = {effect}\n[matchers]\nm = {matcher}\n"
        );
        let mut rows: Vec<[String; 6]> = Vec::new();
        for _ in 0..dice.below(14) {
            rows.push(row(dice, &matcher));
            if dice.below(8) == 0 {
                rows.push(rows[dice.below(rows.len())].clone());
            }
        }
        let mut rules = String::new();
        for row in &rows {
            let quote = |cell: &String| match cell.contains(',') {
                true => format!("\"{cell}\""),
                false => cell.clone(),
            };
            let row = row
                .iter()
                .map(quote)
                .collect::<Vec<_>>()
                .join(if dice.below(8) == 0 { "  , " } else { ", " });
            rules += &format!("{}p, {row}\n", if dice.below(8) == 0 { "  " } else { "" });
        }
        if dice.below(40) == 0 {
            rules += dice.pick(&[
                "p, a, b\n",
                "p, a, d0, /a, read, true, allow, more\n",
                "\n# p\n",
            ]);
        }
        for _ in 0..dice.below(9) {
            let names = ["a", "b", "r0", "r1", "r2", "/a", "/b", "o"];
            let (member, role) = (dice.pick(&names), dice.pick(&names));
            rules += &match dice.below(3) {
                0 => format!("g, {member}, {role}\n"),
                1 => format!("g2, {member}, {role}\n"),
                _ => format!(
                    "g3, {member}, {role}, {}\n",
                    dice.pick(&["d0", "d1", "DEFAULT"])
                ),
            };
        }
        if dice.below(20) == 0 {
            for link in 0..9 + dice.below(3) {
                rules += &format!("g, c{link}, c{}\n", link + 1);
            }
            rules += "g, a, c0\ng, c9, r1\ng, c8, r2\n";
        }
        Self {
            model,
            rules,
            rows,
            effect,
        }
    }

    fn load(&self) -> Result<Policy, String> {
        let source = |name, text| Source { name, text };
        Policy::load(
            source("m", &self.model),
            &[source("r", &self.rules)],
            Dialect::CasbinRs,
            &Extras::default(),
        )
        .map_err(|mistakes| mistakes[0].message.clone())
    }

    /// The crate names the rows of a denial of this effect and of every allow but the default one.
    fn rows_are_comparable(&self) -> bool {
        self.effect != EFFECTS[2]
    }

    fn request(&self, dice: &mut Dice) -> Vec<Json> {
        let like = if self.rows.is_empty() {
            None
        } else {
            Some(&self.rows[dice.below(self.rows.len())])
        };
        let close = dice.below(8) != 0;
        let from = |dice: &mut Dice, at: usize, others: &[&str]| match like {
            Some(row) if (close || dice.below(2) == 0) && row[at] != "*" => row[at].clone(),
            _ => dice.pick(others).to_owned(),
        };
        let sub = from(dice, 0, &["a", "b", "c0", "r0", "root", "中", ""]);
        let dom = from(dice, 1, &["d0", "d1", "dx"]);
        let mut obj = from(
            dice,
            2,
            &[
                "/a", "/b", "/a/b", "/a/b?q", "//a", "/中文", "/a%2f", "/a\nb", "", "o",
            ],
        );
        for (pattern, with) in [
            ("/*", "/x/y"),
            (":id", "7"),
            ("{id}", "7"),
            (":", "z"),
            ("*", "w"),
            ("^", ""),
            ("$", ""),
        ] {
            if dice.below(12) != 0 {
                obj = obj.replace(pattern, with);
            }
        }
        let act = match from(dice, 3, &["read", "write", "x", "中"]) {
            pattern if pattern.starts_with('^') || pattern.contains('.') => "read".to_owned(),
            other => other,
        };
        let mut ctx = json!({ "age": dice.int(40), "level": dice.int(9) - 4, "flag": dice.below(2) == 0, "name": "a" });
        if dice.below(12) == 0 {
            ctx.as_object_mut()
                .unwrap()
                .remove(dice.pick(&["age", "flag", "name", "level"]));
        }
        if dice.below(60) == 0 {
            return vec![json!(3), json!(dom), json!(true), json!(act), ctx];
        }
        vec![json!(sub), json!(dom), json!(obj), json!(act), ctx]
    }
}

fn row(dice: &mut Dice, matcher: &str) -> [String; 6] {
    let plain = ["/a", "/a/b", "/b", "o", "/中文", "/a%2f", "//a", "/a.b"];
    let object = if matcher.contains("keyMatch(") || matcher.contains("keyGet(") {
        dice.pick(&["/a*", "/*", "*", "/a/*", "/中*", "/a", "/a/*/b"])
    } else if matcher.contains("keyMatch2") || matcher.contains("keyGet2") {
        dice.pick(&[
            "/:id", "/a/:id", "/*", "/a/*", "/:", "/a/:id/*", "/a.b", "/中文", "/:id/:id", "/a(b)",
        ])
    } else if matcher.contains("keyMatch4")
        || matcher.contains("keyMatch3")
        || matcher.contains("keyMatch5")
        || matcher.contains("keyGet3")
    {
        dice.pick(&[
            "/{id}",
            "/a/{id}",
            "/*",
            "/a/*",
            "/{}",
            "/{id}/{id}",
            "/x{id}y/{no}",
            "/a.b",
            "/{a}{b}",
        ])
    } else if matcher.contains("regexMatch(r.obj") {
        dice.pick(&[
            "^/a",
            "^/a$",
            "^/[^/]+/b$",
            "/",
            ".*",
            "^/\\w+$",
            "^/u/\\d+$",
            "/a|/b",
        ])
    } else {
        dice.pick(&plain)
    };
    // Once in a while a text that is no pattern at all.
    let object = if matcher.contains("regexMatch(r.obj") && dice.below(60) == 0 {
        "/a("
    } else {
        object
    };
    let act = if matcher.contains("regexMatch(r.act") {
        dice.pick(&["^(read|write)$", "read", "^r.*$", "write", ".*", "^x$"])
    } else {
        dice.pick(&["read", "write", "*", "x", "中"])
    };
    let condition = dice.pick(&[
        "true",
        "true",
        "r.ctx.age > 18",
        "r.ctx.flag",
        "r.sub == \"a\" || r.ctx.level > 0",
        "r.ctx.missing != 3",
        "p.act == r.act",
        "g(r.sub, p.sub)",
    ]);
    [
        dice.pick(&["a", "b", "r0", "r1", "r2", "*", "*", "中"]),
        dice.pick(&["d0", "d1", "*"]),
        object,
        act,
        condition,
        dice.pick(&[
            "allow", "allow", "allow", "allow", "allow", "deny", "deny", "deny", "deny", "deny",
            "maybe",
        ]),
    ]
    .map(str::to_owned)
}
