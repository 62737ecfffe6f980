//! What a candidate would have decided otherwise, in bounded memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::facts::Value;
use crate::rules::view::RuleId;

/// How two decisions differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flip {
    /// Denied by the live policy, allowed by the candidate.
    Gained,
    /// Allowed by the live policy, denied by the candidate.
    Lost,
    /// Decided alike, at another cost.
    Costs,
    /// One of them cannot judge the request.
    Unjudged,
}

/// Which rules decided otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Difference {
    /// The first rule of the live decision; `None` if no rule applied.
    pub live: Option<RuleId>,
    /// The first rule of the candidate's decision; `None` if no rule applied.
    pub candidate: Option<RuleId>,
    /// How they differ.
    pub flip: Flip,
}

/// A request that was decided otherwise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Who asked.
    pub caller: String,
    /// The caller's department.
    pub department: String,
    /// The request's values, in the order of the model.
    pub request: Json,
}

/// A difference with how often it was seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Counted {
    /// What differs.
    #[serde(flatten)]
    pub difference: Difference,
    /// How often.
    pub count: u64,
    /// The first requests.
    pub samples: Vec<Sample>,
}

/// Everything that differed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// Requests that both policies were asked.
    pub compared: u64,
    /// Differences, the most frequent first.
    pub differences: Vec<Counted>,
    /// Requests that differ in a way for which there was no room.
    pub beyond: u64,
}

/// Kinds of differences that are kept; chosen.
const KINDS: usize = 256;

/// Requests that are kept of each kind; chosen.
const SAMPLES: usize = 3;

/// Longest text of a sample in bytes; chosen, so that all samples together stay below 8 MiB.
const LONGEST: usize = 1024;

/// Counts differences.
#[derive(Debug, Default)]
pub(super) struct Differences {
    compared: AtomicU64,
    beyond: AtomicU64,
    /// Guards the table, so that a report is of one moment. Only requests that differ take it.
    table: Mutex<HashMap<Difference, (u64, Vec<Sample>)>>,
}

impl Differences {
    pub(super) fn compared(&self) {
        self.compared.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note(
        &self,
        difference: Difference,
        values: &[Value<'_>],
        (caller, department): (&str, &str),
        at_ms: u64,
    ) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= KINDS && !table.contains_key(&difference) {
            self.beyond.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let (count, samples) = table.entry(difference).or_default();
        *count = count.saturating_add(1);
        if samples.len() < SAMPLES {
            samples.push(Sample {
                at_ms,
                caller: short(caller),
                department: short(department),
                request: values.iter().map(json).collect(),
            });
        }
    }

    pub(super) fn report(&self) -> Report {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let mut differences: Vec<Counted> = table
            .iter()
            .map(|(difference, (count, samples))| Counted {
                difference: *difference,
                count: *count,
                samples: samples.clone(),
            })
            .collect();
        differences.sort_by_key(|counted| (std::cmp::Reverse(counted.count), counted.difference));
        Report {
            compared: self.compared.load(Ordering::Relaxed),
            differences,
            beyond: self.beyond.load(Ordering::Relaxed),
        }
    }
}

fn short(text: &str) -> String {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or_default().to_owned()
}

fn json(value: &Value<'_>) -> Json {
    match value {
        Value::Str(text) => Json::from(short(text)),
        Value::Int(number) => Json::from(*number),
        Value::Bool(known) => Json::from(*known),
        Value::Map(entries) => Json::Object(
            entries
                .iter()
                .map(|(name, value)| (short(name), json(value)))
                .collect::<Map<_, _>>(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_bounded_and_says_what_it_left_out() {
        let differences = Differences::default();
        for rule in 0..1000 {
            let difference = Difference {
                live: Some(RuleId(rule)),
                candidate: None,
                flip: Flip::Lost,
            };
            for _ in 0..5 {
                differences.compared();
                let long = "中".repeat(1000);
                differences.note(difference, &[Value::Str(&long)], ("u:ann", "web"), 7);
            }
        }
        let report = differences.report();
        assert_eq!(report.compared, 5000);
        assert_eq!(report.differences.len(), KINDS);
        assert_eq!(report.beyond, (1000 - KINDS as u64) * 5);
        for counted in report.differences {
            assert_eq!((counted.count, counted.samples.len()), (5, SAMPLES));
            let text = counted.samples[0].request[0].as_str().unwrap();
            assert_eq!(text.len(), LONGEST / 3 * 3);
        }
    }

    #[test]
    fn the_most_frequent_difference_comes_first() {
        let differences = Differences::default();
        let kind = |flip| Difference {
            live: None,
            candidate: None,
            flip,
        };
        differences.note(kind(Flip::Gained), &[], ("a", ""), 1);
        differences.note(kind(Flip::Lost), &[], ("a", ""), 1);
        differences.note(kind(Flip::Lost), &[], ("b", ""), 2);
        let report = differences.report();
        assert_eq!(report.differences[0].difference.flip, Flip::Lost);
        assert_eq!(report.differences[0].count, 2);
    }
}
