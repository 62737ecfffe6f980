//! The regression tests of the OWASP Core Rule Set, run on its own rules. Exceptions are named in
//! `crs-exceptions.txt`, each with its reason; an exception that has become superfluous fails the test too.

#![cfg(test)]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use hangu_inspect::seclang::{Connection, Outcome, RequestHead, ResponseHead, RuleSet, Source};
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    tests: Vec<Test>,
}

#[derive(Deserialize)]
struct Test {
    test_id: u64,
    stages: Vec<Stage>,
}

#[derive(Deserialize)]
struct Stage {
    input: Input,
    output: Output,
}

#[derive(Deserialize, Default)]
struct Input {
    method: Option<String>,
    uri: Option<String>,
    version: Option<String>,
    data: Option<serde_yaml_ng::Value>,
    encoded_request: Option<String>,
    autocomplete_headers: Option<bool>,
    #[serde(default)]
    headers: serde_yaml_ng::Mapping,
}

#[derive(Deserialize, Default)]
struct Output {
    status: Option<serde_yaml_ng::Value>,
    expect_error: Option<bool>,
    log: Option<Log>,
}

#[derive(Deserialize, Default)]
struct Log {
    #[serde(default)]
    expect_ids: Vec<u64>,
    #[serde(default)]
    no_expect_ids: Vec<u64>,
    match_regex: Option<String>,
    no_match_regex: Option<String>,
}

/// A request as it stands on the wire, taken apart without judging it.
#[derive(Debug, Default)]
struct Wire {
    method: Vec<u8>,
    target: Vec<u8>,
    protocol: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// The settings under which the tests are written to pass.
const SETTINGS: &str = "SecAction \"id:900005,phase:1,nolog,pass,ctl:ruleEngine=DetectionOnly,\
    setvar:tx.blocking_paranoia_level=4,setvar:tx.crs_validate_utf8_encoding=1,setvar:tx.arg_name_length=100,\
    setvar:tx.arg_length=400,setvar:tx.total_arg_length=64000,setvar:tx.max_num_args=255,\
    setvar:tx.max_file_size=64100,setvar:tx.combined_file_sizes=65535\"\n";

fn crs() -> Option<PathBuf> {
    let shared = std::env::var_os("HANGU_SHARED_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let folder = shared.join("crs");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: {} is not there", folder.display());
    None
}

fn load(folder: &Path, settings: &str) -> RuleSet {
    let sources = [
        Source::Path(folder.join("crs-setup.conf.example")),
        Source::Text {
            name: PathBuf::from("settings.conf"),
            text: settings.to_owned(),
        },
        Source::Path(folder.join("rules/*.conf")),
    ];
    RuleSet::load(&sources).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_regression_tests_of_the_core_rule_set_pass() {
    let Some(folder) = crs() else { return };
    let rules = load(&folder, SETTINGS);
    let exceptions = exceptions();
    let (mut passed, mut failed, mut server) = (0, BTreeMap::new(), 0);
    let mut files: Vec<_> = walk(&folder.join("regression"));
    files.sort();
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let file: File = serde_yaml_ng::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let rule = path.file_stem().unwrap_or_default().to_string_lossy();
        for test in &file.tests {
            let name = format!("{rule}-{}", test.test_id);
            let faults: Vec<_> = test
                .stages
                .iter()
                .map(|stage| judge(&rules, stage))
                .collect();
            if faults.iter().any(|fault| fault == "server") {
                server += 1;
                continue;
            }
            match faults.into_iter().find(|fault| !fault.is_empty()) {
                None => passed += 1,
                Some(fault) => {
                    failed.insert(name, fault);
                }
            }
        }
    }
    let total = passed + failed.len();
    let rate = 100.0 * passed as f64 / total as f64;
    println!("{passed} of {total} pass ({rate:.2} %); {server} ask about the HTTP server only");
    if std::env::var_os("CRS_VERBOSE").is_some() {
        for (name, fault) in &failed {
            println!("{name}\t{fault}");
        }
    }
    let unexplained: Vec<_> = failed
        .iter()
        .filter(|(name, _)| !exceptions.contains_key(*name))
        .collect();
    assert!(
        unexplained.is_empty(),
        "{} tests fail without a reason given: {unexplained:#?}",
        unexplained.len()
    );
    let stale: Vec<_> = exceptions
        .keys()
        .filter(|name| !failed.contains_key(*name))
        .collect();
    assert!(stale.is_empty(), "these exceptions pass: {stale:?}");
    assert!(rate >= 98.0, "{rate:.2} %");
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder)
        .unwrap()
        .flat_map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path)
            } else {
                vec![path]
            }
        })
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .collect()
}

