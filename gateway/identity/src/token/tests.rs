use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};

use super::*;
use crate::caller::CallerKind;

pub(crate) const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://idp.gov.example";
const AUDIENCE: &str = "hangu";

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW + seconds).unwrap()
}

pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Keys of one issuer, with their secret halves.
struct Keys {
    rsa: RsaKeyPair,
    ec: EcdsaKeyPair,
    ed: Ed25519KeyPair,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys {
    rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
    ec: EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
    ed: Ed25519KeyPair::generate().unwrap(),
});

fn jwk(kid: &str) -> Value {
    let keys = &*KEYS;
    match kid {
        "rs" => {
            // RSAPublicKey in DER: 30 82 .. .. 02 82 01 01 00 n(256) 02 03 e(3)
            let der = keys.rsa.public_key().as_ref();
            let e = &der[der.len() - 3..];
            let n = &der[der.len() - 5 - 256..der.len() - 5];
            json!({"kty": "RSA", "kid": "rs", "n": b64(n), "e": b64(e)})
        }
        "es" => {
            let point = keys.ec.public_key().as_ref();
            json!({"kty": "EC", "crv": "P-256", "kid": "es", "x": b64(&point[1..33]), "y": b64(&point[33..])})
        }
        _ => json!({"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": b64(keys.ed.public_key())}),
    }
}

fn jwks() -> Value {
    json!({"keys": [jwk("rs"), jwk("es"), jwk("ed")]})
}

fn parse_jwks(value: &Value) -> Result<Jwks, JwksError> {
    Jwks::parse(value.to_string().as_bytes())
}

fn sign_raw(kid: &str, alg: &str, message: &str) -> Vec<u8> {
    let random = SystemRandom::new();
    match kid {
        "rs" => {
            let encoding: &dyn signature::RsaEncoding = match alg {
                "RS256" => &signature::RSA_PKCS1_SHA256,
                "RS512" => &signature::RSA_PKCS1_SHA512,
                _ => &signature::RSA_PSS_SHA256,
            };
            let mut out = vec![0; KEYS.rsa.public_modulus_len()];
            KEYS.rsa
                .sign(encoding, &random, message.as_bytes(), &mut out)
                .unwrap();
            out
        }
        "es" => KEYS
            .ec
            .sign(&random, message.as_bytes())
            .unwrap()
            .as_ref()
            .to_vec(),
        _ => KEYS.ed.sign(message.as_bytes()).as_ref().to_vec(),
    }
}

/// A token with exactly this header and payload text, signed by the key `signer`.
fn token_of(signer: &str, alg: &str, header: &str, payload: &str) -> String {
    let message = format!("{}.{}", b64(header), b64(payload));
    let signature = sign_raw(signer, alg, &message);
    format!("{message}.{}", b64(signature))
}

fn claims() -> Value {
    json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "wang", "iat": NOW - 10, "exp": NOW + 300, "jti": "1"})
}

fn with(changes: Value) -> Value {
    let mut claims = claims();
    let Value::Object(changes) = changes else {
        panic!("changes are an object")
    };
    for (name, value) in changes {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(&name);
        } else {
            claims[name] = value;
        }
    }
    claims
}

/// An ES256 token with these claims.
fn token(claims: &Value) -> String {
    token_of(
        "es",
        "ES256",
        r#"{"alg":"ES256","kid":"es","typ":"at+jwt"}"#,
        &claims.to_string(),
    )
}

fn issuer(text: &str) -> Issuer {
    let text = format!("issuer = '{ISSUER}'\naudiences = ['{AUDIENCE}', 'other']\n{text}");
    let text = if text.contains("[caller]") {
        text
    } else {
        format!("{text}\n[caller]\nprefix = 'u:'")
    };
    Issuer::new(toml::from_str(&text).unwrap()).unwrap()
}

fn verifier_with(text: &str) -> Verifier {
    Verifier::new(vec![(issuer(text), Some(parse_jwks(&jwks()).unwrap()))]).unwrap()
}

fn verifier() -> Verifier {
    verifier_with("")
}

fn refusal(token: &str) -> TokenRefusal {
    verifier().verify(token, at(0)).expect_err(token)
}

