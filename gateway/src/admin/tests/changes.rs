//! Policy changes: proposed by one, approved by another, tried, put into force, taken back, and all of it on record.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::http::StatusCode;
use hangu_audit::event::API_ACTIVITY;
use hangu_identity::{Caller, CallerKind};
use serde_json::{Value, json};

use super::world::{Answer, SignedIn, World};
use crate::clock;
use crate::gateway::Gateway;
use crate::policy::office::Done;
use crate::stage::decide::Question;
use crate::start;

const CHANGES: &str = "/admin/policy/changes";
const HOUR: u64 = 3_600_000;

/// The live rules with a row more.
async fn with_row(world: &World, who: &SignedIn, row: &str) -> Value {
    let id = world.ask(who, "GET", CHANGES, None).await.json()["live"]["change"].clone();
    let live = world
        .ask(who, "GET", &format!("{CHANGES}/{id}"), None)
        .await;
    let mut rules = live.json()["rules"].clone();
    let text = rules[0]["text"].as_str().unwrap().to_owned();
    rules[0]["text"] = json!(format!("{text}\n{row}\n"));
    rules
}

async fn propose(world: &World, who: &SignedIn, row: &str) -> Answer {
    let rules = with_row(world, who, row).await;
    let body = json!({ "reason": "窗口需要", "rules": rules });
    world.ask(who, "POST", CHANGES, Some(body)).await
}

async fn step(world: &World, who: &SignedIn, id: &Value, step: &str, mut body: Value) -> Answer {
    body["reason"] = json!("核对无误");
    world
        .ask(who, "POST", &format!("{CHANGES}/{id}/{step}"), Some(body))
        .await
}

/// Approves what the change brings now.
async fn approve(world: &World, who: &SignedIn, change: &Value) -> Answer {
    let bundle = json!({ "bundle": change["bundle"] });
    step(world, who, &change["id"], "approve", bundle).await
}

/// What policy says to a person of a department who reads something new.
fn may(gateway: &Gateway, id: &str, department: &str) -> bool {
    let snapshot = gateway.snapshot.load();
    let caller = Caller {
        id: id.to_owned(),
        kind: CallerKind::Person,
        department: Some(department.to_owned()),
        ..(*Caller::nobody()).clone()
    };
    let question = Question {
        sub: id,
        dom: "hr",
        src: "zone:intranet",
        host: "hr.gov.example",
        path: "/new/1",
        act: "GET",
        aal: 3,
        dev: 100,
        risk: 0,
        time: snapshot.calendar.at(clock::wall_ms()),
        cert: true,
    };
    let trial = snapshot.trial.as_ref().unwrap();
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let now = clock::wall_ms();
    let decided = question.with(|values| {
        trial
            .decide(values, &caller, address, now)
            .map(|(decision, _)| decision.into_permit().is_ok())
    });
    decided.unwrap()
}

const ROW: &str = "p, u:novice, hr, *, hr.gov.example, /new/*, ^GET$, true, allow,";

