//! Questions about the policy, as the console asks them.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use hangu_audit::Timestamp;
use hangu_audit::event::{API_ACTIVITY, Actor, Decision, Effect, Endpoint, Event, Request, What};
use serde_json::{Value, json};

use super::world::{Answer, SignedIn, World};
use crate::admin::Admin;
use crate::admin::tools::Room;
use crate::clock;

async fn ask(world: &World, who: &SignedIn, tool: &str, body: Value) -> Answer {
    let path = format!("/admin/policy/tools/{tool}");
    world.ask(who, "POST", &path, Some(body)).await
}

/// The lines of an answer, which must be one.
async fn lines(world: &World, who: &SignedIn, tool: &str, body: Value) -> Vec<Value> {
    let answer = ask(world, who, tool, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{tool}: {}", answer.text);
    answer.json()["lines"].as_array().unwrap().clone()
}

/// The rules in force with one row left out and another put in.
async fn candidate(world: &World, who: &SignedIn, without: &str, with: &str) -> Value {
    let sources = world.ask(who, "GET", "/admin/policy/sources", None).await;
    let mut rules = sources.json()["rules"].clone();
    let text = rules[0]["text"].as_str().unwrap();
    let mut rows: Vec<&str> = text
        .lines()
        .filter(|row| without.is_empty() || !row.contains(without))
        .collect();
    rows.push(with);
    rules[0]["text"] = json!(rows.join("\n"));
    rules
}

const CLERK: &str = "p, role:clerk, hr, zone:gov, hr.gov.example, /api/v1/people/:id,";
const WIDER: &str = "p, role:clerk, hr, *, hr.gov.example, /report, ^GET$, true, allow, rate:gold";

fn request() -> Value {
    json!({
        "sub": "u:li", "dom": "hr", "src": "zone:intranet", "host": "hr.gov.example",
        "path": "/api/v1/people/1001", "act": "GET",
        "ctx": { "aal": 2, "dev": 50, "risk": 0, "min": 600, "dow": 1, "cert": false },
    })
}

#[tokio::test]
async fn the_sources_are_the_files_as_they_were_loaded() {
    let world = World::new();
    let who = world.sign_in("qian").await;
    let sources = world.ask(&who, "GET", "/admin/policy/sources", None).await;
    let sources = sources.json();
    for (member, at, file) in [
        ("model", None, "model.conf"),
        ("rules", Some(0), "rules.csv"),
        ("rules", Some(1), "roles.csv"),
        ("cases", Some(0), "cases.jsonl"),
    ] {
        let text = at.map_or(&sources[member], |at: usize| &sources[member][at]);
        let path = world.folder.path().join(file);
        assert_eq!(text["name"], json!(path), "{member}");
        assert_eq!(text["text"], std::fs::read_to_string(path).unwrap());
    }
    assert_eq!(
        sources["fields"],
        json!(["sub", "dom", "src", "host", "path", "act", "ctx"])
    );
    assert_eq!(sources["columns"].as_array().unwrap().len(), 9);
    let revision = world.gateway.snapshot.load().policy.revision.clone();
    assert_eq!(sources["revision"], revision);
}

#[tokio::test]
async fn every_tool_answers_about_the_policy_in_force_with_its_revision() {
    let world = World::new();
    let who = world.sign_in("qian").await;
    let revision = world.gateway.snapshot.load().policy.revision.clone();
    let empty = json!({});
    for tool in ["lint", "test", "replay"] {
        let answer = ask(&world, &who, tool, empty.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{tool}: {}", answer.text);
        assert_eq!(answer.json()["revision"], revision, "{tool}");
        assert_eq!(answer.headers["content-type"], "application/json");
    }
    let found = lines(&world, &who, "lint", empty).await;
    assert!(
        found.iter().all(|finding| finding["severity"] != "error"),
        "{found:?}"
    );
    let tests = lines(&world, &who, "test", json!({ "faults": true })).await;
    let [summary] = tests.as_slice() else {
        panic!("{tests:?}")
    };
    assert_eq!(
        (&summary["failed"], &summary["coverage"]["rows_missed"]),
        (&json!(0), &json!([]))
    );
    assert!(summary["faults"]["noticed"].as_u64().unwrap() > 60);
    let proved = lines(&world, &who, "prove", json!({})).await;
    assert!(proved.is_empty(), "there are no statements: {proved:?}");
    let why = lines(&world, &who, "explain", json!({ "request": request() })).await;
    assert_eq!(why[0]["decision"]["effect"], "deny");
    let set = &why[0]["would_allow"][0]["set"];
    assert_eq!(set, &json!([{ "name": "r.ctx.dev", "from": 50, "to": 60 }]));
    let asked = json!({ "dom": "hr", "src": "zone:intranet", "host": "hr.gov.example", "path": "/api/v1/people/1001/salary", "act": "GET" });
    let can = lines(&world, &who, "who-can", json!({ "request": asked })).await;
    let names: Vec<&Value> = can.iter().map(|who| &who["who"]).collect();
    assert_eq!(names, ["u:zhao"]);
    assert_eq!(can[0]["answer"], "perhaps");
    let can = lines(
        &world,
        &who,
        "what-can",
        json!({ "request": { "sub": "svc:report" } }),
    )
    .await;
    let text = can[0]["allowed_by"].to_string();
    assert!(text.contains("/api/v1/enterprises/:code"), "{text}");
    assert!(!text.contains("/salary"), "{text}");
    // As an array too, as the other commands read it; what is none is said in a line, as the command does.
    let wrong = lines(&world, &who, "explain", json!({ "request": ["u:li"] })).await;
    assert_eq!(
        wrong,
        [json!({ "error": "the request has 1 values; the model defines 7" })]
    );
}

#[tokio::test]
async fn a_candidate_is_answered_for_by_its_own_revision_and_put_into_force_by_nothing() {
    let world = World::new();
    let who = world.sign_in("chen").await;
    let before = world.gateway.snapshot.load().policy.revision.clone();
    let rules = candidate(&world, &who, CLERK, WIDER).await;
    let answer = ask(&world, &who, "diff", json!({ "rules": rules.clone() })).await;
    let answer = answer.json();
    assert_ne!(answer["revision"], before);
    let regions = answer["lines"].as_array().unwrap();
    let one = |kind: &str| {
        let found: Vec<&Value> = regions.iter().filter(|r| r["kind"] == kind).collect();
        assert_eq!(found.len(), 1, "{regions:?}");
        found[0].clone()
    };
    let (removed, added) = (one("row-removed"), one("row-added"));
    assert!(removed["text"].as_str().unwrap().contains("role:clerk"));
    assert_eq!(removed["lost"]["sub"], "u:li");
    assert_eq!(added["gained"]["path"], "/report");
    assert!(added["lost"].is_null() && removed["gained"].is_null());
    let failing = lines(&world, &who, "test", json!({ "rules": rules.clone() })).await;
    let failed: Vec<&Value> = failing
        .iter()
        .filter_map(|line| line.get("failure"))
        .collect();
    assert_eq!(failed.len(), 1, "{failing:?}");
    let name = failed[0]["name"].as_str().unwrap();
    assert!(name.contains("a clerk reads a person masked"), "{name}");
    let own = json!([{ "name": "own", "text": "{\"r\": {\"sub\": \"x\"}, \"exp\": false}\n" }]);
    let own = lines(
        &world,
        &who,
        "test",
        json!({ "rules": rules, "cases": own }),
    )
    .await;
    assert_eq!((&own[0]["run"], &own[0]["failed"]), (&json!(1), &json!(0)));
    assert_eq!(world.gateway.snapshot.load().policy.revision, before);
}

#[tokio::test]
async fn statements_are_proved_of_a_candidate_before_the_configuration_in_force() {
    let world = World::new();
    let who = world.sign_in("qian").await;
    let said = |text: &str| json!([{ "name": "new.statements", "text": text }]);
    let both =
        "role:suspended never reaches any portal\nportal staff is reached only from internet\n";
    let asked = json!({ "statements": said(both) });
    let found = lines(&world, &who, "prove", asked).await;
    let told: Vec<_> = found
        .iter()
        .map(|one| (&one["line"], &one["verdict"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!(1), &json!("proved")),
            (&json!(2), &json!("refuted"))
        ]
    );
    // Portals and zones are those of the configuration, and the witness is a request that is let in.
    let witness = &found[1]["witness"];
    assert_eq!(witness["portal"], "staff");
    assert_eq!(witness["from"], "intranet");
    let why = lines(
        &world,
        &who,
        "explain",
        json!({ "request": witness["request"] }),
    )
    .await;
    assert_eq!(why[0]["decision"]["effect"], "allow");
    assert!(
        found[1]["message_zh"]
            .as_str()
            .unwrap()
            .starts_with("不成立")
    );
    let broken = ask(
        &world,
        &who,
        "prove",
        json!({ "statements": said("\nnobody flies\n") }),
    )
    .await;
    assert_eq!(broken.status, StatusCode::UNPROCESSABLE_ENTITY);
    let broken = broken.json();
    assert_eq!(
        (&broken["reason"], &broken["mistakes"][0]["line"]),
        (&json!("policy-refused"), &json!(2))
    );
    // What is asked is in force by no means.
    let sources = world.ask(&who, "GET", "/admin/policy/sources", None).await;
    assert!(!sources.text.contains("new.statements"));
}

#[tokio::test]
async fn a_broken_candidate_is_refused_with_every_mistake_and_its_place() {
    let world = World::new();
    let who = world.sign_in("chen").await;
    let rules = json!([{ "name": "mine.csv", "text": "p, a\nz, b\n" }]);
    for tool in ["lint", "diff", "replay", "test"] {
        let answer = ask(&world, &who, tool, json!({ "rules": rules })).await;
        assert_eq!(
            (answer.status, answer.reason().as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, "policy-refused")
        );
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        let mistakes = answer.json()["mistakes"].as_array().unwrap().clone();
        let places: Vec<(&Value, &Value)> =
            mistakes.iter().map(|m| (&m["file"], &m["line"])).collect();
        let file = json!("mine.csv");
        assert_eq!(places, [(&file, &json!(1)), (&file, &json!(2))]);
        assert!(
            mistakes
                .iter()
                .all(|m| m["column"].is_u64() && m["help"].is_string())
        );
        let zh = |key: &str| [&mistakes[0], &mistakes[1]].map(|m| m[key].clone());
        assert_eq!(
            zh("message_zh"),
            [
                "这一行有 1 个字段（不含 `p`），模型定义了 9 个",
                "模型没有定义行类型 `z`"
            ]
        );
        assert_eq!(zh("help_zh")[1], "已定义的有 p、g、g2");
    }
    let cases = json!([{ "name": "t", "text": "\n{\"r\": []}\n" }]);
    let answer = ask(&world, &who, "test", json!({ "cases": cases })).await;
    assert_eq!(answer.json()["mistakes"][0]["line"], 2);
    let many = "z\n".repeat(5_000);
    let rules = json!([{ "name": "mine.csv", "text": many }]);
    let answer = ask(&world, &who, "lint", json!({ "rules": rules })).await;
    assert_eq!(answer.json()["mistakes"].as_array().unwrap().len(), 200);
    assert!(answer.json()["detail"].as_str().unwrap().contains("5000"));
}

#[tokio::test]
async fn what_a_tool_does_not_look_at_is_refused_and_so_is_more_than_may_be_asked() {
    let world = World::new();
    let who = world.sign_in("chen").await;
    let text = |text: &str| json!([{ "name": "r", "text": text }]);
    let refused = [
        ("lint", json!({ "request": {} })),
        ("lint", json!({ "cases": [] })),
        ("lint", json!({ "statements": [] })),
        ("test", json!({ "statements": [] })),
        ("prove", json!({ "cases": [] })),
        ("diff", json!({})),
        ("explain", json!({})),
        ("who-can", json!({ "events": 3, "request": {} })),
        ("replay", json!({ "events": 0 })),
        ("replay", json!({ "events": 100_001 })),
        ("replay", json!({ "events": -1 })),
        ("test", json!({ "fault": true })),
        ("lint", json!({ "rules": text(&"\n".repeat(100_001)) })),
        (
            "lint",
            json!({ "rules": vec![json!({ "name": "", "text": "" }); 257] }),
        ),
        (
            "lint",
            json!({ "rules": [{ "name": "n".repeat(513), "text": "" }] }),
        ),
    ];
    for (tool, body) in refused {
        let answer = ask(&world, &who, tool, body).await;
        assert_eq!(
            (answer.status, answer.reason().as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, "malformed"),
            "{tool}: {}",
            answer.text
        );
    }
    let answer = ask(
        &world,
        &who,
        "lint",
        json!({ "rules": text(&"x".repeat(9 << 20)) }),
    )
    .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let answer = ask(&world, &who, "delete", json!({})).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let answer = ask(
        &world,
        &who,
        "lint",
        json!({ "rules": text(&format!("p, *, *, *, *, /*, *, true, deny,\n{}", " \n".repeat(99_999))) }),
    )
    .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}

#[tokio::test]
async fn a_tool_that_runs_out_of_time_gives_no_part_of_an_answer() {
    let mut world = World::new();
    let who = world.sign_in("chen").await;
    let mut admin = Admin::new(Arc::clone(&world.gateway)).unwrap();
    std::mem::swap(
        &mut admin.sessions,
        &mut Arc::get_mut(&mut world.admin).unwrap().sessions,
    );
    admin.tools = Arc::new(Room::new(Duration::ZERO));
    world.admin = Arc::new(admin);
    let rules = candidate(&world, &who, CLERK, WIDER).await;
    for (tool, body) in [
        ("lint", json!({})),
        ("test", json!({})),
        ("explain", json!({ "request": request() })),
        ("who-can", json!({ "request": {} })),
        ("what-can", json!({ "request": {} })),
        ("prove", json!({})),
        ("diff", json!({ "rules": rules })),
    ] {
        let answer = ask(&world, &who, tool, body).await;
        assert_eq!(
            (answer.status, answer.reason().as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, "tool-unfinished"),
            "{tool}"
        );
    }
}

#[tokio::test]
async fn an_administrator_asks_one_question_at_a_time() {
    let world = World::new();
    let (chen, qian) = (world.sign_in("chen").await, world.sign_in("qian").await);
    let turn = world.admin.tools.turn("u:chen").unwrap();
    let busy = ask(&world, &chen, "lint", json!({})).await;
    assert_eq!(
        (busy.status, busy.reason().as_str()),
        (StatusCode::TOO_MANY_REQUESTS, "tool-busy")
    );
    assert!(busy.headers.contains_key("retry-after"));
    assert_eq!(world.events()[0].status_code.as_deref(), Some("tool-busy"));
    let other = ask(&world, &qian, "lint", json!({})).await;
    assert_eq!(other.status, StatusCode::OK);
    drop(turn);
    let again = ask(&world, &chen, "lint", json!({})).await;
    assert_eq!(again.status, StatusCode::OK);
}

#[tokio::test]
async fn every_question_leaves_one_event_with_the_tool_whether_it_is_answered_or_not() {
    let world = World::new();
    let who = world.sign_in("qian").await;
    let before = world.events().len();
    ask(&world, &who, "lint", json!({})).await;
    let broken = json!({ "rules": [{ "name": "r", "text": "z\n" }] });
    ask(&world, &who, "lint", broken).await;
    ask(&world, &who, "lint", json!({ "events": 1 })).await;
    let events = world.events();
    assert_eq!(events.len(), before + 3);
    for event in &events[..3] {
        assert_eq!(event.class_uid, API_ACTIVITY);
        assert_eq!(event.api.as_ref().unwrap().operation, "policy.ask");
        assert_eq!(event.actor.as_ref().unwrap().user.uid, "u:qian");
    }
    assert_eq!(events[0].status_code.as_deref(), Some("malformed"));
}

/// Writes a decision into the log.
async fn write(world: &World, path: &str, effect: Effect, revision: &str) {
    written(world, path, effect, revision, None).await;
}

async fn written(world: &World, path: &str, effect: Effect, revision: &str, trust: Option<u8>) {
    let now = Timestamp(i64::try_from(clock::wall_ms()).unwrap());
    let id = world.gateway.ids.next();
    let mut event = Event::new(now, What::Http, id.as_str());
    event.source = Endpoint {
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
        device_trust: trust,
        ..Actor::default()
    });
    event.decision = Some(Decision {
        id: id.as_str(),
        effect,
        rules: &["rules.csv:1"],
        revision,
        grounds: None,
        obligations: &[],
    });
    let record = event.to_record();
    world.gateway.journal.durable(&record, None).await.unwrap();
}

#[tokio::test]
async fn a_replay_shows_each_flip_of_the_newest_decisions_and_counts_the_rest() {
    let world = World::new();
    let who = world.sign_in("qian").await;
    let revision = world.gateway.snapshot.load().policy.revision.clone();
    write(&world, "/old", Effect::Allow, "another").await;
    write(&world, "/report", Effect::Deny, &revision).await;
    write(&world, "/", Effect::Allow, &revision).await;
    // Trust in the device, which this rested on, was not in events once.
    write(&world, "/api/v1/people/7", Effect::Allow, &revision).await;
    let own = lines(&world, &who, "replay", json!({})).await;
    let summary = |lines: &[Value]| lines.last().unwrap()["summary"].clone();
    assert_eq!(
        own.len(),
        3,
        "one is unjudged, one of another revision differs: {own:?}"
    );
    assert!(own[0]["error"].as_str().unwrap().contains("facts"));
    assert_eq!(
        (&own[1]["was"], &own[1]["now"]),
        (&json!("allow"), &json!("deny"))
    );
    assert_eq!(summary(&own)["unjudged"], 1);
    let rules = candidate(&world, &who, "/, ^GET$, r.ctx.aal >= 1", WIDER).await;
    let asked = json!({ "rules": rules, "events": 3 });
    let flips = lines(&world, &who, "replay", asked).await;
    let summary = summary(&flips);
    assert_eq!(
        (
            &summary["replayed"],
            &summary["gained"],
            &summary["lost"],
            &summary["same"]
        ),
        (&json!(2), &json!(1), &json!(1), &json!(0)),
        "{flips:?}"
    );
    let gained = flips.iter().find(|flip| flip["now"] == "allow").unwrap();
    assert_eq!(gained["request"]["path"], "/report");
    assert_eq!(summary["by_caller"]["u:li"], 2);
    assert_eq!(summary["by_portal"]["staff"], 2);
    let trusted = "/api/v1/people/8";
    written(&world, trusted, Effect::Allow, &revision, Some(70)).await;
    written(&world, trusted, Effect::Deny, &revision, Some(50)).await;
    let of = |lines: &[Value]| lines.last().unwrap()["summary"].clone();
    let told = lines(&world, &who, "replay", json!({ "events": 2 })).await;
    assert_eq!(of(&told)["unjudged"], 0, "{told:?}");
    assert_eq!(
        (&of(&told)["same"], &of(&told)["lost"]),
        (&json!(2), &json!(0)),
        "{told:?}"
    );
}
