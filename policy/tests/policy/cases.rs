//! The 32 reference cases of the gateway model, and the recorded corpus.

use std::collections::BTreeMap;
use std::fs;

use hangu_policy::{Dialect, Effect, Source, Value, cli};
use serde_json::Value as Json;

use crate::support::{load, shared, shown};

#[test]
fn the_reference_cases_are_decided_as_their_file_says() {
    let Some(folder) = shared("policy-example") else {
        return;
    };
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let (model, rules, cases) = (read("model.conf"), read("policy.csv"), read("tests.jsonl"));
    let snapshot = load(&model, &rules).unwrap_or_else(|mistakes| panic!("{}", shown(&mistakes)));
    let warnings: Vec<u32> = snapshot
        .warnings()
        .iter()
        .map(|warning| warning.line)
        .collect();
    assert_eq!(warnings, [3], "{}", shown(snapshot.warnings()));
    let cases: Vec<Json> = cases
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(cases.len(), 32);
    let requests: String = cases
        .iter()
        .map(|case| case["r"].to_string() + "\n")
        .collect();
    let mut answers = Vec::new();
    let source = |name, text| Source { name, text };
    let summary = cli::decide(
        source("model.conf", &model),
        &[source("policy.csv", &rules)],
        Dialect::Strict,
        0,
        requests.as_bytes(),
        &mut answers,
    )
    .unwrap();
    assert_eq!(
        (summary.allowed, summary.denied, summary.unjudged),
        (11, 21, 0)
    );
    for (case, answer) in cases
        .iter()
        .zip(String::from_utf8(answers).unwrap().lines())
    {
        let answer: Json = serde_json::from_str(answer).unwrap();
        assert_eq!(answer["allow"], case["exp"], "{case}");
        assert_eq!(answer["revision"], snapshot.revision().to_string());
        let wanted = case["obl"].as_str().unwrap();
        let rows = answer["rules"].as_array().unwrap();
        let found = rows
            .iter()
            .any(|row| row["rule"][8].as_str().unwrap().contains(wanted));
        assert!(wanted.is_empty() || found, "{case} {answer}");
    }
}

#[test]
fn the_recorded_corpus_is_answered_alike_or_refused_at_load() {
    let Some(file) = shared("data/casbin/go-recorded.jsonl") else {
        return;
    };
    let text = fs::read_to_string(file).unwrap();
    let (mut equal, mut differing) = (0, Vec::new());
    let mut refused: BTreeMap<String, u32> = BTreeMap::new();
    for line in text.lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        if !case["mf"].is_null() || !case["custom"].is_null() || !case["ctx"].is_null() {
            continue;
        }
        let test = case["test"].as_str().unwrap();
        match replay(&case) {
            Err(reason) => *refused.entry(format!("{test}: {reason}")).or_default() += 1,
            Ok(allowed) if allowed == case["ok"] => equal += 1,
            Ok(_) => differing.push(test.to_owned()),
        }
    }
    assert!(differing.is_empty(), "{differing:?}");
    assert_eq!(equal, 300);
    let refused: String = refused
        .iter()
        .map(|(reason, count)| format!("{count} {reason}\n"))
        .collect();
    assert_eq!(refused, include_str!("corpus-refused.txt"), "{refused}");
}

/// The verdict, or why the policy or the request is refused.
fn replay(case: &Json) -> Result<bool, String> {
    const SECTIONS: [(&str, &str); 5] = [
        ("r", "request_definition"),
        ("p", "policy_definition"),
        ("g", "role_definition"),
        ("e", "policy_effect"),
        ("m", "matchers"),
    ];
    let mut model = String::new();
    for (short, section) in SECTIONS {
        model += &format!("[{section}]\n");
        for (key, value) in case["model"][short].as_object().into_iter().flatten() {
            model += &format!("{key} = {}\n", value.as_str().unwrap());
        }
    }
    model += &attributes(case);
    let mut rules = String::new();
    for kind in ["p", "g"] {
        for (key, rows) in case[kind].as_object().into_iter().flatten() {
            for row in rows.as_array().into_iter().flatten() {
                let cells = row
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|cell| quoted(cell.as_str().unwrap()));
                rules += &format!("{key},{}\n", cells.collect::<Vec<_>>().join(","));
            }
        }
    }
    let snapshot = load(&model, &rules).map_err(|mistakes| mistakes[0].message.clone())?;
    let values = case["r"].as_array().unwrap();
    let maps: Vec<Vec<(&str, Value<'_>)>> = values
        .iter()
        .filter_map(Json::as_object)
        .map(|map| {
            map.iter()
                .filter_map(|(name, value)| Some((name.as_str(), plain(value)?)))
                .collect()
        })
        .collect();
    let mut maps = maps.iter();
    let request: Option<Vec<Value<'_>>> = values
        .iter()
        .map(|value| {
            if value.is_object() {
                maps.next().map(|map| Value::Map(map))
            } else {
                plain(value)
            }
        })
        .collect();
    let request = request.ok_or("the request holds what no model declares")?;
    let decision = snapshot
        .decide(&request)
        .map_err(|unjudged| unjudged.to_string())?;
    Ok(decision.effect == Effect::Allow)
}

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

/// Declares the attributes that the recorded request carries.
fn attributes(case: &Json) -> String {
    let names = case["model"]["r"]["r"]
        .as_str()
        .unwrap()
        .split(',')
        .map(str::trim);
    let mut section = String::from("[attribute_definition]\n");
    for (name, value) in names.zip(case["r"].as_array().unwrap()) {
        if value.is_i64() {
            section += &format!("{name} = int\n");
        }
        let Some(map) = value.as_object() else {
            continue;
        };
        let mut declared = BTreeMap::new();
        for (attribute, value) in map {
            let kind = match value {
                Json::Number(_) => "int",
                Json::Bool(_) => "bool",
                Json::Null | Json::String(_) | Json::Array(_) | Json::Object(_) => "text",
            };
            declared.insert(attribute, kind);
        }
        let list: Vec<String> = declared
            .iter()
            .map(|(attribute, kind)| format!("{attribute}: {kind}"))
            .collect();
        section += &format!("{name} = {}\n", list.join(", "));
    }
    section
}

fn plain(value: &Json) -> Option<Value<'_>> {
    match value {
        Json::String(text) => Some(Value::Str(text)),
        Json::Bool(known) => Some(Value::Bool(*known)),
        Json::Number(number) => number.as_i64().map(Value::Int),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}