#[tokio::test]
async fn a_change_is_live_once_somebody_else_approved_it_and_not_before() {
    let world = World::reviewed();
    let (chen, zhou) = (world.sign_in("chen").await, world.sign_in("zhou").await);
    let proposed = propose(&world, &chen, ROW).await;
    assert_eq!(proposed.status, StatusCode::CREATED, "{proposed:?}");
    let change = proposed.json();
    assert_eq!(change["stage"], "review");
    assert_eq!(
        (&change["required"], &change["reach"]["gain"]),
        (&json!(1), &json!(1))
    );
    assert!(!may(&world.gateway, "u:novice", "hr"));

    let id = &change["id"];
    let early = step(&world, &chen, id, "advance", json!({ "to": "live" })).await;
    assert_eq!(
        (early.status, early.reason()),
        (StatusCode::CONFLICT, "approvals-missing".to_owned())
    );
    let unnamed = step(&world, &zhou, id, "approve", json!({})).await;
    assert_eq!(unnamed.status, StatusCode::UNPROCESSABLE_ENTITY);
    let own = approve(&world, &chen, &change).await;
    assert_eq!(
        (own.status, own.reason()),
        (StatusCode::FORBIDDEN, "own-change".to_owned())
    );
    let stale = json!({ "bundle": "0".repeat(64) });
    let stale = step(&world, &zhou, id, "approve", stale).await;
    assert_eq!(stale.reason(), "changed-meanwhile");
    let approved = approve(&world, &zhou, &change).await;
    assert_eq!(approved.json()["stage"], "approved", "{approved:?}");
    assert!(!may(&world.gateway, "u:novice", "hr"));

    let live = step(&world, &chen, id, "advance", json!({ "to": "live" })).await;
    assert_eq!(live.json()["stage"], "live", "{live:?}");
    assert!(may(&world.gateway, "u:novice", "hr"));
    let listed = world.ask(&chen, "GET", CHANGES, None).await.json();
    assert_eq!(listed["live"]["bundle"], change["bundle"]);
    assert_eq!(listed["changes"][1]["stage"], "superseded");

    // What was done is on record, and every refusal once.
    let events = world.events();
    let acts: Vec<(&str, Option<&str>)> = events
        .iter()
        .filter(|event| event.class_uid == API_ACTIVITY)
        .filter_map(|event| {
            let name = event
                .api
                .as_ref()?
                .operation
                .strip_prefix("policy-change.")?;
            Some((name, event.status_code.as_deref()))
        })
        .filter(|(name, _)| !matches!(*name, "read" | "list"))
        .collect();
    let expected = [
        ("advance", None),
        ("approve", None),
        ("approve", Some("changed-meanwhile")),
        ("approve", Some("own-change")),
        ("approve", Some("malformed")),
        ("advance", Some("approvals-missing")),
        ("propose", None),
    ];
    assert_eq!(acts, expected);

    let back = world
        .ask(
            &zhou,
            "POST",
            "/admin/policy/rollback",
            Some(json!({ "reason": "投诉增多" })),
        )
        .await;
    assert_eq!(back.status, StatusCode::OK, "{back:?}");
    assert!(!may(&world.gateway, "u:novice", "hr"));
}

