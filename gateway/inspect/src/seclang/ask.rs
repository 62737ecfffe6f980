//! Requests that stand in a file, judged by rules.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::exchange::{Connection, Outcome, RequestHead};
use super::ruleset::RuleSet;
use crate::body::Completeness;
use crate::coding::inflate;
use crate::inspector::Settings;
use crate::raw::RawRequest;

/// Judges a request without its connection: the client is 192.0.2.1 (RFC 5737) and the time 1970.
pub fn ask(rules: &RuleSet, request: &RawRequest) -> Outcome {
    let mut target = request.path.clone();
    if let Some(query) = &request.query {
        target.push(b'?');
        target.extend_from_slice(query);
    }
    let headers = request.header_slices();
    let coding = request.header("content-encoding");
    // What cannot be inflated is read as it stands; the detectors call it undecodable.
    let body = inflate(
        coding,
        &request.body,
        Completeness::Whole,
        &Settings::default(),
    );
    let body = body.as_deref().unwrap_or(&request.body);
    let mut transaction = rules.begin(&Connection {
        client: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        client_port: 0,
        server: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)),
        server_port: 443,
        now: Duration::ZERO,
        id: "",
        place: &[],
        listed: &[],
    });
    transaction.request_head(&RequestHead {
        method: request.method.as_bytes(),
        target: &target,
        protocol: b"HTTP/1.1",
        headers: &headers,
    });
    transaction.request_body(body);
    transaction.finish()
}
