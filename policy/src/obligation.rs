//! What an answer costs: parsed at load, combined over the rows that made the decision.
//!
//! A row that does not name an obligation says nothing about it: `redact:L3` and a row without
//! `redact` combine to `L3`.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::{Said, said};

/// How much is taken out of a response; L1 takes least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum RedactLevel {
    /// Least.
    L1,
    /// More.
    L2,
    /// More still.
    L3,
    /// Everything that is known to be personal.
    L4,
}

/// A class of request rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RateClass {
    /// The lowest.
    Bronze,
    /// The middle.
    Silver,
    /// The highest.
    Gold,
}

impl RateClass {
    /// As rules write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bronze => "bronze",
            Self::Silver => "silver",
            Self::Gold => "gold",
        }
    }
}

/// A set of names, sorted. Cloning is cheap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(Option<Arc<[Box<str>]>>);

impl Names {
    fn of(names: impl Iterator<Item = Box<str>>) -> Self {
        let mut names: Vec<Box<str>> = names.collect();
        names.sort();
        names.dedup();
        if names.is_empty() {
            Self(None)
        } else {
            Self(Some(names.into()))
        }
    }

    /// The names in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .flat_map(|names| names.iter())
            .map(|name| &**name)
    }

    /// Whether no name is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether this name is in it.
    pub fn contains(&self, name: &str) -> bool {
        self.iter().any(|known| known == name)
    }

    fn union(&self, other: &Self) -> Self {
        if other.is_empty() || self == other {
            return self.clone();
        }
        if self.is_empty() {
            return other.clone();
        }
        Self::of(self.iter().chain(other.iter()).map(Box::from))
    }
}

impl Serialize for Names {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// What an answer costs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Obligations {
    /// Redact the response at this level; the least that an allowing row asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redact: Option<RedactLevel>,
    /// Keep the full log of this request; any row may ask.
    #[serde(skip_serializing_if = "is_false")]
    pub log_full: bool,
    /// Rate class; the best that a row grants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<RateClass>,
    /// Mark the response with the caller; any row may ask.
    #[serde(skip_serializing_if = "is_false")]
    pub watermark: bool,
    /// Requests per day; the tightest cap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<u32>,
    /// Fields that some row grants; empty means that no row restricts them.
    #[serde(skip_serializing_if = "Names::is_empty")]
    pub fields: Names,
    /// Every approver that a row asks for.
    #[serde(skip_serializing_if = "Names::is_empty")]
    pub foureyes: Names,
    /// Assurance to ask of the caller, 0 to 4; the highest that a row asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stepup: Option<u8>,
    /// Who is told; the union.
    #[serde(skip_serializing_if = "Names::is_empty")]
    pub alert: Names,
    /// Advice (`~name:arg`), which may be ignored; the union.
    #[serde(skip_serializing_if = "Names::is_empty")]
    pub advice: Names,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// A fault in an obligation, with its byte offset in the column.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) offset: usize,
    pub(crate) message: Said,
    pub(crate) help: Said,
}

impl Obligations {
    /// Whether the answer costs nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what another matched row asks for.
    pub(crate) fn combine(&mut self, other: &Self) {
        self.redact = least(self.redact, other.redact);
        self.log_full |= other.log_full;
        self.rate = self.rate.max(other.rate);
        self.watermark |= other.watermark;
        self.quota = least(self.quota, other.quota);
        self.fields = self.fields.union(&other.fields);
        self.foureyes = self.foureyes.union(&other.foureyes);
        self.stepup = self.stepup.max(other.stepup);
        self.alert = self.alert.union(&other.alert);
        self.advice = self.advice.union(&other.advice);
    }

    /// Whether a denying row may carry this: only what the record needs.
    pub(crate) fn fits_a_denial(&self) -> bool {
        Self {
            log_full: false,
            alert: Names::default(),
            advice: Names::default(),
            ..self.clone()
        }
        .is_empty()
    }

