//! The policy: its files, and how it changes.

use std::path::PathBuf;
use std::time::Duration;

use hangu_policy::lifecycle::reach::{LONGEST_EMERGENCY_MS, Protected, Settings};
use hangu_policy::lifecycle::rollout::watch::Limits;
use hangu_policy::said;

use super::desk::Desk;
use crate::config::file;

/// Model and rules.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The Casbin model.
    pub model: PathBuf,
    /// Rule files.
    pub rules: Vec<PathBuf>,
    /// Files of statements.
    pub statements: Vec<PathBuf>,
    /// Files of tests.
    pub cases: Vec<PathBuf>,
    /// Folders that stand for files above.
    pub folders: Vec<PathBuf>,
    /// How it changes once it is in force; without it, with the files.
    pub review: Option<Review>,
}

/// How policy changes are reviewed and rolled out.
#[derive(Debug, Clone)]
pub struct Review {
    /// Whose approval a change takes.
    pub approval: Settings,
    /// When a candidate is taken back.
    pub rollback: Limits,
}

impl Policy {
    /// Every file it is read from, and every folder whose files it is read from.
    pub(super) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.model]
            .into_iter()
            .chain(&self.rules)
            .chain(&self.statements)
            .chain(&self.cases)
            .chain(&self.folders)
    }
}

pub(super) fn resolve_policy(desk: &mut Desk<'_>, policy: &file::Policy) -> Policy {
    let mut folders = Vec::new();
    Policy {
        model: desk.file(&policy.model),
        rules: desk.files_or_folders(&policy.rules, "csv", &mut folders),
        statements: desk.files_or_folders(&policy.statements, "statements", &mut folders),
        cases: desk.files_or_folders(&policy.cases, "jsonl", &mut folders),
        folders,
        review: policy
            .review
            .as_ref()
            .map(|review| resolve_review(desk, review)),
    }
}

fn resolve_review(desk: &mut Desk<'_>, review: &file::Review) -> Review {
    let usual = Settings::default();
    let longest = Duration::from_millis(LONGEST_EMERGENCY_MS);
    let emergency = review.emergency_time.as_ref().map_or(longest, |time| {
        if time.0 > longest || time.0.is_zero() {
            desk.wrong(
                &time.span(),
                said!(
                    "an emergency lasts at most `24h`; write a time up to that",
                    "紧急变更最长 `24h`；请写不超过它的时间"
                ),
            );
        }
        time.0
    });
    let limits = Limits::default();
    if let Some(share) = &review.rollback_share
        && **share > 100
    {
        desk.wrong(
            &share.span(),
            said!(
                "`{}` is no share; write 0 to 100",
                "`{}` 不是比例；应为 0 到 100",
                **share
            ),
        );
    }
    let protected = review
        .protected
        .iter()
        .filter_map(|place| resolve_protected(desk, place))
        .collect();
    Review {
        approval: Settings {
            base: review.approvers.unwrap_or(usual.base),
            wide: review.wide_approvers.unwrap_or(usual.wide),
            wide_above: review.wide_above.unwrap_or(usual.wide_above),
            guarded: review.protected_approvers.unwrap_or(usual.guarded),
            protected,
            emergency_ms: milliseconds(emergency),
        },
        rollback: Limits {
            least: review.rollback_callers.unwrap_or(limits.least),
            share: review
                .rollback_share
                .as_ref()
                .map_or(limits.share, |share| **share),
            window_ms: review
                .rollback_window
                .map_or(limits.window_ms, |window| milliseconds(window.0)),
        },
    }
}

fn resolve_protected(desk: &mut Desk<'_>, place: &file::Protected) -> Option<Protected> {
    let (field, value) = match (&place.department, &place.host) {
        (Some(department), None) => ("dom", department.clone()),
        (None, Some(host)) => ("host", (**host).clone()),
        (None, None) => {
            desk.wrong_file(said!(
                "a `[[policy.review.protected]]` names nothing; give it a `department` or a `host`",
                "`[[policy.review.protected]]` 没有写明范围；请写 `department` 或 `host`"
            ));
            return None;
        }
        (Some(_), Some(host)) => {
            desk.wrong(
                &host.span(),
                said!(
                    "a protected place is a `department` or a `host`; write two places for both",
                    "一处受保护的范围只能是 `department` 或 `host` 之一；两者都要时请写两处"
                ),
            );
            return None;
        }
    };
    Some(Protected {
        field: field.to_owned(),
        value,
        owner: place.owner.clone(),
    })
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
