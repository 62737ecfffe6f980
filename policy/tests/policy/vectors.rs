//! What each function of a matcher answers, in each dialect; the corners in which the references differ.

use hangu_policy::compat::{Definitions, Extras, Policy, Question};
use hangu_policy::{Dialect, Effect, Source};
use serde_json::json;

/// The answer of a function of two texts: true, false, or an error.
fn holds(dialect: Dialect, function: &str, value: &str, pattern: &str) -> Option<bool> {
    let model = format!(
        "[request_definition]\nr = v, w\n[policy_definition]\np = x\n[policy_effect]\ne = some(where (p.eft == allow))\n[matchers]\nm = {function}(r.v, r.w) && p.x == \"x\"\n"
    );
    let source = |name, text| Source { name, text };
    let policy = Policy::load(
        source("m", &model),
        &[source("r", "p, x\n")],
        dialect,
        &Extras::default(),
    )
    .unwrap();
    let values = [json!(value), json!(pattern)];
    let question = Question {
        values: &values,
        definitions: Definitions::default(),
        now: 0,
    };
    policy
        .decide(&question)
        .ok()
        .map(|answer| answer.effect == Effect::Allow)
}

const T: Option<bool> = Some(true);
const F: Option<bool> = Some(false);
const E: Option<bool> = None;

type Vector = (
    &'static str,
    &'static str,
    &'static str,
    Option<bool>,
    Option<bool>,
);

/// Function, value, pattern; then the answer in Go and in the crate.
const VECTORS: &[Vector] = &[
    ("keyMatch", "/foo", "/foo", T, T),
    ("keyMatch", "/foo", "/foo*", T, T),
    ("keyMatch", "/foo", "/foo/*", F, F),
    ("keyMatch", "/foo/bar", "/foo*", T, T),
    ("keyMatch", "/foobar", "/foo/*", F, F),
    ("keyMatch", "/foo/bar/x", "/foo/*/y", T, T),
    ("keyMatch", "/中文", "/a*", F, E),
    ("keyMatch", "/中文", "/中*", T, T),
    ("keyMatch", "", "*", T, T),
    ("keyMatch", "/a\nb", "/a*", T, T),
    ("keyMatch2", "/foo", "/foo", T, T),
    ("keyMatch2", "/foo", "/foo/*", F, F),
    ("keyMatch2", "/foo/", "/foo/*", T, T),
    ("keyMatch2", "/foo/bar/baz", "/foo/*", T, T),
    ("keyMatch2", "/", "/:id", F, F),
    ("keyMatch2", "/a", "/:id", T, T),
    ("keyMatch2", "/a/b", "/:id", F, F),
    ("keyMatch2", "/foo/x", "/foo/:", F, T),
    ("keyMatch2", "/foo/:", "/foo/:", T, T),
    ("keyMatch2", "/a/x\ny", "/a/*", F, F),
    ("keyMatch2", "/a/x\ny", "/a/:id", T, T),
    ("keyMatch2", "/aXb", "/a.b", T, T),
    ("keyMatch2", "//a", "/:x/a", F, F),
    ("keyMatch2", "/a%2fb", "/:id", T, T),
    ("keyMatch2", "/u/7", "/u/{id}", F, E),
    ("keyMatch2", "httpsX//h", "https://h", F, T),
    ("keyMatch2", "/a(", "/a(", E, E),
    ("keyMatch2", "/A", "/a", F, F),
    ("keyMatch3", "/foo/7", "/foo/{id}", T, T),
    ("keyMatch3", "/foo/x", "/foo/{}", F, T),
    ("keyMatch3", "/foo/7/8", "/foo/{id}", F, F),
    ("keyMatch3", "/xaby", "/x{a}y", T, T),
    ("keyMatch3", "/ab", "/{a}{b}", T, T),
    ("keyMatch3", "/a", "/{a}{b}", T, T),
    ("keyMatch4", "/p/1/c/1", "/p/{id}/c/{id}", T, T),
    ("keyMatch4", "/p/1/c/2", "/p/{id}/c/{id}", F, F),
    ("keyMatch4", "/p/1/c/2", "/p/{id}/c/{no}", T, T),
    ("keyMatch4", "/p/1", "/p/(1)", E, E),
    ("keyMatch4", "/a", "/{a}{b}", T, F),
    ("keyMatch4", "/p/1", "/p/(", E, F),
    ("keyMatch5", "/p/1?x=2", "/p/{id}", T, T),
    ("keyMatch5", "/p/1?x=/2", "/p/*", T, T),
    ("keyMatch5", "/p?x", "/p", T, T),
    ("keyMatch5", "/a", "/{a}{b}", T, F),
    ("regexMatch", "GETX", "GET", T, T),
    ("regexMatch", "GETX", "^(GET)$", F, F),
    ("regexMatch", "/u/١٢", "^/u/\\d+$", F, T),
    ("regexMatch", "/u/12", "^/u/\\d+$", T, T),
    ("regexMatch", "é", "^\\w$", F, T),
    ("regexMatch", "a{id}", "a{id}", T, E),
    ("regexMatch", "a", "(?=a)", E, E),
    ("regexMatch", "aa", "a**", E, T),
    ("regexMatch", "[", "^[[]$", T, E),
    ("regexMatch", "&", "^[a&&b]$", T, F),
    ("regexMatch", "a.b", "^\\Qa.b\\E$", T, E),
    ("regexMatch", "a\nb", "a.b", F, F),
    ("regexMatch", "", "", T, T),
    ("regexMatch", "x", "(", E, E),
    ("ipMatch", "192.168.2.123", "192.168.2.0/24", T, T),
    ("ipMatch", "192.168.3.1", "192.168.2.0/24", F, F),
    ("ipMatch", "192.168.2.1", "192.168.2.1", T, T),
    ("ipMatch", "::ffff:10.1.2.3", "10.0.0.0/8", T, F),
    ("ipMatch", "10.1.2.3", "::ffff:10.1.2.3", T, T),
    ("ipMatch", "10.1.2.3", "10.1.2.77/8", T, T),
    ("ipMatch", "2001:db8::1", "2001:db8::/32", T, T),
    ("ipMatch", "2001:db8::1", "10.0.0.0/8", F, F),
    ("ipMatch", "no", "10.0.0.0/8", E, E),
    ("ipMatch", "10.0.0.1", "no", E, E),
    ("ipMatch", "10.0.0.1", "10.0.0.0/33", E, E),
    ("ipMatch", "010.0.0.1", "10.0.0.0/8", E, E),
];

