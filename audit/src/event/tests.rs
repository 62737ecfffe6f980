use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;
use crate::MAX_RECORD;

fn request() -> Event<'static> {
    Event {
        severity: Severity::Medium,
        status: Status::Failure,
        reason: Some("policy-denied"),
        detail: Some("no rule allows it"),
        trace: Some("4bf92f3577b34da6a3ce929d0e0e4736"),
        gateway: Some("gw1"),
        source: Endpoint {
            ip: Some(Ipv4Addr::new(192, 0, 2, 7).into()),
            port: Some(50123),
            zone: Some("internet"),
            hostname: None,
        },
        target: Endpoint {
            ip: Some(Ipv6Addr::LOCALHOST.into()),
            port: Some(8443),
            zone: Some("extranet"),
            hostname: Some("data.gov.example"),
        },
        portal: Some("data-exchange"),
        tls: Some(Tls {
            version: "1.3",
            cipher: Some("TLS13_AES_256_GCM_SHA384"),
            sni: Some("data.gov.example"),
            ja4: Some("t13d1516h2_8daaf6152771_b186095e22b6"),
            certificate: Some(Certificate {
                fingerprint: "ab12",
                subject: "CN=卡口一",
                issuer: "CN=Hangu Issuing",
                serial: "01",
            }),
        }),
        request: Some(Request {
            method: "GET",
            host: Some("data.gov.example"),
            path: Some("/v1/公民/\"quoted\"\\\u{7f}\n"),
            query: Some("id=***"),
            version: Some("2"),
            user_agent: Some("curl/8"),
            length: Some(0),
        }),
        response: Some(Response {
            code: 403,
            length: Some(812),
            latency_us: Some(1500),
        }),
        actor: Some(Actor {
            id: "u-17",
            name: None,
            kind: CallerKind::Person,
            department: Some("民政局"),
            session: Some("s-1"),
            method: Some("token"),
            assurance: Some(3),
            device_trust: Some(60),
            clearance: Some("internal"),
        }),
        decision: Some(Decision {
            id: "d-9",
            effect: Effect::Deny,
            rules: &["r1", "r2"],
            revision: "2026-11-22.3",
            grounds: Some("rule"),
            obligations: &["redact:mask"],
        }),
        findings: &[Finding {
            rule: "sqli-1",
            score: 5,
            category: "sql-injection",
            technique: Some("T1190"),
            place: "query:id",
            evidence: Some("1' or ***"),
        }],
        redactions: &[("resident-id", 3), ("mobile", 1)],
        people: Some(People {
            count: 3,
            told: &["abcdefghijklmnop"],
        }),
        limit: Some(Limit {
            name: "per-caller",
            remaining: 0,
            retry_after_ms: Some(1500),
        }),
        risk: Some(Risk {
            caller: 40,
            address: 75,
        }),
        traffic: Some(Traffic {
            bytes_in: 10,
            bytes_out: u64::MAX,
        }),
        upstream: Some(Upstream {
            address: "10.0.0.5:80",
            attempts: 2,
            code: Some(200),
        }),
        duration_us: Some(2345),
        notes: &["body-unread"],
        ..Event::new(Timestamp(1_763_780_000_123), What::Http, "req-1")
    }
}

fn parsed(event: &Event<'_>) -> Owned {
    Owned::parse(&event.to_record()).unwrap()
}

