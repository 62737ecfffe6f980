//! How each reference makes a decision of the rows that match, row after row.

use crate::decision::{Effect, Grounds};
use crate::source::Dialect;

/// How rows make a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Merge {
    AllowOverride,
    DenyOverride,
    AllowAndDeny,
    First,
    /// As `First`, over rows sorted by how far down the role hierarchy their subject stands.
    FirstBySubject,
}

impl Merge {
    /// The effect with exactly this text; the references know no other spelling.
    pub(crate) fn named(text: &str, dialect: Dialect) -> Option<Self> {
        Some(match text {
            "some(where (p_eft == allow))" => Self::AllowOverride,
            "!some(where (p_eft == deny))" => Self::DenyOverride,
            "some(where (p_eft == allow)) && !some(where (p_eft == deny))" => Self::AllowAndDeny,
            "priority(p_eft) || deny" => Self::First,
            "subjectPriority(p_eft) || deny" if dialect == Dialect::CasbinGo => {
                Self::FirstBySubject
            }
            _ => return None,
        })
    }
}

/// What a row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    Allow,
    Deny,
    /// It does not match, or its effect is another word.
    Nothing,
}

/// The rows seen so far.
#[derive(Debug)]
pub(crate) struct Tally {
    merge: Merge,
    allowing: Vec<usize>,
    decided: Option<(Effect, Vec<usize>)>,
}

impl Tally {
    pub(crate) fn new(merge: Merge) -> Self {
        Self {
            merge,
            allowing: Vec::new(),
            decided: None,
        }
    }

    /// Takes a row in; `true` if no later row can change the answer, so that the references stop here.
    pub(crate) fn take(&mut self, row: usize, says: Says) -> bool {
        self.decided = match (self.merge, says) {
            (_, Says::Nothing)
            | (Merge::AllowOverride, Says::Deny)
            | (Merge::DenyOverride, Says::Allow) => None,
            (Merge::AllowAndDeny, Says::Allow) => {
                self.allowing.push(row);
                None
            }
            (Merge::AllowOverride | Merge::First | Merge::FirstBySubject, Says::Allow) => {
                Some((Effect::Allow, vec![row]))
            }
            (
                Merge::DenyOverride | Merge::AllowAndDeny | Merge::First | Merge::FirstBySubject,
                Says::Deny,
            ) => Some((Effect::Deny, vec![row])),
        };
        self.decided.is_some()
    }

    /// The answer, and the rows it rests on.
    pub(crate) fn settle(self) -> (Effect, Grounds, Vec<usize>) {
        match self.decided {
            Some((Effect::Allow, rows)) => (Effect::Allow, Grounds::Rules, rows),
            Some((Effect::Deny, rows)) => (Effect::Deny, Grounds::ExplicitDeny, rows),
            None if self.merge == Merge::DenyOverride => {
                (Effect::Allow, Grounds::NoRuleMatched, Vec::new())
            }
            None if self.allowing.is_empty() => (Effect::Deny, Grounds::NoRuleMatched, Vec::new()),
            None => (Effect::Allow, Grounds::Rules, self.allowing),
        }
    }
}
