//! Statements over whole policies: each verdict held against decisions.

use hangu_policy::analysis::patience::Patience;
use hangu_policy::cli::tools::{self, Form};
use hangu_policy::statement::{
    Certificates, Crossing, Finding, Portal, Verdict, World, Zone, prove,
};
use hangu_policy::{RedactLevel, Snapshot, Source};
use serde_json::Value as Json;

use crate::support::{GATEWAY_MODEL, GATEWAY_RULES, model, shown, snapshot};

fn world() -> World {
    let zone = |name: &str, certificates| Zone {
        name: name.to_owned(),
        certificates,
    };
    let crossing = |from: &str, to: &str, assurance, redact| Crossing {
        from: from.to_owned(),
        to: to.to_owned(),
        assurance,
        redact,
    };
    let portal =
        |name: &str, zone: &str, department: &str, hosts: &[&str], paths: &[&str]| Portal {
            name: name.to_owned(),
            zone: zone.to_owned(),
            department: department.to_owned(),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        };
    World {
        zones: vec![
            zone("internet", Certificates::Off),
            zone("extranet", Certificates::Optional),
            zone("intranet", Certificates::Required),
        ],
        crossings: vec![
            crossing("internet", "extranet", 2, Some(RedactLevel::L2)),
            crossing("extranet", "intranet", 1, None),
            crossing("intranet", "internet", 0, None),
        ],
        portals: vec![
            portal("web", "internet", "web", &["www.city.example"], &["/"]),
            portal(
                "staff",
                "intranet",
                "staff",
                &["staff.city.example"],
                &["/people"],
            ),
            portal(
                "exchange",
                "extranet",
                "exchange",
                &["*.exchange.example"],
                &["/"],
            ),
        ],
    }
}

pub(crate) fn judged(policy: &Snapshot, sentences: &str, world: Option<&World>) -> Vec<Finding> {
    let source = Source {
        name: "s",
        text: sentences,
    };
    prove(policy, &[source], world).unwrap_or_else(|mistakes| panic!("{}", shown(&mistakes)))
}

fn one(rules: &str, sentence: &str) -> Finding {
    let policy = snapshot(GATEWAY_MODEL, rules);
    judged(&policy, sentence, Some(&world())).remove(0)
}

fn word(finding: &Finding) -> &'static str {
    match finding.verdict {
        Verdict::Proved { .. } => "proved",
        Verdict::Refuted { .. } => "refuted",
        Verdict::Undecided { .. } => "undecided",
    }
}

#[test]
fn each_kind_of_statement_is_proved_or_refuted() {
    let table = [
        (
            "nothing from internet reaches an intranet portal without a certificate and assurance 3",
            "proved",
        ),
        (
            "nothing from extranet reaches an intranet portal without a certificate and assurance 3",
            "refuted",
        ),
        (
            "nothing from extranet reaches an intranet portal without assurance 2",
            "proved",
        ),
        (
            "nothing from intranet reaches an intranet portal without assurance 2",
            "refuted",
        ),
        (
            "nobody but role:clerk, svc:etl reaches portal staff",
            "proved",
        ),
        ("nobody but role:officer reads portal staff", "refuted"),
        ("nobody but role:officer writes to portal staff", "proved"),
        ("role:blocked never reaches any portal", "proved"),
        ("u:mallory never reaches portal staff", "proved"),
        ("u:bo never reaches portal staff", "refuted"),
        ("u:bo never writes to portal staff", "proved"),
        ("anon never reaches portal staff", "proved"),
        ("anon never reaches portal web", "refuted"),
        (
            "portal staff is reached only from extranet, intranet",
            "proved",
        ),
        ("portal staff is reached only from extranet", "refuted"),
        ("portal staff is reached only with assurance 2", "refuted"),
        (
            "portal staff is read at /people/:id only with assurance 2 and risk below 80",
            "proved",
        ),
        (
            "portal staff is read at /people/:id only with assurance 2 and risk below 79",
            "refuted",
        ),
        (
            "portal staff always carries redact at least L1 at /people/:id",
            "proved",
        ),
        (
            "portal staff always carries redact at least L3 at /people/:id",
            "refuted",
        ),
        (
            "portal web at /services/:item always carries redact L2",
            "proved",
        ),
        ("portal web always carries redact L2", "refuted"),
        ("portal staff is written only by role:officer", "proved"),
        ("any portal at /admin/* always carries log full", "proved"),
        ("nothing sends DELETE to any portal", "proved"),
        (
            "nothing sends PUT, GET to portal staff without device 60",
            "refuted",
        ),
        ("role:clerk and role:blocked exclude one another", "refuted"),
        (
            "role:resident and role:blocked exclude one another",
            "proved",
        ),
        (
            "role:resident, role:blocked exclude one another in staff",
            "proved",
        ),
        ("nothing reaches portal exchange", "proved"),
        (
            "nothing reaches host staff.city.example without certificate",
            "refuted",
        ),
        (
            "nothing from intranet reaches host staff.city.example without certificate",
            "proved",
        ),
    ];
    for (sentence, expected) in table {
        let finding = one(GATEWAY_RULES, sentence);
        assert_eq!(word(&finding), expected, "{sentence}\n{finding:#?}");
    }
}

