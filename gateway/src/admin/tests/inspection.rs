//! Marks and exceptions through the interface, over a record that was written by hand.

use std::fs;

use axum::http::StatusCode;
use hangu_audit::Timestamp;
use hangu_audit::event::{Actor, Endpoint, Event, Finding, Request, Response, Status, What};
use serde_json::{Value, json};

use super::world::{Answer, SignedIn, World};
use crate::clock;

const BASE: &str = "/admin/inspection";

/// A request that was refused as an attack.
async fn blocked(world: &World, caller: &str, path: &str, findings: &[(&str, u32, &str)]) -> u64 {
    let now = Timestamp(i64::try_from(clock::wall_ms()).unwrap());
    let id = world.gateway.ids.next();
    let mut event = Event::new(now, What::Http, id.as_str());
    event.source = Endpoint {
        ip: Some("203.0.113.9".parse().unwrap()),
        zone: Some("internet"),
        ..Endpoint::default()
    };
    event.portal = Some("staff");
    event.request = Some(Request {
        method: "GET",
        path: Some(path),
        ..Request::default()
    });
    event.actor = Some(Actor {
        id: caller,
        ..Actor::default()
    });
    event.response = Some(Response {
        code: 403,
        ..Response::default()
    });
    event.status = Status::Failure;
    event.reason = Some("attack");
    let findings: Vec<Finding<'_>> = findings
        .iter()
        .map(|(rule, score, place)| Finding {
            rule,
            score: *score,
            category: "sql",
            technique: Some("T1190"),
            place,
            evidence: Some("1' ***"),
        })
        .collect();
    event.findings = &findings;
    let record = event.to_record();
    world.gateway.journal.durable(&record, None).await.unwrap()
}

const UNION: &[(&str, u32, &str)] = &[("sqli-union", 5, "query:q")];

async fn post(world: &World, who: &SignedIn, path: &str, body: Value) -> Answer {
    world
        .ask(who, "POST", &format!("{BASE}/{path}"), Some(body))
        .await
}

async fn get(world: &World, who: &SignedIn, path: &str) -> Value {
    let answer = world.ask(who, "GET", &format!("{BASE}/{path}"), None).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json()
}

async fn create(world: &World, who: &SignedIn, scope: &Value) -> Value {
    let answer = post(
        world,
        who,
        "exceptions",
        json!({ "scope": scope, "reason": "误报" }),
    )
    .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    answer.json()
}

async fn step(world: &World, who: &SignedIn, id: &Value, step: &str) -> Answer {
    let path = format!("exceptions/{id}/{step}");
    post(world, who, &path, json!({ "reason": "工单" })).await
}

fn excepted(world: &World, path: &str) -> bool {
    let snapshot = world.gateway.snapshot.load();
    let exceptions = snapshot.portals[0].exceptions(path, 0, clock::wall_ms());
    exceptions != hangu_inspect::Exceptions::default()
}

