//! Every known fault of the reference engines, shown to be unreachable.

use hangu_policy::Value;

use crate::support::{GATEWAY_MODEL, allows, load, mistakes, model, model_with, snapshot};

const ACL: &str = "r.sub == p.sub && r.obj == p.obj && r.act == p.act";

#[track_caller]
fn refused(found: &str, at: &str, saying: &str) {
    assert!(
        found
            .lines()
            .any(|line| line.starts_with(at) && line.contains(saying)),
        "wanted {at} {saying}, found:\n{found}"
    );
}

#[test]
fn d1_a_group_of_one_section_gives_no_role_of_another() {
    let model = model("g(r.sub, p.sub) && g2(r.obj, p.obj) && r.act == p.act");
    let rules = "p, admin, o, read, allow\ng, u:x, admin\ng2, alice, admin2\ng2, o2, o\n";
    assert!(!allows(&snapshot(&model, rules), ["alice", "o", "read"]));
    let shared = "p, admin, o, read, allow\ng, u:x, admin\ng2, alice, admin\n";
    refused(
        &mistakes(&model, shared),
        "rules.csv:3:1",
        "`admin` is a name of `g2` here and of `g`",
    );
}

#[test]
fn d2_a_second_set_of_definitions_is_refused() {
    let two = model(ACL) + "[policy_definition]\np2 = sub, eft\n[matchers]\nm2 = r.sub == p2.sub\n";
    let found = mistakes(&two, "p, a, b, c, allow\n");
    refused(&found, "model.conf:13:1", "unknown key `p2`");
    refused(&found, "model.conf:15:1", "unknown key `m2`");
    refused(
        &mistakes(&model("r2.sub == p2.sub"), "p, a, b, c, allow\n"),
        "model.conf:11:5",
        "second request or policy",
    );
}

#[test]
fn d3_the_priority_column_orders_rows_and_a_tie_denies() {
    let model = model_with(
        "priority(p.eft) || deny",
        "priority, sub, obj, act, eft",
        ACL,
    );
    let first = snapshot(&model, "p, 10, a, o, read, allow\np, 1, a, o, read, deny\n");
    assert!(!allows(&first, ["a", "o", "read"]));
    let tie = snapshot(&model, "p, 1, a, o, read, allow\np, 1, a, o, read, deny\n");
    assert!(!allows(&tie, ["a", "o", "read"]));
    let negative = snapshot(&model, "p, 1, a, o, read, deny\np, -2, a, o, read, allow\n");
    assert!(allows(&negative, ["a", "o", "read"]));
    for bad in ["high", "1.5", "01", "99999999999", "+1"] {
        refused(
            &mistakes(&model, &format!("p, {bad}, a, o, read, deny\n")),
            "rules.csv:1:4",
            "priority",
        );
    }
}

#[test]
fn d4_a_duplicate_row_is_refused_and_both_lines_are_named() {
    let found = mistakes(
        &model(ACL),
        "p, a, o, read, allow\np, b, o, read, allow\np,a,o,read,allow\ng, x, y\ng, x, y\n",
    );
    refused(&found, "rules.csv:3:1", "rules.csv:1");
    refused(&found, "rules.csv:5:1", "rules.csv:4");
}

#[test]
fn d5_an_attribute_that_is_not_declared_is_refused() {
    let row = |cond: &str| format!("p, *, *, *, *, /*, *, {cond}, allow, \n");
    let found = mistakes(GATEWAY_MODEL, &row("r.ctx.revoked != true"));
    refused(
        &found,
        "rules.csv:1:23",
        "attribute `r.ctx.revoked` is not declared",
    );
    refused(
        &mistakes(
            &model("r.sub.Revoked != true && r.obj == p.obj"),
            "p, a, o, read, allow\n",
        ),
        "model.conf:11:5",
        "`Revoked`",
    );
}

