//! How much a reader may see.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How strictly values are masked; a greater level shows less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// Only bank cards are masked: first six and last four digits stay.
    L1,
    /// Enough stays for a person at a counter to recognise the value.
    L2,
    /// Enough stays to tell two values apart in a conversation.
    L3,
    /// Nothing stays.
    L4,
}

impl Level {
    /// Every level, the least strict first.
    pub const ALL: [Self; 4] = [Self::L1, Self::L2, Self::L3, Self::L4];

    /// Returns the level as it is written in configuration, `L1` to `L4`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::L1 => "L1",
            Self::L2 => "L2",
            Self::L3 => "L3",
            Self::L4 => "L4",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A level that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown redaction level `{0}`; write `L1`, `L2`, `L3` or `L4`")]
pub struct UnknownLevel(pub String);

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        Self::ALL
            .into_iter()
            .find(|level| level.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownLevel(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_reads_back_as_it_is_written_and_greater_is_stricter() {
        for level in Level::ALL {
            assert_eq!(level.to_string().parse::<Level>().unwrap(), level);
        }
        assert!(Level::L1 < Level::L2 && Level::L3 < Level::L4);
        assert_eq!(
            "L5".parse::<Level>().unwrap_err().to_string(),
            "unknown redaction level `L5`; write `L1`, `L2`, `L3` or `L4`"
        );
    }
}
