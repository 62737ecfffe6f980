//! Beside the `casbin` crate, on what both accept: same verdicts, same rows.
//!
//! The crate is handed the dots of path patterns as `[.]`, since here a dot is a dot, and no request
//! holds a line feed, which its patterns do not match; both differences are tested by name elsewhere.

use std::collections::BTreeSet;

use casbin::{CoreApi, DefaultModel, Enforcer, StringAdapter};
use hangu_policy::{Effect, Grounds, Snapshot, Value};
use serde::Serialize;

use crate::dice::Dice;
use crate::support::{GATEWAY_MODEL, model_with, snapshot};

#[derive(Serialize, Hash, Clone, Copy, Debug)]
struct Context {
    aal: i32,
    dev: i32,
    risk: i32,
    min: i32,
    dow: i32,
    cert: bool,
}

fn oracle(model: &str, rules: &str) -> Enforcer {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let model = DefaultModel::from_str(model).await.unwrap();
        Enforcer::new(model, StringAdapter::new(rules))
            .await
            .unwrap()
    })
}

#[derive(Debug, Default)]
struct Tally {
    requests: u32,
    allowed: u32,
    denied: u32,
}

impl Tally {
    fn count(&mut self, effect: Effect, grounds: Grounds) {
        self.requests += 1;
        self.allowed += u32::from(effect == Effect::Allow);
        self.denied += u32::from(grounds == Grounds::ExplicitDeny);
    }
}

pub(crate) const EFFECTS: [&str; 3] = [
    "some(where (p.eft == allow)) && !some(where (p.eft == deny))",
    "some(where (p.eft == allow))",
    "priority(p.eft) || deny",
];

const SEGMENTS: [&str; 10] = ["a", "b", "c.d", "cXd", "办事", "%2e", "", ":a", "A", "a b"];

fn pattern(dice: &mut Dice) -> String {
    let mut path = String::new();
    if dice.below(3) == 0 {
        return "/*".to_owned();
    }
    for _ in 0..dice.below(4) {
        path += "/";
        path += dice.pick(&["a", "b", "c.d", "办事", "%2e", ":id", ":name", ""]);
    }
    if path.is_empty() || dice.below(2) == 0 {
        path + "/*"
    } else {
        path
    }
}

/// A path; most are grown from a pattern, so that they lead somewhere.
pub(crate) fn path(dice: &mut Dice, patterns: &[String]) -> String {
    if dice.below(3) == 0 {
        return (0..1 + dice.below(4))
            .map(|_| format!("/{}", dice.pick(&SEGMENTS)))
            .collect();
    }
    let pattern = &patterns[dice.below(patterns.len())];
    let fill = |segment: &str| match segment {
        "*" => (0..dice.below(3))
            .map(|_| dice.pick(&SEGMENTS))
            .collect::<Vec<_>>()
            .join("/"),
        name if name.starts_with(':') => dice.pick(&SEGMENTS).to_owned(),
        literal => literal.to_owned(),
    };
    pattern.split('/').map(fill).collect::<Vec<_>>().join("/")
}

pub(crate) fn gateway_rules(dice: &mut Dice, effect: &str) -> (String, Vec<String>) {
    let mut rows = BTreeSet::new();
    let mut patterns = Vec::new();
    let deny_share = if effect == EFFECTS[1] { 8 } else { 3 };
    for _ in 0..4 + dice.below(16) {
        let deny = dice.below(deny_share) == 0;
        let pattern = pattern(dice);
        let wide = dice.below(4) != 0;
        let star = |dice: &mut Dice, list: &[&'static str]| {
            if wide && dice.below(4) != 0 {
                "*"
            } else {
                dice.pick(list)
            }
        };
        let row = format!(
            "p, {}, {}, {}, {}, {pattern}, {}, {}, {}, \n",
            star(
                dice,
                &["u:0", "u:1", "role:0", "role:1", "role:2", "role:3"]
            ),
            star(dice, &["d0", "d1"]),
            star(dice, &["zone:0", "zone:1", "zone:g"]),
            star(dice, &["h.0", "h.1"]),
            star(
                dice,
                &["^GET$", "^(GET|PUT)$", "^P.*$", "^(POST|DELETE)$", "T"]
            ),
            dice.pick(&[
                "true",
                "true",
                "true",
                "r.ctx.aal >= 2",
                "r.ctx.risk < 50 && r.ctx.dev >= 60",
                "r.ctx.cert",
                "r.ctx.min >= 540 && r.ctx.min < 1080 && r.ctx.dow <= 5",
                "r.ctx.risk >= 80",
                "r.ctx.aal != 3",
                "r.ctx.aal == 1 || r.ctx.dev == 3",
                "!r.ctx.cert",
                "(r.ctx.aal + 1) * 2 > r.ctx.dow - 1",
            ]),
            if deny { "deny" } else { "allow" },
        );
        rows.insert((
            dice.below(1000),
            row.replace("allow, ", "allow, -")
                .replace("deny, ", "deny, -"),
        ));
        patterns.push(pattern);
    }
    let mut seen = BTreeSet::new();
    let mut text: String = rows
        .into_iter()
        .map(|(_, row)| row)
        .filter(|row| seen.insert(row.clone()))
        .collect();
    let mut roles = BTreeSet::new();
    for _ in 0..dice.below(8) {
        let high = dice.below(4);
        let member = if high > 0 && dice.below(3) == 0 {
            format!("role:{}", dice.below(high))
        } else {
            format!("u:{}", dice.below(3))
        };
        roles.insert(format!("g, {member}, role:{high}, d{}\n", dice.below(2)));
    }
    for zone in 0..dice.below(3) {
        roles.insert(format!("g2, zone:{zone}, zone:g\n"));
    }
    text.extend(roles);
    (text, patterns)
}

