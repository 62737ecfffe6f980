//! Personal data in answers: masked at the level that was decided, in every text, or not sent at all.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};

use hangu_portals::Kind;
use hangu_portals::records::Person;
use hangu_tests::outcome::{word, words};
use hangu_tests::{Client, Hangu, Pass, Plan, Shared, Zone};
use http::Request;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const EXCHANGE: &str = "exchange.gov.example";
const PUBLIC: &str = "portal.gov.example";

/// One person, made up, with check digits that are right.
const ID: &str = "11010519491231002X";
const MOBILE: &str = "13812345678";

/// Rules for an upstream of the test's own: everybody may, at L2.
const RULES: &str = "p, *, exchange, *, exchange.gov.example, /own/*, *, true, allow, redact:L2";

static PASS: Shared = Shared::of(|| Plan::new().rules(RULES));

/// What the command line makes of a body; a check of the gateway against the same engine without its streaming.
fn masked(pass: &Pass, level: &str, media: &str, body: &[u8]) -> String {
    let config = pass.path("configs/hangu.toml");
    let config = config.to_str().unwrap();
    Hangu::fed(
        &[
            "redact", "--config", config, "--level", level, "--type", media,
        ],
        body,
    )
    .succeeded()
}

fn secrets(person: &Person) -> [&str; 4] {
    [
        &person.resident_id,
        &person.mobile,
        &person.bank_card,
        &person.email,
    ]
}

