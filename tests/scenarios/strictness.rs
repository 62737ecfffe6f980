//! Every row of the table of hostile requests, as bytes on a socket: what is refused reaches no portal and leaves one
//! event, what is accepted arrives in one form only.

use std::net::SocketAddr;

use futures_util::future::join_all;
use hangu_portals::Kind;
use hangu_tests::frames::{Frames, Taken};
use hangu_tests::wire::{Said, Wire, events_of};
use hangu_tests::{Pass, Plan, Shared, Zone};

const HOST: &str = "portal.gov.example";
const CLOSE: &str = "Host: portal.gov.example\r\nConnection: close\r\n";

static PASS: Shared = Shared::of(|| {
    Plan::new().rules(
        "p, *, portal, *, portal.gov.example, /echo, .*, true, allow, rate:gold\n\
         p, *, portal, *, portal.gov.example, /echo/*, .*, true, allow, rate:gold",
    )
});

/// What is sent, and the status and reason with which it is refused.
type Row = (&'static str, String, u16, &'static str);

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\n{CLOSE}\r\n")
}

fn get_with(fields: &str) -> String {
    format!("GET /echo HTTP/1.1\r\n{CLOSE}{fields}\r\n")
}

fn post_with(fields: &str, body: &str) -> String {
    format!("POST /echo HTTP/1.1\r\n{CLOSE}{fields}\r\n{body}")
}

async fn tell(pass: &Pass, bytes: &[u8]) -> Said {
    Wire::open(pass, Zone::Internet, HOST)
        .await
        .tell(bytes)
        .await
}

