//! Values that carry a unit in the file: times, sizes and rates.

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::time::Duration;

use hangu_policy::{Said, said};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// A duration with a unit: `500ms`, `10s`, `5m`, `12h`, `30d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time(pub Duration);

/// A number of bytes with a unit: `512B`, `64KiB`, `1MiB`, `2GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size(pub u64);

/// Requests in a span of time: `100/s`, `600/m`, `5000/h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    /// How many requests.
    pub count: NonZeroU32,
    /// In how long.
    pub period: Duration,
}

fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(end)?;
    Some((number.parse().ok()?, unit.trim()))
}

impl Time {
    fn parse(text: &str) -> Option<Self> {
        let (number, unit) = split(text)?;
        let millis = match unit {
            "ms" => number,
            "s" => number.checked_mul(1_000)?,
            "m" => number.checked_mul(60_000)?,
            "h" => number.checked_mul(3_600_000)?,
            "d" => number.checked_mul(86_400_000)?,
            _ => return None,
        };
        Some(Self(Duration::from_millis(millis)))
    }
}

impl Size {
    fn parse(text: &str) -> Option<Self> {
        let (number, unit) = split(text)?;
        let factor = match unit {
            "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return None,
        };
        number.checked_mul(factor).map(Self)
    }
}

impl Pace {
    fn parse(text: &str) -> Option<Self> {
        let (count, unit) = text.split_once('/')?;
        let period = match unit {
            "s" => Duration::from_secs(1),
            "m" => Duration::from_secs(60),
            "h" => Duration::from_secs(3600),
            _ => return None,
        };
        Some(Self {
            count: count.parse().ok()?,
            period,
        })
    }
}

/// Stands between the two languages of a message that goes through the parser of the file. A value that holds it
/// garbles the message about itself and nothing else.
const BETWEEN: char = '\u{1f}';

/// A message of this module that came through the parser.
pub(super) fn both(message: &str) -> Option<Said> {
    let (en, zh) = message.split_once(BETWEEN)?;
    Some(Said {
        en: en.to_owned(),
        zh: zh.to_owned(),
    })
}

macro_rules! from_text {
    ($type:ident, $pattern:literal, $would_be:literal, $zh:literal) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<str>::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| {
                    let wrong = said!(
                        "`{text}` has no unit that is known",
                        "`{text}` 没有可用的单位",
                    );
                    let Said { en, zh } = wrong.then(&said!($would_be, $zh));
                    D::Error::custom(format!("{en}{BETWEEN}{zh}"))
                })
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "description": $would_be })
            }
        }
    };
}

from_text!(
    Time,
    "^[0-9]+(ms|s|m|h|d)$",
    "write `500ms`, `10s`, `5m`, `12h` or `30d`",
    "写成 `500ms`、`10s`、`5m`、`12h` 或 `30d` 这样"
);
from_text!(
    Size,
    "^[0-9]+(B|KiB|MiB|GiB)$",
    "write `512B`, `64KiB`, `1MiB` or `2GiB`",
    "写成 `512B`、`64KiB`、`1MiB` 或 `2GiB` 这样"
);
from_text!(
    Pace,
    "^[1-9][0-9]*/(s|m|h)$",
    "write `100/s`, `600/m` or `5000/h`",
    "写成 `100/s`、`600/m` 或 `5000/h` 这样"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_without_a_unit_is_refused() {
        assert_eq!(Time::parse("10"), None);
        assert_eq!(Size::parse("64"), None);
        assert_eq!(Pace::parse("100"), None);
        assert_eq!(Pace::parse("0/s"), None);
    }

    #[test]
    fn units_multiply() {
        assert_eq!(Time::parse("2m"), Some(Time(Duration::from_secs(120))));
        assert_eq!(Size::parse("64KiB"), Some(Size(65_536)));
        assert_eq!(
            Pace::parse("600/m").map(|p| (p.count.get(), p.period)),
            Some((600, Duration::from_secs(60)))
        );
    }

    #[test]
    fn numbers_that_overflow_are_refused() {
        assert_eq!(Time::parse("99999999999999999999d"), None);
        assert_eq!(Size::parse("18446744073709551615GiB"), None);
    }
}
