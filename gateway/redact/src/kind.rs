//! What was found, and how often.

use std::fmt;
use std::ops::AddAssign;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

/// A kind of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Resident identity number and residence permits of 18 characters (居民身份证).
    ResidentId,
    /// Mobile telephone number (手机号).
    Mobile,
    /// Bank card number (银行卡号).
    BankCard,
    /// Unified social credit code (统一社会信用代码).
    CreditCode,
    /// E-mail address (电子邮箱).
    Email,
}

impl Kind {
    /// Every kind, in the order of the counts.
    pub const ALL: [Self; 5] = [
        Self::ResidentId,
        Self::Mobile,
        Self::BankCard,
        Self::CreditCode,
        Self::Email,
    ];

    /// Returns the name used in events, configuration and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ResidentId => "resident_id",
            Self::Mobile => "mobile",
            Self::BankCard => "bank_card",
            Self::CreditCode => "credit_code",
            Self::Email => "email",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A number of values for each kind; holds counts, never values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts([u64; Kind::ALL.len()]);

impl Counts {
    /// Returns how many values of a kind there were.
    #[must_use]
    pub fn get(&self, kind: Kind) -> u64 {
        self.0.get(kind as usize).copied().unwrap_or(0)
    }

    /// Returns how many values there were in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Returns each kind with its count, zeros included.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, u64)> + '_ {
        Kind::ALL.into_iter().zip(self.0.iter().copied())
    }

    pub(crate) fn add(&mut self, kind: Kind) {
        if let Some(count) = self.0.get_mut(kind as usize) {
            *count += 1;
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Kind::ALL.len()))?;
        for (kind, count) in self.iter() {
            map.serialize_entry(kind.as_str(), &count)?;
        }
        map.end()
    }
}

/// What happened to one body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Values found, also those which the level leaves as they are.
    pub counts: Counts,
    /// Values masked.
    pub masked: Counts,
    /// Bytes read: of the coded body where there is a content coding.
    pub bytes_in: u64,
    /// Bytes written: of the coded body where there is a content coding.
    pub bytes_out: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_named_by_kind_in_json() {
        let mut counts = Counts::default();
        counts.add(Kind::Mobile);
        counts.add(Kind::Mobile);
        counts += counts;
        assert_eq!((counts.get(Kind::Mobile), counts.total()), (4, 4));
        assert_eq!(
            serde_json::to_string(&counts).unwrap(),
            r#"{"resident_id":0,"mobile":4,"bank_card":0,"credit_code":0,"email":0}"#
        );
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        }
    }
}
