//! Requests of the Core Rule Set's regression tests that expect a rule of paranoia level 1 against attacks.

use std::collections::HashSet;
use std::path::Path;

use base64::Engine as _;

use super::attacks::files;

/// Tests of one rule, evenly spread: some rules have hundreds, one for each word of a list.
const PER_RULE: usize = 10;

/// Reads every test that expects such a rule: its name and its request.
pub fn attacks(data: &Path) -> Vec<(String, Vec<u8>)> {
    let known = level_one(&data.join("crs/rules"));
    let mut all = Vec::new();
    for path in files(&data.join("crs/regression"), "yaml") {
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let family = name.get(..3).unwrap_or_default();
        if !["930", "931", "932", "933", "934", "941", "942", "944"].contains(&family)
            || !known.contains(&name)
        {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let tests: Vec<&str> = text.split("\n  - test_id:").skip(1).collect();
        let step = tests.len().div_ceil(PER_RULE).max(1);
        for (number, test) in tests.into_iter().enumerate().step_by(step) {
            if test.contains("no_expect_ids")
                || !test.contains("expect_ids")
                || test.matches("- input:").count() != 1
            {
                continue;
            }
            if let Some(request) = request(test) {
                all.push((format!("{name}-{number}"), request));
            }
        }
    }
    all
}

/// Rules of paranoia level 1.
fn level_one(folder: &Path) -> HashSet<String> {
    let mut known = HashSet::new();
    for path in files(folder, "conf") {
        let mut id = String::new();
        for line in std::fs::read_to_string(path).unwrap_or_default().lines() {
            if let Some((_, after)) = line.split_once("id:") {
                id = after.chars().take_while(char::is_ascii_digit).collect();
            }
            if line.contains("paranoia-level/1") {
                known.insert(id.clone());
            }
        }
    }
    known
}

/// Writes the request that a test describes; `None` for what this reader of a little YAML does not know.
fn request(test: &str) -> Option<Vec<u8>> {
    if let Some(encoded) = field(test, "encoded_request:") {
        return base64::engine::general_purpose::STANDARD
            .decode(encoded.trim())
            .ok();
    }
    let method = field(test, "method:").unwrap_or_else(|| "GET".to_owned());
    let uri = field(test, "uri:").unwrap_or_else(|| "/".to_owned());
    let mut out = format!("{method} {uri} HTTP/1.1\r\n").into_bytes();
    let body = field(test, "data:").unwrap_or_default();
    let mut typed = false;
    let mut inside = None;
    for line in test.lines() {
        let indent = line.len() - line.trim_start().len();
        match inside {
            None if line.trim() == "headers:" => inside = Some(indent),
            Some(outer) if indent > outer => {
                let (name, value) = line.trim().split_once(':')?;
                let value = scalar(value.trim())?;
                typed |= name.eq_ignore_ascii_case("content-type");
                if !name.eq_ignore_ascii_case("content-length") {
                    out.extend_from_slice(
                        format!("{}: {value}\r\n", name.trim_matches(['"', '\''])).as_bytes(),
                    );
                }
            }
            Some(_) => break,
            None => {}
        }
    }
    if !body.is_empty() {
        if !typed {
            out.extend_from_slice(b"Content-Type: application/x-www-form-urlencoded\r\n");
        }
        out.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body.as_bytes());
    Some(out)
}

fn field(test: &str, name: &str) -> Option<String> {
    let lines: Vec<&str> = test.lines().collect();
    let at = lines
        .iter()
        .position(|line| line.trim_start().starts_with(name))?;
    let line = lines.get(at)?;
    let indent = line.len() - line.trim_start().len();
    let value = line.trim_start().strip_prefix(name)?.trim();
    if matches!(value, "|" | "|-" | ">" | ">-" | "|+") {
        let block: Vec<&str> = lines
            .iter()
            .skip(at + 1)
            .take_while(|line| {
                line.trim().is_empty() || line.len() - line.trim_start().len() > indent
            })
            .map(|line| line.trim_start())
            .collect();
        let glue = if value.starts_with('|') { "\r\n" } else { " " };
        return Some(block.join(glue));
    }
    scalar(value)
}

fn scalar(value: &str) -> Option<String> {
    if let Some(inner) = value.strip_prefix('"') {
        // JSON knows the escapes of YAML that are used here, but for `\x41`.
        let text = format!("\"{}\"", inner.strip_suffix('"')?);
        return serde_json::from_str(&text.replace("\\x", "\\u00")).ok();
    }
    if let Some(inner) = value.strip_prefix('\'') {
        return Some(inner.strip_suffix('\'')?.replace("''", "'"));
    }
    Some(value.to_owned())
}
