//! Citizens and enterprises, made up from a seed and the number of each: any of them at any time, none kept.
//!
//! Whatever carries a check digit carries the right one ([`check`]); names, places and ages come with the frequencies
//! they have (`lists`). No one of them exists.

pub mod check;
mod enterprise;
mod lists;
mod person;
mod random;

pub use enterprise::Enterprise;
pub use person::{Gender, Person};

use random::Random;

/// The most records there can be: what fits into the part of an organisation code that is counted.
pub const MOST: u64 = 800_000_000;

/// The records of the portals: numbers from 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Records {
    seed: u64,
    count: u64,
}

impl Records {
    /// So many citizens, and as many enterprises, of a seed. At least one, at most [`MOST`].
    #[must_use]
    pub const fn new(seed: u64, count: u64) -> Self {
        let count = if count > MOST { MOST } else { count };
        Self {
            seed,
            count: if count == 0 { 1 } else { count },
        }
    }

    /// How many there are of each.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The citizen of a number, if there is one.
    #[must_use]
    pub fn person(&self, number: u64) -> Option<Person> {
        (1..=self.count)
            .contains(&number)
            .then(|| person::of(number, Random::of(self.seed, "person", number)))
    }

    /// The citizen of a number, counted round: there is always one.
    #[must_use]
    pub fn person_round(&self, number: u64) -> Person {
        let number = number
            .checked_rem(self.count)
            .unwrap_or(0)
            .saturating_add(1);
        person::of(number, Random::of(self.seed, "person", number))
    }

    /// The enterprise of a number, if there is one.
    #[must_use]
    pub fn enterprise(&self, number: u64) -> Option<Enterprise> {
        let legal_person = person::of(number, Random::of(self.seed, "person", number)).name;
        (1..=self.count).contains(&number).then(|| {
            enterprise::of(
                number,
                legal_person,
                Random::of(self.seed, "enterprise", number),
            )
        })
    }

    /// The enterprise of a unified social credit code, if there is one.
    #[must_use]
    pub fn enterprise_by_code(&self, code: &str) -> Option<Enterprise> {
        self.enterprise(enterprise::number_of(code)?)
            .filter(|e| e.credit_code == code)
    }

    /// A page of citizens, counted from 1.
    pub fn page(&self, page: u64, size: u64) -> impl Iterator<Item = Person> + use<> {
        let records = *self;
        let first = page
            .saturating_sub(1)
            .saturating_mul(size)
            .saturating_add(1);
        (first..first.saturating_add(size)).map_while(move |number| records.person(number))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_people_and_another_makes_others() {
        let (a, b, c) = (
            Records::new(7, 100),
            Records::new(7, 1_000),
            Records::new(8, 100),
        );
        for number in 1..=100 {
            assert_eq!(a.person(number), b.person(number));
            assert_ne!(a.person(number), c.person(number));
        }
    }

    #[test]
    fn every_number_that_carries_a_check_digit_carries_the_right_one() {
        let records = Records::new(3, 5_000);
        for number in 1..=records.count() {
            let person = records.person(number).unwrap();
            assert!(check::is_resident_id(&person.resident_id), "{person:?}");
            assert!(check::is_luhn(&person.bank_card), "{person:?}");
            let enterprise = records.enterprise(number).unwrap();
            assert!(
                check::is_credit_code(&enterprise.credit_code),
                "{enterprise:?}"
            );
            assert!(check::is_luhn(&enterprise.account), "{enterprise:?}");
        }
    }

    #[test]
    fn a_resident_id_agrees_with_the_birthday_and_the_gender_beside_it() {
        let records = Records::new(4, 2_000);
        for person in records.page(1, 2_000) {
            assert_eq!(person.resident_id[6..14], person.birthday.replace('-', ""));
            let odd = (person.resident_id.as_bytes()[16] - b'0') % 2 == 1;
            assert_eq!(odd, person.gender == Gender::Male, "{person:?}");
        }
    }

    #[test]
    fn an_enterprise_is_found_by_its_code_and_by_no_other() {
        let records = Records::new(5, 500);
        for number in 1..=500 {
            let enterprise = records.enterprise(number).unwrap();
            assert_eq!(
                records.enterprise_by_code(&enterprise.credit_code),
                Some(enterprise.clone())
            );
            let other = format!("31{}", &enterprise.credit_code[2..]);
            assert_eq!(records.enterprise_by_code(&other), None);
        }
        for odd in [
            "",
            "91",
            "办事办事办事办事",
            "91350100M000100Y43",
            "zzzzzzzzzzzzzzzzzz",
        ] {
            assert_eq!(records.enterprise_by_code(odd), None);
        }
    }

    #[test]
    fn names_come_as_often_as_they_do() {
        let records = Records::new(6, 20_000);
        let mut surnames = BTreeMap::<char, u32>::new();
        let mut ids = HashSet::new();
        for person in records.page(1, 20_000) {
            *surnames
                .entry(person.name.chars().next().unwrap())
                .or_default() += 1;
            ids.insert(person.resident_id);
        }
        assert!((1_200..2_000).contains(&surnames[&'王']), "{surnames:?}");
        assert!(
            surnames[&'王'] > 3 * surnames[&'孙'] && surnames.len() > 50,
            "{surnames:?}"
        );
        assert!(ids.len() > 19_950, "{} different", ids.len());
    }

    #[test]
    fn a_page_ends_where_the_records_end() {
        let records = Records::new(1, 25);
        let numbers = |page| records.page(page, 10).map(|p| p.id).collect::<Vec<_>>();
        assert_eq!(numbers(3), [21, 22, 23, 24, 25]);
        assert_eq!(numbers(4), [0u64; 0]);
        assert_eq!(numbers(0), numbers(1));
        assert_eq!(records.page(u64::MAX, u64::MAX).count(), 0);
        assert_eq!((records.person(0), records.person(26)), (None, None));
    }
}
