//! The arrows between the crates are the ones in the table of ARCHITECTURE.md, no more and no fewer.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Libraries that not every crate may know: what carries, what serves, what decides, what issues.
const GUARDED: [&str; 13] = [
    "axum",
    "casbin",
    "h2",
    "http",
    "http-body",
    "hyper",
    "hyper-util",
    "pingora-core",
    "pingora-load-balancing",
    "rcgen",
    "tokio",
    "tokio-rustls",
    "tokio-util",
];

/// Crates that exist for tests alone; which libraries they use is theirs to say.
const TEST_CRATES: [&str; 3] = ["hangu-tests", "hangu-portals", "hangu-targets"];

type Arrows = BTreeMap<String, BTreeSet<String>>;

#[test]
fn every_crate_knows_what_the_table_of_the_architecture_says_and_nothing_else() {
    assert_eq!(
        differences(&actual(Kind::Shipped), &written(Column::Knows)),
        Vec::<String>::new()
    );
}

#[test]
fn tests_know_what_the_table_of_the_architecture_says_and_nothing_else() {
    assert_eq!(
        differences(&actual(Kind::Tests), &written(Column::InTests)),
        Vec::<String>::new()
    );
}

#[test]
fn no_engine_knows_another() {
    let engines = [
        "audit",
        "identity",
        "inspect",
        "limit",
        "pki",
        "policy",
        "redact",
        "situational",
        "websocket",
    ];
    let arrows = actual(Kind::Shipped);
    for engine in engines.map(|e| format!("hangu-{e}")) {
        let known: Vec<_> = arrows[&engine]
            .iter()
            .filter(|d| d.starts_with("hangu"))
            .collect();
        assert_eq!(
            known,
            Vec::<&String>::new(),
            "`{engine}` must not know another crate of the tree"
        );
    }
}

#[test]
fn nothing_that_ships_knows_a_crate_made_for_tests() {
    for (name, known) in actual(Kind::Shipped) {
        if TEST_CRATES.contains(&name.as_str()) {
            continue;
        }
        let wrong: Vec<_> = known
            .iter()
            .filter(|d| TEST_CRATES.contains(&d.as_str()))
            .collect();
        assert!(wrong.is_empty(), "`{name}` ships and depends on {wrong:?}");
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Shipped,
    Tests,
}

#[derive(Clone, Copy)]
enum Column {
    Knows = 2,
    InTests = 3,
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// What the manifests say and the table does not, and the other way round. Crates for tests need not use every arrow
/// that they may.
fn differences(actual: &Arrows, written: &Arrows) -> Vec<String> {
    let mut found = Vec::new();
    let none = BTreeSet::new();
    for (name, known) in actual {
        let allowed = written.get(name).unwrap_or(&none);
        let said = if written.contains_key(name) {
            "the table does not say so"
        } else {
            "it is not in the table"
        };
        found.extend(
            known
                .difference(allowed)
                .map(|d| format!("`{name}` knows `{d}`; {said}")),
        );
        if !written.contains_key(name) {
            found.push(format!("`{name}` is not in the table"));
        }
        if !TEST_CRATES.contains(&name.as_str()) {
            found.extend(
                allowed
                    .difference(known)
                    .map(|d| format!("the table lets `{name}` know `{d}`; it does not")),
            );
        }
    }
    let gone = written.keys().filter(|name| !actual.contains_key(*name));
    found.extend(gone.map(|name| format!("the table has `{name}`; there is no such crate")));
    found
}

/// The arrows of the manifests.
fn actual(kind: Kind) -> Arrows {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut arrows = Arrows::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = text(&package["name"]);
        let wanted = |d: &str| {
            d.starts_with("hangu") || (!TEST_CRATES.contains(&&*name) && GUARDED.contains(&d))
        };
        let known = package["dependencies"].as_array().unwrap().iter();
        let known = known
            .filter(|d| (d["kind"] == "dev") == (kind == Kind::Tests))
            .map(|d| text(&d["name"]))
            .filter(|d| wanted(d))
            .collect();
        arrows.insert(name, known);
    }
    arrows
}

/// The arrows of the table, a row a crate: `| crate | knows | in tests |`.
fn written(column: Column) -> Arrows {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (_, section) = page
        .split_once("\n## Arrows\n")
        .expect("ARCHITECTURE.md has a section `Arrows`");
    let section = section
        .split_once("\n## ")
        .map_or(section, |(section, _)| section);
    let rows = section.lines().filter(|line| line.starts_with("| `hangu"));
    let arrows: Arrows = rows
        .map(|row| {
            let cells: Vec<&str> = row.split('|').collect();
            (
                names(cells[1]).into_iter().next().unwrap(),
                names(cells[column as usize]),
            )
        })
        .collect();
    assert!(arrows.len() > 8, "the table of the arrows cannot be read");
    arrows
}

/// What stands in backticks.
fn names(cell: &str) -> BTreeSet<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}
