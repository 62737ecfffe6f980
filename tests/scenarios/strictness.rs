//! Every row of the table of hostile requests, as bytes on a socket: what is refused reaches no portal and leaves one
//! event, what is accepted arrives in one form only.

mod bodies;
mod fields;
mod hosts;
mod http2;
mod lines;
mod targets;

use std::net::SocketAddr;

use futures_util::future::join_all;
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
