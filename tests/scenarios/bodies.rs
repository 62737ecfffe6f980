//! Bodies: streamed with bounded memory, redacted whatever their coding and however they are cut, broken off.

use std::fs;
use std::io::Read as _;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use hangu_portals::Kind;
use hangu_tests::wire::{Wire, events_of, is_of};
use hangu_tests::{Client, Pass, Plan, Shared, Zone};
use http::Request;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const HOST: &str = "portal.gov.example";
const LARGE: usize = 64 << 20;

fn plan() -> Plan {
    Plan::new().rules(
        "p, *, portal, *, portal.gov.example, /echo, .*, true, allow, rate:gold\n\
         p, *, portal, *, portal.gov.example, /split, ^GET$, true, allow, rate:gold;redact:L3\n\
         p, *, portal, *, portal.gov.example, /download/:bytes, ^(GET|HEAD)$, true, allow, rate:gold;redact:L2\n\
         p, *, portal, *, portal.gov.example, /static/guide.txt, ^(GET|HEAD)$, true, allow, redact:L2\n\
         p, svc:tax-etl, exchange, *, exchange.gov.example, /api/v1/export, ^GET$, r.ctx.cert, allow, rate:gold;redact:L2",
    )
}

static PASS: Shared = Shared::of(|| {
    plan().with(|configuration| {
        let upstream = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let portal = format!(
            "name = \"split\"\nzone = \"internet\"\ndepartment = \"portal\"\nhosts = [\"{HOST}\"]\npaths = [\"/split\"]\n\
             [upstream]\naddresses = [\"{}\"]",
            upstream.local_addr().unwrap()
        );
        let portals = configuration["portal"].as_array_mut().unwrap();
        portals.push(portal.parse::<toml::Table>().unwrap().into());
        std::thread::spawn(move || split(&upstream));
    })
});

/// A resident ID with a right check digit, and a text that it stands in.
const RESIDENT: &str = "11010519491231002X";

/// Answers every request with a text in pieces of one byte, each in a chunk and a packet of its own.
fn split(upstream: &std::net::TcpListener) {
    use std::io::Write as _;
    for connection in upstream.incoming() {
        let Ok(mut connection) = connection else {
            return;
        };
        std::thread::spawn(move || {
            let _asked = connection
                .set_nodelay(true)
                .and_then(|()| connection.read(&mut [0; 4096]));
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\
                        Connection: close\r\n\r\n";
            let text = format!("before {RESIDENT} after");
            let pieces = text.bytes().map(|b| format!("1\r\n{}\r\n", char::from(b)));
            for piece in std::iter::once(head.to_owned())
                .chain(pieces)
                .chain(["0\r\n\r\n".to_owned()])
            {
                if connection.write_all(piece.as_bytes()).is_err() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        });
    }
}

/// Bytes of memory that a process has in use.
fn resident(pass: &Pass, field: &str) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", pass.process_id())).unwrap();
    let line = status.lines().find(|l| l.starts_with(field)).unwrap();
    let kib: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib << 10
}

async fn download(client: &Client, bytes: usize) -> usize {
    let mut connection = client.connect(HOST).await;
    let request = Request::get(format!("/download/{bytes}"));
    let answer = connection
        .begin(request, hangu_tests::client::whole(""))
        .await;
    assert_eq!(answer.status(), 200);
    let mut body = answer.into_body();
    let mut read = 0;
    while let Some(frame) = body.frame().await {
        read += frame
            .expect("the body goes on")
            .data_ref()
            .map_or(0, Bytes::len);
    }
    read
}

