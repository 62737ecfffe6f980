//! `hangu pki` as scripts use it: options in, JSON Lines out.
#![cfg(test)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use hangu_pki::authority::{Names, RevocationReason};
use hangu_pki::cli::{
    self, Answer, CliError, InitOptions, IssueOptions, RevokeOptions, VerifyOptions,
};
use hangu_pki::verify::{Profile, Usage};
use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;

#[test]
fn an_authority_is_used_from_init_to_refusal() {
    let dir = folder();
    let made = run(|out| {
        cli::init(
            &InitOptions {
                dir: pki(&dir),
                names: Names::of("大数据管理局"),
            },
            now(),
            out,
        )
    });
    assert_eq!(
        made.1[0]["anchor"],
        pki(&dir).join("root.pem").to_str().unwrap()
    );

    let issued = run(|out| cli::issue(&alice(&dir), now(), out));
    let entry = &issued.1[0];
    assert_eq!(entry["subject"], "CN=张三,O=大数据管理局");
    assert_eq!(entry["sans"][0], "uri:spiffe://hangu.example/zhang");
    assert_eq!(
        fs::metadata(dir.path().join("alice.key"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o600
    );

    let verify = |at| {
        run(|out| {
            cli::verify(
                &VerifyOptions {
                    at,
                    ..verify_alice(&dir)
                },
                out,
            )
        })
    };
    let (answer, lines) = verify(now());
    assert_eq!(
        (answer, &lines[0]["valid"], &lines[0]["reason"]),
        (Answer::Yes, &Value::Bool(true), &Value::Null)
    );
    assert_eq!(lines[0]["chain"].as_array().unwrap().len(), 3);
    assert_eq!(lines[0]["chain"][0]["serial"], entry["serial"]);
    let (answer, lines) = verify(now() + Duration::from_secs(25 * 3600));
    assert_eq!(
        (answer, &lines[0]["reason"]),
        (Answer::No, &Value::from("expired"))
    );

    let revoke = RevokeOptions {
        dir: pki(&dir),
        certificate: entry["fingerprint"].as_str().unwrap().to_owned(),
        reason: RevocationReason::KeyCompromise,
    };
    assert_eq!(
        run(|out| cli::revoke(&revoke, now(), out)).1[0]["revoked_before"],
        false
    );
    assert_eq!(
        run(|out| cli::revoke(&revoke, now(), out)).1[0]["revoked_before"],
        true
    );
    let (answer, lines) = verify(now());
    assert_eq!(
        (answer, &lines[0]["reason"]),
        (Answer::No, &Value::from("revoked"))
    );

    let states: Vec<_> = run(|out| cli::inventory(&pki(&dir), now(), out))
        .1
        .iter()
        .map(|line| line["state"].clone())
        .collect();
    assert_eq!(states, ["valid", "revoked"]);
    let mut pem = Vec::new();
    cli::crl(&pki(&dir), now(), &mut pem).unwrap();
    assert_eq!(pem, fs::read(pki(&dir).join("crl.pem")).unwrap());
}

#[test]
fn the_wrong_usage_and_the_wrong_name_are_told_apart() {
    let dir = ready();
    let reason =
        |options: VerifyOptions| run(|out| cli::verify(&options, out)).1[0]["reason"].clone();
    let name = |name: &str| vec![name.to_owned()];
    assert_eq!(
        reason(VerifyOptions {
            names: name("spiffe://hangu.example/zhang"),
            ..verify_alice(&dir)
        }),
        Value::Null
    );
    assert_eq!(
        reason(VerifyOptions {
            names: name("spiffe://hangu.example/li"),
            ..verify_alice(&dir)
        }),
        "wrong-name"
    );
    assert_eq!(
        reason(VerifyOptions {
            usage: Usage::Server,
            names: name("a.example"),
            ..verify_alice(&dir)
        }),
        "wrong-usage"
    );
}

#[test]
fn broken_input_is_a_no_and_a_missing_file_an_error() {
    let dir = ready();
    let broken = dir.path().join("broken.pem");
    let reason =
        |options: &VerifyOptions| run(|out| cli::verify(options, out)).1[0]["reason"].clone();
    for (text, code) in [
        ("", "unusable"),
        ("-----BEGIN CERTIFICATE-----\n", "unusable"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "malformed",
        ),
    ] {
        fs::write(&broken, text).unwrap();
        assert_eq!(
            reason(&VerifyOptions {
                chain: broken.clone(),
                ..verify_alice(&dir)
            }),
            code,
            "chain {text:?}"
        );
        assert_eq!(
            reason(&VerifyOptions {
                anchors: broken.clone(),
                ..verify_alice(&dir)
            }),
            code,
            "anchors {text:?}"
        );
    }
    fs::write(
        &broken,
        "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
    )
    .unwrap();
    assert_eq!(
        reason(&VerifyOptions {
            crls: Some(broken),
            ..verify_alice(&dir)
        }),
        "unusable"
    );
    let missing = VerifyOptions {
        anchors: dir.path().join("missing.pem"),
        ..verify_alice(&dir)
    };
    let error = cli::verify(&missing, &mut Vec::new()).unwrap_err();
    assert!(matches!(error, CliError::File { .. }), "{error}");
    let nameless = VerifyOptions {
        usage: Usage::Server,
        names: Vec::new(),
        ..verify_alice(&dir)
    };
    assert!(matches!(
        cli::verify(&nameless, &mut Vec::new()),
        Err(CliError::Option {
            option: "--name",
            ..
        })
    ));
}

#[test]
fn a_certificate_whose_files_cannot_be_written_is_named() {
    let dir = ready();
    let options = IssueOptions {
        out: Some(dir.path().join("nowhere/alice")),
        ..alice(&dir)
    };
    let error = cli::issue(&options, now(), &mut Vec::new())
        .unwrap_err()
        .to_string();
    let entries = run(|out| cli::inventory(&pki(&dir), now(), out)).1;
    let serial = entries.last().unwrap()["serial"].as_str().unwrap();
    assert!(error.contains(serial), "{error}");
}

#[test]
fn without_a_place_for_files_the_answer_holds_chain_and_key() {
    let dir = ready();
    let line = run(|out| {
        cli::issue(
            &IssueOptions {
                out: None,
                ..alice(&dir)
            },
            now(),
            out,
        )
    })
    .1
    .remove(0);
    assert!(
        line["key"]
            .as_str()
            .unwrap()
            .starts_with("-----BEGIN PRIVATE KEY-----")
    );
    assert_eq!(
        line["certificate"]
            .as_str()
            .unwrap()
            .matches("BEGIN CERTIFICATE")
            .count(),
        2
    );
}

/// A second opinion: OpenSSL builds the same path, with every status checked, and sees the same revocation.
#[test]
fn openssl_agrees() {
    let dir = ready();
    let accepted = || {
        let mut command = Command::new("openssl");
        command.args([
            "verify",
            "-x509_strict",
            "-crl_check_all",
            "-purpose",
            "sslclient",
            "-attime",
            &now().as_second().to_string(),
        ]);
        command
            .arg("-CAfile")
            .arg(pki(&dir).join("root.pem"))
            .arg("-CRLfile")
            .arg(pki(&dir).join("issuing.crl.pem"));
        command
            .arg("-CRLfile")
            .arg(pki(&dir).join("root.crl.pem"))
            .arg("-untrusted")
            .arg(dir.path().join("alice.pem"));
        command.arg(dir.path().join("alice.pem")).output()
    };
    // OpenSSL reads one list a file.
    let split = || {
        let crls = fs::read_to_string(pki(&dir).join("crl.pem")).unwrap();
        let (issuing, root) = crls.split_at(crls.rfind("-----BEGIN").unwrap());
        fs::write(pki(&dir).join("issuing.crl.pem"), issuing).unwrap();
        fs::write(pki(&dir).join("root.crl.pem"), root).unwrap();
    };
    split();
    let Ok(output) = accepted() else {
        println!("skipped: no openssl here");
        return;
    };
    assert!(output.status.success(), "{output:?}");
    let alice = run(|out| cli::inventory(&pki(&dir), now(), out))
        .1
        .remove(1);
    let revoke = RevokeOptions {
        dir: pki(&dir),
        certificate: alice["serial"].as_str().unwrap().to_owned(),
        reason: RevocationReason::Superseded,
    };
    run(|out| cli::revoke(&revoke, now(), out));
    split();
    let output = accepted().unwrap();
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("certificate revoked"),
        "{output:?}"
    );
}

fn now() -> Timestamp {
    "2026-11-22T08:00:00Z".parse().unwrap()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn pki(dir: &TempDir) -> PathBuf {
    dir.path().join("state/pki")
}

fn ready() -> TempDir {
    let dir = folder();
    run(|out| {
        cli::init(
            &InitOptions {
                dir: pki(&dir),
                names: Names::of("大数据管理局"),
            },
            now(),
            out,
        )
    });
    run(|out| cli::issue(&alice(&dir), now(), out));
    dir
}

fn alice(dir: &TempDir) -> IssueOptions {
    IssueOptions {
        dir: pki(dir),
        usage: Usage::Client,
        common_name: Some("张三".to_owned()),
        organizational_unit: None,
        names: vec!["spiffe://hangu.example/zhang".to_owned()],
        validity: Duration::from_secs(24 * 3600),
        csr: None,
        out: Some(dir.path().join("alice")),
    }
}

fn verify_alice(dir: &TempDir) -> VerifyOptions {
    VerifyOptions {
        anchors: pki(dir).join("root.pem"),
        chain: dir.path().join("alice.pem"),
        intermediates: None,
        crls: Some(pki(dir).join("crl.pem")),
        usage: Usage::Client,
        names: Vec::new(),
        max_intermediates: None,
        profile: Profile::Strict,
        at: now(),
    }
}

fn run(command: impl FnOnce(&mut Vec<u8>) -> Result<Answer, CliError>) -> (Answer, Vec<Value>) {
    let mut out = Vec::new();
    let answer = command(&mut out).unwrap();
    let lines = String::from_utf8(out)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    (answer, lines)
}

#[test]
fn nothing_is_written_outside_the_folder_and_the_named_files() {
    let dir = ready();
    let mut found: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(found, ["alice.key", "alice.pem", "state"]);
    assert!(Path::new(&pki(&dir)).join("authority.json").exists());
}