/// The crate reads `-` as any other text; here an empty column says the same.
pub(crate) fn ours(rules: &str) -> String {
    rules.replace(", -\n", ", \n")
}

fn theirs(rules: &str) -> String {
    let dotted = |row: &str| {
        let mut fields: Vec<String> = row.split(", ").map(str::to_owned).collect();
        if let (true, Some(path)) = (row.starts_with("p,"), fields.get_mut(5)) {
            *path = path.replace('.', "[.]");
        }
        fields.join(", ") + "\n"
    };
    rules.lines().map(dotted).collect()
}

#[test]
fn random_gateway_policies_are_decided_as_the_crate_decides_them() {
    let mut tally = Tally::default();
    for seed in 1..=300_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let effect = EFFECTS[dice.pick(&[0, 0, 0, 0, 1, 2])];
        let model = GATEWAY_MODEL.replace(EFFECTS[0], effect);
        let (rules, patterns) = gateway_rules(&mut dice, effect);
        let (engine, crate_) = (
            snapshot(&model, &ours(&rules)),
            oracle(&model, &theirs(&rules)),
        );
        for _ in 0..120 {
            gateway_request(
                &mut dice, &engine, &crate_, &patterns, effect, &mut tally, &rules,
            );
        }
    }
    println!("{tally:?}");
    assert!(tally.requests >= 30_000);
    assert!(tally.allowed * 100 >= tally.requests * 30, "{tally:?}");
    assert!(tally.denied * 100 >= tally.requests * 20, "{tally:?}");
}

fn gateway_request(
    dice: &mut Dice,
    engine: &Snapshot,
    crate_: &Enforcer,
    patterns: &[String],
    effect: &str,
    tally: &mut Tally,
    rules: &str,
) {
    let sub = dice.pick(&["u:0", "u:1", "u:2", "u:x", "role:1", "*"]);
    let dom = dice.pick(&["d0", "d0", "d1", "dx"]);
    let src = dice.pick(&["zone:0", "zone:1", "zone:x"]);
    let host = dice.pick(&["h.0", "h.0", "h.1", "hX0"]);
    let act = dice.pick(&["GET", "GET", "PUT", "POST", "DELETE", "GETX", ""]);
    let path = path(dice, patterns);
    let context = Context {
        aal: dice.int(5),
        dev: dice.int(101),
        risk: dice.int(101),
        min: dice.int(1440),
        dow: 1 + dice.int(7),
        cert: dice.below(2) == 0,
    };
    let attributes = [
        ("aal", Value::Int(context.aal.into())),
        ("dev", Value::Int(context.dev.into())),
        ("risk", Value::Int(context.risk.into())),
        ("min", Value::Int(context.min.into())),
        ("dow", Value::Int(context.dow.into())),
        ("cert", Value::Bool(context.cert)),
    ];
    let text = Value::Str;
    let request = [
        text(sub),
        text(dom),
        text(src),
        text(host),
        text(&path),
        text(act),
        Value::Map(&attributes),
    ];
    let decided = engine.decide(&request).unwrap();
    let (allowed, rows) = crate_
        .enforce_ex((sub, dom, src, host, path.as_str(), act, context))
        .unwrap();
    assert_eq!(
        decided.effect == Effect::Allow,
        allowed,
        "{request:?}\n{rules}"
    );
    if allowed && effect == EFFECTS[0] {
        let mine: Vec<Vec<String>> = decided
            .rules
            .iter()
            .map(|id| {
                engine
                    .rule(*id)
                    .unwrap()
                    .fields
                    .iter()
                    .map(ToString::to_string)
                    .collect()
            })
            .collect();
        let alike = |row: &Vec<String>| {
            let mut row = row.clone();
            row[4] = row[4].replace("[.]", ".");
            row[8] = row[8].replace('-', "");
            row
        };
        assert_eq!(
            mine,
            rows.iter().map(alike).collect::<Vec<_>>(),
            "{request:?}\n{rules}"
        );
    }
    tally.count(decided.effect, decided.grounds);
}

