//! Requests that attacks are looked for in, and rules that say what an attack is.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::OnceLock;
use std::time::Duration;

use hangu_inspect::body::Completeness;
use hangu_inspect::cli::judge;
use hangu_inspect::raw::{self, RawRequest};
use hangu_inspect::seclang::{Connection, Outcome, RequestHead, ResponseHead, RuleSet, Source};
use hangu_inspect::{Inspector, ResponseScan, Sensitivity, Settings, openapi};

use crate::input;

/// Rules that use every transformation and operator.
const RULES: &str = include_str!("inspect/rules.conf");

/// A request for rules that come without one.
const REQUEST: &str = include_str!("inspect/request.http");

/// A document whose operations take parameters of every place and bodies of every form.
const DOCUMENT: &str = include_str!("inspect/openapi.yaml");

/// Parts rules from the request that they judge.
const PART: &str = "\n----\n";

/// A raw request: what the detectors find in it, cautiously and strictly.
pub fn request(data: &[u8]) {
    static INSPECTOR: OnceLock<Inspector> = OnceLock::new();
    let inspector = INSPECTOR.get_or_init(|| Inspector::new(small()));
    let Ok(request) = raw::parse(data) else {
        return;
    };
    let (cautious, undecodable) = judge(inspector, &request);
    let strictly = inspector.with_sensitivity(Sensitivity::Strict);
    let (strict, as_well) = judge(&strictly, &request);
    assert_eq!(
        undecodable, as_well,
        "what can be read does not depend on how readily it counts"
    );
    assert!(
        strict.score >= cautious.score,
        "{} counts less than {}",
        strict.score,
        cautious.score
    );
    serde_json::to_string(&cautious.findings).expect("findings can be written");
    // A body that was cut off is read as far as it goes.
    drop(inspector.body(
        request.header("content-type"),
        request.header("content-encoding"),
        &request.body,
        Completeness::Truncated,
    ));
}

/// A response, in pieces: where it is cut changes nothing. The first character says how.
pub fn response(data: &[u8]) {
    let (size, body) = data.split_first().map_or((1, data), |(size, body)| {
        (usize::from(*size % 100) + 1, body)
    });
    let read = |size: usize| {
        let mut scan =
            ResponseScan::new(500, None, Sensitivity::Default, 1 << 16).expect("pages are read");
        for chunk in body.chunks(size) {
            scan.feed(chunk);
        }
        let verdict = scan.finish();
        let rules: Vec<_> = verdict.findings.iter().map(|f| f.rule).collect();
        (verdict.score, rules)
    };
    let whole = read(body.len().max(1));
    assert_eq!(read(size), whole, "pieces of {size} bytes");
}

/// An OpenAPI document, then a raw request where one is given.
pub fn openapi(data: &[u8]) {
    static SHIPPED: OnceLock<openapi::Document> = OnceLock::new();
    let text = input::text(data);
    let (document, request) = text.split_once(PART).unwrap_or((&text, REQUEST));
    let Ok(request) = raw::parse(request.as_bytes()).or_else(|_| raw::parse(REQUEST.as_bytes()))
    else {
        return;
    };
    let path = String::from_utf8_lossy(&request.path).into_owned();
    let ask = |document: &openapi::Document| {
        drop(document.check(&openapi::Request {
            method: &request.method,
            path: &path,
            query: request.query.as_deref(),
            headers: &request.header_slices(),
            body: Some(&request.body),
        }));
    };
    match openapi::Document::load(document, openapi::Unlisted::Refused) {
        Ok(document) => ask(&document),
        Err(mistakes) => assert!(!mistakes.is_empty(), "a refusal says why"),
    }
    ask(SHIPPED.get_or_init(|| {
        openapi::Document::load(DOCUMENT, openapi::Unlisted::Allowed)
            .expect("the document of this target loads")
    }));
}

/// Rules in SecLang, then a raw request where one is given.
pub fn rules(data: &[u8]) {
    let text = input::text(data);
    let (rules, request) = text.split_once(PART).unwrap_or((&text, REQUEST));
    // What stands in files is not read: an input stands for itself alone.
    let lower = rules.to_ascii_lowercase();
    if ["fromfile", "include", "matchf", "pmf"]
        .iter()
        .any(|word| lower.contains(word))
    {
        return;
    }
    let Ok(rules) = load(rules) else { return };
    let request = raw::parse(request.as_bytes()).or_else(|_| raw::parse(REQUEST.as_bytes()));
    exchange(&rules, &request.expect("the request of this target is one"));
}

/// A raw request, judged by rules that use every transformation and operator.
pub fn ruled(data: &[u8]) {
    static LOADED: OnceLock<RuleSet> = OnceLock::new();
    let rules = LOADED.get_or_init(|| load(RULES).expect("the rules of this target load"));
    if let Ok(request) = raw::parse(data) {
        exchange(rules, &request);
    }
}

fn load(rules: &str) -> Result<RuleSet, hangu_inspect::seclang::LoadError> {
    RuleSet::load(&[Source::Text {
        name: "rules.conf".into(),
        text: rules.to_owned(),
    }])
}

/// An exchange in which the response says what the request said.
fn exchange(rules: &RuleSet, request: &RawRequest) {
    let outcome = judged(rules, request);
    serde_json::to_string(&outcome).expect("an outcome can be written");
}

fn judged(rules: &RuleSet, request: &RawRequest) -> Outcome {
    let mut target = request.path.clone();
    if let Some(query) = &request.query {
        target.push(b'?');
        target.extend_from_slice(query);
    }
    let headers = request.header_slices();
    let address = |last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
    let mut transaction = rules.begin(&Connection {
        client: address(1),
        client_port: 50_000,
        server: address(2),
        server_port: 443,
        now: Duration::from_secs(1_800_000_000),
        id: "one",
        place: &[("COUNTRY_CODE", "XA")],
        listed: &[("bl.example.org", "listed")],
    });
    transaction.request_head(&RequestHead {
        method: request.method.as_bytes(),
        target: &target,
        protocol: b"HTTP/1.1",
        headers: &headers,
    });
    transaction.request_body(&request.body);
    transaction.response_head(&ResponseHead {
        status: 200,
        protocol: b"HTTP/1.1",
        headers: &headers,
    });
    transaction.response_body(&request.body);
    transaction.finish()
}

/// Bounds that an input can reach.
fn small() -> Settings {
    Settings {
        inflated: 256 << 10,
        values: 200,
        parts: 16,
        ..Settings::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_load_and_find_something_in_the_request() {
        let rules = load(RULES).unwrap();
        let request = raw::parse(REQUEST.as_bytes()).unwrap();
        assert!(!judged(&rules, &request).matches.is_empty());
    }
}
