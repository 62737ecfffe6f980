//! Who gets in, who may do what, and what every answer says to browsers.

use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, SET_COOKIE,
};
use axum::http::{Request, StatusCode};
use hangu_audit::event::{API_ACTIVITY, AUTHENTICATION};
use hangu_identity::Caller;
use hangu_identity::session::cookie;
use http_body_util::BodyExt as _;
use serde_json::json;

use super::world::{SignedIn, THREE, World, administrators};
use crate::admin::routes::ROUTES;
use crate::clock;

fn caller(world: &World, who: &SignedIn) -> Arc<Caller> {
    let id = who.cookie.split('=').nth(1).unwrap();
    Arc::clone(
        world
            .admin
            .sessions
            .find(id, None, clock::now())
            .unwrap()
            .caller(),
    )
}

/// Another session of somebody who has signed in, without the cost of a password.
fn again(world: &World, caller: &Arc<Caller>) -> SignedIn {
    let id = world
        .admin
        .sessions
        .start(Arc::clone(caller), None, None, clock::now())
        .unwrap();
    SignedIn {
        cookie: format!("{}={}", cookie::NAME, id.as_str()),
        csrf: cookie::form_token(id.as_str()),
    }
}

#[tokio::test]
async fn every_call_is_open_to_whom_the_reviewed_table_says_and_to_nobody_else() {
    let world = World::new();
    let mut signed_in = Vec::new();
    for (login, _) in THREE {
        signed_in.push(caller(&world, &world.sign_in(login).await));
    }
    let mut table = String::from("method path nobody sysadmin secadmin auditor\n");
    for route in &ROUTES {
        write!(table, "{} {}", route.method, route.path).unwrap();
        let mut columns = vec![None];
        columns.extend(signed_in.iter().map(Some));
        for who in columns {
            let who = who.map(|who| again(&world, who));
            let body = (route.method == "POST").then(|| json!({}));
            let request =
                world.request(who.as_ref(), route.method, &route.example(), body.as_ref());
            let status = world.send(request).await.status();
            let word = match status {
                StatusCode::UNAUTHORIZED => "sign-in",
                StatusCode::FORBIDDEN => "no",
                _ => "yes",
            };
            write!(table, " {word}").unwrap();
        }
        table.push('\n');
    }
    assert_eq!(table, include_str!("table.txt"));
}

#[tokio::test]
async fn what_the_session_says_is_allowed_is_what_is_allowed() {
    let world = World::new();
    let who = world.sign_in("qian").await;
    let session = world.ask(&who, "GET", "/admin/session", None).await.json();
    assert_eq!(session["user"], "u:qian");
    assert_eq!(session["role"], "auditor");
    let permissions = session["permissions"].as_array().unwrap();
    assert!(
        permissions.contains(&json!("GET /admin/audit/events/0")),
        "{permissions:?}"
    );
    assert!(
        !permissions
            .iter()
            .any(|p| p.as_str().unwrap().contains("/bans")),
        "{permissions:?}"
    );
}

#[tokio::test]
async fn a_wrong_password_opens_nothing_and_is_on_record() {
    let world = World::new();
    let body = json!({ "username": "sun", "password": "wrong" });
    let answer = world
        .answer(world.request(None, "POST", "/admin/session", Some(&body)))
        .await;
    assert_eq!(
        (answer.status, answer.reason().as_str()),
        (StatusCode::UNAUTHORIZED, "credentials-wrong")
    );
    assert!(answer.headers.get(SET_COOKIE).is_none());
    let events = world.events();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0].class_uid, events[0].status_id),
        (AUTHENTICATION, 2)
    );
    assert_eq!(
        events[0].src_endpoint.ip.unwrap().to_string(),
        "198.51.100.7"
    );
}

