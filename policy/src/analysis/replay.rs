//! Recorded decisions against a candidate: what would have been decided otherwise.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value as Json;

use super::held::{json, read, with_values};
use crate::decision::Effect;
use crate::engine::snapshot::Snapshot;

/// A decision as it was recorded.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The decision's id, or another name for it.
    pub id: String,
    /// The request, as far as it is recorded; what is missing is unknown to the candidate as well.
    pub request: Json,
    /// Whether it was allowed.
    pub allowed: bool,
    /// The rules that made it, by name.
    pub rules: Vec<String>,
    /// Who asked.
    pub caller: String,
    /// What was asked.
    pub portal: String,
}

/// A decision that the candidate makes otherwise.
#[derive(Debug, Clone, Serialize)]
pub struct Flip {
    /// The decision's id.
    pub id: String,
    /// Who asked.
    pub caller: String,
    /// What was asked.
    pub portal: String,
    /// The decision that was made.
    pub was: &'static str,
    /// The decision that would be made.
    pub now: &'static str,
    /// The rules that made it.
    pub rules_then: Vec<String>,
    /// The rules that would make it, `file:line`.
    pub rules_now: Vec<String>,
    /// The request.
    pub request: Json,
}

/// What came of a replay.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Decisions that were replayed.
    pub replayed: u64,
    /// Decisions that stay.
    pub same: u64,
    /// Denied then, allowed now.
    pub gained: u64,
    /// Allowed then, denied now.
    pub lost: u64,
    /// Records that the candidate cannot judge.
    pub unjudged: u64,
    /// Flips by the rules on either side.
    pub by_rule: BTreeMap<String, u64>,
    /// Flips by caller.
    pub by_caller: BTreeMap<String, u64>,
    /// Flips by portal.
    pub by_portal: BTreeMap<String, u64>,
}

impl Summary {
    /// Asks the candidate about one record and counts the answer; the flip if there is one.
    ///
    /// # Errors
    ///
    /// Why the candidate cannot judge it; counted as well.
    pub fn take(
        &mut self,
        candidate: &Snapshot,
        recorded: &Recorded,
    ) -> Result<Option<Flip>, String> {
        let policy = candidate.policy();
        self.replayed += 1;
        let decided = read(policy, &recorded.request)
            .map_err(|said| said.en)
            .and_then(|request| {
                let decision = with_values(policy, &request, |values| candidate.decide(values));
                Ok((decision.map_err(|error| error.to_string())?, request))
            });
        let (decision, request) = decided.inspect_err(|_| self.unjudged += 1)?;
        let allowed = decision.effect == Effect::Allow;
        if allowed == recorded.allowed {
            self.same += 1;
            return Ok(None);
        }
        if allowed {
            self.gained += 1;
        } else {
            self.lost += 1;
        }
        let word = |allowed: bool| if allowed { "allow" } else { "deny" };
        let rows = decision.rules.iter().filter_map(|id| candidate.rule(*id));
        let rules_now: Vec<String> = rows
            .map(|row| format!("{}:{}", row.file, row.line))
            .collect();
        for rule in recorded.rules.iter().chain(&rules_now) {
            *self.by_rule.entry(rule.clone()).or_default() += 1;
        }
        *self.by_caller.entry(recorded.caller.clone()).or_default() += 1;
        *self.by_portal.entry(recorded.portal.clone()).or_default() += 1;
        Ok(Some(Flip {
            id: recorded.id.clone(),
            caller: recorded.caller.clone(),
            portal: recorded.portal.clone(),
            was: word(recorded.allowed),
            now: word(allowed),
            rules_then: recorded.rules.clone(),
            rules_now,
            request: json(policy, &request),
        }))
    }
}
