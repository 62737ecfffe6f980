//! What the store keeps of each step: signed, and chained to the record before.

use serde::{Deserialize, Serialize};

use super::actor::Actor;
use super::bundle::BundleId;
use super::change::{Canary, ChangeId};
use super::digest::Digest;
use super::key::{PublicKey, SigningKey};
use super::reach::{Needed, Reach};

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Step {
    /// The first policy went live.
    Founded {
        /// Its bundle.
        bundle: BundleId,
    },
    /// A change was written.
    Drafted {
        /// What it brings.
        bundle: BundleId,
        /// What was live.
        parent: BundleId,
    },
    /// It was written anew, on top of what is live now; approvals lapse.
    Revised {
        /// What it brings.
        bundle: BundleId,
        /// What was live.
        parent: BundleId,
    },
    /// It was handed to review.
    Submitted {
        /// What it changes.
        reach: Reach,
        /// Whose approval it needs.
        needed: Needed,
    },
    /// Somebody approved it.
    Approved {
        /// The bundle that was looked at.
        bundle: BundleId,
    },
    /// A reviewer refused it.
    Rejected,
    /// Its author took it back.
    Withdrawn,
    /// It is evaluated beside the live one.
    Shadowed,
    /// It decides for some.
    Canaried(Canary),
    /// It decides for all.
    Promoted,
    /// It was taken back from shadow or canary.
    TakenBack,
    /// It went live at once.
    Emergency(Box<Emergency>),
    /// It ended without approval.
    Expired,
    /// What was live before is live again.
    Restored {
        /// Its bundle.
        bundle: BundleId,
        /// What was live.
        parent: BundleId,
    },
    /// Somebody other than its author looked at an ended emergency.
    Reviewed,
}

/// How an emergency began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emergency {
    /// What it brings.
    pub bundle: BundleId,
    /// What it goes back to.
    pub parent: BundleId,
    /// Since when one emergency has followed another, in milliseconds since 1970.
    pub since_ms: u64,
    /// When it ends, in milliseconds since 1970.
    pub until_ms: u64,
    /// What it changes.
    pub reach: Reach,
    /// Whose approval would let it stay.
    pub needed: Needed,
}

impl Step {
    /// Name in histories.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Founded { .. } => "founded",
            Self::Drafted { .. } => "drafted",
            Self::Revised { .. } => "revised",
            Self::Submitted { .. } => "submitted",
            Self::Approved { .. } => "approved",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Shadowed => "shadowed",
            Self::Canaried(_) => "canaried",
            Self::Promoted => "promoted",
            Self::TakenBack => "taken-back",
            Self::Emergency(_) => "emergency",
            Self::Expired => "expired",
            Self::Restored { .. } => "restored",
            Self::Reviewed => "reviewed",
        }
    }

    /// The bundle that must be in the store once this step is.
    pub fn bundle(&self) -> Option<&BundleId> {
        match self {
            Self::Founded { bundle }
            | Self::Drafted { bundle, .. }
            | Self::Revised { bundle, .. }
            | Self::Restored { bundle, .. } => Some(bundle),
            Self::Emergency(begun) => Some(&begun.bundle),
            Self::Submitted { .. }
            | Self::Approved { .. }
            | Self::Rejected
            | Self::Withdrawn
            | Self::Shadowed
            | Self::Canaried(_)
            | Self::Promoted
            | Self::TakenBack
            | Self::Expired
            | Self::Reviewed => None,
        }
    }
}

/// One step with everything that is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Version of this form; 1.
    pub version: u32,
    /// Number, from 1 on.
    pub number: u64,
    /// Hash of the record before; zero for the first.
    pub previous: Digest,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Which change.
    pub change: ChangeId,
    /// Who.
    pub by: Actor,
    /// Why.
    pub reason: String,
    /// What.
    pub step: Step,
}

/// A record as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Number, from 1 on.
    pub number: u64,
    /// The record as JSON, in the one form that is accepted.
    pub body: Vec<u8>,
    /// Ed25519 over the domain and the body.
    pub signature: Vec<u8>,
}

/// A place in the chain, kept outside the store, that tells whether the store was set back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// Records up to here.
    pub records: u64,
    /// Hash of the last of them; zero for none.
    pub hash: Digest,
}

impl Anchor {
    /// Before the first record.
    pub fn start() -> Self {
        Self {
            records: 0,
            hash: Digest::default(),
        }
    }
}

/// What is wrong with a stored record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Not under a key that is trusted.
    #[error("its signature is by no trusted key, or it was edited")]
    Signature,
    /// Signed, but not in the one form.
    #[error("it is not in the form of version 1")]
    Form,
    /// Another number than its place.
    #[error("it has another number than its place; records are missing or out of order")]
    Number,
    /// Not the successor of the record before.
    #[error("it does not continue the record before; records were exchanged")]
    Chain,
}

/// Version of [`Record`].
pub(crate) const VERSION: u32 = 1;

const DOMAIN: &[u8] = b"hangu policy record v1\0";

fn message(body: &[u8]) -> Vec<u8> {
    [DOMAIN, body].concat()
}

impl Record {
    /// Signs it.
    ///
    /// # Errors
    ///
    /// [`Broken::Form`] if it cannot be written, which no record of this type can cause.
    pub(crate) fn seal(&self, key: &SigningKey) -> Result<Sealed, Broken> {
        let body = serde_json::to_vec(self).map_err(|_| Broken::Form)?;
        let signature = key.sign(&message(&body));
        Ok(Sealed {
            number: self.number,
            body,
            signature,
        })
    }
}

impl Sealed {
    /// Hash that the next record carries.
    pub fn hash(&self) -> Digest {
        let length = (self.body.len() as u64).to_le_bytes();
        Digest::of(&[DOMAIN, &length, &self.body, &self.signature].concat())
    }

    /// Checks signature, form and place.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub(crate) fn open(&self, trusted: &[PublicKey], after: &Anchor) -> Result<Record, Broken> {
        let message = message(&self.body);
        if !trusted
            .iter()
            .any(|key| key.verifies(&message, &self.signature))
        {
            return Err(Broken::Signature);
        }
        let record: Record = serde_json::from_slice(&self.body).map_err(|_| Broken::Form)?;
        let again = serde_json::to_vec(&record).map_err(|_| Broken::Form)?;
        if record.version != VERSION || again != self.body {
            return Err(Broken::Form);
        }
        let next = after.records.checked_add(1);
        if Some(record.number) != next || Some(self.number) != next {
            return Err(Broken::Number);
        }
        if record.previous != after.hash {
            return Err(Broken::Chain);
        }
        Ok(record)
    }
}
