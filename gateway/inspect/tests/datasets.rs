#![cfg(test)]
//! Detection and false positives on labelled sets that stand outside this repository. Rules were looked at on the
//! training half only; the figures asserted are those of the other half.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use hangu_inspect::{Completeness, Head, Inspector, Settings};

const THRESHOLD: u32 = 5;

/// Cases of one half: how many, and how many were blocked.
#[derive(Default, Clone, Copy)]
struct Tally {
    blocked: usize,
    all: usize,
}

impl Tally {
    fn count(&mut self, blocked: bool) {
        self.all += 1;
        self.blocked += usize::from(blocked);
    }

    fn percent(self) -> f64 {
        100.0 * self.blocked as f64 / self.all.max(1) as f64
    }
}

#[test]
fn labelled_parameters_are_told_apart_on_the_half_that_no_rule_was_made_on() {
    let Some(file) = data("httpparams/payload_full.csv") else {
        return;
    };
    let inspector = Inspector::new(Settings::default());
    let mut tallies: std::collections::BTreeMap<(bool, String), Tally> = Default::default();
    let missed = std::env::var_os("HANGU_SHOW_MISSES").is_some();
    for row in csv(&std::fs::read(file).unwrap()).into_iter().skip(1) {
        let [value, _, kind, _] = row.as_slice() else {
            continue;
        };
        let held_out = is_held_out(value);
        let blocked = as_query(&inspector, value);
        let kind = String::from_utf8_lossy(kind).into_owned();
        if missed && !held_out && blocked == (kind == "norm") {
            println!("{kind}: {}", String::from_utf8_lossy(value));
        }
        for name in [
            kind.as_str(),
            if kind == "norm" { "ordinary" } else { "attack" },
        ] {
            tallies
                .entry((held_out, name.to_owned()))
                .or_default()
                .count(blocked);
        }
    }
    println!("{}", table(&tallies));
    let at = |name: &str| tallies[&(true, name.to_owned())].percent();
    println!(
        "balanced accuracy, held out: {:.2} %",
        (at("attack") + 100.0 - at("ordinary")) / 2.0
    );
    assert!(at("ordinary") <= 0.1, "false positives");
    assert!(at("attack") >= 98.0, "detection");
    assert!(at("sqli") >= 99.5, "sql injection");
    assert!(at("xss") >= 90.0, "cross-site scripting");
}

#[test]
fn injection_samples_are_told_from_what_only_looks_like_them() {
    let Some(folder) = data("libinjection") else {
        return;
    };
    let inspector = Inspector::new(Settings::default());
    let mut tallies: std::collections::BTreeMap<(bool, String), Tally> = Default::default();
    let shown = std::env::var_os("HANGU_SHOW_MISSES").is_some();
    for path in files(&folder) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let kind = if name.starts_with("false") {
            "ordinary"
        } else if name.starts_with("sqli") {
            "sqli"
        } else if name.starts_with("xss") {
            "xss"
        } else {
            continue;
        };
        for line in lines(&path) {
            // The lists are written as they stand in a query.
            let held_out = is_held_out(&line);
            let blocked = as_raw_query(&inspector, &line);
            if shown && !held_out && blocked == (kind == "ordinary") {
                println!("{name}: {}", String::from_utf8_lossy(&line));
            }
            tallies
                .entry((held_out, kind.to_owned()))
                .or_default()
                .count(blocked);
        }
    }
    println!("{}", table(&tallies));
    let at = |name: &str| tallies[&(true, name.to_owned())].percent();
    assert!(at("ordinary") <= 1.0);
    assert!(at("sqli") >= 96.0);
    assert!(at("xss") >= 95.0);
}

