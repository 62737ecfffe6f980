//! The recorded corpus of Casbin for Go, judged in its dialect.

use std::collections::BTreeMap;
use std::fs;

use hangu_policy::compat::{Definitions, Extras, Matching, Policy, Question};
use hangu_policy::{Dialect, Effect, Source};
use serde_json::Value as Json;

use crate::support::shared;

const SECTIONS: [(&str, &str); 5] = [
    ("r", "request_definition"),
    ("p", "policy_definition"),
    ("g", "role_definition"),
    ("e", "policy_effect"),
    ("m", "matchers"),
];

#[test]
fn every_recorded_case_is_answered_as_go_did_or_stands_in_the_exceptions() {
    let Some(file) = shared("data/casbin/go-recorded.jsonl") else {
        return;
    };
    let text = fs::read_to_string(file).unwrap();
    let cases: Vec<Json> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(cases.len(), 584);
    let mut differing: BTreeMap<String, u32> = BTreeMap::new();
    let mut equal = 0;
    for case in &cases {
        let answer = judged(case);
        let failed = !case["err"].as_str().unwrap().is_empty();
        let alike = match &answer {
            Ok(allowed) => !failed && case["ok"] == *allowed,
            Err(_) => failed,
        };
        if alike {
            equal += 1;
            continue;
        }
        let said = answer.map_or_else(|error| error, |allowed| format!("allow = {allowed}"));
        let test = case["test"].as_str().unwrap();
        *differing.entry(format!("{test}: {said}")).or_default() += 1;
    }
    let differing: String = differing
        .iter()
        .map(|(what, count)| format!("{count} {what}\n"))
        .collect();
    let listed = include_str!("recorded-exceptions.txt");
    assert!(listed.lines().count() <= 25);
    let listed: Vec<&str> = listed
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    assert_eq!(
        differing.lines().collect::<Vec<_>>(),
        listed,
        "\n{differing}"
    );
    println!("{equal} of {} alike", cases.len());
}

/// The verdict, or why there is none.
fn judged(case: &Json) -> Result<bool, String> {
    let mut model = String::new();
    for (short, section) in SECTIONS {
        model += &format!("[{section}]\n");
        for (key, value) in case["model"][short].as_object().into_iter().flatten() {
            model += &format!("{key} = {}\n", value.as_str().unwrap());
        }
    }
    // The test that recorded these three had put another matcher in the model's place.
    if case["test"] == "TestABACTypes" {
        let instead = "'moderator' in r.sub.Roles && r.sub.Enabled == true \
                       && r.sub.Age >= 21 && r.sub.Name != 'foo'";
        model = model.replace("r.sub == r.obj.Owner", instead);
    }
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
    let source = |name, text| Source { name, text };
    let policy = Policy::load(
        source("model.conf", &model),
        &[source("rules.csv", &rules)],
        Dialect::CasbinGo,
        &extras(case),
    )
    .map_err(|mistakes| mistakes[0].message.clone())?;
    let mut values = case["r"].as_array().unwrap().clone();
    if case["acceptjson"] == true {
        for value in &mut values {
            if let Some(text) = value.as_str().filter(|text| text.starts_with(['{', '['])) {
                *value = serde_json::from_str(text).map_err(|error| error.to_string())?;
            }
        }
    }
    let keys: Vec<&str> = case["ctx"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|key| key.as_str().unwrap())
        .collect();
    let definitions = match keys.as_slice() {
        [request, policy, effect, matcher] => Definitions {
            request,
            policy,
            effect,
            matcher,
        },
        _ => Definitions::default(),
    };
    let question = Question {
        values: &values,
        definitions,
        now: 1_780_000_000,
    };
    policy
        .decide(&question)
        .map(|answer| answer.effect == Effect::Allow)
}

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

/// What the test had registered, by the labels that the recorder gave.
fn extras(case: &Json) -> Extras {
    let mut extras = Extras::default();
    let labels: Vec<&str> = case["mf"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|label| label.as_str().unwrap())
        .collect();
    for (at, label) in labels.iter().enumerate() {
        let parts: Vec<&str> = label.split(':').collect();
        let [section, kind, name] = parts.as_slice() else {
            continue;
        };
        let matching = match *name {
            // The third registration puts another function in the second's place.
            _ if at == 2 => Matching::KeyMatch3,
            "g" => Matching::KeyMatch,
            _ => Matching::KeyMatch2,
        };
        let list = if *kind == "dom" {
            &mut extras.domain_matching
        } else {
            &mut extras.role_matching
        };
        list.push(((*section).to_owned(), matching));
    }
    if labels.contains(&"condrm")
        && case["test"]
            .as_str()
            .unwrap()
            .contains("TestLinkConditionFunc")
    {
        extras.condition = Some(|_, role| matches!(role, "data2_admin" | "data4_admin"));
    }
    extras
        .functions
        .push(("keyMatchCustom".to_owned(), |value, pattern| {
            value == "/alice_data2/myid/using/res_id"
                && ["/alice_data/:resource", "/alice_data2/:id/using/:resId"].contains(&pattern)
        }));
    extras
}
