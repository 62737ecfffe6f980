//! Chains that were accepted before, so that a client that comes back costs a hash instead of four signatures.
//!
//! A verdict depends on the trust, the chain, the usage, the names and the time, and on nothing else. The trust is a
//! snapshot and owns this memory; chain, usage and names are the key; and an acceptance is kept with the seconds
//! between which every certificate and list behind it is in force. Refusals are not remembered.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest;
use rustls_pki_types::CertificateDer;

use crate::name::AltName;
use crate::verify::Usage;

/// Chains remembered at most. Chosen: 10,000 callers at some 80 bytes each.
const MOST: usize = 10_000;

/// The chains that a trust has accepted.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    /// Guards a map that is only ever a shortcut; held for one look-up or one insertion.
    accepted: Mutex<HashMap<Key, RangeInclusive<i64>>>,
}

/// SHA-256 over everything but the time that a verdict depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

impl Key {
    /// The key of a question. Lengths go in as well, so that no two questions run together.
    pub(super) fn new(
        chain: &[CertificateDer<'_>],
        usage: Usage,
        names: &[AltName],
    ) -> Option<Self> {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(match usage {
            Usage::Client => b"client",
            Usage::Server => b"server",
        });
        for certificate in chain {
            context.update(&certificate.len().to_be_bytes());
            context.update(certificate);
        }
        // No certificate is this long, so the names begin here.
        context.update(&usize::MAX.to_be_bytes());
        for name in names {
            let name = name.to_string();
            context.update(&name.len().to_be_bytes());
            context.update(name.as_bytes());
        }
        context.finish().as_ref().try_into().ok().map(Self)
    }
}

impl Remembered {
    /// Whether this was accepted before and still would be.
    pub(super) fn holds(&self, key: Key, second: i64) -> bool {
        let accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        accepted
            .get(&key)
            .is_some_and(|seconds| seconds.contains(&second))
    }

    /// Keeps an acceptance. When there are too many, all are forgotten: those still in use come back by themselves.
    pub(super) fn keep(&self, key: Key, seconds: RangeInclusive<i64>) {
        let mut accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        if accepted.len() >= MOST {
            accepted.clear();
        }
        accepted.insert(key, seconds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(parts: &[&[u8]]) -> Vec<CertificateDer<'static>> {
        parts
            .iter()
            .map(|part| CertificateDer::from(part.to_vec()))
            .collect()
    }

    fn key(parts: &[&[u8]], usage: Usage, names: &[&str]) -> Key {
        let names: Vec<_> = names.iter().map(|name| name.parse().unwrap()).collect();
        Key::new(&chain(parts), usage, &names).unwrap()
    }

    #[test]
    fn questions_that_differ_in_anything_have_different_keys() {
        let keys = [
            key(&[b"ab", b"c"], Usage::Client, &[]),
            key(&[b"a", b"bc"], Usage::Client, &[]),
            key(&[b"abc"], Usage::Client, &[]),
            key(&[b"ab", b"c"], Usage::Server, &[]),
            key(&[b"ab", b"c"], Usage::Server, &["a.example"]),
            key(&[b"ab", b"c"], Usage::Server, &["a.example", "b.example"]),
            key(&[b"c", b"ab"], Usage::Client, &[]),
        ];
        for (index, one) in keys.iter().enumerate() {
            assert!(
                keys[index + 1..].iter().all(|other| other != one),
                "{index}"
            );
        }
    }

    #[test]
    fn an_acceptance_holds_between_its_seconds_only() {
        let remembered = Remembered::default();
        let key = key(&[b"a"], Usage::Client, &[]);
        assert!(!remembered.holds(key, 15));
        remembered.keep(key, 10..=20);
        let held: Vec<_> = (8..=22)
            .filter(|second| remembered.holds(key, *second))
            .collect();
        assert_eq!(held, (10..=20).collect::<Vec<_>>());
    }

    #[test]
    fn the_memory_is_bounded() {
        let remembered = Remembered::default();
        for number in 0..=MOST {
            remembered.keep(key(&[&number.to_be_bytes()], Usage::Client, &[]), 0..=1);
        }
        assert!(remembered.accepted.lock().unwrap().len() <= MOST);
    }
}