#[test]
fn a_refutation_names_a_request_that_is_allowed_and_the_rows_that_allow_it() {
    let finding = one(
        GATEWAY_RULES,
        "# why\nnobody but role:officer reads portal staff",
    );
    assert_eq!(
        serde_json::to_string(&finding).unwrap(),
        r#"{"file":"s","line":2,"column":1,"statement":"nobody but role:officer reads portal staff","verdict":"refuted","witness":{"portal":"staff","from":"extranet","request":{"sub":"u:bo","dom":"staff","src":"zone:extranet","host":"staff.city.example","path":"/people/1","act":"GET","ctx":{"aal":2,"dev":60,"risk":0,"min":0,"dow":1,"cert":false}},"obligations":"redact:L3;rate:silver;watermark:on","rules":["rules.csv:6"]},"message":"does not hold: {\"sub\":\"u:bo\",\"dom\":\"staff\",\"src\":\"zone:extranet\",\"host\":\"staff.city.example\",\"path\":\"/people/1\",\"act\":\"GET\",\"ctx\":{\"aal\":2,\"dev\":60,\"risk\":0,\"min\":0,\"dow\":1,\"cert\":false}} at portal staff is allowed by rules.csv:6 with redact:L3;rate:silver;watermark:on","message_zh":"不成立：门户 staff 的请求 {\"sub\":\"u:bo\",\"dom\":\"staff\",\"src\":\"zone:extranet\",\"host\":\"staff.city.example\",\"path\":\"/people/1\",\"act\":\"GET\",\"ctx\":{\"aal\":2,\"dev\":60,\"risk\":0,\"min\":0,\"dow\":1,\"cert\":false}} 被 rules.csv:6 放行，附带义务 redact:L3;rate:silver;watermark:on"}"#
    );
}

#[test]
fn who_has_two_roles_is_named_with_the_rows_that_give_them() {
    let finding = one(
        GATEWAY_RULES,
        "role:blocked and role:clerk exclude one another in staff",
    );
    assert_eq!(
        finding.message,
        r#"does not hold: {"sub":"u:mallory","roles":["role:blocked","role:clerk"],"dom":"staff"} through rules.csv:13, rules.csv:14"#
    );
    // Inheriting a role is having it, and a role that includes another has both.
    let heir = one(
        GATEWAY_RULES,
        "role:officer and role:clerk exclude one another",
    );
    let Verdict::Refuted { witness } = heir.verdict else {
        panic!("{heir:?}")
    };
    assert!(
        witness.rules.contains(&"rules.csv:12".to_owned()),
        "{witness:?}"
    );
}

#[test]
fn a_clause_that_cannot_be_seen_through_is_named_and_never_taken_for_proved() {
    let row = |condition: &str| {
        format!("{GATEWAY_RULES}p, *, web, *, *, /odd, ^GET$, {condition}, allow, \n")
    };
    let sentence = "nothing reads portal web at /odd without assurance 1";
    for (condition, expected) in [
        // One fact alone is seen through, whatever is done with it.
        ("r.ctx.aal * 2 > 1", "proved"),
        ("r.ctx.aal * 2 >= 0", "refuted"),
        (
            "(r.ctx.aal > 2 || r.ctx.aal == 1) && r.ctx.dev % 7 == 3",
            "proved",
        ),
        ("!(r.ctx.aal == 0)", "proved"),
        // Two are not; a request may still be found.
        ("r.ctx.aal + r.ctx.dev > 200", "undecided"),
        ("r.ctx.aal < r.ctx.dow", "refuted"),
        ("r.sub == r.act", "undecided"),
        ("r.sub == r.dom && r.ctx.aal > 0", "proved"),
    ] {
        let finding = one(&row(condition), sentence);
        assert_eq!(word(&finding), expected, "{condition}\n{finding:#?}");
        if let Verdict::Undecided { because } = finding.verdict {
            assert_eq!(
                (because.rule.as_str(), because.clause.as_str()),
                ("rules.csv:17", condition)
            );
        }
    }
    // A row that denies under such a clause is not relied on.
    let denied = format!(
        "{}p, *, web, *, *, /odd, ^GET$, r.ctx.aal <= r.ctx.dev, deny, \n",
        row("true")
    );
    let finding = one(&denied, sentence);
    assert_ne!(word(&finding), "proved", "{finding:#?}");
}

