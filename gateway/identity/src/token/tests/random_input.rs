use proptest::prelude::*;

use super::*;

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
