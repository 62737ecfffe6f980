//! The one host that a request names.

use super::{are_refused, arrives, get};

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