#[test]
fn a_fact_that_the_gateway_never_gives_makes_a_deny_apply_and_an_allow_not() {
    let model = GATEWAY_MODEL.replace(
        "[policy_definition]",
        "[attribute_definition]\nctx = aal: int, dev: int, risk: int, min: int, dow: int, cert: bool, cls: int\n[policy_definition]",
    );
    let rules = |effect: &str, condition: &str| {
        let allow = "p, *, web, *, *, /, ^GET$, true, allow, \n";
        snapshot(
            &model,
            &format!("{allow}p, *, web, *, *, /, ^(GET|PUT)$, {condition}, {effect}, \n"),
        )
    };
    let verdict =
        |policy: &Snapshot, sentence: &str| word(&judged(policy, sentence, Some(&world()))[0]);
    let allow = rules("allow", "!(r.ctx.cls > 3)");
    assert_eq!(verdict(&allow, "nothing sends PUT to any portal"), "proved");
    let deny = rules("deny", "r.ctx.cls > 3");
    assert_eq!(verdict(&deny, "nothing reads any portal"), "proved");
}

#[test]
fn a_longer_prefix_of_another_portal_takes_its_paths_away() {
    let mut world = world();
    world.portals.push(Portal {
        name: "inner".to_owned(),
        zone: "intranet".to_owned(),
        department: "web".to_owned(),
        hosts: vec!["www.city.example".to_owned()],
        paths: vec!["/assets/inner".to_owned()],
    });
    let policy = snapshot(GATEWAY_MODEL, GATEWAY_RULES);
    let verdict = |sentence: &str| word(&judged(&policy, sentence, Some(&world))[0]);
    assert_eq!(
        verdict("nothing reads portal web at /assets/inner"),
        "proved"
    );
    assert_eq!(
        verdict("nothing reads portal web at /assets/innermost"),
        "refuted"
    );
    assert_eq!(verdict("nothing reads portal inner"), "refuted");
    assert_eq!(
        verdict("nothing from internet reads portal inner"),
        "proved"
    );
}

#[test]
fn a_wildcard_host_stands_for_names_that_no_rule_knows() {
    let rules = |host: &str| {
        format!("{GATEWAY_RULES}p, *, exchange, *, {host}, /x, ^GET$, true, allow, \n")
    };
    let sentence = "nothing reaches portal exchange";
    let host = |rules: &str| match one(rules, sentence).verdict {
        Verdict::Refuted { witness } => witness.request["host"].as_str().unwrap().to_owned(),
        verdict @ (Verdict::Proved { .. } | Verdict::Undecided { .. }) => panic!("{verdict:?}"),
    };
    assert_eq!(host(&rules("a.exchange.example")), "a.exchange.example");
    assert_eq!(host(&rules("*")), "any-0.exchange.example");
    assert_eq!(
        word(&one(&rules("a.b.exchange.example"), sentence)),
        "proved"
    );
    let other = "nothing reaches host b.exchange.example";
    assert_eq!(word(&one(&rules("a.exchange.example"), other)), "proved");
    assert_eq!(word(&one(&rules("*"), other)), "refuted");
}