#[test]
fn d6_a_path_in_any_script_is_compared_by_characters() {
    let snapshot = snapshot(
        &model("r.sub == p.sub && keyMatch(r.obj, p.obj) && r.act == p.act"),
        "p, a, /a*, read, allow\np, a, /中*, read, allow\n",
    );
    assert!(!allows(&snapshot, ["a", "/é中文", "read"]));
    assert!(allows(&snapshot, ["a", "/中文", "read"]));
    assert!(allows(&snapshot, ["a", "/abc", "read"]));
}

#[test]
fn d7_invalid_patterns_and_effects_are_refused_at_load() {
    let regex = model("r.sub == p.sub && regexMatch(r.obj, p.obj) && r.act == p.act");
    for bad in ["[", "(", "*", "a{", "(?=x)", r"\1"] {
        refused(
            &mistakes(&regex, &format!("p, a, {bad}, read, allow\n")),
            "rules.csv:1:",
            "",
        );
    }
    let path = model("r.sub == p.sub && keyMatch2(r.obj, p.obj) && r.act == p.act");
    for bad in ["*", "/a/(", "/a/*/b", "/["] {
        refused(
            &mistakes(&path, &format!("p, a, {bad}, read, allow\n")),
            "rules.csv:1:",
            "",
        );
    }
    let address = model("ipMatch(r.sub, p.sub) && r.obj == p.obj && r.act == p.act");
    refused(
        &mistakes(&address, "p, 10.0.0.0/33, o, read, allow\n"),
        "rules.csv:1:4",
        "no address",
    );
    let engine = snapshot(&address, "p, 10.0.0.0/8, o, read, allow\n");
    assert!(allows(&engine, ["10.1.2.3", "o", "read"]));
    assert!(!allows(&engine, ["not an address", "o", "read"]));
    for effect in [
        "some(where (p.eft == deny))",
        "subjectPriority(p_eft) || deny",
        "allow",
    ] {
        refused(
            &mistakes(
                &model_with(effect, "sub, obj, act, eft", ACL),
                "p, a, o, read, allow\n",
            ),
            "model.conf:9:5",
            "unsupported effect",
        );
    }
}

#[test]
fn d8_a_mapped_address_does_not_bypass_a_row_that_denies() {
    let model = model("ipMatch(r.sub, p.sub) && r.obj == p.obj && r.act == p.act");
    let engine = snapshot(
        &model,
        "p, 0.0.0.0/0, o, read, allow\np, 10.0.0.0/8, o, read, deny\n",
    );
    assert!(allows(&engine, ["11.0.0.1", "o", "read"]));
    assert!(!allows(&engine, ["::ffff:10.1.2.3", "o", "read"]));
    assert!(
        !allows(&engine, ["garbage", "o", "read"]),
        "a value that is no address is denied, not skipped"
    );
}

#[test]
fn d9_a_parameter_needs_a_name_and_a_dot_is_a_dot() {
    let model = model("r.sub == p.sub && keyMatch2(r.obj, p.obj) && r.act == p.act");
    refused(
        &mistakes(&model, "p, a, /foo/:, read, allow\n"),
        "rules.csv:1:12",
        "needs a name",
    );
    refused(
        &mistakes(&model, "p, a, https://h, read, allow\n"),
        "rules.csv:1:7",
        "does not begin with `/`",
    );
    let engine = snapshot(
        &model,
        "p, a, /a.b, read, allow\np, a, /u/:id, read, allow\n",
    );
    assert!(allows(&engine, ["a", "/a.b", "read"]) && !allows(&engine, ["a", "/aXb", "read"]));
    assert!(!allows(&engine, ["a", "/u/", "read"]));
}

