//! The gateway's model: obligations, missing facts, explanations, revisions, permits.

use hangu_policy::{Effect, Grounds, RateClass, RedactLevel, RuleId, Snapshot, Unjudged, Value};

use crate::support::{GATEWAY_MODEL, GATEWAY_RULES, decide, snapshot};

const CALM: [(&str, Value<'static>); 6] = context(3, 80, 10, true);

const fn context(aal: i64, dev: i64, risk: i64, cert: bool) -> [(&'static str, Value<'static>); 6] {
    [
        ("aal", Value::Int(aal)),
        ("dev", Value::Int(dev)),
        ("risk", Value::Int(risk)),
        ("min", Value::Int(600)),
        ("dow", Value::Int(3)),
        ("cert", Value::Bool(cert)),
    ]
}

fn person<'a>(sub: &'a str, act: &'a str, ctx: &'a [(&'a str, Value<'a>)]) -> [Value<'a>; 7] {
    ask(
        sub,
        "staff",
        "zone:intranet",
        "staff.city.example",
        "/people/7",
        act,
        ctx,
    )
}

fn ask<'a>(
    sub: &'a str,
    dom: &'a str,
    src: &'a str,
    host: &'a str,
    path: &'a str,
    act: &'a str,
    ctx: &'a [(&'a str, Value<'a>)],
) -> [Value<'a>; 7] {
    let text = Value::Str;
    [
        text(sub),
        text(dom),
        text(src),
        text(host),
        text(path),
        text(act),
        Value::Map(ctx),
    ]
}

fn gateway() -> Snapshot {
    snapshot(GATEWAY_MODEL, GATEWAY_RULES)
}

#[test]
fn obligations_of_all_rows_that_allow_are_combined() {
    let decision = decide(&gateway(), &person("u:cy", "GET", &CALM));
    assert_eq!(decision.rules.as_slice(), [RuleId(5), RuleId(6)]);
    assert_eq!(decision.obligations.redact, Some(RedactLevel::L1));
    assert_eq!(decision.obligations.rate, Some(RateClass::Gold));
    assert!(decision.obligations.watermark && decision.obligations.log_full);
}

#[test]
fn one_row_that_allows_keeps_its_own_obligations() {
    let decision = decide(&gateway(), &person("u:bo", "GET", &CALM));
    assert_eq!(
        decision.obligations.to_string(),
        "redact:L3;rate:silver;watermark:on"
    );
}

#[test]
fn a_row_that_denies_overrides_and_leaves_its_own_obligations() {
    let decision = decide(
        &gateway(),
        &person("u:cy", "GET", &context(3, 80, 80, true)),
    );
    assert_eq!(
        (decision.effect, decision.grounds),
        (Effect::Deny, Grounds::ExplicitDeny)
    );
    assert_eq!(decision.obligations.to_string(), "log:full;alert:soc");
    assert_eq!(decision.rules.as_slice(), [RuleId(0)]);
}

#[test]
fn a_suspended_member_is_denied_whatever_other_roles_allow() {
    let decision = decide(&gateway(), &person("u:mallory", "GET", &CALM));
    assert_eq!(
        (decision.grounds, decision.rules.as_slice()),
        (Grounds::ExplicitDeny, &[RuleId(2)][..])
    );
}

#[test]
fn nobody_is_allowed_where_no_rule_speaks() {
    for sub in ["u:nobody", "", "*", "role:officer2", "u:ann"] {
        let decision = decide(&gateway(), &person(sub, "GET", &CALM));
        assert_eq!(
            (decision.effect, decision.grounds),
            (Effect::Deny, Grounds::NoRuleMatched),
            "{sub}"
        );
        assert!(decision.rules.is_empty() && decision.obligations.is_empty());
    }
}

#[test]
fn a_denied_decision_yields_no_permit() {
    let denied = decide(&gateway(), &person("u:nobody", "GET", &CALM))
        .into_permit()
        .unwrap_err();
    assert_eq!(denied.grounds, Grounds::NoRuleMatched);
    let mut forged = decide(&gateway(), &person("u:nobody", "GET", &CALM));
    forged.effect = Effect::Allow;
    assert!(forged.into_permit().is_err(), "the public field is a copy");
}

#[test]
fn a_permit_names_the_revision_and_the_rules_it_was_granted_under() {
    let engine = gateway();
    let permit = decide(&engine, &person("u:bo", "GET", &CALM))
        .into_permit()
        .unwrap();
    assert_eq!(permit.revision(), *engine.revision());
    assert_eq!(permit.rules(), [RuleId(5)]);
    assert_eq!(permit.obligations().redact, Some(RedactLevel::L3));
}

