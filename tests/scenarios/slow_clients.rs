//! Clients that are slow, idle, many or wordy are cut at their limits, while normal ones go on.

use std::time::{Duration, Instant};

use hangu_tests::frames::{Frames, Taken};
use hangu_tests::wire::{Wire, events_of};
use hangu_tests::{Pass, Plan, Shared, Zone};

const HOST: &str = "portal.gov.example";
const GET: &[u8] = b"GET /echo HTTP/1.1\r\nHost: portal.gov.example\r\nConnection: close\r\n\r\n";

/// What the internet's limits are here; all of them far below the 10 seconds that a raw connection waits.
static PASS: Shared = Shared::of(|| {
    Plan::new()
        .zone(Zone::Internet, |zone| {
            let bounds = "head-time = \"1s\"\nidle-time = \"2s\"\nbody-time = \"2s\"\nhandshake-time = \"1s\"\n\
                          head-size = \"8KiB\"\nheaders = 20";
            zone.insert("bounds".to_owned(), bounds.parse::<toml::Table>().unwrap().into());
        })
        .zone(Zone::Extranet, |zone| {
            let bounds = "connections = 4\nidle-time = \"3s\"\nhead-time = \"3s\"";
            zone.insert("bounds".to_owned(), bounds.parse::<toml::Table>().unwrap().into());
        })
        .zone(Zone::Intranet, |zone| {
            let bounds = "body-rate = \"1KiB\"";
            zone.insert("bounds".to_owned(), bounds.parse::<toml::Table>().unwrap().into());
        })
        .rules("p, *, portal, *, portal.gov.example, /echo, .*, true, allow, rate:gold")
});

async fn open(pass: &Pass) -> Wire {
    Wire::open(pass, Zone::Internet, HOST).await
}

async fn a_normal_client_is_served(pass: &Pass) {
    let said = open(pass).await.tell(GET).await;
    assert_eq!(said.status(), 200, "{}", said.text);
}

