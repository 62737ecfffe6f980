//! What a client is told about its rate: draft-ietf-httpapi-ratelimit-headers-10 and RFC 9110 section 10.2.3.

use std::time::Duration;

use crate::limiter::Outcome;

/// Name of the field that states the quota.
pub const RATE_LIMIT_POLICY: &str = "ratelimit-policy";
/// Name of the field that states what is left.
pub const RATE_LIMIT: &str = "ratelimit";
/// Name of the field that states when to try again.
pub const RETRY_AFTER: &str = "retry-after";

/// Hands over the fields that tell a client where it stands, each as its name and its value; nothing is allocated.
///
/// `policy` names the rate (a rate class of the configuration); characters that a quoted string of RFC 9651 cannot
/// carry are left out. Durations are whole seconds, rounded up, so that a client that waits as told is not refused.
/// A request that can never pass gets no `retry-after`.
pub fn ratelimit_fields(
    policy: &str,
    outcome: &Outcome,
    mut field: impl FnMut(&'static str, &[u8]),
) {
    let allowance = outcome.allowance();
    let mut text = Text::default();
    text.parameters(
        policy,
        ("q", u64::from(allowance.limit)),
        ("w", seconds(allowance.window).max(1)),
    );
    field(RATE_LIMIT_POLICY, text.as_bytes());
    text.parameters(
        policy,
        ("r", u64::from(allowance.remaining)),
        ("t", seconds(allowance.reset)),
    );
    field(RATE_LIMIT, text.as_bytes());
    if let Outcome::Limited {
        retry_after: Some(wait),
        ..
    } = outcome
    {
        text.length = 0;
        text.number(seconds(*wait).max(1));
        field(RETRY_AFTER, text.as_bytes());
    }
}

/// Longest name of a rate that is told; what is longer is cut.
const LONGEST_NAME: usize = 64;

/// A field's value as it is made: a quoted name, and two numbers of at most 20 digits.
struct Text {
    bytes: [u8; LONGEST_NAME + 64],
    length: usize,
}

impl Default for Text {
    fn default() -> Self {
        Self {
            bytes: [0; LONGEST_NAME + 64],
            length: 0,
        }
    }
}

impl Text {
    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn put(&mut self, bytes: &[u8]) {
        let room = self.bytes.iter_mut().skip(self.length);
        self.length += room.zip(bytes).map(|(to, from)| *to = *from).count();
    }

    fn parameters(&mut self, name: &str, first: (&str, u64), second: (&str, u64)) {
        self.length = 0;
        self.put(b"\"");
        let plain = name
            .bytes()
            .filter(|b| matches!(b, b' '..=b'~') && !matches!(b, b'"' | b'\\'));
        for byte in plain.take(LONGEST_NAME) {
            self.put(&[byte]);
        }
        self.put(b"\"");
        for (key, value) in [first, second] {
            self.put(b";");
            self.put(key.as_bytes());
            self.put(b"=");
            self.number(value);
        }
    }

    fn number(&mut self, value: u64) {
        let mut digits = [0; 20];
        let mut rest = value;
        let mut count = 0;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
            count += 1;
            if rest == 0 {
                break;
            }
        }
        self.put(digits.get(digits.len() - count..).unwrap_or_default());
    }
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

    fn ratelimit_headers(policy: &str, outcome: &Outcome) -> Vec<(&'static str, String)> {
        let mut fields = Vec::new();
        ratelimit_fields(policy, outcome, |name, value| {
            fields.push((name, String::from_utf8(value.to_vec()).unwrap()));
        });
        fields
    }

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
