//! `hangu check`, `schema` and `reference`.

use std::io::Write as _;
use std::path::Path;

use super::{Answer, complain, complain_of};
use crate::config;
use crate::snapshot::Snapshot;

/// Reads everything the configuration names and reports every mistake.
pub(super) fn check(path: &Path) -> Answer {
    let built = config::load(path).and_then(|configuration| Snapshot::build(configuration, None));
    match built {
        Ok(snapshot) => {
            let failing = snapshot.failing_cases();
            if !failing.is_empty() {
                complain_of(&failing);
                return Answer::No;
            }
            let c = &snapshot.configuration;
            let line = format!(
                "配置正确 ok: {} zones, {} crossings, {} portals, {} rules, revision {}",
                c.zones.len(),
                c.crossings.len(),
                c.portals.len(),
                snapshot.policy.compiled.rules().count(),
                snapshot.policy.revision
            );
            for warning in snapshot.policy.compiled.warnings() {
                complain(&format!("warning: {}", warning.lines()));
            }
            for warning in &c.redact.warnings {
                complain(&format!("警告 warning: {warning}"));
            }
            let now_ms = crate::clock::wall_ms();
            for portal in &snapshot.portals {
                for ended in portal.exceptions.iter().filter(|e| e.has_ended(now_ms)) {
                    complain(&format!(
                        "警告 warning: portal `{}`: the exception of {} has ended · 此例外已过期: {}",
                        portal.settings.name,
                        ended.settings.exception.subject,
                        ended.settings.reason
                    ));
                }
            }
            say(&line)
        }
        Err(mistakes) => {
            complain_of(&mistakes);
            Answer::No
        }
    }
}

/// The JSON Schema of the configuration.
pub(super) fn schema() -> Answer {
    match serde_json::to_string_pretty(&config::schema()) {
        Ok(text) => say(&text),
        Err(error) => {
            complain(&error);
            Answer::CouldNot
        }
    }
}

/// The reference page of the configuration.
pub(super) fn reference() -> Answer {
    say(config::reference().trim_end())
}

/// Writes a line to standard output.
pub(super) fn say(text: &str) -> Answer {
    match writeln!(std::io::stdout().lock(), "{text}") {
        Ok(()) => Answer::Yes,
        Err(error) => {
            complain(&error);
            Answer::CouldNot
        }
    }
}
