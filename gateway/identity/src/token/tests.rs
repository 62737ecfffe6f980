use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};

use super::*;
use crate::caller::CallerKind;

mod attacks;
mod key_sets;
mod random_input;

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

#[test]
fn leeway_is_a_duration_with_a_unit() {
    assert_eq!(
        issuer("leeway = '45s'").0.leeway,
        SignedDuration::from_secs(45)
    );
}
