//! What a client is told about its rate: draft-ietf-httpapi-ratelimit-headers-10 and RFC 9110 section 10.2.3.

use std::time::Duration;

use crate::limiter::Outcome;

/// Name of the field that states the quota.
pub const RATE_LIMIT_POLICY: &str = "ratelimit-policy";
/// Name of the field that states what is left.
pub const RATE_LIMIT: &str = "ratelimit";
/// Name of the field that states when to try again.
pub const RETRY_AFTER: &str = "retry-after";

/// The fields that tell a client where it stands, as names and values.
///
/// `policy` names the rate (a rate class of the configuration); characters that a quoted string of RFC 9651 cannot
/// carry are left out. Durations are whole seconds, rounded up, so that a client that waits as told is not refused.
/// A request that can never pass gets no `retry-after`.
pub fn ratelimit_headers(policy: &str, outcome: &Outcome) -> Vec<(&'static str, String)> {
    let allowance = outcome.allowance();
    let name: String = policy
        .chars()
        .filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\'))
        .collect();
    let mut fields = vec![
        (
            RATE_LIMIT_POLICY,
            format!(
                "\"{name}\";q={};w={}",
                allowance.limit,
                seconds(allowance.window).max(1)
            ),
        ),
        (
            RATE_LIMIT,
            format!(
                "\"{name}\";r={};t={}",
                allowance.remaining,
                seconds(allowance.reset)
            ),
        ),
    ];
    if let Outcome::Limited {
        retry_after: Some(wait),
        ..
    } = outcome
    {
        fields.push((RETRY_AFTER, seconds(*wait).max(1).to_string()));
    }
    fields
}

fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::limiter::Limiter;
    use crate::rate::Rate;

    #[test]
    fn a_limited_client_is_told_quota_rest_and_wait() {
        let n = |value| NonZeroU32::new(value).unwrap();
        let rate = Rate::new(n(30), Duration::from_secs(60), n(3)).unwrap();
        let limiter = Limiter::<u8>::new(64);
        let first = limiter.check(&1, &rate, Duration::from_secs(9), 3);
        assert_eq!(
            ratelimit_headers("public", &first),
            [
                ("ratelimit-policy", "\"public\";q=3;w=6".into()),
                ("ratelimit", "\"public\";r=0;t=6".into())
            ]
        );
        let second = limiter.check(&1, &rate, Duration::from_millis(9_500), 1);
        assert_eq!(
            ratelimit_headers("public", &second),
            [
                ("ratelimit-policy", "\"public\";q=3;w=6".into()),
                ("ratelimit", "\"public\";r=0;t=6".into()),
                ("retry-after", "2".into()),
            ]
        );
        let never = limiter.check(&1, &rate, Duration::from_secs(10), 4);
        assert_eq!(ratelimit_headers("a\"b\\\r\n类 c", &never).len(), 2);
        assert_eq!(
            ratelimit_headers("a\"b\\\r\n类 c", &never)[1].1,
            "\"ab c\";r=0;t=5"
        );
    }
}
