//! An exception's life: proposed by one person, approved by others, in force until its end.
//!
//! ```text
//! pending ─► in force ─► ended
//!    │           └─────► expired
//!    ├─► rejected, withdrawn
//!    └─► expired
//! ```

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::past::Counted;
use super::scope::Scope;

/// How long an exception lasts where nobody says: 30 days, in milliseconds. Chosen: a release of a portal fits.
pub const LASTS: u64 = 30 * DAY;
/// How long one may last: 180 days, in milliseconds. Chosen: what lasts longer belongs in the configuration.
pub const LONGEST: u64 = 180 * DAY;
const DAY: u64 = 24 * 60 * 60 * 1000;
/// Requests of the recorded past that one approval may let through. Chosen: a person can look at all of them.
pub const SMALL: u64 = 20;

/// What an exception is about, and what was known when it was proposed. It is never changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// Where it holds.
    pub scope: Scope,
    /// Why.
    pub reason: String,
    /// The author.
    pub by: String,
    /// When it was proposed, in milliseconds since the epoch.
    pub created_ms: u64,
    /// When it ends.
    pub until_ms: u64,
    /// Approvals that it needs besides the author.
    pub approvals: usize,
    /// Why it needs more than one.
    pub because: Vec<Wide>,
    /// The event that it was proposed for.
    pub event: Option<u64>,
    /// What it would have let through in the recorded past, as that was then.
    pub reach: Counted,
}

/// Why one approval is not enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wide {
    /// It would have let through more than [`SMALL`] requests.
    ManyRequests,
    /// It names no path, or nothing of one.
    EveryPath,
    /// It names no parameter, or nothing of one.
    EveryParameter,
    /// Among what it would have let through is what somebody marked as a real attack.
    RealAttack,
}

/// Something that happened to an exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What.
    pub what: Deed,
    /// Who; `gateway` for what happened by itself.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When, in milliseconds since the epoch.
    pub at_ms: u64,
}

/// What can be done about an exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Approved by somebody other than the author.
    Approve,
    /// Refused, for good.
    Reject,
    /// Taken back by the author before it was in force.
    Withdraw,
    /// Ended before its time.
    End,
    /// Its time was up.
    Expire,
}

/// Where an exception stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It waits for approvals.
    Pending,
    /// It holds.
    InForce,
    /// Somebody refused it.
    Rejected,
    /// Its author took it back.
    Withdrawn,
    /// Somebody ended it.
    Ended,
    /// Its time is up.
    Expired,
}

/// Why a step is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refused {
    /// It does not wait for approvals.
    #[error("this exception does not wait for approval")]
    NotPending,
    /// It is not in force.
    #[error("this exception is not in force")]
    NotInForce,
    /// Who proposed it does not judge it.
    #[error("who proposed an exception neither approves nor rejects it")]
    OwnException,
    /// Only its author takes it back.
    #[error("only who proposed an exception withdraws it")]
    NotTheAuthor,
    /// The same person approves once.
    #[error("you have approved this exception already")]
    Twice,
}

/// An exception with everything that happened to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Granted {
    /// Its number.
    pub id: u64,
    /// What it is about.
    pub terms: Terms,
    /// What happened to it, in order.
    pub steps: Vec<Step>,
}

impl Terms {
    /// What makes an exception too wide for one approval.
    pub fn wide(scope: &Scope, reach: &Counted) -> Vec<Wide> {
        let reasons = [
            (reach.let_through > SMALL, Wide::ManyRequests),
            (scope.is_of_every_path(), Wide::EveryPath),
            (scope.is_of_every_parameter(), Wide::EveryParameter),
            (reach.marked_attacks > 0, Wide::RealAttack),
        ];
        let reasons = reasons.into_iter().filter(|(is, _)| *is);
        reasons.map(|(_, why)| why).collect()
    }

    /// Approvals besides the author: one, or two where it is wide.
    pub const fn needed(because: &[Wide]) -> usize {
        if because.is_empty() { 1 } else { 2 }
    }
}

