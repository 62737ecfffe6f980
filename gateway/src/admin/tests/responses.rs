//! Bans and alerts: made, undone, and never without a record.

use axum::http::StatusCode;
use hangu_audit::event::{API_ACTIVITY, REMEDIATION_ACTIVITY};
use hangu_limit::{BanTarget, NewBan};
use serde_json::{Value, json};

use super::world::World;
use crate::clock;

const BANS: &str = "/admin/situational/bans";

fn wanted(kind: &str, value: &str) -> Option<Value> {
    Some(json!({ "kind": kind, "value": value, "reason": "持续扫描", "minutes": 30 }))
}

/// An alert about an address, open since now, with a ban that answers it.
fn alert(world: &World) -> (u64, u64) {
    let now = clock::wall_ms();
    let address = "203.0.113.9";
    let ban = NewBan {
        target: BanTarget::address(address.parse().unwrap()),
        reason: "scan".to_owned(),
        until: now + 3_600_000,
        by: "scanning".to_owned(),
        evidence: Some("1".to_owned()),
    };
    let ban = world.gateway.bans.add(ban, now).unwrap().id.0;
    let alert: hangu_situational::Alert = serde_json::from_value(json!({
        "id": 1, "time_ms": now, "last_ms": now, "rule": "path-scanning", "severity": "high",
        "title": { "zh": "扫描", "en": "scan" }, "description": { "zh": "扫描", "en": "scan" },
        "entity": { "kind": "address", "value": address }, "count": 1, "technique": null, "events": [],
        "status": "open", "response": { "kind": "ban", "until_ms": now + 3_600_000, "id": ban }, "notes": [],
    }))
    .unwrap();
    world.gateway.tower.situation().restore([alert], now);
    (1, ban)
}

