//! The policy that decides a request, where another one is tried beside the live one.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use hangu_identity::Caller;
use hangu_policy::lifecycle::Rollout;
use hangu_policy::lifecycle::rollout::By;
use hangu_policy::{Decision, Unjudged, Value};

use crate::policy::Policy;

/// The live policy, and the candidate where there is one.
#[derive(Debug)]
pub struct Trial {
    /// Which of them decides what.
    pub rollout: Rollout,
    /// The live policy.
    pub live: Arc<Policy>,
    /// The candidate.
    pub candidate: Option<Arc<Policy>>,
}

impl Trial {
    /// Decides a request, and tells which policy did; see [`Self::policy`].
    ///
    /// Callers who have not proved who they are count by their address: they would otherwise be one caller, on one
    /// side of a share as a whole.
    ///
    /// # Errors
    /// When the policy cannot judge the request.
    pub fn decide(
        &self,
        values: &[Value<'_>],
        caller: &Caller,
        address: IpAddr,
        now_ms: u64,
    ) -> Result<(Decision, By), Unjudged> {
        let who = if caller.is_nobody() && self.candidate.is_some() {
            Cow::Owned(address.to_string())
        } else {
            Cow::Borrowed(caller.id.as_str())
        };
        let department = caller.department.as_deref().unwrap_or_default();
        let outcome = self.rollout.decide(values, &who, department, now_ms)?;
        Ok((outcome.decision, outcome.by))
    }

    /// The policy that decided; the live one where there is no candidate.
    pub fn policy(&self, by: By) -> &Policy {
        match (by, &self.candidate) {
            (By::Candidate, Some(candidate)) => candidate,
            (By::Candidate | By::Live, _) => &self.live,
        }
    }
}
