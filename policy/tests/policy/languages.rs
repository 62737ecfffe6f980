//! Whatever is refused is told in English and in Chinese.

use std::collections::BTreeSet;

use hangu_policy::analysis::cases;
use hangu_policy::compat::{Extras, Policy};
use hangu_policy::lifecycle::{Bundle, Text};
use hangu_policy::statement::prove;
use hangu_policy::{Dialect, Mistake, Snapshot, Source};

use crate::support::{
    GATEWAY_MODEL, GATEWAY_RULES, in_both_languages, load, model, model_with, snapshot,
};

const ROW: &str = "p, a, o, read, allow\n";

/// Matchers and conditions that are refused.
const EXPRESSIONS: [&str; 48] = [
    "r.sub == p.sub extra",
    "r.sub = p.sub",
    "r.sub & p.sub",
    "r.sub | p.sub",
    "r.sub == p.sub ? true : false",
    "r.sub == p.sub && §",
    "r.sub == 1.5",
    "r.sub == 01",
    "r.sub == 9999999999",
    "r.sub == \"a\\d\"",
    "r.sub == \"open",
    "r.sub == p.sub == true",
    "r.sub =~ p.sub",
    "r.sub in p.sub",
    "r.sub in [r.obj]",
    "1 / 2 == 1",
    "1 ** 2 == 1",
    "-r.sub == 1",
    "r.sub ==",
    "r.sub == )",
    "(r.sub == p.sub",
    "r. == p.sub",
    "r.sub",
    "1 == r.sub",
    "true < false",
    "r.nobody == p.sub",
    "r.subj == p.sub",
    "p.nobody == r.sub",
    "r.sub.age == p.sub",
    "r2.sub == p.sub",
    "sub == p.sub",
    "r.sub == \"r.sub\"",
    "keyMatch(r.sub)",
    "keyMatch(p.sub, r.sub)",
    "keyMatch(r.sub, \"/a*b\")",
    "keyMatch2(r.obj, \"a\")",
    "keyMatch2(r.obj, \"/a*\")",
    "keyMatch2(r.obj, \"/:\")",
    "keyMatch2(r.obj, \"/{id}\")",
    "keyMatch3(r.obj, \"/{}\")",
    "keyMatch2(r.obj, \"/a+\")",
    "keyMatch4(r.obj, p.obj)",
    "globMatch(r.obj, p.obj)",
    "keyGet(r.obj, p.obj)",
    "regex(r.obj, p.obj)",
    "g(r.sub)",
    "eval(r.sub)",
    "eval(p.sub, p.obj)",
];

/// Values of a column of regular expressions and of one of networks that are refused.
const PATTERNS: [&str; 9] = [
    "*", "(?i)get", "[[a]b]", "[a&&b]", "\\pL", "{id}", "a{1000}", "(", "10.0.0",
];

/// Rules of the gateway's model that are refused.
const ROWS: [&str; 21] = [
    "",
    "z, a",
    "p, a",
    "g, a",
    "g2, a, b, c",
    "g, , role:a, d",
    "g, a, role:a, *",
    "g, a, b, d\ng, b, a, d",
    "g, a, b, d\ng2, a, c",
    "g, a, b, d\ng, a, b, d",
    "p, a, b, c , d",
    "p, \"a",
    "p, \"a\" b",
    "p, a\"b",
    "p, a\u{0}",
    "p, , *, *, *, /*, *, true, allow, ",
    "p, *, *, *, *, /*, *, true, maybe, ",
    "p, *, *, *, *, /*, *, true, deny, redact:L1",
    "p, *, *, *, *, /*, *, eval(p.sub), allow, ",
    "p, *, *, *, *, /*, *, p.sub == \"a\", allow, ",
    "p, *, *, *, *, x, *, true, allow, ",
];

const OBLIGATIONS: [&str; 12] = [
    "redact",
    "redact:L5",
    "log:some",
    "rate:tin",
    "watermark:off",
    "quota:-1",
    "stepup:5",
    "fields:",
    "alert:a b",
    "encrypt:on",
    "log:full;;x:y",
    "log:full;log:full",
];

