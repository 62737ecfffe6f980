//! What inspection reads besides attacks: whether a request is one that the portal publishes, and what its answers give
//! away.

use std::net::{Ipv4Addr, SocketAddr};

use hangu_portals::Kind;
use hangu_tests::outcome::word;
use hangu_tests::{Answer, Pass, Plan, Zone};
use http::Request;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use toml::Table;

const PUBLIC: &str = "portal.gov.example";
const RULES: &str = "p, *, portal, *, portal.gov.example, /*, ^(GET|POST|PUT)$, true, allow,";

const DOCUMENT: &str = r#"
openapi: 3.0.3
info: { title: "办事", version: "1" }
paths:
  /echo/{id}:
    parameters:
      - { name: id, in: path, required: true, schema: { type: integer, minimum: 1 } }
    get:
      parameters:
        - { name: page, in: query, schema: { type: integer } }
      responses: { "200": { description: ok } }
    post:
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [name]
              properties: { name: { type: string, maxLength: 20 }, age: { type: integer } }
      responses: { "200": { description: ok } }
"#;

fn plan(inspect: &str) -> Plan {
    let plan = Plan::new()
        .portal("public", |p| {
            let settings: Table = inspect.parse().unwrap();
            p.insert("inspect".into(), settings.into());
        })
        .rules(RULES);
    std::fs::write(plan.path("configs/public.yaml"), DOCUMENT).unwrap();
    plan
}

async fn ask(pass: &Pass, request: http::request::Builder, body: &str) -> (Answer, Value) {
    let client = pass.stranger(Zone::Internet);
    let answer = client.send(PUBLIC, request, body.to_owned()).await;
    let event = pass.event_of(&client).await;
    (answer, event)
}

