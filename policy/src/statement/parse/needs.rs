//! What requests must have, and what allows must carry.

use super::Parser;
use crate::obligation::RedactLevel;
use crate::said;
use crate::source::{Mistake, brief};
use crate::statement::written::{Charge, Need};

const NEEDS: [&str; 7] = [
    "certificate",
    "assurance",
    "device",
    "risk",
    "hours",
    "weekdays",
    "a",
];

impl Parser<'_> {
    pub(super) fn needs(&mut self) -> Result<Vec<Need>, Mistake> {
        let mut needs = Vec::new();
        loop {
            self.take(&["a"]);
            let at = self.peek().map_or(self.passage.text.len(), |word| word.at);
            let within = |fact, low, high| Need::Within {
                fact,
                low,
                high,
                at,
            };
            let need = match self.take(&NEEDS) {
                Some("certificate") => Need::Certificate { at },
                Some("assurance") => within("aal", self.number(1, 4)?, 4),
                Some("device") => within("dev", self.number(1, 100)?, 100),
                Some("risk") => {
                    self.need(&["below"])?;
                    within("risk", 0, self.number(1, 100)? - 1)
                }
                Some("hours") => {
                    let (low, high) = self.hours()?;
                    within("min", low, high)
                }
                Some("weekdays") => within("dow", 1, 5),
                Some(_) | None => return self.unknown(&NEEDS),
            };
            needs.push(need);
            if self.take(&["and", ","]).is_none() {
                return Ok(needs);
            }
        }
    }

    pub(super) fn charge(&mut self) -> Result<Charge, Mistake> {
        match self.need(&["redact", "log"])? {
            "log" => self.need(&["full"]).map(|_| Charge::LogFull),
            _ => {
                if self.take(&["at"]).is_some() {
                    self.need(&["least"])?;
                }
                let level = match self.need(&["L1", "L2", "L3", "L4"])? {
                    "L1" => RedactLevel::L1,
                    "L2" => RedactLevel::L2,
                    "L3" => RedactLevel::L3,
                    _ => RedactLevel::L4,
                };
                Ok(Charge::Redact(level))
            }
        }
    }

    /// Minutes of the day, both included, of `09:00-18:00`, where the end is not.
    fn hours(&mut self) -> Result<(i64, i64), Mistake> {
        let help = said!(
            "write `hours 09:00-18:00`, the end later than the start and at most `24:00`",
            "写成 `hours 09:00-18:00`，结束时间须晚于开始时间，最晚 `24:00`"
        );
        let start = self.at;
        let word = self.name(&said!("hours", "时间段"))?;
        let minute = |text: &str| -> Option<i64> {
            let (hour, minute) = text.split_once(':')?;
            let two = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
            let (hour, minute) = (
                Some(hour).filter(|h| two(h))?,
                Some(minute).filter(|m| two(m))?,
            );
            let minute = minute.parse::<i64>().ok().filter(|m| *m < 60)?;
            Some(hour.parse::<i64>().ok()? * 60 + minute)
        };
        let bounds = word
            .text
            .split_once('-')
            .and_then(|(from, to)| Some((minute(from)?, minute(to)?)));
        match bounds {
            Some((low, high)) if low < high && high <= 1440 => Ok((low, high - 1)),
            Some(_) | None => Err(self.wrong(
                start,
                said!("`{}` are no hours", "`{}` 不是时间段", brief(&word.text)),
                help,
            )),
        }
    }

    fn number(&mut self, low: i64, high: i64) -> Result<i64, Mistake> {
        let start = self.at;
        let word = self.name(&said!("a number", "数字"))?;
        let number = word
            .text
            .parse::<i64>()
            .ok()
            .filter(|_| word.text.bytes().all(|b| b.is_ascii_digit()));
        number
            .filter(|number| (low..=high).contains(number))
            .ok_or_else(|| {
                let help = said!(
                    "write a whole number from {low} to {high}",
                    "应为 {low} 到 {high} 的整数"
                );
                self.wrong(
                    start,
                    said!(
                        "`{}` does not fit here",
                        "此处不能用 `{}`",
                        brief(&word.text)
                    ),
                    help,
                )
            })
    }
}
