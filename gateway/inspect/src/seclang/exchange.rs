//! What is asked about, and what is answered.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::action::Severity;

/// Between whom, and when.
#[derive(Debug, Clone, Copy)]
pub struct Connection<'a> {
    /// The address of the client.
    pub client: IpAddr,
    /// Its port.
    pub client_port: u16,
    /// The address that was connected to.
    pub server: IpAddr,
    /// Its port.
    pub server_port: u16,
    /// The time, since 1970 in UTC.
    pub now: Duration,
    /// A name for the exchange that is given to no other.
    pub id: &'a str,
    /// What is known of where the client is, by the names of `GEO`, such as `COUNTRY_CODE`. Where nothing is known,
    /// `@geoLookup` is never met; see [`RuleSet::wants_place`](super::RuleSet::wants_place).
    pub place: &'a [(&'a str, &'a str)],
    /// Lists that the address of the client is on, by the name `@rbl` asks for, and what each says of it; see
    /// [`RuleSet::wants_lists`](super::RuleSet::wants_lists).
    pub listed: &'a [(&'a str, &'a str)],
}

/// The head of a request.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'a> {
    /// `GET`.
    pub method: &'a [u8],
    /// What stands between method and version, still encoded.
    pub target: &'a [u8],
    /// `HTTP/1.1`.
    pub protocol: &'a [u8],
    /// Names in any case; repeated ones are kept.
    pub headers: &'a [(&'a str, &'a [u8])],
}

/// The head of a response.
#[derive(Debug, Clone, Copy)]
pub struct ResponseHead<'a> {
    /// `200`.
    pub status: u16,
    /// `HTTP/1.1`.
    pub protocol: &'a [u8],
    /// Names in any case; repeated ones are kept.
    pub headers: &'a [(&'a str, &'a [u8])],
}

/// What became of an exchange.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The rule that ends it, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interruption: Option<Interruption>,
    /// Rules that matched and say so, in order.
    pub matches: Vec<Match>,
    /// The anomaly score of the request, where rules keep one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inbound_score: Option<i64>,
    /// The anomaly score of the response, where rules keep one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outbound_score: Option<i64>,
    /// Why the body of the request could not be read by its type. Rules see it as `REQBODY_ERROR`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<&'static str>,
}

/// How an exchange is ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Interruption {
    /// The number of the rule.
    pub rule: u64,
    /// The status it asks for.
    pub status: u16,
    /// Where it sends the client instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect: Option<String>,
}

/// A rule that matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Match {
    /// Its number.
    pub rule: u64,
    /// What it says.
    pub message: String,
    /// How bad it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Its tags.
    #[serde(serialize_with = "tags")]
    pub tags: Arc<[String]>,
    /// The variable it matched last, as `ARGS:name`.
    pub place: String,
    /// What it says about what it saw, at most 200 characters with control characters escaped. It may hold personal
    /// or secret data: whoever records it redacts it first.
    pub data: String,
}

fn tags<S: serde::Serializer>(tags: &Arc<[String]>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(tags.iter())
}

/// Makes text fit to be shown: at most 200 characters, none of them a control character.
pub(super) fn shown(bytes: &[u8]) -> String {
    const MOST: usize = 200;
    let mut out = String::new();
    let mut room = MOST;
    for c in String::from_utf8_lossy(crate::text::span(bytes, 0, MOST * 4)).chars() {
        let cost = if c.is_control() {
            c.escape_default().count()
        } else {
            1
        };
        if cost > room {
            break;
        }
        room -= cost;
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}