#[test]
fn names_that_nobody_knows_are_refused_with_the_nearest_one() {
    let policy = snapshot(GATEWAY_MODEL, GATEWAY_RULES);
    let wrong = |sentence: &str, world: Option<&World>| {
        let source = Source {
            name: "s",
            text: sentence,
        };
        shown(&prove(&policy, &[source], world).unwrap_err())
    };
    let full = world();
    for (sentence, expected) in [
        (
            "nobody but role:clrk reaches portal staff",
            "s:1:12: there is no role or caller `role:clrk`; did you mean `role:clerk`?",
        ),
        (
            "nothing from intraet reaches portal staff",
            "s:1:14: there is no zone `intraet`; did you mean `intranet`?",
        ),
        (
            "nothing reaches portal staf",
            "s:1:24: there is no portal `staf`; did you mean `staff`?",
        ),
        (
            "nothing reaches department stff",
            "s:1:28: there is no department `stff`; did you mean `staff`?",
        ),
        (
            "nothing reaches host ww.city.example",
            "s:1:22: there is no host `ww.city.example`; did you mean `www.city.example`?",
        ),
        (
            "nothing sends GETT to any portal",
            "s:1:15: there is no method `GETT`; did you mean `GET`?",
        ),
        (
            "role:clerk, role:x exclude one another",
            "s:1:13: there is no role or caller `role:x`",
        ),
    ] {
        let message = wrong(sentence, Some(&full));
        assert!(message.starts_with(expected), "{sentence}\n{message}");
    }
    let message = wrong("nothing reaches portal staff", None);
    assert!(
        message.starts_with(
            "s:1:24: the statement asks about a portal, and no portals are known here"
        ),
        "{message}"
    );
}

#[test]
fn a_policy_without_portals_is_judged_over_everything_that_it_tells_apart() {
    let policy = snapshot(GATEWAY_MODEL, GATEWAY_RULES);
    let verdict = |sentence: &str| word(&judged(&policy, sentence, None)[0]);
    assert_eq!(
        verdict("nobody but role:clerk, svc:etl reaches department staff"),
        "proved"
    );
    assert_eq!(
        verdict("nobody but role:clerk reaches department staff"),
        "refuted"
    );
    assert_eq!(
        verdict("nothing from internet reaches host staff.city.example"),
        "proved"
    );
    assert_eq!(
        verdict("nothing from extranet reaches host staff.city.example"),
        "refuted"
    );
    assert_eq!(
        verdict("nothing reaches anything at /people/* without assurance 1"),
        "refuted"
    );
    assert_eq!(
        verdict("nothing reaches anything at /people/:id without assurance 1"),
        "proved"
    );
    let small = snapshot(
        &model("g(r.sub, p.sub) && r.obj == p.obj && (p.act == \"*\" || r.act == p.act)"),
        "p, role:a, data, read, allow\np, u:x, data, write, allow\np, *, data, write, deny\ng, u:y, role:a\n",
    );
    let small = |sentence: &str| word(&judged(&small, sentence, None)[0]);
    assert_eq!(small("nobody but role:a, u:x reaches anything"), "proved");
    assert_eq!(small("nobody but u:x reaches anything"), "refuted");
    assert_eq!(
        small("nobody but role:a sends write to anything"),
        "refuted"
    );
    assert_eq!(small("u:x and role:a exclude one another"), "proved");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "(nothing|nobody|but|portal|zone|from|at|without|hours|redact|[a-z:/\", #\u{4e2d}\n-]{1,6}| ){0,24}") {
        let policy = snapshot(GATEWAY_MODEL, GATEWAY_RULES);
        let source = Source { name: "s", text: &text };
        if let Err(mistakes) = prove(&policy, &[source], Some(&world())) {
            proptest::prop_assert!(mistakes.iter().all(|mistake| mistake.line > 0 && mistake.column > 0));
        }
    }
}

