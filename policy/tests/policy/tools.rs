//! What a policy means beyond one request: each answer held against decisions.

use std::fs;

use hangu_policy::analysis::cases::{self, Case};
use hangu_policy::analysis::change::{Kind, diff, inside};
use hangu_policy::analysis::lint::{Finding, lint};
use hangu_policy::analysis::mutants::mutate;
use hangu_policy::analysis::patience::Patience;
use hangu_policy::analysis::reach::{Answer, what, who};
use hangu_policy::analysis::replay::{Recorded, Summary};
use hangu_policy::analysis::why::why;
use hangu_policy::cli::tools::{self, Faults, Form, Inquiry, Verdict};
use hangu_policy::{Dialect, Effect, Snapshot, Source, Value, cli};
use serde_json::{Value as Json, json};

use crate::dice::Dice;
use crate::differential::{EFFECTS, gateway_rules, ours, path};
use crate::support::{GATEWAY_MODEL, GATEWAY_RULES, decide, shared, snapshot};

fn request(dice: &mut Dice, patterns: &[String]) -> Json {
    json!({
        "sub": dice.pick(&["u:0", "u:1", "u:2", "u:x", "role:1"]),
        "dom": dice.pick(&["d0", "d0", "d1", "dx"]),
        "src": dice.pick(&["zone:0", "zone:1", "zone:x"]),
        "host": dice.pick(&["h.0", "h.0", "h.1"]),
        "path": path(dice, patterns),
        "act": dice.pick(&["GET", "GET", "PUT", "POST", "DELETE"]),
        "ctx": {
            "aal": dice.int(5), "dev": dice.int(101), "risk": dice.int(101),
            "min": dice.int(1440), "dow": 1 + dice.int(7), "cert": dice.below(2) == 0,
        },
    })
}

fn allows(snapshot: &Snapshot, request: &Json) -> bool {
    let text = |name: &str| Value::Str(request[name].as_str().unwrap());
    let ctx: Vec<(&str, Value<'_>)> = request["ctx"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| {
            let known = value.as_bool().map(Value::Bool);
            let value = known.unwrap_or_else(|| Value::Int(value.as_i64().unwrap()));
            (name.as_str(), value)
        })
        .collect();
    let values = [
        text("sub"),
        text("dom"),
        text("src"),
        text("host"),
        text("path"),
        text("act"),
        Value::Map(&ctx),
    ];
    decide(snapshot, &values).effect == Effect::Allow
}

#[test]
fn who_and_what_agree_with_every_decision() {
    let mut allowed = 0;
    for seed in 1..=200_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let effect = EFFECTS[dice.pick(&[0, 0, 1, 2])];
        let (rules, patterns) = gateway_rules(&mut dice, effect);
        let policy = snapshot(&GATEWAY_MODEL.replace(EFFECTS[0], effect), &ours(&rules));
        for _ in 0..20 {
            let whole = request(&mut dice, &patterns);
            let yes = allows(&policy, &whole);
            allowed += u32::from(yes);
            let sub = whole["sub"].as_str().unwrap();
            // Of a whole request nothing is open but the order of rows that deny and allow at first match.
            let all = what(&policy, &whole).unwrap();
            if effect != EFFECTS[2] {
                assert_eq!(
                    all.answer,
                    if yes { Answer::Yes } else { Answer::No },
                    "{whole}\n{rules}"
                );
            }
            if yes {
                assert_ne!(all.answer, Answer::No);
            }
            let everybody = who(&policy, &whole).unwrap();
            let named = policy.roles().any(|role| role.fields[0] == sub)
                || policy.rules().any(|rule| rule.fields[0] == sub);
            let found = everybody.iter().find(|who| who.who == named.then_some(sub));
            if yes && sub.starts_with("u:") {
                assert!(found.is_some(), "{whole}\n{rules}");
            }
            if effect != EFFECTS[2] && sub.starts_with("u:") {
                assert_eq!(found.is_some(), yes, "{whole}\n{rules}");
            }
            // With the context taken away the answer may become open and never the opposite.
            let mut part = whole.clone();
            part.as_object_mut().unwrap().remove("ctx");
            let open = what(&policy, &part).unwrap().answer;
            assert_ne!(
                open,
                if yes { Answer::No } else { Answer::Yes },
                "{whole}\n{rules}"
            );
        }
    }
    assert!(allowed > 700, "{allowed}");
}

