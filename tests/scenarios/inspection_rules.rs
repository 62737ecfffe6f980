//! What an operator adds to inspection: rules in SecLang, and what is no attack in a place.

use hangu_portals::Kind;
use hangu_tests::outcome::word;
use hangu_tests::{Pass, Plan, Zone};
use http::Request;
use serde_json::Value;
use toml::Table;

const PUBLIC: &str = "portal.gov.example";
const EXCHANGE: &str = "exchange.gov.example";
const FORM: &str = "application/x-www-form-urlencoded";

const RULES: &str = r#"
SecRuleEngine On
SecRequestBodyAccess On
SecRule REQUEST_HEADERS:X-Build "@streq 7" "id:100001,phase:1,deny,status:403,log,msg:'an old client',severity:'ERROR',tag:'attack-generic'"
SecRule ARGS:note "@rx ^kaput[0-9]+$" "id:100002,phase:2,deny,status:403,t:none,t:lowercase,log,msg:'a patched hole',logdata:'%{MATCHED_VAR}',severity:'CRITICAL',tag:'attack-sqli'"
"#;

fn plan(public: &str) -> Plan {
    let plan = Plan::new()
        .with(|all| {
            let shared: Table = "[[rules]]\nname = \"own\"\nfiles = [\"own.conf\"]"
                .parse()
                .unwrap();
            all.insert("inspect".into(), shared.into());
        })
        .portal("public", |p| {
            let settings: Table = public.parse().unwrap();
            p.insert("inspect".into(), settings.into());
        })
        .portal("exchange", |p| {
            let settings: Table = "mode = \"observe\"\nrules = [\"own\"]".parse().unwrap();
            p.insert("inspect".into(), settings.into());
        })
        .rules("p, *, *, *, *, /echo/*, ^(GET|POST|PUT)$, true, allow,");
    std::fs::write(plan.path("configs/own.conf"), RULES).unwrap();
    plan
}

async fn note(pass: &Pass, host: &str, mark: &str, note: &str) -> hangu_tests::Answer {
    let request = Request::post(format!("/echo/{mark}")).header("content-type", FORM);
    let client = pass.stranger(Zone::Internet);
    client.send(host, request, format!("a=1&note={note}")).await
}