#[test]
fn a_request_is_written_like_this() {
    let text = String::from_utf8(request().to_record()).unwrap();
    assert_eq!(
        text,
        concat!(
            r#"{"time":1763780000123,"activity_id":3,"category_uid":4,"class_uid":4002,"type_uid":400203,"severity_id":3,"#,
            r#""status_id":2,"status":"Failure","status_code":"policy-denied","status_detail":"no rule allows it","#,
            r#""action_id":2,"disposition_id":2,"duration":2,"metadata":{"version":"1.8.0","profiles":["security_control"],"product":{"name":"Hangu","#,
            r#""vendor_name":"Hangu","version":"0.1.0"},"uid":"req-1","correlation_uid":"4bf92f3577b34da6a3ce929d0e0e4736","#,
            r#""log_provider":"gw1"},"src_endpoint":{"ip":"192.0.2.7","port":50123,"#,
            r#""zone":"internet"},"dst_endpoint":{"ip":"::1","port":8443,"zone":"extranet","hostname":"data.gov.example"},"#,
            r#""tls":{"version":"1.3","cipher":"TLS13_AES_256_GCM_SHA384","sni":"data.gov.example","ja4_fingerprint_list":"#,
            r#"[{"type_id":1,"value":"t13d1516h2_8daaf6152771_b186095e22b6"}],"certificate":{"subject":"CN=卡口一","#,
            r#""issuer":"CN=Hangu Issuing","serial_number":"01","fingerprints":[{"algorithm_id":3,"value":"ab12"}]}},"#,
            r#""http_request":{"http_method":"GET","version":"2","user_agent":"curl/8","length":0,"url":{"hostname":"#,
            r#""data.gov.example","path":"/v1/公民/\"quoted\"\\\u007f\n","query_string":"id=***"}},"http_response":{"code":403,"#,
            r#""length":812,"latency":1},"traffic":{"bytes_in":10,"bytes_out":18446744073709551615},"actor":{"user":{"uid":"u-17","#,
            r#""type_id":1,"type":"person","org":{"ou_name":"民政局"}},"session":{"uid":"s-1"},"authorizations":"#,
            r#"[{"decision":"deny","policy":{"uid":"r1","version":"2026-11-22.3"}},{"decision":"deny","policy":{"uid":"r2","#,
            r#""version":"2026-11-22.3"}}]},"risk_score":75,"unmapped":{"portal":"data-exchange","identified_by":"token","#,
            r#""assurance":3,"device_trust":60,"clearance":"internal","decision":{"id":"d-9","effect":"deny","rules":["r1","r2"],"#,
            r#""revision":"2026-11-22.3","grounds":"rule","obligations":["redact:mask"]},"findings":[{"rule":"sqli-1","score":5,"#,
            r#""category":"sql-injection","technique":"T1190","place":"query:id","evidence":"1' or ***"}],"redactions":"#,
            r#"{"resident-id":3,"mobile":1},"people":{"count":3,"told":["abcdefghijklmnop"]},"limit":{"name":"per-caller","remaining":0,"retry_after_ms":1500},"risk":{"caller":40,"#,
            r#""address":75},"upstream":{"address":"10.0.0.5:80","attempts":2,"code":200},"latency_us":1500,"duration_us":2345,"#,
            r#""notes":["body-unread"]}}"#,
        )
    );
}

#[test]
fn an_event_is_read_back_with_everything_in_it() {
    let owned = parsed(&request());
    assert_eq!(owned.metadata.version, OCSF_VERSION);
    assert_eq!(
        (owned.time, owned.class_uid, owned.type_uid),
        (Timestamp(1_763_780_000_123), HTTP_ACTIVITY, 400_203)
    );
    let request = owned.http_request.as_ref().unwrap();
    assert_eq!(
        request.url.path.as_deref(),
        Some("/v1/公民/\"quoted\"\\\u{7f}\n")
    );
    assert_eq!(owned.unmapped.redactions["resident-id"], 3);
    assert_eq!(
        owned.unmapped.decision.as_ref().unwrap().rules,
        ["r1", "r2"]
    );
    assert_eq!(owned.traffic.as_ref().unwrap().bytes_out, u64::MAX);
    // Nothing that was written is unknown to the type that reads it, and nothing is written twice.
    let written: serde_json::Value = serde_json::from_slice(&self::request().to_record()).unwrap();
    let again = serde_json::to_value(&owned).unwrap();
    assert_eq!(without_defaults(written), without_defaults(again));
}

/// Zero, false and empty are what is read when a field is not there.
fn without_defaults(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(k, v)| (k, without_defaults(v)))
            .filter(|(_, v)| !matches!(v, Value::Bool(false)) && v.as_u64() != Some(0))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_defaults).collect(),
        scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => scalar,
    }
}

#[test]
fn every_class_has_what_ocsf_requires_of_it() {
    let authentication = Event {
        portal: Some("portal"),
        ..Event::new(
            Timestamp(1),
            What::Authentication(Authentication {
                activity: Logon::Logon,
                user: "alice",
                protocol: "password",
                factors: 2,
            }),
            "a",
        )
    };
    let owned = parsed(&authentication);
    assert_eq!(
        (owned.class_uid, owned.type_uid, owned.category_uid),
        (3002, 300_201, 3)
    );
    assert_eq!(owned.user.unwrap().uid, "alice");
    assert_eq!(
        (owned.is_mfa, owned.service.unwrap().name.as_str()),
        (Some(true), "portal")
    );

    let act = Event {
        actor: Some(Actor {
            id: "admin",
            kind: CallerKind::Administrator,
            ..Actor::default()
        }),
        ..Event::new(
            Timestamp(1),
            What::Administration(Administration {
                activity: Act::Update,
                operation: "policy.install",
                resource_kind: "policy",
                resource: "main",
                change: Some("+1 -0"),
            }),
            "b",
        )
    };
    let owned = parsed(&act);
    assert_eq!((owned.class_uid, owned.type_uid), (6003, 600_303));
    assert_eq!(
        (
            owned.api.unwrap().operation.as_str(),
            owned.resources[0].uid.as_str()
        ),
        ("policy.install", "main")
    );
    assert_eq!(owned.actor.unwrap().user.type_id, Some(2));

    let alert = Event::new(
        Timestamp(1),
        What::Alert(Alert {
            id: "al-1",
            detection: "password-guessing",
            title: "50 failed logins in a minute",
            technique: Some("T1110"),
            subject: "192.0.2.7",
            count: 50,
            events: &["r1", "r2"],
        }),
        "c",
    );
    let owned = parsed(&alert);
    assert_eq!(
        (owned.class_uid, owned.type_uid, owned.is_alert, owned.count),
        (2004, 200_401, true, Some(50))
    );
    let info = owned.finding_info.unwrap();
    assert_eq!(
        (info.uid.as_str(), info.attacks[0].technique.uid.as_str()),
        ("al-1", "T1110")
    );
    assert_eq!(owned.unmapped.subject.as_deref(), Some("192.0.2.7"));

    let remedy = Event::new(
        Timestamp(1),
        What::Remedy(Remedy {
            id: "ban-1",
            activity: Countermeasure::Isolate,
            kind: "ban",
            subject: "192.0.2.7",
            until: Some(Timestamp(99)),
            because: Some("al-1"),
        }),
        "d",
    );
    let owned = parsed(&remedy);
    assert_eq!(
        (
            owned.class_uid,
            owned.type_uid,
            owned.command_uid.as_deref()
        ),
        (7001, 700_101, Some("ban-1"))
    );
    assert_eq!(owned.unmapped.remedy.unwrap().until, Some(Timestamp(99)));
}