#[test]
fn d10_roles_reach_as_far_as_they_are_given_and_never_in_a_circle() {
    let model = model("g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act");
    let chain: String = (0..40).map(|n| format!("g, n{n}, n{}\n", n + 1)).collect();
    let engine = snapshot(&model, &format!("{chain}p, n40, o, read, allow\n"));
    assert!(allows(&engine, ["n0", "o", "read"]));
    let found = mistakes(
        &model,
        &format!("{chain}g, n40, n17\np, n40, o, read, allow\n"),
    );
    refused(&found, "rules.csv:41:1", "`n40` -> `n17` closes a cycle");
    refused(
        &mistakes(&model, "g, a, a\np, a, o, read, allow\n"),
        "rules.csv:1:1",
        "closes a cycle",
    );
}

#[test]
fn d11_a_matcher_that_asks_no_rule_is_refused() {
    refused(
        &mistakes(&model("r.sub == \"root\""), "p, a, o, read, allow\n"),
        "model.conf:11:5",
        "asks no field of the rules",
    );
}

#[test]
fn d12_two_snapshots_never_answer_for_one_another() {
    let rules = "p, a, o, read, allow\n";
    let (yes, no) = (
        snapshot(&model(ACL), rules),
        snapshot(&model(ACL), "p, b, o, read, allow\n"),
    );
    for _ in 0..3 {
        assert!(allows(&yes, ["a", "o", "read"]));
        assert!(!allows(&no, ["a", "o", "read"]));
    }
}

#[test]
fn d13_doubled_quotes_are_one_quote() {
    let engine = snapshot(
        &model(ACL),
        "p, \"say \"\"hi\"\"\", \"a, b\", read, allow\n",
    );
    assert!(allows(&engine, ["say \"hi\"", "a, b", "read"]));
}

#[test]
fn d14_rows_of_the_wrong_length_are_refused_at_load() {
    let found = mistakes(
        &model(ACL),
        "p, a, o, read, allow\np, a, o\np, a, o, read, allow, x\ng, a\ng, a, b, c\nq, a\n",
    );
    refused(
        &found,
        "rules.csv:2:1",
        "2 fields behind `p`; the model defines 4",
    );
    refused(&found, "rules.csv:3:1", "5 fields");
    refused(&found, "rules.csv:4:1", "1 fields behind `g`");
    refused(&found, "rules.csv:5:1", "3 fields");
    refused(&found, "rules.csv:6:1", "row type `q`");
}

#[test]
fn d15_allowing_what_nobody_denies_must_be_asked_for_and_an_empty_policy_never_serves() {
    let open = model_with("!some(where (p.eft == deny))", "sub, obj, act, eft", ACL);
    refused(
        &mistakes(&open, "p, a, o, read, deny\n"),
        "model.conf:9:5",
        "allows whatever no row denies",
    );
    let meant = open + "[options]\nallow_unmatched = true\n";
    let engine = snapshot(&meant, "p, a, o, read, deny\n");
    assert!(!allows(&engine, ["a", "o", "read"]) && allows(&engine, ["b", "o", "read"]));
    let useless = model(ACL) + "[options]\nallow_unmatched = true\n";
    refused(
        &mistakes(&useless, "p, a, o, read, deny\n"),
        "model.conf:13:1",
        "means nothing",
    );
    for empty in ["", "# nothing\n", "g, a, b\n"] {
        refused(&mistakes(&meant, empty), "rules.csv:1:1", "no rules");
        refused(&mistakes(&model(ACL), empty), "rules.csv:1:1", "no rules");
    }
}

#[test]
fn d16_digits_in_expressions_are_ascii() {
    let engine = snapshot(
        &model("r.sub == p.sub && regexMatch(r.obj, p.obj) && r.act == p.act"),
        "p, a, ^/u/\\d+$, read, allow\n",
    );
    assert!(allows(&engine, ["a", "/u/12", "read"]));
    assert!(!allows(&engine, ["a", "/u/١٢", "read"]) && !allows(&engine, ["a", "/u/１２", "read"]));
}

