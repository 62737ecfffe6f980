#![cfg(test)]
//! What identifying a request costs, to be compared between versions on one machine.
//!
//! `cargo test --release -p hangu-identity --test cost -- --ignored --nocapture`

use std::{hint::black_box, sync::Arc, time::Instant};

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hangu_identity::{
    Caller,
    assertion::{AssertionSigner, generate_key},
    binding::{BindingKey, Bound},
    headers::is_reserved,
    session::{NoJournal, SessionLimitsFile, Sessions},
    token::{Issuer, Jwks, TokenCache, Verifier},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

fn nanoseconds(what: &str, rounds: u32, mut work: impl FnMut()) {
    let mut best = f64::INFINITY;
    for _ in 0..7 {
        let start = Instant::now();
        for _ in 0..rounds {
            work();
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(rounds));
    }
    println!("{what:45} {best:10.0} ns");
}

#[test]
#[ignore = "a measurement, not a check"]
fn cost_of_each_proof() {
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = key.public_key().as_ref();
    let jwk = json!({"kty": "EC", "crv": "P-256", "kid": "k", "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..])});
    let keys = Jwks::parse(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap();
    let claims = json!({"iss": "https://idp.example", "aud": "hangu", "sub": "wang", "role": "staff", "iat": now.as_second(), "exp": now.as_second() + 3600, "jti": "0123456789abcdef"});
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","kid":"k","typ":"at+jwt"}"#),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let signature = key.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
    let issuer = toml::from_str("issuer = 'https://idp.example'\naudiences = ['hangu']\n[caller]\nprefix = 'u:'\nroles = 'role'").unwrap();
    let verifier = Verifier::new(vec![(Issuer::new(issuer).unwrap(), Some(keys))]).unwrap();
    let cache = TokenCache::new(100_000);

    nanoseconds("sha-256 of the token", 100_000, || {
        black_box(digest(&SHA256, black_box(token.as_bytes())));
    });
    nanoseconds("token, verified", 2_000, || {
        black_box(verifier.verify(black_box(&token), now)).unwrap();
    });
    nanoseconds("token, from the cache", 100_000, || {
        black_box(cache.verify(&verifier, black_box(&token), now)).unwrap();
    });

    let sessions = Sessions::open(SessionLimitsFile::default(), NoJournal, vec![], now).unwrap();
    let id = sessions.start(Caller::nobody(), None, None, now).unwrap();
    nanoseconds("session", 100_000, || {
        black_box(sessions.find(black_box(id.as_str()), None, now)).unwrap();
    });

    let signer = AssertionSigner::new(
        &generate_key().unwrap(),
        "hangu",
        SignedDuration::from_secs(60),
        10_000,
    )
    .unwrap();
    let verified = cache.verify(&verifier, &token, now).unwrap();
    let caller = Arc::clone(verified.presented_by(None).unwrap());
    let mut portal = 0_u32;
    nanoseconds("assertion, signed", 1_000, || {
        portal += 1;
        black_box(signer.assertion(&caller, &portal.to_string(), None, now)).unwrap();
    });
    nanoseconds("assertion, reused", 100_000, || {
        black_box(signer.assertion(black_box(&caller), "tax", None, now)).unwrap();
    });
    let assertion = signer.assertion(&caller, "tax", None, now).unwrap();
    let binding = BindingKey::new(&[1; 32]).unwrap();
    let bound = Bound {
        assertion: &assertion.digest,
        method: "GET",
        path: "/a/b?c=d",
        body: None,
    };
    nanoseconds("binding", 100_000, || {
        black_box(binding.bind(black_box(bound), "01JD0000000000000000000000", now)).unwrap();
    });
    let names = [
        "host",
        "user-agent",
        "accept",
        "authorization",
        "cookie",
        "traceparent",
        "content-type",
        "x-requested-with",
        "accept-encoding",
        "accept-language",
    ];
    nanoseconds("ten header names", 100_000, || {
        black_box(names.iter().any(|name| is_reserved(black_box(name))));
    });
}