#[test]
fn every_changed_request_lies_inside_the_difference_and_every_sample_shows_it() {
    let (mut changed, mut shown) = (0, 0);
    for seed in 1..=60_u64 {
        let mut dice = Dice(seed.wrapping_mul(0xD134_2543_DE82_EF95));
        let effect = EFFECTS[dice.pick(&[0, 0, 1, 2])];
        let model = GATEWAY_MODEL.replace(EFFECTS[0], effect);
        let (rules, patterns) = gateway_rules(&mut dice, effect);
        let old = ours(&rules);
        let mut lines: Vec<&str> = old.lines().collect();
        for _ in 0..1 + dice.below(3) {
            let at = dice.below(lines.len());
            if lines.iter().filter(|line| line.starts_with("p,")).count() > 2 {
                lines.remove(at);
            }
        }
        let place = dice.below(lines.len());
        lines.insert(
            place,
            "p, role:1, *, *, *, /a/*, *, r.ctx.aal >= 1, allow, ",
        );
        lines.push("g, u:2, role:1, d1");
        let mut seen = std::collections::BTreeSet::new();
        lines.retain(|line| seen.insert(*line));
        let new = lines.join("\n");
        let (before, after) = (snapshot(&model, &old), snapshot(&model, &new));
        let regions = diff(&before, &after);
        for region in &regions {
            if let Some(gained) = &region.gained {
                assert!(
                    !allows(&before, gained) && allows(&after, gained),
                    "{region:?}"
                );
                shown += 1;
            }
            if let Some(lost) = &region.lost {
                assert!(allows(&before, lost) && !allows(&after, lost), "{region:?}");
                shown += 1;
            }
        }
        for _ in 0..150 {
            let whole = request(&mut dice, &patterns);
            if allows(&before, &whole) != allows(&after, &whole) {
                changed += 1;
                assert!(
                    inside(&regions, &before, &after, &whole).unwrap(),
                    "{whole}\n{old}\n--\n{new}\n{regions:?}"
                );
            }
        }
    }
    assert!(changed > 200 && shown > 60, "{changed} {shown}");
}

#[test]
fn a_policy_does_not_differ_from_itself_whatever_its_layout() {
    let before = snapshot(GATEWAY_MODEL, GATEWAY_RULES);
    let after = snapshot(GATEWAY_MODEL, &GATEWAY_RULES.replace(", ", ","));
    assert!(diff(&before, &after).is_empty());
    let other = snapshot(
        &GATEWAY_MODEL.replace(EFFECTS[0], EFFECTS[0].split(" && ").next().unwrap()),
        GATEWAY_RULES,
    );
    let regions = diff(&before, &other);
    assert_eq!(regions.len(), 1);
    assert_eq!(regions[0].kind, Kind::Model);
    let gained = regions[0].gained.as_ref().unwrap();
    assert!(!allows(&before, gained) && allows(&other, gained));
}

