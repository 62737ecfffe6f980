//! What happens behind the gateway: choice, death, health, ejection, trust, and upstreams without manners.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hangu_tests::{Answer, Behind, Hangu, Pass, Plan, Zone};
use http::Request;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use toml::Table;

const HOST: &str = "portal.gov.example";
const RULE: &str = "p, *, portal, *, portal.gov.example, /t, *, true, allow, rate:gold";

/// The public portal with these upstreams and nothing else behind it.
fn before(behind: &[&Behind], settings: &str) -> Plan {
    let addresses: Vec<String> = behind.iter().map(|b| format!("\"{}\"", b.at())).collect();
    let text = format!("addresses = [{}]\n{settings}", addresses.join(", "));
    let upstream: Table = text.parse().unwrap();
    Plan::new().rules(RULE).portal("public", |p| {
        drop(p.insert("upstream".to_owned(), upstream.into()))
    })
}

async fn get(pass: &Pass, target: &str) -> Answer {
    pass.client(Zone::Internet).get(HOST, target).await
}

/// Which upstream answered each of so many requests.
async fn spread(pass: &Pass, count: usize) -> BTreeMap<String, usize> {
    let mut from = BTreeMap::new();
    for _ in 0..count {
        let answer = get(pass, "/t").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        *from.entry(answer.text()).or_default() += 1;
    }
    from
}

