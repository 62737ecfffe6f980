//! What the cells of a document say, and of whom.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::solve::solve;
use super::{Carrier, Place, RECIPIENT_BITS, Recipient};

/// Cells of one carrier that are counted, at most: chosen, a thousand times what is needed.
const CELLS_MAX: usize = 1 << 16;

/// What the different cells of a document carry.
#[derive(Debug, Clone, Default)]
pub struct Votes {
    /// By carrier: how often a cell was seen with its bit clear and set.
    seen: [HashMap<Place, (u32, u32), FixedState>; Carrier::ALL.len()],
}

/// A recipient whose marks a document carries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match {
    /// Who.
    pub recipient: Recipient,
    /// Different cells that were compared.
    pub cells: usize,
    /// Those that carry what this recipient's copy carries; of a document that is nobody's, about half.
    pub agreeing: usize,
    /// The probability that a document without any mark of theirs names one of all who were asked about, at most: a
    /// one-sided binomial test, multiplied by everything that was tried.
    pub chance: f64,
}

/// Cells with the bits they carry.
type Group = Vec<(Place, bool)>;

impl Votes {
    pub(super) fn add(&mut self, carrier: Carrier, place: Place, bit: bool) {
        let Some(seen) = self.seen.get_mut(carrier as usize) else {
            return;
        };
        if seen.len() >= CELLS_MAX && !seen.contains_key(&place) {
            return;
        }
        let (clear, set) = seen.entry(place).or_default();
        let count = if bit { set } else { clear };
        *count = count.saturating_add(1);
    }

    /// Returns how many different cells were seen, of all carriers.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.seen.iter().map(HashMap::len).sum()
    }

    /// Compares with the copies of everybody who may have had one; tells of whom `most` or less is the chance of a wrong
    /// accusation, the surest first. Nobody, where the document does not tell.
    #[must_use]
    pub fn accuse(&self, candidates: &[Recipient], most: f64) -> Vec<Match> {
        let groups = self.groups();
        let tried = count(candidates.len() * groups.len());
        let best = |&recipient: &Recipient| {
            let matches = groups.iter().map(|group| compare(group, recipient, tried));
            matches.min_by(|one, two| one.chance.total_cmp(&two.chance))
        };
        let mut matches: Vec<Match> = candidates.iter().filter_map(best).collect();
        matches.retain(|found| found.chance <= most);
        matches.sort_by(|one, two| one.chance.total_cmp(&two.chance));
        matches
    }

    /// Reads the number of the recipient out of the cells, without knowing who there is; `None` where the chance that it is
    /// wrong is more than `most`, or the document has the marks of several.
    #[must_use]
    pub fn read(&self, most: f64) -> Option<Match> {
        let groups = self.groups();
        let all = 2_f64.powi(i32::try_from(RECIPIENT_BITS).unwrap_or(i32::MAX));
        let tried = count(groups.len()) * all;
        let solved = groups.iter().filter_map(|group| {
            let cells: Vec<(u64, bool)> = group
                .iter()
                .map(|&(place, bit)| (place.vector(), bit ^ place.hiding()))
                .collect();
            let recipient = solve(&cells, enough(group.len(), most / tried)?)?;
            Some(compare(group, Recipient::new(recipient)?, tried))
        });
        solved
            .filter(|found| found.chance <= most)
            .min_by(|one, two| one.chance.total_cmp(&two.chance))
    }

    /// The cells of each carrier that was used, and of all of them. Which are tried depends on what a document carries, and
    /// on nobody's number.
    fn groups(&self) -> Vec<Group> {
        let mut groups: Vec<Group> = self.seen.iter().map(group).collect();
        groups.retain(|group| group.iter().any(|&(_, bit)| bit));
        if groups.len() > 1 {
            groups.push(groups.concat());
        }
        groups
    }
}

/// Every different cell counts once: what it carries mostly. Those that say both as often say nothing.
fn group(seen: &HashMap<Place, (u32, u32), FixedState>) -> Group {
    let mut group: Group = seen
        .iter()
        .filter(|(_, (clear, set))| clear != set)
        .map(|(&place, (clear, set))| (place, set > clear))
        .collect();
    group.sort_unstable_by_key(|&(place, _)| place.0);
    group
}

fn compare(group: &Group, recipient: Recipient, tried: f64) -> Match {
    let agreeing = group
        .iter()
        .filter(|&&(place, bit)| place.bit(recipient) == bit)
        .count();
    Match {
        recipient,
        cells: group.len(),
        agreeing,
        chance: (tail(group.len(), agreeing) * tried).min(1.0),
    }
}

/// The fewest agreeing cells whose chance is small enough; `None` where not even all of them are.
fn enough(cells: usize, most: f64) -> Option<usize> {
    let (mut low, mut high) = (0, cells);
    if tail(cells, cells) > most {
        return None;
    }
    while low < high {
        let middle = low.midpoint(high);
        if tail(cells, middle) <= most {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(high)
}

/// The probability that of `cells` coins at least `heads` show heads.
fn tail(cells: usize, heads: usize) -> f64 {
    if heads == 0 || heads > cells {
        return if heads == 0 { 1.0 } else { 0.0 };
    }
    let others = cells - heads;
    let logarithm: f64 = (1..=others)
        .map(|at| (count(heads + at) / count(at)).ln())
        .sum();
    let first = (logarithm - count(cells) * std::f64::consts::LN_2).exp();
    let (mut sum, mut term) = (0.0, 1.0);
    for at in heads..=cells {
        sum += term;
        term *= count(cells - at) / count(at + 1);
        if term < 1e-18 * sum {
            break;
        }
    }
    (first * sum).min(1.0)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "cells and candidates are counted, and far fewer than a mantissa holds"
)]
fn count(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_that_of_the_binomial_distribution() {
        for (cells, heads, chance) in [
            (10, 10, 1.0 / 1024.0),
            (10, 9, 11.0 / 1024.0),
            (10, 5, 638.0 / 1024.0),
            (10, 0, 1.0),
            (0, 0, 1.0),
            (40, 40, 0.5_f64.powi(40)),
        ] {
            let found = tail(cells, heads);
            assert!(
                (found / chance - 1.0).abs() < 1e-9,
                "{cells} {heads} {found}"
            );
        }
        // Of 65,536 coins half show heads, give or take 128.
        assert!((tail(65_536, 32_768 + 128) - 0.159_4).abs() < 1e-3);
        assert_eq!(tail(5, 6), 0.0);
    }

    #[test]
    fn what_is_enough_is_just_enough() {
        for cells in [50, 60, 200, 5_000] {
            let most = 1e-6 / 2_f64.powi(40);
            match enough(cells, most) {
                Some(heads) => {
                    assert!(tail(cells, heads) <= most && tail(cells, heads - 1) > most);
                }
                None => assert_eq!(cells, 50),
            }
        }
    }
}
