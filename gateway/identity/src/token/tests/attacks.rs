use super::*;

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
