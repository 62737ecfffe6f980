//! JSON Lines in, JSON Lines out.

use hangu_policy::analysis::patience::Patience;
use hangu_policy::cli::tools::{self, Form, Inquiry, Verdict};
use hangu_policy::cli::{self, Error, Summary};
use hangu_policy::{Dialect, Source};
use serde_json::{Value as Json, json};

use crate::support::{GATEWAY_MODEL, GATEWAY_RULES};

const MODEL: Source<'static> = Source {
    name: "model.conf",
    text: GATEWAY_MODEL,
};
const RULES: [Source<'static>; 1] = [Source {
    name: "rules.csv",
    text: GATEWAY_RULES,
}];

fn decided(input: &[u8]) -> (Vec<Json>, Summary) {
    let mut output = Vec::new();
    let summary = cli::decide(MODEL, &RULES, Dialect::Strict, 0, input, &mut output).unwrap();
    let text = String::from_utf8(output).unwrap();
    (
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
        summary,
    )
}

fn array() -> Json {
    let context = json!({ "aal": 2, "dev": 80, "risk": 10, "min": 600, "dow": 3, "cert": true });
    json!([
        "svc:etl",
        "staff",
        "zone:intranet",
        "staff.city.example",
        "/people/7/tax",
        "GET",
        context
    ])
}

#[test]
fn arrays_and_objects_are_decided_alike() {
    let names = ["sub", "dom", "src", "host", "path", "act", "ctx"];
    let values = array();
    let object: serde_json::Map<String, Json> = names
        .iter()
        .rev()
        .map(|name| (*name).to_owned())
        .zip(values.as_array().unwrap().iter().rev().cloned())
        .collect();
    let (answers, summary) = decided(format!("{values}\n{}", Json::Object(object)).as_bytes());
    assert_eq!(
        summary,
        Summary {
            allowed: 2,
            denied: 0,
            unjudged: 0
        }
    );
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0]["allow"], true);
    assert_eq!(
        answers[0]["obligations"],
        json!({ "quota": 50, "fields": ["taxno"] })
    );
    assert_eq!(answers[0]["rules"][0]["line"], 8);
    assert!(answers[0]["revision"].as_str().unwrap().starts_with("r-"));
}

#[test]
fn every_line_is_answered_even_one_that_cannot_be_judged() {
    let mut input = Vec::new();
    for line in [
        "",
        "no",
        "3",
        "[]",
        "{}",
        "[1,2,3,4,5,6,7]",
        r#"["a","b","c","d","e","f",{"aal":1.5}]"#,
        r#"{"sub":"a","who":1}"#,
    ] {
        input.extend_from_slice(line.as_bytes());
        input.push(b'\n');
    }
    input.extend_from_slice(b"\xff\xfe\n");
    input.extend(vec![b'['; 3 << 20]);
    input.extend_from_slice(format!("\n{}", array()).as_bytes());
    let (answers, summary) = decided(&input);
    assert_eq!(
        summary,
        Summary {
            allowed: 1,
            denied: 0,
            unjudged: 10
        }
    );
    assert!(
        answers[..10]
            .iter()
            .all(|answer| answer["error"].is_string())
    );
    assert_eq!(
        answers[3]["error"],
        "the request has 0 values; the model defines 7"
    );
    assert_eq!(
        answers[6]["error"],
        "`ctx.aal` is neither text nor a truth value nor a whole number of 64 bits"
    );
    assert_eq!(
        answers[7]["error"],
        "`who` is no field of the request; fields are sub, dom, src, host, path, act, ctx"
    );
    assert_eq!(answers[9]["error"], "the line is longer than 1 MiB");
}

#[test]
fn a_null_attribute_is_a_missing_one() {
    let mut request = array();
    request[6]["risk"] = Json::Null;
    let (answers, _) = decided(request.to_string().as_bytes());
    assert_eq!(
        (&answers[0]["allow"], &answers[0]["grounds"]),
        (&json!(false), &json!("explicit-deny"))
    );
}

#[test]
fn explanations_come_out_a_line_each() {
    let mut output = Vec::new();
    let mut request = array();
    request[6]["cert"] = json!(false);
    let inquiry = Inquiry {
        policy: &tools::load(MODEL, &RULES).unwrap(),
        form: Form::Json,
        patience: &Patience::endless(),
    };
    let verdict = inquiry
        .explain(request.to_string().as_bytes(), &mut output)
        .unwrap();
    assert_eq!(verdict, Verdict::Yes);
    let answer: Json = serde_json::from_slice(&output).unwrap();
    let nearest = &answer["rows"][0];
    assert_eq!(
        (&nearest["applies"], &nearest["failing"]),
        (&json!(false), &json!(1))
    );
    let clauses = nearest["clauses"].as_array().unwrap();
    let failed =
        json!({ "text": "r.ctx.cert", "value": "false", "saw": [["r.ctx.cert", "false"]] });
    assert!(clauses.contains(&failed), "{clauses:?}");
    assert_eq!(
        answer["would_allow"][0]["set"],
        json!([{ "name": "r.ctx.cert", "from": false, "to": true }])
    );
}

#[test]
fn a_broken_policy_answers_nothing_and_names_every_mistake() {
    let broken = [Source {
        name: "rules.csv",
        text: "p, a\nz, b\n",
    }];
    let mut output = Vec::new();
    let error = cli::decide(
        MODEL,
        &broken,
        Dialect::Strict,
        0,
        b"[]".as_slice(),
        &mut output,
    )
    .unwrap_err();
    assert!(matches!(&error, Error::Load(mistakes) if mistakes.len() == 2));
    let shown = error.to_string();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(
        lines.len(),
        4,
        "each in English and, indented, in Chinese: {shown}"
    );
    let chinese = |line: &&str| line.starts_with("    ") && line.contains("模型");
    assert!(
        !chinese(&lines[0]) && chinese(&lines[1]) && chinese(&lines[3]),
        "{shown}"
    );
    assert!(output.is_empty());
}