fn rules_of(event: &Value) -> Vec<&str> {
    let findings = event
        .pointer("/unmapped/findings")
        .and_then(Value::as_array);
    let findings = findings.into_iter().flatten();
    findings.map(|finding| word(finding, "/rule")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_in_seclang_refuse_what_they_were_written_against_and_only_where_they_are_named() {
    let pass = plan("rules = [\"own\"]").start().await;
    let fine = note(&pass, PUBLIC, "fine", "kaput").await;
    assert_eq!(fine.status, 200, "{}", fine.text());
    let refused = note(&pass, PUBLIC, "patched", "KAPUT12").await;
    assert_eq!(
        (refused.status.as_u16(), word(&refused.json(), "/reason")),
        (403, "attack")
    );
    let event = pass.event(|e| rules_of(e) == ["100002"]).await;
    let finding = &event["unmapped"]["findings"][0];
    assert_eq!(
        (word(finding, "/category"), finding["score"].as_u64()),
        ("sql", Some(5)),
        "{finding}"
    );
    let request = Request::get("/echo/head").header("x-build", "7");
    let client = pass.stranger(Zone::Internet);
    assert_eq!(client.send(PUBLIC, request, "").await.status, 403);
    let arrived = pass.portal(Kind::Public).arrivals();
    assert!(arrived.iter().any(|one| one.contains("/echo/fine")));
    assert!(
        !arrived
            .iter()
            .any(|one| one.contains("patched") || one.contains("/echo/head")),
        "{arrived:?}"
    );
    // Where a portal only observes, a match is seen and passes.
    let request = Request::post("/echo/observed").header("content-type", FORM);
    let stranger = pass.stranger(Zone::Extranet);
    let seen = stranger.send(EXCHANGE, request, "note=kaput12").await;
    assert_eq!(seen.status, 200, "{}", seen.text());
    let observed = |e: &Value| word(e, "/http_request/url/path") == "/echo/observed";
    assert_eq!(rules_of(&pass.event(observed).await), ["100002"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_rule_file_leaves_the_running_rules_in_force_and_a_mended_one_is_read_by_itself() {
    let pass = plan("rules = [\"own\"]").start().await;
    assert_eq!(note(&pass, PUBLIC, "a", "kaput1").await.status, 403);
    pass.rewrite("configs/own.conf", |rules| {
        rules.replace("@rx ^kaput[0-9]+$", "@rx ^(kaput[0-9]+$")
    });
    let begun = std::time::Instant::now();
    while !pass.log().contains("own.conf:5:") {
        assert!(begun.elapsed().as_secs() < 10, "{}", pass.log());
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    assert_eq!(note(&pass, PUBLIC, "b", "kaput1").await.status, 403);
    pass.rewrite("configs/own.conf", |rules| {
        rules.replace("@rx ^(kaput[0-9]+$", "@rx ^broken[0-9]+$")
    });
    let begun = std::time::Instant::now();
    while note(&pass, PUBLIC, "c", "kaput1").await.status != 200 {
        assert!(begun.elapsed().as_secs() < 10, "{}", pass.log());
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    assert_eq!(note(&pass, PUBLIC, "d", "broken1").await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exception_opens_its_rule_its_path_and_its_parameter_and_nothing_else() {
    const EXCEPTIONS: &str = r#"
        [[except]]
        rule = "cross-site"
        path = "/echo/editor"
        parameter = "note"
        until = "2999-12-31"
        reason = "富文本编辑器"

        [[except]]
        rule = "*"
        path = "/echo/watched"
        mode = "observe"
        reason = "先看后拦"

        [[except]]
        rule = "*"
        path = "/echo/ended"
        until = "2020-01-01"
        reason = "已过期"

        [[except]]
        rule = "*"
        path = "/echo/elsewhere"
        from = "intranet"
        until = "2999-12-31"
        reason = "只对内网"
    "#;
    const SCRIPT: &str = "%3Cscript%3Ealert(document.cookie)%3C%2Fscript%3E";
    const UNION: &str = "1'+UNION+SELECT+password+FROM+users--";
    let plan = plan(EXCEPTIONS);
    let checked = plan.check();
    assert!(
        checked.complaint.contains("已过期") && !checked.complaint.contains("先看后拦"),
        "{}",
        checked.complaint
    );
    let pass = plan.start().await;
    for (mark, value, status) in [
        ("editor", SCRIPT, 200),
        ("editor", UNION, 403),
        ("editors", SCRIPT, 403),
        ("watched", UNION, 200),
        ("ended", SCRIPT, 403),
        ("elsewhere", SCRIPT, 403),
    ] {
        let answer = note(&pass, PUBLIC, mark, value).await;
        assert_eq!(answer.status, status, "{mark} {value}: {}", answer.text());
    }
    let other = Request::post("/echo/editor").header("content-type", FORM);
    let client = pass.stranger(Zone::Internet);
    let other = client.send(PUBLIC, other, format!("title={SCRIPT}")).await;
    assert_eq!(other.status, 403);
    let watched = |e: &Value| word(e, "/http_request/url/path") == "/echo/watched";
    let event = pass.event(watched).await;
    let finding = &event["unmapped"]["findings"][0];
    assert_eq!(finding["score"].as_u64(), Some(0), "{event}");
    assert!(rules_of(&event).contains(&"sqli-union"), "{event}");
}

#[test]
fn mistakes_in_exceptions_and_rules_are_named_with_their_place() {
    let plan = plan(
        r#"
        rules = ["crs"]

        [[except]]
        rule = "sqli"
        path = "/a/../b"
        until = "soon"
        reason = " "

        [[except]]
        rule = "sql"
        from = "intranett"
        reason = "x"
    "#,
    );
    let checked = plan.check();
    assert_eq!(checked.status, Some(1), "{}", checked.complaint);
    for said in [
        "no `[[inspect.rules]]` has the name `crs`",
        "`sqli` is no rule and no category",
        "`/a/../b` is no canonical path",
        "`soon` is no date",
        "`reason` is empty",
        "did you mean `intranet`?",
        "needs `until`",
    ] {
        assert!(
            checked.complaint.contains(said),
            "{said}: {}",
            checked.complaint
        );
    }
    assert!(
        checked.complaint.contains("hangu.toml:"),
        "{}",
        checked.complaint
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_in_shadow_are_told_of_and_refuse_nothing() {
    let plan = plan("rules = [\"own\"]").with(|all| {
        let own = all["inspect"]["rules"][0].as_table_mut().unwrap();
        own.insert("shadow".to_owned(), true.into());
    });
    let pass = plan.start().await;
    let passed = note(&pass, PUBLIC, "shadow", "KAPUT12").await;
    assert_eq!(passed.status, 200, "{}", passed.text());
    let event = pass.event(|e| rules_of(e) == ["100002"]).await;
    let finding = &event["unmapped"]["findings"][0];
    assert_eq!(finding["score"].as_u64(), Some(0), "{event}");
}
