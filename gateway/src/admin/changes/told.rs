//! Changes as the console and programs read them.

use std::time::{Duration, Instant};

use hangu_policy::analysis::patience::Patience;
use hangu_policy::cli::tools::{Form, Inquiry};
use hangu_policy::lifecycle::reach::{Audience, Reach, Widened};
use hangu_policy::lifecycle::rollout::differences::{Counted, Flip, Report};
use hangu_policy::lifecycle::rollout::{By, Mode};
use hangu_policy::lifecycle::{Bundle, Canary, Change, ChangeId, Kind, Stage};
use hangu_policy::{RuleId, RuleView};
use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::policy::Policy;
use crate::policy::office::{Fault, Record};
use crate::policy::trial::Trial;

/// Changes that one answer lists: the newest ones.
const LISTED: usize = 500;
/// How long the comparison with what was live may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Every change, the live policy and the candidate.
pub(super) fn all(gateway: &Gateway) -> Value {
    let Some(office) = &gateway.office else {
        return unreviewed(gateway);
    };
    let snapshot = gateway.snapshot.load();
    office.read(|record| {
        let live = record.live().ok();
        let live_since = live.map(|change| {
            change
                .history
                .last()
                .map_or(change.created_ms, |entry| entry.at_ms)
        });
        json!({
            "reviewed": true,
            "live": {
                "change": live.map(|change| change.id),
                "bundle": snapshot.policy.bundle_id,
                "revision": snapshot.policy.revision,
                "since_ms": live_since,
                "by": live.map(|change| &change.author),
            },
            "candidate": snapshot.trial.as_ref().and_then(|trial| candidate(trial)),
            "changes": record.changes().rev().take(LISTED).map(change).collect::<Vec<_>>(),
        })
    })
}

/// The live policy where it follows its files.
fn unreviewed(gateway: &Gateway) -> Value {
    let snapshot = gateway.snapshot.load();
    json!({
        "reviewed": false,
        "live": {
            "bundle": snapshot.policy.bundle_id,
            "revision": snapshot.policy.revision,
            "since_ms": snapshot.loaded_ms,
            "by": null,
        },
        "candidate": null,
        "changes": [],
    })
}

/// One change with the texts that it brings.
pub(super) struct Whole {
    told: Value,
    before: Option<Bundle>,
    after: Bundle,
}

/// Reads one change and the texts that it brings.
pub(super) fn whole(record: &mut Record, id: ChangeId) -> Result<Whole, Fault> {
    let found = record.change(id)?;
    let (told, after, before) = (change(found), found.bundle, found.parent);
    Ok(Whole {
        told,
        before: before.map(|before| record.bundle(&before)).transpose()?,
        after: record.bundle(&after)?,
    })
}

impl Whole {
    /// The change with its texts, and with its difference to what was live, which may take its time.
    pub(super) fn compared(self) -> Value {
        let Self {
            mut told,
            before,
            after,
        } = self;
        let diff = before.as_ref().and_then(|before| diff(before, &after));
        if let Value::Object(fields) = &mut told {
            let more = [
                ("diff", json!(diff)),
                ("before", json!(before)),
                ("model", json!(after.model)),
                ("rules", json!(after.rules)),
                ("statements", json!(after.statements)),
                ("cases", json!(after.cases)),
            ];
            fields.extend(more.map(|(name, value)| (name.to_owned(), value)));
        }
        told
    }
}

/// Who gains and loses what, as `hangu policy diff` says it; nothing where that takes too long.
fn diff(before: &Bundle, after: &Bundle) -> Option<Vec<Value>> {
    let new = after.snapshot().ok()?;
    let (before, after) = (before.snapshot_near(after, &new).ok()?, new);
    let end = Instant::now() + PATIENCE;
    let over = || Instant::now() > end;
    let inquiry = Inquiry {
        policy: &after,
        form: Form::Json,
        patience: &Patience::until(&over),
    };
    let mut lines = Vec::new();
    inquiry.diff(&before, &mut lines).ok()?;
    let lines = lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice(line).ok())
        .collect()
}

