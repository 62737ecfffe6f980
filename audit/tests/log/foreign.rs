//! A verifier that shares nothing with this crate comes to the same answer.

use std::fs;
use std::process::Command;

use crate::fixture::Fixture;

/// Runs the Python verifier; nothing where Python or its `cryptography` package is missing.
fn python(fixture: &Fixture) -> Option<(bool, String)> {
    let ready = Command::new("python3")
        .args(["-c", "import cryptography"])
        .output();
    if !ready.is_ok_and(|output| output.status.success()) {
        println!("skipped: python3 with the package `cryptography` is not installed");
        return None;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verify.py");
    let output = Command::new("python3")
        .arg(script)
        .arg(fixture.dir())
        .arg(fixture.public().to_string())
        .output()
        .unwrap();
    Some((
        output.status.success(),
        String::from_utf8(output.stdout).unwrap(),
    ))
}

#[test]
fn a_python_program_finds_the_same_root_and_the_same_tampering() {
    let mut fixture = Fixture::without_checkpoints();
    fixture.options.segment_bytes = 1000;
    fixture.record(30);
    let Some((ok, text)) = python(&fixture) else {
        return;
    };
    let report = fixture.verify();
    assert_eq!(
        (ok, text.trim_end()),
        (true, format!("ok 30 {}", report.signed_root).as_str())
    );
    for path in fixture.segments() {
        let sound = fs::read(&path).unwrap();
        for at in [20, sound.len() / 2, sound.len() - 1] {
            let mut bytes = sound.clone();
            bytes[at] ^= 4;
            fs::write(&path, &bytes).unwrap();
            assert!(!fixture.verify().ok);
            let (ok, text) = python(&fixture).unwrap();
            assert!(!ok, "byte {at} of {}: {text}", path.display());
        }
        fs::write(&path, &sound).unwrap();
    }
}
