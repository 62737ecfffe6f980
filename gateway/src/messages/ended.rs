//! What is recorded once a connection whose messages were read is over.

use std::sync::Arc;

use hangu_redact::Summary;
use http::HeaderValue;
use smallvec::SmallVec;

use super::Reading;
use super::relay::End;
use crate::clock;
use crate::exchange::{Ending, Exchange};
use crate::stage::record;

/// The facts of a connection that goes on, kept for the event of its end.
pub fn facts(exchange: &Exchange) -> Box<Exchange> {
    // A copy: the field shares the connection's read buffer, which would be pinned for as long as this.
    let agent = exchange.user_agent.as_ref();
    let agent = agent.and_then(|agent| HeaderValue::from_bytes(agent.as_bytes()).ok());
    Box::new(Exchange {
        gateway: Arc::clone(&exchange.gateway),
        snapshot: Arc::clone(&exchange.snapshot),
        connection: Arc::clone(&exchange.connection),
        id: exchange.id,
        trace: exchange.trace,
        begun: exchange.begun,
        begun_ms: exchange.begun_ms,
        ended_after: None,
        method: exchange.method.clone(),
        version: exchange.version,
        host: exchange.host.clone(),
        path: exchange.path.clone(),
        query: exchange.query.clone(),
        forwarded_query: None,
        user_agent: agent,
        portal: exchange.portal,
        credential: exchange.credential,
        caller: exchange.caller.clone(),
        verdict: hangu_inspect::Verdict::default(),
        shadowed: Vec::new(),
        ruled: Vec::new(),
        departures: Vec::new(),
        leaks: None,
        head_counts: None,
        asked_counts: None,
        tried: None,
        people: Vec::new(),
        unread: SmallVec::new(),
        marked: None,
        decision: exchange.decision.clone(),
        sent: None,
        upstream: exchange.upstream.clone(),
        risk: exchange.risk,
        throttled: exchange.throttled,
        session: exchange.session.clone(),
        upgrade: None,
        progress: None,
    })
}

/// Records the end of a connection, with all that its messages told.
pub fn record(mut exchange: Box<Exchange>, reading: Reading, end: End) {
    let Reading {
        asked, answered, ..
    } = reading;
    let (asked, answered) = (asked.told, answered.told);
    exchange.begun_ms = clock::wall_ms();
    exchange.verdict = asked.verdict;
    exchange.people = answered.people.into_iter().collect();
    exchange.asked_counts = asked.summary.map(|summary| Box::new(summary.counts));
    exchange.unread = asked.unread;
    for what in answered.unread {
        if !exchange.unread.contains(&what) {
            exchange.unread.push(what);
        }
    }
    let (refusal, why) = match end {
        End::Over => (None, "websocket-closed"),
        End::Ended => (None, "ended-by-gateway"),
        End::Refused(refusal) => (Some(refusal), "websocket-closed"),
    };
    let redacted = answered.summary.map(|summary| Summary {
        bytes_out: answered.bytes,
        ..summary
    });
    record::closed(
        exchange,
        Ending::Closed {
            bytes_in: asked.bytes,
            bytes_out: answered.bytes,
            redacted,
            refusal,
            why,
        },
    );
}
