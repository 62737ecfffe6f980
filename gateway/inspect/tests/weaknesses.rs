#![cfg(test)]
//! Requests against known weaknesses of products and payloads of every kind, from the set for development: how many are
//! blocked may grow and must not shrink.

use hangu_inspect::inspector::THRESHOLD;
use hangu_inspect::{Completeness, Head, Inspector, Sensitivity, Settings, raw};

const REQUESTS: &str = include_str!("../examples/devset/exploits.txt");
const PAYLOADS: &str = include_str!("../examples/devset/payloads.txt");

fn inspectors() -> [Inspector; 2] {
    let default = Inspector::new(Settings::default());
    let strict = default.with_sensitivity(Sensitivity::Strict);
    [default, strict]
}

/// Returns the share in percent, and what was not blocked.
fn blocked<'a>(
    cases: impl Iterator<Item = &'a str>,
    mut is_blocked: impl FnMut(&str) -> bool,
) -> (f64, Vec<&'a str>) {
    let (mut all, mut missed) = (0_u32, Vec::new());
    for case in cases {
        all += 1;
        if !is_blocked(case) {
            missed.push(case);
        }
    }
    let hits = f64::from(all) - missed.len() as f64;
    (100.0 * hits / f64::from(all.max(1)), missed)
}

#[test]
fn requests_against_known_weaknesses_are_blocked() {
    for (inspector, least) in inspectors().iter().zip([90.0, 95.0]) {
        let requests = REQUESTS
            .split("%% ")
            .skip(1)
            .filter_map(|block| block.split_once('\n'))
            .map(|(_, text)| text);
        let (share, missed) = blocked(requests, |text| {
            let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end(), ""));
            let text = format!("{}\n\n{body}", head.replacen('\n', " HTTP/1.1\n", 1));
            let text = if head.contains('\n') {
                text
            } else {
                format!("{head} HTTP/1.1\n\n{body}")
            };
            let text = if head.contains("multipart") {
                text.replace('\n', "\r\n")
            } else {
                text
            };
            let Ok(request) = raw::parse(text.as_bytes()) else {
                return true;
            };
            let (verdict, undecodable) = hangu_inspect::cli::judge(inspector, &request);
            verdict.blocks(THRESHOLD) || undecodable.is_some()
        });
        println!("{}: {share:.1} %", inspector.sensitivity());
        assert!(
            share >= least,
            "{}: {share:.1} %: {missed:#?}",
            inspector.sensitivity()
        );
    }
}

#[test]
fn payloads_in_a_query_a_form_and_json_are_blocked() {
    for (inspector, least) in inspectors().iter().zip([90.0, 94.0]) {
        let payloads = PAYLOADS
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with("%% "));
        let (share, missed) = blocked(payloads, |payload| {
            let encoded: String = payload
                .bytes()
                .map(|b| match b {
                    b if b.is_ascii_alphanumeric() || b == b'.' || b == b'%' => {
                        char::from(b).to_string()
                    }
                    b => format!("%{b:02X}"),
                })
                .collect();
            let query = format!("id={encoded}&page=2");
            let head = inspector.head(&Head {
                method: "GET",
                target_path: b"/list",
                query: Some(query.as_bytes()),
                headers: &[("host", b"a.example")],
            });
            let json = serde_json::json!({ "id": payload }).to_string();
            let read = |media: &str, body: &str| {
                inspector
                    .body(Some(media), None, body.as_bytes(), Completeness::Whole)
                    .is_ok_and(|verdict| verdict.blocks(THRESHOLD))
            };
            let form = read("application/x-www-form-urlencoded", &query);
            // What is line breaks in a query is text in JSON.
            let json = payload.contains("%0")
                || payload.contains("%25")
                || read("application/json", &json);
            head.blocks(THRESHOLD) && form && json
        });
        println!("{}: {share:.1} %", inspector.sensitivity());
        assert!(
            share >= least,
            "{}: {share:.1} %: {missed:#?}",
            inspector.sensitivity()
        );
    }
}