const STATEMENTS: [&str; 26] = [
    "nothin reaches anything",
    "nothing",
    "nothing reaches",
    "nothing reaches , portal",
    "nothing reaches portal from",
    "nothing reaches anything from internet from intranet",
    "nothing reaches anything at a",
    "nothing reaches anything without hours 9-18",
    "nothing reaches anything without assurance 9",
    "nothing reaches anything without assurance",
    "nothing reaches \"open",
    "nothing reaches portal \"\"",
    "nothing sends GETT to anything",
    "nothing reaches portal staff",
    "nothing reaches department stff",
    "nothing reaches host nowhere",
    "nothing from moon reaches anything",
    "nobody but role:clrk reaches anything",
    "role:clerk exclude one another",
    "role:clerk, role:clerk exclude one another",
    "role:clerk, role:x exclude one another in moon",
    "role:clerk frobs",
    "any portal is reached only",
    "any portal is reached from internet only from intranet",
    "  nothing",
    "nothing\u{7}",
];

const CASES: [&str; 8] = [
    "{",
    "{\"r\": []}",
    "{\"r\": [], \"exp\": true}",
    "{\"r\": 1, \"exp\": true}",
    "{\"r\": {\"nobody\": 1}, \"exp\": true}",
    "{\"r\": [1, \"b\", \"c\", \"d\", \"e\", \"f\", {}], \"exp\": true}",
    "{\"r\": [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\", {}], \"exp\": true, \"name\": \"nobody gets in\"}",
    "{\"r\": [\"x\", \"web\", \"y\", \"www.city.example\", \"/assets/a\", \"GET\", {\"risk\": 0}], \"exp\": true, \"obl\": \"redact:L4\"}",
];

fn models() -> Vec<String> {
    let plain = model("r.sub == p.sub");
    let mut models = vec![
        String::new(),
        plain.replace("[matchers]", "[matchers"),
        plain.replace("[matchers]", "[watchers]"),
        plain.replace("m = ", "m2 = "),
        plain.replace("m = ", "m "),
        plain.replace("m = ", "m = \"#\" == "),
        plain.replace("m = ", "m = \\\n# note\n"),
        plain.replace("g = _, _", "g = _"),
        plain.replace("g = _, _", "h = _, _"),
        plain.replace("r = sub", "r = sub, sub"),
        plain.replace("r = sub", "r = 7, sub"),
        plain.replace("r = sub, obj, act", &format!("r = {}sub", many())),
        format!("{plain}m = r.sub == p.sub\n"),
        format!("{plain}[attribute_definition]\nnobody = a: int\nsub = a: number, a: int, 7\n"),
        format!("{plain}[attribute_definition]\nsub = a: int\n"),
        format!("{plain}[options]\nallow_unmatched = true\nmore = 1\n"),
        format!("{plain}\u{0}"),
        model("true"),
        model_with("some(where (p.eft == deny))", "sub, eft", "r.sub == p.sub"),
        model_with("!some(where (p.eft == deny))", "sub", "r.sub == p.sub"),
        model_with("!some(where (p.eft == deny))", "sub, eft", "r.sub == p.sub")
            + "[options]\nallow_unmatched = perhaps\n",
    ];
    models.extend(EXPRESSIONS.map(model));
    models.push(model(&"!".repeat(60)));
    models.push(model(&format!("{}1 == 1", "1 + ".repeat(60))));
    models.push(model(&"a".repeat(17 << 10)));
    models
}

fn many() -> String {
    (0..300).map(|at| format!("f{at}, ")).collect()
}

/// A kind of message: what it says without what it quotes.
fn kind(mistake: &Mistake) -> String {
    mistake.message.split('`').step_by(2).collect()
}

struct Heard(BTreeSet<String>);

impl Heard {
    #[track_caller]
    fn all(&mut self, refused: Result<(), Vec<Mistake>>, what: &str) {
        let mistakes = refused.expect_err(what);
        assert!(!mistakes.is_empty(), "{what}");
        for mistake in &mistakes {
            in_both_languages(mistake);
            self.0.insert(kind(mistake));
        }
    }
}

