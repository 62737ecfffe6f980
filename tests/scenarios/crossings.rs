//! What may cross from zone to zone, and at what price.

use hangu_portals::Kind;
use hangu_tests::outcome::{word, words};
use hangu_tests::{Client, Hangu, Pass, Plan, Shared, Zone};
use serde_json::json;

const PUBLIC: &str = "portal.gov.example";
const EXCHANGE: &str = "exchange.gov.example";
const STAFF: &str = "hr.gov.example";

static PASS: Shared = Shared::of(Plan::new);

/// A client that the policy lets in wherever a crossing does.
fn good(pass: &Pass, zone: Zone, host: &str) -> (Client, &'static str) {
    let client = pass.stranger(zone);
    match host {
        EXCHANGE => (client.api_key(&pass.api_key()), "/api/v1/people?size=1"),
        STAFF => (client.token(&pass.token()), "/api/v1/people/7"),
        _ => (client, "/"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_declared_crossing_carries_and_its_event_names_both_zones() {
    let pass = PASS.get().await;
    for (from, host, names) in [
        (Zone::Internet, PUBLIC, ("internet", "internet")),
        (Zone::Extranet, PUBLIC, ("extranet", "internet")),
        (Zone::Intranet, PUBLIC, ("intranet", "internet")),
        (Zone::Internet, EXCHANGE, ("internet", "extranet")),
        (Zone::Extranet, EXCHANGE, ("extranet", "extranet")),
        (Zone::Intranet, EXCHANGE, ("intranet", "extranet")),
        (Zone::Extranet, STAFF, ("extranet", "intranet")),
        (Zone::Intranet, STAFF, ("intranet", "intranet")),
    ] {
        let (client, path) = good(pass, from, host);
        let answer = client.get(host, path).await;
        assert_eq!(
            answer.outcome(),
            (200, String::new()),
            "{names:?}: {}",
            answer.text()
        );
        let event = pass.event_of(&client).await;
        let zones = (
            word(&event, "/src_endpoint/zone"),
            word(&event, "/dst_endpoint/zone"),
        );
        assert_eq!(zones, names, "{event:#}");
        assert_eq!(word(&event, "/unmapped/decision/effect"), "allow");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reaches_the_intranet_from_the_internet_by_any_credential_version_or_path() {
    let pass = PASS.get().await;
    type Way = fn(&Pass, Client) -> Client;
    let ways: [(&str, Way); 4] = [
        ("nobody", |_, c| c),
        ("token", |p, c| c.token(&p.token())),
        ("http2", |p, c| c.http2().token(&p.token())),
        ("key", |p, c| c.api_key(&p.api_key())),
    ];
    for (way, with) in ways {
        for path in [
            "/api/v1/people/990",
            "/",
            "/.hangu/sign-in",
            "/.hangu/me",
            "/%61dmin/990",
        ] {
            let client = with(pass, pass.stranger(Zone::Internet));
            let answer = client.get(STAFF, path).await;
            assert_eq!(
                answer.outcome(),
                (403, "no-crossing".into()),
                "{way} {path}"
            );
            let event = pass.event_of(&client).await;
            assert_eq!(word(&event, "/status_code"), "no-crossing");
            assert_eq!(word(&event, "/src_endpoint/zone"), "internet");
        }
    }
    let arrived = pass.portal(Kind::Staff).arrivals();
    assert!(arrived.iter().all(|a| !a.contains("990")), "{arrived:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_or_a_name_of_another_zone_opens_no_crossing() {
    let pass = PASS.get().await;
    let client = pass
        .stranger(Zone::Internet)
        .identity(pass.identity("zhao"));
    let answer = client.get(STAFF, "/api/v1/people/991").await;
    assert_eq!(answer.outcome(), (403, "no-crossing".into()));
    // The TLS name is one zone's portal, the host another's.
    let client = pass
        .stranger(Zone::Internet)
        .tls(|t| t.name(PUBLIC))
        .token(&pass.token());
    let answer = client.get(STAFF, "/api/v1/people/991").await;
    assert_eq!(answer.outcome(), (403, "no-crossing".into()));
    assert!(
        pass.portal(Kind::Staff)
            .arrivals()
            .iter()
            .all(|a| !a.contains("991"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_declarations_only_what_stays_in_its_zone_is_carried() {
    let pass = Plan::new()
        .with(|c| {
            c.remove("crossing");
        })
        .start()
        .await;
    let zones = [
        (Zone::Internet, PUBLIC),
        (Zone::Extranet, EXCHANGE),
        (Zone::Intranet, STAFF),
    ];
    for (from, own) in zones {
        for (_, host) in zones {
            let (client, path) = good(&pass, from, host);
            let expected = if host == own {
                (200, "")
            } else {
                (403, "no-crossing")
            };
            let answer = client.get(host, path).await;
            assert_eq!(
                answer.outcome(),
                (expected.0, expected.1.into()),
                "{from:?} to {host}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crossing_redacts_more_than_the_rule_asks_but_never_less() {
    let pass = PASS.get().await;
    let person = pass.portal(Kind::Staff).records().person(7).unwrap();
    let raw = serde_json::to_vec(&person).unwrap();
    let config = pass.path("configs/hangu.toml");
    let masked = |level: &str| {
        let media = "application/json";
        let config = config.to_str().unwrap();
        Hangu::fed(
            &[
                "redact", "--config", config, "--level", level, "--type", media,
            ],
            &raw,
        )
        .succeeded()
    };
    assert_ne!(
        masked("L1"),
        masked("L2"),
        "the levels differ for this person"
    );
    for (from, level) in [(Zone::Intranet, "L1"), (Zone::Extranet, "L2")] {
        let (client, path) = good(pass, from, STAFF);
        let answer = client.get(STAFF, path).await;
        assert_eq!(
            answer.text().trim_end(),
            masked(level).trim_end(),
            "{from:?}"
        );
        let event = pass.event_of(&client).await;
        let obligations = words(&event, "/unmapped/decision/obligations");
        assert!(
            obligations.contains(&format!("redact:{level}").as_str()),
            "{event:#}"
        );
    }
    // The rule asks for L3, the crossing for L2.
    let report = pass.stranger(Zone::Internet).api_key(&pass.api_key());
    report.get(EXCHANGE, "/api/v1/people?size=1").await;
    let event = pass.event_of(&report).await;
    let obligations = words(&event, "/unmapped/decision/obligations");
    assert!(obligations.contains(&"redact:L3"), "{event:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crossing_asks_for_its_assurance_before_the_policy_is_asked() {
    let pass = PASS.get().await;
    let weak = pass
        .issuer()
        .token("zhao", &json!({ "acr": "urn:gov:cn:aal:1" }));
    // The rule of this page wants assurance 1, which suffices within the zone.
    let inside = pass
        .stranger(Zone::Intranet)
        .token(&weak)
        .get(STAFF, "/")
        .await;
    assert_eq!(inside.outcome(), (200, String::new()), "{}", inside.text());
    let across = pass.stranger(Zone::Extranet).token(&weak);
    let answer = across.get(STAFF, "/").await;
    assert_eq!(answer.outcome(), (401, "step-up".into()));
    assert!(
        answer
            .header("www-authenticate")
            .contains("acr_values=\"urn:gov:cn:aal:2\""),
        "{:?}",
        answer.headers
    );
    let event = pass.event_of(&across).await;
    assert_eq!(word(&event, "/status_code"), "step-up");
    assert_eq!(event.pointer("/unmapped/decision"), None, "{event:#}");
    let nobody = pass.stranger(Zone::Extranet).get(STAFF, "/").await;
    assert_eq!(nobody.outcome(), (401, "unidentified".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_more_than_the_zone_it_comes_from_may() {
    let pass = PASS.get().await;
    let token = pass.issuer().token("zhao", &json!({ "clearance": 2 }));
    for (zone, clearance) in [
        (Zone::Internet, 1),
        (Zone::Extranet, 2),
        (Zone::Intranet, 2),
    ] {
        let me = pass
            .client(zone)
            .token(&token)
            .get(PUBLIC, "/.hangu/me")
            .await
            .json();
        assert_eq!(me["clearance"], clearance, "{zone:?}: {me}");
    }
}
