//! Labels: what a field name, a column's head or the words before a value say about its kind.

use std::collections::HashMap;
use std::str::FromStr as _;
use std::sync::LazyLock;

use foldhash::fast::FixedState;
use smallvec::SmallVec;

use crate::kind::Kind;

/// Bytes of a label that are looked at, from its end.
pub(crate) const LABEL_MAX: usize = 64;

/// The longest Chinese label, in bytes.
const CHINESE_MAX: usize = 36;

/// Two Chinese characters in UTF-8, in bytes: they tell most labels apart.
const PAIR: usize = 6;

/// How much a label proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strength {
    /// Whatever stands there is of the kind, if its shape allows.
    Strong,
    /// The value must look like the kind by itself.
    Weak,
    /// It names something else: a number that no check digit tells for certain is none of a person.
    Other,
}

/// What a label says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) kind: Kind,
    pub(crate) strength: Strength,
}

impl Rule {
    /// What a label says that names something else.
    const OTHER: Self = Self {
        kind: Kind::Custom,
        strength: Strength::Other,
    };

    /// Tells whether the label names something else than personal data.
    pub(crate) fn is_other(self) -> bool {
        self.strength == Strength::Other
    }

    /// Tells whether nothing else would find the values, so that they are looked at whole behind the label.
    pub(crate) fn is_taken_whole(self) -> bool {
        !has_shape(self.kind) && !self.is_other()
    }

    /// Tells whether the values are telephone numbers, which may begin with a bracket.
    pub(crate) fn is_telephone(self) -> bool {
        matches!(self.kind, Kind::Mobile | Kind::Landline)
    }
}

/// Every label that is known.
#[derive(Debug, Clone)]
pub(crate) struct Labels {
    words: HashMap<Vec<u8>, Rule, FixedState>,
    /// How long the Chinese labels are that end with two characters: bit n for n bytes.
    lengths: HashMap<[u8; PAIR], u64, FixedState>,
    /// The same of those that are shorter than that.
    short: u64,
    /// By what they end with, case aside: labels whose values have no shape that the pass would stop at.
    unshaped: Box<[u64; 1024]>,
    /// By what they end with: all labels.
    any: Box<[u64; 1024]>,
}

/// Words that may stand before a Latin label and change nothing about it.
const ROLES: [&[u8]; 30] = [
    b"user",
    b"applicant",
    b"contact",
    b"customer",
    b"client",
    b"patient",
    b"student",
    b"employee",
    b"owner",
    b"legal",
    b"guardian",
    b"emergency",
    b"recipient",
    b"receiver",
    b"sender",
    b"buyer",
    b"seller",
    b"member",
    b"person",
    b"citizen",
    b"holder",
    b"my",
    b"work",
    b"company",
    b"agent",
    b"payee",
    b"payer",
    b"staff",
    b"passenger",
    b"login",
];

/// More of them: whoever is named behind one may be an office.
const STAFF: [&[u8]; 27] = [
    b"father",
    b"mother",
    b"spouse",
    b"husband",
    b"wife",
    b"child",
    b"parent",
    b"doctor",
    b"nurse",
    b"teacher",
    b"driver",
    b"operator",
    b"handler",
    b"consignee",
    b"consignor",
    b"insured",
    b"tenant",
    b"landlord",
    b"witness",
    b"approver",
    b"auditor",
    b"reviewer",
    b"creator",
    b"author",
    b"home",
    b"office",
    b"nick",
];

static SHIPPED: LazyLock<Labels> = LazyLock::new(|| {
    let mut labels = Labels {
        words: HashMap::default(),
        lengths: HashMap::default(),
        short: 0,
        unshaped: Box::new([0; 1024]),
        any: Box::new([0; 1024]),
    };
    for line in include_str!("../data/labels.txt").lines() {
        let Some((kind, words)) = line.split_once(':').filter(|_| !line.starts_with('#')) else {
            continue;
        };
        if kind == "other" {
            words
                .split_whitespace()
                .for_each(|word| labels.add(word, Rule::OTHER));
            continue;
        }
        let (kind, strength) = match kind.strip_suffix('?') {
            Some(kind) => (kind, Strength::Weak),
            None => (kind, Strength::Strong),
        };
        if let Ok(kind) = Kind::from_str(kind) {
            for word in words.split_whitespace() {
                labels.add(word, Rule { kind, strength });
            }
        }
    }
    labels
});