#[test]
fn every_function_answers_as_its_reference() {
    for (function, value, pattern, go, rs) in VECTORS {
        let shown = format!("{function}({value:?}, {pattern:?})");
        assert_eq!(
            holds(Dialect::CasbinGo, function, value, pattern),
            *go,
            "Go: {shown}"
        );
        assert_eq!(
            holds(Dialect::CasbinRs, function, value, pattern),
            *rs,
            "crate: {shown}"
        );
    }
}

/// The crate itself says what stands in the last column, where it has the function built in.
#[test]
fn the_crate_says_what_the_table_says_of_it() {
    use casbin::function_map::{
        key_match, key_match2, key_match3, key_match4, key_match5, regex_match,
    };
    use std::panic::catch_unwind;
    for (function, value, pattern, _, rs) in VECTORS {
        let said = match *function {
            "keyMatch" => catch_unwind(|| key_match(value, pattern)),
            "keyMatch2" => catch_unwind(|| key_match2(value, pattern)),
            "keyMatch3" => catch_unwind(|| key_match3(value, pattern)),
            "keyMatch4" => catch_unwind(|| key_match4(value, pattern)),
            "keyMatch5" => catch_unwind(|| key_match5(value, pattern)),
            "regexMatch" => catch_unwind(|| regex_match(value, pattern)),
            _ => continue,
        };
        assert_eq!(said.ok(), *rs, "{function}({value:?}, {pattern:?})");
    }
}

#[test]
fn glob_patterns_match_segments_and_folders() {
    let table = [
        ("/foo", "/foo", T),
        ("/foo/bar", "/foo/*", T),
        ("/foo/bar/baz", "/foo/*", F),
        ("/foo/bar/baz", "/foo/**", T),
        ("/foo", "/foo/**", T),
        ("/foobar", "/foo/**", F),
        ("/foo", "/foo*", T),
        ("/a/x/y/b", "/a/**/b", T),
        ("/a/b", "/a/**/b", T),
        ("/axb", "/a?b", T),
        ("/a/b", "/a?b", F),
        ("/b", "/[a-c]", T),
        ("/b", "/[^a-c]", F),
        ("/d", "/[!a-c]", T),
        ("/jpg", "/{jpg,png}", T),
        ("/gif", "/{jpg,png}", F),
        ("/*", "/\\*", T),
        ("/x", "/\\*", F),
        ("/中/文", "/?/*", T),
        ("/a", "/[", E),
        ("/a", "/{a", E),
        ("", "", T),
        ("x", "**", T),
        ("a/b/c", "**/c", T),
        ("c", "**/c", T),
    ];
    for (value, pattern, expected) in table {
        assert_eq!(
            holds(Dialect::CasbinGo, "globMatch", value, pattern),
            expected,
            "{value} {pattern}"
        );
    }
}

