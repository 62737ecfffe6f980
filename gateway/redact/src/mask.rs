//! What each level leaves of each kind.

use crate::kind::Kind;
use crate::level::Level;

/// What happens to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Stays as it is.
    Pass,
    /// The first `head` and last `tail` characters stay, stars between them.
    Keep { head: u8, tail: u8 },
    /// The first `head` characters of an address and its domain stay.
    Local { head: u8 },
    /// Three stars stand for it, whatever its length.
    Drop,
}

/// The action for every kind at one level.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Actions([Action; Kind::ALL.len()]);

impl Actions {
    pub(crate) fn of(level: Level) -> Self {
        Self(Kind::ALL.map(|kind| action(level, kind)))
    }

    pub(crate) fn get(&self, kind: Kind) -> Action {
        self.0.get(kind as usize).copied().unwrap_or(Action::Drop)
    }
}

fn action(level: Level, kind: Kind) -> Action {
    match (level, kind) {
        (Level::L4, _) => Action::Drop,
        (Level::L1, Kind::BankCard) => Action::Keep { head: 6, tail: 4 },
        (Level::L1, _) | (Level::L2, Kind::CreditCode) => Action::Pass,
        (Level::L2, Kind::ResidentId) => Action::Keep { head: 6, tail: 4 },
        (Level::L2, Kind::Mobile) => Action::Keep { head: 3, tail: 4 },
        (Level::L2, Kind::Email) => Action::Local { head: 1 },
        (Level::L3, Kind::ResidentId) => Action::Keep { head: 1, tail: 1 },
        (Level::L3, Kind::Email) => Action::Local { head: 0 },
        (Level::L2 | Level::L3, Kind::BankCard) | (Level::L3, Kind::Mobile | Kind::CreditCode) => {
            Action::Keep { head: 0, tail: 4 }
        }
    }
}
