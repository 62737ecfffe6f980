//! Shares with confidence intervals.

use serde::Serialize;

use super::Balanced;

/// The normal quantile of a 95 % interval.
const Z: f64 = 1.959_963_984_540_054;

/// A share with its 95 % interval by Wilson, each from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rate {
    /// How many.
    pub hits: u64,
    /// Of how many.
    pub of: u64,
    /// The share; 0 of nothing.
    pub rate: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

impl Rate {
    /// Computes the share and its interval (E. B. Wilson 1927); of nothing everything is possible.
    pub(super) fn of([hits, of]: [u64; 2]) -> Self {
        if of == 0 {
            return Self {
                hits,
                of,
                rate: 0.0,
                low: 0.0,
                high: 1.0,
            };
        }
        // Counts of files are far below 2^53.
        let n = of as f64;
        let p = hits as f64 / n;
        let scale = 1.0 + Z * Z / n;
        let centre = (p + Z * Z / (2.0 * n)) / scale;
        let reach = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt() / scale;
        Self {
            hits,
            of,
            rate: p,
            low: (centre - reach).clamp(0.0, p),
            high: (centre + reach).clamp(p, 1.0),
        }
    }
}

/// The mean of two shares of different samples; the ends are those of Wilson, added as squares (R. G. Newcombe 1998).
pub(super) fn balanced(detection: Rate, false_positives: Rate) -> Balanced {
    let rate = f64::midpoint(detection.rate, 1.0 - false_positives.rate);
    let below = (detection.rate - detection.low).hypot(false_positives.high - false_positives.rate);
    let above = (detection.high - detection.rate).hypot(false_positives.rate - false_positives.low);
    Balanced {
        rate,
        low: (rate - below / 2.0).max(0.0),
        high: (rate + above / 2.0).min(1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 5e-5
    }

    #[test]
    fn intervals_are_those_of_published_examples() {
        // R. G. Newcombe 1998, table I: the score method without correction.
        for (hits, of, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let rate = Rate::of([hits, of]);
            assert!(near(rate.low, low) && near(rate.high, high), "{rate:?}");
        }
    }

    proptest! {
        #[test]
        fn an_interval_holds_its_share_and_narrows_with_more(hits in 0_u64..1000, more in 0_u64..1000) {
            let few = Rate::of([hits, hits + more]);
            let many = Rate::of([hits * 10, (hits + more) * 10]);
            prop_assert!(0.0 <= few.low && few.low <= few.rate || hits + more == 0);
            prop_assert!(few.rate <= few.high && few.high <= 1.0);
            prop_assert!(many.high - many.low <= few.high - few.low + 1e-12);
            let both = balanced(few, many);
            prop_assert!(both.low <= both.rate && both.rate <= both.high);
        }
    }
}