#[test]
fn parts_of_a_path_are_read_out() {
    let table = [
        ("keyGet(\"/foo/bar\", \"/foo/*\") == \"bar\"", T),
        ("keyGet(\"/foo\", \"/foo/*\") == \"\"", T),
        ("keyGet2(\"/a/7/b\", \"/a/:id/b\", \"id\") == \"7\"", T),
        ("keyGet2(\"/a/7/b\", \"/a/:id/b\", \"no\") == \"\"", T),
        (
            "keyGet3(\"/p_x_q/7\", \"/p_{name}_q/{id}\", \"name\") == \"x\"",
            T,
        ),
        (
            "keyGet3(\"/p_x_q/7\", \"/p_{name}_q/{id}\", \"id\") == \"7\"",
            T,
        ),
    ];
    for dialect in [Dialect::CasbinGo, Dialect::CasbinRs] {
        for (matcher, expected) in table {
            assert_eq!(answer(dialect, matcher), Ok(expected), "{matcher}");
        }
    }
}

/// A matcher over fixed values; the error is the refusal at load.
fn answer(dialect: Dialect, matcher: &str) -> Result<Option<bool>, String> {
    let model = format!(
        "[request_definition]\nr = sub, n\n[policy_definition]\np = x\n[policy_effect]\ne = some(where (p.eft == allow))\n[matchers]\nm = p.x == \"x\" && ({matcher})\n"
    );
    let source = |name, text| Source { name, text };
    let policy = Policy::load(
        source("m", &model),
        &[source("r", "p, x\n")],
        dialect,
        &Extras::default(),
    )
    .map_err(|mistakes| mistakes[0].to_string())?;
    let values = [
        json!({ "age": 20, "tags": ["a", "b"], "nested": { "x": "y" } }),
        json!(7),
    ];
    let question = Question {
        values: &values,
        definitions: Definitions::default(),
        now: 0,
    };
    Ok(policy
        .decide(&question)
        .ok()
        .map(|answer| answer.effect == Effect::Allow))
}

#[test]
fn types_and_missing_attributes_are_taken_as_each_reference_takes_them() {
    let table = [
        ("r.sub.age > 18", T, T),
        ("r.sub.age == \"20\"", F, F),
        ("r.sub.none != true", E, T),
        ("r.sub.none == \"x\"", E, F),
        ("r.sub.none < 50", E, F),
        ("r.n.x == 1", E, E),
        ("r.sub.nested.x == \"y\"", T, T),
        ("r.n < \"a\"", E, F),
        ("\"a\" in r.sub.tags", T, T),
        ("\"c\" in r.sub.tags", F, F),
        ("r.n in [5, 7]", T, T),
        ("r.n + 1 == 8 && r.n * 2 - 4 == 10 && r.n % 4 == 3", T, T),
        ("r.n / 2 == 3", F, T),
        ("-r.n < 0", T, T),
        ("!r.n", E, E),
        ("r.n && true", E, E),
        ("true || r.n", T, T),
        ("r.sub == r.sub", T, T),
    ];
    for (matcher, go, rs) in table {
        assert_eq!(answer(Dialect::CasbinGo, matcher), Ok(go), "Go: {matcher}");
        assert_eq!(
            answer(Dialect::CasbinRs, matcher),
            Ok(rs),
            "crate: {matcher}"
        );
    }
}

#[test]
fn what_a_dialect_does_not_have_is_refused_at_load_where_it_stands() {
    let table = [
        (Dialect::CasbinRs, "r.n == 'a'", "m:8:27"),
        (Dialect::CasbinRs, "r.n == 1.5", "m:8:27"),
        (Dialect::CasbinRs, "globMatch(r.n, \"a\")", "m:8:20"),
        (Dialect::CasbinRs, "r.n =~ \"a\"", "m:8:24"),
        (Dialect::CasbinRs, "r.n == 99999999999", "m:8:27"),
        (Dialect::CasbinGo, "r.n ?? 3", "m:8:24"),
        (Dialect::CasbinGo, "r.n == '2026-01-02'", "m:8:27"),
        (Dialect::CasbinGo, "r.n in ('a')", "m:8:32"),
        (Dialect::CasbinGo, "r.none == 1", "m:8:20"),
        (Dialect::CasbinGo, "nothing(r.n)", "m:8:20"),
        (Dialect::CasbinGo, "r.sub.name() == 1", "m:8:30"),
        (Dialect::CasbinGo, "keyMatch(r.n)", "m:8:20"),
        (Dialect::CasbinGo, "r.n == 1 == 2", "m:8:29"),
        (Dialect::CasbinGo, "eval(\"true\")", "m:8:20"),
    ];
    for (dialect, matcher, place) in table {
        let refusal = answer(dialect, matcher).unwrap_err();
        assert!(refusal.starts_with(place), "{matcher}: {refusal}");
    }
}
