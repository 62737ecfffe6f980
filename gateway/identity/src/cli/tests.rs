use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};

use super::*;
use crate::token::tests::{NOW, at, b64};

struct Signer(EcdsaKeyPair);

impl Signer {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn jwk(&self) -> Value {
        let point = self.0.public_key().as_ref();
        json!({"kty": "EC", "crv": "P-256", "kid": "k", "x": b64(&point[1..33]), "y": b64(&point[33..])})
    }

    fn token(&self, payload: &str) -> String {
        let message = format!("{}.{}", b64(r#"{"alg":"ES256","kid":"k"}"#), b64(payload));
        let signature = self
            .0
            .sign(&SystemRandom::new(), message.as_bytes())
            .unwrap();
        format!("{message}.{}", b64(signature))
    }
}

fn run(jwks: &Value, strict: bool, input: &str) -> Result<(Outcome, Vec<Value>), VerifyError> {
    let arguments = VerifyArguments {
        jwks: jwks.to_string().into_bytes(),
        issuer: strict.then(|| "idp".to_owned()),
        audience: strict.then(|| "hangu".to_owned()),
        at: at(0),
    };
    let mut output = Vec::new();
    let outcome = verify(&arguments, &mut input.as_bytes(), &mut output)?;
    let lines = String::from_utf8(output)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    Ok((outcome, lines))
}

#[test]
fn each_token_gets_one_line_and_the_outcome_says_whether_all_are_valid() {
    let signer = Signer::new();
    let set = json!({"keys": [signer.jwk()]});
    let good = signer
        .token(&json!({"iss": "idp", "aud": ["hangu"], "exp": NOW + 1, "sub": "w"}).to_string());
    let (outcome, lines) = run(&set, true, &format!("{good}\n\n{good}x\r\n  {good}")).unwrap();
    assert_eq!(outcome, Outcome::SomeInvalid);
    assert_eq!(lines.len(), 3);
    assert_eq!(
        lines[0],
        json!({"valid": true, "reason": null, "claims": {"iss": "idp", "aud": ["hangu"], "exp": NOW + 1, "sub": "w"}})
    );
    assert_eq!(
        (&lines[1]["valid"], &lines[1]["claims"]),
        (&json!(false), &Value::Null)
    );
    assert!(lines[1]["reason"].is_string());
    assert_eq!(run(&set, true, &good).unwrap().0, Outcome::AllValid);
    assert_eq!(
        run(&signer.jwk(), true, &good).unwrap().0,
        Outcome::AllValid,
        "one key alone is a key set too"
    );
}

#[test]
fn what_is_asked_for_is_what_is_checked() {
    let signer = Signer::new();
    let set = json!({"keys": [signer.jwk()]});
    for (payload, loose, strict) in [
        (
            json!({"iss": "idp", "aud": "hangu", "exp": NOW + 1}).to_string(),
            true,
            true,
        ),
        (
            json!({"iss": "other", "aud": "hangu", "exp": NOW + 1}).to_string(),
            true,
            false,
        ),
        (
            json!({"iss": "idp", "aud": "other", "exp": NOW + 1}).to_string(),
            true,
            false,
        ),
        (
            json!({"iss": "idp", "aud": "hangu"}).to_string(),
            true,
            false,
        ),
        (
            json!({"iss": "idp", "aud": "hangu", "exp": NOW}).to_string(),
            false,
            false,
        ),
        (json!({"exp": "9999999999"}).to_string(), false, false),
        (json!({"nbf": NOW + 1}).to_string(), false, false),
        (json!({"iat": NOW + 1}).to_string(), false, false),
        (r#"{"a":1,"a":2}"#.to_owned(), false, false),
        ("[1]".to_owned(), true, false),
        ("foo".to_owned(), true, false),
        (String::new(), true, false),
    ] {
        let token = signer.token(&payload);
        let valid = |strict| run(&set, strict, &token).unwrap().1[0]["valid"] == json!(true);
        assert_eq!((valid(false), valid(true)), (loose, strict), "{payload}");
    }
}

#[test]
fn refused_keys_refuse_every_token_and_a_file_that_is_no_key_set_stops_the_command() {
    let signer = Signer::new();
    let mut encryption = signer.jwk();
    encryption["use"] = json!("enc");
    let (outcome, lines) =
        run(&json!({"keys": [encryption]}), false, &signer.token("foo")).unwrap();
    assert_eq!(
        (outcome, &lines[0]["valid"]),
        (Outcome::SomeInvalid, &json!(false))
    );
    assert!(run(&json!([]), false, "x").is_err());
    assert!(run(&json!({"keys": 1}), false, "x").is_err());
}

#[test]
fn a_line_without_end_is_refused_and_the_next_one_is_read() {
    let signer = Signer::new();
    let good = signer.token("foo");
    let (_, lines) = run(
        &json!({"keys": [signer.jwk()]}),
        false,
        &format!("{}\n{good}\n", "x".repeat(1_000_000)),
    )
    .unwrap();
    assert_eq!(
        lines
            .iter()
            .map(|line| line["valid"].clone())
            .collect::<Vec<_>>(),
        [json!(false), json!(true)]
    );
}
