//! No input panics, and the index says what a plain reading of every row says.

use hangu_policy::analysis::change::diff;
use hangu_policy::analysis::lint::lint;
use hangu_policy::analysis::reach::what;
use hangu_policy::compat::{Definitions, Extras, Policy, Question};
use hangu_policy::{Dialect, Snapshot, Source, Value, cli};
use proptest::prelude::*;

use crate::support::{GATEWAY_MODEL, GATEWAY_RULES, load, snapshot};

/// Pieces from which broken models and rules are glued.
const PIECES: [&str; 40] = [
    "p, ",
    "g, ",
    "g2, ",
    "*, ",
    "/*",
    "/:a",
    "allow",
    "deny",
    "\n",
    ", ",
    "\"",
    "^(GET)$",
    "r.ctx.aal",
    " >= ",
    "3",
    "&&",
    "||",
    "!",
    "(",
    ")",
    "[",
    "]",
    "r.sub",
    "p.sub",
    "==",
    "eval",
    "regexMatch",
    "keyMatch2",
    "'",
    "\\",
    "[matchers]\n",
    "m = ",
    "\u{0}",
    "中",
    "%2f",
    "in",
    "{",
    "}",
    "log:full;",
    "-",
];

fn glued() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES.as_slice()), 0..40)
        .prop_map(|pieces| pieces.concat())
}

