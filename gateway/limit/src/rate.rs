//! A rate as it is meant: so many in a period, so many at once.

use std::num::NonZeroU32;
use std::time::Duration;

/// The longest time that a rate may look back over: 400 days, chosen so that a yearly quota fits and no sum of
/// nanoseconds comes near the end of a `u64`.
const LONGEST_WINDOW: Duration = Duration::from_secs(400 * 86_400);

/// A sustained rate with a burst, in the form that the limiter computes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    burst: NonZeroU32,
    /// Nanoseconds that one unit of cost uses up.
    interval: u64,
}

/// Why a rate cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// The period is zero.
    #[error("a rate needs a period longer than `0s`")]
    NoPeriod,
    /// More than one a nanosecond.
    #[error(
        "`{count}` in `{period:?}` is more than one a nanosecond; use a lower count or a longer period"
    )]
    TooFast {
        /// The count as written.
        count: NonZeroU32,
        /// The period as written.
        period: Duration,
    },
    /// Filling the burst again would take longer than 400 days.
    #[error(
        "a burst of `{burst}` at `{count}` in `{period:?}` takes over 400 days to fill again; lower the burst"
    )]
    TooSlow {
        /// The count as written.
        count: NonZeroU32,
        /// The period as written.
        period: Duration,
        /// The burst as written.
        burst: NonZeroU32,
    },
}

impl Rate {
    /// A rate of `count` in each `period`, of which `burst` may come at once.
    ///
    /// # Errors
    /// If the period is zero, the rate is above one a nanosecond, or the burst takes over 400 days to fill again.
    pub fn new(count: NonZeroU32, period: Duration, burst: NonZeroU32) -> Result<Self, RateError> {
        if period.is_zero() {
            return Err(RateError::NoPeriod);
        }
        if period.as_nanos() < u128::from(count.get()) {
            return Err(RateError::TooFast { count, period });
        }
        // Rounded up: a rate that does not divide its period errs on the side of fewer.
        let interval = period.as_nanos().div_ceil(u128::from(count.get()));
        if interval * u128::from(burst.get()) > LONGEST_WINDOW.as_nanos() {
            return Err(RateError::TooSlow {
                count,
                period,
                burst,
            });
        }
        let interval = u64::try_from(interval).map_err(|_| RateError::TooSlow {
            count,
            period,
            burst,
        })?;
        Ok(Self { burst, interval })
    }

    /// A rate of `count` a second, all of which may come at once.
    ///
    /// # Errors
    /// If the count is above one a nanosecond.
    pub fn per_second(count: NonZeroU32) -> Result<Self, RateError> {
        Self::new(count, Duration::from_secs(1), count)
    }

    /// How many may come at once.
    pub fn burst(&self) -> NonZeroU32 {
        self.burst
    }

    /// How long one unit takes to come back.
    pub fn interval(&self) -> Duration {
        Duration::from_nanos(self.interval)
    }

    /// How long a spent burst takes to come back whole.
    pub fn window(&self) -> Duration {
        Duration::from_nanos(self.window_nanos())
    }

    pub(crate) fn interval_nanos(&self) -> u64 {
        self.interval
    }

    pub(crate) fn window_nanos(&self) -> u64 {
        self.interval * u64::from(self.burst.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(value: u32) -> NonZeroU32 {
        NonZeroU32::new(value).unwrap()
    }

    #[test]
    fn a_rate_that_does_not_divide_its_period_is_rounded_to_fewer() {
        let rate = Rate::new(n(3), Duration::from_secs(1), n(1)).unwrap();
        assert_eq!(rate.interval(), Duration::from_nanos(333_333_334));
    }

    #[test]
    fn rates_outside_the_range_are_refused_with_their_reason() {
        assert_eq!(
            Rate::new(n(1), Duration::ZERO, n(1)),
            Err(RateError::NoPeriod)
        );
        assert!(matches!(
            Rate::new(n(2), Duration::from_nanos(1), n(1)),
            Err(RateError::TooFast { .. })
        ));
        let slow = Rate::new(n(1), Duration::from_secs(86_400), n(401)).unwrap_err();
        assert_eq!(
            slow.to_string(),
            "a burst of `401` at `1` in `86400s` takes over 400 days to fill again; lower the burst"
        );
        assert!(Rate::new(n(u32::MAX), Duration::MAX, n(u32::MAX)).is_err());
    }
}
