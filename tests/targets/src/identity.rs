//! What a client shows to say who it is.

use std::sync::OnceLock;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hangu_identity::session::{FileJournal, NoJournal, SessionLimitsFile, Sessions, cookie};
use hangu_identity::token::{Issuer, Jwks, Verifier};
use hangu_identity::{assertion, credential, headers};
use jiff::Timestamp;
use serde_json::json;

use crate::{files, input};

/// When tokens are verified: 2027-01-15, chosen.
const NOW: i64 = 1_800_000_000;

/// Parts the header of a token from its payload.
const PART: &str = "\n----\n";

/// A number, then: 0, a token; 1, header and payload of a token that is well signed; 2, a key set; 3, an assertion.
pub fn token(data: &[u8]) {
    let (what, rest) = input::pick(data, &[0, 1, 2, 3]);
    let text = input::text(rest);
    let now = Timestamp::from_second(NOW).expect("a time");
    match what {
        0 => assert!(
            fixture().verifier.verify(&text, now).is_err(),
            "nobody but the issuer has its key"
        ),
        1 => {
            let (header, payload) = text.split_once(PART).unwrap_or((&text, "{}"));
            let token = signed(header, payload);
            if let Ok(verified) = fixture().verifier.verify(&token, now) {
                assert!(verified.is_good_at(now), "it is good when it is verified");
            }
        }
        2 => drop(Jwks::parse(rest)),
        _ => {
            let keys = &fixture().keys;
            drop(assertion::verify(&text, keys, "hangu", "portal", now));
        }
    }
}

/// A header field on each line: `Cookie`, `Authorization` and the names of fields.
pub fn fields(data: &[u8]) {
    let text = input::text(data);
    let fields: Vec<&str> = text.lines().collect();
    let left: Vec<String> = fields
        .iter()
        .filter_map(|field| cookie::strip(field))
        .collect();
    let left = left.iter().map(String::as_str);
    assert_eq!(
        cookie::find(left),
        None,
        "a session that was taken out is gone"
    );
    if let Some(id) = cookie::find(fields.iter().copied()) {
        assert!(cookie::is_form_token(id, &cookie::form_token(id)));
    }
    for field in &fields {
        let _ = credential::find([field.as_bytes()]);
        let underscored = field.replace('-', "_").to_uppercase();
        assert_eq!(
            headers::is_reserved(field),
            headers::is_reserved(&underscored),
            "what servers read alike is reserved alike"
        );
    }
}

/// A number, then a journal of sessions: 0, as it stands; 1, its lines without their checksums.
pub fn journal(data: &[u8]) {
    let (what, rest) = input::pick(data, &[0, 1]);
    let bytes = if *what == 0 {
        rest.to_vec()
    } else {
        input::text(rest)
            .lines()
            .map(line)
            .collect::<String>()
            .into_bytes()
    };
    let folder = files::Folder::new();
    let path = folder.write("sessions.jsonl", &bytes);
    let Ok((_, records)) = FileJournal::open(&path) else {
        return;
    };
    let (_, again) = FileJournal::open(&path).expect("what was read can be read again");
    assert_eq!(records, again, "a torn line is cut off, and nothing else");
    let now = Timestamp::from_second(NOW).expect("a time");
    let sessions = Sessions::open(SessionLimitsFile::default(), NoJournal, records, now);
    drop(sessions.expect("a past that was read is a past"));
}

fn line(json: &str) -> String {
    let sum = digest(&SHA256, json.as_bytes());
    let sum: String = sum
        .as_ref()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{sum} {json}\n")
}

struct Fixture {
    key: Ed25519KeyPair,
    keys: Jwks,
    verifier: Verifier,
}

fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed has 32 bytes");
        let public = URL_SAFE_NO_PAD.encode(key.public_key());
        let set = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": public}]});
        let keys = || Jwks::parse(set.to_string().as_bytes()).expect("a key set");
        let file = json!({
            "issuer": "https://idp.gov.example",
            "audiences": ["hangu"],
            "types": ["any"],
            "max-age": "1h",
            "required-claims": ["jti"],
            "caller": {
                "prefix": "u:",
                "service-prefix": "svc:",
                "name": "name",
                "roles": "/realm_access/roles",
                "department": "dep",
                "assurance": {"claim": "acr", "levels": {"high": 3}},
                "clearance": {"claim": "clr", "max": 3},
                "attributes": {"site": "site"},
            },
        });
        let file = serde_json::from_value(file).expect("an issuer as written");
        let issuer = Issuer::new(file).expect("an issuer as meant");
        Fixture {
            key,
            keys: keys(),
            verifier: Verifier::new(vec![(issuer, Some(keys()))]).expect("a verifier"),
        }
    })
}

fn signed(header: &str, payload: &str) -> String {
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let message = format!("{}.{}", encode(header), encode(payload));
    let signature = fixture().key.sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_of_the_issuer_is_verified() {
        let now = Timestamp::from_second(NOW).unwrap();
        let payload = json!({
            "iss": "https://idp.gov.example", "aud": "hangu", "sub": "wang", "jti": "1",
            "iat": NOW - 10, "exp": NOW + 300,
        });
        let token = signed(r#"{"alg":"EdDSA","kid":"k"}"#, &payload.to_string());
        let verified = fixture().verifier.verify(&token, now);
        assert!(verified.is_ok(), "{verified:?}");
    }
}