#[tokio::test]
async fn marks_make_a_rules_precision_and_the_last_word_counts() {
    let world = World::reviewed();
    let (chen, qian) = (world.sign_in("chen").await, world.sign_in("qian").await);
    let mut numbers = Vec::new();
    for _ in 0..4 {
        numbers.push(blocked(&world, "u:li", "/search", UNION).await);
    }
    let say = async |number: u64, mark: &str| {
        let body = json!({ "mark": mark, "rule": "sqli-union", "note": "n" });
        post(&world, &chen, &format!("events/{number}/mark"), body).await
    };
    for (number, mark) in numbers
        .iter()
        .zip(["true-positive", "true-positive", "false-positive"])
    {
        let answer = say(*number, mark).await;
        assert_eq!(
            answer.json()["findings"][0]["mark"]["mark"],
            mark,
            "{answer:?}"
        );
    }
    let row = get(&world, &qian, "rules").await["rules"][0].clone();
    assert_eq!(
        (&row["rule"], &row["portal"]),
        (&json!("sqli-union"), &json!("staff"))
    );
    assert_eq!((&row["requests"], &row["blocked"]), (&json!(4), &json!(4)));
    assert_eq!(
        (&row["true_positives"], &row["false_positives"]),
        (&json!(2), &json!(1))
    );
    let precision = &row["precision"];
    let of = |end: &str| (precision[end].as_f64().unwrap() * 1000.0).round();
    assert_eq!(
        (of("share"), of("low"), of("high")),
        (667.0, 208.0, 939.0),
        "{row}"
    );

    // The last word counts, and one may take it back.
    say(numbers[2], "true-positive").await;
    say(numbers[0], "none").await;
    let row = get(&world, &qian, "rules").await["rules"][0].clone();
    assert_eq!(
        (&row["true_positives"], &row["false_positives"]),
        (&json!(2), &json!(0))
    );
    let unmarked = get(&world, &chen, "events?marked=unmarked").await;
    let listed: Vec<_> = unmarked["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["index"].as_u64().unwrap())
        .collect();
    assert_eq!(listed, [numbers[3], numbers[0]]);

    // Only what was found can be marked, only by the security administrator, and everything leaves its event.
    let body = json!({ "mark": "true-positive", "rule": "xss-script" });
    let path = format!("events/{}/mark", numbers[0]);
    assert_eq!(
        post(&world, &chen, &path, body.clone()).await.reason(),
        "malformed"
    );
    assert_eq!(
        post(&world, &qian, &path, body.clone()).await.reason(),
        "role-may-not"
    );
    assert_eq!(
        post(&world, &chen, "events/999999/mark", body).await.status,
        StatusCode::NOT_FOUND
    );
    let acts = world.events();
    let acts = acts.iter().filter(|e| {
        let api = e.api.as_ref();
        api.is_some_and(|api| api.operation == "inspection-event.mark") && e.status_id == 1
    });
    assert_eq!(acts.count(), 5);

    let world = world.restarted();
    let qian = world.sign_in("qian").await;
    let row = get(&world, &qian, "rules").await["rules"][0].clone();
    assert_eq!(
        (&row["requests"], &row["true_positives"]),
        (&json!(4), &json!(2))
    );
}

#[tokio::test]
async fn the_narrowest_exception_says_what_it_would_have_let_through() {
    let world = World::reviewed();
    let chen = world.sign_in("chen").await;
    let both = &[UNION[0], ("xss-script", 5, "query:p")];
    blocked(&world, "u:li", "/orders/20261101", UNION).await;
    blocked(&world, "u:wang", "/orders/20261102", UNION).await;
    blocked(&world, "u:wang", "/orders/20261103", both).await;
    blocked(&world, "u:wang", "/elsewhere", UNION).await;
    let number = blocked(&world, "u:zhao", "/orders/20261104", UNION).await;
    let asked = json!({ "event": number, "rule": "sqli-union" });
    let answer = post(&world, &chen, "exceptions/propose", asked)
        .await
        .json();
    let scope =
        json!({ "rule": "sqli-union", "portal": "staff", "path": "/orders/*", "parameter": "q" });
    assert_eq!(answer["scope"], scope, "{answer}");
    let reach = &answer["reach"];
    assert_eq!(
        (
            &reach["covered"],
            &reach["let_through"],
            &reach["still_refused"]
        ),
        (&json!(4), &json!(3), &json!(1))
    );
    assert_eq!(
        (&reach["callers"], &reach["addresses"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(answer["samples"].as_array().unwrap().len(), 3);
    assert_eq!(answer["samples"][0]["index"], number);
    assert_eq!(
        (&answer["approvals"], &answer["because"]),
        (&json!(1), &json!([]))
    );

    // What somebody marked as real takes two, and so does what names no path.
    let mark = json!({ "mark": "true-positive", "rule": "sqli-union" });
    post(&world, &chen, &format!("events/{number}/mark"), mark).await;
    let answer = post(
        &world,
        &chen,
        "exceptions/propose",
        json!({ "scope": scope }),
    )
    .await
    .json();
    assert_eq!(
        (&answer["approvals"], &answer["because"]),
        (&json!(2), &json!(["real-attack"]))
    );
    let wide = json!({ "rule": "sqli-hint", "portal": "staff" });
    let answer = post(
        &world,
        &chen,
        "exceptions/propose",
        json!({ "scope": wide }),
    )
    .await
    .json();
    assert_eq!(answer["because"], json!(["every-path", "every-parameter"]));

    for (asked, reason) in [
        (json!({}), "malformed"),
        (json!({ "event": number }), "malformed"),
        (
            json!({ "event": number, "rule": "xss-script" }),
            "malformed",
        ),
        (
            json!({ "scope": { "rule": "sqli-union", "portal": "nowhere" } }),
            "malformed",
        ),
        (
            json!({ "scope": { "rule": "942100", "portal": "staff" } }),
            "malformed",
        ),
        (
            json!({ "scope": { "rule": "sqli-union", "portal": "staff", "path": "a" } }),
            "malformed",
        ),
    ] {
        let answer = post(&world, &chen, "exceptions/propose", asked.clone()).await;
        assert_eq!(answer.reason(), reason, "{asked}");
    }
    let file = blocked(&world, "u:li", "/a", &[("942100", 5, "ARGS:q")]).await;
    let asked = json!({ "event": file, "rule": "942100" });
    let answer = post(&world, &chen, "exceptions/propose", asked).await;
    assert_eq!(answer.reason(), "not-exceptable");
    assert!(
        answer.text.contains("SecRuleUpdateTargetById 942100"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_wide_exception_takes_two_others_holds_over_a_restart_and_ends_when_somebody_ends_it() {
    let world = World::reviewed();
    let (chen, zhou, wu) = (
        world.sign_in("chen").await,
        world.sign_in("zhou").await,
        world.sign_in("wu").await,
    );
    let scope = json!({ "rule": "sqli-union", "portal": "staff", "path": null, "parameter": "q" });
    let made = create(&world, &chen, &scope).await;
    let id = made["id"].clone();
    assert_eq!(
        (&made["state"], &made["approvals"]),
        (&json!("pending"), &json!(2))
    );
    assert_eq!(
        step(&world, &chen, &id, "approve").await.reason(),
        "exception-step"
    );
    assert_eq!(
        step(&world, &zhou, &id, "approve").await.json()["state"],
        "pending"
    );
    assert_eq!(
        step(&world, &zhou, &id, "approve").await.reason(),
        "exception-step"
    );
    assert!(!excepted(&world, "/a"));
    assert_eq!(
        step(&world, &wu, &id, "approve").await.json()["state"],
        "in-force"
    );
    assert!(excepted(&world, "/a"));

    let world = world.restarted();
    assert!(excepted(&world, "/a"));
    let zhou = world.sign_in("zhou").await;
    let listed = get(&world, &zhou, "exceptions").await;
    assert_eq!(
        listed["exceptions"][0]["approved_by"],
        json!(["u:zhou", "u:wu"])
    );
    assert_eq!(
        step(&world, &zhou, &id, "end").await.json()["state"],
        "ended"
    );
    assert!(!excepted(&world, "/a"));
    assert_eq!(
        step(&world, &zhou, &id, "end").await.reason(),
        "exception-step"
    );
    assert_eq!(
        step(&world, &zhou, &json!(99), "end").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn an_end_is_needed_a_reason_too_and_rejected_is_rejected() {
    let world = World::reviewed();
    let (chen, zhou) = (world.sign_in("chen").await, world.sign_in("zhou").await);
    let scope = json!({ "rule": "sqli-union", "portal": "staff", "path": "/a", "parameter": "q" });
    let now = clock::wall_ms();
    for (until, ok) in [
        (now - 1, false),
        (now + 179 * 86_400_000, true),
        (now + 181 * 86_400_000, false),
    ] {
        let body = json!({ "scope": scope, "reason": "误报", "until_ms": until });
        let answer = post(&world, &chen, "exceptions", body).await;
        assert_eq!(answer.status.is_success(), ok, "{answer:?}");
    }
    let body = json!({ "scope": scope, "reason": " " });
    assert_eq!(
        post(&world, &chen, "exceptions", body).await.reason(),
        "malformed"
    );
    let made = create(&world, &chen, &scope).await;
    let days = made["until_ms"].as_u64().unwrap() - made["created_ms"].as_u64().unwrap();
    assert_eq!(days, 30 * 86_400_000);
    let id = made["id"].clone();
    assert_eq!(
        step(&world, &zhou, &id, "withdraw").await.reason(),
        "exception-step"
    );
    assert_eq!(
        step(&world, &zhou, &id, "reject").await.json()["state"],
        "rejected"
    );
    assert_eq!(
        step(&world, &zhou, &id, "approve").await.reason(),
        "exception-step"
    );
    let id = create(&world, &chen, &scope).await["id"].clone();
    assert_eq!(
        step(&world, &chen, &id, "withdraw").await.json()["state"],
        "withdrawn"
    );
    assert!(!excepted(&world, "/a"));
}

#[tokio::test]
async fn without_its_store_nothing_is_excepted_and_everybody_is_told() {
    let world = World::reviewed();
    let (chen, zhou) = (world.sign_in("chen").await, world.sign_in("zhou").await);
    let scope = json!({ "rule": "sqli-union", "portal": "staff", "path": "/a", "parameter": "q" });
    let id = create(&world, &chen, &scope).await["id"].clone();
    step(&world, &zhou, &id, "approve").await;
    assert!(excepted(&world, "/a"));
    let folder = world.close();
    for file in ["triage.db", "triage.db-wal", "triage.db-shm"] {
        let _absent = fs::remove_file(folder.path().join("state").join(file));
    }
    fs::write(folder.path().join("state/triage.db"), vec![7; 8192]).unwrap();
    let world = World::at(folder);
    assert!(!excepted(&world, "/a"));
    let chen = world.sign_in("chen").await;
    let listed = get(&world, &chen, "exceptions").await;
    assert!(
        listed["broken"].as_str().unwrap().contains("triage.db"),
        "{listed}"
    );
    let body = json!({ "scope": scope, "reason": "误报" });
    let refused = post(&world, &chen, "exceptions", body).await;
    assert_eq!(
        (refused.status, refused.reason()),
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "inspection-store".to_owned()
        )
    );
}