impl Labels {
    /// The labels that ship with the engine.
    pub(crate) fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// Adds a label; a later one of the same word wins.
    pub(crate) fn add(&mut self, word: &str, rule: Rule) {
        let word = canonical(word.as_bytes());
        if let Some(at) = tail(&word) {
            let digits = word.iter().rev().take_while(|byte| byte.is_ascii_digit());
            let bare = tail(word.get(..word.len() - digits.count()).unwrap_or_default());
            for at in [Some(at), bare].into_iter().flatten() {
                if rule.is_taken_whole() || rule.is_telephone() {
                    set(&mut self.unshaped, at);
                }
                set(&mut self.any, at);
            }
            if !word.is_ascii() && word.len() <= CHINESE_MAX {
                let lengths = match word.last_chunk::<PAIR>() {
                    Some(pair) => self.lengths.entry(*pair).or_default(),
                    None => &mut self.short,
                };
                *lengths |= 1 << word.len();
            }
            self.words.insert(word.into_vec(), rule);
        }
    }

    /// Tells whether bytes could end with a label whose values nothing else would stop at; wrong at most in saying yes.
    #[inline]
    pub(crate) fn may_end_unshaped(&self, bytes: &[u8]) -> bool {
        may_end(&self.unshaped, bytes)
    }

    /// Tells whether bytes could end with any label.
    #[inline]
    pub(crate) fn may_end(&self, bytes: &[u8]) -> bool {
        may_end(&self.any, bytes)
    }

    /// Tells whether a text is a label and nothing more.
    pub(crate) fn is_label(&self, bytes: &[u8]) -> bool {
        self.may_end(bytes) && self.words.contains_key(canonical(bytes).as_slice())
    }

    /// Returns what the label says that is the end of `bytes`, as a field's whole name or as the last word of a text.
    pub(crate) fn rule(&self, bytes: &[u8]) -> Option<Rule> {
        let from = bytes.len().saturating_sub(LABEL_MAX);
        let bytes = bytes.get(from..).unwrap_or_default();
        let whole = canonical(last_word(bytes));
        if whole.is_ascii() {
            return self.latin(&whole);
        }
        // Chinese: the longest end that is known.
        let pair = whole.last_chunk::<PAIR>();
        let mut lengths = self.short | pair.and_then(|pair| self.lengths.get(pair)).unwrap_or(&0);
        while let Some(length) = lengths.checked_ilog2() {
            lengths ^= 1 << length;
            let end = whole
                .len()
                .checked_sub(length as usize)
                .and_then(|from| whole.get(from..));
            if let Some(rule) = end.and_then(|end| self.words.get(end)) {
                return Some(*rule);
            }
        }
        None
    }

    fn latin(&self, word: &[u8]) -> Option<Rule> {
        if let Some(rule) = self.words.get(word) {
            return Some(*rule);
        }
        let first = word.first();
        let role = ROLES.iter().chain(&STAFF).find(|role| {
            role.first() == first && word.starts_with(role) && word.len() > role.len()
        })?;
        let rest = word.get(role.len()..)?;
        if rest == b"name" {
            // A user's name is what it signs in with, and staff may be an office.
            let strength = match *role {
                b"company" => return None,
                b"user" | b"login" | b"client" | b"agent" | b"staff" => Strength::Weak,
                role if STAFF.contains(&role) => Strength::Weak,
                _ => Strength::Strong,
            };
            let kind = Kind::Name;
            return Some(Rule { kind, strength });
        }
        self.words
            .get(rest)
            .filter(|rule| !rule.is_other())
            .copied()
    }
}

/// Tells whether every value of a kind contains something that the pass stops at by itself.
pub(crate) fn has_shape(kind: Kind) -> bool {
    match kind {
        Kind::ResidentId
        | Kind::Mobile
        | Kind::BankCard
        | Kind::CreditCode
        | Kind::Email
        | Kind::Passport
        | Kind::Permit
        | Kind::Landline
        | Kind::TaxNumber
        | Kind::Vin
        | Kind::Ip
        | Kind::Qq
        | Kind::SocialSecurity
        | Kind::HousingFund
        | Kind::Ssn
        | Kind::Imei
        | Kind::Mrz => true,
        Kind::Iban
        | Kind::MilitaryId
        | Kind::OrganisationCode
        | Kind::Plate
        | Kind::Mac
        | Kind::Name
        | Kind::Address
        | Kind::Coordinates
        | Kind::BirthDate
        | Kind::Age
        | Kind::Wechat
        | Kind::MedicalRecord
        | Kind::Secret
        | Kind::Custom => false,
    }
}