#[tokio::test]
async fn a_proposal_that_does_not_load_or_whose_tests_fail_leaves_nothing_behind() {
    let world = World::reviewed();
    let chen = world.sign_in("chen").await;
    let broken = propose(
        &world,
        &chen,
        "p, u:novice, hr, *, hr.gov.example, /new/*, ^(GET$, true, allow,",
    )
    .await;
    assert_eq!(
        (broken.status, broken.reason()),
        (
            StatusCode::UNPROCESSABLE_ENTITY,
            "policy-refused".to_owned()
        ),
        "{broken:?}"
    );
    let mistake = &broken.json()["errors"][0];
    assert!(mistake["line"].as_u64().unwrap() > 1, "{mistake}");
    let unrated = propose(
        &world,
        &chen,
        "p, u:novice, hr, *, hr.gov.example, /new/*, ^GET$, true, allow, rate:platinum",
    )
    .await;
    assert_eq!(unrated.status, StatusCode::UNPROCESSABLE_ENTITY);
    let rules = with_row(&world, &chen, ROW).await;
    let cases = json!([{ "name": "new.jsonl", "text":
        "{\"r\": [\"u:novice\", \"hr\", \"zone:intranet\", \"hr.gov.example\", \"/new/1\", \"GET\", {\"aal\": 3, \"dev\": 0, \"risk\": 0, \"min\": 600, \"dow\": 3, \"cert\": true}], \"exp\": false}\n" }]);
    let body = json!({ "reason": "x", "rules": rules, "cases": cases });
    let failing = world.ask(&chen, "POST", CHANGES, Some(body)).await;
    assert_eq!(
        (failing.status, failing.reason()),
        (StatusCode::UNPROCESSABLE_ENTITY, "tests-fail".to_owned()),
        "{failing:?}"
    );
    let mistake = &failing.json()["mistakes"][0];
    assert_eq!(
        (&mistake["file"], &mistake["line"]),
        (&json!("new.jsonl"), &json!(1)),
        "{failing:?}"
    );
    let listed = world.ask(&chen, "GET", CHANGES, None).await.json();
    assert_eq!(listed["changes"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_shadow_changes_nothing_and_a_canary_only_for_its_department() {
    let world = World::reviewed();
    let (chen, zhou) = (world.sign_in("chen").await, world.sign_in("zhou").await);
    let change = propose(&world, &chen, ROW).await.json();
    let id = &change["id"];
    approve(&world, &zhou, &change).await;
    let shadow = step(&world, &chen, id, "advance", json!({ "to": "shadow" })).await;
    assert_eq!(shadow.json()["stage"], "shadow", "{shadow:?}");
    assert!(!may(&world.gateway, "u:novice", "hr"));
    let seen = world.ask(&chen, "GET", CHANGES, None).await.json();
    let candidate = &seen["candidate"];
    assert_eq!(
        (&candidate["mode"], &candidate["refused_less"]),
        (&json!("shadow"), &json!(1)),
        "{candidate}"
    );
    assert_eq!(candidate["differences"][0]["sample"]["caller"], "u:novice");
    assert_eq!(
        candidate["differences"][0]["sample"]["request"]["path"], "/new/1",
        "{candidate}"
    );

    let canary = json!({ "to": "canary", "departments": ["tax"], "share": 100 });
    let canary = step(&world, &chen, id, "advance", canary).await;
    assert_eq!(
        (&canary.json()["stage"], &canary.json()["share"]),
        (&json!("canary"), &json!(100))
    );
    assert!(!may(&world.gateway, "u:novice", "hr"));
    assert!(may(&world.gateway, "u:novice", "tax"));
    let wrong = json!({ "to": "canary", "share": 0 });
    let wrong = step(&world, &chen, id, "advance", wrong).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let taken = step(&world, &zhou, id, "rollback", json!({})).await;
    assert_eq!(taken.json()["stage"], "rolled-back", "{taken:?}");
    assert!(!may(&world.gateway, "u:novice", "tax"));
}

#[tokio::test]
async fn a_candidate_that_refuses_callers_who_used_to_get_in_is_taken_back_by_itself() {
    let world = World::reviewed();
    let (chen, zhou) = (world.sign_in("chen").await, world.sign_in("zhou").await);
    let open = "p, *, hr, *, hr.gov.example, /new/*, ^GET$, true, allow,";
    let change = propose(&world, &chen, open).await.json();
    assert_eq!(change["required"], 2, "{change}");
    for who in [&zhou, &world.sign_in("wu").await] {
        approve(&world, who, &change).await;
    }
    let live = step(
        &world,
        &chen,
        &change["id"],
        "advance",
        json!({ "to": "live" }),
    )
    .await;
    assert_eq!(live.json()["stage"], "live", "{live:?}");
    let people: Vec<String> = (0..20).map(|i| format!("u:clerk-{i}")).collect();
    for id in &people {
        assert!(may(&world.gateway, id, "hr"));
    }
    let close = "p, *, hr, *, hr.gov.example, /new/*, *, true, deny,";
    let change = propose(&world, &chen, close).await.json();
    assert_eq!(change["required"], 1, "{change}");
    approve(&world, &zhou, &change).await;
    let canary = json!({ "to": "canary", "share": 100 });
    step(&world, &chen, &change["id"], "advance", canary).await;
    let refused = people
        .iter()
        .filter(|id| !may(&world.gateway, id, "hr"))
        .count();
    assert!((1..20).contains(&refused), "{refused}");
    for id in &people {
        assert!(
            may(&world.gateway, id, "hr"),
            "the live policy decides again at once"
        );
    }
    let office = world.gateway.office.as_ref().unwrap();
    let done = office.tend(&world.gateway, clock::wall_ms());
    assert!(
        matches!(done.as_slice(), [Done::TakenBack(_, why)] if why.contains("used to get in")),
        "{done:?}"
    );
    let listed = world.ask(&chen, "GET", CHANGES, None).await.json();
    assert_eq!(
        (&listed["candidate"], &listed["changes"][0]["stage"]),
        (&Value::Null, &json!("rolled-back"))
    );
    assert_eq!(office.tend(&world.gateway, clock::wall_ms()), []);
}

#[tokio::test]
async fn an_emergency_is_live_at_once_ends_by_itself_and_owes_a_review() {
    let world = World::reviewed();
    let (chen, zhou) = (world.sign_in("chen").await, world.sign_in("zhou").await);
    let now = clock::wall_ms();
    let rules = with_row(&world, &chen, ROW).await;
    let asked = |until: u64| {
        Some(json!({ "reason": "值班放行", "rules": rules, "emergency_until_ms": until }))
    };
    let long = world
        .ask(&chen, "POST", CHANGES, asked(now + 25 * HOUR))
        .await;
    assert_eq!(long.reason(), "emergency-time", "{long:?}");
    let made = world.ask(&chen, "POST", CHANGES, asked(now + HOUR)).await;
    assert_eq!(made.json()["stage"], "live", "{made:?}");
    assert!(may(&world.gateway, "u:novice", "hr"));
    let office = world.gateway.office.as_ref().unwrap();
    assert_eq!(office.tend(&world.gateway, now + HOUR / 2), []);
    assert!(may(&world.gateway, "u:novice", "hr"));
    let done = office.tend(&world.gateway, now + HOUR + 1);
    assert!(matches!(done.as_slice(), [Done::Expired(_)]), "{done:?}");
    assert!(!may(&world.gateway, "u:novice", "hr"));
    let id = &made.json()["id"];
    let listed = world.ask(&chen, "GET", CHANGES, None).await.json();
    assert_eq!(listed["changes"][0]["stage"], "expired");
    assert!(listed["changes"][0]["review_due_ms"].is_u64());
    let own = step(&world, &chen, id, "review", json!({})).await;
    assert_eq!(own.reason(), "own-change");
    let looked = step(&world, &zhou, id, "review", json!({})).await;
    assert_eq!(looked.json()["review_due_ms"], Value::Null, "{looked:?}");
}

#[tokio::test]
async fn what_is_live_outlives_a_restart_and_edits_of_the_files_change_nothing() {
    let world = World::reviewed();
    let (chen, zhou) = (world.sign_in("chen").await, world.sign_in("zhou").await);
    let change = propose(&world, &chen, ROW).await.json();
    approve(&world, &zhou, &change).await;
    step(
        &world,
        &chen,
        &change["id"],
        "advance",
        json!({ "to": "live" }),
    )
    .await;
    let rules = world.folder.path().join("rules.csv");
    fs::write(&rules, "p, *, *, *, *, /*, *, true, deny,\n").unwrap();
    crate::reload::reload(&world.gateway).unwrap();
    assert!(may(&world.gateway, "u:novice", "hr"));
    fs::write(&rules, "p, u:a, hr\n").unwrap();
    let world = world.restarted();
    assert!(may(&world.gateway, "u:novice", "hr"));
    let listed = world
        .ask(&world.sign_in("chen").await, "GET", CHANGES, None)
        .await
        .json();
    assert_eq!(listed["live"]["bundle"], change["bundle"]);
}

#[tokio::test]
async fn an_emergency_that_ran_out_is_out_of_force_before_its_end_is_written_down() {
    let world = World::reviewed();
    let chen = world.sign_in("chen").await;
    let until = clock::wall_ms() + HOUR;
    let rules = with_row(&world, &chen, ROW).await;
    let asked = json!({ "reason": "值班放行", "rules": rules, "emergency_until_ms": until });
    world.ask(&chen, "POST", CHANGES, Some(asked)).await;
    assert!(may(&world.gateway, "u:novice", "hr"));
    let office = world.gateway.office.as_ref().unwrap();
    let serial = |world: &World| Arc::as_ptr(&world.gateway.snapshot.load());
    office.act(&world.gateway, until + 1, |_| Ok(())).unwrap();
    assert!(!may(&world.gateway, "u:novice", "hr"));
    let first = serial(&world);
    office.act(&world.gateway, until + 2, |_| Ok(())).unwrap();
    assert_eq!(
        first,
        serial(&world),
        "the same policy is put into force once"
    );
    let listed = world.ask(&chen, "GET", CHANGES, None).await.json();
    assert_eq!(listed["changes"][0]["stage"], "live", "not on record yet");
    let done = office.tend(&world.gateway, until + 3);
    assert!(matches!(done.as_slice(), [Done::Expired(_)]), "{done:?}");
}

#[tokio::test]
async fn nothing_goes_back_to_a_policy_that_the_configuration_cannot_serve_any_more() {
    let world = World::reviewed();
    let (chen, zhou) = (world.sign_in("chen").await, world.sign_in("zhou").await);
    let mut rules = with_row(&world, &chen, ROW).await;
    for file in rules.as_array_mut().unwrap() {
        let text = file["text"]
            .as_str()
            .unwrap()
            .replace("rate:silver", "rate:gold");
        file["text"] = json!(text);
    }
    let asked = json!({ "reason": "取消银级", "rules": rules });
    let change = world.ask(&chen, "POST", CHANGES, Some(asked)).await.json();
    approve(&world, &zhou, &change).await;
    approve(&world, &world.sign_in("wu").await, &change).await;
    let live = step(
        &world,
        &chen,
        &change["id"],
        "advance",
        json!({ "to": "live" }),
    )
    .await;
    assert_eq!(live.json()["stage"], "live", "{live:?}");
    let configuration = world.folder.path().join("hangu.toml");
    let text = fs::read_to_string(&configuration).unwrap();
    let (kept, gone): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| !line.starts_with("silver"));
    assert_eq!(gone.len(), 1);
    fs::write(&configuration, kept.join("\n")).unwrap();
    crate::reload::reload(&world.gateway).unwrap();

    let back = Some(json!({ "reason": "投诉增多" }));
    let refused = world
        .ask(&zhou, "POST", "/admin/policy/rollback", back.clone())
        .await;
    assert_eq!(
        (refused.status, refused.reason()),
        (
            StatusCode::UNPROCESSABLE_ENTITY,
            "policy-refused".to_owned()
        ),
        "{refused:?}"
    );
    let why = refused.json()["errors"][0]["message"].to_string();
    assert!(why.contains("limit.class.silver"), "{why}");
    let listed = world.ask(&chen, "GET", CHANGES, None).await.json();
    assert_eq!(listed["changes"][0]["stage"], "live");
    assert!(may(&world.gateway, "u:novice", "hr"));

    fs::write(&configuration, &text).unwrap();
    crate::reload::reload(&world.gateway).unwrap();
    let done = world
        .ask(&zhou, "POST", "/admin/policy/rollback", back)
        .await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    assert!(!may(&world.gateway, "u:novice", "hr"));
}

#[tokio::test]
async fn a_record_that_was_edited_or_set_back_is_not_served() {
    let world = World::reviewed();
    let chen = world.sign_in("chen").await;
    let state = world.folder.path().join("state");
    let early = world.folder.path().join("early");
    let configuration = world.folder.path().join("hangu.toml");
    propose(&world, &chen, ROW).await;
    fs::create_dir(&early).unwrap();
    for file in ["policy.db", "policy.db-wal"] {
        if state.join(file).exists() {
            fs::copy(state.join(file), early.join(file)).unwrap();
        }
    }
    propose(
        &world,
        &chen,
        "p, u:other, hr, *, hr.gov.example, /new/*, ^GET$, true, allow,",
    )
    .await;
    let folder = world.close();
    for file in ["policy.db", "policy.db-wal", "policy.db-shm"] {
        let _gone = fs::remove_file(state.join(file));
        if early.join(file).exists() {
            fs::copy(early.join(file), state.join(file)).unwrap();
        }
    }
    let refused = start::gateway(&configuration).err().unwrap();
    assert!(
        refused[0].message.contains("set back or exchanged"),
        "{refused:?}"
    );
    drop(folder);
}

#[tokio::test]
async fn where_policy_follows_its_files_changes_are_refused_with_what_to_write() {
    let world = World::new();
    let chen = world.sign_in("chen").await;
    let listed = world.ask(&chen, "GET", CHANGES, None).await.json();
    assert_eq!(listed["reviewed"], false);
    let body = json!({ "reason": "x", "rules": [] });
    let refused = world.ask(&chen, "POST", CHANGES, Some(body)).await;
    assert_eq!(
        (refused.status, refused.reason()),
        (StatusCode::CONFLICT, "changes-not-reviewed".to_owned())
    );
    assert!(
        refused.json()["detail"]
            .as_str()
            .unwrap()
            .contains("[policy.review]")
    );
}
