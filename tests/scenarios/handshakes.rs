//! Handshakes that fail: each says in its event what happened, and reaches no portal.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use hangu_pki::cli::{self, IssueOptions};
use hangu_pki::verify::Usage;
use hangu_portals::Kind;
use hangu_tests::wire::{Wire, dial, events_of};
use hangu_tests::{Hangu, Identity, Pass, Plan, Raw, Tls, Zone};
use jiff::Timestamp;
use serde_json::Value;

const HOST: &str = "exchange.gov.example";

/// A plan whose extranet takes nobody without a certificate, over TLS 1.3 only.
fn strict() -> Plan {
    Plan::new().zone(Zone::Extranet, |zone| {
        let tls = zone["tls"].as_table_mut().unwrap();
        tls.insert("client-certificates".to_owned(), "required".into());
        tls.insert("versions".to_owned(), vec!["1.3"].into());
    })
}

/// A certificate that an authority issues at a moment for a minute, and its serial number.
fn issue(authority: &Path, out: &Path, usage: Usage, at: Timestamp) -> (Identity, String) {
    let name = match usage {
        Usage::Client => "uri:spiffe://gov.example/svc/tax-etl",
        Usage::Server => "dns:tax.gov.example",
    };
    let options = IssueOptions {
        dir: authority.to_owned(),
        usage,
        common_name: Some("test".to_owned()),
        organizational_unit: None,
        names: vec![name.to_owned()],
        validity: Duration::from_secs(60),
        csr: None,
        out: Some(out.to_owned()),
    };
    let mut said = Vec::new();
    let _answer = cli::issue(&options, at, &mut said).unwrap();
    let said: Value = serde_json::from_slice(&said).unwrap();
    let identity = Identity::read(&out.with_extension("pem"), &out.with_extension("key"));
    (identity, said["serial"].as_str().unwrap().to_owned())
}

/// The reason in the one event of a client.
async fn reason_of(pass: &Pass, from: SocketAddr) -> String {
    let events = events_of(pass, &[from]).await;
    events[0]["status_code"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// The reason in the one event of a connection that shakes hands so.
async fn reason(pass: &Pass, tls: &Tls) -> String {
    let (stream, from) = dial(pass.at(Zone::Extranet)).await;
    // With TLS 1.3 the client has finished before the gateway looks at its certificate.
    if let Ok(stream) = tls.over(stream, HOST).await {
        let said = Raw::over(stream).read_to_end().await;
        assert_eq!(said, "", "nothing is served");
    }
    reason_of(pass, from).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_handshake_says_what_was_wrong_with_the_certificate() {
    let plan = strict();
    let (own, other) = (plan.path("state/pki/authority"), plan.path("other"));
    let _said = Hangu::run(&["pki", "init", "--dir", other.to_str().unwrap()]).succeeded();
    let now = Timestamp::now();
    let made = |name: &str, authority, usage, at| issue(authority, &plan.path(name), usage, at);
    let (good, _) = made("good", &own, Usage::Client, now);
    let (foreign, _) = made("foreign", &other, Usage::Client, now);
    let past = now - Duration::from_secs(300);
    let (expired, _) = made("expired", &own, Usage::Client, past);
    let (server, _) = made("server", &own, Usage::Server, now);
    let (revoked, serial) = made("revoked", &own, Usage::Client, now);
    let folder = own.to_str().unwrap();
    let _said = Hangu::run(&["pki", "revoke", "--dir", folder, &serial]).succeeded();
    let pass = plan.start().await;

    for (identity, what) in [
        (None, "certificate-missing"),
        (Some(foreign), "certificate-not-trusted"),
        (Some(expired), "certificate-expired"),
        (Some(server), "certificate-wrong-purpose"),
        (Some(revoked), "certificate-revoked"),
    ] {
        let tls = identity.map_or(pass.tls(), |identity| pass.tls().identity(identity));
        assert_eq!(reason(&pass, &tls).await, what);
    }
    assert_eq!(pass.portal(Kind::Exchange).arrivals(), [""; 0]);

    let answer = pass
        .client(Zone::Extranet)
        .identity(good)
        .get(HOST, "/api/v1/people/7")
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let metrics = pass.metrics().await;
    assert!(metrics.contains("certificate-expired"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_fails_otherwise_says_why_as_well() {
    let pass = strict().start().await;
    let at = pass.at(Zone::Extranet);
    let old = pass.tls().only(&rustls::version::TLS12);
    assert_eq!(reason(&pass, &old).await, "handshake-nothing-in-common");
    let ftp = pass.tls().alpn(&["ftp"]);
    assert_eq!(reason(&pass, &ftp).await, "handshake-nothing-in-common");

    // The client takes the gateway for somebody else, and says so.
    let distrusting = pass.tls().name("elsewhere.example");
    assert_eq!(reason(&pass, &distrusting).await, "handshake-broken-off");
    let mut cut = Wire::clear(at).await;
    cut.raw.send(b"\x16\x03\x01\x02\x00\x01").await;
    cut.raw.finish().await;
    assert_eq!(reason_of(&pass, cut.from).await, "handshake-broken-off");

    let plain = Wire::clear(at).await;
    let said = plain
        .tell(b"GET / HTTP/1.1\r\nHost: exchange.gov.example\r\n\r\n")
        .await;
    assert!(!said.text.contains("HTTP/"), "{}", said.text);
    assert_eq!(reason_of(&pass, said.from).await, "not-tls");
    let mut garbled = Wire::clear(at).await;
    garbled
        .raw
        .send(b"\x16\x03\x01\x00\x04\x01\x00\x00\x00")
        .await;
    let from = garbled.from;
    let _alert = garbled.raw.read_to_end().await;
    assert_eq!(reason_of(&pass, from).await, "handshake-malformed");

    // Who only looks whether the port is open leaves nothing; the last event is that of the next in line.
    let before = pass.events().len();
    for _ in 0..3 {
        let mut look = Wire::clear(at).await;
        look.raw.finish().await;
        assert_eq!(look.raw.read_to_end().await, "");
    }
    assert_eq!(reason(&pass, &old).await, "handshake-nothing-in-common");
    assert_eq!(pass.events().len(), before + 1);
    assert_eq!(pass.portal(Kind::Exchange).arrivals(), [""; 0]);
}