/// Every row is refused as it says, on the wire and in its one event.
async fn are_refused(rows: &[Row]) {
    let pass = PASS.get().await;
    let said = join_all(rows.iter().map(|(_, sent, ..)| tell(pass, sent.as_bytes()))).await;
    let clients: Vec<SocketAddr> = said.iter().map(|s| s.from).collect();
    let events = events_of(pass, &clients).await;
    let mut wrong = Vec::new();
    for (((what, _, status, reason), said), event) in rows.iter().zip(&said).zip(&events) {
        let seen = (
            said.status(),
            event["http_response"]["code"].as_u64().unwrap_or(0),
            event["status_code"].as_str().unwrap_or("no reason"),
        );
        if seen != (*status, u64::from(*status), *reason) {
            wrong.push(format!("{what}: {seen:?} and not {status} {reason}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The one answer of the portal's echo to a request that is accepted.
async fn arrives(what: &str, sent: &str) -> Said {
    let said = tell(PASS.get().await, sent.as_bytes()).await;
    assert_eq!(said.status(), 200, "{what}: {}", said.text);
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_http_are_answered_400_and_recorded() {
    let unparsable = |what, sent: String| (what, sent, 400, "unparsable");
    are_refused(&[
        unparsable("no request line", "hello\r\n\r\n".into()),
        unparsable("HTTP/0.9", "GET /echo\r\n\r\n".into()),
        unparsable("HTTP/1.2", get("/echo").replace("HTTP/1.1", "HTTP/1.2")),
        unparsable("HTTP/2.0", get("/echo").replace("HTTP/1.1", "HTTP/2.0")),
        unparsable(
            "a method with a bracket",
            get("/echo").replace("GET", "G[T"),
        ),
        unparsable("a space in the target", get("/ec ho")),
        unparsable("`<` in the target", get("/ec<ho")),
        unparsable("a space before the colon", get_with("X-A : 1\r\n")),
        unparsable("a folded field", get_with("X-A: 1\r\n 2\r\n")),
        unparsable("a field that begins with a space", get_with(" X-A: 1\r\n")),
        unparsable("a bare CR", get_with("X-A: 1\rX-B: 2\r\n")),
        unparsable("NUL in a value", get_with("X-A: 1\x002\r\n")),
        unparsable("a control character in a name", get_with("X\x01A: 1\r\n")),
        unparsable("no colon", get_with("X-A\r\n")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_framed_in_one_way_that_is_understood_or_refused() {
    let body = "3\r\nabc\r\n0\r\n\r\n";
    let unparsable = |what, fields: &str| (what, post_with(fields, body), 400, "unparsable");
    let ambiguous = |what, fields: &str| (what, post_with(fields, body), 400, "ambiguous-framing");
    are_refused(&[
        unparsable("xchunked", "Transfer-Encoding: xchunked\r\n"),
        unparsable(
            "chunked, identity",
            "Transfer-Encoding: chunked, identity\r\n",
        ),
        unparsable("a vertical tab", "Transfer-Encoding: \x0bchunked\r\n"),
        (
            "on HTTP/1.0",
            post_with("Transfer-Encoding: chunked\r\n", body).replace("HTTP/1.1", "HTTP/1.0"),
            400,
            "unparsable",
        ),
        unparsable("two lengths", "Content-Length: 3\r\nContent-Length: 4\r\n"),
        unparsable("a list of lengths", "Content-Length: 3, 3\r\n"),
        unparsable("a signed length", "Content-Length: +3\r\n"),
        unparsable("a length with a letter", "Content-Length: 3x\r\n"),
        ambiguous(
            "both",
            "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        ),
        ambiguous(
            "both, the other way",
            "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        ),
        ambiguous("gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n"),
        ambiguous(
            "two lines",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_whose_chunks_are_wrong_is_refused() {
    let chunked = |what, body: &str| {
        (
            what,
            post_with("Transfer-Encoding: chunked\r\n", body),
            400,
            "body-cut",
        )
    };
    are_refused(&[
        chunked("ended by a bare LF", "3\nabc\n0\n\n"),
        chunked("0x3", "0x3\r\nabc\r\n0\r\n\r\n"),
        chunked(
            "a size that overflows",
            "fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
        ),
        chunked("more than announced", "3\r\nabcdef\r\n0\r\n\r\n"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_two_ways_of_framing_nothing_more_is_read_from_the_connection() {
    let pass = PASS.get().await;
    let smuggled = "POST /echo/front HTTP/1.1\r\nHost: portal.gov.example\r\nContent-Length: 4\r\n\
         Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /echo/smuggled HTTP/1.1\r\nHost: portal.gov.example\r\n\r\n";
    let said = tell(pass, smuggled.as_bytes()).await;
    assert_eq!(said.text.matches("HTTP/1.1 ").count(), 1, "{}", said.text);
    assert_eq!(said.status(), 400);
    let arrivals = pass.portal(Kind::Public).arrivals();
    let neither = |a: &String| !a.contains("front") && !a.contains("smuggled");
    assert!(arrivals.iter().all(neither), "{arrivals:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_length_twice_is_one_length() {
    let twice = post_with("Content-Length: 3\r\nContent-Length: 3\r\n", "abc");
    let said = arrives("twice", &twice).await;
    assert_eq!(said.arrived("content-length"), ["3"]);
    assert_eq!(said.json()["body-length"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_names_exactly_one_host() {
    let of = |head: &str| format!("{head}\r\nConnection: close\r\n\r\n");
    let bad = |what, head: &str| (what, of(head), 400, "bad-host");
    are_refused(&[
        bad("none", "GET /echo HTTP/1.1"),
        bad(
            "two",
            "GET /echo HTTP/1.1\r\nHost: portal.gov.example\r\nHost: hr.gov.example",
        ),
        bad(
            "the same twice",
            "GET /echo HTTP/1.1\r\nHost: portal.gov.example\r\nHost: portal.gov.example",
        ),
        bad(
            "a list",
            "GET /echo HTTP/1.1\r\nHost: portal.gov.example, hr.gov.example",
        ),
        bad(
            "a space",
            "GET /echo HTTP/1.1\r\nHost: portal.gov.example hr",
        ),
        bad(
            "a path",
            "GET /echo HTTP/1.1\r\nHost: portal.gov.example/hr",
        ),
        bad(
            "userinfo",
            "GET /echo HTTP/1.1\r\nHost: u@portal.gov.example",
        ),
        bad(
            "no port after the colon of a port",
            "GET /echo HTTP/1.1\r\nHost: portal.gov.example:x",
        ),
        bad("empty", "GET /echo HTTP/1.1\r\nHost:"),
        bad(
            "absolute, another",
            "GET http://hr.gov.example/echo HTTP/1.1\r\nHost: portal.gov.example",
        ),
        bad(
            "absolute, userinfo",
            "GET http://u@portal.gov.example/echo HTTP/1.1\r\nHost: portal.gov.example",
        ),
        bad(
            "absolute, no Host",
            "GET http://portal.gov.example/echo HTTP/1.1",
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absolute_target_that_agrees_with_host_becomes_an_origin_target() {
    let sent = get("https://portal.gov.example/echo/absolute?a=1");
    let said = arrives("absolute", &sent).await;
    assert_eq!(said.json()["target"], "/echo/absolute?a=1");
    assert_eq!(said.arrived("host"), ["portal.gov.example"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_trace_and_unknown_methods_are_answered_405() {
    let method = |what, sent: String| (what, sent, 405, "method-not-forwarded");
    are_refused(&[
        method(
            "CONNECT",
            format!("CONNECT portal.gov.example:443 HTTP/1.1\r\n{CLOSE}\r\n"),
        ),
        method("TRACE", get("/echo").replace("GET", "TRACE")),
        method("a method of its own", get("/echo").replace("GET", "DEBUG")),
        method("lower case", get("/echo").replace("GET", "get")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_may_end_in_a_bare_line_feed() {
    let said = arrives("LF", &get_with("X-A: 1\r\n").replace("\r\n", "\n")).await;
    assert_eq!(said.arrived("x-a"), ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_beyond_ascii_pass_only_in_fields_that_decide_nothing() {
    let field = |what, fields: &str| (what, get_with(fields), 400, "header-not-allowed");
    are_refused(&[
        field("in Authorization", "Authorization: Bearer é\r\n"),
        field("in Cookie", "Cookie: a=é\r\n"),
        field("in Content-Type", "Content-Type: text/é\r\n"),
        field("in Content-Encoding", "Content-Encoding: é\r\n"),
        field("in Origin", "Origin: https://é\r\n"),
        (
            "in Host",
            get("/echo").replace("portal", "pörtal"),
            400,
            "bad-host",
        ),
    ])
    .await;
    let said = arrives("in X-A", &get_with("X-A: 名\r\n")).await;
    assert_eq!(said.arrived("x-a"), ["名"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_one_hop_stay_on_it() {
    let sent = get_with(
        "X-Hop: 1\r\nX-End: 2\r\nKeep-Alive: timeout=5\r\nProxy-Connection: close\r\nTE: trailers\r\nTrailer: X-T\r\n",
    );
    let sent = sent.replace("Connection: close", "Connection: close, X-Hop");
    let said = arrives("nominated", &sent).await;
    for gone in ["x-hop", "keep-alive", "proxy-connection", "te", "trailer"] {
        assert_eq!(said.arrived(gone), [""; 0], "{gone}");
    }
    assert_eq!(said.arrived("x-end"), ["2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_go_to_the_end_cannot_be_nominated_away() {
    let names = [
        "Host",
        "Content-Length",
        "Authorization",
        "Cookie",
        "Hangu-Assertion",
        "X-Forwarded-For",
        "X_Hangu_User",
    ];
    let rows: Vec<Row> = names
        .into_iter()
        .map(|name| {
            let sent = get("/echo").replace("close\r\n", &format!("close, {name}\r\n"));
            (name, sent, 400, "header-not-allowed")
        })
        .collect();
    are_refused(&rows).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_websocket_is_upgraded_to() {
    let sent = get_with("Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n").replace(
        "Connection: close",
        "Connection: Upgrade, HTTP2-Settings, close",
    );
    let said = arrives("h2c", &sent).await;
    for gone in ["upgrade", "http2-settings", "connection"] {
        assert_eq!(said.arrived(gone), [""; 0], "{gone}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_requests_are_answered_in_their_order() {
    let one = |n: u8| format!("GET /echo/{n} HTTP/1.1\r\nHost: portal.gov.example\r\n\r\n");
    let sent = [one(1), one(2), get("/echo/3")].concat();
    let said = arrives("three", &sent).await;
    let place = |n: u8| {
        said.text
            .find(&format!("\"target\":\"/echo/{n}\""))
            .expect("an answer")
    };
    assert!(place(1) < place(2) && place(2) < place(3), "{}", said.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_without_a_canonical_form_is_refused() {
    let path = |what, target: &str| (what, get(target), 400, "no-canonical-path");
    are_refused(&[
        path("above the root", "/echo/../../etc/passwd"),
        path("encoded dots above the root", "/%2e%2e/etc/passwd"),
        path("an encoded slash", "/echo%2Fa"),
        path("an encoded backslash", "/echo/..%5Ca"),
        path("a backslash", "/echo/..\\a"),
        path("an overlong encoding", "/echo/%c0%ae%c0%ae/a"),
        path("encoded twice", "/echo/%252e%252e/a"),
        path("NUL", "/echo/a%00b"),
        path("a line feed", "/echo/a%0aSet-Cookie"),
        path("half an escape", "/echo/%4"),
        path("no escape", "/echo/%zz"),
        path("no UTF-8", "/echo/%ff"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_paths_arrive_in_one_form() {
    for (sent, arrived) in [
        ("/echo//a", "/echo/a"),
        ("/echo/./a/", "/echo/a/"),
        ("/echo/é", "/echo/%C3%A9"),
        ("/echo/%61;v=1/b;w", "/echo/a/b"),
        ("/echo/%E5%8a%9E", "/echo/%E5%8A%9E"),
        ("/echo/a?b=/../c", "/echo/a?b=/../c"),
    ] {
        let said = tell(PASS.get().await, get(sent).as_bytes()).await;
        assert_eq!(said.status(), 200, "{sent}: {}", said.text);
        assert_eq!(said.json()["target"], arrived, "{sent}");
    }
    // Decided on as it is forwarded: what needs somebody needs somebody however it is written.
    are_refused(&[
        ("spelt otherwise", get("//%75pload"), 401, "unidentified"),
        (
            "dots that are hidden",
            get("/search/%2e%2e/echo/a"),
            403,
            "attack",
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_the_gateways_own_fields_comes_in() {
    let sent = get_with(
        "Hangu-Assertion: forged\r\nHangu_Assertion: forged\r\nX_Hangu_User: forged\r\nX-Hangu-User: forged\r\n\
         X_Forwarded_For: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.1\r\nForwarded: for=192.0.2.1\r\nX-Real-IP: 192.0.2.1\r\n\
         hangu.binding: forged\r\nX-Other: kept\r\n",
    );
    let said = arrives("forged", &sent).await;
    assert!(
        !said.text.contains("forged") && !said.text.contains("192.0.2.1"),
        "{}",
        said.text
    );
    assert_eq!(
        said.arrived("x-forwarded-for"),
        [said.from.ip().to_string()]
    );
    assert_eq!(said.arrived("x-other"), ["kept"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coded_body_is_decoded_for_inspection_or_refused() {
    use std::io::Write as _;
    let gzip = |text: &str| {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(text.as_bytes()).unwrap();
        writer.finish().unwrap()
    };
    let post = |coding: &str, body: &[u8]| {
        let fields = format!(
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n",
            body.len()
        );
        [post_with(&fields, "").as_bytes(), body].concat()
    };
    let pass = PASS.get().await;
    let attack = gzip("q=1' UNION SELECT password FROM users--");
    let table = [
        ("an attack", post("gzip", &attack), 403, "attack"),
        (
            "no gzip",
            post("gzip", b"not gzip at all"),
            415,
            "uninspectable-body",
        ),
        ("unknown", post("zork", b"q=1"), 415, "uninspectable-body"),
    ];
    for (what, sent, status, reason) in table {
        let said = tell(pass, &sent).await;
        assert_eq!(said.status(), status, "{what}: {}", said.text);
        let event = events_of(pass, &[said.from]).await;
        assert_eq!(event[0]["status_code"], reason, "{what}");
    }
    let honest = gzip("q=hello");
    let said = tell(pass, &post("gzip", &honest)).await;
    assert_eq!(said.status(), 200, "{}", said.text);
    assert_eq!(said.json()["body-length"], honest.len());
    assert_eq!(said.arrived("content-encoding"), ["gzip"]);
}

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
            "no-canonical-path",
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
