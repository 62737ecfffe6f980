//! The audit log and decisions as the console reads them.

use axum::http::StatusCode;
use hangu_audit::Timestamp;
use hangu_audit::event::{
    Actor, Decision, Effect, Endpoint, Event, Request, Response, Status, What,
};
use serde_json::{Value, json};

use super::world::World;
use crate::clock;

const ID: &str = "0123456789abcdef0123456789abcdef";

/// Writes a request into the log.
async fn write(world: &World, id: &str, zone: &str, path: &str, refused: Option<&str>) -> u64 {
    let now = Timestamp(i64::try_from(clock::wall_ms()).unwrap());
    let mut event = Event::new(now, What::Http, id);
    event.source = Endpoint {
        ip: Some("203.0.113.9".parse().unwrap()),
        zone: Some(zone),
        ..Endpoint::default()
    };
    event.target = Endpoint {
        zone: Some("intranet"),
        ..Endpoint::default()
    };
    event.portal = Some("staff");
    event.request = Some(Request {
        method: "GET",
        host: Some("hr.gov.example"),
        path: Some(path),
        ..Request::default()
    });
    event.actor = Some(Actor {
        id: "u:li",
        assurance: Some(2),
        ..Actor::default()
    });
    event.response = Some(Response {
        code: if refused.is_some() { 403 } else { 200 },
        ..Response::default()
    });
    let revision = world.gateway.snapshot.load().policy.revision.clone();
    event.decision = Some(Decision {
        id,
        effect: if refused.is_some() {
            Effect::Deny
        } else {
            Effect::Allow
        },
        rules: &[],
        revision: &revision,
        grounds: Some("default-deny"),
        obligations: &["redact:L3"],
    });
    if let Some(reason) = refused {
        event.status = Status::Failure;
        event.reason = Some(reason);
    }
    world
        .gateway
        .journal
        .durable(&event.to_record(), None)
        .await
        .unwrap()
}