#[tokio::test]
async fn too_many_wrong_passwords_lock_the_name_even_for_the_right_one() {
    let world = World::new();
    let mut last = StatusCode::OK;
    for _ in 0..12 {
        let body = json!({ "username": "sun", "password": "wrong" });
        last = world
            .answer(world.request(None, "POST", "/admin/session", Some(&body)))
            .await
            .status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    let body = json!({ "username": "sun", "password": super::world::PASSWORD });
    let answer = world
        .answer(world.request(None, "POST", "/admin/session", Some(&body)))
        .await;
    assert_eq!(
        (answer.status, answer.reason().as_str()),
        (StatusCode::TOO_MANY_REQUESTS, "locked")
    );
}

#[tokio::test]
async fn nobody_is_signed_in_by_another_site() {
    let world = World::new();
    let body = json!({ "username": "sun", "password": super::world::PASSWORD });
    let mut request = world.request(None, "POST", "/admin/session", Some(&body));
    request
        .headers_mut()
        .insert("sec-fetch-site", "cross-site".parse().unwrap());
    assert_eq!(world.answer(request).await.reason(), "foreign-origin");
    let mut request = world.request(None, "POST", "/admin/session", Some(&body));
    request
        .headers_mut()
        .insert(CONTENT_TYPE, "text/plain".parse().unwrap());
    assert_eq!(
        world.answer(request).await.status,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
}

#[tokio::test]
async fn a_change_without_the_form_token_of_this_session_is_refused_and_on_record() {
    let world = World::new();
    let who = world.sign_in("sun").await;
    let other = again(&world, &caller(&world, &who));
    for token in ["", "x", other.csrf.as_str()] {
        let forged = SignedIn {
            cookie: who.cookie.clone(),
            csrf: token.to_owned(),
        };
        let answer = world
            .ask(&forged, "POST", "/admin/system/reload", None)
            .await;
        assert_eq!(
            (answer.status, answer.reason().as_str()),
            (StatusCode::FORBIDDEN, "csrf-missing"),
            "{token}"
        );
    }
    let events = world.events();
    assert_eq!(events[0].status_code.as_deref(), Some("csrf-missing"));
    assert_eq!(events[0].api.as_ref().unwrap().operation, "system.reload");
}

#[tokio::test]
async fn a_refusal_by_policy_is_on_record_before_it_is_told() {
    let world = World::new();
    let who = world.sign_in("qian").await;
    let answer = world.ask(&who, "GET", "/admin/system/status", None).await;
    assert_eq!(
        (answer.status, answer.reason().as_str()),
        (StatusCode::FORBIDDEN, "role-may-not")
    );
    let event = world.events().remove(0);
    assert_eq!((event.class_uid, event.status_id), (API_ACTIVITY, 2));
    assert_eq!(event.actor.unwrap().user.uid, "u:qian");
    assert_eq!(event.unmapped.decision.unwrap().effect, "deny");
}

#[tokio::test]
async fn signing_out_ends_the_session_at_once() {
    let world = World::new();
    let who = world.sign_in("sun").await;
    assert_eq!(
        world
            .ask(&who, "GET", "/admin/system/status", None)
            .await
            .status,
        StatusCode::OK
    );
    assert_eq!(
        world
            .ask(&who, "DELETE", "/admin/session", None)
            .await
            .status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        world
            .ask(&who, "GET", "/admin/system/status", None)
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        world.events()[1].activity_id,
        2,
        "the sign-out is on record before the refusal after it"
    );
}

#[tokio::test]
async fn whoever_leaves_the_file_of_administrators_is_out_with_the_reload() {
    let world = World::new();
    let (sun, chen) = (world.sign_in("sun").await, world.sign_in("chen").await);
    fs::write(
        world.folder.path().join("administrators.toml"),
        administrators(&[("sun", "sysadmin"), ("chen", "auditor")]),
    )
    .unwrap();
    assert_eq!(
        world
            .ask(&sun, "POST", "/admin/system/reload", None)
            .await
            .status,
        StatusCode::OK
    );
    assert_eq!(
        world
            .ask(&chen, "GET", "/admin/situational/bans", None)
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        world
            .ask(&sun, "GET", "/admin/system/status", None)
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_broken_console_policy_changes_nothing_and_says_where_it_is_wrong() {
    let world = World::new();
    let sun = world.sign_in("sun").await;
    fs::write(
        world.folder.path().join("console.csv"),
        "p, role:sysadmin, console\n",
    )
    .unwrap();
    let answer = world.ask(&sun, "POST", "/admin/system/reload", None).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let errors = answer.json()["errors"].clone();
    assert!(
        errors[0]["file"].as_str().unwrap().ends_with("console.csv"),
        "{errors}"
    );
    assert_eq!(errors[0]["line"], 1);
    let status = world.ask(&sun, "GET", "/admin/system/status", None).await;
    assert_eq!(
        status.status,
        StatusCode::OK,
        "the policy of before is still in force"
    );
    assert_eq!(status.json()["config"]["last_error"], errors);
}

#[tokio::test]
async fn bodies_that_are_too_large_or_say_too_much_are_refused() {
    let world = World::new();
    let chen = world.sign_in("chen").await;
    let ban = "/admin/situational/bans";
    let large =
        json!({ "kind": "caller", "value": "u:x", "reason": "x".repeat(70_000), "minutes": 1 });
    assert_eq!(
        world.ask(&chen, "POST", ban, Some(large)).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let extra =
        json!({ "kind": "caller", "value": "u:x", "reason": "r", "minutes": 1, "forever": true });
    let answer = world.ask(&chen, "POST", ban, Some(extra)).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        answer.json()["detail"]
            .as_str()
            .unwrap()
            .contains("`forever`"),
        "{answer:?}"
    );
    let answer = world
        .ask(&chen, "GET", "/admin/situational/alerts?state=open", None)
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(world.gateway.bans.list(clock::wall_ms()).is_empty());
}

#[tokio::test]
async fn what_does_not_exist_is_refused_or_not_found_but_never_a_page() {
    let world = World::new();
    let sun = world.sign_in("sun").await;
    for (method, path, status) in [
        ("GET", "/admin/system/nothing", StatusCode::NOT_FOUND),
        (
            "POST",
            "/admin/system/status",
            StatusCode::METHOD_NOT_ALLOWED,
        ),
        (
            "GET",
            "/admin/audit/../system/status",
            StatusCode::FORBIDDEN,
        ),
        ("GET", "/admin/%73ystem/status", StatusCode::FORBIDDEN),
        ("GET", "/admin/system//status", StatusCode::NOT_FOUND),
        ("GET", "/nothing", StatusCode::NOT_FOUND),
    ] {
        let answer = world.ask(&sun, method, path, None).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(
            answer.headers[CONTENT_TYPE], "application/problem+json",
            "{path}"
        );
    }
}

#[tokio::test]
async fn every_answer_tells_browsers_to_keep_others_out() {
    let world = World::new();
    let paths = [
        "/console/",
        "/console/nothing.js",
        "/admin/session",
        "/admin/nothing",
        "/",
    ];
    for path in paths {
        let answer = world
            .answer(Request::get(path).body(Body::empty()).unwrap())
            .await;
        let policy = answer.headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(
            answer.headers["x-content-type-options"], "nosniff",
            "{path}"
        );
        assert_eq!(
            answer.headers["strict-transport-security"], "max-age=31536000",
            "{path}"
        );
        if path.starts_with("/admin") {
            assert_eq!(answer.headers[CACHE_CONTROL], "no-store", "{path}");
        }
    }
    let root = world
        .answer(Request::get("/").body(Body::empty()).unwrap())
        .await;
    assert_eq!(root.headers[LOCATION], "/console/");
    let page = world
        .answer(Request::get("/console/").body(Body::empty()).unwrap())
        .await;
    assert_eq!(
        (page.status, page.headers[CACHE_CONTROL].to_str().unwrap()),
        (StatusCode::OK, "no-cache")
    );
    assert!(page.text.starts_with("<!doctype html>"));
}

#[tokio::test]
async fn an_address_that_calls_without_end_is_slowed_down() {
    let world = World::new();
    // Many more than may come at once: a slow machine is granted some anew meanwhile.
    for _ in 0..20_000 {
        let request = Request::get("/admin/session").body(Body::empty()).unwrap();
        if world.answer(request).await.status == StatusCode::TOO_MANY_REQUESTS {
            return;
        }
    }
    panic!("nothing slows it down");
}

#[tokio::test]
async fn a_stream_ends_with_its_session() {
    let world = World::new();
    tokio::spawn(crate::watch::run(Arc::clone(&world.gateway)));
    let chen = world.sign_in("chen").await;
    let mut response = world
        .send(world.request(Some(&chen), "GET", "/admin/situational/stream", None))
        .await;
    assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
    let first = response
        .body_mut()
        .frame()
        .await
        .unwrap()
        .unwrap()
        .into_data()
        .unwrap();
    assert!(
        first.starts_with(b"event: traffic\ndata: {\"t_ms\":"),
        "{first:?}"
    );
    assert_eq!(
        world
            .ask(&chen, "DELETE", "/admin/session", None)
            .await
            .status,
        StatusCode::NO_CONTENT
    );
    let rest = tokio::time::timeout(
        std::time::Duration::from_secs(5),
        response.into_body().collect(),
    )
    .await;
    assert!(rest.is_ok(), "the stream goes on after signing out");
}
