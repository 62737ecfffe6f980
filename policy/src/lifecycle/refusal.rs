//! Why a step of a change is refused.

use super::bundle::BundleId;
use super::change::ChangeId;

/// A step that may not be taken. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// An id that names nobody.
    #[error("an actor needs an id of 1 to 256 bytes without blanks and control characters")]
    Nobody,
    /// A role that may not do this.
    #[error("a `{role}` may not do this; it takes a `{wanted}`")]
    Role {
        /// The role.
        role: &'static str,
        /// A role that may.
        wanted: &'static str,
    },
    /// No reason, or a very long one.
    #[error("a reason of 1 to 4096 bytes is needed")]
    Reason,
    /// A canary that cannot be.
    #[error("a canary needs a share of 1 to 100 per cent and at most 64 named departments")]
    Canary,
    /// Nothing is live yet.
    #[error("no policy is live; found the record with the first one")]
    NotFounded,
    /// Something is live already.
    #[error("the record is founded already; draft a change instead")]
    Founded,
    /// No such change.
    #[error("there is no change `{0}`")]
    Unknown(ChangeId),
    /// A number that is not the next one.
    #[error("change `{0}` is not the next one")]
    Numbered(ChangeId),
    /// The change is not where this step begins.
    #[error("change `{change}` is in `{stage}`; this step needs {wanted}")]
    Stage {
        /// The change.
        change: ChangeId,
        /// Where it is.
        stage: &'static str,
        /// Where it would have to be.
        wanted: &'static str,
    },
    /// The bundle is the one that is live.
    #[error("the bundle is the one that it would replace; nothing changes")]
    NothingChanges,
    /// Somebody else's change.
    #[error("change `{change}` is by `{author}`; only its author may do this")]
    NotAuthor {
        /// The change.
        change: ChangeId,
        /// Its author.
        author: String,
    },
    /// The author's own change.
    #[error("change `{change}` is by `{author}`; somebody else must do this")]
    OwnChange {
        /// The change.
        change: ChangeId,
        /// Its author.
        author: String,
    },
    /// A second approval by the same person.
    #[error("`{by}` has approved change `{change}` already; each person counts once")]
    ApprovedTwice {
        /// The change.
        change: ChangeId,
        /// Who.
        by: String,
    },
    /// The bundle that was looked at is no longer the change's.
    #[error("change `{change}` now brings bundle `{bundle}`; look at that one first")]
    OtherBundle {
        /// The change.
        change: ChangeId,
        /// What it brings.
        bundle: BundleId,
    },
    /// Too few approvals.
    #[error("change `{change}` has {have} of {needed} approvals{}", owners(.missing))]
    Approvals {
        /// The change.
        change: ChangeId,
        /// Approvals so far.
        have: usize,
        /// Approvals that it takes.
        needed: u32,
        /// Owners that are missing.
        missing: Vec<String>,
    },
    /// Another policy went live since the change was written.
    #[error(
        "change `{change}` was written against `{parent}`, but `{live}` is live; revise it on top of that"
    )]
    NeedsRebase {
        /// The change.
        change: ChangeId,
        /// What it was written against.
        parent: BundleId,
        /// What is live.
        live: BundleId,
    },
    /// Another change is in shadow or canary.
    #[error("change `{0}` is in shadow or canary; finish it or take it back first")]
    CandidateBusy(ChangeId),
    /// An emergency that ends before it begins or lasts too long.
    #[error(
        "an emergency must end after {after_ms} and by {latest_ms}, in milliseconds since 1970"
    )]
    EmergencyTime {
        /// Now.
        after_ms: u64,
        /// The last moment allowed.
        latest_ms: u64,
    },
    /// An earlier emergency of the same person was not reviewed.
    #[error(
        "emergency `{0}` by the same person awaits its review; somebody else must look at it first"
    )]
    ReviewOwed(ChangeId),
    /// A review that nobody owes.
    #[error("change `{0}` awaits no review")]
    NoReviewOwed(ChangeId),
    /// Nothing has run out.
    #[error("change `{0}` has not run out")]
    NotDue(ChangeId),
    /// Nothing was live before.
    #[error("no policy was live before this one; there is nothing to go back to")]
    NothingBefore,
}

fn owners(missing: &[String]) -> String {
    if missing.is_empty() {
        return String::new();
    }
    format!("; owners still to approve: `{}`", missing.join("`, `"))
}
