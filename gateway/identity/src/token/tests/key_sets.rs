use super::*;

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
fn the_ed25519_example_of_rfc_8037_is_accepted_and_a_changed_one_is_not() {
    let key =
        json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let keys = parse_jwks(&json!({ "keys": [key] })).unwrap();
    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert_eq!(
        verify_signature(token, &keys, &[Algorithm::EdDsa]).unwrap(),
        b"Example of Ed25519 signing"
    );
    let changed = token.replace("RXhh", "RXhi");
    assert_eq!(
        verify_signature(&changed, &keys, &[Algorithm::EdDsa]),
        Err(TokenRefusal::BadSignature)
    );
}

#[test]
fn a_key_id_cannot_write_into_a_log() {
    let token = token_of(
        "es",
        "ES256",
        "{\"alg\":\"ES256\",\"kid\":\"a\\n\\u001b[2J\",\"typ\":\"at+jwt\"}",
        &claims().to_string(),
    );
    assert_eq!(
        refusal(&token),
        TokenRefusal::UnknownKey {
            issuer: ISSUER.into(),
            kid: "a\\n\\u{1b}[2J".into()
        }
    );
}