fn reason(answer: &Answer) -> (u16, String) {
    let reason = answer.json()["reason"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    (answer.status.as_u16(), reason)
}

fn refused(status: u16, reason: &str) -> (u16, String) {
    (status, reason.to_owned())
}

/// Waits until a thing is so.
async fn until<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < Duration::from_secs(10), "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn round_robin_takes_turns_and_a_dead_address_is_not_noticed_by_safe_requests() {
    let (a, b, c) = (Behind::start("a"), Behind::start("b"), Behind::start("c"));
    let pass = before(&[&a, &b, &c], "").start().await;
    let from = spread(&pass, 12).await;
    assert_eq!(
        from.values().copied().collect::<Vec<_>>(),
        [4, 4, 4],
        "{from:?}"
    );
    drop(a);
    let from = spread(&pass, 12).await;
    assert_eq!(
        from.keys().map(String::as_str).collect::<Vec<_>>(),
        ["b", "c"]
    );
    drop((b, c));
    assert_eq!(reason(&get(&pass, "/t").await), refused(502, "no-upstream"));
    pass.event(|e| e["status_code"] == "no-upstream" && e["http_response"]["code"] == 502)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn least_connections_avoids_the_busy_one() {
    let (a, b) = (Behind::start("a"), Behind::start("b"));
    let pass = before(&[&a, &b], "balance = \"least-connections\"")
        .start()
        .await;
    let client = pass.client(Zone::Internet);
    let slow = tokio::spawn(async move { client.get(HOST, "/t?q=slow").await.text() });
    until("the slow request arrives", || async {
        !(a.arrived().is_empty() && b.arrived().is_empty())
    })
    .await;
    let from = spread(&pass, 4).await;
    let busy = slow.await.unwrap();
    assert_eq!(from.len(), 1, "{from:?}");
    assert!(!from.contains_key(&busy), "{from:?} while {busy} was busy");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consistent_hash_keeps_a_client_at_its_upstream_and_spreads_clients() {
    let (a, b, c) = (Behind::start("a"), Behind::start("b"), Behind::start("c"));
    let pass = before(&[&a, &b, &c], "balance = \"consistent-hash\"")
        .start()
        .await;
    let mut used = BTreeMap::new();
    for last in 1..=20 {
        let client = pass
            .client(Zone::Internet)
            .from(Ipv4Addr::new(127, 0, 7, last));
        let first = client.get(HOST, "/t").await.text();
        assert_eq!(client.get(HOST, "/t").await.text(), first);
        *used.entry(first).or_insert(0) += 1;
    }
    assert!(used.len() >= 2, "{used:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_health_check_takes_an_upstream_out_and_back() {
    let (a, b) = (Behind::start("a"), Behind::start("b"));
    let settings =
        "health = { path = \"/healthz\", interval = \"100ms\", failures = 1, successes = 1 }";
    let pass = before(&[&a, &b], settings).start().await;
    assert_eq!(spread(&pass, 8).await.len(), 2);
    a.set_healthy(false);
    until("`a` is taken out", || async {
        !spread(&pass, 4).await.contains_key("a")
    })
    .await;
    assert_eq!(spread(&pass, 6).await.get("b"), Some(&6));
    a.set_healthy(true);
    until("`a` is back", || async {
        spread(&pass, 4).await.len() == 2
    })
    .await;
    a.set_healthy(false);
    b.set_healthy(false);
    until("both are out", || async {
        get(&pass, "/t").await.status == 502
    })
    .await;
    assert_eq!(reason(&get(&pass, "/t").await), refused(502, "no-upstream"));
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_in_a_row_eject_an_upstream_for_a_time() {
    let (a, b) = (Behind::start("a"), Behind::start("b"));
    let pass = before(&[&a, &b], "eject = { failures = 3, time = \"1500ms\" }")
        .start()
        .await;
    a.set_failing(true);
    for _ in 0..8 {
        get(&pass, "/t").await;
    }
    let arrived = a.arrived().len();
    assert_eq!(arrived, 3, "three failures and no more");
    a.set_failing(false);
    assert_eq!(spread(&pass, 4).await.get("b"), Some(&4));
    until("`a` is back", || async {
        spread(&pass, 2).await.contains_key("a")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_safe_is_sent_twice() {
    let (a, b) = (Behind::start("a"), Behind::start("b"));
    let pass = before(&[&a, &b], "").start().await;
    let client = pass.client(Zone::Internet);
    // Both close without an answer, so that a second try would be seen.
    assert_eq!(
        reason(&get(&pass, "/t?q=drop").await),
        refused(502, "upstream-failed")
    );
    assert_eq!(
        (a.arrived().len(), b.arrived().len()),
        (1, 1),
        "a GET was tried at the other"
    );
    let post = client.send(HOST, Request::post("/t?q=drop"), "once").await;
    assert_eq!(reason(&post), refused(502, "upstream-failed"));
    let posts = |b: &Behind| b.arrived().iter().filter(|l| l.starts_with("POST")).count();
    assert_eq!(posts(&a) + posts(&b), 1, "a POST was sent once");
    pass.event(|e| {
        e["status_code"] == "upstream-failed" && e["http_request"]["http_method"] == "POST"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_upstream_is_504_and_one_that_breaks_off_is_seen_to() {
    let a = Behind::start("a");
    let pass = before(&[&a], "answer-time = \"300ms\"").start().await;
    assert_eq!(
        reason(&get(&pass, "/t?q=stall").await),
        refused(504, "upstream-slow")
    );
    pass.event(|e| e["status_code"] == "upstream-slow" && e["http_response"]["code"] == 504)
        .await;
    let cut = pass
        .client(Zone::Internet)
        .try_send(
            HOST,
            Request::get("/t?q=cut"),
            hangu_tests::client::whole(""),
        )
        .await;
    assert!(cut.is_err(), "{cut:?}");
    let event = pass
        .event(|e| e["http_response"]["code"] == 200 && e["unmapped"]["notes"].is_array())
        .await;
    assert!(
        event["traffic"]["bytes_out"]
            .as_u64()
            .is_some_and(|b| b < 100),
        "{event}"
    );
}

/// TLS of an upstream, with a certificate for this name of the pass's authority.
fn tls(plan: &Plan, name: &str, clients: bool) -> ServerConfig {
    let (folder, out) = (plan.path("state/pki/authority"), plan.path(name));
    let (folder, out) = (folder.to_str().unwrap(), out.to_str().unwrap());
    let san = format!("dns:{name}");
    let _said = Hangu::run(&[
        "pki",
        "issue",
        "--dir",
        folder,
        "--usage",
        "server",
        "--common-name",
        name,
        "--name",
        &san,
        "--out",
        out,
    ])
    .succeeded();
    let certificates = |path: String| {
        CertificateDer::pem_file_iter(path)
            .unwrap()
            .map(Result::unwrap)
    };
    let key = PrivateKeyDer::from_pem_file(format!("{out}.key")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if clients {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates(format!("{folder}/root.pem")));
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    builder
        .with_single_cert(certificates(format!("{out}.pem")).collect(), key)
        .unwrap()
}

async fn over_tls(server: &str, clients: bool, settings: &str) -> (u16, String) {
    let plan = Plan::new().rules(RULE);
    let behind = Behind::start_tls("a", tls(&plan, server, clients));
    let text = format!(
        "addresses = [\"{}\"]\n[tls]\nanchors = [\"../state/pki/authority/root.pem\"]\n{settings}",
        behind.at()
    );
    let upstream: Table = text.parse().unwrap();
    let plan = plan.portal("public", |p| {
        drop(p.insert("upstream".to_owned(), upstream.into()))
    });
    let pass = plan.start().await;
    let answer = get(&pass, "/t").await;
    if answer.status == 200 {
        return (200, answer.text());
    }
    reason(&answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_must_carry_the_configured_name_and_is_shown_our_certificate() {
    let right = "name = \"back.gov.example\"";
    let ours = "certificate = { chain = \"../state/pki/tax-etl.pem\", key = \"../state/pki/tax-etl.key\" }";
    let with_ours = format!("{right}\n{ours}");
    let (named, other, mutual, without) = tokio::join!(
        over_tls("back.gov.example", false, right),
        over_tls("other.gov.example", false, right),
        over_tls("back.gov.example", true, &with_ours),
        over_tls("back.gov.example", true, right),
    );
    assert_eq!(named, refused(200, "a"));
    assert_eq!(other, refused(502, "no-upstream"));
    assert_eq!(mutual, refused(200, "a"));
    assert_eq!(without.0, 502, "{without:?}");
}