fn paths(page: &Value) -> Vec<&str> {
    page["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["path"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn events_are_paged_through_from_the_newest_to_the_first_without_gap_or_repeat() {
    let world = World::new();
    for i in 0..25 {
        write(
            &world,
            &format!("{i:032x}"),
            "internet",
            &format!("/{i}"),
            None,
        )
        .await;
    }
    let qian = world.sign_in("qian").await;
    let mut seen = Vec::new();
    let mut next = "/admin/audit/events?limit=10".to_owned();
    loop {
        let page = world.ask(&qian, "GET", &next, None).await.json();
        seen.extend(paths(&page).into_iter().map(str::to_owned));
        match page["next_before"].as_u64() {
            Some(before) => next = format!("/admin/audit/events?limit=10&before={before}"),
            None => break,
        }
    }
    let mut wanted = vec!["sign-in".to_owned()];
    wanted.extend((0..25).rev().map(|i| format!("/{i}")));
    assert_eq!(seen, wanted);
}

#[tokio::test]
async fn filters_take_their_share_and_nothing_else() {
    let world = World::new();
    write(&world, ID, "internet", "/a", Some("denied-by-rule")).await;
    write(&world, &ID.replace('0', "1"), "intranet", "/b", None).await;
    let qian = world.sign_in("qian").await;
    for (query, wanted) in [
        ("outcome=refused", vec!["/a"]),
        ("outcome=allowed&portal=staff", vec!["/b"]),
        ("zone=internet", vec!["/a"]),
        ("zone=inter", vec![]),
        ("caller=u:li", vec!["/b", "/a"]),
        ("reason=denied-by-rule", vec!["/a"]),
        ("address=203.0.113.", vec!["/b", "/a"]),
        ("q=HR.GOV", vec!["/b", "/a"]),
        ("zone=console", vec!["sign-in"]),
    ] {
        let page = world
            .ask(&qian, "GET", &format!("/admin/audit/events?{query}"), None)
            .await
            .json();
        assert_eq!(paths(&page), wanted, "{query}");
        assert_eq!(page["next_before"], Value::Null, "{query}");
    }
}

#[tokio::test]
async fn one_event_is_given_whole_and_what_is_not_there_is_not_found() {
    let world = World::new();
    let index = write(&world, ID, "internet", "/a", Some("denied-by-rule")).await;
    let qian = world.sign_in("qian").await;
    let event = world
        .ask(&qian, "GET", &format!("/admin/audit/events/{index}"), None)
        .await
        .json();
    assert_eq!(event["summary"]["index"], index);
    assert_eq!(event["summary"]["decision_id"], ID);
    assert_eq!(event["raw"]["metadata"]["uid"], ID);
    for index in ["99999", "x", "-1", "18446744073709551615"] {
        let answer = world
            .ask(&qian, "GET", &format!("/admin/audit/events/{index}"), None)
            .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{index}");
    }
}

#[tokio::test]
async fn a_decision_is_explained_by_its_id_with_what_nearly_applied() {
    let world = World::new();
    write(
        &world,
        ID,
        "intranet",
        "/api/v1/people/10086",
        Some("no-rule-allows"),
    )
    .await;
    let chen = world.sign_in("chen").await;
    let decision = world
        .ask(&chen, "GET", &format!("/admin/policy/decisions/{ID}"), None)
        .await
        .json();
    assert_eq!(decision["decision_id"], ID);
    assert_eq!(decision["effect"], "deny");
    assert_eq!(decision["obligations"], json!({ "redact": "L3" }));
    assert_eq!(decision["request"]["sub"], "u:li");
    assert_eq!(decision["request"]["dom"], "hr");
    assert_eq!(decision["request"]["src"], "zone:intranet");
    assert_eq!(decision["request"]["ctx"]["aal"], 2);
    assert!(
        decision["request"]["ctx"].get("dev").is_none(),
        "what is not recorded is not made up"
    );
    assert!(
        decision["note"].as_str().unwrap().contains("not recorded"),
        "{decision}"
    );
    assert!(
        !decision["nearest"].as_array().unwrap().is_empty(),
        "{decision}"
    );
    for id in ["0", "zz", &"f".repeat(32)] {
        let answer = world
            .ask(&chen, "GET", &format!("/admin/policy/decisions/{id}"), None)
            .await;
        assert_eq!(
            (answer.status, answer.reason().as_str()),
            (StatusCode::NOT_FOUND, "decision-unknown"),
            "{id}"
        );
    }
}

#[tokio::test]
async fn the_policy_is_shown_with_every_rule_at_its_place() {
    let world = World::new();
    let chen = world.sign_in("chen").await;
    let policy = world
        .ask(&chen, "GET", "/admin/policy/current", None)
        .await
        .json();
    assert!(policy["model"].as_str().unwrap().contains("[matchers]"));
    let rule = &policy["rules"][0];
    assert!(rule["line"].as_u64().unwrap() > 0);
    assert!(
        matches!(rule["fields"]["eft"].as_str(), Some("allow" | "deny")),
        "{rule}"
    );
    assert!(
        policy["roles"]
            .as_array()
            .unwrap()
            .iter()
            .all(|r| matches!(r["kind"].as_str(), Some("g" | "g2")))
    );
}

#[tokio::test]
async fn the_overview_and_the_status_have_every_field_that_the_console_reads() {
    let world = World::new();
    let sun = world.sign_in("sun").await;
    let overview = world
        .ask(&sun, "GET", "/admin/situational/overview", None)
        .await
        .json();
    for field in [
        "now_ms",
        "uptime_s",
        "version",
        "revision",
        "zones",
        "series",
        "alerts_open",
        "bans_active",
        "upstreams",
        "audit",
    ] {
        assert!(overview.get(field).is_some(), "{field}");
    }
    assert_eq!(overview["upstreams"][0]["portal"], "staff");
    assert_eq!(overview["audit"]["health"], "running");
    let status = world
        .ask(&sun, "GET", "/admin/system/status", None)
        .await
        .json();
    assert_eq!(status["config"]["last_error"], Value::Null);
    assert_eq!(
        status["crossings"],
        json!([{ "from": "internet", "to": "intranet" }])
    );
    assert_eq!(status["zones"][0]["client_certificates"], "cleartext");
    assert!(
        status["certificates"][0]["name"]
            .as_str()
            .unwrap()
            .starts_with("console"),
        "{status}"
    );
    assert!(status["certificates"][0]["not_after_ms"].as_i64().unwrap() > 1_700_000_000_000);
}