fn spliced(base: &'static str) -> impl Strategy<Value = String> {
    (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        glued(),
    )
        .prop_map(move |(from, to, piece)| {
            let mut cuts = [from.index(base.len()), to.index(base.len())];
            cuts.sort_unstable();
            let cut = |mut at: usize| {
                while !base.is_char_boundary(at) {
                    at -= 1;
                }
                at
            };
            format!("{}{piece}{}", &base[..cut(cuts[0])], &base[cut(cuts[1])..])
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn no_model_panics(text in prop_oneof![any::<String>(), glued(), spliced(GATEWAY_MODEL)]) {
        let _loaded = load(&text, GATEWAY_RULES);
    }

    #[test]
    fn no_rules_panic(text in prop_oneof![any::<String>(), glued(), spliced(GATEWAY_RULES)]) {
        if let Ok(snapshot) = load(GATEWAY_MODEL, &text) {
            let text = Value::Str("/people/7");
            let _decided = snapshot.decide(&[text, text, text, text, text, text, Value::Map(&[])]);
        }
    }

    #[test]
    fn no_condition_panics(text in glued()) {
        let quoted = text.replace(['"', '\n', '\0'], "");
        let _loaded = load(GATEWAY_MODEL, &format!("p, *, *, *, *, /*, *, \"{quoted}\", allow, \n"));
    }

    #[test]
    fn no_pattern_panics(text in any::<String>(), path in any::<String>()) {
        let quoted = text.replace('"', "\"\"");
        for column in ["/*, \"{}\"", "\"{}\", ^GET$"] {
            let rules = format!("p, *, *, *, *, {}, true, allow, \n", column.replace("{}", &quoted));
            if let Ok(snapshot) = load(GATEWAY_MODEL, &rules) {
                let text = Value::Str(&path);
                let _decided = snapshot.decide(&[text, text, text, text, text, text, Value::Map(&[])]);
            }
        }
    }

    #[test]
    fn no_policy_of_another_dialect_panics(
        model in prop_oneof![Just(GATEWAY_MODEL.to_owned()), glued(), spliced(GATEWAY_MODEL)],
        rules in prop_oneof![any::<String>(), glued(), spliced(GATEWAY_RULES)],
        value in any::<String>(),
    ) {
        for dialect in [Dialect::CasbinGo, Dialect::CasbinRs] {
            let source = |name, text| Source { name, text };
            let rules = [source("r", rules.as_str())];
            if let Ok(policy) = Policy::load(source("m", &model), &rules, dialect, &Extras::default()) {
                let text = serde_json::Value::from(value.as_str());
                let values = [&text, &text, &text, &text, &text, &text, &serde_json::json!({ "aal": 3 })].map(Clone::clone);
                let question = Question { values: &values, definitions: Definitions::default(), now: 0 };
                let _decided = policy.decide(&question);
            }
        }
    }

    #[test]
    fn no_request_line_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut answers = Vec::new();
        let summary = cli::decide(
            Source { name: "m", text: GATEWAY_MODEL },
            &[Source { name: "r", text: GATEWAY_RULES }],
            Dialect::Strict,
            0,
            bytes.as_slice(),
            &mut answers,
        ).unwrap();
        prop_assert_eq!(summary.allowed, 0);
        let lines = answers.iter().filter(|byte| **byte == b'\n').count() as u64;
        prop_assert_eq!(lines, summary.unjudged + summary.denied);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn no_policy_that_loads_is_too_strange_for_the_tools(text in spliced(GATEWAY_RULES)) {
        if let Ok(snapshot) = load(GATEWAY_MODEL, &text) {
            let _findings = lint(&snapshot);
            let _regions = diff(&snapshot, &crate::support::snapshot(GATEWAY_MODEL, GATEWAY_RULES));
            let _open = what(&snapshot, &serde_json::json!({}));
        }
    }
}

/// A model with parts that the index takes and parts that it leaves to the interpreter.
const MIXED: &str = "[request_definition]\nr = sub, dom, obj, act, ctx\n[policy_definition]\np = sub, dom, obj, act, cond, eft\n\
[role_definition]\ng = _, _, _\ng2 = _, _\n[policy_effect]\ne = some(where (p.eft == allow)) && !some(where (p.eft == deny))\n[matchers]\n\
m = (r.dom == p.dom || p.dom == \"*\") && (p.sub == \"*\" || g(r.sub, p.sub, r.dom)) && (p.obj == \"*\" || keyMatch2(r.obj, p.obj)) \
&& (r.act == \"ANY\" || p.act == \"*\" || regexMatch(r.act, p.act)) && g2(r.act, r.act) && eval(p.cond)\n";

fn row() -> impl Strategy<Value = String> {
    let pick = |list: &'static [&'static str]| prop::sample::select(list);
    (
        pick(&["*", "a", "b", "role:x", "role:y"]),
        pick(&["*", "d", "e"]),
        pick(&[
            "*", "/", "/*", "/x", "/:p", "/:p/y", "/x/:q", "/x/y", "/x/*", "/x//y", "/中/*",
            "/x/:q/*",
        ]),
        pick(&["*", "^GET$", "^(GET|PUT)$", "^P.*$", "T"]),
        pick(&[
            "true",
            "false",
            "r.ctx.aal >= 2",
            "r.ctx.cert",
            "!r.ctx.cert",
            "1 < r.ctx.aal",
            "r.ctx.aal != 2 || r.ctx.cert",
            "r.ctx.aal + 1 > 2",
        ]),
        pick(&["allow", "allow", "deny"]),
    )
        .prop_map(|(sub, dom, obj, act, cond, eft)| {
            format!("p, {sub}, {dom}, {obj}, {act}, {cond}, {eft}\n")
        })
}

fn policy() -> impl Strategy<Value = Snapshot> {
    let roles = prop::sample::subsequence(
        vec![
            "g, a, role:x, d\n",
            "g, b, role:y, d\n",
            "g, role:x, role:y, d\n",
            "g, a, role:y, e\n",
            "g, b, role:x, e\n",
        ],
        0..=5,
    );
    (prop::collection::hash_set(row(), 1..30), roles).prop_map(|(rows, roles)| {
        let rows: String = rows.into_iter().collect();
        snapshot(MIXED, &(rows + roles.concat().as_str()))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_index_finds_what_reading_every_row_finds(
        engine in policy(),
        requests in prop::collection::vec((
            prop::sample::select(vec!["a", "b", "role:x", "*", "zz"]),
            prop::sample::select(vec!["d", "e", "*", "zz"]),
            prop::sample::select(vec!["/", "/x", "/x/", "/x/y", "/x//y", "/x/y/z", "/中/文", "//", "x", "", "/x\n/y", "/%2f/y"]),
            prop::sample::select(vec!["GET", "PUT", "POST", "PATCH", "ANY", ""]),
            prop::option::of(0_i64..4),
            prop::option::of(any::<bool>()),
        ), 40),
    ) {
        for (sub, dom, obj, act, aal, cert) in requests {
            let mut context = Vec::new();
            context.extend(cert.map(|cert| ("cert", Value::Bool(cert))));
            context.extend(aal.map(|aal| ("aal", Value::Int(aal))));
            let text = Value::Str;
            let request = [text(sub), text(dom), text(obj), text(act), Value::Map(&context)];
            let decided = engine.decide(&request).unwrap();
            let explained = engine.explain(&request).unwrap().decision;
            prop_assert_eq!(decided.effect, explained.effect);
            prop_assert_eq!(decided.grounds, explained.grounds);
            prop_assert_eq!(decided.rules, explained.rules);
        }
    }
}