/// A hundred departments with a portal and a hundred rows each, and twenty statements about them.
#[test]
fn ten_thousand_rules_are_judged_as_a_few_are() {
    let mut world = world();
    let mut rules = String::from(
        "p, *, *, *, *, /*, *, r.ctx.risk >= 80, deny, log:full\np, *, *, zone:internet, *, /d/:x/admin/*, *, true, deny, log:full\n",
    );
    world.portals.clear();
    for department in 0..100 {
        world.portals.push(Portal {
            name: format!("p{department}"),
            zone: if department % 2 == 0 {
                "intranet"
            } else {
                "extranet"
            }
            .to_owned(),
            department: format!("d{department}"),
            hosts: vec![format!("h{department}.example")],
            paths: vec!["/".to_owned()],
        });
        for row in 0..100 {
            rules += &format!(
                "p, role:{}, d{department}, *, h{department}.example, /d/{}/r{row}/:id, ^({})$, r.ctx.aal >= {} && r.ctx.dev >= 10, allow, redact:L{};rate:gold\n",
                row % 10,
                row % 7,
                ["GET|HEAD", "GET", "PUT", "POST|DELETE"][row % 4],
                2 + row % 2,
                2 + row % 3,
            );
        }
        for person in 0..20 {
            rules += &format!(
                "g, u:{department}-{person}, role:{}, d{department}\n",
                person % 10
            );
        }
    }
    let mut sentences = String::new();
    for (number, verdict) in [
        "nothing reaches any portal without assurance 2",
        "any portal always carries redact at least L2",
        "nothing from internet reaches any portal at /d/:x/admin/*",
        "nothing from internet reaches an intranet portal",
        "nothing reaches any portal without risk below 80",
        "nothing reaches any portal without device 10",
        "anon never reaches any portal",
        "nobody but role:0, role:1, role:2, role:3, role:4, role:5, role:6, role:7, role:8, role:9 reaches any portal",
        "portal p7, p8, p9 is reached only with assurance 2 and device 5",
        "portal p10 is reached only by role:0, role:1, role:2, role:3, role:4, role:5, role:6, role:7, role:8, role:9",
        "nothing sends PATCH, OPTIONS to any portal",
        "zone extranet is written only with assurance 2",
        "nothing reaches any portal at /x/*",
        "nothing reaches any portal at /d/:x",
        "role:8 never writes to any portal at /d/1/r3/:id",
        "role:0 and role:1 exclude one another",
        "role:5, role:6, role:7 exclude one another",
        "nobody reaches any portal without assurance 3",
        "any portal always carries redact at least L3",
        "nobody but role:1 writes to any portal",
    ]
    .iter()
    .enumerate()
    {
        sentences += &format!("{verdict} # {number}\n");
    }
    let policy = snapshot(GATEWAY_MODEL, &rules);
    let started = std::time::Instant::now();
    let findings = judged(&policy, &sentences, Some(&world));
    println!(
        "{} rules, {} statements: {:?}",
        policy.rules().count(),
        findings.len(),
        started.elapsed()
    );
    let words: Vec<&str> = findings.iter().map(word).collect();
    assert_eq!(words[..17], ["proved"; 17], "{findings:#?}");
    assert_eq!(words[17..], ["refuted"; 3], "{findings:#?}");
}

#[test]
fn the_command_says_no_if_one_statement_is_not_proved() {
    let (model, rules) = (
        Source {
            name: "model.conf",
            text: GATEWAY_MODEL,
        },
        [Source {
            name: "rules.csv",
            text: GATEWAY_RULES,
        }],
    );
    let policy = tools::load(model, &rules).unwrap();
    let run = |sentences: &str, form| {
        let statements = [Source {
            name: "s",
            text: sentences,
        }];
        let mut output = Vec::new();
        let inquiry = tools::Inquiry {
            policy: &policy,
            form,
            patience: &Patience::endless(),
        };
        let verdict = inquiry.prove(&statements, Some(&world()), &mut output);
        (verdict.unwrap(), String::from_utf8(output).unwrap())
    };
    let holds = "nothing sends DELETE to any portal\n";
    let (yes, output) = run(holds, Form::Json);
    assert_eq!(yes, tools::Verdict::Yes);
    let line: Json = serde_json::from_str(output.trim()).unwrap();
    assert_eq!(line["verdict"], "proved");
    let (no, output) = run(
        &format!("{holds}role:clerk and role:officer exclude one another"),
        Form::Text,
    );
    assert_eq!(no, tools::Verdict::No);
    assert_eq!(
        output,
        "s:1:1: 成立 proved: nothing sends DELETE to any portal\n\
         s:2:1: 不成立 refuted: role:clerk and role:officer exclude one another\n    \
         不成立：{\"sub\":\"role:officer\",\"roles\":[\"role:officer\",\"role:clerk\"],\"dom\":\"staff\"}，依据 rules.csv:12\n    \
         does not hold: {\"sub\":\"role:officer\",\"roles\":[\"role:officer\",\"role:clerk\"],\"dom\":\"staff\"} through rules.csv:12\n"
    );
    let statements = [Source {
        name: "s",
        text: "nothing at all",
    }];
    let inquiry = tools::Inquiry {
        policy: &policy,
        form: Form::Json,
        patience: &Patience::endless(),
    };
    let error = inquiry.prove(&statements, None, Vec::new()).unwrap_err();
    assert!(
        error.to_string().starts_with("s:1:9: unknown word `at`"),
        "{error}"
    );
}