    /// Reads `name:arg` joined by `;`.
    pub(crate) fn parse(column: &str) -> Result<Self, Fault> {
        let mut obligations = Self::default();
        let mut seen: Vec<&str> = Vec::new();
        let mut offset = 0;
        for part in column.split(';') {
            let start = offset + (part.len() - part.trim_start().len());
            offset += part.len() + 1;
            let part = part.trim();
            if part.is_empty() {
                if column.trim().is_empty() {
                    break;
                }
                return Err(fault(
                    start,
                    said!("empty obligation", "义务为空"),
                    said!(
                        "write `name:arg` joined by `;`",
                        "写成 `name:arg`，多项之间用 `;` 分隔"
                    ),
                ));
            }
            if let Some(advice) = part.strip_prefix('~') {
                obligations.advice = obligations
                    .advice
                    .union(&Names::of([Box::from(advice)].into_iter()));
                continue;
            }
            let Some((name, arg)) = part.split_once(':') else {
                return Err(fault(
                    start,
                    said!(
                        "obligation `{part}` has no argument",
                        "义务 `{part}` 缺少参数"
                    ),
                    said!("write `name:arg`", "写成 `name:arg`"),
                ));
            };
            if seen.contains(&name) {
                return Err(fault(
                    start,
                    said!("obligation `{name}` stands twice", "义务 `{name}` 写了两次"),
                    said!("write it once", "只写一次"),
                ));
            }
            seen.push(name);
            obligations
                .set(name, arg)
                .map_err(|(message, help)| fault(start, message, help))?;
        }
        Ok(obligations)
    }

    fn set(&mut self, name: &str, arg: &str) -> Result<(), (Said, Said)> {
        let bad = |help| {
            Err((
                said!(
                    "`{arg}` is no argument of `{name}`",
                    "`{arg}` 不能作为 `{name}` 的参数"
                ),
                help,
            ))
        };
        match name {
            "redact" => match arg {
                "L1" => self.redact = Some(RedactLevel::L1),
                "L2" => self.redact = Some(RedactLevel::L2),
                "L3" => self.redact = Some(RedactLevel::L3),
                "L4" => self.redact = Some(RedactLevel::L4),
                _ => {
                    return bad(said!(
                        "write `L1`, `L2`, `L3` or `L4`",
                        "应为 `L1`、`L2`、`L3` 或 `L4`"
                    ));
                }
            },
            "log" if arg == "full" => self.log_full = true,
            "log" => return bad(said!("write `full`", "应为 `full`")),
            "rate" => match arg {
                "bronze" => self.rate = Some(RateClass::Bronze),
                "silver" => self.rate = Some(RateClass::Silver),
                "gold" => self.rate = Some(RateClass::Gold),
                _ => {
                    return bad(said!(
                        "write `bronze`, `silver` or `gold`",
                        "应为 `bronze`、`silver` 或 `gold`"
                    ));
                }
            },
            "watermark" if arg == "on" => self.watermark = true,
            "watermark" => return bad(said!("write `on`", "应为 `on`")),
            "quota" => match arg.parse::<u32>() {
                Ok(quota) if arg.bytes().all(|b| b.is_ascii_digit()) => self.quota = Some(quota),
                Ok(_) | Err(_) => {
                    return bad(said!(
                        "write a whole number from 0 to 4294967295",
                        "应为 0 到 4294967295 的整数"
                    ));
                }
            },
            "stepup" => match arg.as_bytes() {
                [level @ b'0'..=b'4'] => self.stepup = Some(level - b'0'),
                _ => {
                    return bad(said!(
                        "write an assurance from 0 to 4",
                        "认证强度应为 0 到 4"
                    ));
                }
            },
            "fields" => self.fields = names(name, arg)?,
            "foureyes" => self.foureyes = names(name, arg)?,
            "alert" => self.alert = names(name, arg)?,
            _ => {
                return Err((
                    said!("unknown obligation `{name}`", "没有名为 `{name}` 的义务"),
                    known(),
                ));
            }
        }
        Ok(())
    }
}

