//! What a portal learns of a caller: the gateway's word, verifiable, and nothing that a client made up.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hangu_tests::{Plan, Shared, Zone};
use http::Request;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

const EXCHANGE: &str = "exchange.gov.example";
const PUBLIC: &str = "portal.gov.example";
const STAFF: &str = "hr.gov.example";

/// Everybody may see what of a request arrives.
static PASS: Shared =
    Shared::of(|| Plan::new().rules("p, *, *, *, *, /echo/*, ^(GET|POST)$, true, allow,"));

#[tokio::test(flavor = "multi_thread")]
async fn what_speaks_of_identity_or_forwarding_never_reaches_a_portal_as_a_client_sent_it() {
    let pass = PASS.get().await;
    let names = [
        "hangu-assertion",
        "hangu-binding",
        "hangu-request-id",
        "Hangu_Assertion",
        "hangu-anything",
        "x-hangu-caller",
        "x_hangu_caller",
        "x-forwarded-for",
        "x_forwarded_for",
        "x-forwarded-proto",
        "x-forwarded-host",
        "x-forwarded-client-cert",
        "x_forwarded-user",
        "forwarded",
        "x-real-ip",
        "x_real_ip",
        "x-remote-user",
        "remote_user",
        "client-cert",
        "x-ssl-client-verify",
        "x-original-url",
        "x-user-id",
        "true-client-ip",
    ];
    for http2 in [false, true] {
        let mut client = pass
            .stranger(Zone::Intranet)
            .token(&pass.token())
            .header("x-harmless", "kept");
        if http2 {
            client = client.http2();
        }
        let mut request = Request::get("/echo/forged");
        for name in names {
            let name = http::HeaderName::from_bytes(name.to_ascii_lowercase().as_bytes()).unwrap();
            request = request.header(name, "forged-by-client");
        }
        let answer = client.send(STAFF, request, "").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.arrived("x-harmless"), ["kept"]);
        assert!(
            !answer.text().contains("forged-by-client"),
            "{}",
            answer.text()
        );
        assert_eq!(answer.arrived("hangu-assertion").len(), 1);
        let address = client.address().unwrap().to_string();
        assert_eq!(answer.arrived("x-forwarded-for"), [address]);
        assert_eq!(answer.arrived("x-forwarded-proto"), ["https"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateways_own_credentials_never_reach_a_portal_and_others_do() {
    let pass = PASS.get().await;
    let token = pass.token();
    let answer = pass
        .client(Zone::Intranet)
        .token(&token)
        .get(STAFF, "/echo/own")
        .await;
    assert_eq!(answer.arrived("authorization"), [""; 0]);
    assert!(!answer.text().contains(&token));

    let key = pass.api_key();
    let answer = pass
        .client(Zone::Extranet)
        .api_key(&key)
        .get(EXCHANGE, "/echo/own")
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.arrived("authorization")),
        (200, vec![])
    );
    assert!(!answer.text().contains(&key));

    let signed_in = pass
        .client(Zone::Internet)
        .signed_in(PUBLIC, "wang", &pass.password("wang"))
        .await;
    let answer = signed_in
        .header("cookie", "theme=dark")
        .get(PUBLIC, "/echo/own")
        .await;
    assert_eq!(
        answer.arrived("cookie"),
        ["theme=dark"],
        "{}",
        answer.text()
    );
    assert!(!answer.text().contains("__Host-hangu"));

    // What is none of the gateway's is the portal's.
    let basic = pass
        .client(Zone::Internet)
        .header("authorization", "Basic YTpi")
        .get(PUBLIC, "/echo/own")
        .await;
    assert_eq!(basic.arrived("authorization"), ["Basic YTpi"]);
    assert_eq!(
        basic.arrived("hangu-assertion"),
        [""; 0],
        "nobody is asserted"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_verifies_against_the_published_key_and_names_caller_and_portal() {
    let pass = PASS.get().await;
    let client = pass.client(Zone::Intranet).token(&pass.token());
    let echoed = client.get(STAFF, "/echo/assertion").await;
    let assertion = echoed.arrived("hangu-assertion").remove(0);
    let set = pass
        .client(Zone::Intranet)
        .get(STAFF, "/.hangu/jwks.json")
        .await
        .json();
    let key = &set["keys"][0];
    let header = jsonwebtoken::decode_header(&assertion).unwrap();
    assert_eq!(header.kid.as_deref(), key["kid"].as_str());
    assert_eq!(header.typ.as_deref(), Some("hangu-assertion+jwt"));
    let key =
        DecodingKey::from_ec_components(key["x"].as_str().unwrap(), key["y"].as_str().unwrap())
            .unwrap();
    let mut asked = Validation::new(Algorithm::ES256);
    asked.set_audience(&["staff"]);
    asked.set_issuer(&["https://hangu.gov.example"]);
    let claims: Value = jsonwebtoken::decode(&assertion, &key, &asked)
        .unwrap()
        .claims;
    assert_eq!(claims["sub"], "u:zhao", "{claims}");
    let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert!((1..=60).contains(&life), "{life} s");
    asked.set_audience(&["public"]);
    assert!(
        jsonwebtoken::decode::<Value>(&assertion, &key, &asked).is_err(),
        "another portal's"
    );
}

/// The MAC of a binding, as the documentation of the format has it.
fn mac(
    key: &[u8],
    assertion: &str,
    method: &str,
    path: &str,
    body: &[u8],
    decision: &str,
    at: i64,
) -> String {
    let hash = |bytes: &[u8]| digest::digest(&digest::SHA256, bytes);
    let (assertion, body, at) = (hash(assertion.as_bytes()), hash(body), at.to_be_bytes());
    let fields: [&[u8]; 7] = [
        b"hangu-binding-v1",
        assertion.as_ref(),
        method.as_bytes(),
        path.as_bytes(),
        body.as_ref(),
        decision.as_bytes(),
        &at,
    ];
    let mut message = Vec::new();
    for field in fields {
        message.extend_from_slice(&u64::try_from(field.len()).unwrap().to_be_bytes());
        message.extend_from_slice(field);
    }
    URL_SAFE_NO_PAD.encode(hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, key),
        &message,
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_binding_fits_the_one_request_it_was_made_for() {
    let pass = PASS.get().await;
    let file = std::fs::read(pass.path("state/keys/exchange-binding.key")).unwrap();
    let key = file.trim_ascii();
    let client = pass.client(Zone::Extranet).api_key(&pass.api_key());
    let post = Request::post("/echo/%E5%8A%9E?q=1").header("content-type", "application/json");
    let echoed = client.send(EXCHANGE, post, r#"{"n":1}"#).await;
    assert_eq!(echoed.status, 200, "{}", echoed.text());
    let assertion = echoed.arrived("hangu-assertion").remove(0);
    let binding = echoed.arrived("hangu-binding").remove(0);
    let parts: Vec<&str> = binding.split(';').collect();
    let [version, time, decision, _body, made] = parts.as_slice() else {
        panic!("{binding}")
    };
    let decision = decision.strip_prefix("d=").unwrap();
    let at = time.strip_prefix("t=").unwrap().parse().unwrap();
    assert_eq!(
        (*version, vec![decision.to_owned()]),
        ("v1", echoed.arrived("hangu-request-id"))
    );
    let path = echoed.json()["target"].as_str().unwrap().to_owned();
    let fits = |method: &str, path: &str, body: &[u8]| {
        format!(
            "m={}",
            mac(key, &assertion, method, path, body, decision, at)
        ) == *made
    };
    assert!(fits("POST", &path, br#"{"n":1}"#), "{binding} for {path}");
    assert!(!fits("GET", &path, br#"{"n":1}"#));
    assert!(!fits("POST", "/echo/other?q=1", br#"{"n":1}"#));
    assert!(!fits("POST", &path, br#"{"n":2}"#));
    // A portal that asked for none gets none.
    let none = pass
        .client(Zone::Intranet)
        .token(&pass.token())
        .get(STAFF, "/echo/binding")
        .await;
    assert_eq!(none.arrived("hangu-binding"), [""; 0]);
}