const MATCHERS: [&str; 9] = [
    "r.sub == p.sub && r.obj == p.obj && r.act == p.act",
    "g(r.sub, p.sub) && g2(r.obj, p.obj) && r.act == p.act",
    "g(r.sub, p.sub) && keyMatch3(r.obj, p.obj) && (r.act == p.act || p.act == \"*\")",
    "r.sub == p.sub && keyMatch(r.obj, p.obj) && regexMatch(r.act, p.act)",
    "r.sub == \"root\" || r.sub == p.sub && r.obj == p.obj && r.act != p.act",
    "(r.sub == p.sub || g(r.sub, p.sub)) && !(r.obj == p.obj) && r.act in [\"read\", \"write\"]",
    "(p.obj == \"/*\" || keyMatch2(r.obj, p.obj)) && g(r.sub, p.sub) && !(p.act == r.act)",
    "g(p.sub, r.sub) && keyMatch2(r.obj, p.obj)",
    "r.sub < p.sub && regexMatch(r.obj, \"^/a\") && p.act != \"x\" && keyMatch2(r.obj, p.obj)",
];

#[test]
fn random_policies_of_other_models_are_decided_as_the_crate_decides_them() {
    let mut tally = Tally::default();
    let mut skipped = 0;
    for seed in 1..=360_u64 {
        let mut dice = Dice(seed.wrapping_mul(0xD134_2543_DE82_EF95));
        let matcher = MATCHERS[dice.below(MATCHERS.len())];
        let effect = dice.pick(&EFFECTS);
        let model = model_with(effect, "sub, obj, act, eft", matcher);
        let rules = small_rules(&mut dice, matcher);
        let Ok(engine) = crate::support::load(&model, &rules) else {
            skipped += 1;
            continue;
        };
        let crate_ = oracle(&model, &rules);
        for _ in 0..60 {
            let sub = dice.pick(&["a", "b", "r0", "r1", "root", "x"]);
            let obj = dice.pick(&["/a", "/b", "/a/b", "/a/", "/", "/*", "/a/b/c", "o1", "o2"]);
            let act = dice.pick(&["read", "write", "x"]);
            let decided = engine.decide(&[Value::Str(sub), Value::Str(obj), Value::Str(act)]);
            let Ok(decided) = decided else {
                panic!("{matcher}")
            };
            let allowed = crate_.enforce((sub, obj, act)).unwrap();
            assert_eq!(
                decided.effect == Effect::Allow,
                allowed,
                "{matcher}\n{sub} {obj} {act}\n{rules}"
            );
            tally.count(decided.effect, decided.grounds);
        }
    }
    println!("{tally:?}, {skipped} policies refused");
    assert!(
        tally.requests >= 15_000 && tally.allowed * 10 >= tally.requests,
        "{tally:?}"
    );
}

fn small_rules(dice: &mut Dice, matcher: &str) -> String {
    let objects: &[&str] = if matcher.contains("keyMatch3") {
        &["/a", "/*", "/{x}", "/a/{x}", "/a/*", "/{x}/b"]
    } else if matcher.contains("keyMatch2") {
        &["/a", "/*", "/:x", "/a/:x", "/a/*", "/:x/b"]
    } else if matcher.contains("keyMatch") {
        &["/a", "/*", "/a*", "/a/*", "*", "/b"]
    } else {
        &["/a", "/b", "/a/b", "o1", "og"]
    };
    let acts: &[&str] = match matcher {
        found if found.contains("\"*\"") => &["read", "write", "*"],
        found if found.contains("regexMatch(r.act") => &["^read$", "^(read|write)$", "r", "^w.*$"],
        _ => &["read", "write", "x"],
    };
    let mut rows = BTreeSet::new();
    for _ in 0..4 + dice.below(10) {
        let (sub, eft) = (
            dice.pick(&["a", "b", "r0", "r1"]),
            dice.pick(&["allow", "allow", "deny"]),
        );
        rows.insert((
            dice.below(100),
            format!(
                "p, {sub}, {}, {}, {eft}\n",
                dice.pick(objects),
                dice.pick(acts)
            ),
        ));
    }
    let mut seen = BTreeSet::new();
    let mut text: String = rows
        .into_iter()
        .map(|(_, row)| row)
        .filter(|row| seen.insert(row.clone()))
        .collect();
    for role in [
        "g, a, r0\n",
        "g, b, r1\n",
        "g, r0, r1\n",
        "g2, o1, og\n",
        "g2, o2, og\n",
    ] {
        if dice.below(2) == 0 {
            text += role;
        }
    }
    text
}
