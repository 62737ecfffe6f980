//! Who may do what: every kind of yes and no, and what an event says of the decision.

use std::time::{Duration, Instant};

use hangu_portals::Kind;
use hangu_tests::outcome::{word, words};
use hangu_tests::{Pass, Plan, Shared, Zone};
use http::Request;
use serde_json::json;

const PUBLIC: &str = "portal.gov.example";
const EXCHANGE: &str = "exchange.gov.example";
const STAFF: &str = "hr.gov.example";

/// With rules of obligations that this gateway cannot fulfil.
static PASS: Shared = Shared::of(|| {
    Plan::new().rules(
        "p, *, portal, *, portal.gov.example, /echo/watermark, *, true, allow, watermark:on\n\
         p, *, portal, *, portal.gov.example, /echo/quota, *, true, allow, quota:5\n\
         p, *, portal, *, portal.gov.example, /echo/fields, *, true, allow, fields:name\n\
         p, *, portal, *, portal.gov.example, /echo/four, *, true, allow, foureyes:role:officer\n\
         p, *, portal, *, portal.gov.example, /echo/stepped, *, true, allow, stepup:3\n\
         p, *, portal, *, portal.gov.example, /echo/advice, *, true, allow, ~unheard:of",
    )
});

#[tokio::test(flavor = "multi_thread")]
async fn an_allow_names_the_rules_that_made_it_and_the_revision() {
    let pass = PASS.get().await;
    let client = pass.stranger(Zone::Intranet).token(&pass.token());
    assert_eq!(client.get(STAFF, "/api/v1/people/7").await.status, 200);
    let event = pass.event_of(&client).await;
    let decision = &event["unmapped"]["decision"];
    assert_eq!(
        (word(decision, "/effect"), word(decision, "/grounds")),
        ("allow", "rule"),
        "{event:#}"
    );
    // The decision's id is the request's, which stands in the event once.
    assert_eq!(decision.get("id"), None);
    assert_eq!(word(&event, "/metadata/uid").len(), 32);
    let rules = std::fs::read_to_string(pass.path("configs/policy/rules.csv")).unwrap();
    let line = |rule: &str| {
        let number = rule.rsplit(':').next()?.parse::<usize>().ok()?;
        rules.lines().nth(number.checked_sub(1)?)
    };
    let named: Vec<_> = words(decision, "/rules").into_iter().map(line).collect();
    assert!(!named.is_empty(), "{event:#}");
    assert!(
        named
            .iter()
            .all(|l| l.is_some_and(|l| l.contains("/api/v1/people/:id,"))),
        "{named:?} of {event:#}"
    );
    let other = pass.stranger(Zone::Internet);
    other.get(PUBLIC, "/").await;
    let event = pass.event_of(&other).await;
    assert_eq!(
        word(&event, "/unmapped/decision/revision"),
        word(decision, "/revision")
    );
    assert!(!word(decision, "/revision").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explicit_deny_beats_every_allow_even_for_nobody() {
    let pass = PASS.get().await;
    // A clerk who is suspended.
    let bad = pass.issuer().token("bad", &json!({}));
    let suspended = pass.stranger(Zone::Intranet).token(&bad);
    // From the internet, an administration path.
    let outside = pass.stranger(Zone::Internet);
    for (client, host, path) in [
        (suspended, STAFF, "/api/v1/people/8"),
        (outside, PUBLIC, "/admin/users"),
    ] {
        let answer = client.get(host, path).await;
        assert_eq!(answer.outcome(), (403, "denied-by-rule".into()), "{path}");
        let event = pass.event_of(&client).await;
        let decision = &event["unmapped"]["decision"];
        assert_eq!(
            (word(decision, "/effect"), word(decision, "/grounds")),
            ("deny", "explicit-deny")
        );
        assert!(!words(decision, "/rules").is_empty(), "{event:#}");
        assert_eq!(event["status_id"], 2);
    }
    let arrived = pass.portal(Kind::Staff).arrivals();
    assert!(
        arrived.iter().all(|a| !a.ends_with("/people/8")),
        "{arrived:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_rule_allows_is_refused_and_nobody_is_asked_who_it_is() {
    let pass = PASS.get().await;
    let officer = pass.stranger(Zone::Intranet).token(&pass.token());
    let nobody = pass.stranger(Zone::Intranet);
    for (client, expected) in [
        (&officer, (403, "no-rule-allows")),
        (&nobody, (401, "unidentified")),
    ] {
        let answer = client.get(STAFF, "/api/v1/secrets").await;
        assert_eq!(answer.outcome(), (expected.0, expected.1.into()));
        let asked = answer.header("www-authenticate");
        assert_eq!(
            asked == "Bearer realm=\"hangu\"",
            expected.0 == 401,
            "{asked}"
        );
        let event = pass.event_of(client).await;
        let decision = &event["unmapped"]["decision"];
        assert_eq!(
            (word(decision, "/effect"), word(decision, "/grounds")),
            ("deny", "default-deny")
        );
        assert_eq!(words(decision, "/rules"), [""; 0]);
    }
    // Another method of an allowed path.
    let put = officer
        .send(STAFF, Request::delete("/api/v1/people/7"), "")
        .await;
    assert_eq!(put.outcome(), (403, "no-rule-allows".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_assurance_that_would_do_is_asked_for() {
    let pass = PASS.get().await;
    let weak = pass
        .issuer()
        .token("zhao", &json!({ "acr": "urn:gov:cn:aal:2" }));
    let client = pass.stranger(Zone::Intranet).token(&weak);
    let answer = client.get(STAFF, "/api/v1/people/7/salary").await;
    assert_eq!(answer.outcome(), (401, "step-up".into()));
    let asked = answer.header("www-authenticate");
    assert!(
        asked.contains("error=\"insufficient_user_authentication\""),
        "{asked}"
    );
    assert!(asked.contains("acr_values=\"urn:gov:cn:aal:3\""), "{asked}");
    let strong = pass.stranger(Zone::Intranet).token(&pass.token());
    assert_eq!(
        strong.get(STAFF, "/api/v1/people/7/salary").await.status,
        200
    );
    // No assurance makes up for a device that is not trusted.
    let device = pass.issuer().token(
        "zhao",
        &json!({ "acr": "urn:gov:cn:aal:2", "device_trust": "10" }),
    );
    let client = pass.stranger(Zone::Intranet).token(&device);
    let answer = client.get(STAFF, "/api/v1/people/7/salary").await;
    assert_eq!(answer.outcome(), (403, "no-rule-allows".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_tells_a_number_and_nothing_of_the_policy() {
    let pass = PASS.get().await;
    let client = pass.stranger(Zone::Intranet).token(&pass.token());
    let answer = client.get(STAFF, "/api/v1/secrets").await;
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem = answer.json();
    let mut keys: Vec<_> = problem
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        ["instance", "reason", "status", "title", "title_zh", "type"]
    );
    let event = pass.event_of(&client).await;
    let id = word(&event, "/metadata/uid");
    assert_eq!(problem["instance"], format!("urn:hangu:decision:{id}"));
    assert_eq!(answer.header("hangu-request-id"), id);
    let page = pass
        .stranger(Zone::Intranet)
        .token(&pass.token())
        .header("accept", "text/html");
    let page = page
        .header("accept-language", "zh")
        .get(STAFF, "/api/v1/secrets")
        .await;
    assert_eq!(page.status, 403);
    assert!(
        page.text().contains("您没有这项操作的权限"),
        "{}",
        page.text()
    );
    assert!(page.text().contains(page.header("hangu-request-id")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_is_decided_on_and_forwarded_in_its_one_form() {
    let pass = PASS.get().await;
    let token = pass
        .issuer()
        .token("wang", &json!({ "department": "portal" }));
    for (path, decided) in [
        ("/%E5%8A%9E%E4%BA%8B/%E6%8A%A4%E7%85%A7", "/办事/护照"),
        ("/%e5%8a%9e%e4%ba%8b/%e6%8a%a4%e7%85%a7", "/办事/护照"),
        ("//%E5%8A%9E%E4%BA%8B//%E6%8A%A4%E7%85%A7", "/办事/护照"),
        ("/%73earch", "/search"),
    ] {
        let client = pass.stranger(Zone::Internet).token(&token);
        let answer = client.get(PUBLIC, path).await;
        let event = pass.event_of(&client).await;
        assert_eq!(word(&event, "/http_request/url/path"), decided, "{event:#}");
        assert_eq!(
            word(&event, "/unmapped/decision/effect"),
            "allow",
            "{path}: {}",
            answer.text()
        );
    }
    let arrived = pass.portal(Kind::Public).arrivals();
    let canonical = "GET /%E5%8A%9E%E4%BA%8B/%E6%8A%A4%E7%85%A7";
    assert_eq!(
        arrived.iter().filter(|a| *a == canonical).count(),
        3,
        "{arrived:?}"
    );
    // What an explicit deny covers is not to be had by another spelling of it.
    for path in [
        "/%61dmin/x",
        "/x/../admin/x",
        "//admin/x",
        "/./admin/x",
        "/admin%2Fx",
    ] {
        let answer = pass
            .stranger(Zone::Internet)
            .token(&token)
            .get(PUBLIC, path)
            .await;
        let (status, reason) = answer.outcome();
        assert!(
            matches!(
                (status, reason.as_str()),
                (403, "denied-by-rule" | "attack") | (400, "no-canonical-path")
            ),
            "{path}: {status} {reason}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_obligation_that_cannot_be_fulfilled_makes_an_allow_a_refusal() {
    let pass = PASS.get().await;
    for (path, expected) in [
        ("/echo/watermark", (500, "obligation-not-fulfilled")),
        ("/echo/quota", (500, "obligation-not-fulfilled")),
        ("/echo/fields", (500, "obligation-not-fulfilled")),
        ("/echo/four", (500, "obligation-not-fulfilled")),
        ("/echo/stepped", (401, "step-up")),
        ("/echo/advice", (200, "")),
    ] {
        let answer = pass.stranger(Zone::Internet).get(PUBLIC, path).await;
        assert_eq!(answer.outcome(), (expected.0, expected.1.into()), "{path}");
        let arrived = pass
            .portal(Kind::Public)
            .arrivals()
            .contains(&format!("GET {path}"));
        assert_eq!(arrived, expected.0 == 200, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_known_by_its_certificate_and_not_by_its_key_or_name_alone() {
    let pass = PASS.get().await;
    let etl = pass
        .stranger(Zone::Extranet)
        .identity(pass.identity("tax-etl"));
    assert_eq!(etl.get(EXCHANGE, "/api/v1/people/7").await.status, 200);
    // The condition `r.ctx.cert` holds for a channel with a certificate only.
    let report = pass.stranger(Zone::Extranet).api_key(&pass.api_key());
    let answer = report.get(EXCHANGE, "/api/v1/people/7").await;
    assert_eq!(answer.outcome(), (403, "no-rule-allows".into()));
}

/// The decision of one request for a page, once its status is as expected.
async fn revision_once(pass: &Pass, path: &str, status: u16) -> String {
    let begun = Instant::now();
    loop {
        let client = pass.stranger(Zone::Intranet).token(&pass.token());
        let answer = client.get(STAFF, path).await;
        if answer.status == status {
            let event = pass.event_of(&client).await;
            return word(&event, "/unmapped/decision/revision").to_owned();
        }
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "{}",
            answer.text()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_policy_has_another_revision_and_a_broken_one_changes_nothing() {
    let pass = Pass::start().await;
    let path = "/api/v1/people/7";
    let before = revision_once(&pass, path, 200).await;
    let deny = "p, u:zhao, hr, *, *, /api/*, *, true, deny, log:full\n";
    pass.rewrite("configs/policy/rules.csv", |rules| {
        format!("{rules}\n{deny}")
    });
    pass.signal("HUP");
    let after = revision_once(&pass, path, 403).await;
    assert_ne!(before, after);
    pass.rewrite("configs/policy/rules.csv", |rules| {
        format!("{rules}\np, *, *, *, *, /*, *, r.ctx.nothing >, allow,\n")
    });
    pass.signal("HUP");
    let begun = Instant::now();
    while !pass.log().contains("rules.csv:") {
        assert!(begun.elapsed() < Duration::from_secs(10), "{}", pass.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(revision_once(&pass, path, 403).await, after);
}
