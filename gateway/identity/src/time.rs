//! Arithmetic on moments that cannot overflow: a limit beyond the end of time is the end of time.

use jiff::{SignedDuration, Timestamp};

/// The moment `wait` after `moment`.
pub(crate) fn after(moment: Timestamp, wait: SignedDuration) -> Timestamp {
    moment.checked_add(wait).unwrap_or(if wait.is_negative() {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

/// The moment `wait` before `moment`.
pub(crate) fn before(moment: Timestamp, wait: SignedDuration) -> Timestamp {
    moment.checked_sub(wait).unwrap_or(if wait.is_negative() {
        Timestamp::MAX
    } else {
        Timestamp::MIN
    })
}
