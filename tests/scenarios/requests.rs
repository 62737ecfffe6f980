//! Requests that are redacted on their way to a portal: what arrives is what may, and fits what is said of it.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hangu_tests::outcome::words;
use hangu_tests::{Answer, Client, Pass, Plan, Shared, Zone};
use http::Request;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const EXCHANGE: &str = "exchange.gov.example";

const MOBILE: &str = "13812345678";
const MASKED: &str = "138****5678";

const RULES: &str = "p, *, exchange, *, exchange.gov.example, /own/*, *, true, allow, rate:gold";

static REFUSING: Shared = Shared::of(|| plan("refuse"));
static PASSING: Shared = Shared::of(|| plan("pass"));

/// Requests from the intranet to the exchange are redacted at L2, and go to an upstream that gives back what arrives.
fn plan(unreadable: &'static str) -> Plan {
    let at = upstream();
    Plan::new()
        .portal("exchange", |portal| {
            portal.insert("unreadable".into(), unreadable.into());
            let upstream = portal.get_mut("upstream").unwrap().as_table_mut().unwrap();
            upstream.insert("addresses".into(), vec![at.to_string()].into());
            upstream.remove("health");
        })
        .with(|configuration| {
            let crossings = configuration["crossing"].as_array_mut().unwrap();
            for crossing in crossings.iter_mut().filter_map(toml::Value::as_table_mut) {
                if crossing["from"].as_str() == Some("intranet") {
                    crossing.insert("redact-requests".into(), "L2".into());
                }
            }
        })
        .rules(RULES)
}

/// An upstream that answers with the request as it arrived, chunks put together.
fn upstream() -> SocketAddr {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let at = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream));
            }
        });
    });
    at
}

async fn serve(mut stream: TcpStream) -> Option<()> {
    let mut waiting = Vec::new();
    loop {
        let head = loop {
            if let Some(end) = find(&waiting, b"\r\n\r\n") {
                break waiting.drain(..end + 4).collect::<Vec<u8>>();
            }
            more(&mut stream, &mut waiting).await?;
        };
        let text = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map(|length| length.trim().parse::<usize>().unwrap());
        let mut body = Vec::new();
        if text.contains("transfer-encoding: chunked") {
            loop {
                let end = loop {
                    if let Some(end) = find(&waiting, b"\r\n") {
                        break end;
                    }
                    more(&mut stream, &mut waiting).await?;
                };
                let size = String::from_utf8_lossy(&waiting[..end]).into_owned();
                let size = usize::from_str_radix(size.trim(), 16).unwrap();
                while waiting.len() < end + 4 + size {
                    more(&mut stream, &mut waiting).await?;
                }
                body.extend_from_slice(&waiting[end + 2..end + 2 + size]);
                waiting.drain(..end + 4 + size);
                if size == 0 {
                    break;
                }
            }
        } else {
            while waiting.len() < length.unwrap_or(0) {
                more(&mut stream, &mut waiting).await?;
            }
            body = waiting.drain(..length.unwrap_or(0)).collect();
        }
        let answer = [head, body].concat();
        let said = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        stream.write_all(said.as_bytes()).await.ok()?;
        stream.write_all(&answer).await.ok()?;
    }
}

async fn more(stream: &mut TcpStream, waiting: &mut Vec<u8>) -> Option<()> {
    (stream.read_buf(waiting).await.ok()? > 0).then_some(())
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|w| w == wanted)
}

/// What arrived: the head in lower case, and the body.
fn arrived(answer: &Answer) -> (String, Vec<u8>) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let end = find(&answer.body, b"\r\n\r\n").unwrap() + 4;
    let (head, body) = answer.body.split_at(end);
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    (head, body.to_vec())
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

async fn send(client: &Client, path: &str, media: &str, body: &[u8]) -> Answer {
    let request = Request::post(path).header("content-type", media);
    client.send(EXCHANGE, request, body.to_vec()).await
}

