//! Whom a body tells of: people told apart by a keyed hash of what identifies them, never by what it says.

use std::collections::HashSet;
use std::fmt;
use std::hash::Hasher as _;
use std::sync::Arc;

use siphasher::sip::SipHasher24;

use crate::kind::Kind;

/// People of one body that are told apart; of more, the rest is not told. Chosen: a limit on how many may be read is
/// far below, and 8 bytes each bound what a body costs.
pub const PEOPLE_MAX: usize = 4096;

/// Kinds that a person has one of, or few, and nobody else: the surest first.
const IDENTIFYING: [Kind; 8] = [
    Kind::ResidentId,
    Kind::Ssn,
    Kind::Passport,
    Kind::Permit,
    Kind::MilitaryId,
    Kind::Mobile,
    Kind::Email,
    Kind::BankCard,
];

/// The key under which people are told apart: SipHash-2-4, a pseudorandom function, so that without the key nobody
/// can try all the numbers there are.
#[derive(Clone)]
pub struct PersonKey([u8; 16]);

impl fmt::Debug for PersonKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonKey(…)")
    }
}

/// A person, told by what identifies them under a key. Shown as 16 letters, which no redaction takes for a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Person(pub u64);

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nibbles = self.0.to_be_bytes().into_iter();
        nibbles
            .flat_map(|byte| [byte >> 4, byte & 15])
            .try_for_each(|nibble| write!(f, "{}", char::from(b'a' + nibble)))
    }
}

impl PersonKey {
    /// Takes 16 random bytes.
    #[must_use]
    pub fn new(key: [u8; 16]) -> Self {
        Self(key)
    }

    /// Returns the person whom a value identifies, however its separators are written; `None` for kinds that identify
    /// nobody, and for values without a letter or digit.
    #[must_use]
    pub fn person(&self, kind: Kind, value: &str) -> Option<Person> {
        if !IDENTIFYING.contains(&kind) {
            return None;
        }
        let written =
            |ch: &char| ch.is_alphanumeric() || (kind == Kind::Email && "@._-+".contains(*ch));
        let mut plain: String = value
            .chars()
            .filter(written)
            .flat_map(char::to_lowercase)
            .collect();
        if kind == Kind::Mobile {
            let at = plain.len().saturating_sub(11);
            plain = plain.get(at..).unwrap_or_default().to_owned();
        }
        if plain.is_empty() {
            return None;
        }
        let mut hasher = SipHasher24::new_with_key(&self.0);
        hasher.write(kind.as_str().as_bytes());
        hasher.write_u8(0);
        hasher.write(plain.as_bytes());
        Some(Person(hasher.finish()))
    }
}

/// The people of one body.
#[derive(Debug)]
pub(crate) struct People {
    key: Arc<PersonKey>,
    /// By kind, in the order of [`IDENTIFYING`].
    seen: [HashSet<Person, foldhash::fast::FixedState>; IDENTIFYING.len()],
}

impl People {
    pub(crate) fn new(key: Arc<PersonKey>) -> Self {
        Self {
            key,
            seen: Default::default(),
        }
    }

    pub(crate) fn note(&mut self, kind: Kind, value: &str) {
        let Some(at) = IDENTIFYING.iter().position(|known| *known == kind) else {
            return;
        };
        if let (Some(seen), Some(person)) = (self.seen.get_mut(at), self.key.person(kind, value))
            && seen.len() < PEOPLE_MAX
        {
            seen.insert(person);
        }
    }

    /// The people by the kind that tells most of them apart; of two alike, by the surer one. A record has several
    /// values of one person, so kinds are not added up.
    pub(crate) fn told(&self) -> Vec<Person> {
        let most = self.seen.iter().rev().max_by_key(|seen| seen.len());
        let mut people: Vec<Person> = most.into_iter().flatten().copied().collect();
        people.sort_unstable();
        people
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Format, Level, Media, Redactor, Rules};

    fn rules(key: u8) -> Arc<Rules> {
        let mut rules = Rules::default();
        rules.set_person_key(PersonKey::new([key; 16]));
        Arc::new(rules)
    }

    fn told(rules: &Arc<Rules>, media: Media, body: &str) -> Vec<Person> {
        let mut redactor = Redactor::with(Arc::clone(rules), Level::L2, Format::from(media));
        let mut out = Vec::new();
        for byte in body.as_bytes() {
            redactor.feed(&[*byte], &mut out);
        }
        redactor.finish(&mut out);
        redactor.people()
    }

    #[test]
    fn a_person_is_the_same_in_every_format_and_spelling_and_another_under_another_key() {
        let (ours, others) = (rules(1), rules(2));
        let key = PersonKey::new([1; 16]);
        let person = key.person(Kind::ResidentId, "11010519491231002x").unwrap();
        for (media, body) in [
            (
                Media::Json,
                r#"{"id":"11010519491231002X","phone":"13800138000"}"#,
            ),
            (Media::Json, r#"{"id":"110105194912310\u0030\u003002X"}"#),
            (Media::Csv, "姓名,身份证号\n张三,11010519491231002x\n"),
            (
                Media::Text,
                "身份证 11010519491231002X，另 11010519491231002X",
            ),
            (Media::Form, "id=1101051949%31231002X"),
        ] {
            let body = body.replace("\\u0030\\u003002X", "\\u0030\\u0032X");
            assert_eq!(told(&ours, media, &body), [person], "{body}");
            assert_ne!(told(&others, media, &body), [person]);
        }
        assert!(told(&Rules::shipped(), Media::Text, "11010519491231002X").is_empty());
        let mobile = |text| key.person(Kind::Mobile, text);
        assert_eq!(mobile("138-0013-8000"), mobile("+86 13800138000"));
        assert_ne!(mobile("13800138000"), mobile("13800138001"));
        assert_eq!(key.person(Kind::Name, "张三"), None);
    }

    #[test]
    fn people_are_counted_by_the_kind_that_tells_most_apart_and_up_to_a_bound() {
        let rules = rules(1);
        let records = (0..300).map(|n| format!("{{\"phone\":\"138{n:08}\"}}\n"));
        let body: String = records.collect();
        let with_one = body + "{\"id\":\"11010519491231002X\"}\n";
        assert_eq!(told(&rules, Media::Ndjson, &with_one).len(), 300);
        let many: String = (0..PEOPLE_MAX + 50)
            .map(|n| format!("139{n:08}\n"))
            .collect();
        assert_eq!(told(&rules, Media::Text, &many).len(), PEOPLE_MAX);
    }

    #[test]
    fn a_person_is_written_in_letters() {
        assert_eq!(
            Person(0x0123_4567_89ab_cdef).to_string(),
            "abcdefghijklmnop"
        );
    }
}