#[test]
fn d17_braces_in_a_path_are_refused_with_what_to_write() {
    let model = model("r.sub == p.sub && keyMatch2(r.obj, p.obj) && r.act == p.act");
    refused(
        &mistakes(&model, "p, a, /u/{id}, read, allow\n"),
        "rules.csv:1:10",
        "write `:id`",
    );
    let regex = self::model("r.sub == p.sub && regexMatch(r.obj, p.obj) && r.act == p.act");
    refused(
        &mistakes(&regex, "p, a, ^/u/{id}$, read, allow\n"),
        "rules.csv:1:11",
        "write `:id`",
    );
}

#[test]
fn the_effect_of_a_row_is_written_exactly() {
    for bad in ["Allow", "DENY", "permit", "allow;deny"] {
        refused(
            &mistakes(&model(ACL), &format!("p, a, o, read, {bad}\n")),
            "rules.csv:1:16",
            "lower case",
        );
    }
    refused(
        &mistakes(&model(ACL), "p, a, o, read   , allow\n"),
        "rules.csv:1:14",
        "blank behind `read`",
    );
}

#[test]
fn texts_that_the_references_rewrite_are_refused() {
    refused(
        &mistakes(
            &model("r.sub == p.sub && r.obj == \"/p.html\""),
            "p, a, o, read, allow\n",
        ),
        "model.conf:11:32",
        "rewrite",
    );
    refused(
        &mistakes(
            &model("r.sub == p.sub && r.obj == \"/a#b\""),
            "p, a, o, read, allow\n",
        ),
        "model.conf:11:",
        "`#` begins a comment",
    );
}

#[test]
fn an_obligation_that_nobody_knows_is_refused_with_its_column() {
    let row = |obl: &str, eft: &str| format!("p, *, *, *, *, /*, *, true, {eft}, {obl}\n");
    refused(
        &mistakes(GATEWAY_MODEL, &row("log:full;encrypt:on", "allow")),
        "rules.csv:1:45",
        "unknown obligation `encrypt`",
    );
    refused(
        &mistakes(GATEWAY_MODEL, &row("redact:L2", "deny")),
        "rules.csv:1:35",
        "on a row that denies",
    );
    assert!(load(GATEWAY_MODEL, &row("~encrypt:on", "allow")).is_ok());
}

#[test]
fn every_mistake_is_reported_at_once() {
    let found = mistakes(
        GATEWAY_MODEL,
        "p, *\np, *, *, *, *, x, [, r.ctx.a < 1, Deny, x:y\nz\n",
    );
    assert_eq!(found.lines().count(), 7, "{found}");
}

#[test]
fn expressions_that_the_references_read_differently_are_refused() {
    for (cond, saying) in [
        ("r.ctx.aal >= 1.5", "fractions"),
        ("r.ctx.aal / 2 > 1", "divide"),
        ("r.ctx.aal > 99999999999", "32 bits"),
        ("r.ctx.aal > 1 > 0", "chained"),
        ("r.ctx.aal == r.sub", "never equal"),
        ("r.ctx.cert > true", "no order"),
        ("r.sub =~ 1", "operator"),
        ("r.ctx.cert ? true : false", "unexpected `?`"),
        ("p.sub == r.sub", "in a condition"),
        ("r.ctx == 1", "is a map"),
        ("r.ctx.aal", "expected a truth value"),
        ("eval(r.sub)", "inside a condition"),
        ("globMatch(r.path", "expected `)`"),
        ("r.ctx.aal >= 1 r.ctx.cert", "unexpected word"),
        ("r.ctx.aal = 1", "write `==`"),
        ("(", "ends too early"),
        ("r.nobody == 1", "not defined in `[request_definition]`"),
        ("'a' == 'a", "not closed"),
    ] {
        refused(
            &mistakes(
                GATEWAY_MODEL,
                &format!("p, *, *, *, *, /*, *, {cond}, allow, \n"),
            ),
            "rules.csv:1:",
            saying,
        );
    }
}

