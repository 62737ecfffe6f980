//! x509-limbo against `verify`: every deviation from the suite's expectation is listed, with its reason, in
//! `limbo-deviations.txt`. A case that deviates without being listed fails, and so does a listed one that does not.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use hangu_pki::verify::{Anchors, Crls, Profile, Question, Reason, Usage, validate};
use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;

const DEVIATIONS: &str = include_str!("limbo-deviations.txt");

/// What webpki alone accepts although it should fail, counted by running the same cases without the strict profile.
const TOO_LAX_WITHOUT_PROFILE: usize = 57;

#[test]
fn every_verdict_is_the_suites_or_a_listed_deviation() {
    let Some(suite) = suite() else { return };
    let mut found = BTreeMap::new();
    for case in suite["testcases"].as_array().unwrap() {
        let verdict = verdict(case, Profile::Strict);
        let expected = case["expected_result"] == "SUCCESS";
        if verdict.is_ok() != expected {
            found.insert(case["id"].as_str().unwrap().to_owned(), (expected, verdict));
        }
    }
    let listed: BTreeSet<&str> = deviations().keys().copied().collect();
    let unlisted: Vec<_> = found
        .iter()
        .filter(|(id, _)| !listed.contains(id.as_str()))
        .collect();
    assert!(
        unlisted.is_empty(),
        "deviates and is not listed: {unlisted:#?}"
    );
    let stale: Vec<_> = listed
        .iter()
        .filter(|id| !found.contains_key(**id))
        .collect();
    assert!(stale.is_empty(), "listed and does not deviate: {stale:#?}");
}

#[test]
fn the_strict_profile_closes_what_webpki_leaves_open() {
    let Some(suite) = suite() else { return };
    let cases = suite["testcases"].as_array().unwrap();
    let too_lax = |profile| {
        cases
            .iter()
            .filter(|case| case["expected_result"] == "FAILURE" && verdict(case, profile).is_ok())
            .count()
    };
    let (without, with) = (too_lax(Profile::Interoperable), too_lax(Profile::Strict));
    assert!(without > 0, "the suite finds nothing");
    assert!(
        TOO_LAX_WITHOUT_PROFILE - with >= 35,
        "only {} of {TOO_LAX_WITHOUT_PROFILE} closed",
        TOO_LAX_WITHOUT_PROFILE - with
    );
    println!(
        "accepted that should fail: {TOO_LAX_WITHOUT_PROFILE} by webpki, {without} with our bounds, {with} with the strict profile"
    );
}

#[test]
fn every_deviation_has_a_reason() {
    for (id, reason) in deviations() {
        assert!(reason.len() > 20, "{id}: `{reason}` is no reason");
    }
}

fn verdict(case: &Value, profile: Profile) -> Result<(), Reason> {
    let pem = |field: &str| -> String {
        case[field]
            .as_array()
            .map(|all| {
                all.iter()
                    .map(|pem| pem.as_str().unwrap())
                    .collect::<Vec<_>>()
                    .join("\n")
            })
            .unwrap_or_default()
    };
    let anchors = Anchors::from_pem(pem("trusted_certs").as_bytes())?;
    let crls = Crls::from_pem(pem("crls").as_bytes())
        .map_err(|error| Reason::Unusable(error.to_string()))?;
    let leaf =
        CertificateDer::from_pem_slice(case["peer_certificate"].as_str().unwrap().as_bytes())
            .unwrap();
    let intermediates: Vec<_> =
        CertificateDer::pem_slice_iter(pem("untrusted_intermediates").as_bytes())
            .collect::<Result<_, _>>()
            .unwrap();
    let name = |name: &Value| {
        let kind = match name["kind"].as_str().unwrap() {
            "DNS" => "dns",
            "IP" => "ip",
            "RFC822" => "email",
            other => panic!("unknown kind {other}"),
        };
        format!("{kind}:{}", name["value"].as_str().unwrap())
            .parse()
            .map_err(|_| Reason::Unusable("expected name".to_owned()))
    };
    let one = case["expected_peer_name"]
        .is_object()
        .then_some(&case["expected_peer_name"]);
    let names = one
        .into_iter()
        .chain(case["expected_peer_names"].as_array().unwrap())
        .map(name)
        .collect::<Result<Vec<_>, _>>()?;
    let question = Question {
        leaf: &leaf,
        intermediates: &intermediates,
        usage: if case["validation_kind"] == "CLIENT" {
            Usage::Client
        } else {
            Usage::Server
        },
        names: &names,
        max_intermediates: case["max_chain_depth"]
            .as_u64()
            .map(|depth| usize::try_from(depth).unwrap()),
        // Cases without a time are meant for the present; the suite was made on this day.
        at: case["validation_time"]
            .as_str()
            .unwrap_or("2026-06-29T00:00:00Z")
            .parse::<Timestamp>()
            .unwrap(),
    };
    validate(&anchors, &crls, profile, &question).map(|_| ())
}

fn deviations() -> BTreeMap<&'static str, &'static str> {
    let lines = DEVIATIONS
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            line.split_once(": ")
                .map(|(id, reason)| (id.trim(), reason.trim()))
                .unwrap()
        })
        .collect()
}

fn suite() -> Option<Value> {
    let data = std::env::var_os("HANGU_SHARED_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    let Ok(text) = std::fs::read_to_string(data.join("x509-limbo/limbo.json")) else {
        println!("skipped: no x509-limbo in {}", data.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}
