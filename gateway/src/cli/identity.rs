//! `hangu identity`: password hashes and API keys.

use std::fs;
use std::io::{self, BufRead as _};
use std::path::Path;

use hangu_identity::api_key::{Pepper, generate};
use hangu_identity::caller::CallerFile;
use hangu_identity::{Assurance, CallerKind};
use serde_json::json;

use super::Answer;
use super::args::Identity;
use super::check::say;
use super::engines::settle;
use crate::identities::ApiKeysFile;
use crate::{clock, key_use};

pub(super) fn identity(command: Identity) -> Answer {
    match command {
        Identity::Hash => settle((|| {
            let mut line = String::new();
            io::stdin()
                .lock()
                .read_line(&mut line)
                .map_err(|e| e.to_string())?;
            let hash = hangu_identity::local::hash_password(line.trim_end_matches(['\r', '\n']))
                .map_err(|e| e.to_string())?;
            Ok(say(&hash))
        })()),
        Identity::ApiKey {
            name,
            caller,
            file,
            pepper,
            days,
            assurance,
            clearance,
            department,
        } => {
            let caller = CallerFile {
                id: caller,
                name: None,
                kind: CallerKind::Service,
                assurance: Assurance::new(assurance).unwrap_or(Assurance::NONE),
                clearance,
                department,
                roles: Vec::new(),
                attributes: std::collections::BTreeMap::new(),
            };
            settle(api_key(&name, caller, &file, &pepper, days))
        }
        Identity::ApiKeys { file, state } => settle(api_keys(&file, state.as_deref())),
    }
}

fn api_key(
    name: &str,
    caller: CallerFile,
    file: &Path,
    pepper: &Path,
    days: u32,
) -> Result<Answer, String> {
    let bytes =
        fs::read(pepper).map_err(|e| format!("`{}` cannot be read: {e}", pepper.display()))?;
    let pepper = Pepper::new(bytes.trim_ascii()).map_err(|e| e.to_string())?;
    let now = clock::now();
    let life = jiff::SignedDuration::from_hours(24 * i64::from(days));
    let expires = now.checked_add(life).map_err(|e| e.to_string())?;
    let mut known: ApiKeysFile = match file.exists() {
        true => crate::identities::read_toml(file).map_err(|m| m.to_string())?,
        false => ApiKeysFile::default(),
    };
    if known.key.iter().any(|k| k.name == name) {
        return Err(format!(
            "there is a key `{name}` already; choose another name"
        ));
    }
    let (key, record) = generate(name, caller, Some(expires), &pepper, now)
        .map_err(|_| "no random numbers".to_owned())?;
    known.key.push(record);
    let text = toml::to_string_pretty(&known).map_err(|e| e.to_string())?;
    crate::keys::write_private(file, text.as_bytes())
        .map_err(|e| format!("`{}`: {e}", file.display()))?;
    Ok(say(&key))
}

fn api_keys(file: &Path, state: Option<&Path>) -> Result<Answer, String> {
    let known: ApiKeysFile = crate::identities::read_toml(file).map_err(|m| m.to_string())?;
    let uses = match state.map(|folder| folder.join(key_use::FILE)) {
        Some(path) => {
            key_use::read(&path).map_err(|e| format!("`{}` cannot be read: {e}", path.display()))?
        }
        None => key_use::Uses::new(),
    };
    let now = clock::now();
    let mut lines = Vec::new();
    for key in &known.key {
        let state = match key.expires {
            _ if key.disabled => "disabled",
            Some(expires) if expires <= now => "expired",
            Some(_) | None => "valid",
        };
        let line = json!({
            "name": key.name,
            "caller": key.caller.id,
            "state": state,
            "created": key.created,
            "expires": key.expires,
            "last_used": uses.get(&key.name).copied().max(key.last_used),
        });
        lines.push(line.to_string());
    }
    Ok(if lines.is_empty() {
        Answer::Yes
    } else {
        say(&lines.join("\n"))
    })
}
