//! Bytes that are no HTTP, and where lines and messages end.

use super::{are_refused, arrives, get, get_with};

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
async fn lines_may_end_in_a_bare_line_feed() {
    let said = arrives("LF", &get_with("X-A: 1\r\n").replace("\r\n", "\n")).await;
    assert_eq!(said.arrived("x-a"), ["1"]);
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
