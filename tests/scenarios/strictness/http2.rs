//! The same rules over HTTP/2.

use std::net::SocketAddr;

use futures_util::future::join_all;
use hangu_portals::Kind;
use hangu_tests::Zone;
use hangu_tests::frames::{Frames, Taken};
use hangu_tests::wire::events_of;

use super::{HOST, PASS};

const METHOD: (&str, &str) = (":method", "GET");
const SCHEME: (&str, &str) = (":scheme", "https");
const PATH: (&str, &str) = (":path", "/echo");
const AUTHORITY: (&str, &str) = (":authority", HOST);

#[tokio::test(flavor = "multi_thread")]
async fn http2_requests_are_held_to_the_same_rules() {
    let pass = PASS.get().await;
    let path = |path| [METHOD, SCHEME, (":path", path), AUTHORITY].to_vec();
    let host = |authority| [METHOD, SCHEME, PATH, (":authority", authority)].to_vec();
    let with = |field| [METHOD, SCHEME, PATH, AUTHORITY, field].to_vec();
    let table = [
        (
            "a host that differs",
            with(("host", "hr.gov.example")),
            400,
            "bad-host",
        ),
        (
            "a list of hosts",
            host("portal.gov.example,hr.gov.example"),
            400,
            "bad-host",
        ),
        ("no host", [METHOD, SCHEME, PATH].to_vec(), 400, "bad-host"),
        (
            "two hosts",
            [
                METHOD,
                SCHEME,
                PATH,
                AUTHORITY,
                ("host", HOST),
                ("host", HOST),
            ]
            .to_vec(),
            400,
            "bad-host",
        ),
        ("userinfo", host("u@portal.gov.example"), 400, "bad-host"),
        (
            "above the root",
            path("/../etc/passwd"),
            400,
            "path-above-root",
        ),
        ("8-bit in the path", path("/echo/é"), 400, "not-a-uri"),
        ("braces in the path", path("/echo/{1}"), 400, "not-a-uri"),
        (
            "a backslash in the query",
            path("/echo?a=\\"),
            400,
            "not-a-uri",
        ),
        (
            "encoded twice",
            path("/echo/%252e"),
            400,
            "no-canonical-path",
        ),
        (
            "bytes beyond ASCII",
            with(("cookie", "a=é")),
            400,
            "header-not-allowed",
        ),
        (
            "TRACE",
            [(":method", "TRACE"), SCHEME, PATH, AUTHORITY].to_vec(),
            405,
            "method-not-forwarded",
        ),
        (
            "CONNECT",
            [
                (":method", "CONNECT"),
                (":authority", "portal.gov.example:443"),
            ]
            .to_vec(),
            405,
            "method-not-forwarded",
        ),
    ];
    let asked = join_all(table.iter().map(|(_, fields, ..)| async {
        let mut frames = Frames::open(pass, Zone::Internet, HOST).await;
        frames.head(fields).await;
        (frames.taken().await, frames.from)
    }))
    .await;
    let clients: Vec<SocketAddr> = asked.iter().map(|(_, from)| *from).collect();
    for ((what, _, status, _), (taken, _)) in table.iter().zip(&asked) {
        assert_eq!(*taken, Taken::Status(*status), "{what}");
    }
    let events = events_of(pass, &clients).await;
    for ((what, _, _, reason), event) in table.iter().zip(&events) {
        assert_eq!(event["status_code"], *reason, "{what}");
        assert_eq!(event["http_request"]["version"], "2", "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_messages_that_are_malformed_are_reset_and_reach_no_portal() {
    let pass = PASS.get().await;
    let path = (":path", "/echo/malformed");
    let with = |field| [METHOD, SCHEME, path, AUTHORITY, field].to_vec();
    let table = [
        (
            "`<` in the path",
            [METHOD, SCHEME, (":path", "/echo/malformed<"), AUTHORITY].to_vec(),
        ),
        ("connection", with(("connection", "close"))),
        ("transfer-encoding", with(("transfer-encoding", "chunked"))),
        ("upper case", with(("X-Upper", "1"))),
        ("two paths", with(path)),
        (
            "a pseudo field after a field",
            [METHOD, SCHEME, path, ("x-a", "1"), AUTHORITY].to_vec(),
        ),
        ("a line feed in a value", with(("x-a", "1\nx-b: 2"))),
        ("no path", [METHOD, SCHEME, AUTHORITY].to_vec()),
        ("an unknown pseudo field", with((":portal", "staff"))),
    ];
    for (what, fields) in table {
        let mut frames = Frames::open(pass, Zone::Internet, HOST).await;
        frames.head(&fields).await;
        let taken = frames.taken().await;
        let refused = matches!(
            taken,
            Taken::Reset(_) | Taken::Ended(_) | Taken::Status(400)
        );
        assert!(refused, "{what}: {taken:?}");
    }
    let mut frames = Frames::open(pass, Zone::Internet, HOST).await;
    let fields = [
        (":method", "POST"),
        SCHEME,
        path,
        AUTHORITY,
        ("content-length", "3"),
    ];
    frames.request(&fields, b"more than three").await;
    let taken = frames.taken().await;
    assert!(
        matches!(taken, Taken::Reset(_) | Taken::Status(400)),
        "{taken:?}"
    );
    let arrivals = pass.portal(Kind::Public).arrivals();
    assert!(
        !arrivals.iter().any(|a| a.contains("malformed")),
        "{arrivals:?}"
    );
}
