//! What ships beside the binary is right: the configuration, the policy, the reference page.

#![cfg(test)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

#[test]
fn the_shipped_configuration_passes_the_check_once_the_state_is_set_up() {
    let pass = Pass::set_up();
    let checked = pass.check();
    let complaints: Vec<&str> = text(&checked.stderr)
        .lines()
        .filter(|l| !l.starts_with("hangu: warning: ") && !l.starts_with("    "))
        .collect();
    assert_eq!(complaints, Vec::<&str>::new());
    let said = text(&checked.stdout);
    assert!(
        said.starts_with("配置正确 ok: 3 zones, 5 crossings, 3 portals, "),
        "{said}"
    );
    assert_eq!(checked.status.code(), Some(0));
}

#[test]
fn a_second_set_up_keeps_the_authority_the_keys_and_the_passwords() {
    let pass = Pass::set_up();
    let kept = [
        "pki/authority/root.pem",
        "pki/portals.pem",
        "pki/tax-etl.pem",
        "keys/pepper.key",
        "idp/jwks.json",
        "identities.toml",
        "administrators.toml",
        "api-keys.toml",
        "samples.json",
    ];
    let read = || {
        kept.map(|name| fs::read_to_string(pass.folder.path().join("state").join(name)).unwrap())
    };
    let before = read();
    assert!(pass.run_set_up().status.success());
    assert_eq!(read(), before);
}

#[test]
fn no_secret_of_the_state_can_be_read_by_others() {
    use std::os::unix::fs::PermissionsExt as _;
    let pass = Pass::set_up();
    let open: Vec<PathBuf> = files(&pass.folder.path().join("state"))
        .into_iter()
        .filter(|file| {
            let name = file.file_name().unwrap().to_str().unwrap();
            let secret = [".key", ".pk8", ".token", ".toml", "samples.json"]
                .iter()
                .any(|end| name.ends_with(end));
            secret && file.metadata().unwrap().permissions().mode() & 0o077 != 0
        })
        .collect();
    assert_eq!(open, Vec::<PathBuf>::new());
}

#[test]
fn a_misspelt_key_is_refused_with_its_line_and_the_nearest_key() {
    let pass = Pass::set_up();
    let file = pass.config();
    let shipped = fs::read_to_string(&file).unwrap();
    let line = 1 + shipped
        .lines()
        .position(|l| l.starts_with("grace = "))
        .unwrap();
    fs::write(&file, shipped.replace("grace = ", "grase = ")).unwrap();
    let checked = pass.check();
    let said = text(&checked.stderr);
    assert_eq!(checked.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("hangu.toml:{line}:1")), "{said}");
    assert!(said.contains("`grace`"), "{said}");
}

/// The requests that `configs/run.sh` suggests, as the policy sees them.
#[test]
fn the_suggested_commands_are_decided_as_they_are_announced() {
    let ctx = |aal: u8, cert: bool| json!({ "aal": aal, "dev": 80, "risk": 0, "min": 600, "dow": 1, "cert": cert });
    let questions = [
        json!([
            "nobody",
            "portal",
            "zone:internet",
            "portal.gov.example",
            "/",
            "GET",
            ctx(0, false)
        ]),
        json!([
            "u:zhao",
            "hr",
            "zone:intranet",
            "hr.gov.example",
            "/",
            "GET",
            ctx(3, false)
        ]),
        json!([
            "svc:tax-etl",
            "exchange",
            "zone:extranet",
            "exchange.gov.example",
            "/api/v1/people",
            "GET",
            ctx(3, true)
        ]),
        json!([
            "u:li",
            "hr",
            "zone:intranet",
            "hr.gov.example",
            "/api/v1/people/1001/salary",
            "GET",
            ctx(3, true)
        ]),
        json!([
            "nobody",
            "portal",
            "zone:internet",
            "portal.gov.example",
            "/search",
            "GET",
            ctx(0, false)
        ]),
    ];
    let configs = configs();
    let policy = |name: &str| configs.join("policy").join(name);
    let mut asked = hangu();
    asked
        .args(["policy", "decide", "--model"])
        .arg(policy("model.conf"));
    asked
        .arg("--rules")
        .arg(policy("rules.csv"))
        .arg("--rules")
        .arg(policy("roles.csv"));
    let mut running = asked
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let lines: String = questions.iter().map(|q| format!("{q}\n")).collect();
    running
        .stdin
        .take()
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
    let output = running.wait_with_output().unwrap();
    let answers: Vec<Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let allowed: Vec<bool> = answers
        .iter()
        .map(|a| a["allow"].as_bool().unwrap())
        .collect();
    assert_eq!(allowed, [true, true, true, false, true]);
    let redacted: Vec<bool> = answers
        .iter()
        .map(|a| a["obligations"].to_string().contains("L2"))
        .collect();
    assert_eq!(redacted, [false, false, true, false, false], "{answers:?}");
}

#[test]
fn the_reference_page_is_what_the_types_say() {
    let written = hangu().arg("reference").output().unwrap();
    assert!(written.status.success());
    let shipped = fs::read_to_string(configs().join("reference.md")).unwrap();
    assert!(
        text(&written.stdout) == shipped,
        "configs/reference.md is old; write it again: hangu reference > configs/reference.md"
    );
}

fn hangu() -> Command {
    Command::new(env!("CARGO_BIN_EXE_hangu"))
}

fn configs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A copy of what ships, with a state folder beside it as `make run` makes it.
struct Pass {
    folder: tempfile::TempDir,
}

impl Pass {
    fn set_up() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for file in files(&configs()) {
            let to = folder
                .path()
                .join("configs")
                .join(file.strip_prefix(configs()).unwrap());
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(&file, to).unwrap();
        }
        let pass = Self { folder };
        let made = pass.run_set_up();
        assert!(made.status.success(), "{}", text(&made.stderr));
        pass
    }

    fn run_set_up(&self) -> Output {
        hangu()
            .args(["setup", "--state"])
            .arg(self.folder.path().join("state"))
            .output()
            .unwrap()
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("configs/hangu.toml")
    }

    fn check(&self) -> Output {
        hangu()
            .args(["check", "--config"])
            .arg(self.config())
            .output()
            .unwrap()
    }
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}