fn exceptions() -> BTreeMap<String, String> {
    include_str!("crs-exceptions.txt")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| {
            let (name, reason) = line
                .split_once(' ')
                .unwrap_or_else(|| panic!("no reason: {line}"));
            (name.to_owned(), reason.to_owned())
        })
        .collect()
}

/// Returns what is wrong, nothing if all is well, or `server` where only the HTTP server is asked.
fn judge(rules: &RuleSet, stage: &Stage) -> String {
    let Some(log) = &stage.output.log else {
        let about_server = stage.output.status.is_some() || stage.output.expect_error.is_some();
        return if about_server {
            "server".to_owned()
        } else {
            String::new()
        };
    };
    let wire = wire(&stage.input);
    let outcome = run(rules, &wire);
    let ids: Vec<u64> = outcome.matches.iter().map(|m| m.rule).collect();
    for id in &log.expect_ids {
        if !ids.contains(id) {
            return format!("{id} does not match; {ids:?} {:?}", outcome.unreadable);
        }
    }
    for id in &log.no_expect_ids {
        if ids.contains(id) {
            let found = outcome
                .matches
                .iter()
                .find(|m| m.rule == *id)
                .map(|m| (&m.place, &m.data));
            return format!("{id} matches {found:?}");
        }
    }
    let lines = lines(&outcome);
    let says = |expression: &str| {
        let expression = regex::Regex::new(expression).unwrap();
        lines.iter().any(|line| expression.is_match(line))
    };
    match (&log.match_regex, &log.no_match_regex) {
        (Some(wanted), _) if !says(wanted) => format!("no line like {wanted}; {lines:?}"),
        (_, Some(unwanted)) if says(unwanted) => format!("a line like {unwanted}"),
        _ => String::new(),
    }
}

fn lines(outcome: &Outcome) -> Vec<String> {
    outcome
        .matches
        .iter()
        .map(|m| {
            let tags: String = m
                .tags
                .iter()
                .map(|tag| format!(" [tag \"{tag}\"]"))
                .collect();
            format!(
                "[id \"{}\"] [msg \"{}\"] [data \"{}\"]{tags}",
                m.rule, m.message, m.data
            )
        })
        .collect()
}

fn wire(input: &Input) -> Wire {
    if let Some(encoded) = &input.encoded_request {
        let text: String = encoded.split_whitespace().collect();
        let raw = base64::engine::general_purpose::STANDARD
            .decode(text.replace("\\n", ""))
            .unwrap();
        return parse(&raw);
    }
    let mut wire = Wire {
        method: input.method.clone().unwrap_or("GET".into()).into_bytes(),
        target: input.uri.clone().unwrap_or("/".into()).into_bytes(),
        // A line without a version is one of HTTP/0.9 (RFC 1945, section 3.1).
        protocol: match input.version.as_deref() {
            None => b"HTTP/1.1".to_vec(),
            Some("") => b"HTTP/0.9".to_vec(),
            Some(version) => version.as_bytes().to_vec(),
        },
        headers: input
            .headers
            .iter()
            .map(|(name, value)| (scalar(name), scalar(value).into_bytes()))
            .collect(),
        body: input
            .data
            .as_ref()
            .map(scalar)
            .unwrap_or_default()
            .into_bytes(),
    };
    if input.autocomplete_headers.unwrap_or(true) {
        let has = |wire: &Wire, wanted: &str| {
            wire.headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case(wanted))
        };
        if !wire.body.is_empty() && !has(&wire, "content-type") {
            wire.headers.push((
                "Content-Type".into(),
                b"application/x-www-form-urlencoded".to_vec(),
            ));
        }
        if !wire.body.is_empty()
            && !has(&wire, "content-length")
            && !has(&wire, "transfer-encoding")
        {
            let length = wire.body.len().to_string().into_bytes();
            wire.headers.push(("Content-Length".into(), length));
        }
        if !has(&wire, "connection") {
            wire.headers.push(("Connection".into(), b"close".to_vec()));
        }
    }
    wire
}