#[test]
fn payload_lists_are_mostly_caught_and_the_rest_is_counted() {
    let Some(folder) = data("payloads") else {
        return;
    };
    let inspector = Inspector::new(Settings::default());
    let mut tallies: std::collections::BTreeMap<(bool, String), Tally> = Default::default();
    let shown = std::env::var("HANGU_SHOW_MISSES").unwrap_or_default();
    for path in files(&folder) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        // Lists of names, hosts and plain links are no payloads.
        if [
            "LICENSE",
            "Open_Redirect",
            "Web_Cache",
            "Insecure_Management",
            "jsonp_endpoint",
        ]
        .iter()
        .any(|skip| name.contains(skip))
        {
            continue;
        }
        for line in lines(&path) {
            let blocked = as_query(&inspector, &line) || as_raw_query(&inspector, &line);
            if !blocked && !shown.is_empty() && name.contains(&shown) && !is_held_out(&line) {
                println!("{name}: {}", String::from_utf8_lossy(&line));
            }
            tallies
                .entry((
                    is_held_out(&line),
                    name.split("__").next().unwrap_or_default().to_owned(),
                ))
                .or_default()
                .count(blocked);
            tallies
                .entry((is_held_out(&line), format!("  {name}")))
                .or_default()
                .count(blocked);
        }
    }
    println!("{}", table(&tallies));
    for (kind, floor) in [
        ("SQL_Injection", 75.0),
        ("XSS_Injection", 80.0),
        ("Directory_Traversal", 65.0),
        ("Command_Injection", 70.0),
    ] {
        assert!(
            tallies[&(true, kind.to_owned())].percent() >= floor,
            "{kind}"
        );
    }
}

fn as_query(inspector: &Inspector, value: &[u8]) -> bool {
    let query: Vec<u8> = value.iter().fold(b"v=".to_vec(), |mut query, &b| {
        if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) {
            query.push(b);
        } else {
            query.extend_from_slice(format!("%{b:02X}").as_bytes());
        }
        query
    });
    let head = Head {
        method: "GET",
        target_path: b"/search",
        query: Some(&query),
        headers: &[("host", b"example.com")],
    };
    inspector.head(&head).blocks(THRESHOLD)
}

fn as_raw_query(inspector: &Inspector, line: &[u8]) -> bool {
    let body: Vec<u8> = [b"v=", line]
        .concat()
        .iter()
        .flat_map(|&b| if b == b'&' { b"%26".to_vec() } else { vec![b] })
        .collect();
    inspector
        .body(
            Some("application/x-www-form-urlencoded"),
            None,
            &body,
            Completeness::Whole,
        )
        .is_ok_and(|v| v.blocks(THRESHOLD))
}

fn table(tallies: &std::collections::BTreeMap<(bool, String), Tally>) -> String {
    let mut out = String::new();
    for ((held_out, name), tally) in tallies {
        let half = if *held_out { "held out" } else { "training" };
        let _ = writeln!(
            out,
            "{half} {name:60} {:6} of {:6} blocked, {:6.2} %",
            tally.blocked,
            tally.all,
            tally.percent()
        );
    }
    out
}

/// Half of the values by a hash of their content (FNV-1a), so that the halves never change.
fn is_held_out(value: &[u8]) -> bool {
    value.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, b| {
        (hash ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3)
    }) >> 40
        & 1
        == 1
}

fn data(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("HANGU_SHARED_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let path = root.join("attacks").join(name);
    if !path.exists() {
        println!(
            "skipped: `attacks/{name}` is not there; set HANGU_SHARED_DATA to the folder of conformance data"
        );
        return None;
    }
    Some(path)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "txt"))
        .collect();
    all.sort();
    all
}

fn lines(path: &Path) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(path).unwrap();
    bytes
        .split(|&b| b == b'\n')
        .map(|line| line.trim_ascii().to_vec())
        .filter(|line| !line.is_empty() && !line.starts_with(b"# ") && line != b"#")
        .collect()
}

fn csv(bytes: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let (mut rows, mut row, mut field) = (Vec::new(), Vec::new(), Vec::new());
    let mut quoted = false;
    let mut bytes = bytes.iter().copied().peekable();
    while let Some(b) = bytes.next() {
        match b {
            b'"' if quoted && bytes.peek() == Some(&b'"') => {
                field.push(b'"');
                bytes.next();
            }
            b'"' => quoted = !quoted,
            b',' if !quoted => row.push(std::mem::take(&mut field)),
            b'\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            b'\r' if !quoted => {}
            b => field.push(b),
        }
    }
    rows
}