#[test]
fn a_missing_attribute_keeps_rows_that_allow_from_applying_and_lets_rows_that_deny_apply() {
    let engine = gateway();
    let without = |name: &str| {
        CALM.iter()
            .copied()
            .filter(|(known, _)| *known != name)
            .collect::<Vec<_>>()
    };
    let no_risk = decide(&engine, &person("u:bo", "GET", &without("risk")));
    assert_eq!(
        (no_risk.grounds, no_risk.rules.as_slice()),
        (Grounds::ExplicitDeny, &[RuleId(0)][..])
    );
    let no_assurance = decide(&engine, &person("u:bo", "GET", &without("aal")));
    assert_eq!(no_assurance.grounds, Grounds::NoRuleMatched);
    let no_minute = decide(&engine, &person("u:bo", "GET", &without("min")));
    assert_eq!(no_minute.effect, Effect::Allow);
}

#[test]
fn a_request_that_does_not_fit_the_model_is_not_judged() {
    let engine = gateway();
    let count = engine.decide(&[Value::Str("u:bo")]).unwrap_err();
    assert_eq!(
        count,
        Unjudged::WrongCount {
            expected: 7,
            got: 1
        }
    );
    let mut request = person("u:bo", "GET", &CALM);
    request[0] = Value::Int(1);
    assert_eq!(
        engine.decide(&request).unwrap_err().to_string(),
        "`r.sub` is an integer; the model declares text"
    );
    let text = [("aal", Value::Str("3"))];
    let error = engine.decide(&person("u:bo", "GET", &text)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`r.ctx.aal` is text; the model declares an integer"
    );
    let twice = [("risk", Value::Int(99)), ("risk", Value::Int(0))];
    assert_eq!(
        engine.decide(&person("u:bo", "GET", &twice)).unwrap_err(),
        Unjudged::Repeated {
            name: "risk".to_owned()
        }
    );
    request[0] = Value::Map(&[]);
    assert!(engine.decide(&request).is_err());
    request = person("u:bo", "GET", &CALM);
    request[6] = Value::Bool(true);
    assert_eq!(
        engine.decide(&request).unwrap_err().to_string(),
        "`ctx` is a truth value; the model declares a map"
    );
}

#[test]
fn a_newline_does_not_walk_past_a_row_that_denies() {
    let engine = gateway();
    for path in ["/admin/x\ny", "/admin/\n", "/admin/"] {
        let request = ask(
            "u:cy",
            "staff",
            "zone:internet",
            "staff.city.example",
            path,
            "GET",
            &CALM,
        );
        assert_eq!(
            decide(&engine, &request).grounds,
            Grounds::ExplicitDeny,
            "{path:?}"
        );
    }
}

#[test]
fn an_explanation_names_the_rows_that_applied_and_the_nearest_misses() {
    let engine = gateway();
    let weak = context(2, 50, 10, true);
    let request = person("u:bo", "GET", &weak);
    let why = engine.explain(&request).unwrap();
    assert_eq!(why.decision.effect, Effect::Deny);
    assert!(why.matched.is_empty());
    let miss = why
        .nearest
        .iter()
        .find(|miss| miss.rule.line == 6)
        .expect("the clerk's row is near");
    assert_eq!(miss.failed, "r.ctx.dev >= 60");
    assert_eq!(miss.values, [("r.ctx.dev".to_owned(), "50".to_owned())]);
    let role = why
        .nearest
        .iter()
        .find(|miss| miss.rule.line == 7)
        .expect("the officer's row is near");
    assert!(
        role.failed.contains("g(r.sub, p.sub, r.dom)"),
        "{}",
        role.failed
    );
    let json = serde_json::to_value(&why).unwrap();
    assert_eq!(json["decision"]["effect"], "deny");
    assert_eq!(json["decision"]["revision"], engine.revision().to_string());
}

#[test]
fn the_revision_depends_on_what_is_said_and_on_nothing_else() {
    let base = gateway();
    let noisy = format!("# a comment\n{}\n\n", GATEWAY_RULES.replace(", ", ","));
    assert_eq!(snapshot(GATEWAY_MODEL, &noisy).revision(), base.revision());
    let spaced = GATEWAY_MODEL.replace(" && ", "   &&  ");
    assert_eq!(snapshot(&spaced, GATEWAY_RULES).revision(), base.revision());
    for (from, to) in [
        ("risk >= 80", "risk >= 81"),
        ("g2, zone:extranet", "g2, zone:dmz"),
        ("quota:50", "quota:51"),
    ] {
        assert_ne!(
            snapshot(GATEWAY_MODEL, &GATEWAY_RULES.replace(from, to)).revision(),
            base.revision(),
            "{from}"
        );
    }
    assert_eq!(base.revision().hex().len(), 64);
    assert_eq!(
        base.revision().to_string(),
        format!("r-{}", &base.revision().hex()[..16])
    );
}