fn scalar(value: &serde_yaml_ng::Value) -> String {
    match value {
        serde_yaml_ng::Value::String(text) => text.clone(),
        serde_yaml_ng::Value::Number(n) => n.to_string(),
        serde_yaml_ng::Value::Bool(b) => b.to_string(),
        serde_yaml_ng::Value::Null
        | serde_yaml_ng::Value::Sequence(_)
        | serde_yaml_ng::Value::Mapping(_)
        | serde_yaml_ng::Value::Tagged(_) => String::new(),
    }
}

fn parse(raw: &[u8]) -> Wire {
    let mut wire = Wire::default();
    let text = raw.to_vec();
    let mut at = 0;
    let mut first = true;
    while at < text.len() {
        let end = text[at..]
            .iter()
            .position(|&b| b == b'\n')
            .map_or(text.len(), |n| at + n);
        let line = text[at..end].strip_suffix(b"\r").unwrap_or(&text[at..end]);
        at = end + 1;
        if line.is_empty() {
            break;
        }
        if first {
            let mut words = line.split(|&b| b == b' ');
            wire.method = words.next().unwrap_or_default().to_vec();
            wire.target = words.next().unwrap_or_default().to_vec();
            wire.protocol = words.next().unwrap_or_default().to_vec();
            first = false;
        } else if let Some(colon) = line.iter().position(|&b| b == b':') {
            let name = String::from_utf8_lossy(&line[..colon]).into_owned();
            wire.headers
                .push((name, line[colon + 1..].trim_ascii().to_vec()));
        }
    }
    wire.body = text.get(at..).unwrap_or_default().to_vec();
    wire
}

fn run(rules: &RuleSet, wire: &Wire) -> Outcome {
    let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let headers: Vec<(&str, &[u8])> = wire
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_slice()))
        .collect();
    let response = Echo::of(wire);
    let response_headers: Vec<(&str, &[u8])> = response
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    let mut transaction = rules.begin(&Connection {
        client: local,
        client_port: 50_000,
        server: local,
        server_port: 80,
        now: Duration::from_secs(1_780_000_000),
        id: "test",
        place: &[],
        listed: &[],
    });
    transaction.request_head(&RequestHead {
        method: &wire.method,
        target: &wire.target,
        protocol: &wire.protocol,
        headers: &headers,
    });
    transaction.request_body(&wire.body);
    transaction.response_head(&ResponseHead {
        status: response.status,
        protocol: b"HTTP/1.1",
        headers: &response_headers,
    });
    transaction.response_body(response.body.as_bytes());
    transaction.finish()
}

/// What the server of the tests answers: under `/reflect`, what the body of the request asks for.
#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Echo {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
    encoded_body: String,
}

impl Default for Echo {
    fn default() -> Self {
        Self {
            status: 200,
            headers: BTreeMap::new(),
            body: String::new(),
            encoded_body: String::new(),
        }
    }
}

impl Echo {
    fn of(wire: &Wire) -> Self {
        if !wire.target.starts_with(b"/reflect") {
            return Self::default();
        }
        let mut echo: Self = serde_json::from_slice(&wire.body).unwrap_or_default();
        if !echo.encoded_body.is_empty() {
            let body = base64::engine::general_purpose::STANDARD
                .decode(&echo.encoded_body)
                .unwrap();
            echo.body = String::from_utf8_lossy(&body).into_owned();
        }
        echo
    }
}
