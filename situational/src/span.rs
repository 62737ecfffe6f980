//! Durations with their unit, as `90s`, `15m`, `1h` or `7d`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "`{text}` is not a duration; write a whole number and a unit, such as `90s`, `15m`, `1h` or `7d`"
        )
    };
    let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let (_, factor) = UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or_else(wrong)?;
    let millis = number.checked_mul(*factor).ok_or_else(wrong)?;
    if millis == 0 {
        return Err(format!("`{text}` must be longer than nothing"));
    }
    if millis > 400 * 86_400_000 {
        return Err(format!(
            "`{text}` is longer than 400 days, the most that is kept"
        ));
    }
    Ok(Duration::from_millis(millis))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(source: D) -> Result<Duration, D::Error> {
    parse(&String::deserialize(source)?).map_err(serde::de::Error::custom)
}

pub(crate) fn serialize<S: Serializer>(span: &Duration, sink: S) -> Result<S::Ok, S::Error> {
    let millis = millis(*span);
    let whole = UNITS
        .iter()
        .find(|(_, factor)| millis.is_multiple_of(*factor));
    let (unit, factor) = whole.copied().unwrap_or(("ms", 1));
    sink.collect_str(&format_args!("{}{unit}", millis / factor))
}

/// Milliseconds, as times of events are counted.
pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_without_a_known_unit_or_length_is_refused() {
        assert_eq!(parse("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("7d"), Ok(Duration::from_secs(7 * 86_400)));
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        for wrong in [
            "",
            "5",
            "s",
            "-5s",
            "5 s",
            "5w",
            "0s",
            "99999999999999999999s",
            "18446744073709551615d",
            "401d",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
