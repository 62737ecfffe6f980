//! Requests that stand in a file, judged by rules.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::exchange::{Connection, Outcome, RequestHead};
use super::judge::judge;
use super::ruleset::RuleSet;
use crate::body::Completeness;
use crate::raw::RawRequest;

/// Judges a request without its connection: the client is 192.0.2.1 (RFC 5737) and the time 1970.
pub fn ask(rules: &RuleSet, request: &RawRequest) -> Outcome {
    let mut target = request.path.clone();
    if let Some(query) = &request.query {
        target.push(b'?');
        target.extend_from_slice(query);
    }
    let headers = request.header_slices();
    let connection = Connection {
        client: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        client_port: 0,
        server: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)),
        server_port: 443,
        now: Duration::ZERO,
        id: "",
        place: &[],
        listed: &[],
    };
    let head = RequestHead {
        method: request.method.as_bytes(),
        target: &target,
        protocol: b"HTTP/1.1",
        headers: &headers,
    };
    let coding = request.header("content-encoding");
    let whole = Completeness::Whole;
    judge(rules, &connection, &head, coding, &request.body, whole)
}