impl Granted {
    /// Where it stands at a time. A step that was not allowed when it was written counts for nothing.
    pub fn state(&self, now_ms: u64) -> State {
        let mut state = State::Pending;
        let mut approved: Vec<&str> = Vec::new();
        for step in &self.steps {
            state = match (state, step.what) {
                (State::Pending, Deed::Approve)
                    if step.by != self.terms.by && !approved.contains(&step.by.as_str()) =>
                {
                    approved.push(&step.by);
                    if approved.len() >= self.terms.approvals.max(1) {
                        State::InForce
                    } else {
                        State::Pending
                    }
                }
                (State::Pending, Deed::Reject) => State::Rejected,
                (State::Pending, Deed::Withdraw) => State::Withdrawn,
                (State::Pending | State::InForce, Deed::Expire) => State::Expired,
                (State::InForce, Deed::End) => State::Ended,
                (unchanged, _) => unchanged,
            };
        }
        let is_open = matches!(state, State::Pending | State::InForce);
        if is_open && self.terms.until_ms <= now_ms {
            State::Expired
        } else {
            state
        }
    }

    /// Who approved it.
    pub fn approvers(&self) -> impl Iterator<Item = &str> {
        let approvals = self.steps.iter().filter(|step| step.what == Deed::Approve);
        approvals.map(|step| step.by.as_str())
    }

    /// Whether its time is up and nobody noted that yet.
    pub fn is_overdue(&self, now_ms: u64) -> bool {
        let noted = self.steps.iter().any(|step| step.what == Deed::Expire);
        self.state(now_ms) == State::Expired && !noted
    }

