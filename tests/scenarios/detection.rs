//! What is noticed: an alert with its evidence, a ban within a second, and the way back.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use hangu_tests::client::whole;
use hangu_tests::{Administrator, Answer, Client, Pass, Plan, Zone};
use http::Request;
use serde_json::Value;
use toml::Table;

const HOST: &str = "portal.gov.example";

/// Low thresholds, and a cleartext internet zone, where banned addresses are told so.
async fn watched() -> Pass {
    let situational: Table = r#"
        [guessing]
        address = { capacity = 3, leak = "30s" }
        [scanning]
        paths = { capacity = 5, leak = "10s" }
        [reading]
        people-per-hour = 5
        [refusals]
        denials = { capacity = 3, leak = "60s" }
        [responses]
        rules = { mass-reading = { do = "ban", for = "5m" } }
    "#
    .parse()
    .unwrap();
    Plan::new()
        .with(|c| drop(c.insert("situational".to_owned(), situational.into())))
        .with(|c| {
            let limits = c["limit"].as_table_mut().unwrap();
            let sign_in: Table = "rate = \"600/m\"\nburst = 100".parse().unwrap();
            limits.insert("sign-in".to_owned(), sign_in.into());
        })
        .zone(Zone::Internet, |z| drop(z.remove("tls")))
        .start()
        .await
}

fn stranger(pass: &Pass, last: u8) -> Client {
    Client::plain(pass.at(Zone::Internet)).from(Ipv4Addr::new(127, 0, 9, last))
}

fn is_banned(answer: &Answer) -> bool {
    answer.status == 403 && answer.text().contains("\"reason\":\"banned\"")
}

/// Asks until the answer is `banned`; the ban must follow within a second.
async fn banned(client: &Client, host: &str, path: &str) {
    let begun = Instant::now();
    loop {
        // The ban may come in the middle of a request, and then cuts its connection.
        let answer = client.try_send(host, Request::get(path), whole("")).await;
        if answer.as_ref().is_ok_and(is_banned) {
            return;
        }
        let late = begun.elapsed() >= Duration::from_secs(1);
        assert!(!late, "no ban within a second: {answer:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The alert of a rule as it is kept, with evidence that exists.
async fn alert(pass: &Pass, rule: &str) -> Value {
    let begun = Instant::now();
    loop {
        let kept = std::fs::read_to_string(pass.path("state/alerts.jsonl")).unwrap_or_default();
        let mut alerts = kept
            .lines()
            .filter_map(|l| serde_json::from_str::<Value>(l).ok());
        if let Some(alert) = alerts.rfind(|a| a["rule"] == rule) {
            let recorded = pass.events().len() as u64;
            let evidence = alert["events"].as_array().unwrap();
            assert!(!evidence.is_empty(), "{alert}");
            for number in evidence {
                let index = number.as_u64().unwrap() & ((1 << 40) - 1);
                assert!(index < recorded, "event {number} of {recorded}");
            }
            return alert;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "no `{rule}` among {kept}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Lifts every ban, as the security administrator does.
async fn lift(pass: &Pass) {
    let chen = Administrator::sign_in(pass, "chen").await;
    let bans = chen.get("/admin/situational/bans").await.json();
    let bans = bans["bans"].as_array().unwrap().clone();
    assert!(!bans.is_empty());
    for ban in bans {
        let path = format!("/admin/situational/bans/{}?reason=checked", ban["id"]);
        let lifted = chen.delete(&path).await;
        assert_eq!(lifted.status, 204, "{}", lifted.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_a_password_bans_the_address_until_the_ban_is_lifted() {
    let pass = watched().await;
    let guesser = stranger(&pass, 1);
    for attempt in 0..4 {
        guesser
            .sign_in(HOST, "wang", &format!("guess {attempt}"))
            .await;
    }
    banned(&guesser, HOST, "/").await;
    let alert = alert(&pass, "password-guessing").await;
    assert!(alert["entity"].to_string().contains("127.0.9.1"), "{alert}");
    pass.event(|e| e["status_code"] == "banned" && e["http_response"]["code"] == 403)
        .await;
    assert_eq!(
        stranger(&pass, 2).get(HOST, "/").await.status,
        200,
        "others go on"
    );
    lift(&pass).await;
    assert_eq!(guesser.get(HOST, "/").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn scanning_for_paths_bans_the_address() {
    let pass = watched().await;
    let scanner = stranger(&pass, 3);
    for path in 0..6 {
        scanner.get(HOST, &format!("/static/nothing-{path}")).await;
    }
    banned(&scanner, HOST, "/").await;
    let alert = alert(&pass, "path-scanning").await;
    assert!(alert["entity"].to_string().contains("127.0.9.3"), "{alert}");
    lift(&pass).await;
    assert_eq!(scanner.get(HOST, "/").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_too_many_people_bans_the_caller_wherever_it_comes_from() {
    let pass = watched().await;
    let officer = pass.client(Zone::Intranet).token(&pass.token());
    for id in 1..=6 {
        officer
            .get("hr.gov.example", &format!("/api/v1/people/{id}"))
            .await;
    }
    banned(&officer, "hr.gov.example", "/api/v1/people/9").await;
    let alert = alert(&pass, "mass-reading").await;
    assert!(alert["entity"].to_string().contains("u:zhao"), "{alert}");
    // The same person with another proof.
    let certificate = pass.client(Zone::Intranet).identity(pass.identity("zhao"));
    assert!(is_banned(&certificate.get("hr.gov.example", "/").await));
    lift(&pass).await;
    assert_eq!(
        officer
            .get("hr.gov.example", "/api/v1/people/9")
            .await
            .status,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_denial_after_another_throttles_the_caller() {
    let pass = watched().await;
    let token = pass.issuer().token("li", &serde_json::json!({}));
    let clerk = pass.client(Zone::Intranet).token(&token);
    let paths = [
        "/api/v1/people/1/salary",
        "/api/v1/export/all",
        "/reports",
        "/people/1",
    ];
    for path in paths {
        let answer = clerk.get("hr.gov.example", path).await;
        assert_eq!(answer.json()["reason"], "no-rule-allows");
    }
    let alert = alert(&pass, "repeated-denials").await;
    assert_eq!(alert["entity"]["value"], "u:li");
    assert_eq!(alert["events"].as_array().map(Vec::len), Some(4));
    assert_eq!(alert["response"]["kind"], "throttle");
    let mut connection = clerk.connect("hr.gov.example").await;
    let mut statuses = Vec::new();
    for _ in 0..100 {
        statuses.push(connection.get("/").await.status.as_u16());
    }
    assert!(statuses.contains(&429), "{statuses:?}");
    pass.event(|e| e["status_code"] == "rate-limited" && e["http_response"]["code"] == 429)
        .await;

    let chen = Administrator::sign_in(&pass, "chen").await;
    let path = format!("/admin/situational/alerts/{}/response", alert["id"]);
    let undone = chen.delete(&format!("{path}?reason=checked")).await;
    assert_eq!(undone.status, 200, "{}", undone.text());
    assert_eq!(undone.json()["response"], Value::Null);
    for _ in 0..100 {
        assert_ne!(connection.get("/").await.status, 429, "no longer throttled");
    }
    let again = chen.delete(&format!("{path}?reason=checked")).await;
    assert_eq!(again.json()["reason"], "nothing-to-undo");
}