#[test]
fn conditions_take_parentheses_alternatives_and_arithmetic() {
    let cond = "(r.ctx.aal >= 3 || r.ctx.dev > 90) && !(r.ctx.dow in (6,7)) && r.ctx.risk + r.ctx.aal * 2 < 60";
    let engine = snapshot(
        GATEWAY_MODEL,
        &format!("p, *, *, *, *, /*, *, \"{cond}\", allow, \n"),
    );
    let ask = |aal, dev, dow, risk| {
        let ctx = [
            ("aal", Value::Int(aal)),
            ("dev", Value::Int(dev)),
            ("dow", Value::Int(dow)),
            ("risk", Value::Int(risk)),
        ];
        let text = Value::Str("/x");
        engine
            .decide(&[text, text, text, text, text, text, Value::Map(&ctx)])
            .unwrap()
            .into_permit()
            .is_ok()
    };
    assert!(ask(3, 0, 5, 10) && ask(0, 91, 5, 10));
    assert!(!ask(2, 90, 5, 10) && !ask(3, 0, 6, 10) && !ask(3, 0, 5, 54));
    assert!(
        !ask(3, 0, 5, i64::MAX),
        "what overflows is unknown, and unknown does not allow"
    );
}

#[test]
fn what_may_surprise_an_author_is_a_warning() {
    let model = model_with(
        "some(where (p.eft == allow))",
        "sub, obj, act, eft",
        "g(r.sub, p.sub) && r.obj == p.obj && regexMatch(r.act, p.act)",
    );
    let engine = snapshot(&model, "p, a, o, GET, allow\np, a, o, ^GET$, deny\n");
    let warnings: Vec<String> = engine.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(
        warnings[0].starts_with("rules.csv:1:10: `GET` also matches")
            && warnings[0].ends_with("write `^(GET)$`")
    );
    assert!(warnings[1].starts_with("rules.csv:2:1: rows that deny have no effect"));
    let starred = snapshot(
        GATEWAY_MODEL,
        "p, *, *, *, *, /*, *, true, allow, \ng, u:a, role:a, *\n",
    );
    assert!(starred.warnings()[0].message.contains("no wildcard"));
}

#[test]
fn a_row_that_denies_a_folder_but_not_its_root_is_a_warning() {
    let rows =
        "p, *, *, *, *, /admin/*, *, true, deny, log:full\np, *, *, *, *, /*, *, true, allow, \n";
    let open = snapshot(GATEWAY_MODEL, rows);
    let found: Vec<String> = open.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        ["rules.csv:1:1: `/admin/*` does not deny `/admin` itself; add the same row with `/admin`"]
    );
    let closed = snapshot(
        GATEWAY_MODEL,
        &format!("{rows}p, *, *, *, *, /admin, *, true, deny, \n"),
    );
    assert!(closed.warnings().is_empty());
}

#[test]
fn an_expression_that_would_exhaust_a_stack_is_refused() {
    let nested = |open: &str, middle: &str, close: &str, times: usize| {
        format!("{}{middle}{}", open.repeat(times), close.repeat(times))
    };
    let row = |cond: &str| format!("p, *, *, *, *, /*, *, {cond}, allow, \n");
    for cond in [
        nested("(", "true", ")", 5000),
        nested("!", "true", "", 5000),
        nested("!(", "true", ")", 500),
        format!("r.ctx.aal{} > 1", " + 1".repeat(2000)),
        format!("{} > 1", nested("(1 + 1 * 1 + ", "1", " * 1 + 1)", 40)),
    ] {
        refused(&mistakes(GATEWAY_MODEL, &row(&cond)), "rules.csv:1:", "too");
    }
    refused(
        &mistakes(
            GATEWAY_MODEL,
            &row(&format!("{}true", "true && ".repeat(3000))),
        ),
        "rules.csv:1:",
        "longer than 16 KiB",
    );
    let wide = format!("{}true", "(true || r.ctx.cert) && ".repeat(600));
    assert!(load(GATEWAY_MODEL, &row(&wide)).is_ok());
}
