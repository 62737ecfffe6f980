#![cfg(test)]
//! Wycheproof's JSON Web Signature, Key and JOSE vectors. Every vector either comes out as the suite says or stands in
//! a list of exceptions with its reason; an exception that is not needed any more fails the test.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use hangu_identity::token::{Algorithm, Jwks, JwksError, verify_signature};
use serde_json::{Value, json};

/// The file's content, or nothing when the shared data is not there.
fn vectors(file: &str) -> Option<Value> {
    let root = std::env::var_os("HANGU_SHARED_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let path = root.join("wycheproof").join(file);
    let Ok(bytes) = std::fs::read(&path) else {
        println!(
            "skipped: {} is not there; set HANGU_SHARED_DATA",
            path.display()
        );
        return None;
    };
    Some(serde_json::from_slice(&bytes).expect("the vectors are JSON"))
}

/// Why a vector that the suite calls valid is refused here.
#[derive(Debug, PartialEq, Eq, Clone, Copy, PartialOrd, Ord)]
enum Exception {
    /// The key is symmetric; the gateway holds no secret of an issuer.
    Symmetric,
    /// The key's `alg` is `ES521`, which is not registered (RFC 7518 calls it ES512).
    Es521,
    /// The key's `alg` is PS256, the token's PS384.
    AlgOfAnotherKey,
}

/// What came of a vector: accepted, refused, or refused already with the key.
fn accepted(keys: &Value, token: &Value) -> bool {
    let set = if keys.get("keys").is_some() {
        keys.clone()
    } else {
        json!({ "keys": [keys] })
    };
    // The suite's JSON serialization is an object; what a header field would carry is its text.
    let token = token
        .as_str()
        .map_or_else(|| token.to_string(), str::to_owned);
    Jwks::parse(set.to_string().as_bytes())
        .is_ok_and(|keys| verify_signature(&token, &keys, &Algorithm::ALL).is_ok())
}

/// Runs a file; gives the number of vectors and those that came out otherwise than the suite says.
fn run(file: &str) -> Option<(usize, BTreeMap<u64, Exception>, Vec<String>)> {
    let suite = vectors(file)?;
    let (mut count, mut exceptions, mut wrong) = (0, BTreeMap::new(), Vec::new());
    for group in suite["testGroups"].as_array().expect("groups") {
        let keys = group.get("public").unwrap_or(&group["private"]);
        for test in group["tests"].as_array().expect("tests") {
            let Some(token) = test.get("jws") else {
                continue;
            };
            count += 1;
            let id = test["tcId"].as_u64().expect("id");
            match (test["result"] == "valid", accepted(keys, token)) {
                (true, true) | (false, false) => {}
                (false, true) => wrong.push(format!("{id} {}: accepted", test["comment"])),
                (true, false) => match exception(keys) {
                    Some(reason) => drop(exceptions.insert(id, reason)),
                    None => wrong.push(format!("{id} {}: refused", test["comment"])),
                },
            }
        }
    }
    Some((count, exceptions, wrong))
}

fn exception(keys: &Value) -> Option<Exception> {
    let list = keys
        .get("keys")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_else(|| vec![keys.clone()]);
    let has = |name: &str, value: &str| list.iter().any(|key| key[name] == value);
    match () {
        () if has("kty", "oct") => Some(Exception::Symmetric),
        () if has("alg", "ES521") => Some(Exception::Es521),
        () if has("alg", "PS256") && has("kid", "bilbo.baggins@hobbiton.example") => {
            Some(Exception::AlgOfAnotherKey)
        }
        () => None,
    }
}

fn ids(exceptions: &BTreeMap<u64, Exception>, reason: Exception) -> BTreeSet<u64> {
    exceptions
        .iter()
        .filter(|(_, other)| **other == reason)
        .map(|(id, _)| *id)
        .collect()
}

#[test]
fn signature_vectors_come_out_as_the_suite_says_but_for_named_exceptions() {
    let Some((count, exceptions, wrong)) = run("json_web_signature_test.json") else {
        return;
    };
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(count, 401);
    assert_eq!(
        ids(&exceptions, Exception::Symmetric),
        BTreeSet::from([1, 348, 352, 357, 358, 359, 372, 373, 376, 377])
    );
    assert_eq!(
        ids(&exceptions, Exception::Es521),
        BTreeSet::from([347, 351])
    );
    assert_eq!(
        ids(&exceptions, Exception::AlgOfAnotherKey),
        BTreeSet::from([346, 350])
    );
}

#[test]
fn key_vectors_come_out_as_the_suite_says_but_for_named_exceptions() {
    let Some((count, exceptions, wrong)) = run("json_web_key_test.json") else {
        return;
    };
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(count, 26);
    assert_eq!(
        ids(&exceptions, Exception::Symmetric),
        BTreeSet::from([2, 13, 14, 15])
    );
    assert_eq!(exceptions.len(), 4);
}

#[test]
fn jose_vectors_for_signatures_come_out_as_the_suite_says_but_for_named_exceptions() {
    let Some((count, exceptions, wrong)) = run("json_web_crypto_test.json") else {
        return;
    };
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(count, 49);
    assert_eq!(
        ids(&exceptions, Exception::Symmetric),
        BTreeSet::from([1, 48])
    );
    assert_eq!(exceptions.len(), 2);
}

#[test]
fn the_two_es521_vectors_are_good_signatures_once_the_key_says_es512() {
    let Some(suite) = vectors("json_web_signature_test.json") else {
        return;
    };
    let mut seen = 0;
    for group in suite["testGroups"]
        .as_array()
        .expect("groups")
        .iter()
        .filter(|g| g["public"]["alg"] == "ES521")
    {
        let mut key = group["public"].clone();
        key["alg"] = json!("ES512");
        assert!(accepted(&key, &group["tests"][0]["jws"]));
        seen += 1;
    }
    assert_eq!(seen, 2);
}

#[test]
fn encrypted_tokens_are_refused_whatever_the_suite_says_of_them() {
    let Some(suite) = vectors("json_web_encryption_test.json") else {
        return;
    };
    let key =
        json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let keys = Jwks::parse(json!({ "keys": [key] }).to_string().as_bytes()).expect("a good key");
    let mut count = 0;
    for test in suite["testGroups"]
        .as_array()
        .expect("groups")
        .iter()
        .flat_map(|g| g["tests"].as_array().expect("tests"))
    {
        let token = test["jwe"]
            .as_str()
            .map_or_else(|| test["jwe"].to_string(), str::to_owned);
        assert!(
            verify_signature(&token, &keys, &Algorithm::ALL).is_err(),
            "{}",
            test["tcId"]
        );
        count += 1;
    }
    assert_eq!(count, 139);
}

#[test]
fn private_and_symmetric_keys_of_the_suite_are_refused_as_such() {
    let Some(suite) = vectors("json_web_key_test.json") else {
        return;
    };
    for group in suite["testGroups"].as_array().expect("groups") {
        let refused = Jwks::parse(group["private"].to_string().as_bytes())
            .expect_err("private keys are no public set");
        assert!(matches!(refused, JwksError::Key { .. }), "{refused}");
    }
}
