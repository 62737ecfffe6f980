//! What happens to a value, and which of it at which level.

use std::fmt;
use std::str::FromStr;

use crate::kind::Kind;
use crate::level::Level;

/// What happens to a value of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// It stays as it is.
    Pass,
    /// The first `head` and last `tail` characters stay, stars between them; nothing of a value that is not longer.
    Keep {
        /// Characters that stay at the start.
        head: u8,
        /// Characters that stay at the end.
        tail: u8,
    },
    /// The last `tail` characters are starred.
    Hide {
        /// Characters that are starred.
        tail: u8,
    },
    /// The area code of a telephone number and its last `tail` digits stay.
    Line {
        /// Digits that stay at the end.
        tail: u8,
    },
    /// The first `head` characters of an e-mail address and its domain stay.
    Local {
        /// Characters of the local part that stay.
        head: u8,
    },
    /// The surname of a Chinese name stays, the first letter of another.
    Surname,
    /// Two stars stand for it.
    Hidden,
    /// A postal address stays down to its district.
    District,
    /// A postal address stays down to its city.
    City,
    /// The first groups of an address of a machine stay.
    Groups {
        /// Groups that stay.
        count: u8,
    },
    /// Every digit behind the first `keep` characters is starred: `1990-**-**`.
    Digits {
        /// Characters that stay.
        keep: u8,
    },
    /// Decimals beyond `places` are cut off.
    Round {
        /// Decimals that stay.
        places: u8,
    },
    /// A number becomes the decade it is in.
    Band,
    /// A date is moved by a number of days that the key and the purpose decide.
    Shift,
    /// A token that is the same for the same value, key and purpose.
    Token,
    /// A token that is the same for the same value, key and purpose, and that whoever has the key can open.
    Seal,
    /// Format-preserving encryption (FF1); whoever has the key can undo it.
    Encrypt,
    /// `null` in JSON, nothing elsewhere.
    Null,
    /// Nothing stands for it.
    Remove,
    /// Three stars stand for it, whatever its length.
    Drop,
}

/// An action that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown action `{0}`; write `pass`, `keep HEAD TAIL`, `hide TAIL`, `line TAIL`, `local HEAD`, `surname`, `hidden`, `district`, \
     `city`, `groups COUNT`, `digits KEEP`, `round PLACES`, `band`, `shift`, `token`, `seal`, `encrypt`, `null`, `remove` or `drop`"
)]
pub struct UnknownAction(pub String);

impl FromStr for Action {
    type Err = UnknownAction;

    fn from_str(text: &str) -> Result<Self, UnknownAction> {
        let wrong = || UnknownAction(text.to_owned());
        let mut words = text.split_whitespace();
        let name = words.next().ok_or_else(wrong)?;
        let mut number = || words.next()?.parse::<u8>().ok();
        let action = match name {
            "pass" => Self::Pass,
            "keep" => Self::Keep {
                head: number().ok_or_else(wrong)?,
                tail: number().ok_or_else(wrong)?,
            },
            "hide" => Self::Hide {
                tail: number().ok_or_else(wrong)?,
            },
            "line" => Self::Line {
                tail: number().ok_or_else(wrong)?,
            },
            "local" => Self::Local {
                head: number().ok_or_else(wrong)?,
            },
            "surname" => Self::Surname,
            "hidden" => Self::Hidden,
            "district" => Self::District,
            "city" => Self::City,
            "groups" => Self::Groups {
                count: number().ok_or_else(wrong)?,
            },
            "digits" => Self::Digits {
                keep: number().ok_or_else(wrong)?,
            },
            "round" => Self::Round {
                places: number().ok_or_else(wrong)?,
            },
            "band" => Self::Band,
            "shift" => Self::Shift,
            "token" => Self::Token,
            "seal" => Self::Seal,
            "encrypt" => Self::Encrypt,
            "null" => Self::Null,
            "remove" => Self::Remove,
            "drop" => Self::Drop,
            _ => return Err(wrong()),
        };
        if words.next().is_some() {
            return Err(wrong());
        }
        Ok(action)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass => f.write_str("pass"),
            Self::Keep { head, tail } => write!(f, "keep {head} {tail}"),
            Self::Hide { tail } => write!(f, "hide {tail}"),
            Self::Line { tail } => write!(f, "line {tail}"),
            Self::Local { head } => write!(f, "local {head}"),
            Self::Surname => f.write_str("surname"),
            Self::Hidden => f.write_str("hidden"),
            Self::District => f.write_str("district"),
            Self::City => f.write_str("city"),
            Self::Groups { count } => write!(f, "groups {count}"),
            Self::Digits { keep } => write!(f, "digits {keep}"),
            Self::Round { places } => write!(f, "round {places}"),
            Self::Band => f.write_str("band"),
            Self::Shift => f.write_str("shift"),
            Self::Token => f.write_str("token"),
            Self::Seal => f.write_str("seal"),
            Self::Encrypt => f.write_str("encrypt"),
            Self::Null => f.write_str("null"),
            Self::Remove => f.write_str("remove"),
            Self::Drop => f.write_str("drop"),
        }
    }
}

