//! The one place that asks what time it is.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Milliseconds since the Unix epoch.
pub fn wall_ms() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everything else takes as an argument"
    )]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

/// The wall clock as a timestamp.
pub fn now() -> jiff::Timestamp {
    timestamp(wall_ms())
}

/// Milliseconds since the epoch as a timestamp.
pub fn timestamp(wall_ms: u64) -> jiff::Timestamp {
    i64::try_from(wall_ms)
        .ok()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
        .unwrap_or(jiff::Timestamp::MAX)
}

/// Time since the process first asked; never goes back.
pub fn monotonic() -> Duration {
    START.elapsed()
}

/// The hour and the weekday of a time zone, for conditions in policy.
#[derive(Debug)]
pub struct Calendar {
    zone: jiff::tz::TimeZone,
    /// Seconds to add to UTC, valid in the quarter of an hour that `checked` names.
    offset: AtomicI64,
    checked: AtomicI64,
}

/// What conditions on time see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTime {
    /// Minute of the day, 0 to 1439.
    pub minute: i64,
    /// Day of the week, Monday 1 to Sunday 7.
    pub weekday: i64,
}

impl Calendar {
    /// The calendar of an IANA time zone; UTC where the name is unknown, which `check` refuses.
    pub fn new(name: &str) -> Self {
        Self {
            zone: jiff::tz::TimeZone::get(name).unwrap_or(jiff::tz::TimeZone::UTC),
            offset: AtomicI64::new(0),
            checked: AtomicI64::new(i64::MIN),
        }
    }

    /// The local time at an instant. Offsets change on quarters of an hour, so one is looked up for each.
    pub fn at(&self, wall_ms: u64) -> LocalTime {
        let seconds = i64::try_from(wall_ms / 1000).unwrap_or(i64::MAX / 2);
        let quarter = seconds / 900;
        if self.checked.load(Ordering::Acquire) != quarter {
            let offset = jiff::Timestamp::from_second(seconds)
                .map_or(0, |t| i64::from(self.zone.to_offset(t).seconds()));
            self.offset.store(offset, Ordering::Release);
            self.checked.store(quarter, Ordering::Release);
        }
        let local = seconds + self.offset.load(Ordering::Acquire);
        LocalTime {
            minute: local.rem_euclid(86_400) / 60,
            weekday: (local.div_euclid(86_400) + 3).rem_euclid(7) + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weekday_and_the_minute_are_local() {
        let shanghai = Calendar::new("Asia/Shanghai");
        // 2026-11-22 was a Sunday; 20:30 UTC is Monday 04:30 in Shanghai.
        let at = shanghai.at(1_795_379_400_000);
        assert_eq!(
            at,
            LocalTime {
                minute: 270,
                weekday: 1
            }
        );
        let utc = Calendar::new("UTC").at(1_795_379_400_000);
        assert_eq!(
            utc,
            LocalTime {
                minute: 1230,
                weekday: 7
            }
        );
    }
}