#[test]
fn a_good_token_of_each_default_algorithm_is_accepted() {
    for (kid, alg) in [
        ("rs", "RS256"),
        ("rs", "PS256"),
        ("es", "ES256"),
        ("ed", "EdDSA"),
    ] {
        let header = json!({"alg": alg, "kid": kid, "typ": "at+jwt"}).to_string();
        let token = token_of(kid, alg, &header, &claims().to_string());
        let verified = verifier().verify(&token, at(0)).unwrap();
        assert_eq!(verified.presented_by(None).unwrap().id, "u:wang", "{alg}");
        assert_eq!(verified.expires, at(330), "{alg}");
    }
}

#[test]
fn a_token_signed_by_another_implementation_is_accepted() {
    let pkcs8 = KEYS.ec.to_pkcs8v1().unwrap();
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256);
    header.kid = Some("es".to_owned());
    header.typ = Some("at+JWT".to_owned());
    let key = jsonwebtoken::EncodingKey::from_ec_der(pkcs8.as_ref());
    let token = jsonwebtoken::encode(&header, &claims(), &key).unwrap();
    assert_eq!(
        verifier().verify(&token, at(0)).unwrap().claims["sub"],
        "wang"
    );
}

/// The attacks of the reference, one row each: a word, the token, the refusal's code.
#[test]
fn every_known_attack_on_tokens_is_refused_for_its_own_reason() {
    let good = token(&claims());
    let body = claims().to_string();
    let es = |header: &str| token_of("es", "ES256", header, &body);
    let unsigned = |header: &str| format!("{}.{}.", b64(header), b64(&body));
    let hmac = |secret: &[u8]| {
        let message = format!(
            "{}.{}",
            b64(r#"{"alg":"HS256","kid":"rs","typ":"at+jwt"}"#),
            b64(&body)
        );
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
        format!(
            "{message}.{}",
            b64(aws_lc_rs::hmac::sign(&key, message.as_bytes()))
        )
    };
    let resigned =
        |signature: &[u8]| format!("{}.{}", good.rsplit_once('.').unwrap().0, b64(signature));
    let (head, signature) = good.rsplit_once('.').unwrap();
    let last = signature.chars().last().unwrap();
    let twin = if last == 'A' {
        'B'
    } else {
        char::from(u8::try_from(last).unwrap() + 1)
    };
    let attacker = EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = attacker.public_key().as_ref();
    let embedded = json!({"alg": "ES256", "kid": "es", "typ": "at+jwt", "jwk":
        {"kty": "EC", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..])}});
    let mut rows: Vec<(String, String, &str)> = vec![
        (
            "RS to HS confusion".into(),
            hmac(KEYS.rsa.public_key().as_ref()),
            "token-algorithm-unknown",
        ),
        (
            "HS with the key set as secret".into(),
            hmac(jwks().to_string().as_bytes()),
            "token-algorithm-unknown",
        ),
        ("r = s = 0".into(), resigned(&[0; 64]), "token-signature"),
        ("r = s = n".into(), resigned(&[0xff; 64]), "token-signature"),
        ("empty signature".into(), resigned(&[]), "token-signature"),
        (
            "ES256 with a DER signature".into(),
            resigned(&[0x30; 70]),
            "token-signature",
        ),
        (
            "kid as a path".into(),
            es(r#"{"alg":"ES256","kid":"../../dev/null","typ":"at+jwt"}"#),
            "token-key-unknown",
        ),
        (
            "kid as SQL".into(),
            es(r#"{"alg":"ES256","kid":"x' OR 1=1--","typ":"at+jwt"}"#),
            "token-key-unknown",
        ),
        (
            "kid of another kind of key".into(),
            es(r#"{"alg":"ES256","kid":"rs","typ":"at+jwt"}"#),
            "token-key-mismatch",
        ),
        (
            "kid not text".into(),
            es(r#"{"alg":"ES256","kid":["es"],"typ":"at+jwt"}"#),
            "token-malformed",
        ),
        (
            "two kids".into(),
            es(r#"{"alg":"ES256","kid":"x","kid":"es","typ":"at+jwt"}"#),
            "token-malformed",
        ),
        (
            "two algs".into(),
            es(r#"{"alg":"none","alg":"ES256","kid":"es","typ":"at+jwt"}"#),
            "token-malformed",
        ),
        (
            "embedded jwk".into(),
            es(&embedded.to_string()),
            "token-header",
        ),
        ("JWE".into(), format!("{good}.AAAA.AAAA"), "token-encrypted"),
        (
            "JWE around none".into(),
            format!("{}....", b64(r#"{"alg":"none","enc":"none"}"#)),
            "token-encrypted",
        ),
        (
            "nested JWT".into(),
            es(r#"{"alg":"ES256","kid":"es","typ":"at+jwt","cty":"JWT"}"#),
            "token-nested",
        ),
        (
            "JSON serialization".into(),
            json!({"payload": b64(&body), "signatures": []}).to_string(),
            "token-malformed",
        ),
        (
            "duplicate claim".into(),
            token_of(
                "es",
                "ES256",
                r#"{"alg":"ES256","kid":"es","typ":"at+jwt"}"#,
                &body.replace(r#""sub":"wang""#, r#""sub":"li","sub":"wang""#),
            ),
            "token-malformed",
        ),
        ("padding".into(), format!("{good}=="), "token-malformed"),
        (
            "bits left over".into(),
            format!("{head}.{}{twin}", &signature[..signature.len() - 1]),
            "token-malformed",
        ),
        (
            "white space in the signature".into(),
            format!("{head}. {signature}"),
            "token-malformed",
        ),
        (
            "standard base64".into(),
            format!("{head}.{}", "+/".repeat(43)),
            "token-malformed",
        ),
        ("trailing dot".into(), format!("{good}."), "token-malformed"),
        ("empty".into(), String::new(), "token-malformed"),
        (
            "id token".into(),
            es(r#"{"alg":"ES256","kid":"es","typ":"JWT"}"#),
            "token-type",
        ),
        (
            "no type".into(),
            es(r#"{"alg":"ES256","kid":"es"}"#),
            "token-type",
        ),
        (
            "id token renamed".into(),
            token(&with(json!({"nonce": "x"}))),
            "token-not-access",
        ),
        (
            "logout token renamed".into(),
            token(&with(json!({"events": {}}))),
            "token-not-access",
        ),
        (
            "mix-up: another issuer".into(),
            token(&with(json!({"iss": "https://evil.example"}))),
            "token-issuer",
        ),
        (
            "issuer with a slash more".into(),
            token(&with(json!({"iss": format!("{ISSUER}/")}))),
            "token-issuer",
        ),
        (
            "no issuer".into(),
            token(&with(json!({"iss": null}))),
            "token-claim-missing",
        ),
        (
            "issuer as list".into(),
            token(&with(json!({"iss": [ISSUER]}))),
            "token-claim-invalid",
        ),
        (
            "no audience".into(),
            token(&with(json!({"aud": null}))),
            "token-claim-missing",
        ),
        (
            "another audience".into(),
            token(&with(json!({"aud": "hangu2"}))),
            "token-audience",
        ),
        (
            "audience list without us".into(),
            token(&with(json!({"aud": ["a", "b"]}))),
            "token-audience",
        ),
        (
            "empty audience list".into(),
            token(&with(json!({"aud": []}))),
            "token-audience",
        ),
        (
            "audience list with a number".into(),
            token(&with(json!({"aud": [AUDIENCE, 1]}))),
            "token-claim-invalid",
        ),
        (
            "audience as object".into(),
            token(&with(json!({"aud": {"hangu": true}}))),
            "token-claim-invalid",
        ),
        (
            "no expiry".into(),
            token(&with(json!({"exp": null}))),
            "token-claim-missing",
        ),
        (
            "expiry as text".into(),
            token(&with(json!({"exp": "1900000000"}))),
            "token-claim-invalid",
        ),
        (
            "expiry as fraction".into(),
            token(&with(json!({"exp": 1.9e9}))),
            "token-claim-invalid",
        ),
        (
            "expiry huge".into(),
            token(&with(json!({"exp": u64::MAX}))),
            "token-claim-invalid",
        ),
        (
            "expiry beyond the calendar".into(),
            token(&with(json!({"exp": i64::MAX}))),
            "token-claim-invalid",
        ),
        (
            "expiry negative".into(),
            token(&with(json!({"exp": -1}))),
            "token-claim-invalid",
        ),
        (
            "not before as text".into(),
            token(&with(json!({"nbf": "0"}))),
            "token-claim-invalid",
        ),
        (
            "expired".into(),
            token(&with(json!({"exp": NOW - 30}))),
            "token-expired",
        ),
        (
            "not yet".into(),
            token(&with(json!({"nbf": NOW + 31}))),
            "token-not-yet",
        ),
        (
            "issued in the future".into(),
            token(&with(json!({"iat": NOW + 31}))),
            "token-from-future",
        ),
        (
            "no subject".into(),
            token(&with(json!({"sub": null}))),
            "token-claim-missing",
        ),
        (
            "empty subject".into(),
            token(&with(json!({"sub": ""}))),
            "token-claim-invalid",
        ),
        (
            "subject as number".into(),
            token(&with(json!({"sub": 7}))),
            "token-claim-invalid",
        ),
        (
            "subject with a line break".into(),
            token(&with(json!({"sub": "wang\nu:root"}))),
            "token-claim-invalid",
        ),
        (
            "bound to a DPoP key".into(),
            token(&with(json!({"cnf": {"jkt": "x"}}))),
            "token-confirmation",
        ),
        (
            "confirmation as text".into(),
            token(&with(json!({"cnf": "x"}))),
            "token-claim-invalid",
        ),
        (
            "RS512, not on the list".into(),
            token_of(
                "rs",
                "RS512",
                r#"{"alg":"RS512","kid":"rs","typ":"at+jwt"}"#,
                &body,
            ),
            "token-algorithm",
        ),
        (
            "too large".into(),
            token(&with(json!({"pad": "x".repeat(8192)}))),
            "token-too-large",
        ),
        (
            "payload not an object".into(),
            token_of(
                "es",
                "ES256",
                r#"{"alg":"ES256","kid":"es","typ":"at+jwt"}"#,
                "[]",
            ),
            "token-malformed",
        ),
        (
            "payload not UTF-8".into(),
            {
                let m = format!(
                    "{}.{}",
                    b64(r#"{"alg":"ES256","kid":"es","typ":"at+jwt"}"#),
                    b64([0xff, 0xfe])
                );
                let s = b64(sign_raw("es", "ES256", &m));
                format!("{m}.{s}")
            },
            "token-malformed",
        ),
    ];
    for none in ["none", "None", "NONE", "nOnE", "none ", ""] {
        rows.push((
            format!("alg {none:?} unsigned"),
            unsigned(&json!({"alg": none, "kid": "es", "typ": "at+jwt"}).to_string()),
            "token-algorithm-unknown",
        ));
        rows.push((
            format!("alg {none:?} signed"),
            es(&json!({"alg": none, "kid": "es", "typ": "at+jwt"}).to_string()),
            "token-algorithm-unknown",
        ));
    }
    for (name, value) in [
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/x")),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
        ("p2c", json!(1_000_000_000_u64)),
        ("enc", json!("A256GCM")),
        ("epk", json!({})),
    ] {
        let mut header = json!({"alg": "ES256", "kid": "es", "typ": "at+jwt"});
        header[name] = value;
        rows.push((
            format!("header with {header}"),
            es(&header.to_string()),
            "token-header",
        ));
    }
    assert!(
        verifier().verify(&good, at(0)).is_ok(),
        "the token all attacks start from is good"
    );
    let wrong: Vec<_> = rows
        .iter()
        .filter_map(|(word, token, code)| {
            let got = verifier()
                .verify(token, at(0))
                .map_or_else(|refusal| refusal.code(), |_| "accepted");
            (got != *code).then(|| format!("{word}: {got}, not {code}"))
        })
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_audience_may_be_a_text_or_a_list() {
    for aud in [json!(AUDIENCE), json!(["x", AUDIENCE]), json!(["other"])] {
        assert!(
            verifier()
                .verify(&token(&with(json!({"aud": aud}))), at(0))
                .is_ok()
        );
    }
}

#[test]
fn times_are_exact_to_the_second_at_both_ends_of_the_leeway() {
    let verifier = verifier();
    let token = token(&with(json!({"nbf": NOW, "iat": NOW, "exp": NOW + 100})));
    let outcome = |seconds| verifier.verify(&token, at(seconds)).map(|_| ());
    assert_eq!(outcome(-31), Err(TokenRefusal::IssuedInFuture));
    assert_eq!(outcome(-30), Ok(()));
    assert_eq!(outcome(129), Ok(()));
    assert_eq!(outcome(130), Err(TokenRefusal::Expired));
}

#[test]
fn a_token_older_than_the_largest_age_is_refused_whatever_its_expiry() {
    let verifier = verifier_with("max-age = '10m'\nleeway = '0s'");
    let token_of_age = |age: i64| token(&with(json!({"iat": NOW - age, "exp": NOW + 1_000_000})));
    assert!(verifier.verify(&token_of_age(599), at(0)).is_ok());
    assert_eq!(
        verifier.verify(&token_of_age(600), at(0)),
        Err(TokenRefusal::TooOld)
    );
    let without = token(&with(json!({"iat": null})));
    assert_eq!(
        verifier.verify(&without, at(0)),
        Err(TokenRefusal::ClaimMissing("iat".into()))
    );
}

#[test]
fn an_unknown_key_names_the_issuer_so_that_its_keys_can_be_fetched() {
    let token = token_of(
        "es",
        "ES256",
        r#"{"alg":"ES256","kid":"next","typ":"at+jwt"}"#,
        &claims().to_string(),
    );
    let expect = TokenRefusal::UnknownKey {
        issuer: ISSUER.into(),
        kid: "next".into(),
    };
    assert_eq!(refusal(&token), expect);
    let keyless = Verifier::new(vec![(issuer(""), None)]).unwrap();
    assert_eq!(keyless.verify(&token, at(0)), Err(expect));
}

#[test]
fn the_keys_of_one_issuer_do_not_sign_for_another() {
    let other = toml::from_str(
        "issuer = 'https://b.example'\naudiences = ['hangu']\ncaller = { prefix = 'b:' }",
    )
    .unwrap();
    let alien = EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = alien.public_key().as_ref();
    let alien_set = json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "es", "x": b64(&point[1..33]), "y": b64(&point[33..])}]});
    let verifier = Verifier::new(vec![
        (issuer(""), Some(parse_jwks(&jwks()).unwrap())),
        (
            Issuer::new(other).unwrap(),
            Some(parse_jwks(&alien_set).unwrap()),
        ),
    ])
    .unwrap();
    let forged = token(&with(json!({"iss": "https://b.example"})));
    assert_eq!(
        verifier.verify(&forged, at(0)),
        Err(TokenRefusal::BadSignature)
    );
}

#[test]
fn a_token_without_kid_is_checked_with_the_only_key_that_fits_and_no_other() {
    let nameless = token_of(
        "es",
        "ES256",
        r#"{"alg":"ES256","typ":"at+jwt"}"#,
        &claims().to_string(),
    );
    assert!(verifier().verify(&nameless, at(0)).is_ok());
    let mut two = jwks();
    let mut again = jwk("es");
    again["kid"] = json!("es2");
    two["keys"].as_array_mut().unwrap().push(again);
    let verifier = Verifier::new(vec![(issuer(""), Some(parse_jwks(&two).unwrap()))]).unwrap();
    assert_eq!(
        verifier.verify(&nameless, at(0)),
        Err(TokenRefusal::KeyNotNamed)
    );
}

#[test]
fn a_bound_token_is_good_only_with_its_certificate() {
    let certificate = [7; 32];
    let bound = token(&with(json!({"cnf": {"x5t#S256": b64(certificate)}})));
    let verified = verifier().verify(&bound, at(0)).unwrap();
    assert!(verified.is_bound());
    assert_eq!(verified.presented_by(None), Err(TokenRefusal::NotTheSender));
    assert_eq!(
        verified.presented_by(Some(&[8; 32])),
        Err(TokenRefusal::NotTheSender)
    );
    assert_eq!(
        verified.presented_by(Some(&certificate)).unwrap().id,
        "u:wang"
    );
    let free = verifier().verify(&token(&claims()), at(0)).unwrap();
    assert!(free.presented_by(Some(&certificate)).is_ok());
}

const MAPPED: &str = "[caller]\nprefix = 'u:'\nservice-prefix = 'svc:'\nname = 'name'\nroles = '/realm/roles'\n\
    department = 'dept'\nattributes = { region = 'region', vip = 'vip' }\n\
    assurance = { claim = 'acr', levels = { 'urn:gov:cn:aal:2' = 2, '3' = 3 } }\nclearance = { claim = 'clr', max = 3 }\n";

#[test]
fn claims_say_what_the_configuration_lets_them_say() {
    let token = token(&with(json!({
        "name": "王伟", "realm": {"roles": ["staff", "audit", "staff"]}, "dept": "税务局", "region": "370000", "vip": true,
        "acr": "urn:gov:cn:aal:2", "clr": 9, "assurance": 4, "clearance": 9,
    })));
    let verified = verifier_with(MAPPED).verify(&token, at(0)).unwrap();
    let caller = verified.presented_by(None).unwrap();
    assert_eq!(
        (caller.id.as_str(), caller.name.as_str()),
        ("u:wang", "王伟")
    );
    assert_eq!(caller.roles, ["audit", "staff"]);
    assert_eq!(caller.department.as_deref(), Some("税务局"));
    assert_eq!((caller.assurance.level(), caller.clearance), (2, 3));
    assert_eq!(
        caller.attributes,
        [
            ("region".into(), "370000".into()),
            ("vip".into(), "true".into())
        ]
        .into()
    );
}

#[test]
fn what_an_issuer_says_in_other_words_is_worth_the_default() {
    let verifier = verifier_with(MAPPED);
    for acr in [json!("urn:gov:cn:aal:4"), json!(""), json!(4)] {
        let verified = verifier
            .verify(&token(&with(json!({"acr": acr}))), at(0))
            .unwrap();
        assert_eq!(verified.presented_by(None).unwrap().assurance.level(), 1);
    }
    for (claim, value) in [
        ("acr", json!([2])),
        ("clr", json!("9")),
        ("clr", json!(-1)),
        ("realm", json!({"roles": [1]})),
        ("region", json!({})),
    ] {
        let refused = verifier
            .verify(&token(&with(json!({claim: value}))), at(0))
            .unwrap_err();
        assert_eq!(refused.code(), "token-claim-invalid", "{claim}");
    }
}

#[test]
fn a_client_asking_for_itself_is_a_service_and_never_a_person_of_that_name() {
    let verified = verifier_with(MAPPED)
        .verify(&token(&with(json!({"client_id": "wang"}))), at(0))
        .unwrap();
    let caller = verified.presented_by(None).unwrap();
    assert_eq!(
        (caller.id.as_str(), caller.kind),
        ("svc:wang", CallerKind::Service)
    );
}

#[test]
fn required_claims_are_required() {
    let verifier = verifier_with("required-claims = ['client_id', 'jti']");
    assert_eq!(
        verifier.verify(&token(&claims()), at(0)),
        Err(TokenRefusal::ClaimMissing("client_id".into()))
    );
    assert!(
        verifier
            .verify(&token(&with(json!({"client_id": "app"}))), at(0))
            .is_ok()
    );
}

#[test]
fn type_any_still_refuses_id_tokens() {
    let verifier = verifier_with("types = ['any']");
    let plain = |claims: Value| {
        token_of(
            "es",
            "ES256",
            r#"{"alg":"ES256","kid":"es"}"#,
            &claims.to_string(),
        )
    };
    assert!(verifier.verify(&plain(claims()), at(0)).is_ok());
    let id_token = plain(with(json!({"at_hash": "x"})));
    assert_eq!(
        verifier.verify(&id_token, at(0)),
        Err(TokenRefusal::NotAccessToken("at_hash"))
    );
}

#[test]
fn a_bad_issuer_configuration_reports_every_mistake() {
    let text = "issuer = ''\naudiences = []\nalgorithms = []\nleeway = '61s'\nmax-age = '0s'\n[caller]\nprefix = 'u'\nkind = 'nobody'";
    assert_eq!(
        Issuer::new(toml::from_str(text).unwrap())
            .unwrap_err()
            .len(),
        7
    );
    for misspelt in [
        "algorithm = []",
        "algorithms = ['HS256']",
        "algorithms = ['none']",
        "leeway = 30",
    ] {
        assert!(
            toml::from_str::<IssuerFile>(&format!(
                "issuer = 'a'\naudiences = ['b']\n{misspelt}\n[caller]\nprefix = 'u:'"
            ))
            .is_err(),
            "{misspelt}"
        );
    }
    let twice = vec![(issuer(""), None), (issuer(""), None)];
    assert_eq!(
        Verifier::new(twice).unwrap_err(),
        VerifierError::Duplicate(ISSUER.into())
    );
}

#[test]
fn a_key_set_with_a_dangerous_key_is_refused_whole() {
    let set = |key: Value| parse_jwks(&json!({"keys": [jwk("es"), key]})).map(|_| ());
    let change = |kid: &str, name: &str, value: Value| {
        let mut key = jwk(kid);
        key[name] = value;
        key
    };
    let at = |problem| Err(JwksError::Key { index: 1, problem });
    assert_eq!(
        set(json!({"kty": "oct", "k": "AAAA"})),
        at(KeyProblem::Symmetric)
    );
    assert_eq!(
        set(change("rs", "d", json!("AAAA"))),
        at(KeyProblem::Private("d"))
    );
    assert_eq!(
        set(change("ed", "kid", json!("es"))),
        at(KeyProblem::DuplicateKid("es".into()))
    );
    assert_eq!(
        set(change("rs", "n", json!(b64([0xff; 128])))),
        at(KeyProblem::RsaSize(1024))
    );
    assert_eq!(
        set(change("rs", "e", json!("AQ"))),
        at(KeyProblem::RsaExponent)
    );
    assert_eq!(
        set(change("rs", "e", json!("Aw"))),
        at(KeyProblem::RsaExponent)
    );
    assert_eq!(
        set(change("rs", "n", json!("not base64url!"))),
        at(KeyProblem::Member("n"))
    );
    assert_eq!(
        set(change("ed", "x", json!(b64([1; 31])))),
        at(KeyProblem::Member("x"))
    );
    let mut twisted = change("es", "y", json!(b64([1; 32])));
    twisted["kid"] = json!("es-twisted");
    assert_eq!(set(twisted), at(KeyProblem::NotAKey));
    assert_eq!(set(json!({"crv": "P-256"})), at(KeyProblem::Member("kty")));
}

#[test]
fn keys_for_other_purposes_are_passed_over_and_said_so() {
    let mut for_encryption = jwk("rs");
    for_encryption["use"] = json!("enc");
    let keys = parse_jwks(
        &json!({"keys": [jwk("es"), for_encryption, {"kty": "AKP", "alg": "ML-DSA-44"}]}),
    )
    .unwrap();
    assert_eq!(
        (keys.len(), keys.ids(), keys.skipped().len()),
        (1, vec!["es"], 2)
    );
}

#[test]
fn a_flood_of_keys_is_refused() {
    let many: Vec<Value> = (0..10_000)
        .map(|n| json!({"kty": "EC", "kid": n.to_string()}))
        .collect();
    let text = json!({"keys": many}).to_string();
    assert!(matches!(
        Jwks::parse(text.as_bytes()),
        Err(JwksError::TooLarge { .. } | JwksError::TooMany { .. })
    ));
    let many: Vec<Value> = (0..=MAX_KEYS)
        .map(|n| json!({"kty": "EC", "kid": n.to_string()}))
        .collect();
    assert_eq!(
        parse_jwks(&json!({"keys": many})).unwrap_err(),
        JwksError::TooMany {
            count: MAX_KEYS + 1
        }
    );
    assert!(matches!(
        parse_jwks(&json!({"keys": []})),
        Err(JwksError::NoKey { .. })
    ));
    assert!(matches!(
        Jwks::parse(br#"{"keys":[],"keys":[]}"#),
        Err(JwksError::Malformed(_))
    ));
}

#[test]
fn a_cached_token_is_the_same_answer_until_it_runs_out() {
    let (cache, verifier) = (TokenCache::new(100), verifier());
    let token = token(&claims());
    let first = cache.verify(&verifier, &token, at(0)).unwrap();
    let second = cache.verify(&verifier, &token, at(300)).unwrap();
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(
        cache.verify(&verifier, &token, at(330)),
        Err(TokenRefusal::Expired)
    );
    assert_eq!(
        cache.verify(&verifier, &token, at(-60)),
        Err(TokenRefusal::IssuedInFuture)
    );
}

#[test]
fn a_change_of_keys_ends_what_was_cached_under_the_old_ones() {
    let (cache, old) = (TokenCache::new(100), verifier());
    let token = token(&claims());
    cache.verify(&old, &token, at(0)).unwrap();
    let new = old
        .with_keys(ISSUER, parse_jwks(&json!({"keys": [jwk("rs")]})).unwrap())
        .unwrap();
    assert!(new.generation() > old.generation());
    assert_eq!(
        cache.verify(&new, &token, at(0)).unwrap_err().code(),
        "token-key-unknown"
    );
    assert!(
        old.with_keys("https://b.example", parse_jwks(&jwks()).unwrap())
            .is_err()
    );
}

#[test]
fn refusals_are_not_cached_and_the_cache_stays_within_its_bound() {
    let (cache, verifier) = (TokenCache::new(32), verifier());
    assert!(cache.verify(&verifier, "a.b.c", at(0)).is_err());
    assert!(cache.is_empty());
    for n in 0..100 {
        cache
            .verify(&verifier, &token(&with(json!({"jti": n}))), at(0))
            .unwrap();
    }
    assert!(cache.len() <= 32);
}

#[test]
fn every_single_character_of_a_token_matters() {
    let verifier = verifier();
    let token = token(&claims());
    for index in 0..token.len() {
        for replacement in ['A', 'z', '.', '=', '-'] {
            let mut changed = token.clone();
            changed.replace_range(index..=index, &replacement.to_string());
            if changed != token {
                assert!(
                    verifier.verify(&changed, at(0)).is_err(),
                    "{index} {replacement}"
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_text_panics_as_a_token(token in "[ -~]{0,200}|([A-Za-z0-9_-]{0,40}\\.){0,6}") {
        prop_assert!(verifier().verify(&token, at(0)).is_err());
    }

    #[test]
    fn no_header_panics(header in "\\{(\"(alg|kid|typ|crit|cty)\":(\"[A-Za-z0-9+]{0,6}\"|[0-9]{1,20}|null|\\[\\]),?){0,4}\\}?") {
        let _ = verifier().verify(&token_of("es", "ES256", &header, &claims().to_string()), at(0));
    }

    #[test]
    fn no_bytes_panic_as_a_key_set(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Jwks::parse(&bytes).is_err());
    }

    #[test]
    fn no_numbers_panic_as_a_key(n in "[A-Za-z0-9_-]{0,400}", e in "[A-Za-z0-9_-]{0,8}", crv in "P-256|P-384|P-521|Ed25519|x") {
        let _ = parse_jwks(&json!({"keys": [{"kty": "RSA", "n": n, "e": e}]}));
        let _ = parse_jwks(&json!({"keys": [{"kty": "EC", "crv": crv, "x": n, "y": e}]}));
        let _ = parse_jwks(&json!({"keys": [{"kty": "OKP", "crv": crv, "x": n}]}));
    }

    #[test]
    fn no_times_panic(iat in any::<i64>(), exp in any::<i64>(), nbf in any::<i64>(), now in -377_705_023_201_i64..253_402_207_200) {
        let token = token(&with(json!({"iat": iat, "exp": exp, "nbf": nbf})));
        let now = Timestamp::from_second(now).unwrap();
        if let Ok(verified) = verifier_with("max-age = '9999h'").verify(&token, now) {
            prop_assert!(verified.is_good_at(now));
            prop_assert!(now < verified.expires);
        }
    }
}

#[test]
fn leeway_is_a_duration_with_a_unit() {
    assert_eq!(
        issuer("leeway = '45s'").0.leeway,
        SignedDuration::from_secs(45)
    );
}