impl Action {
    /// Tells whether the action needs a key.
    #[must_use]
    pub fn needs_key(self) -> bool {
        matches!(self, Self::Token | Self::Seal | Self::Encrypt | Self::Shift)
    }
}

/// The action for every kind at one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Actions([Action; Kind::ALL.len()]);

impl Actions {
    /// The shipped table.
    pub(crate) fn of(level: Level) -> Self {
        Self(Kind::ALL.map(|kind| action(level, kind)))
    }

    pub(crate) fn get(&self, kind: Kind) -> Action {
        self.0.get(kind as usize).copied().unwrap_or(Action::Drop)
    }

    pub(crate) fn set(&mut self, kind: Kind, action: Action) {
        if let Some(slot) = self.0.get_mut(kind as usize) {
            *slot = action;
        }
    }
}

fn action(level: Level, kind: Kind) -> Action {
    let keep = |head, tail| Action::Keep { head, tail };
    // From the least to the most strict; at L4 nothing stays of anything.
    let (one, two, three) = match kind {
        Kind::ResidentId => (Action::Pass, keep(6, 4), keep(1, 1)),
        Kind::Mobile => (Action::Pass, keep(3, 4), keep(0, 4)),
        Kind::BankCard => (keep(6, 4), keep(0, 4), keep(0, 4)),
        Kind::CreditCode | Kind::OrganisationCode => (Action::Pass, Action::Pass, keep(0, 4)),
        Kind::Email => (
            Action::Pass,
            Action::Local { head: 1 },
            Action::Local { head: 0 },
        ),
        Kind::Passport | Kind::Permit => (Action::Pass, keep(1, 4), keep(1, 1)),
        Kind::MilitaryId => (Action::Pass, keep(2, 2), keep(1, 1)),
        Kind::Landline => (Action::Pass, Action::Line { tail: 4 }, keep(0, 4)),
        Kind::TaxNumber => (Action::Pass, keep(0, 4), keep(0, 2)),
        Kind::Plate => (Action::Pass, Action::Hide { tail: 2 }, keep(2, 0)),
        Kind::Vin => (Action::Pass, keep(3, 4), keep(0, 4)),
        Kind::Name => (Action::Pass, Action::Surname, Action::Hidden),
        Kind::Address => (Action::Pass, Action::District, Action::City),
        Kind::Ip => (
            Action::Pass,
            Action::Groups { count: 3 },
            Action::Groups { count: 2 },
        ),
        Kind::Mac => (Action::Pass, Action::Groups { count: 3 }, Action::Drop),
        Kind::Coordinates => (
            Action::Pass,
            Action::Round { places: 2 },
            Action::Round { places: 1 },
        ),
        Kind::BirthDate => (
            Action::Pass,
            Action::Digits { keep: 4 },
            Action::Digits { keep: 0 },
        ),
        Kind::Age => (Action::Pass, Action::Pass, Action::Band),
        Kind::Wechat | Kind::Qq => (Action::Pass, keep(2, 2), keep(1, 0)),
        Kind::SocialSecurity | Kind::HousingFund | Kind::MedicalRecord => {
            (Action::Pass, keep(0, 4), keep(0, 2))
        }
        Kind::Ssn => (Action::Pass, keep(0, 4), Action::Drop),
        Kind::Iban => (keep(4, 4), keep(4, 4), keep(0, 4)),
        Kind::Imei => (Action::Pass, keep(0, 4), keep(0, 2)),
        Kind::Mrz => (Action::Pass, Action::Drop, Action::Drop),
        Kind::Secret => (Action::Drop, Action::Drop, Action::Drop),
        Kind::Custom => (Action::Drop, Action::Drop, Action::Drop),
    };
    match level {
        Level::L1 => one,
        Level::L2 => two,
        Level::L3 => three,
        Level::L4 => Action::Drop,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_reads_back_as_it_is_written() {
        for level in Level::ALL {
            for kind in Kind::ALL {
                let action = Actions::of(level).get(kind);
                assert_eq!(action.to_string().parse(), Ok(action));
            }
        }
        for text in [
            "",
            "keep",
            "keep 1",
            "keep 1 2 3",
            "keep 300 1",
            "mask",
            "drop 1",
        ] {
            assert_eq!(text.parse::<Action>(), Err(UnknownAction(text.into())));
        }
    }
}