#[test]
fn a_request_that_did_not_parse_is_an_event_without_a_method() {
    let event = Event {
        status: Status::Failure,
        reason: Some("malformed"),
        detail: Some("two content-length headers"),
        ..Event::new(Timestamp(-5), What::Http, "x")
    };
    let owned = parsed(&event);
    assert_eq!(
        (owned.type_uid, owned.activity_id, owned.time),
        (400_200, 0, Timestamp(-5))
    );
    assert_eq!(
        owned.status_detail.as_deref(),
        Some("two content-length headers")
    );
}

proptest! {
    #[test]
    fn any_text_comes_back_as_it_was(text in "\\PC*|(?s).{0,60}") {
        let event = Event { detail: Some(&text), redactions: &[(&text, 7)], notes: &[&text], ..request() };
        let owned = parsed(&event);
        prop_assert_eq!(owned.status_detail.as_deref(), Some(text.as_str()));
        prop_assert_eq!(owned.unmapped.redactions.get(&text), Some(&7));
        prop_assert!(!owned.unmapped.shortened);
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn an_event_of_any_size_fits_a_record_and_says_when_it_was_cut(
        piece in prop::sample::select(vec!["a", "\u{1}", "\"", "政", "\u{1F512}"]),
        length in 100usize..30_000,
        many in 0usize..300,
    ) {
        let long = piece.repeat(length / piece.len());
        let texts = vec![long.as_str(); many.min(400_000 / (long.len() + 1))];
        let findings = vec![Finding { rule: &long, score: 1, category: &long, technique: Some(&long), place: &long, evidence: Some(&long) }; many];
        let redactions = vec![(long.as_str(), 1); many];
        let certificate = Certificate { fingerprint: &long, subject: &long, issuer: &long, serial: &long };
        let endpoint = Endpoint { ip: None, port: Some(1), zone: Some(&long), hostname: Some(&long) };
        let event = Event {
            reason: Some(&long), detail: Some(&long), trace: Some(&long), version: &long, gateway: Some(&long),
            source: endpoint, target: endpoint, portal: Some(&long),
            tls: Some(Tls { version: &long, cipher: Some(&long), sni: Some(&long), ja4: Some(&long), certificate: Some(certificate) }),
            request: Some(Request { method: &long, host: Some(&long), path: Some(&long), query: Some(&long), version: Some(&long), user_agent: Some(&long), length: None }),
            actor: Some(Actor { id: &long, name: Some(&long), kind: CallerKind::Person, department: Some(&long), session: Some(&long), method: Some(&long), assurance: None, device_trust: None, clearance: Some(&long) }),
            decision: Some(Decision { id: &long, effect: Effect::Allow, rules: &texts, revision: &long, grounds: Some(&long), obligations: &texts }),
            findings: findings.get(..many.min(2_000_000 / long.len())).unwrap(),
            redactions: &redactions,
            limit: Some(Limit { name: &long, remaining: 0, retry_after_ms: None }),
            upstream: Some(Upstream { address: &long, attempts: 1, code: None }),
            notes: &texts,
            ..Event::new(Timestamp(0), What::Alert(Alert { id: &long, detection: &long, title: &long, technique: Some(&long), subject: &long, count: 1, events: &texts }), &long)
        };
        let record = event.to_record();
        prop_assert!(record.len() <= MAX_RECORD, "{}", record.len());
        let owned = Owned::parse(&record).unwrap();
        let whole = owned.status_detail.as_deref() == Some(long.as_str());
        prop_assert_eq!(owned.unmapped.shortened, !whole || owned.unmapped.findings.len() != event.findings.len());
    }
}