async fn upload(client: &Client, bytes: usize) -> u64 {
    let pieces = (0..bytes >> 16).map(|_| Ok(Frame::data(Bytes::from_static(&[b'a'; 1 << 16]))));
    let body = StreamBody::new(stream::iter(pieces)).boxed_unsync();
    let request = Request::post("/echo").header("content-type", "application/octet-stream");
    let mut connection = client.connect(HOST).await;
    let answer = connection.begin(request, body).await;
    let answer = hangu_tests::Answer::read(answer).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["body-length"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_download_and_a_large_upload_pass_in_bounded_memory() {
    let pass = plan().start().await;
    let client = pass.client(Zone::Internet);
    // Buffers and pools that stay are made first. The download comes last: who reads so many records is denied afterwards.
    assert_eq!(upload(&client, 4 << 20).await, 4 << 20);
    let before = resident(&pass, "VmRSS:");
    assert_eq!(upload(&client, LARGE).await, LARGE as u64);
    // What is masked is shorter than it was.
    assert!(download(&client, LARGE).await >= LARGE / 4 * 3);
    let grown = resident(&pass, "VmHWM:").saturating_sub(before);
    assert!(grown < 32 << 20, "grown by {} KiB", grown >> 10);
    let event = pass
        .event(|e| e["traffic"]["bytes_in"].as_u64() == Some(LARGE as u64))
        .await;
    let notes = event["unmapped"]["notes"].to_string();
    assert!(notes.contains("body-over-bound"), "{event}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_split_over_chunks_is_redacted() {
    let pass = PASS.get().await;
    for client in [
        pass.client(Zone::Internet),
        pass.client(Zone::Internet).http2(),
    ] {
        let text = client.get(HOST, "/split").await.text();
        assert!(
            text.starts_with("before ") && text.ends_with(" after"),
            "{text}"
        );
        assert!(!text.contains(RESIDENT), "{text}");
    }
    let event = pass
        .event(|e| e["http_request"]["url"]["path"] == "/split")
        .await;
    let counts = event["unmapped"]["redactions"].as_object().expect("counts");
    assert_eq!(
        counts
            .values()
            .filter_map(serde_json::Value::as_u64)
            .sum::<u64>(),
        1,
        "{event}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn coded_answers_are_redacted_and_coded_again() {
    let pass = PASS.get().await;
    let person = pass.portal(Kind::Exchange).records().person(1).unwrap();
    let client = pass
        .client(Zone::Extranet)
        .identity(pass.identity("tax-etl"));
    for coding in ["gzip", "br", "identity"] {
        let request = Request::get("/api/v1/export?rows=50").header("accept-encoding", coding);
        let answer = client.send("exchange.gov.example", request, "").await;
        assert_eq!(answer.status, 200, "{coding}: {}", answer.text());
        let mut plain = String::new();
        let read = match answer.header("content-encoding") {
            "gzip" => flate2::read::GzDecoder::new(&answer.body[..]).read_to_string(&mut plain),
            "br" => brotli::Decompressor::new(&answer.body[..], 4096).read_to_string(&mut plain),
            _ => std::io::Read::read_to_string(&mut &answer.body[..], &mut plain),
        };
        assert!(read.is_ok(), "{coding}: {read:?}");
        assert_eq!(plain.lines().count(), 50, "{coding}");
        assert!(
            plain.contains(&person.name) || plain.contains("\"id\":1,"),
            "{coding}"
        );
        for secret in [&person.resident_id, &person.mobile, &person.bank_card] {
            assert!(!plain.contains(secret.as_str()), "{coding}: {secret}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redacted_answer_describes_no_bytes_that_it_does_not_have() {
    let pass = PASS.get().await;
    let client = pass.client(Zone::Internet);
    let whole = client.get(HOST, "/static/guide.txt").await;
    assert_eq!(whole.status, 200, "{}", whole.text());
    assert!(
        whole.header("etag").starts_with("W/\""),
        "{:?}",
        whole.headers
    );
    for gone in ["content-length", "accept-ranges"] {
        assert_eq!(whole.header(gone), "", "{gone}");
    }
    let range = Request::get("/static/guide.txt").header("range", "bytes=0-9");
    let ranged = client.send(HOST, range, "").await;
    assert_eq!((ranged.status.as_u16(), &ranged.body), (200, &whole.body));
    let head = client
        .send(HOST, Request::head("/static/guide.txt"), "")
        .await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), "");
    assert_eq!(head.header("etag"), whole.header("etag"));
    let current = Request::get("/static/guide.txt").header("if-none-match", whole.header("etag"));
    let current = client.send(HOST, current, "").await;
    assert_eq!((current.status.as_u16(), current.body.len()), (304, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_redacted_keeps_length_tag_and_ranges() {
    let pass = PASS.get().await;
    let client = pass.client(Zone::Internet);
    let whole = client.get(HOST, "/static/site.css").await;
    assert_eq!(whole.header("content-length"), whole.body.len().to_string());
    assert!(whole.header("etag").starts_with('"'), "{:?}", whole.headers);
    let range = Request::get("/static/site.css").header("range", "bytes=0-9");
    let part = client.send(HOST, range, "").await;
    assert_eq!(
        (part.status.as_u16(), &part.body[..]),
        (206, &whole.body[..10])
    );
    let head = client
        .send(HOST, Request::head("/static/site.css"), "")
        .await;
    assert_eq!(
        head.header("content-length"),
        whole.header("content-length")
    );
    assert_eq!(head.body.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_broken_off_reaches_no_portal_whole_and_is_recorded() {
    let pass = PASS.get().await;
    let mut wire = Wire::open(pass, Zone::Internet, HOST).await;
    let head = "POST /echo HTTP/1.1\r\nHost: portal.gov.example\r\nContent-Length: 1000\r\n\r\nabc";
    wire.raw.send(head.as_bytes()).await;
    wire.raw.finish().await;
    let from = wire.from;
    drop(wire);
    let events = events_of(pass, &[from]).await;
    assert_eq!(events[0]["status_code"], "body-cut", "{}", events[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_during_a_download_is_recorded_and_costs_nobody_else_anything() {
    let pass = PASS.get().await;
    let (stream, from) = hangu_tests::wire::dial(pass.at(Zone::Internet)).await;
    let mut stream = pass.tls().over(stream, HOST).await.unwrap();
    let sent = "GET /download/50000000 HTTP/1.1\r\nHost: portal.gov.example\r\n\r\n";
    stream.write_all(sent.as_bytes()).await.unwrap();
    let mut begin = [0; 1000];
    stream.read_exact(&mut begin).await.unwrap();
    drop(stream);
    let event = pass.event(|e| is_of(e, from)).await;
    assert!(
        event["unmapped"]["notes"]
            .to_string()
            .contains("client-left"),
        "{event}"
    );
    assert_eq!(
        pass.client(Zone::Internet).get(HOST, "/echo").await.status,
        200
    );
}
