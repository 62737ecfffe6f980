//! What comes out: a decision, and the permit that only an allow yields.

use serde::Serialize;
use smallvec::SmallVec;

use crate::obligation::Obligations;
use crate::revision::Revision;
use crate::rules::view::RuleId;

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The request may pass.
    Allow,
    /// The request is refused.
    Deny,
}

/// What a decision rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grounds {
    /// Rules that allow.
    Rules,
    /// Rules that deny.
    ExplicitDeny,
    /// No rule applied, and the default of the model's effect was taken.
    NoRuleMatched,
}

/// The answer to one request.
#[derive(Clone, Debug, Serialize)]
pub struct Decision {
    /// Yes or no.
    pub effect: Effect,
    /// What the answer rests on.
    pub grounds: Grounds,
    /// The rules that made the decision, in the order of the files: all rows that allow, or all rows
    /// that deny; with the first-match effect, the one that came first.
    pub rules: SmallVec<[RuleId; 4]>,
    /// What the answer costs, combined over `rules`.
    pub obligations: Obligations,
    /// The policy it was made under.
    pub revision: Revision,
    /// What the engine said. Whoever changes the public fields changes their copy, not the permit.
    #[serde(skip)]
    pub(crate) granted: Effect,
}

impl Decision {
    /// Turns an allow into the value that forwarding asks for.
    ///
    /// # Errors
    ///
    /// [`Denied`] for every decision that was not an allow.
    pub fn into_permit(self) -> Result<Permit, Denied> {
        match (self.granted, self.effect) {
            (Effect::Allow, Effect::Allow) => Ok(Permit {
                obligations: self.obligations,
                rules: self.rules,
                revision: self.revision,
            }),
            (Effect::Deny, _) | (Effect::Allow, Effect::Deny) => Err(Denied {
                grounds: self.grounds,
                rules: self.rules,
                obligations: Box::new(self.obligations),
                revision: self.revision,
            }),
        }
    }
}

/// Proves that a decision allowed this request. [`Decision::into_permit`] is its only producer.
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    obligations: Obligations,
    rules: SmallVec<[RuleId; 4]>,
    revision: Revision,
}

impl Permit {
    /// What the allow costs.
    pub fn obligations(&self) -> &Obligations {
        &self.obligations
    }

    /// The policy under which it was granted.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The rules that granted it.
    pub fn rules(&self) -> &[RuleId] {
        &self.rules
    }
}

/// A decision that was not an allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("denied under {revision}")]
pub struct Denied {
    /// What the denial rests on.
    pub grounds: Grounds,
    /// The rules that deny; empty if none applied.
    pub rules: SmallVec<[RuleId; 4]>,
    /// What the rules that deny ask for: a full log, an alert.
    pub obligations: Box<Obligations>,
    /// The policy it was made under.
    pub revision: Revision,
}