fn finding(event: &Value) -> (&str, &str) {
    let finding = &event["unmapped"]["findings"][0];
    (word(finding, "/rule"), word(finding, "/evidence"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_the_portal_does_not_publish_is_refused_and_the_event_says_where() {
    let pass = plan("openapi = \"public.yaml\"\nunlisted-properties = \"refuse\"")
        .start()
        .await;
    let post = |path: &str| Request::post(path).header("content-type", "application/json");
    for (request, body) in [
        (Request::get("/echo/7?page=2"), ""),
        (post("/echo/7"), r#"{"name":"张三","age":30}"#),
    ] {
        let (answer, event) = ask(&pass, request, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(event["unmapped"]["findings"].is_null(), "{event:#}");
    }
    for (request, body, said) in [
        (Request::get("/echo/seven"), "", "path parameter `id`"),
        (
            Request::get("/echo/7?debug=1"),
            "",
            "`debug` is not described",
        ),
        (Request::get("/search?q=x"), "", "path is not described"),
        (Request::put("/echo/7"), "x", "no method `PUT`"),
        (post("/echo/7"), r#"{"age":30}"#, "body at"),
        (post("/echo/7"), r#"{"name":"a","role":"admin"}"#, "`/role`"),
        (post("/echo/7"), r#"{"name":"a","name":"b"}"#, "no JSON"),
    ] {
        let (answer, event) = ask(&pass, request, body).await;
        assert_eq!(
            answer.outcome(),
            (400, "not-described".into()),
            "{said}: {}",
            answer.text()
        );
        let (rule, evidence) = finding(&event);
        assert_eq!(rule, "not-described");
        assert!(evidence.contains(said), "{said}: {evidence}");
        assert!(!answer.text().contains(said), "strangers learn no details");
    }
    let arrived = pass.portal(Kind::Public).arrivals();
    assert!(
        !arrived
            .iter()
            .any(|a| a.contains("debug") || a.contains("search"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_passed_unread_leaves_the_rest_of_its_request_checked() {
    let pass = plan("openapi = \"public.yaml\"\nbody = \"1KiB\"\nover-bound = \"pass\"")
        .start()
        .await;
    let long = format!("{{\"name\":\"{}\"}}", "a".repeat(4096));
    let post = |path: &str| Request::post(path).header("content-type", "application/json");
    let (answer, event) = ask(&pass, post("/echo/7"), &long).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(event.to_string().contains("body-over-bound"), "{event:#}");
    for (request, said) in [
        (post("/echo/seven"), "path parameter `id`"),
        (post("/other/users"), "path is not described"),
        (Request::put("/echo/7"), "no method `PUT`"),
        (post("/echo/7").method("GET"), "takes no body"),
        (
            Request::post("/echo/7").header("content-type", "text/xml"),
            "`text/xml` is not described",
        ),
    ] {
        let (answer, event) = ask(&pass, request, &long).await;
        assert_eq!(answer.outcome(), (400, "not-described".into()), "{said}");
        assert!(finding(&event).1.contains(said), "{said}: {event:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_that_observes_passes_what_is_not_published_and_a_broken_document_is_refused() {
    let plan = plan("openapi = \"public.yaml\"\nmode = \"observe\"");
    let document = plan.path("configs/public.yaml");
    std::fs::write(
        &document,
        DOCUMENT.replace("type: integer, minimum", "type: integr, minimum"),
    )
    .unwrap();
    let checked = plan.check();
    assert_eq!(checked.status, Some(1));
    assert!(
        checked.complaint.contains("public.yaml") && checked.complaint.contains("`integer`"),
        "{}",
        checked.complaint
    );
    std::fs::write(&document, DOCUMENT).unwrap();
    let pass = plan.start().await;
    let (answer, event) = ask(&pass, Request::get("/echo/7?debug=1"), "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(finding(&event).0, "not-described");
}

const TRACE: &str = "java.lang.NullPointerException\n\tat gov.example.Login.check(Login.java:42)\n\tat org.apache.catalina.core.StandardWrapper.service(StandardWrapper.java:7)\n";

/// An upstream whose `/early` gives a trace away at once, `/late` after a megabyte of nothing in particular.
async fn careless() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = vec![0; 4096];
                let read = stream.read(&mut head).await.unwrap_or(0);
                let head = String::from_utf8_lossy(&head[..read]).into_owned();
                let filler = if head.starts_with("GET /late") {
                    "无关的内容 nothing in particular\n".repeat(16 << 10)
                } else {
                    String::new()
                };
                let coding = if head.starts_with("GET /coded") {
                    "Content-Encoding: gzip\r\n"
                } else {
                    ""
                };
                let status = if head.starts_with("GET /spoken") {
                    "200 OK"
                } else {
                    "500 Internal Server Error"
                };
                let body = format!("<pre>{filler}{TRACE}</pre>");
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status}\r\nContent-Type: text/html\r\n{coding}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
                let _sent = stream.write_all(answer.as_bytes()).await;
                let _gone = stream.read(&mut [0; 1]).await;
            });
        }
    });
    at
}

async fn behind(inspect: &str) -> Pass {
    let at = careless().await;
    plan(inspect)
        .portal("public", |p| {
            let upstream = p.get_mut("upstream").unwrap().as_table_mut().unwrap();
            upstream.insert("addresses".into(), vec![at.to_string()].into());
        })
        .start()
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_in_an_error_is_recorded_by_default_and_passes() {
    let pass = behind("").await;
    let (answer, event) = ask(&pass, Request::get("/early"), "").await;
    assert_eq!(answer.status, 500);
    assert!(answer.text().contains("StandardWrapper"));
    assert_eq!(finding(&event).0, "leak-trace", "{event:#}");
    assert_eq!(event["unmapped"]["findings"][0]["place"], "response");
    let (_, event) = ask(&pass, Request::get("/spoken"), "").await;
    assert!(event["unmapped"]["findings"].is_null(), "{event:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_gives_a_trace_away_is_withheld_or_cut_off_where_it_shows_late() {
    let pass = behind("responses = \"block\"").await;
    let (answer, event) = ask(&pass, Request::get("/early"), "").await;
    assert_eq!(
        answer.outcome(),
        (502, "answer-leaks".into()),
        "{}",
        answer.text()
    );
    assert!(!answer.text().contains("StandardWrapper"));
    assert_eq!(event["status_code"], "answer-leaks");
    assert_eq!(finding(&event).0, "leak-trace", "{event:#}");

    let (answer, _) = ask(&pass, Request::get("/coded"), "").await;
    assert_eq!(
        answer.outcome(),
        (502, "unredactable-answer".into()),
        "what cannot be read is not sent"
    );

    let client = pass.stranger(Zone::Internet);
    let mut connection = client.connect(PUBLIC).await;
    let late = connection
        .begin(Request::get("/late"), hangu_tests::client::whole(""))
        .await;
    assert_eq!(late.status(), 500, "its head had left");
    assert!(Answer::read(late).await.is_err(), "its body is cut off");
    let event = pass.event_of(&client).await;
    let notes = json!(event["unmapped"]["notes"]);
    assert!(notes.to_string().contains("answer-leaks"), "{event:#}");
}