fn someone(pass: &Pass) -> Client {
    pass.stranger(Zone::Intranet)
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_arrive_are_masked_and_their_lengths_fit() {
    let pass = REFUSING.get().await;
    let gbk = [&b"note=\xb5\xe7\xbb\xb0"[..], MOBILE.as_bytes()].concat();
    for (media, body, expected) in [
        (
            "application/json",
            format!(r#"{{"name":"张三","phone":"{MOBILE}"}}"#).into_bytes(),
            format!(r#"{{"name":"张*","phone":"{MASKED}"}}"#).into_bytes(),
        ),
        (
            "application/x-www-form-urlencoded",
            format!("a=1&phone={MOBILE}&b=%E5%BC%A0").into_bytes(),
            format!("a=1&phone={MASKED}&b=%E5%BC%A0").into_bytes(),
        ),
        (
            "text/plain; charset=gbk",
            gbk.clone(),
            [&gbk[..gbk.len() - MOBILE.len()], MASKED.as_bytes()].concat(),
        ),
        (
            "multipart/form-data; boundary=x",
            format!(
                "--x\r\nContent-Disposition: form-data; name=\"phone\"\r\n\r\n{MOBILE}\r\n--x--\r\n"
            )
            .into_bytes(),
            format!(
                "--x\r\nContent-Disposition: form-data; name=\"phone\"\r\n\r\n{MASKED}\r\n--x--\r\n"
            )
            .into_bytes(),
        ),
        ("application/json", b"{}".to_vec(), b"{}".to_vec()),
    ] {
        let client = someone(pass);
        let answer = send(&client, "/own/body", media, &body).await;
        let (head, got) = arrived(&answer);
        assert_eq!(
            String::from_utf8_lossy(&got),
            String::from_utf8_lossy(&expected),
            "{media}"
        );
        assert_eq!(
            field(&head, "content-length"),
            Some(&*expected.len().to_string()),
            "{head}"
        );
        let event = pass.event_of(&client).await;
        let obligations = words(&event, "/unmapped/decision/obligations");
        assert!(obligations.contains(&"redact-requests:L2"), "{event:#}");
        let notes = words(&event, "/unmapped/notes").join(" ");
        let personal = body != expected;
        assert_eq!(notes.contains("request-redacted:L2"), personal, "{event:#}");
        assert_eq!(notes.contains("mobile=1"), personal, "{event:#}");
        // Apart from what answers held: this one was not redacted.
        assert_eq!(event["unmapped"].get("redactions"), None, "{event:#}");
        assert!(!event.to_string().contains(MOBILE));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn query_and_head_that_arrive_are_masked_and_the_path_stays() {
    let pass = REFUSING.get().await;
    let client = someone(pass)
        .header("referer", "https://a.example/?phone=13812345678")
        .header("x-phone", MOBILE);
    let path = format!("/own/people/7?name=%E5%BC%A0%E4%B8%89&phone={MOBILE}&page=2");
    let (head, body) = arrived(&client.get(EXCHANGE, &path).await);
    let target = format!("get /own/people/7?name=%e5%bc%a0*&phone={MASKED}&page=2 http/1.1");
    assert_eq!(head.lines().next(), Some(&*target), "{head}");
    assert_eq!(field(&head, "x-phone"), Some(MASKED));
    assert_eq!(
        field(&head, "referer"),
        Some("https://a.example/?phone=138****5678")
    );
    assert!(body.is_empty() && !head.contains(MOBILE));
    let event = pass.event_of(&client).await;
    let notes = words(&event, "/unmapped/notes");
    assert!(
        notes.contains(&"request-redacted:L2 mobile=3 name=1")
            || notes.contains(&"request-redacted:L2 name=1 mobile=3"),
        "{event:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_and_long_bodies_are_masked_to_their_end() {
    let pass = REFUSING.get().await;
    let line = format!("{{\"phone\":\"{MOBILE}\",\"note\":\"已受理\"}}\n");
    let plain = line.repeat(20_000);
    let expected = plain.replace(MOBILE, MASKED);
    let client = someone(pass);
    let answer = send(
        &client,
        "/own/long",
        "application/x-ndjson",
        plain.as_bytes(),
    )
    .await;
    let (head, got) = arrived(&answer);
    assert!(got == expected.as_bytes(), "{head}");
    assert_eq!(field(&head, "content-length"), None, "{head}");
    let event = pass.event_of(&client).await;
    let notes = words(&event, "/unmapped/notes");
    assert!(
        notes.contains(&"request-redacted:L2 mobile=20000"),
        "{event:#}"
    );

    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(line.as_bytes()).unwrap();
    let request = Request::post("/own/gzip")
        .header("content-type", "application/x-ndjson")
        .header("content-encoding", "gzip")
        .header("content-digest", "sha-256=:x:");
    let answer = someone(pass)
        .send(EXCHANGE, request, writer.finish().unwrap())
        .await;
    let (head, got) = arrived(&answer);
    let mut text = String::new();
    flate2::read::GzDecoder::new(got.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, line.replace(MOBILE, MASKED));
    assert_eq!(field(&head, "content-digest"), None, "{head}");
    assert_eq!(
        field(&head, "content-length"),
        Some(&*got.len().to_string())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_binding_is_over_what_arrives() {
    let pass = REFUSING.get().await;
    let client = someone(pass).token(&pass.token());
    let body = format!(r#"{{"phone":"{MOBILE}"}}"#);
    let answer = send(&client, "/own/bound", "application/json", body.as_bytes()).await;
    let (_, got) = arrived(&answer);
    let text = answer.text();
    let line = text
        .lines()
        .find(|line| line.to_ascii_lowercase().starts_with("hangu-binding: "));
    let binding = line.unwrap().split_once(": ").unwrap().1.to_owned();
    let told = URL_SAFE_NO_PAD.encode(digest(&SHA256, &got));
    assert!(got.ends_with(format!("{MASKED}\"}}").as_bytes()));
    assert!(binding.contains(&told), "{told} in {binding}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_refused_or_passed_as_the_portal_says() {
    let refusing = REFUSING.get().await;
    let passing = PASSING.get().await;
    for (media, body, coding) in [
        ("image/png", &b"\x89PNG\r\n\x1a\n13812345678"[..], None),
        ("application/json", b"{}", Some("snappy")),
        ("text/plain; charset=utf-7", b"13812345678", None),
    ] {
        let request = || {
            let request = Request::post("/own/image").header("content-type", media);
            match coding {
                Some(coding) => request.header("content-encoding", coding),
                None => request,
            }
        };
        let client = someone(refusing);
        let refused = client.send(EXCHANGE, request(), body.to_vec()).await;
        // What inspection cannot read is refused before.
        let reason = refused.outcome().1;
        assert_eq!(refused.status, 415, "{media}");
        assert!(
            ["unredactable-request", "uninspectable-body"].contains(&&*reason),
            "{reason}"
        );
        let event = refusing.event_of(&client).await;
        assert_eq!(event["status_code"], reason, "{event:#}");
        if reason == "unredactable-request" {
            let client = someone(passing);
            let answer = client.send(EXCHANGE, request(), body.to_vec()).await;
            assert_eq!(arrived(&answer).1, body, "{media}");
            let event = passing.event_of(&client).await;
            assert!(!words(&event, "/unmapped/notes").is_empty(), "{event:#}");
        }
    }
    let client = someone(refusing);
    let image = send(&client, "/own/image", "image/png", b"\x89PNG\r\n\x1a\n1").await;
    assert_eq!(image.outcome(), (415, "unredactable-request".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crossing_that_does_not_ask_for_it_passes_requests_as_they_are() {
    let pass = REFUSING.get().await;
    let client = pass.stranger(Zone::Extranet);
    let body = format!(r#"{{"phone":"{MOBILE}"}}"#);
    let path = format!("/own/body?phone={MOBILE}");
    let (head, got) = arrived(&send(&client, &path, "application/json", body.as_bytes()).await);
    assert_eq!(String::from_utf8_lossy(&got), body);
    assert!(head.contains(&format!("?phone={MOBILE} ")), "{head}");
}
