//! Framing, chunks and codings of bodies.

use hangu_portals::Kind;
use hangu_tests::wire::events_of;

use super::{PASS, are_refused, arrives, post_with, tell};

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