    /// Whether somebody may do something about it now.
    ///
    /// # Errors
    /// Why not.
    pub fn may(&self, what: Deed, by: &str, now_ms: u64) -> Result<(), Refused> {
        let state = self.state(now_ms);
        let own = by == self.terms.by;
        match what {
            Deed::Approve | Deed::Reject | Deed::Withdraw if state != State::Pending => {
                Err(Refused::NotPending)
            }
            Deed::Approve | Deed::Reject if own => Err(Refused::OwnException),
            Deed::Withdraw if !own => Err(Refused::NotTheAuthor),
            Deed::Approve if self.approvers().any(|other| other == by) => Err(Refused::Twice),
            Deed::End if state != State::InForce => Err(Refused::NotInForce),
            Deed::Expire if !self.is_overdue(now_ms) => Err(Refused::NotInForce),
            Deed::Approve | Deed::Reject | Deed::Withdraw | Deed::End | Deed::Expire => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(approvals: usize) -> Granted {
        let scope = Scope {
            rule: "sqli-union".to_owned(),
            portal: "staff".to_owned(),
            path: Some("/a".to_owned()),
            parameter: Some("q".to_owned()),
        };
        Granted {
            id: 1,
            terms: Terms {
                scope,
                reason: "r".to_owned(),
                by: "u:chen".to_owned(),
                created_ms: 0,
                until_ms: 1_000,
                approvals,
                because: Vec::new(),
                event: None,
                reach: Counted::default(),
            },
            steps: Vec::new(),
        }
    }

    fn done(granted: &mut Granted, what: Deed, by: &str, at_ms: u64) -> Result<State, Refused> {
        granted.may(what, by, at_ms)?;
        granted.steps.push(Step {
            what,
            by: by.to_owned(),
            reason: String::new(),
            at_ms,
        });
        Ok(granted.state(at_ms))
    }

    #[test]
    fn it_takes_as_many_other_people_as_it_needs() {
        let mut one = granted(2);
        assert_eq!(
            done(&mut one, Deed::Approve, "u:chen", 1),
            Err(Refused::OwnException)
        );
        assert_eq!(
            done(&mut one, Deed::Reject, "u:chen", 1),
            Err(Refused::OwnException)
        );
        assert_eq!(
            done(&mut one, Deed::Withdraw, "u:zhou", 1),
            Err(Refused::NotTheAuthor)
        );
        assert_eq!(
            done(&mut one, Deed::End, "u:zhou", 1),
            Err(Refused::NotInForce)
        );
        assert_eq!(
            done(&mut one, Deed::Approve, "u:zhou", 1),
            Ok(State::Pending)
        );
        assert_eq!(
            done(&mut one, Deed::Approve, "u:zhou", 2),
            Err(Refused::Twice)
        );
        assert_eq!(done(&mut one, Deed::Approve, "u:wu", 2), Ok(State::InForce));
        assert_eq!(
            done(&mut one, Deed::Withdraw, "u:chen", 3),
            Err(Refused::NotPending)
        );
        assert_eq!(done(&mut one, Deed::End, "u:chen", 3), Ok(State::Ended));
        assert_eq!(
            done(&mut one, Deed::Approve, "u:li", 4),
            Err(Refused::NotPending)
        );
    }

    #[test]
    fn its_time_ends_it_whether_anybody_notes_that_or_not() {
        let mut one = granted(1);
        assert_eq!(
            done(&mut one, Deed::Approve, "u:zhou", 1),
            Ok(State::InForce)
        );
        assert_eq!(one.state(999), State::InForce);
        assert_eq!(
            done(&mut one, Deed::Expire, "gateway", 999),
            Err(Refused::NotInForce)
        );
        assert_eq!(
            (one.state(1_000), one.is_overdue(1_000)),
            (State::Expired, true)
        );
        assert_eq!(
            done(&mut one, Deed::Expire, "gateway", 1_000),
            Ok(State::Expired)
        );
        assert!(!one.is_overdue(1_001));
        let late = &mut granted(1);
        assert_eq!(
            done(late, Deed::Approve, "u:zhou", 1_000),
            Err(Refused::NotPending)
        );
    }

    #[test]
    fn a_record_that_says_more_than_was_allowed_grants_nothing() {
        let mut forged = granted(1);
        let step = |what, by: &str| Step {
            what,
            by: by.to_owned(),
            reason: String::new(),
            at_ms: 1,
        };
        forged.steps.push(step(Deed::Approve, "u:chen"));
        assert_eq!(forged.state(1), State::Pending);
        forged.terms.approvals = 0;
        assert_eq!(forged.state(1), State::Pending);
        forged.terms.approvals = 2;
        forged.steps.push(step(Deed::Approve, "u:zhou"));
        forged.steps.push(step(Deed::Approve, "u:zhou"));
        assert_eq!(forged.state(1), State::Pending);
        forged.steps.push(step(Deed::Withdraw, "u:chen"));
        forged.steps.push(step(Deed::Approve, "u:wu"));
        assert_eq!(forged.state(1), State::Withdrawn);
    }

    #[test]
    fn what_is_wide_needs_two() {
        let one = granted(1).terms.scope;
        let many = |let_through| Counted {
            let_through,
            ..Counted::default()
        };
        assert!(Terms::wide(&one, &many(SMALL)).is_empty());
        assert_eq!(Terms::wide(&one, &many(SMALL + 1)), [Wide::ManyRequests]);
        let attack = Counted {
            marked_attacks: 1,
            ..Counted::default()
        };
        assert_eq!(Terms::wide(&one, &attack), [Wide::RealAttack]);
        let both = [Wide::EveryPath, Wide::EveryParameter];
        for (path, parameter) in [(None, None), (Some("/*/*"), Some("/*"))] {
            let anywhere = Scope {
                path: path.map(str::to_owned),
                parameter: parameter.map(str::to_owned),
                ..one.clone()
            };
            assert_eq!(Terms::wide(&anywhere, &many(0)), both, "{path:?}");
        }
        let root = Scope {
            path: Some("/".to_owned()),
            ..one
        };
        assert!(Terms::wide(&root, &many(0)).is_empty());
        assert_eq!((Terms::needed(&[]), Terms::needed(&both)), (1, 2));
    }
}
