//! Header fields: which bytes, which stay on their hop, which never come in.

use super::{Row, are_refused, arrives, get, get_with};

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