#[test]
fn what_the_strict_dialect_refuses_is_told_in_both_languages() {
    let mut heard = Heard(BTreeSet::new());
    for model in models() {
        heard.all(load(&model, ROW).map(drop), &model);
    }
    let networks = model("r.sub == p.sub && ipMatch(r.obj, p.obj) && regexMatch(r.act, p.act)");
    for pattern in PATTERNS {
        let rules = format!("p, a, {pattern}, {pattern}, allow\n");
        heard.all(load(&networks, &rules).map(drop), pattern);
    }
    for rules in ROWS {
        heard.all(load(GATEWAY_MODEL, rules).map(drop), rules);
    }
    for obligation in OBLIGATIONS {
        let rules = format!("p, *, *, *, *, /*, *, true, allow, {obligation}\n");
        heard.all(load(GATEWAY_MODEL, &rules).map(drop), obligation);
    }
    let first = model_with(
        "priority(p.eft) || deny",
        "priority, sub, eft",
        "r.sub == p.sub",
    );
    heard.all(load(&first, "p, high, a, allow\n").map(drop), "a priority");
    let policy = snapshot(GATEWAY_MODEL, GATEWAY_RULES);
    for text in STATEMENTS {
        let source = Source { name: "s", text };
        heard.all(prove(&policy, &[source], None).map(drop), text);
    }
    assert!(
        heard.0.len() >= 90,
        "{} kinds: {:#?}",
        heard.0.len(),
        heard.0
    );
}

#[test]
fn what_other_dialects_refuse_is_told_in_both_languages() {
    let mut heard = Heard(BTreeSet::new());
    let name = "f";
    for dialect in [Dialect::CasbinGo, Dialect::CasbinRs] {
        for model in models() {
            let sources = [Source {
                name,
                text: "p, a\nz, b\ng, a\n",
            }];
            let model = Source { name, text: &model };
            if let Err(mistakes) = Policy::load(model, &sources, dialect, &Extras::default()) {
                heard.all(Err(mistakes), model.text);
            }
            let refused = Snapshot::load(model, &sources, dialect);
            heard.all(refused.map(drop), model.text);
        }
    }
    assert!(
        heard.0.len() >= 20,
        "{} kinds: {:#?}",
        heard.0.len(),
        heard.0
    );
}

#[test]
fn tests_that_fail_and_lines_that_are_none_are_told_in_both_languages() {
    let text = |name: &str, text: &str| Text::new(name, text);
    for case in CASES {
        let bundle = Bundle {
            model: text("model.conf", GATEWAY_MODEL),
            rules: vec![text("rules.csv", GATEWAY_RULES)],
            cases: vec![text("cases.jsonl", case)],
            ..Bundle::default()
        };
        let snapshot = bundle.snapshot().unwrap();
        let failing = bundle.failing_cases(&snapshot);
        assert_eq!(failing.len(), 1, "{case}");
        failing.iter().for_each(in_both_languages);
    }
    let unreadable = cases::read_all(Source {
        name: "c",
        text: CASES[0],
    })
    .unwrap_err();
    let [mistake] = unreadable.as_slice() else {
        panic!("{unreadable:?}")
    };
    assert!(
        mistake.message_zh.starts_with("这一行不是用例："),
        "{mistake:?}"
    );
}

#[test]
fn warnings_are_told_in_both_languages() {
    let rules = "p, *, *, *, *, /x/*, GET, true, deny, \np, *, *, *, *, /*, \"foo.{0,100}bar\", true, allow, \n";
    let warnings = snapshot(GATEWAY_MODEL, rules).warnings().to_vec();
    assert!(warnings.len() >= 4, "{warnings:?}");
    warnings.iter().for_each(in_both_languages);
}

#[test]
fn a_mistake_is_written_for_programs_in_both_languages() {
    let mistakes = load(GATEWAY_MODEL, "p, *, *, *, *, /*, *, true, maybe, \n").unwrap_err();
    assert_eq!(
        serde_json::to_string(&mistakes[0]).unwrap(),
        r#"{"file":"rules.csv","line":1,"column":29,"message":"effect `maybe` would neither allow nor deny","message_zh":"效果 `maybe` 既不是放行也不是拒绝","help":"write `allow` or `deny` in lower case","help_zh":"请用小写的 `allow` 或 `deny`"}"#
    );
}
