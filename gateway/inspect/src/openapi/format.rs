//! Forms of values that a schema may ask for by name.

use serde_json::Value;

/// Forms of strings that are checked; others are notes to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Int32,
    Int64,
    Uuid,
    Date,
    DateTime,
    Ipv4,
    Ipv6,
}

impl Format {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "int32" => Self::Int32,
            "int64" => Self::Int64,
            "uuid" => Self::Uuid,
            "date" => Self::Date,
            "date-time" => Self::DateTime,
            "ipv4" => Self::Ipv4,
            "ipv6" => Self::Ipv6,
            _ => return None,
        })
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Uuid => "uuid",
            Self::Date => "date",
            Self::DateTime => "date-time",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
        }
    }

    pub(super) fn holds(self, value: &Value) -> bool {
        let text = value.as_str();
        match (self, text) {
            (Self::Int32, None) => value
                .as_f64()
                .is_none_or(|n| (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&n)),
            (Self::Int64, None) => {
                !value.is_number()
                    || value.as_i64().is_some()
                    || value.is_f64() && value.as_f64().is_some_and(|n| n.abs() < 9.2e18)
            }
            (_, None) => true,
            (Self::Int32 | Self::Int64, Some(_)) => true,
            (Self::Uuid, Some(text)) => {
                text.len() == 36
                    && text.bytes().enumerate().all(|(i, b)| match i {
                        8 | 13 | 18 | 23 => b == b'-',
                        _ => b.is_ascii_hexdigit(),
                    })
            }
            (Self::Date, Some(text)) => is_date(text),
            (Self::DateTime, Some(text)) => is_date_time(text),
            (Self::Ipv4, Some(text)) => text.parse::<std::net::Ipv4Addr>().is_ok(),
            (Self::Ipv6, Some(text)) => text.parse::<std::net::Ipv6Addr>().is_ok(),
        }
    }
}

fn is_date(text: &str) -> bool {
    let digits = |from: usize, to: usize| text.get(from..to).and_then(|t| t.parse::<u8>().ok());
    text.len() == 10
        && text.bytes().enumerate().all(|(i, b)| {
            if matches!(i, 4 | 7) {
                b == b'-'
            } else {
                b.is_ascii_digit()
            }
        })
        && digits(5, 7).is_some_and(|month| (1..=12).contains(&month))
        && digits(8, 10).is_some_and(|day| (1..=31).contains(&day))
}

/// RFC 3339, section 5.6.
fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = text.split_at_checked(10) else {
        return false;
    };
    let Some(time) = time.strip_prefix(['T', 't', ' ']) else {
        return false;
    };
    let Some((clock, zone)) = time.split_at_checked(8) else {
        return false;
    };
    let clock_is = clock.bytes().enumerate().all(|(i, b)| {
        if matches!(i, 2 | 5) {
            b == b':'
        } else {
            b.is_ascii_digit()
        }
    });
    let zone = match zone.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => zone,
    };
    let offset = || {
        zone.strip_prefix(['+', '-']).is_some_and(|offset| {
            offset.len() == 5
                && offset.bytes().enumerate().all(|(i, b)| {
                    if i == 2 {
                        b == b':'
                    } else {
                        b.is_ascii_digit()
                    }
                })
        })
    };
    is_date(date) && clock_is && (zone.eq_ignore_ascii_case("z") || offset())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_apart_at_their_edges() {
        for (format, good, bad) in [
            (Format::Date, "2024-02-29", "2024-2-29"),
            (Format::Date, "2024-12-31", "2024-13-01"),
            (
                Format::DateTime,
                "2024-05-06T12:00:00Z",
                "2024-05-06T12:00:00",
            ),
            (
                Format::DateTime,
                "2024-05-06T12:00:00.123+08:00",
                "2024-05-06T12:00:00+0800",
            ),
            (
                Format::Uuid,
                "123e4567-e89b-12d3-a456-426614174000",
                "123e4567e89b12d3a456426614174000",
            ),
            (Format::Ipv4, "192.0.2.1", "192.0.2.256"),
            (Format::Ipv6, "2001:db8::1", "2001:db8::1::2"),
        ] {
            assert!(format.holds(&Value::from(good)), "{good}");
            assert!(!format.holds(&Value::from(bad)), "{bad}");
        }
        assert!(Format::Int32.holds(&Value::from(i32::MAX)));
        assert!(!Format::Int32.holds(&Value::from(i64::from(i32::MAX) + 1)));
        assert!(Format::Int64.holds(&Value::from(i64::MIN)));
        assert!(!Format::Int64.holds(&Value::from(u64::MAX)));
        assert!(Format::Int64.holds(&Value::from("text")));
    }
}