fn names(name: &str, arg: &str) -> Result<Names, (Said, Said)> {
    if arg
        .split('|')
        .any(|part| part.is_empty() || part.contains(char::is_whitespace))
    {
        return Err((
            said!(
                "`{arg}` is no argument of `{name}`",
                "`{arg}` 不能作为 `{name}` 的参数"
            ),
            said!(
                "write names joined by `|`, without blanks",
                "名称之间用 `|` 分隔，不留空格"
            ),
        ));
    }
    Ok(Names::of(arg.split('|').map(Box::from)))
}

fn known() -> Said {
    said!(
        "known are redact, log, rate, watermark, quota, fields, foureyes, stepup and alert; begin with `~` what may be ignored",
        "可用的义务有 redact、log、rate、watermark、quota、fields、foureyes、stepup 和 alert；可以不履行的请以 `~` 开头"
    )
}

fn least<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn fault(offset: usize, message: Said, help: Said) -> Fault {
    Fault {
        offset,
        message,
        help,
    }
}

impl fmt::Display for Obligations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = Vec::new();
        let joined = |names: &Names| names.iter().collect::<Vec<_>>().join("|");
        parts.extend(self.redact.map(|level| format!("redact:{level:?}")));
        parts.extend(self.log_full.then(|| "log:full".to_owned()));
        parts.extend(self.rate.map(|class| format!("rate:{}", class.name())));
        parts.extend(self.watermark.then(|| "watermark:on".to_owned()));
        parts.extend(self.quota.map(|quota| format!("quota:{quota}")));
        parts.extend((!self.fields.is_empty()).then(|| format!("fields:{}", joined(&self.fields))));
        parts.extend(
            (!self.foureyes.is_empty()).then(|| format!("foureyes:{}", joined(&self.foureyes))),
        );
        parts.extend(self.stepup.map(|level| format!("stepup:{level}")));
        parts.extend((!self.alert.is_empty()).then(|| format!("alert:{}", joined(&self.alert))));
        parts.extend(self.advice.iter().map(|advice| format!("~{advice}")));
        f.write_str(&parts.join(";"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Obligations {
        Obligations::parse(text).unwrap()
    }

    #[test]
    fn each_obligation_combines_by_its_own_rule() {
        let mut all = parsed("redact:L3;rate:bronze;quota:100;fields:a|b;foureyes:role:x;stepup:1");
        all.combine(&parsed(
            "redact:L1;log:full;rate:gold;watermark:on;quota:7;fields:b|c;foureyes:role:y;stepup:3",
        ));
        assert_eq!(
            all.to_string(),
            "redact:L1;log:full;rate:gold;watermark:on;quota:7;fields:a|b|c;foureyes:role:x|role:y;stepup:3"
        );
    }

    #[test]
    fn a_row_that_is_silent_does_not_lift_an_obligation() {
        let mut all = parsed("redact:L3;quota:5");
        all.combine(&parsed(""));
        assert_eq!(all, parsed("redact:L3;quota:5"));
    }

    #[test]
    fn unknown_obligations_are_refused_unless_they_are_advice() {
        assert!(
            Obligations::parse("encrypt:on")
                .unwrap_err()
                .message
                .en
                .contains("`encrypt`")
        );
        assert_eq!(
            parsed("~encrypt:on").advice.iter().collect::<Vec<_>>(),
            ["encrypt:on"]
        );
    }

    #[test]
    fn malformed_obligations_are_refused_where_they_stand() {
        for (text, offset) in [
            ("redact", 0),
            ("redact:L5", 0),
            ("log:full;;x:y", 9),
            ("log:full; rate:tin", 10),
            ("quota:-1", 0),
            ("quota:+1", 0),
            ("stepup:5", 0),
            ("log:full;log:full", 9),
            ("fields:", 0),
            ("fields:a||b", 0),
            (";", 0),
        ] {
            assert_eq!(
                Obligations::parse(text).unwrap_err().offset,
                offset,
                "{text}"
            );
        }
    }

    #[test]
    fn a_denial_carries_only_what_the_record_needs() {
        assert!(parsed("log:full;alert:soc;~note:x").fits_a_denial());
        assert!(!parsed("redact:L1").fits_a_denial());
    }
}