#[tokio::test]
async fn a_ban_is_recorded_with_who_and_why_before_it_holds_and_can_be_lifted() {
    let world = World::new();
    let chen = world.sign_in("chen").await;
    let made = world
        .ask(&chen, "POST", BANS, wanted("address", "203.0.113.0/24"))
        .await;
    assert_eq!(made.status, StatusCode::OK, "{made:?}");
    let ban = made.json();
    assert_eq!(
        (ban["kind"].as_str(), ban["value"].as_str()),
        (Some("address"), Some("203.0.113.0/24"))
    );
    assert_eq!(ban["by"], "u:chen");
    let lasts = ban["until_ms"].as_u64().unwrap() - ban["created_ms"].as_u64().unwrap();
    assert!(lasts.abs_diff(30 * 60_000) < 10_000, "{lasts}");
    let address = "203.0.113.77".parse().unwrap();
    assert!(
        world
            .gateway
            .bans
            .address(address, clock::wall_ms())
            .is_some()
    );
    let events = world.events();
    let act = events.iter().find(|e| e.class_uid == API_ACTIVITY).unwrap();
    assert_eq!(act.api.as_ref().unwrap().operation, "ban.create");
    assert_eq!(act.unmapped.change.as_deref(), Some("30 min: 持续扫描"));
    assert_eq!(act.actor.as_ref().unwrap().user.uid, "u:chen");

    let path = format!("{BANS}/{}", ban["id"]);
    let unreasoned = world.ask(&chen, "DELETE", &path, None).await;
    assert_eq!(unreasoned.status, StatusCode::UNPROCESSABLE_ENTITY);
    let lifted = world
        .ask(&chen, "DELETE", &format!("{path}?reason=false"), None)
        .await;
    assert_eq!(lifted.status, StatusCode::NO_CONTENT);
    assert!(
        world
            .gateway
            .bans
            .address(address, clock::wall_ms())
            .is_none()
    );
    let again = world
        .ask(&chen, "DELETE", &format!("{path}?reason=false"), None)
        .await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_ban_that_cannot_be_meant_is_refused_and_leaves_none() {
    let world = World::new();
    let chen = world.sign_in("chen").await;
    for (body, status) in [
        (wanted("address", "198.51.100.0/24"), StatusCode::CONFLICT),
        (wanted("address", "0.0.0.0/0"), StatusCode::CONFLICT),
        (
            wanted("address", "2000::/3"),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            wanted("address", "somewhere"),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            wanted("certificate", "12:34"),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (wanted("caller", " "), StatusCode::UNPROCESSABLE_ENTITY),
        (wanted("caller", " anon "), StatusCode::UNPROCESSABLE_ENTITY),
        (wanted("planet", "x"), StatusCode::UNPROCESSABLE_ENTITY),
        (
            Some(json!({ "kind": "caller", "value": "u:x", "reason": "", "minutes": 1 })),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            Some(json!({ "kind": "caller", "value": "u:x", "reason": "r", "minutes": 0 })),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            Some(json!({ "kind": "caller", "value": "u:x", "reason": "r", "minutes": u64::MAX })),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
    ] {
        let answer = world.ask(&chen, "POST", BANS, body.clone()).await;
        assert_eq!(answer.status, status, "{body:?}");
        assert_eq!(world.events()[0].status_id, 2, "{body:?} left no refusal");
    }
    assert!(world.gateway.bans.list(clock::wall_ms()).is_empty());
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_done() {
    let world = World::new();
    let chen = world.sign_in("chen").await;
    let (id, _) = alert(&world);
    world.gateway.journal.close();
    let answer = world
        .ask(&chen, "POST", BANS, wanted("caller", "u:bad"))
        .await;
    assert_eq!(
        (answer.status, answer.reason().as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "event-not-recorded")
    );
    assert!(
        world
            .gateway
            .bans
            .caller("u:bad", clock::wall_ms())
            .is_none()
    );
    let note = Some(json!({ "note": "n", "verdict": "false_positive" }));
    let answer = world
        .ask(
            &chen,
            "POST",
            &format!("/admin/situational/alerts/{id}/close"),
            note,
        )
        .await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(world.gateway.bans.list(clock::wall_ms()).len(), 1);
}

#[tokio::test]
async fn closing_a_false_alarm_lifts_the_ban_that_answered_it() {
    let world = World::new();
    let chen = world.sign_in("chen").await;
    let (id, _) = alert(&world);
    let path = format!("/admin/situational/alerts/{id}");
    let taken = world
        .ask(
            &chen,
            "POST",
            &format!("{path}/acknowledge"),
            Some(json!({ "note": "看一下" })),
        )
        .await
        .json();
    assert_eq!(
        (taken["status"].as_str(), taken["notes"][0]["by"].as_str()),
        (Some("acknowledged"), Some("u:chen"))
    );
    let note = json!({ "note": "例行扫描", "verdict": "false_positive" });
    let closed = world
        .ask(&chen, "POST", &format!("{path}/close"), Some(note.clone()))
        .await;
    assert_eq!(closed.status, StatusCode::OK, "{closed:?}");
    assert_eq!(closed.json()["response"], Value::Null);
    assert!(world.gateway.bans.list(clock::wall_ms()).is_empty());
    let again = world
        .ask(&chen, "POST", &format!("{path}/close"), Some(note))
        .await;
    assert_eq!(
        (again.status, again.reason().as_str()),
        (StatusCode::CONFLICT, "alert-closed")
    );
    let list = world
        .ask(
            &chen,
            "GET",
            "/admin/situational/alerts?status=closed",
            None,
        )
        .await
        .json();
    assert_eq!(list["alerts"][0]["verdict"], "false_positive");
    assert!(
        world
            .events()
            .iter()
            .any(|e| e.class_uid == REMEDIATION_ACTIVITY)
    );
}

#[tokio::test]
async fn lifting_a_ban_by_hand_tells_the_alert_that_it_answered() {
    let world = World::new();
    let chen = world.sign_in("chen").await;
    let (id, ban) = alert(&world);
    let path = format!("{BANS}/{ban}?reason=%E8%AF%AF%E5%B0%81");
    assert_eq!(
        world.ask(&chen, "DELETE", &path, None).await.status,
        StatusCode::NO_CONTENT
    );
    let alert = world
        .gateway
        .tower
        .situation()
        .alerts()
        .get(id)
        .cloned()
        .unwrap();
    assert!(alert.response.is_none());
    assert_eq!(alert.notes.last().unwrap().text, "误封");
}

#[tokio::test]
async fn a_ban_of_nobody_says_that_it_would_ban_everybody() {
    let world = World::new();
    let chen = world.sign_in("chen").await;
    let answer = world
        .ask(&chen, "POST", BANS, wanted("caller", "anon"))
        .await;
    assert_eq!(answer.reason(), "ban-covers-everybody");
    assert!(
        answer.json()["detail_zh"]
            .as_str()
            .unwrap()
            .contains("网段")
    );
}

#[tokio::test]
async fn what_was_done_about_an_alert_is_taken_back_once_with_a_reason() {
    let world = World::new();
    let chen = world.sign_in("chen").await;
    let (id, _) = alert(&world);
    let path = format!("/admin/situational/alerts/{id}/response");
    let unreasoned = world.ask(&chen, "DELETE", &path, None).await;
    assert_eq!(unreasoned.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(world.gateway.bans.list(clock::wall_ms()).len(), 1);
    let reasoned = format!("{path}?reason=%E8%AF%AF%E5%B0%81");
    let undone = world.ask(&chen, "DELETE", &reasoned, None).await;
    assert_eq!(undone.status, StatusCode::OK, "{undone:?}");
    let undone = undone.json();
    assert_eq!(
        (&undone["response"], undone["status"].as_str()),
        (&Value::Null, Some("open"))
    );
    assert_eq!(undone["notes"][0]["text"], "误封");
    assert!(world.gateway.bans.list(clock::wall_ms()).is_empty());
    let events = world.events();
    let act = events.iter().find(|e| {
        e.api
            .as_ref()
            .is_some_and(|api| api.operation == "response.undo")
    });
    assert_eq!(act.unwrap().unmapped.change.as_deref(), Some("误封"));
    let again = world.ask(&chen, "DELETE", &reasoned, None).await;
    assert_eq!(
        (again.status, again.reason().as_str()),
        (StatusCode::CONFLICT, "nothing-to-undo")
    );
    let none = world
        .ask(
            &chen,
            "DELETE",
            "/admin/situational/alerts/99/response?reason=r",
            None,
        )
        .await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_true_alarm_keeps_its_ban_when_it_is_closed() {
    let world = World::new();
    let chen = world.sign_in("chen").await;
    let (id, _) = alert(&world);
    let note = Some(json!({ "note": "确认", "verdict": "true_positive" }));
    world
        .ask(
            &chen,
            "POST",
            &format!("/admin/situational/alerts/{id}/close"),
            note,
        )
        .await;
    assert_eq!(world.gateway.bans.list(clock::wall_ms()).len(), 1);
}

#[tokio::test]
async fn ending_sessions_of_somebody_without_any_ends_none_and_is_on_record() {
    let world = World::new();
    let chen = world.sign_in("chen").await;
    let answer = world
        .ask(
            &chen,
            "DELETE",
            "/admin/situational/callers/u%3Ali/sessions",
            None,
        )
        .await;
    assert_eq!(answer.json(), json!({ "ended": 0 }));
    let event = world
        .events()
        .into_iter()
        .find(|e| e.class_uid == API_ACTIVITY)
        .unwrap();
    assert_eq!(event.resources[0].uid, "u:li");
}
