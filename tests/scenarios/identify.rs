//! Who is asking: every proof that holds, and every one that does not.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hangu_tests::outcome::word;
use hangu_tests::{Answer, Hangu, Identity, Issuer, Pass, Plan, Shared, Zone};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

const EXCHANGE: &str = "exchange.gov.example";
const STAFF: &str = "hr.gov.example";

/// Everybody may see what of a request arrives.
static PASS: Shared =
    Shared::of(|| Plan::new().rules("p, *, *, *, *, /echo/*, ^(GET|POST)$, true, allow,"));

fn me(answer: &Answer) -> (String, String) {
    let me = answer.json();
    let text = |name: &str| me[name].as_str().unwrap_or_default().to_owned();
    (text("caller"), text("proof"))
}

fn pair(id: &str, proof: &str) -> (String, String) {
    (id.to_owned(), proof.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_stands_for_the_caller_that_the_first_fitting_rule_names() {
    let pass = PASS.get().await;
    for (name, caller) in [
        ("tax-etl", "svc:tax-etl"),
        ("zhao", "u:zhao"),
        ("li", "u:li"),
    ] {
        let client = pass.stranger(Zone::Extranet).identity(pass.identity(name));
        let answer = client.get(EXCHANGE, "/.hangu/me").await;
        assert_eq!(
            me(&answer),
            pair(caller, "certificate"),
            "{}",
            answer.text()
        );
    }
    let none = pass
        .stranger(Zone::Extranet)
        .get(EXCHANGE, "/.hangu/me")
        .await;
    assert_eq!(me(&none).1, "none", "{}", none.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verified_certificate_that_no_rule_names_is_nobodys() {
    let pass = PASS.get().await;
    let out = pass.path("stranger");
    let (dir, out_text) = (
        pass.path("state/pki/authority"),
        out.to_str().unwrap().to_owned(),
    );
    let _issued = Hangu::run(&[
        "pki",
        "issue",
        "--dir",
        dir.to_str().unwrap(),
        "--usage",
        "client",
        "--common-name",
        "zhao",
        "--name",
        "uri:spiffe://gov.example/other/zhao",
        "--out",
        &out_text,
    ])
    .succeeded();
    let identity = Identity::read(&out.with_extension("pem"), &out.with_extension("key"));
    let client = pass.stranger(Zone::Extranet).identity(identity);
    let answer = client.get(EXCHANGE, "/.hangu/me").await;
    assert_eq!(me(&answer).1, "none", "{}", answer.text());
    let answer = client.get(EXCHANGE, "/api/v1/people/7").await;
    assert_eq!(answer.outcome(), (401, "unidentified".into()));
}

/// A token whose header and claims are just these, with this signature.
fn forged(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |v: &Value| URL_SAFE_NO_PAD.encode(v.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

/// The claims of a token, as they stand in it.
fn claims(token: &str) -> Value {
    let middle = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(middle).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_token_that_does_not_hold_is_refused_and_the_event_alone_says_why() {
    let pass = PASS.get().await;
    let (ours, theirs) = (pass.issuer(), Issuer::es256("theirs"));
    let now = jiff::Timestamp::now().as_second();
    let good = ours.token("zhao", &json!({}));
    let body = claims(&good);
    let (head, signature) = good.rsplit_once('.').unwrap();
    let none = forged(&json!({ "alg": "none", "typ": "at+jwt" }), &body, "");
    let hmac_head = json!({ "alg": "HS256", "typ": "at+jwt", "kid": "sample" });
    let unsigned = forged(&hmac_head, &body, "")
        .trim_end_matches('.')
        .to_owned();
    let key = hmac::Key::new(hmac::HMAC_SHA256, ours.jwks().to_string().as_bytes());
    let symmetric = format!(
        "{unsigned}.{}",
        URL_SAFE_NO_PAD.encode(hmac::sign(&key, unsigned.as_bytes()))
    );
    let own_key = json!({ "alg": "ES256", "typ": "at+jwt", "jwk": theirs.jwks()["keys"][0] });
    let mut other = body.clone();
    other["sub"] = json!("qian");
    let swapped = format!(
        "{}.{}.{signature}",
        head.split('.').next().unwrap(),
        URL_SAFE_NO_PAD.encode(other.to_string())
    );
    for (token, why) in [
        (
            ours.token("zhao", &json!({ "exp": now - 3_600, "iat": now - 7_200 })),
            "token-expired",
        ),
        (
            ours.token("zhao", &json!({ "nbf": now + 3_600 })),
            "token-not-yet",
        ),
        (
            ours.token("zhao", &json!({ "aud": "https://other.gov.example" })),
            "token-audience",
        ),
        (
            ours.token("zhao", &json!({ "aud": null })),
            "token-claim-missing",
        ),
        (
            ours.token("zhao", &json!({ "exp": null })),
            "token-claim-missing",
        ),
        (
            ours.token("zhao", &json!({ "iss": "https://evil.example" })),
            "token-issuer",
        ),
        (ours.signed("JWT", &body), "token-type"),
        (theirs.token("zhao", &json!({})), "token-key-unknown"),
        (
            Issuer::es256("sample").token("zhao", &json!({})),
            "token-signature",
        ),
        (none, "token-algorithm-unknown"),
        (symmetric, "token-algorithm-unknown"),
        (forged(&own_key, &body, signature), "token-header"),
        (swapped, "token-signature"),
        ("a.b.c".to_owned(), "token-malformed"),
        ("x".repeat(20_000), "token-too-large"),
    ] {
        let client = pass.stranger(Zone::Intranet).token(&token);
        let answer = client.get(STAFF, "/api/v1/people/7").await;
        assert_eq!(answer.outcome(), (401, "bad-credentials".into()), "{why}");
        assert!(
            answer
                .header("www-authenticate")
                .contains("error=\"invalid_token\"")
        );
        assert!(
            !answer.text().contains(why),
            "a stranger is not told which check failed"
        );
        let event = pass.event_of(&client).await;
        assert_eq!(word(&event, "/status_detail"), why, "{event:#}");
        assert_eq!(event.pointer("/actor/user/uid"), None, "{event:#}");
    }
    let good = pass.stranger(Zone::Intranet).token(&good);
    assert_eq!(good.get(STAFF, "/api/v1/people/7").await.status, 200);
}

fn thumbprint(pass: &Pass, name: &str) -> String {
    let leaf = CertificateDer::from_pem_file(pass.path(&format!("state/pki/{name}.pem"))).unwrap();
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, &leaf))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_bound_to_a_certificate_is_good_only_over_its_connection() {
    let pass = PASS.get().await;
    let bound = pass.issuer().token(
        "zhao",
        &json!({ "cnf": { "x5t#S256": thumbprint(pass, "zhao") } }),
    );
    let client = || pass.stranger(Zone::Intranet).token(&bound);
    // The good one first, so that the others find it verified already.
    let own = client()
        .identity(pass.identity("zhao"))
        .get(STAFF, "/api/v1/people/7")
        .await;
    assert_eq!(own.outcome(), (200, String::new()), "{}", own.text());
    for stolen in [client(), client().identity(pass.identity("li"))] {
        let answer = stolen.get(STAFF, "/api/v1/people/7").await;
        assert_eq!(answer.outcome(), (401, "bad-credentials".into()));
        assert_eq!(
            word(&pass.event_of(&stolen).await, "/status_detail"),
            "token-sender"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_key_is_good_only_as_it_was_given() {
    let pass = PASS.get().await;
    let key = pass.api_key();
    let path = "/api/v1/people?size=1";
    let client = pass.stranger(Zone::Extranet).api_key(&key);
    assert_eq!(client.get(EXCHANGE, path).await.status, 200);
    let event = pass.event_of(&client).await;
    assert_eq!(word(&event, "/actor/user/uid"), "svc:report", "{event:#}");
    assert_eq!(word(&event, "/unmapped/identified_by"), "key");
    let mut mistyped = key.clone();
    let last = mistyped.pop().unwrap();
    mistyped.push(if last == 'a' { 'b' } else { 'a' });
    for (key, why) in [
        (mistyped.as_str(), "api-key-malformed"),
        ("hunter2", "api-key-malformed"),
    ] {
        let client = pass.stranger(Zone::Extranet).api_key(key);
        assert_eq!(
            client.get(EXCHANGE, path).await.outcome(),
            (401, "bad-credentials".into())
        );
        assert_eq!(word(&pass.event_of(&client).await, "/status_detail"), why);
    }
    // A portal that does not take a method does not look at it: this one takes no session.
    let cookie = pass
        .stranger(Zone::Extranet)
        .header("cookie", "__Host-hangu=planted");
    assert_eq!(me(&cookie.get(EXCHANGE, "/.hangu/me").await).1, "none");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_key_stops_working_at_its_end_and_when_it_is_switched_off() {
    let plan = Plan::new();
    let file = plan.path("state/api-keys.toml");
    let keys = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        keys.replace(
            "disabled = false",
            "disabled = false\nexpires = \"2020-01-01T00:00:00Z\"",
        ),
    )
    .unwrap();
    let pass = plan.start().await;
    let client = pass.stranger(Zone::Extranet).api_key(&pass.api_key());
    let answer = client.get(EXCHANGE, "/api/v1/people?size=1").await;
    assert_eq!(answer.outcome(), (401, "bad-credentials".into()));
    assert_eq!(
        word(&pass.event_of(&client).await, "/status_detail"),
        "api-key-expired"
    );
    pass.rewrite("state/api-keys.toml", |_| {
        keys.replace("disabled = false", "disabled = true")
    });
    pass.signal("HUP");
    let begun = std::time::Instant::now();
    loop {
        let client = pass.stranger(Zone::Extranet).api_key(&pass.api_key());
        assert_eq!(
            client.get(EXCHANGE, "/api/v1/people?size=1").await.status,
            401
        );
        if word(&pass.event_of(&client).await, "/status_detail") == "api-key-disabled" {
            break;
        }
        assert!(
            begun.elapsed().as_secs() < 10,
            "the file was not read again"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_authorization_fields_are_refused_whatever_they_are() {
    let pass = PASS.get().await;
    let token = pass.token();
    for (first, second) in [
        (
            format!("Bearer {token}"),
            format!("ApiKey {}", pass.api_key()),
        ),
        (format!("Bearer {token}"), format!("Bearer {token}")),
        ("Basic YTpi".to_owned(), format!("Bearer {token}")),
    ] {
        let client = pass
            .stranger(Zone::Intranet)
            .header("authorization", &first)
            .header("authorization", &second);
        for client in [client.clone(), client.http2()] {
            let answer = client.get(STAFF, "/api/v1/people/7").await;
            assert_eq!(answer.outcome(), (400, "header-not-allowed".into()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_key_was_last_used_is_listed_after_a_restart() {
    let mut pass = Plan::new().start().await;
    let (file, state) = (pass.path("state/api-keys.toml"), pass.path("state"));
    let (file, state) = (file.to_str().unwrap(), state.to_str().unwrap());
    let list = || Hangu::run(&["identity", "api-keys", "--file", file, "--state", state]);
    let before = list().lines();
    assert_eq!(before.len(), 1);
    assert_eq!(
        (&before[0]["caller"], &before[0]["last_used"]),
        (&json!("svc:report"), &Value::Null)
    );
    let since = jiff::Timestamp::now().as_second();
    let report = pass.client(Zone::Extranet).api_key(&pass.api_key());
    let answer = report.get(EXCHANGE, "/api/v1/people?size=1").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(pass.stop().await, Some(0));
    let after = list().lines();
    let used = after[0]["last_used"].as_str().unwrap();
    let used: jiff::Timestamp = used.parse().unwrap();
    assert!((since..=since + 30).contains(&used.as_second()), "{used}");
    assert_eq!(after[0]["state"], "valid");

    // Wrong keys are no use, and what is not there is said.
    let gone = Hangu::run(&["identity", "api-keys", "--file", "/nowhere.toml"]);
    assert_eq!(gone.status, Some(2));
    assert!(
        gone.complaint.contains("/nowhere.toml"),
        "{}",
        gone.complaint
    );
}