/// The end of a text that can be one label: a Latin identifier, or Chinese characters.
fn last_word(bytes: &[u8]) -> &[u8] {
    let Some(last) = bytes.last() else {
        return bytes;
    };
    let chinese = *last >= 0x80;
    let length = bytes
        .iter()
        .rev()
        .take_while(|&&byte| {
            if chinese {
                byte >= 0x80 || byte.is_ascii_alphanumeric()
            } else {
                byte >= 0x80 || byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
            }
        })
        .count();
    let word = bytes.get(bytes.len() - length..).unwrap_or_default();
    if chinese {
        return word;
    }
    // A Latin word behind Chinese text is a word of its own, unless they are one label: `QQ号`, `IP地址` end otherwise.
    let latin = word
        .iter()
        .rposition(|&byte| byte >= 0x80)
        .map_or(0, |at| at + 1);
    word.get(latin..).unwrap_or_default()
}

/// A label without what does not matter about it.
fn canonical(word: &[u8]) -> SmallVec<[u8; LABEL_MAX]> {
    let mut out: SmallVec<[u8; LABEL_MAX]> = word
        .iter()
        .filter(|byte| !matches!(byte, b'_' | b'-' | b'.' | b' '))
        .map(u8::to_ascii_lowercase)
        .collect();
    let digits = out
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    // `cvv2` is a word, `phone2` a second telephone.
    if digits > 0 && !out.ends_with(b"cvv2") && !out.ends_with(b"cvn2") {
        out.truncate(out.len() - digits);
    }
    out
}

/// A number of sixteen bits for the end of a label: of a Chinese character in UTF-8 its code point.
#[inline]
fn tail(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [.., one, two, three] if *three >= 0x80 => Some(
            usize::from(one & 0xF) << 12 | usize::from(two & 0x3F) << 6 | usize::from(three & 0x3F),
        ),
        [.., one, two] => Some(usize::from(*one | 0x20) << 8 | usize::from(*two | 0x20)),
        _ => None,
    }
}

fn set(bits: &mut [u64; 1024], at: usize) {
    if let Some(word) = bits.get_mut(at >> 6) {
        *word |= 1 << (at & 63);
    }
}

#[inline]
fn may_end(bits: &[u64; 1024], bytes: &[u8]) -> bool {
    let has = |word: &[u8]| {
        tail(word).is_some_and(|at| {
            bits.get(at >> 6)
                .is_some_and(|word| word >> (at & 63) & 1 == 1)
        })
    };
    if !bytes.last().is_some_and(u8::is_ascii_digit) {
        return has(bytes);
    }
    // A number at the end matters only where there is a word before it.
    let digits = bytes.iter().rev().take_while(|byte| byte.is_ascii_digit());
    let word = bytes
        .get(..bytes.len() - digits.count())
        .unwrap_or_default();
    match word.last() {
        None | Some(b'_' | b'-' | b'.' | b' ') => true,
        Some(byte) => {
            (byte.is_ascii_alphabetic() || *byte >= 0x80) && (word.len() < 3 || has(word))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Option<Kind> {
        let labels = Labels::shipped();
        let rule = labels.rule(text.as_bytes());
        if rule.is_some() {
            assert!(labels.may_end(text.as_bytes()), "{text}");
        }
        rule.map(|rule| rule.kind)
    }

    #[test]
    fn a_label_is_read_however_it_is_written() {
        for (text, expected) in [
            ("姓名", Some(Kind::Name)),
            ("申请人姓名", Some(Kind::Name)),
            ("realName", Some(Kind::Name)),
            ("REAL_NAME", Some(Kind::Name)),
            ("applicant-name", Some(Kind::Name)),
            ("username", Some(Kind::Name)),
            ("companyName", None),
            ("filename", None),
            ("ip_address", Some(Kind::Ip)),
            ("home_address", Some(Kind::Address)),
            ("userAddress", Some(Kind::Address)),
            ("phone2", Some(Kind::Mobile)),
            ("QQ号", Some(Kind::Qq)),
            ("我的QQ", Some(Kind::Qq)),
            ("passport", Some(Kind::Passport)),
            ("his passport", Some(Kind::Passport)),
            ("客户 user_password", Some(Kind::Secret)),
            ("单位名称", None),
            ("cvv2", Some(Kind::Secret)),
            ("", None),
            ("1", None),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }

    #[test]
    fn every_kind_but_the_unlabelled_has_a_label() {
        let labels = Labels::shipped();
        for kind in Kind::ALL {
            let labelled = labels
                .words
                .values()
                .any(|rule| rule.kind == kind && !rule.is_other());
            assert_eq!(
                labelled,
                !matches!(kind, Kind::Mrz | Kind::Custom),
                "{kind}"
            );
        }
    }
}
