use super::*;
use crate::{caller::CallerFile, token::tests::at};

fn signer() -> AssertionSigner {
    AssertionSigner::new(
        &generate_key().unwrap(),
        "hangu",
        SignedDuration::from_secs(60),
        100,
    )
    .unwrap()
}

fn caller(text: &str) -> Arc<Caller> {
    let file: CallerFile =
        toml::from_str(&format!("id = 'u:wang'\nkind = 'person'\n{text}")).unwrap();
    Arc::new(file.resolve(Proof::Session).unwrap())
}

fn keys(signer: &AssertionSigner) -> Jwks {
    Jwks::parse(jwks(&[signer]).as_bytes()).unwrap()
}

#[test]
fn an_upstream_reads_from_the_assertion_what_the_gateway_knows() {
    let signer = signer();
    let caller = caller(
        "name = '王伟'\nassurance = 3\nclearance = 2\ndepartment = '税务局'\nroles = ['staff']\nattributes = { region = '370000' }",
    );
    let assertion = signer
        .assertion(&caller, "tax", Some(&[7; 32]), at(0))
        .unwrap();
    let mut claims = verify(&assertion.text, &keys(&signer), "hangu", "tax", at(59)).unwrap();
    assert_eq!(claims["jti"].as_str().unwrap().len(), 22);
    claims.as_object_mut().unwrap().remove("jti");
    assert_eq!(
        claims,
        json!({
            "iss": "hangu", "aud": "tax", "sub": "u:wang", "kind": "person", "aal": 3, "clearance": 2,
            "amr": ["session"], "iat": at(0).as_second(), "exp": at(60).as_second(), "department": "税务局",
            "name": "王伟", "roles": ["staff"], "attributes": {"region": "370000"},
            "cnf": {"x5t#S256": URL_SAFE_NO_PAD.encode([7; 32])},
        })
    );
    assert_eq!(assertion.digest, sha256(assertion.text.as_bytes()).unwrap());
}

#[test]
fn another_implementation_accepts_the_assertion_with_the_published_key() {
    let signer = signer();
    let assertion = signer.assertion(&caller(""), "tax", None, at(0)).unwrap();
    let set: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&jwks(&[&signer])).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(set.find(signer.kid()).unwrap()).unwrap();
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    rules.set_audience(&["tax"]);
    rules.set_issuer(&["hangu"]);
    rules.validate_exp = false;
    let token = jsonwebtoken::decode::<Value>(&assertion.text, &key, &rules).unwrap();
    assert_eq!(token.claims["sub"], "u:wang");
}

#[test]
fn an_assertion_is_reused_until_less_than_ten_seconds_remain() {
    let signer = signer();
    let caller = caller("");
    let text = |seconds| {
        signer
            .assertion(&caller, "tax", None, at(seconds))
            .unwrap()
            .text
            .clone()
    };
    let first = text(0);
    assert_eq!(text(50), first);
    let second = text(51);
    assert_ne!(second, first);
    assert_eq!(text(60), second);
    assert_ne!(
        text(0),
        second,
        "a clock that goes back gets no assertion from the future"
    );
}

#[test]
fn callers_portals_certificates_and_levels_never_share_an_assertion() {
    let signer = signer();
    let mut texts = std::collections::HashSet::new();
    for caller in [
        caller(""),
        caller("assurance = 2"),
        caller("clearance = 2"),
        caller("department = 'x'"),
        caller("roles = ['x']"),
        caller("name = 'x'"),
    ] {
        for portal in ["tax", "tax2"] {
            for certificate in [None, Some(&[1; 32]), Some(&[2; 32])] {
                let again = || {
                    signer
                        .assertion(&caller, portal, certificate, at(0))
                        .unwrap()
                        .text
                        .clone()
                };
                let text = again();
                let claims = verify(&text, &keys(&signer), "hangu", portal, at(0)).unwrap();
                assert_eq!(
                    (&claims["aal"], &claims["clearance"]),
                    (&json!(caller.assurance), &json!(caller.clearance))
                );
                assert!(texts.insert(text));
            }
        }
    }
    assert_eq!(texts.len(), 36);
}

#[test]
fn an_assertion_for_another_portal_issuer_key_or_time_is_refused() {
    let signer = signer();
    let text = signer
        .assertion(&caller(""), "tax", None, at(0))
        .unwrap()
        .text
        .clone();
    let own = keys(&signer);
    let others = keys(&self::signer());
    assert_eq!(
        verify(&text, &own, "hangu", "staff", at(0)),
        Err(TokenRefusal::WrongAudience)
    );
    assert_eq!(
        verify(&text, &own, "other", "tax", at(0)),
        Err(TokenRefusal::UnknownIssuer)
    );
    assert_eq!(
        verify(&text, &own, "hangu", "tax", at(60)),
        Err(TokenRefusal::Expired)
    );
    assert_eq!(
        verify(&text, &others, "hangu", "tax", at(0))
            .unwrap_err()
            .code(),
        "token-key-unknown"
    );
    assert_eq!(
        verify(&text.replace('.', "A."), &own, "hangu", "tax", at(0))
            .unwrap_err()
            .code(),
        "token-malformed"
    );
}

#[test]
fn memory_is_bounded_and_the_key_must_fit() {
    let signer = signer();
    for n in 0..500 {
        signer
            .assertion(
                &caller(&format!("clearance = {}", n % 250)),
                &format!("portal{n}"),
                None,
                at(0),
            )
            .unwrap();
    }
    assert!(signer.made.len() <= 128, "{}", signer.made.len());
    let key = generate_key().unwrap();
    let minute = SignedDuration::from_secs(60);
    assert_eq!(
        AssertionSigner::new(b"x", "hangu", minute, 1).unwrap_err(),
        AssertionError::Key
    );
    assert_eq!(
        AssertionSigner::new(&key, "", minute, 1).unwrap_err(),
        AssertionError::Issuer
    );
    for seconds in [-1, 0, 14, 61] {
        let lifetime = SignedDuration::from_secs(seconds);
        assert_eq!(
            AssertionSigner::new(&key, "h", lifetime, 1).unwrap_err(),
            AssertionError::Lifetime(lifetime)
        );
    }
    let fat = caller(&format!("attributes = {{ note = '{}' }}", "x".repeat(8000)));
    assert!(matches!(
        signer.assertion(&fat, "tax", None, at(0)),
        Err(AssertionError::TooLarge(_))
    ));
}

#[test]
fn a_rotated_key_is_published_beside_the_new_one() {
    let (old, new) = (signer(), signer());
    let text = old
        .assertion(&caller(""), "tax", None, at(0))
        .unwrap()
        .text
        .clone();
    let both = Jwks::parse(jwks(&[&new, &old]).as_bytes()).unwrap();
    assert!(verify(&text, &both, "hangu", "tax", at(1)).is_ok());
}