/// What a level takes away: L1 only what money can be had with.
fn kept_from<'a>(level: &str, person: &'a Person) -> Vec<&'a str> {
    match level {
        "L1" => vec![&person.bank_card],
        _ => secrets(person).to_vec(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rule_that_allows_chooses_the_level() {
    let pass = PASS.get().await;
    let records = pass.portal(Kind::Exchange).records();
    let person = records.person(7).unwrap();
    let etl = || {
        pass.stranger(Zone::Extranet)
            .identity(pass.identity("tax-etl"))
    };
    let report = || pass.stranger(Zone::Extranet).api_key(&pass.api_key());
    for (client, path, level) in [
        (etl(), "/api/v1/people/7", "L1"),
        (etl(), "/api/v1/people?page=7&size=1", "L2"),
        (report(), "/api/v1/people?page=7&size=1", "L3"),
    ] {
        let answer = client.get(EXCHANGE, path).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        for secret in kept_from(level, &person) {
            assert!(
                !answer.text().contains(secret),
                "{secret} at {level} in {}",
                answer.text()
            );
        }
        let record = answer.json();
        let record = record.pointer("/people/0").unwrap_or(&record);
        let alone = serde_json::from_str::<serde_json::Value>(&masked(
            pass,
            level,
            "application/json",
            &serde_json::to_vec(&person).unwrap(),
        ));
        assert_eq!(*record, alone.unwrap(), "{level}");
        let event = pass.event_of(&client).await;
        let obligations = words(&event, "/unmapped/decision/obligations");
        assert!(
            obligations.contains(&format!("redact:{level}").as_str()),
            "{event:#}"
        );
        let ids = event.pointer("/unmapped/redactions/resident_id");
        // What was found counts, whether the level masks it or not: reading it is what detection wants to know.
        assert_eq!(
            ids.and_then(serde_json::Value::as_u64),
            Some(1),
            "{event:#}"
        );
        assert!(
            !secrets(&person)
                .iter()
                .any(|s| event.to_string().contains(s))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_lines_and_compressed_lists_are_masked_line_for_line() {
    let pass = PASS.get().await;
    let records = pass.portal(Kind::Exchange).records();
    let people: Vec<Person> = records.page(1, 200).collect();
    let client = pass
        .stranger(Zone::Extranet)
        .identity(pass.identity("tax-etl"));
    let path = "/api/v1/people?size=200&format=ndjson";
    let lines = client
        .clone()
        .header("accept", "application/x-ndjson")
        .get(EXCHANGE, path)
        .await;
    assert_eq!(
        (lines.status.as_u16(), lines.header("content-type")),
        (200, "application/x-ndjson")
    );
    let text = lines.text();
    assert_eq!(text.lines().count(), 200);
    for (line, person) in text.lines().zip(&people) {
        let read: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(read["id"], person.id);
        assert!(!secrets(person).iter().any(|s| line.contains(s)), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_citizen_sent_comes_back_masked_in_the_public_portal() {
    let pass = PASS.get().await;
    let client = pass
        .client(Zone::Internet)
        .signed_in(PUBLIC, "wang", &pass.password("wang"))
        .await;
    let form = format!("name=%E7%8E%8B%E4%BC%9F&resident_id={ID}&mobile={MOBILE}");
    let request =
        Request::post("/%E5%8A%9E%E4%BA%8B/%E8%BA%AB%E4%BB%BD%E8%AF%81/%E6%8F%90%E4%BA%A4")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json");
    let answer = client.send(PUBLIC, request, form).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert!(
        !answer.text().contains(ID) && !answer.text().contains(MOBILE),
        "{}",
        answer.text()
    );
    assert_eq!(
        answer.json()["application"]["resident_id"]
            .as_str()
            .unwrap()
            .chars()
            .count(),
        ID.len()
    );
}

/// An upstream that answers each path with bytes of the test's own, a few at a time.
async fn upstream(answers: Vec<(&'static str, String, Vec<u8>)>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answers = answers.clone();
            tokio::spawn(serve(stream, answers));
        }
    });
    at
}

async fn serve(mut stream: TcpStream, answers: Vec<(&'static str, String, Vec<u8>)>) {
    let _set = stream.set_nodelay(true);
    let mut head = Vec::new();
    let mut byte = [0u8; 1];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_exact(&mut byte).await.is_err() {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let (status, fields, body) = match answers.iter().find(|(p, _, _)| *p == path) {
        Some((_, fields, body)) if fields.contains("Content-Range") => {
            ("206 Partial Content", fields.clone(), body.clone())
        }
        Some((_, fields, body)) => ("200 OK", fields.clone(), body.clone()),
        None => (
            "200 OK",
            "Content-Type: text/plain\r\n".to_owned(),
            b"ok".to_vec(),
        ),
    };
    let length = body.len();
    let begin = format!(
        "HTTP/1.1 {status}\r\n{fields}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let _gone = stream.write_all(begin.as_bytes()).await;
    if head.starts_with("HEAD") {
        return;
    }
    for piece in body.chunks(7) {
        if stream.write_all(piece).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// A pass whose data exchange is an upstream of the test's own.
async fn with_upstream(
    unreadable: &'static str,
    answers: Vec<(&'static str, String, Vec<u8>)>,
) -> (Pass, Client) {
    in_front_of(upstream(answers).await, unreadable).await
}

async fn in_front_of(at: SocketAddr, unreadable: &'static str) -> (Pass, Client) {
    let pass = Plan::new()
        .portal("exchange", |p| {
            p.insert("unreadable".into(), unreadable.into());
            let upstream = p.get_mut("upstream").unwrap().as_table_mut().unwrap();
            upstream.insert("addresses".into(), vec![at.to_string()].into());
        })
        .rules(RULES)
        .start()
        .await;
    let client = pass.stranger(Zone::Extranet);
    (pass, client)
}

fn of_type(media: &str) -> String {
    format!("Content-Type: {media}\r\nETag: \"abc\"\r\nAccept-Ranges: bytes\r\n")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn texts() -> Vec<(&'static str, String, Vec<u8>)> {
    let prose = format!("申请人身份证号{ID}，手机{MOBILE}，请核对。").into_bytes();
    let json = format!(r#"{{"id":"{ID}","deep":[{{"mobile":"{MOBILE}"}}]}}"#).into_bytes();
    let form = format!("id={ID}&mobile={MOBILE}").into_bytes();
    let page = format!("<p>{ID}</p><a href=\"tel:{MOBILE}\">{MOBILE}</a>").into_bytes();
    let packed = gzip(&json);
    let coded = format!("{}Content-Encoding: gzip\r\n", of_type("application/json"));
    vec![
        ("/own/text", of_type("text/plain; charset=utf-8"), prose),
        ("/own/json", of_type("application/json"), json.clone()),
        (
            "/own/ndjson",
            of_type("application/x-ndjson"),
            [json.clone(), b"\n".to_vec(), json].concat(),
        ),
        (
            "/own/form",
            of_type("application/x-www-form-urlencoded"),
            form,
        ),
        ("/own/page", of_type("text/html"), page),
        ("/own/gzip", coded, packed),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_text_is_masked_though_it_comes_in_pieces_of_seven_bytes() {
    let (pass, client) = with_upstream("refuse", texts()).await;
    for (path, fields, body) in texts() {
        let asking = Request::get(path)
            .header("accept-encoding", "gzip")
            .header("range", "bytes=0-3");
        let answer = client.send(EXCHANGE, asking, "").await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let mut text = answer.text();
        let mut plain = body.clone();
        if path == "/own/gzip" {
            assert_eq!(answer.header("content-encoding"), "gzip");
            text.clear();
            flate2::read::MultiGzDecoder::new(answer.body.as_ref())
                .read_to_string(&mut text)
                .unwrap();
            plain.clear();
            flate2::read::MultiGzDecoder::new(body.as_slice())
                .read_to_end(&mut plain)
                .unwrap();
        }
        assert!(
            !text.contains(ID) && !text.contains(MOBILE),
            "{path}: {text}"
        );
        let media = fields
            .split("\r\n")
            .next()
            .unwrap()
            .strip_prefix("Content-Type: ")
            .unwrap();
        assert_eq!(
            text.trim_end(),
            masked(&pass, "L2", media, &plain).trim_end(),
            "{path}"
        );
        assert_eq!(answer.header("etag"), "W/\"abc\"", "{path}");
        assert_eq!(answer.header("accept-ranges"), "", "{path}");
        // HEAD says nothing of the body as it was.
        let head = client.send(EXCHANGE, Request::head(path), "").await;
        assert_eq!(
            (
                head.status.as_u16(),
                head.header("content-length"),
                head.body.len()
            ),
            (200, "", 0),
            "{path}"
        );
    }
}

fn unreadable() -> Vec<(&'static str, String, Vec<u8>)> {
    let body = || format!("{{\"id\":\"{ID}\"}}").into_bytes();
    vec![
        ("/own/image", of_type("image/png"), body()),
        ("/own/none", String::new(), body()),
        (
            "/own/charset",
            of_type("application/json; charset=utf-7"),
            body(),
        ),
        (
            "/own/coding",
            format!(
                "{}Content-Encoding: compress\r\n",
                of_type("application/json")
            ),
            body(),
        ),
        (
            "/own/twice",
            format!(
                "{}Content-Encoding: gzip\r\nContent-Encoding: br\r\n",
                of_type("application/json")
            ),
            body(),
        ),
        (
            "/own/part",
            format!(
                "{}Content-Range: bytes 0-27/100\r\n",
                of_type("application/json")
            ),
            body(),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_read_is_withheld() {
    let (pass, client) = with_upstream("refuse", unreadable()).await;
    for (path, _, _) in unreadable() {
        let client = pass.stranger(Zone::Extranet);
        let answer = client.get(EXCHANGE, path).await;
        assert_eq!(
            answer.outcome(),
            (502, "unredactable-answer".into()),
            "{path}"
        );
        assert!(!answer.text().contains(ID));
        let event = pass.event_of(&client).await;
        assert_eq!(
            word(&event, "/status_code"),
            "unredactable-answer",
            "{event:#}"
        );
        assert!(!word(&event, "/status_detail").is_empty(), "{event:#}");
    }
    assert_eq!(client.get(EXCHANGE, "/own/other").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_read_passes_where_the_portal_says_so_and_its_event_says_it() {
    let (pass, _) = with_upstream("pass", unreadable()).await;
    for (path, _, body) in unreadable() {
        let client = pass.stranger(Zone::Extranet);
        let answer = client.get(EXCHANGE, path).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text());
        assert_eq!(answer.body, body, "{path}");
        let event = pass.event_of(&client).await;
        let notes = words(&event, "/unmapped/notes");
        assert!(
            notes
                .iter()
                .any(|n| n.starts_with("the answer") || n.starts_with("a part")),
            "{event:#}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_of_an_answer_is_redacted_as_its_body_is() {
    let mobile = "13812345678";
    let fields = format!(
        "Content-Type: text/plain\r\nLocation: /people?phone={mobile}&ok=1\r\nX-User-Name: %E5%BC%A0%E4%B8%89%E4%B8%B0\r\nSet-Cookie: session=1f0c; Path=/\r\nETag: \"{mobile}\"\r\n"
    );
    let (pass, client) = with_upstream("refuse", vec![("/own/head", fields, b"ok".to_vec())]).await;
    let answer = client.get(EXCHANGE, "/own/head").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("location"), "/people?phone=138****5678&ok=1");
    assert!(
        !answer.header("x-user-name").contains("%E4%B8%89"),
        "{:?}",
        answer.headers
    );
    assert_eq!(answer.header("set-cookie"), "session=1f0c; Path=/");
    let event = pass.event_of(&client).await;
    assert_eq!(event["unmapped"]["redactions"]["mobile"], 1, "{event:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_and_documents_are_redacted_and_a_part_that_cannot_be_read_is_what_the_portal_says() {
    let part = |kind: &str, body: &str| {
        format!(
            "--x1\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Type: {kind}\r\n\r\n{body}\r\n"
        )
    };
    let readable = format!(
        "{}{}--x1--\r\n",
        part("application/json", "{\"phone\":\"13812345678\"}"),
        part("text/csv", "姓名,手机\n张三,13812345678\n")
    );
    let picture = format!(
        "{}{}--x1--\r\n",
        part("image/png", "\u{89}PNG"),
        part("text/plain", "13812345678")
    );
    let fields = "Content-Type: multipart/form-data; boundary=x1\r\n";
    let answers = || {
        vec![
            (
                "/own/parts",
                fields.to_owned(),
                readable.clone().into_bytes(),
            ),
            (
                "/own/picture",
                fields.to_owned(),
                picture.clone().into_bytes(),
            ),
        ]
    };
    let (pass, client) = with_upstream("pass", answers()).await;
    let parts = client.get(EXCHANGE, "/own/parts").await;
    assert_eq!(parts.status, 200, "{}", parts.text());
    assert!(
        !parts.text().contains("13812345678") && parts.text().contains("138****5678"),
        "{}",
        parts.text()
    );
    let client = pass.stranger(Zone::Extranet);
    let passed = client.get(EXCHANGE, "/own/picture").await;
    assert!(
        passed.text().contains("PNG") && !passed.text().contains("13812345678"),
        "{}",
        passed.text()
    );
    let event = pass.event_of(&client).await;
    assert!(
        words(&event, "/unmapped/notes").contains(&"unread-parts"),
        "{event:#}"
    );
    let (pass, client) = with_upstream("refuse", answers()).await;
    let refused = client.get(EXCHANGE, "/own/picture").await;
    assert_eq!(refused.outcome(), (502, "unredactable-answer".into()));
    let event = pass.event_of(&client).await;
    assert_eq!(event["status_code"], "unredactable-answer", "{event:#}");
    drop(pass);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_stream_that_pauses_lets_go_what_redaction_held() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _read = stream.read(&mut [0; 4096]).await;
                let events = "data: {\"delta\":\"联系 138\"}\n\ndata: {\"delta\":\"12345\"}\n\n";
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
                let text = format!("{head}{:x}\r\n{events}\r\n", events.len());
                let _sent = stream.write_all(text.as_bytes()).await;
                let _gone = stream.read(&mut [0; 1]).await;
            });
        }
    });
    let (pass, client) = in_front_of(at, "refuse").await;
    let mut connection = client.connect(EXCHANGE).await;
    let request = Request::get("/own/events");
    let answer = connection
        .begin(request, hangu_tests::client::whole(""))
        .await;
    let mut body = answer.into_body();
    let mut seen = String::new();
    let waited = tokio::time::timeout(std::time::Duration::from_secs(5), async {
        while !seen.contains("12345") {
            let frame = http_body_util::BodyExt::frame(&mut body)
                .await
                .unwrap()
                .unwrap();
            seen += &String::from_utf8_lossy(&frame.into_data().unwrap());
        }
    });
    assert!(waited.await.is_ok(), "{seen}");
    drop(pass);
}
