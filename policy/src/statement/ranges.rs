//! Sets of whole numbers.

use smallvec::{SmallVec, smallvec};

use crate::language::syntax::Comparison;

/// A set of numbers: intervals with both ends included, ascending, neither touching nor overlapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ranges(SmallVec<[(i64, i64); 2]>);

impl Ranges {
    pub(super) fn between(low: i64, high: i64) -> Self {
        if low > high {
            Self(SmallVec::new())
        } else {
            Self(smallvec![(low, high)])
        }
    }

    /// The numbers that compare so with a bound.
    pub(super) fn of(comparison: Comparison, bound: i64) -> Self {
        let below = |bound: i64| {
            bound
                .checked_sub(1)
                .map_or_else(Self::none, |high| Self::between(i64::MIN, high))
        };
        let above = |bound: i64| {
            bound
                .checked_add(1)
                .map_or_else(Self::none, |low| Self::between(low, i64::MAX))
        };
        match comparison {
            Comparison::Equal => Self::between(bound, bound),
            Comparison::Unequal => Self::between(bound, bound).complement(),
            Comparison::Less => below(bound),
            Comparison::LessOrEqual => Self::between(i64::MIN, bound),
            Comparison::Greater => above(bound),
            Comparison::GreaterOrEqual => Self::between(bound, i64::MAX),
        }
    }

    /// The numbers of an interval for which something holds.
    pub(super) fn filtered(low: i64, high: i64, holds: impl Fn(i64) -> bool) -> Self {
        let mut found = Self::none();
        for number in (low..=high).filter(|number| holds(*number)) {
            match found.0.last_mut() {
                Some((_, end)) if number.checked_sub(1) == Some(*end) => *end = number,
                Some(_) | None => found.0.push((number, number)),
            }
        }
        found
    }

    fn none() -> Self {
        Self(SmallVec::new())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn complement(&self) -> Self {
        let mut gaps = SmallVec::new();
        let mut next = Some(i64::MIN);
        for (low, high) in &self.0 {
            if let (Some(start), Some(end)) = (next, low.checked_sub(1))
                && start <= end
            {
                gaps.push((start, end));
            }
            next = high.checked_add(1);
        }
        if let Some(start) = next {
            gaps.push((start, i64::MAX));
        }
        Self(gaps)
    }

    pub(super) fn intersect(&self, other: &Self) -> Self {
        let mut both = SmallVec::new();
        for (low, high) in &self.0 {
            for (least, most) in &other.0 {
                let (start, end) = ((*low).max(*least), (*high).min(*most));
                if start <= end {
                    both.push((start, end));
                }
            }
        }
        Self(both)
    }

    /// The member nearest to 0.
    pub(super) fn plainest(&self) -> Option<i64> {
        let nearest = |(low, high): &(i64, i64)| 0.clamp(*low, *high);
        self.0
            .iter()
            .map(nearest)
            .min_by_key(|number| number.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_comparison_and_its_complement_split_the_numbers() {
        let tried = [i64::MIN, i64::MIN + 1, -1, 0, 1, 5, i64::MAX - 1, i64::MAX];
        for bound in tried {
            for (comparison, holds) in [
                (Comparison::Equal, i64::eq as fn(&i64, &i64) -> bool),
                (Comparison::Unequal, i64::ne),
                (Comparison::Less, i64::lt),
                (Comparison::LessOrEqual, i64::le),
                (Comparison::Greater, i64::gt),
                (Comparison::GreaterOrEqual, i64::ge),
            ] {
                let set = Ranges::of(comparison, bound);
                for number in tried {
                    let within =
                        |set: &Ranges| !set.intersect(&Ranges::between(number, number)).is_empty();
                    assert_eq!(
                        within(&set),
                        holds(&number, &bound),
                        "{comparison:?} {bound} {number}"
                    );
                    assert_ne!(
                        within(&set),
                        within(&set.complement()),
                        "{comparison:?} {bound} {number}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_plainest_number_is_the_one_nearest_to_nothing() {
        assert_eq!(Ranges::between(-3, 7).plainest(), Some(0));
        assert_eq!(
            Ranges::of(Comparison::Unequal, 0)
                .intersect(&Ranges::between(0, 9))
                .plainest(),
            Some(1)
        );
        assert_eq!(Ranges::between(2, 1).plainest(), None);
        assert_eq!(
            Ranges::filtered(0, 9, |n| n % 3 == 1)
                .complement()
                .intersect(&Ranges::between(1, 2))
                .plainest(),
            Some(2)
        );
    }
}