#[test]
fn the_console_sees_every_row_where_it_stands() {
    let engine = gateway();
    let rules: Vec<_> = engine.rules().collect();
    assert_eq!(rules.len(), 8);
    assert_eq!(
        (rules[7].file, rules[7].line, rules[7].fields[6]),
        ("rules.csv", 8, "r.ctx.cert")
    );
    assert_eq!(engine.rule(RuleId(7)), Some(rules[7].clone()));
    let roles: Vec<_> = engine.roles().collect();
    assert_eq!(roles.len(), 8);
    assert_eq!(
        (roles[7].section, roles[7].line, &roles[7].fields[..]),
        ("g2", 16, &["zone:extranet", "zone:office"][..])
    );
}

#[test]
fn a_role_in_one_department_is_none_in_another() {
    let engine = gateway();
    let request = ask(
        "u:ann",
        "web",
        "zone:internet",
        "www.city.example",
        "/services/permit",
        "POST",
        &CALM,
    );
    assert_eq!(decide(&engine, &request).effect, Effect::Allow);
    let elsewhere = snapshot(
        GATEWAY_MODEL,
        &GATEWAY_RULES.replace(
            "g, u:ann, role:resident, web",
            "g, u:ann, role:resident, staff",
        ),
    );
    assert_eq!(decide(&elsewhere, &request).effect, Effect::Deny);
}

#[test]
fn long_lists_at_one_path_are_searched_by_role() {
    let rules: String = (0..500)
        .map(|n| format!("p, role:r{n}, d, *, h, /x, ^GET$, true, allow, quota:{n}\ng, u:m{n}, role:r{n}, d\n"))
        .collect();
    let engine = snapshot(
        GATEWAY_MODEL,
        &(rules
            + "g, u:m7, role:r499, d\np, *, d, *, h, /x, ^GET$, r.ctx.risk > 50, deny, log:full\n"),
    );
    let request = |sub: &'static str| ask(sub, "d", "z", "h", "/x", "GET", &CALM);
    assert_eq!(
        decide(&engine, &request("u:m321")).obligations.quota,
        Some(321)
    );
    assert_eq!(
        decide(&engine, &request("u:m7")).rules.as_slice(),
        [RuleId(7), RuleId(499)]
    );
    assert_eq!(
        decide(&engine, &request("role:r12")).obligations.quota,
        Some(12)
    );
    assert_eq!(
        decide(&engine, &request("u:x")).grounds,
        Grounds::NoRuleMatched
    );
}

#[test]
fn stepping_up_names_the_least_assurance_that_is_enough() {
    let engine = gateway();
    let needs = |sub: &str, ctx: &[(&str, Value<'_>)]| {
        engine
            .step_up(&person(sub, "GET", ctx), "ctx.aal", 4)
            .unwrap()
    };
    assert_eq!(needs("u:bo", &context(0, 80, 10, false)), Some(2));
    assert_eq!(
        needs("u:bo", &context(3, 80, 10, false)),
        None,
        "allowed already"
    );
    assert_eq!(
        needs("u:bo", &context(0, 10, 10, false)),
        None,
        "the device is the trouble"
    );
    assert_eq!(
        needs("u:mallory", &context(0, 80, 10, false)),
        None,
        "denied explicitly"
    );
}

#[test]
fn blanks_inside_quotes_change_the_revision() {
    let with = |text: &str| {
        snapshot(
            &GATEWAY_MODEL.replace(
                "eval(p.cond)",
                &format!("r.sub != \"{text}\" && eval(p.cond)"),
            ),
            GATEWAY_RULES,
        )
    };
    assert_ne!(with("a b").revision(), with("a  b").revision());
}

#[test]
fn a_snapshot_is_shared_between_threads_without_a_lock() {
    let engine = std::sync::Arc::new(gateway());
    let answers = [0, 1, 2, 3].map(|_| {
        let engine = std::sync::Arc::clone(&engine);
        std::thread::spawn(move || decide(&engine, &person("u:cy", "GET", &CALM)).rules)
    });
    for answer in answers {
        assert_eq!(answer.join().unwrap().as_slice(), [RuleId(5), RuleId(6)]);
    }
}

#[test]
fn more_methods_than_an_index_has_bits_for_are_still_told_apart() {
    let rules: String = (0..80)
        .map(|n| format!("p, *, *, *, *, /x, ^(M{n}|N{n})$, true, allow, quota:{n}\n"))
        .collect();
    let engine = snapshot(GATEWAY_MODEL, &rules);
    for n in 0..80 {
        for act in [format!("M{n}"), format!("N{n}")] {
            let decision = decide(&engine, &ask("u", "d", "z", "h", "/x", &act, &CALM));
            assert_eq!(decision.rules.as_slice(), [RuleId(n)], "{act}");
        }
    }
}