/// The reason in the one event of a connection.
async fn reason_of(pass: &Pass, wire: &Wire) -> String {
    let events = events_of(pass, &[wire.from]).await;
    events[0]["status_code"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_trickles_is_cut_when_its_time_is_over() {
    let pass = PASS.get().await;
    let mut slow = open(pass).await;
    slow.raw.send(b"GET /echo HTTP/1.1\r\n").await;
    let begun = Instant::now();
    let trickling = async {
        while !slow.raw.ends_within(Duration::from_millis(200)).await {
            slow.raw.send(b"X-A: 1\r\n").await;
        }
    };
    let (cut, ()) = tokio::join!(
        tokio::time::timeout(Duration::from_secs(8), trickling),
        a_normal_client_is_served(pass)
    );
    assert!(cut.is_ok(), "a trickling head goes on");
    assert!(
        begun.elapsed() > Duration::from_millis(900),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(reason_of(pass, &slow).await, "head-too-slow");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_head_has_no_more_time_than_the_first() {
    let pass = PASS.get().await;
    let mut slow = open(pass).await;
    slow.raw
        .send(b"GET /echo HTTP/1.1\r\nHost: portal.gov.example\r\n\r\n")
        .await;
    assert!(
        slow.raw
            .read_until("\"trailers\":")
            .await
            .starts_with("HTTP/1.1 200")
    );
    slow.raw.send(b"GET /echo HTTP/1.1\r\n").await;
    assert!(slow.raw.ends_within(Duration::from_secs(8)).await);
    let fits = |e: &serde_json::Value| {
        hangu_tests::wire::is_of(e, slow.from) && e["status_code"] == "head-too-slow"
    };
    assert_eq!(pass.event(fits).await["http_response"]["code"], 408);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_whole_in_time_is_answered_408() {
    let pass = PASS.get().await;
    let mut slow = open(pass).await;
    slow.raw
        .send(b"POST /echo HTTP/1.1\r\nHost: portal.gov.example\r\nContent-Length: 1000\r\n\r\nabc")
        .await;
    a_normal_client_is_served(pass).await;
    let said = slow.raw.read_to_end().await;
    assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    assert_eq!(reason_of(pass, &slow).await, "body-too-slow");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_below_the_least_rate_is_answered_408() {
    let pass = PASS.get().await;
    let mut slow = Wire::open(pass, Zone::Intranet, HOST).await;
    slow.raw
        .send(b"POST /echo HTTP/1.1\r\nHost: portal.gov.example\r\nContent-Length: 100000\r\n\r\n")
        .await;
    let mut said = String::new();
    let begun = Instant::now();
    while said.is_empty() && begun.elapsed() < Duration::from_secs(25) {
        slow.raw
            .send(b"a hundred bytes in every second are too few")
            .await;
        said = slow.raw.read_for(Duration::from_millis(500)).await;
    }
    assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    assert_eq!(reason_of(pass, &slow).await, "body-too-slow");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_never_ends_is_cut() {
    let pass = PASS.get().await;
    let mut silent = Wire::clear(pass.at(Zone::Internet)).await;
    // The begin of a record that promises more.
    silent.raw.send(b"\x16\x03\x01\x02\x00\x01").await;
    assert!(silent.raw.ends_within(Duration::from_secs(8)).await);
    assert_eq!(reason_of(pass, &silent).await, "handshake-too-slow");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_connections_ends_at_the_zones_limit_and_leaves_others_alone() {
    let pass = PASS.get().await;
    let to = pass.at(Zone::Extranet);
    let mut flood = Vec::new();
    for _ in 0..4 {
        flood.push(Wire::open(pass, Zone::Extranet, HOST).await);
    }
    for _ in 0..8 {
        let mut beyond = Wire::clear(to).await;
        assert!(
            beyond.raw.ends_within(Duration::from_secs(2)).await,
            "a fifth connection is kept"
        );
    }
    a_normal_client_is_served(pass).await;
    let mut first = flood.remove(0);
    first.raw.send(GET).await;
    assert!(
        first.raw.read_to_end().await.starts_with("HTTP/1.1 "),
        "a connection within the limit is served"
    );
    // Those that say nothing lose their places when their time is over.
    for mut silent in flood {
        assert!(silent.raw.ends_within(Duration::from_secs(8)).await);
    }
    let said = Wire::open(pass, Zone::Extranet, HOST).await.tell(GET).await;
    assert!(said.status() > 0, "{}", said.text);
    assert!(
        pass.metrics().await.contains("turned"),
        "the metrics count who was turned away"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_large_or_has_too_many_fields_is_answered_431() {
    let pass = PASS.get().await;
    let many: String = (0..30).map(|n| format!("X-{n}: 1\r\n")).collect();
    let large = format!("X-Large: {}\r\n", "a".repeat(20_000));
    for fields in [many, large] {
        let sent = format!("GET /echo HTTP/1.1\r\nHost: portal.gov.example\r\n{fields}\r\n");
        let mut wire = open(pass).await;
        wire.raw.send(sent.as_bytes()).await;
        let said = wire.raw.read_to_end().await;
        assert!(said.starts_with("HTTP/1.1 431"), "{said}");
        assert_eq!(reason_of(pass, &wire).await, "head-too-large");
    }
    a_normal_client_is_served(pass).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_http2_head_is_answered_431() {
    let pass = PASS.get().await;
    let large = "a".repeat(20_000);
    let fields = [
        (":method", "GET"),
        (":scheme", "https"),
        (":path", "/echo"),
        (":authority", HOST),
        ("x-large", &large),
    ];
    let mut frames = Frames::open(pass, Zone::Internet, HOST).await;
    frames.head(&fields).await;
    let taken = frames.taken().await;
    let refused = matches!(
        taken,
        Taken::Status(431) | Taken::Reset(_) | Taken::Ended(_)
    );
    assert!(refused, "{taken:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_http2_head_whose_end_never_comes_is_cut() {
    let pass = PASS.get().await;
    let mut frames = Frames::open(pass, Zone::Internet, HOST).await;
    frames
        .half_a_head(&[(":method", "GET"), (":scheme", "https")])
        .await;
    assert!(matches!(frames.taken().await, Taken::Ended(_)));
    a_normal_client_is_served(pass).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_rested_is_served_again_and_bounded_as_before() {
    const ASK: &[u8] = b"GET /echo HTTP/1.1\r\nHost: portal.gov.example\r\n\r\n";
    let pass = PASS.get().await;
    let mut rested = open(pass).await;
    // Longer than a second the gateway keeps nothing of an idle connection but its transport.
    for pause in [0, 1_300, 1_300] {
        assert!(!rested.raw.ends_within(Duration::from_millis(pause)).await);
        // In pieces: the first bytes wake it, the others must not get lost.
        let (first, second) = ASK.split_at(7);
        rested.raw.send(first).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        rested.raw.send(second).await;
        let said = rested.raw.read_until("\"trailers\":").await;
        assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    }
    assert!(!rested.raw.ends_within(Duration::from_millis(1_300)).await);
    // Two at once.
    rested.raw.send(&[ASK, ASK].concat()).await;
    let said = rested.raw.read_for(Duration::from_millis(500)).await;
    assert_eq!(said.matches("HTTP/1.1 200").count(), 2, "{said}");
    // A head that never ends, after a rest.
    assert!(!rested.raw.ends_within(Duration::from_millis(1_300)).await);
    let begun = Instant::now();
    rested.raw.send(&ASK[..9]).await;
    assert!(rested.raw.ends_within(Duration::from_secs(8)).await);
    assert!(
        begun.elapsed() > Duration::from_millis(900),
        "{:?}",
        begun.elapsed()
    );
    let fits = |e: &serde_json::Value| {
        hangu_tests::wire::is_of(e, rested.from) && e["status_code"] == "head-too-slow"
    };
    pass.event(fits).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_came_with_another_and_never_ends_is_cut_and_recorded() {
    let pass = PASS.get().await;
    let mut slow = open(pass).await;
    let ask = "GET /echo HTTP/1.1\r\nHost: portal.gov.example\r\n\r\n";
    slow.raw.send(format!("{ask}{ask}GET /ec").as_bytes()).await;
    let said = slow.raw.read_to_end().await;
    assert_eq!(said.matches("HTTP/1.1 200").count(), 2, "{said}");
    let fits = |e: &serde_json::Value| {
        hangu_tests::wire::is_of(e, slow.from) && e["status_code"] == "head-too-slow"
    };
    pass.event(fits).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_closed() {
    let pass = PASS.get().await;
    let mut idle = open(pass).await;
    idle.raw
        .send(b"GET /echo HTTP/1.1\r\nHost: portal.gov.example\r\n\r\n")
        .await;
    assert!(
        idle.raw
            .read_until("\"trailers\":")
            .await
            .starts_with("HTTP/1.1 200")
    );
    assert!(
        !idle.raw.ends_within(Duration::from_millis(500)).await,
        "closed too early"
    );
    assert!(
        idle.raw.ends_within(Duration::from_secs(8)).await,
        "never closed"
    );
}
