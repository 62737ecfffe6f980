//! Living with inspection: a false alarm is marked, excepted by four eyes for just where it was, and comes back when
//! the exception ends.

use hangu_tests::{Administrator, Answer, Pass, Plan, Zone};
use serde_json::{Value, json};

const PUBLIC: &str = "portal.gov.example";
const BASE: &str = "/admin/inspection";
/// Somebody asks how to read a file: one rule, one parameter.
const HERE: &str = "/echo/help?q=/etc/passwd";

async fn pass() -> Pass {
    Plan::new()
        .rules("p, *, *, *, *, /echo/*, ^(GET|POST)$, true, allow,")
        .start()
        .await
}

async fn asked(pass: &Pass, target: &str) -> (u16, String) {
    pass.stranger(Zone::Internet)
        .get(PUBLIC, target)
        .await
        .outcome()
}

/// What was seen last in the portal, once it is recorded.
async fn seen(pass: &Pass, chen: &Administrator) -> Value {
    let client = pass.stranger(Zone::Internet);
    let refused = client.get(PUBLIC, HERE).await;
    assert_eq!(
        refused.outcome(),
        (403, "attack".to_owned()),
        "{}",
        refused.text()
    );
    pass.event_of(&client).await;
    let page = chen.get(&format!("{BASE}/events?portal=public")).await;
    assert_eq!(page.status, 200, "{}", page.text());
    page.json()["events"][0].clone()
}

async fn step(who: &Administrator, id: &Value, step: &str) -> Answer {
    let reason = json!({ "reason": "工单 2048" });
    who.post(&format!("{BASE}/exceptions/{id}/{step}"), &reason)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_false_alarm_is_let_through_where_it_was_and_nowhere_else_until_the_exception_ends() {
    let mut pass = pass().await;
    let (chen, zhou) = (
        Administrator::sign_in(&pass, "chen").await,
        Administrator::sign_in(&pass, "zhou").await,
    );
    let event = seen(&pass, &chen).await;
    let (index, rule) = (event["index"].clone(), event["findings"][0]["rule"].clone());
    assert_eq!(
        event["findings"].as_array().map(Vec::len),
        Some(1),
        "{event}"
    );

    let mark = json!({ "mark": "false-positive", "rule": rule, "note": "帮助页面的搜索" });
    let marked = chen
        .post(&format!("{BASE}/events/{index}/mark"), &mark)
        .await;
    assert_eq!(
        marked.json()["findings"][0]["mark"]["by"],
        "u:chen",
        "{}",
        marked.text()
    );
    let rules = chen.get(&format!("{BASE}/rules")).await.json();
    let row = rules["rules"].as_array().into_iter().flatten();
    let row = row
        .clone()
        .find(|row| row["rule"] == rule)
        .expect("the rule");
    assert_eq!(
        (&row["blocked"], &row["false_positives"]),
        (&json!(1), &json!(1)),
        "{row}"
    );
    assert_eq!(row["precision"]["share"], 0.0, "{row}");

    let proposed = chen
        .post(
            &format!("{BASE}/exceptions/propose"),
            &json!({ "event": index, "rule": rule }),
        )
        .await
        .json();
    let scope = json!({ "rule": rule, "portal": "public", "path": "/echo/help", "parameter": "q" });
    assert_eq!(proposed["scope"], scope, "{proposed}");
    assert_eq!(
        (&proposed["reach"]["let_through"], &proposed["approvals"]),
        (&json!(1), &json!(1))
    );
    let wanted = json!({ "scope": scope, "reason": "误报", "event": index });
    let made = chen.post(&format!("{BASE}/exceptions"), &wanted).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let id = made.json()["id"].clone();

    assert_eq!(
        step(&chen, &id, "approve").await.status,
        409,
        "nobody approves their own"
    );
    for login in ["sun", "qian"] {
        let other = Administrator::sign_in(&pass, login).await;
        assert_eq!(step(&other, &id, "approve").await.status, 403, "{login}");
    }
    assert_eq!(asked(&pass, HERE).await.0, 403, "it waits");
    let approved = step(&zhou, &id, "approve").await;
    assert_eq!(approved.json()["state"], "in-force", "{}", approved.text());

    assert_eq!(asked(&pass, HERE).await.0, 200);
    let passed = pass
        .event(|e| {
            e["http_request"]["url"]["path"] == "/echo/help" && e["http_response"]["code"] == 200
        })
        .await;
    assert_eq!(
        passed["unmapped"]["findings"][0]["score"], 0,
        "it is still seen: {passed}"
    );
    for elsewhere in [
        "/echo/help?p=/etc/passwd",
        "/echo/help/more?q=/etc/passwd",
        "/echo/other?q=/etc/passwd",
        "/echo/help?q=1'+UNION+SELECT+password+FROM+users--",
        "/echo/help?q=/etc/passwd&p=/etc/passwd",
    ] {
        let answer = asked(&pass, elsewhere).await;
        assert_eq!(answer, (403, "attack".to_owned()), "{elsewhere}");
    }
    let act = pass
        .event(|e| {
            e["api"]["operation"] == "inspection-exception.approve" && e["status"] != "Failure"
        })
        .await;
    assert_eq!(act["actor"]["user"]["uid"], "u:zhou", "{act}");

    pass.crash_and_restart().await;
    assert_eq!(asked(&pass, HERE).await.0, 200, "a restart keeps it");
    let sun = Administrator::sign_in(&pass, "sun").await;
    let reloaded = sun.post("/admin/system/reload", &json!({})).await;
    assert_eq!(reloaded.status, 200, "{}", reloaded.text());
    assert_eq!(asked(&pass, HERE).await.0, 200, "a reload keeps it");
    let chen = Administrator::sign_in(&pass, "chen").await;
    let ended = step(&chen, &id, "end").await;
    assert_eq!(ended.json()["state"], "ended", "{}", ended.text());
    assert_eq!(asked(&pass, HERE).await, (403, "attack".to_owned()));
}
