//! The administration: who may do what, how, and what is left of it; probes and metrics.

use std::time::{Duration, Instant};

use hangu_tests::administrator::CONSOLE;
use hangu_tests::client::whole;
use hangu_tests::{Administrator, Client, Pass, Zone};
use http::Request;
use serde_json::{Value, json};

/// What each of the three may read and do; everything else is refused.
const TABLE: &[(&str, &str, &str)] = &[
    ("GET", "/admin/situational/overview", "sun chen qian"),
    ("GET", "/admin/situational/alerts", "chen qian"),
    ("GET", "/admin/situational/callers", "chen"),
    ("GET", "/admin/situational/bans", "chen"),
    ("GET", "/admin/audit/events", "qian"),
    ("GET", "/admin/audit/events/0", "qian"),
    ("GET", "/admin/policy/current", "chen"),
    ("GET", "/admin/policy/sources", "chen qian"),
    ("GET", "/admin/policy/decisions/0", "chen qian"),
    ("POST", "/admin/policy/tools/lint", "chen qian"),
    ("GET", "/admin/inspection/rules", "chen qian"),
    ("GET", "/admin/inspection/exceptions", "chen qian"),
    ("POST", "/admin/inspection/exceptions", "chen"),
    ("POST", "/admin/inspection/exceptions/0/approve", "chen"),
    ("GET", "/admin/system/status", "sun"),
    ("POST", "/admin/system/reload", "sun"),
    ("POST", "/admin/situational/bans", "chen"),
    ("DELETE", "/admin/situational/bans/0", "chen"),
    (
        "DELETE",
        "/admin/situational/callers/nobody/sessions",
        "chen",
    ),
    ("POST", "/admin/situational/alerts/0/acknowledge", "chen"),
    ("POST", "/admin/situational/alerts/0/close", "chen"),
    ("DELETE", "/admin/situational/alerts/0/response", "chen"),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_an_administrator_may_not_do_is_403_and_leaves_an_event() {
    let pass = Pass::start().await;
    for (login, role) in [
        ("sun", "sysadmin"),
        ("chen", "secadmin"),
        ("qian", "auditor"),
    ] {
        let administrator = Administrator::sign_in(&pass, login).await;
        assert_eq!(administrator.session()["role"], role);
        for (method, path, allowed) in TABLE {
            let answer = match *method {
                "GET" => administrator.get(path).await,
                "POST" => administrator.post(path, &json!({})).await,
                _ => administrator.delete(path).await,
            };
            let refused = answer.status == 403 && answer.json()["reason"] == "role-may-not";
            assert_eq!(
                refused,
                !allowed.split(' ').any(|a| a == login),
                "{login} {method} {path}: {} {}",
                answer.status,
                answer.text()
            );
            if refused {
                pass.event(|e| {
                    let text = e.to_string();
                    e["status"] == "Failure"
                        && text.contains(path)
                        && text.contains(&format!("u:{login}"))
                })
                .await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_needs_the_form_token_and_leaves_an_event_with_its_author() {
    let pass = Pass::start().await;
    let chen = Administrator::sign_in(&pass, "chen").await;
    let ban = json!({ "kind": "caller", "value": "u:li", "reason": "测试封禁", "minutes": 5 });
    let foreign = chen
        .client()
        .post(CONSOLE, "/admin/situational/bans", &ban)
        .await;
    assert_eq!(
        (foreign.status.as_u16(), &foreign.json()["reason"]),
        (403, &json!("csrf-missing"))
    );
    assert_eq!(
        chen.get("/admin/situational/bans").await.json()["bans"],
        json!([])
    );

    let made = chen.post("/admin/situational/bans", &ban).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let of_act = |name: &'static str| {
        move |e: &Value| {
            e.to_string().contains(name)
                && e.to_string().contains("u:chen")
                && e["status"] == "Success"
        }
    };
    pass.event(of_act("ban.create")).await;
    let id = made.json()["id"].as_u64().unwrap();
    let lifted = chen
        .delete(&format!("/admin/situational/bans/{id}?reason=over"))
        .await;
    assert_eq!(lifted.status, 204, "{}", lifted.text());
    pass.event(of_act("ban.lift")).await;

    let signed_out = chen.delete("/admin/session").await;
    assert_eq!(signed_out.status, 204, "{}", signed_out.text());
    assert_eq!(chen.get("/admin/situational/bans").await.status, 401);
}

/// The event of an act of `chen`, on this thing.
async fn acted(pass: &Pass, operation: &str, resource: &str) -> Value {
    pass.event(|e| {
        e["api"]["operation"] == operation
            && e["resources"][0]["uid"] == resource
            && e["actor"]["user"]["uid"] == "u:chen"
            && e["status"] == "Success"
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn work_on_alerts_and_ended_sessions_leave_events_with_author_and_reason() {
    let pass = Pass::start().await;
    let chen = Administrator::sign_in(&pass, "chen").await;
    let attacker = pass.stranger(Zone::Internet);
    let attack = "/search?q=1%27%20UNION%20SELECT%20password%20FROM%20users--";
    let begun = Instant::now();
    let id = loop {
        // Once it is banned, it goes unanswered.
        let request = Request::get(attack);
        let _gone = attacker
            .try_send("portal.gov.example", request, whole(""))
            .await;
        let alerts = chen.get("/admin/situational/alerts").await.json();
        if let Some(id) = alerts["alerts"][0]["id"].as_u64() {
            break id;
        }
        assert!(begun.elapsed() < Duration::from_secs(15), "no alert");
    };
    let note = json!({ "note": "我来看" });
    let path = format!("/admin/situational/alerts/{id}");
    let taken = chen.post(&format!("{path}/acknowledge"), &note).await;
    assert_eq!(taken.status, 200, "{}", taken.text());
    assert_eq!(taken.json()["status"], "acknowledged");
    let event = acted(&pass, "alert.acknowledge", &id.to_string()).await;
    assert_eq!(event["unmapped"]["change"], "我来看", "{event:#}");

    // What is refused leaves no event of an act.
    let empty = chen
        .post(&format!("{path}/close"), &json!({ "note": "" }))
        .await;
    assert_eq!(empty.status, 422, "{}", empty.text());
    let finding = json!({ "note": "演练", "verdict": "false_positive" });
    let closed = chen.post(&format!("{path}/close"), &finding).await;
    assert_eq!(closed.status, 200, "{}", closed.text());
    let event = acted(&pass, "alert.close", &id.to_string()).await;
    assert_eq!(event["unmapped"]["change"], "false_positive: 演练");
    let again = chen.post(&format!("{path}/close"), &finding).await;
    assert_eq!(again.json()["reason"], "alert-closed");
    let of_close = |e: &&Value| e["api"]["operation"] == "alert.close" && e["status"] == "Success";
    assert_eq!(pass.events().iter().filter(of_close).count(), 1);

    let wang = pass
        .client(Zone::Internet)
        .signed_in("portal.gov.example", "wang", &pass.password("wang"))
        .await;
    let ended = chen
        .delete("/admin/situational/callers/u:wang/sessions")
        .await;
    assert_eq!(
        (ended.status.as_u16(), &ended.json()["ended"]),
        (200, &json!(1))
    );
    acted(&pass, "caller.end-sessions", "u:wang").await;
    pass.event(|e| e["class_uid"] == 7004 || e.to_string().contains("end-session"))
        .await;
    let item = "/%E5%8A%9E%E4%BA%8B/%E8%BA%AB%E4%BB%BD%E8%AF%81";
    assert_eq!(wang.get("portal.gov.example", item).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_signs_in_with_a_wrong_password_or_from_another_site() {
    let pass = Pass::start().await;
    let client = pass.client(Zone::Console);
    let wrong = json!({ "username": "sun", "password": "wrong" });
    let refused = client.post(CONSOLE, "/admin/session", &wrong).await;
    assert_eq!(refused.status, 401, "{}", refused.text());
    pass.event(|e| e["class_uid"] == 3002 && e["status"] == "Failure")
        .await;

    let right = json!({ "username": "sun", "password": pass.password("sun") });
    let request = Request::post("/admin/session")
        .header("content-type", "application/json")
        .header("sec-fetch-site", "cross-site");
    let foreign = client.send(CONSOLE, request, right.to_string()).await;
    assert_eq!(
        (foreign.status.as_u16(), &foreign.json()["reason"]),
        (403, &json!("foreign-origin"))
    );
    // A citizen's session is none of the console's.
    let citizen = json!({ "username": "wang", "password": pass.password("wang") });
    assert_eq!(
        client
            .post(CONSOLE, "/admin/session", &citizen)
            .await
            .status,
        401
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_and_metrics_say_what_goes_on() {
    let pass = Pass::start().await;
    let operations = Client::plain(pass.operations());
    assert_eq!(operations.get("localhost", "/healthz").await.text(), "ok\n");
    assert_eq!(
        operations.get("localhost", "/readyz").await.text(),
        "ready\n"
    );
    assert_eq!(
        operations.get("localhost", "/admin/session").await.status,
        404
    );
    pass.client(Zone::Internet).get("hr.gov.example", "/").await;
    let metrics = operations.get("localhost", "/metrics").await;
    assert!(
        metrics
            .header("content-type")
            .starts_with("application/openmetrics-text")
    );
    let text = metrics.text();
    assert!(
        text.lines()
            .any(|l| l.contains("no-crossing") && l.ends_with(" 1")),
        "{text}"
    );
    assert!(text.ends_with("# EOF\n"), "{text}");
}