/// One change.
pub(super) fn change(change: &Change) -> Value {
    let (kind, until_ms) = match change.kind {
        Kind::Founding => ("founding", None),
        Kind::Ordinary => ("ordinary", None),
        Kind::Rollback => ("rollback", None),
        Kind::Emergency { until_ms, .. } => ("emergency", Some(until_ms)),
    };
    let canary = if let Stage::Canary(canary) = &change.stage {
        Some(canary)
    } else {
        None
    };
    json!({
        "id": change.id,
        "bundle": change.bundle,
        "parent": change.parent,
        "author": change.author,
        "reason": change.reason,
        "created_ms": change.created_ms,
        "kind": kind,
        "until_ms": until_ms,
        "stage": change.stage.name(),
        "departments": canary.map(Canary::departments),
        "share": canary.map(Canary::share),
        "required": change.needed.as_ref().map_or(0, |needed| needed.approvals),
        "owners": change.needed.as_ref().map(|needed| &needed.owners),
        "approvals": change.approvals.iter().map(|approval| json!({
            "who": approval.by,
            "when_ms": approval.at_ms,
            "reason": approval.reason,
        })).collect::<Vec<_>>(),
        "reach": change.reach.as_ref().map(reach),
        "steps": change.history.iter().map(|entry| json!({
            "who": entry.by.id,
            "when_ms": entry.at_ms,
            "what": entry.what,
            "why": entry.reason,
            "record": entry.record,
        })).collect::<Vec<_>>(),
        "review_due_ms": until_ms.filter(|_| change.review_owed),
    })
}

/// How many; `null` for everybody.
fn audience(audience: Audience) -> Option<u64> {
    match audience {
        Audience::Callers(count) => Some(count),
        Audience::Everybody => None,
    }
}

fn reach(reach: &Reach) -> Value {
    json!({
        "gain": audience(reach.gaining),
        "lose": audience(reach.losing),
        "denies_removed": reach.widened.contains(&Widened::DenyRemoved),
        "obligations_weakened": reach.widened.contains(&Widened::ObligationsWeakened),
        "statements_changed": reach.widened.contains(&Widened::StatementsChanged),
        "model_changed": reach.widened.contains(&Widened::ModelChanged),
        "protected": reach.protected,
    })
}

fn candidate(trial: &Trial) -> Option<Value> {
    let (id, mode) = trial.rollout.candidate()?;
    let tried = trial.candidate.as_ref()?;
    let report = trial.rollout.differences().unwrap_or_default();
    let (mode, departments, share) = match mode {
        Mode::Shadow => ("shadow", Vec::new(), None),
        Mode::Canary(canary) => (
            "canary",
            canary.departments().to_vec(),
            Some(canary.share()),
        ),
    };
    let counted = |flip: Flip| -> u64 {
        let kind = report
            .differences
            .iter()
            .filter(|counted| counted.difference.flip == flip);
        kind.map(|counted| counted.count).sum()
    };
    Some(json!({
        "change": id,
        "mode": mode,
        "departments": departments,
        "share": share,
        "revision": tried.revision,
        "asked": report.compared,
        "differed": differed(&report),
        "refused_more": counted(Flip::Lost),
        "refused_less": counted(Flip::Gained),
        "differences": report.differences.iter()
            .map(|counted| difference(trial, tried, counted))
            .collect::<Vec<_>>(),
    }))
}

fn differed(report: &Report) -> u64 {
    let counted: u64 = report.differences.iter().map(|counted| counted.count).sum();
    counted.saturating_add(report.beyond)
}

fn difference(trial: &Trial, tried: &Policy, counted: &Counted) -> Value {
    let (from, to) = match counted.difference.flip {
        Flip::Gained => ("deny", "allow"),
        Flip::Lost => ("allow", "deny"),
        Flip::Costs => ("allow", "allow"),
        Flip::Unjudged => ("unjudged", "unjudged"),
    };
    let sample = counted.samples.first().map(|sample| {
        let fields = trial.rollout.snapshot(By::Live).fields();
        let named: serde_json::Map<String, Value> = fields
            .map(str::to_owned)
            .zip(sample.request.as_array().into_iter().flatten().cloned())
            .collect();
        json!({
            "at_ms": sample.at_ms,
            "caller": sample.caller,
            "department": sample.department,
            "request": named,
        })
    });
    json!({
        "live": rule(&trial.live, counted.difference.live),
        "candidate": rule(tried, counted.difference.candidate),
        "flip": counted.difference.flip,
        "from": from,
        "to": to,
        "count": counted.count,
        "sample": sample,
    })
}

fn rule(policy: &Policy, id: Option<RuleId>) -> Option<Value> {
    policy
        .compiled
        .rule(id?)
        .map(|rule: RuleView<'_>| crate::admin::policy::text(&rule))
}
