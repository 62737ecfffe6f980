//! The administration: who may do what, how, and what is left of it; probes and metrics.

use hangu_tests::administrator::CONSOLE;
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
    ("GET", "/admin/policy/decisions/0", "chen qian"),
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
