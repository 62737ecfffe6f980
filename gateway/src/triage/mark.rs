//! What people say of findings: a false alarm or a real attack; and how often a rule is right by that.

use serde::{Deserialize, Serialize};

/// What somebody said of a rule's finding in a request. The last one counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The event's number.
    pub event: u64,
    /// The rule.
    pub rule: String,
    /// The portal, as the event has it.
    pub portal: String,
    /// What it is.
    pub mark: Verdict,
    /// What else is to be said.
    pub note: String,
    /// Who said so.
    pub by: String,
    /// When, in milliseconds since the epoch.
    pub at_ms: u64,
}

/// What a finding turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A false alarm.
    FalsePositive,
    /// A real attack.
    TruePositive,
    /// Nothing is said any more.
    None,
}

/// How often a rule is right, by what was marked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marked {
    /// Real attacks.
    pub right: u64,
    /// False alarms.
    pub wrong: u64,
}

/// A share with its 95 % interval by Wilson, each from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Precision {
    /// The share.
    pub share: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

impl Marked {
    /// Counts one more.
    pub const fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::TruePositive => self.right = self.right.saturating_add(1),
            Verdict::FalsePositive => self.wrong = self.wrong.saturating_add(1),
            Verdict::None => {}
        }
    }

    /// The share of real attacks, with its interval (E. B. Wilson 1927); `None` while nothing is marked.
    pub fn precision(self) -> Option<Precision> {
        /// The normal quantile of a 95 % interval.
        const Z: f64 = 1.959_963_984_540_054;
        let of = self.right.saturating_add(self.wrong);
        if of == 0 {
            return None;
        }
        // People mark far fewer than 2^53 findings.
        let (n, right) = (of as f64, self.right as f64);
        let share = right / n;
        let scale = 1.0 + Z * Z / n;
        let centre = (share + Z * Z / (2.0 * n)) / scale;
        let reach = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt() / scale;
        Some(Precision {
            share,
            low: (centre - reach).clamp(0.0, share),
            high: (centre + reach).clamp(share, 1.0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_published_examples() {
        // R. G. Newcombe 1998, table I: the score method without correction.
        for (right, wrong, low, high) in [
            (81, 182, 0.2553, 0.3662),
            (15, 133, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 28, 0.0061, 0.1718),
        ] {
            let found = Marked { right, wrong }.precision().unwrap();
            let near = |a: f64, b: f64| (a - b).abs() < 5e-5;
            assert!(near(found.low, low) && near(found.high, high), "{found:?}");
        }
        assert_eq!(Marked::default().precision(), None);
    }
}
