//! Personal data that passed: whom it told of, which field carried it, and how one who was hidden is found again.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use hangu_portals::Kind;
use hangu_tests::client::whole;
use hangu_tests::outcome::{word, words};
use hangu_tests::{Administrator, Pass, Plan, Shared, Zone};
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use toml::Table;

const EXCHANGE: &str = "exchange.gov.example";
const PUBLIC: &str = "portal.gov.example";

/// Mobile numbers are encrypted at L2, under a key of the test's own.
static PASS: Shared = Shared::of(|| {
    let plan = Plan::new().with(|all| {
        let settings: Table = "key = \"redact.key\"\n[level.L2]\nmobile = \"encrypt\""
            .parse()
            .unwrap();
        all.insert("redact".into(), settings.into());
    });
    std::fs::write(plan.path("configs/redact.key"), [b'k'; 48]).unwrap();
    plan
});

fn etl(pass: &Pass) -> hangu_tests::Client {
    let client = pass.stranger(Zone::Extranet);
    client.identity(pass.identity("tax-etl"))
}

fn told(event: &Value) -> (u64, Vec<&str>) {
    let people = &event["unmapped"]["people"];
    let count = people["count"].as_u64().unwrap_or(0);
    (count, words(people, "/told"))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_read_about_a_person_is_found_by_a_name_that_says_nothing() {
    let pass = PASS.get().await;
    let person = pass.portal(Kind::Exchange).records().person(7).unwrap();
    let client = etl(pass);
    let page = client.get(EXCHANGE, "/api/v1/people?page=1&size=20").await;
    assert_eq!(page.status, 200, "{}", page.text());
    let event = pass.event_of(&client).await;
    let (count, named) = told(&event);
    assert_eq!((count, named.len()), (20, 20), "{event:#}");

    let qian = Administrator::sign_in(pass, "qian").await;
    let sought = json!({ "kind": "resident_id", "value": person.resident_id, "reason": "投诉 88" });
    let answer = qian.post("/admin/redaction/person", &sought).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answered = answer.json();
    let name = word(&answered, "/person");
    assert!(named.contains(&name), "{name} in {named:?}");
    let act = pass
        .event(|e| e["api"]["operation"] == "redaction.name")
        .await;
    assert!(
        act.to_string().contains(name) && !act.to_string().contains(&person.resident_id),
        "{act:#}"
    );
    let shared = json!({ "kind": "name", "value": "张三", "reason": "x" });
    let shared = qian.post("/admin/redaction/person", &shared).await;
    assert_eq!(shared.status, 422, "{}", shared.text());
    let chen = Administrator::sign_in(pass, "chen").await;
    let refused = chen.post("/admin/redaction/person", &sought).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
}

/// An upstream that answers with people, a line each, and then keeps its reader waiting.
async fn endless(people: usize) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = [0; 4096];
                let _read = stream.read(&mut head).await;
                let begin = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n";
                let lines: String = (0..people)
                    .map(|n| format!("{{\"phone\":\"138{n:08}\"}}\n"))
                    .collect();
                let text = format!("{begin}{:x}\r\n{lines}\r\n", lines.len());
                let _sent = stream.write_all(text.as_bytes()).await;
                let _gone = stream.read(&mut head).await;
            });
        }
    });
    at
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_its_reader_breaks_off_counts_for_what_had_passed() {
    let at = endless(300).await;
    let pass = Plan::new()
        .portal("public", |p| {
            let upstream = p.get_mut("upstream").unwrap().as_table_mut().unwrap();
            upstream.insert("addresses".into(), vec![at.to_string()].into());
        })
        .rules("p, *, portal, *, portal.gov.example, /own/*, *, true, allow, redact:L2")
        .start()
        .await;
    let client = pass.stranger(Zone::Internet);
    let mut connection = client.connect(PUBLIC).await;
    let answer = connection.begin(Request::get("/own/feed"), whole("")).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    let mut body = answer.into_body();
    let mut seen = Vec::new();
    while !seen.ends_with(b"299\"}\n") {
        let frame = body.frame().await.expect("more to come").unwrap();
        seen.extend_from_slice(&frame.into_data().unwrap());
    }
    drop((body, connection));
    let event = pass.event_of(&client).await;
    let (count, _) = told(&event);
    let mobiles = event["unmapped"]["redactions"]["mobile"].as_u64();
    assert_eq!((count, mobiles), (300, Some(300)), "{event:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_value_comes_back_for_a_reason_and_on_record() {
    let pass = PASS.get().await;
    let person = pass.portal(Kind::Exchange).records().person(7).unwrap();
    let page = etl(pass)
        .get(EXCHANGE, "/api/v1/people?page=7&size=1")
        .await
        .json();
    let hidden = word(&page, "/people/0/mobile");
    assert!(hidden != person.mobile && hidden.len() == 11, "{hidden}");
    let chen = Administrator::sign_in(pass, "chen").await;
    let wanted = |reason: &str| json!({ "kind": "mobile", "value": hidden, "reason": reason });
    let silent = chen.post("/admin/redaction/reveal", &wanted(" ")).await;
    assert_eq!(silent.status, 422, "{}", silent.text());
    let back = chen
        .post("/admin/redaction/reveal", &wanted("案件 2026-17"))
        .await;
    assert_eq!(word(&back.json(), "/value"), person.mobile);
    let act = pass
        .event(|e| e["api"]["operation"] == "redaction.reveal" && e["status"] != "Failure")
        .await;
    let act = act.to_string();
    assert!(
        act.contains("案件 2026-17") && !act.contains(&person.mobile),
        "{act}"
    );
    let qian = Administrator::sign_in(pass, "qian").await;
    let refused = qian.post("/admin/redaction/reveal", &wanted("看看")).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_carry_personal_data_are_learned_from_what_passes() {
    let pass = PASS.get().await;
    let qian = Administrator::sign_in(pass, "qian").await;
    let begun = Instant::now();
    let known = loop {
        etl(pass)
            .get(EXCHANGE, "/api/v1/people?page=3&size=5")
            .await;
        let known = qian.get("/admin/redaction/fields").await.json();
        if known["fields"]
            .to_string()
            .contains("$.people[].resident_id")
        {
            break known;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{known}");
    };
    let fields = known["fields"].as_array().unwrap();
    let mobile = fields
        .iter()
        .find(|f| f["field"] == "$.people[].mobile" && f["path"] == "/api/v1/people")
        .unwrap();
    assert_eq!(
        (
            word(mobile, "/kind"),
            word(mobile, "/portal"),
            word(mobile, "/redacted")
        ),
        ("mobile", "exchange", "L2"),
        "{mobile}"
    );
    let person = pass.portal(Kind::Exchange).records().person(11).unwrap();
    assert!(!known.to_string().contains(&person.mobile));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_tried_at_every_level_and_leaves_nothing_behind() {
    let pass = PASS.get().await;
    let chen = Administrator::sign_in(pass, "chen").await;
    let text = r#"{"name":"张三丰","id":"11010519491231002X"}"#;
    let tried = json!({ "type": "application/json", "text": text });
    let answer = chen.post("/admin/redaction/trial", &tried).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let levels = answer.json()["levels"].as_array().unwrap().clone();
    let names: Vec<&str> = levels.iter().map(|level| word(level, "/level")).collect();
    assert_eq!(names, ["L1", "L2", "L3", "L4"]);
    assert_eq!(word(&levels[0], "/text"), text);
    assert!(!word(&levels[1], "/text").contains("11010519491231002X"));
    assert_eq!(levels[3]["counts"]["resident_id"], 1);
    let unknown = json!({ "type": "image/png", "text": "x" });
    let unknown = chen.post("/admin/redaction/trial", &unknown).await;
    assert_eq!(
        (unknown.status.as_u16(), word(&unknown.json(), "/reason")),
        (422, "body-unreadable")
    );
    let events = pass.events();
    assert!(!events.iter().any(|e| e.to_string().contains("张三丰")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_that_is_tried_changes_nothing_and_says_what_it_would_have_masked() {
    let pass = Plan::new()
        .portal("exchange", |p| {
            p.insert("redact-trial".into(), "L3".into());
        })
        .start()
        .await;
    let person = pass.portal(Kind::Exchange).records().person(7).unwrap();
    let client = etl(&pass);
    let one = client.get(EXCHANGE, "/api/v1/people/7").await;
    assert!(one.text().contains(&person.mobile), "L1 is in force");
    let notes = |event: &Value| -> Vec<String> {
        let notes = words(event, "/unmapped/notes");
        notes.into_iter().map(str::to_owned).collect()
    };
    let said = notes(&pass.event_of(&client).await);
    let would = said.iter().find(|note| note.starts_with("would-redact:L3"));
    let would = would.unwrap_or_else(|| panic!("{said:?}"));
    assert!(
        would.contains(" mobile=1") && would.contains(" resident_id=1"),
        "{would}"
    );
    assert!(!would.contains(&person.mobile));
    // Where what is in force is as strict, nothing is tried.
    let report = pass.stranger(Zone::Extranet).api_key(&pass.api_key());
    let page = report.get(EXCHANGE, "/api/v1/people?page=7&size=1").await;
    assert_eq!(page.status, 200, "{}", page.text());
    let said = notes(&pass.event_of(&report).await);
    assert!(!said.iter().any(|note| note.contains("would")), "{said:?}");
}