const FLAWED: &str = "\
p, *, *, *, *, /*, *, r.ctx.risk >= 80, deny, log:full
p, role:clerk, hr, *, h.example, /a/:id, ^GET$, r.ctx.aal >= 3 && r.ctx.aal < 2, allow,
p, role:clerk, hr, *, h.example, /b, ^GET$, r.ctx.aal >= 1, allow,
p, role:clerk, hr, *, h.example, /b, ^GET$, r.ctx.aal >= 2, allow,
p, role:ghost, hr, *, h.example, /c, ^GET$, true, allow,
p, *, hr, *, h.example, /d/*, *, true, deny,
p, *, hr, *, h.example, /d, *, true, deny,
p, role:clerk, hr, *, h.example, /d/e, ^GET$, true, allow,
p, *, *, *, *, /*, ^GET$, true, allow,
p, role:clerk, hr, *, h.example, /f, ^(BREW)$, true, allow,
p, role:clerk, hr, *, h.example, /g, POST, true, allow,
g, u:li, role:clerk, hr
g, u:li, role:idle, hr
";

#[test]
fn lint_finds_each_flaw_where_it_stands() {
    let findings = lint(&snapshot(GATEWAY_MODEL, FLAWED));
    let found: Vec<(u32, &str)> = findings
        .iter()
        .map(|finding| (finding.line, finding.code))
        .collect();
    for wanted in [
        (1, "conflict"),
        (2, "unreachable"),
        (4, "redundant"),
        (5, "dead-role"),
        (8, "shadowed"),
        (9, "broad"),
        (11, "trap"),
        (13, "unused-role"),
    ] {
        assert!(found.contains(&wanted), "{wanted:?} {found:?}");
    }
    let serious: Vec<u32> = findings
        .iter()
        .filter(|f| f.code == "unreachable" || f.code == "shadowed")
        .map(|f| f.line)
        .collect();
    assert_eq!(serious, [2, 8], "{found:?}");
    let narrower = |f: &Finding| f.line == 3 && f.others.contains(&"rules.csv:4".to_owned());
    assert!(
        !findings.iter().any(narrower),
        "the wider of two rows stays"
    );
    assert!(
        findings
            .iter()
            .all(|finding| !finding.message_zh.is_empty())
    );
}

#[test]
fn a_clean_policy_has_no_error_and_a_zone_is_no_role() {
    let findings = lint(&snapshot(GATEWAY_MODEL, GATEWAY_RULES));
    let errors: Vec<_> = findings
        .iter()
        .filter(|f| ["unreachable", "shadowed", "dead-role"].contains(&f.code))
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
}

fn tests_of(text: &str) -> Vec<(usize, Case)> {
    cases::read_all(Source { name: "t", text }).unwrap()
}

#[test]
fn tests_report_what_fails_and_what_they_reach() {
    let policy = snapshot(GATEWAY_MODEL, GATEWAY_RULES);
    let ctx = json!({ "aal": 2, "dev": 80, "risk": 10, "min": 600, "dow": 3, "cert": true });
    let row = |path: &str, aal: i64, exp: bool, obl: &str| {
        let mut ctx = ctx.clone();
        ctx["aal"] = json!(aal);
        json!({ "r": ["u:bo", "staff", "zone:intranet", "staff.city.example", path, "GET", ctx], "exp": exp, "obl": obl }).to_string()
    };
    let text = [
        row("/people/7", 2, true, "redact:L3"),
        row("/people/7", 1, true, ""),
        row("/people/7", 2, true, "redact:L1"),
        row("/other", 2, false, ""),
    ]
    .join("\n");
    let report = cases::run(&policy, &tests_of(&text));
    let failed: Vec<usize> = report.failures.iter().map(|failure| failure.line).collect();
    assert_eq!(
        (report.run, failed.as_slice()),
        (4, [2, 3].as_slice()),
        "{report:?}"
    );
    assert_eq!(
        report.failures[0].message,
        "expected allowed, is denied by no row"
    );
    assert_eq!(report.coverage.rows_applied, 1, "{:?}", report.coverage);
    assert!(
        report
            .coverage
            .conditions_missed
            .contains(&"rules.csv:6: r.ctx.dev >= 60 (only true)".to_owned())
    );
    assert!(
        !report
            .coverage
            .conditions_missed
            .iter()
            .any(|missed| missed.contains(":6: r.ctx.aal"))
    );
    let text = "{\"r\": []}\n\n{\"r\": [], \"exp\": true, \"extra\": 1}\n";
    let unreadable = cases::read_all(Source { name: "t", text }).unwrap_err();
    let lines: Vec<u32> = unreadable.iter().map(|mistake| mistake.line).collect();
    assert_eq!(lines, [1, 3], "{unreadable:?}");
}

#[test]
fn a_fault_that_no_test_notices_comes_with_the_test_that_would() {
    let (model, rules) = (
        Source {
            name: "m",
            text: GATEWAY_MODEL,
        },
        Source {
            name: "r",
            text: GATEWAY_RULES,
        },
    );
    let policy = snapshot(GATEWAY_MODEL, GATEWAY_RULES);
    let none = mutate(model, &[rules], &[]).unwrap();
    assert_eq!((none.noticed, none.survivors.len()), (0, none.tried));
    assert!(none.tried > 40, "{}", none.tried);
    let samples: Vec<(usize, Case)> = none
        .survivors
        .iter()
        .filter_map(|survivor| survivor.sample.clone())
        .enumerate()
        .map(|(line, request)| {
            let expected = allows(&policy, &request);
            (
                line + 1,
                Case {
                    request,
                    expected,
                    obligation: String::new(),
                    name: String::new(),
                },
            )
        })
        .collect();
    assert!(
        samples.len() * 10 >= none.tried * 6,
        "{} of {}",
        samples.len(),
        none.tried
    );
    let all = mutate(model, &[rules], &samples).unwrap();
    assert!(cases::run(&policy, &samples).failures.is_empty());
    assert!(
        all.noticed >= samples.len(),
        "{} < {}: {:?}",
        all.noticed,
        samples.len(),
        all.survivors
    );
}

#[test]
fn the_smallest_change_is_one_that_the_caller_can_make() {
    let policy = snapshot(GATEWAY_MODEL, GATEWAY_RULES);
    let mut asked = json!({
        "sub": "u:bo", "dom": "staff", "src": "zone:intranet", "host": "staff.city.example", "path": "/people/7",
        "act": "GET", "ctx": { "aal": 1, "dev": 80, "risk": 10, "min": 600, "dow": 3, "cert": false },
    });
    let answer = why(&policy, &asked).unwrap();
    let change = &answer.would_allow[0];
    assert_eq!(
        serde_json::to_value(&change.set).unwrap(),
        json!([{ "name": "r.ctx.aal", "from": 1, "to": 2 }])
    );
    assert!(allows(&policy, &change.request));
    // Two values at once where one is not enough.
    asked["ctx"]["dev"] = json!(10);
    asked["ctx"]["risk"] = json!(95);
    asked["ctx"]["aal"] = json!(2);
    let answer = why(&policy, &asked).unwrap();
    let names: Vec<&str> = answer.would_allow[0]
        .set
        .iter()
        .map(|set| set.name.as_str())
        .collect();
    assert_eq!(names, ["r.ctx.dev", "r.ctx.risk"]);
    assert!(answer.rows[0].applies && answer.rows[0].rule.effect == Effect::Deny);
    assert!(
        answer
            .would_allow
            .iter()
            .all(|change| allows(&policy, &change.request))
    );
}

#[test]
fn a_replay_names_every_flip_by_rule_caller_and_portal() {
    let candidate = snapshot(
        GATEWAY_MODEL,
        &GATEWAY_RULES.replace("r.ctx.aal >= 2 && r.ctx.dev >= 60", "r.ctx.aal >= 3"),
    );
    let record = |aal: i64, allowed: bool| Recorded {
        id: format!("d-{aal}"),
        request: json!({
            "sub": "u:bo", "dom": "staff", "src": "zone:intranet", "host": "staff.city.example", "path": "/people/7",
            "act": "GET", "ctx": { "aal": aal, "dev": 80, "risk": 10, "min": 600, "dow": 3, "cert": false },
        }),
        allowed,
        rules: vec!["r6".to_owned()],
        caller: "u:bo".to_owned(),
        portal: "staff".to_owned(),
    };
    let mut summary = Summary::default();
    assert!(
        summary
            .take(&candidate, &record(1, false))
            .unwrap()
            .is_none()
    );
    let flip = summary.take(&candidate, &record(2, true)).unwrap().unwrap();
    assert_eq!(
        (flip.was, flip.now, flip.rules_now.len()),
        ("allow", "deny", 0)
    );
    let flip = summary
        .take(&candidate, &record(3, false))
        .unwrap()
        .unwrap();
    assert_eq!(flip.rules_now, ["rules.csv:6"]);
    let mut broken = record(3, true);
    broken.request = json!([1]);
    assert!(summary.take(&candidate, &broken).is_err());
    assert_eq!(
        (
            summary.replayed,
            summary.same,
            summary.gained,
            summary.lost,
            summary.unjudged
        ),
        (4, 1, 1, 1, 1)
    );
    assert_eq!(
        (
            summary.by_caller["u:bo"],
            summary.by_portal["staff"],
            summary.by_rule["r6"]
        ),
        (2, 2, 2)
    );
}

#[test]
fn the_reference_policy_passes_its_tests_and_every_tool_reads_it() {
    let Some(folder) = shared("policy-example") else {
        return;
    };
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let (model, rules, tests) = (read("model.conf"), read("policy.csv"), read("tests.jsonl"));
    let source = |name, text| Source { name, text };
    let (model, rules, tests) = (
        source("m", &model),
        [source("r", &rules)],
        [source("t", &tests)],
    );
    let policy = tools::load(model, &rules).unwrap();
    for form in [Form::Json, Form::Text] {
        let mut out = Vec::new();
        let inquiry = Inquiry {
            policy: &policy,
            form,
            patience: &Patience::endless(),
        };
        assert_eq!(
            inquiry.test(model, &tests, Faults::Put, &mut out).unwrap(),
            Verdict::Yes
        );
        assert_eq!(
            inquiry.lint(&mut out).unwrap(),
            Verdict::Yes,
            "{}",
            String::from_utf8_lossy(&out)
        );
        assert_eq!(inquiry.diff(&policy, &mut out).unwrap(), Verdict::Yes);
        let asked = r#"{"dom": "hr", "src": "zone:intranet", "host": "hr.gov.example", "path": "/api/v1/people/7", "act": "GET"}"#;
        let mut who = Vec::new();
        assert_eq!(
            inquiry.who_can(asked.as_bytes(), &mut who).unwrap(),
            Verdict::Yes
        );
        let who = String::from_utf8(who).unwrap();
        assert!(
            who.contains("u:li")
                && who.contains("u:zhao")
                && !who.contains("u:wang")
                && !who.contains("u:bad"),
            "{who}"
        );
        let mut what = Vec::new();
        assert_eq!(
            inquiry
                .what_can(r#"{"sub": "svc:tax-etl"}"#.as_bytes(), &mut what)
                .unwrap(),
            Verdict::Yes
        );
        assert!(
            String::from_utf8(what)
                .unwrap()
                .contains("/api/v1/people/:id/taxno")
        );
        let replayed = tests[0].text.as_bytes();
        let records = tools::records(replayed, |json| tools::record(&json).map(Some));
        let verdict = inquiry.replay(records, &mut out);
        assert_eq!(verdict.unwrap(), Verdict::Yes);
    }
}

#[test]
fn other_dialects_decide_through_the_same_command() {
    let model = "[request_definition]\nr = sub, obj\n[policy_definition]\np = sub, obj\n[policy_effect]\ne = some(where (p.eft == allow))\n[matchers]\nm = r.sub == p.sub && r.obj in ('a', 'b')\n";
    let mut out = Vec::new();
    let summary = cli::decide(
        Source {
            name: "m",
            text: model,
        },
        &[Source {
            name: "r",
            text: "p, li, x\n",
        }],
        Dialect::CasbinGo,
        0,
        b"[\"li\", \"a\"]\n{\"sub\": \"li\", \"obj\": \"c\"}\n[1]\n".as_slice(),
        &mut out,
    )
    .unwrap();
    assert_eq!(
        (summary.allowed, summary.denied, summary.unjudged),
        (1, 1, 1)
    );
    let first: Json =
        serde_json::from_slice(out.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    assert_eq!(
        (&first["allow"], &first["rules"][0]["line"]),
        (&json!(true), &json!(1))
    );
}

/// Patience for so many steps.
fn steps(allowed: usize) -> impl Fn() -> bool {
    let taken = std::cell::Cell::new(0);
    move || {
        taken.set(taken.get() + 1);
        taken.get() > allowed
    }
}

#[test]
fn an_answer_that_patience_did_not_last_for_is_an_error_and_no_part_of_one() {
    let (before, after) = (
        snapshot(GATEWAY_MODEL, GATEWAY_RULES),
        snapshot(GATEWAY_MODEL, FLAWED),
    );
    let model = Source {
        name: "m",
        text: GATEWAY_MODEL,
    };
    let tests = [Source {
        name: "t",
        text: "{\"r\": {\"sub\": \"u:bo\"}, \"exp\": false}\n",
    }];
    let asked = b"{\"path\": \"/a\"}\n".as_slice();
    for allowed in [0, 1, 3] {
        for tool in 0..7 {
            let over = steps(allowed);
            let inquiry = Inquiry {
                policy: &after,
                form: Form::Json,
                patience: &Patience::until(&over),
            };
            let mut out = Vec::new();
            let ended = match tool {
                0 => inquiry.lint(&mut out),
                1 => inquiry.test(model, &tests, Faults::Put, &mut out),
                2 => inquiry.explain(asked, &mut out),
                3 => inquiry.who_can(asked, &mut out),
                4 => inquiry.diff(&before, &mut out),
                5 => {
                    let mut left = 5;
                    let records = || {
                        left -= 1;
                        Ok((left > 0).then(|| Err("torn".to_owned())))
                    };
                    inquiry.replay(records, &mut out)
                }
                _ => {
                    let lines = [asked, asked, asked, asked].concat();
                    inquiry.what_can(lines.as_slice(), &mut out)
                }
            };
            assert!(
                matches!(ended, Err(cli::Error::Unfinished)),
                "{tool} after {allowed}: {ended:?}"
            );
        }
    }
}

#[test]
fn numbers_at_the_ends_of_64_bits_are_explained_like_any_other() {
    let rules = "p, *, *, *, *, /a, *, r.ctx.aal >= 3 && r.ctx.risk < 0, allow, \n";
    let policy = snapshot(GATEWAY_MODEL, rules);
    let asked = json!({
        "sub": "u:bo", "dom": "staff", "src": "zone:intranet", "host": "h", "path": "/a", "act": "GET",
        "ctx": { "aal": i64::MIN, "dev": 80, "risk": i64::MAX, "min": 600, "dow": 3, "cert": false },
    });
    let answer = why(&policy, &asked).unwrap();
    assert_eq!(answer.decision.effect, Effect::Deny);
    let change = &answer.would_allow[0].set;
    let to: Vec<(&str, &Json)> = change.iter().map(|set| (&*set.name, &set.to)).collect();
    assert_eq!(to, [("r.ctx.aal", &json!(3)), ("r.ctx.risk", &json!(-1))]);
}
