//! How often, how many at once, and who is shut out for how long.

use std::time::{Duration, Instant};

use hangu_tests::client::whole;
use hangu_tests::outcome::{unused_address, word};
use hangu_tests::{Answer, Client, Hangu, Pass, Plan, Shared, Zone};
use http::Request;
use serde_json::{Value, json};
use toml::Table;

const PUBLIC: &str = "portal.gov.example";
const EXCHANGE: &str = "exchange.gov.example";
const STAFF: &str = "hr.gov.example";
const CONSOLE: &str = "console.gw";

/// That a refusal says which limit it was, that nothing is left, and when to come back.
fn tells(refused: &Answer, policy: &str) {
    assert_eq!(refused.header("ratelimit-policy"), policy);
    let (name, _) = policy.split_once(';').unwrap();
    let left = refused.header("ratelimit");
    assert!(left.starts_with(&format!("{name};r=0;t=")), "{left}");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=10).contains(&wait), "{wait}");
}

/// Small limits; each test asks from addresses of its own.
static PASS: Shared = Shared::of(|| {
    let limits: Table = "address = { rate = \"6/m\", burst = 12 }\n\
                         sign-in = { rate = \"6/m\", burst = 3 }\n\
                         [class]\n\
                         bronze = { rate = \"6/m\", burst = 3 }\n\
                         silver = { rate = \"60/s\", burst = 100 }\n\
                         gold = { rate = \"60/s\", burst = 100 }\n"
        .parse()
        .unwrap();
    Plan::new()
        .with(|c| {
            c.insert("limit".into(), limits.into());
        })
        .portal("public", |p| {
            p.insert("concurrency".into(), 2.into());
        })
        .rules("p, *, portal, *, portal.gov.example, /slow, ^GET$, true, allow,\np, *, *, *, *, /echo/*, ^GET$, true, allow,")
});

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_its_burst_and_then_waits_while_others_go_on() {
    let pass = PASS.get().await;
    let client = pass.stranger(Zone::Internet);
    for _ in 0..12 {
        assert_eq!(client.get(PUBLIC, "/echo/a").await.status, 200);
    }
    let refused = client.get(PUBLIC, "/echo/a").await;
    assert_eq!(refused.outcome(), (429, "rate-limited".into()));
    tells(&refused, "\"address\";q=12;w=120");
    assert_eq!(
        pass.stranger(Zone::Internet)
            .get(PUBLIC, "/echo/a")
            .await
            .status,
        200
    );
    let events = pass
        .events_of(&client, hangu_tests::outcome::HTTP, 13)
        .await;
    let last = &events[12];
    assert_eq!(
        (
            word(last, "/status_code"),
            word(last, "/unmapped/limit/name")
        ),
        ("rate-limited", "address")
    );
    // The limit comes before anything that costs: a portal that does not exist is not looked for.
    assert_eq!(
        client
            .clone()
            .tls(|t| t.name(PUBLIC))
            .get("nowhere.example", "/")
            .await
            .outcome(),
        (429, "rate-limited".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_is_one_rate_for_a_caller_wherever_it_asks_from_and_it_is_told_where_it_stands() {
    let pass = PASS.get().await;
    let path = "/api/v1/people?size=1";
    for left in [2, 1, 0] {
        let client = pass.stranger(Zone::Extranet).api_key(&pass.api_key());
        let answer = client.get(EXCHANGE, path).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("ratelimit-policy"), "\"bronze\";q=3;w=30");
        assert!(
            answer
                .header("ratelimit")
                .starts_with(&format!("\"bronze\";r={left};")),
            "{:?}",
            answer.headers
        );
    }
    let client = pass.stranger(Zone::Extranet).api_key(&pass.api_key());
    let refused = client.get(EXCHANGE, path).await;
    assert_eq!(refused.outcome(), (429, "rate-limited".into()));
    tells(&refused, "\"bronze\";q=3;w=30");
    assert_eq!(
        word(&pass.event_of(&client).await, "/unmapped/limit/name"),
        "bronze"
    );
    // Another class of the same caller, and the same class of another caller, are not used up.
    let other = pass.stranger(Zone::Extranet).api_key(&pass.api_key());
    let code = pass
        .portal(hangu_portals::Kind::Exchange)
        .records()
        .enterprise(1)
        .unwrap()
        .credit_code;
    assert_eq!(
        other
            .get(EXCHANGE, &format!("/api/v1/enterprises/{code}"))
            .await
            .status,
        200
    );
    assert_eq!(
        pass.stranger(Zone::Extranet).get(PUBLIC, "/").await.status,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_apart_by_address() {
    let pass = PASS.get().await;
    let client = pass.stranger(Zone::Internet);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(client.get(PUBLIC, "/").await.status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 200, 429]);
    assert_eq!(
        pass.stranger(Zone::Internet).get(PUBLIC, "/").await.status,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_has_a_limit_of_its_own_for_right_and_wrong_passwords_alike() {
    let pass = PASS.get().await;
    let client = pass.stranger(Zone::Internet);
    for _ in 0..3 {
        assert_eq!(
            client
                .sign_in(PUBLIC, "li", &pass.password("li"))
                .await
                .status,
            303
        );
    }
    let refused = client.sign_in(PUBLIC, "li", &pass.password("li")).await;
    assert_eq!(refused.outcome(), (429, "rate-limited".into()));
    tells(&refused, "\"sign-in\";q=3;w=30");
    assert_eq!(client.get(PUBLIC, "/echo/a").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_has_only_so_many_requests_in_progress_at_a_portal() {
    let pass = PASS.get().await;
    let client = pass.stranger(Zone::Internet);
    let held: Vec<_> = (0..2)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.get(PUBLIC, "/slow?ms=3000").await.status })
        })
        .collect();
    // Both are in progress once they have arrived.
    let begun = Instant::now();
    let slow = || {
        pass.portal(hangu_portals::Kind::Public)
            .arrivals()
            .iter()
            .filter(|a| a.contains("/slow"))
            .count()
    };
    while slow() < 2 {
        assert!(begun.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let refused = client.get(PUBLIC, "/echo/a").await;
    assert_eq!(refused.outcome(), (429, "too-many-at-once".into()));
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(
        (
            refused.header("ratelimit-policy"),
            refused.header("ratelimit")
        ),
        (
            "\"at-once\";q=2;qu=\"concurrent-requests\"",
            "\"at-once\";r=0"
        )
    );
    assert_eq!(
        pass.stranger(Zone::Internet)
            .get(PUBLIC, "/echo/a")
            .await
            .status,
        200
    );
    for one in held {
        assert_eq!(one.await.unwrap(), 200);
    }
    assert_eq!(client.get(PUBLIC, "/echo/a").await.status, 200);
}

/// Whether a client is answered with a ban, or not at all.
async fn is_shut_out(client: &Client, host: &str, path: &str) -> bool {
    match client.try_send(host, Request::get(path), whole("")).await {
        Ok(answer) => answer.outcome() == (403, "banned".into()),
        Err(_) => true,
    }
}

/// An administrator of the console.
struct Administrator(Client);

impl Administrator {
    async fn sign_in(pass: &Pass, login: &str) -> Self {
        let client = pass.client(Zone::Console).from(unused_address());
        let body = json!({ "username": login, "password": pass.password(login) });
        let answer = client.post(CONSOLE, "/admin/session", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let token = answer.json()["csrf"].as_str().unwrap().to_owned();
        Self(
            client
                .header("cookie", &answer.cookies())
                .header("hangu-csrf", &token),
        )
    }

    async fn ban(&self, kind: &str, value: &str) -> Value {
        let body = json!({ "kind": kind, "value": value, "reason": "a test", "minutes": 5 });
        let answer = self.0.post(CONSOLE, "/admin/situational/bans", &body).await;
        assert!(answer.status.is_success(), "{}", answer.text());
        answer.json()
    }

    async fn lift(&self, ban: &Value) {
        let request = Request::delete(format!("/admin/situational/bans/{}?reason=over", ban["id"]));
        let answer = self.0.send(CONSOLE, request, "").await;
        assert!(answer.status.is_success(), "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_banned_address_caller_or_certificate_is_shut_out_until_the_ban_is_lifted() {
    let pass = PASS.get().await;
    let chen = Administrator::sign_in(pass, "chen").await;
    let fingerprint = {
        use rustls_pki_types::pem::PemObject as _;
        let leaf =
            rustls_pki_types::CertificateDer::from_pem_file(pass.path("state/pki/tax-etl.pem"))
                .unwrap();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &leaf);
        digest
            .as_ref()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect::<String>()
    };
    let shut_out = pass.stranger(Zone::Intranet).token(&pass.token());
    let token = pass.issuer().token("feng", &json!({}));
    let address = shut_out.address().unwrap().to_string();
    let feng = || pass.stranger(Zone::Intranet).token(&token);
    let etl = || {
        pass.stranger(Zone::Extranet)
            .identity(pass.identity("tax-etl"))
    };
    for (kind, value, what) in [
        ("address", address.as_str(), "ban of the address"),
        ("caller", "u:feng", "ban of the caller"),
        (
            "certificate",
            fingerprint.as_str(),
            "ban of the certificate",
        ),
    ] {
        let client = || match kind {
            "address" => (shut_out.clone(), STAFF),
            "caller" => (feng(), STAFF),
            _ => (etl(), EXCHANGE),
        };
        let (before, host) = client();
        assert_eq!(before.get(host, "/echo/ban").await.status, 200, "{kind}");
        let ban = chen.ban(kind, value).await;
        let (banned, host) = client();
        assert!(is_shut_out(&banned, host, "/echo/ban").await, "{kind}");
        if kind != "address" {
            let event = pass.event_of(&banned).await;
            assert_eq!(word(&event, "/status_code"), "banned", "{event:#}");
            assert_eq!(word(&event, "/status_detail"), what, "{event:#}");
        }
        // Everybody else goes on.
        let other = pass.stranger(Zone::Intranet).token(&pass.token());
        assert_eq!(other.get(STAFF, "/echo/ban").await.status, 200);
        chen.lift(&ban).await;
        let (lifted, host) = client();
        assert_eq!(lifted.get(host, "/echo/ban").await.status, 200, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_outlives_a_crash() {
    let mut pass = Plan::new().start().await;
    let chen = Administrator::sign_in(&pass, "chen").await;
    let client = pass.stranger(Zone::Internet);
    let address = client.address().unwrap().to_string();
    chen.ban("address", &address).await;
    pass.crash_and_restart().await;
    assert!(is_shut_out(&client, PUBLIC, "/").await);
    assert_eq!(
        pass.stranger(Zone::Internet).get(PUBLIC, "/").await.status,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_attacks_is_banned_within_a_second_and_served_again_when_the_ban_ends() {
    let responses: Table = "[responses.rules]\nattack-probing = { do = \"ban\", for = \"3s\" }\n"
        .parse()
        .unwrap();
    let pass = Plan::new()
        .with(|c| {
            c.insert("situational".into(), responses.into());
        })
        .start()
        .await;
    let client = pass.stranger(Zone::Internet);
    let attack = "/search?q=1%27%20UNION%20SELECT%20password%20FROM%20users--";
    let begun = Instant::now();
    while !is_shut_out(&client, PUBLIC, "/static/site.css").await {
        assert!(begun.elapsed() < Duration::from_secs(15), "no ban");
        // Once the ban is there, it goes unanswered.
        let request = Request::get(attack);
        if let Ok(answer) = client.try_send(PUBLIC, request, whole("")).await {
            assert_eq!(answer.status, 403, "{}", answer.text());
        }
    }
    let other = pass.stranger(Zone::Internet);
    assert_eq!(other.get(PUBLIC, "/static/site.css").await.status, 200);
    let begun = Instant::now();
    while is_shut_out(&client, PUBLIC, "/static/site.css").await {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "the ban does not end"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let verified = Hangu::run(&[
        "audit",
        "verify",
        pass.path("state/audit").to_str().unwrap(),
    ]);
    assert_eq!(verified.status, Some(0), "{}", verified.complaint);
}
