//! The memory of failed sign-ins: per name and per address, with waits that grow.
//!
//! Names that exist are kept as long as they fail; everything a stranger can invent (names that do not exist,
//! addresses) is kept in two bounded generations, so that inventing more forgets the oldest and memory never grows.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::time::after;

/// Longest part of a name that does not exist that is kept, in characters.
const MAX_NAME: usize = 128;

/// When to lock, as written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct LockoutFile {
    /// Failures of one name before the first wait. Defaults to 5.
    pub per_name: u32,
    /// Failures from one address (a /64 for IPv6) before the first wait. Defaults to 20.
    pub per_address: u32,
    /// The first wait; each further failure doubles it. Defaults to 30 s.
    #[schemars(with = "String")]
    pub first_wait: SignedDuration,
    /// The longest wait. Defaults to 15 min.
    #[schemars(with = "String")]
    pub longest_wait: SignedDuration,
    /// How long after the last failure everything is forgotten. Defaults to 24 h.
    #[schemars(with = "String")]
    pub forget_after: SignedDuration,
    /// Most addresses, and most names that do not exist, that are remembered at once. Defaults to 65,536.
    pub remember: usize,
}

impl Default for LockoutFile {
    fn default() -> Self {
        Self {
            per_name: 5,
            per_address: 20,
            first_wait: SignedDuration::from_secs(30),
            longest_wait: SignedDuration::from_mins(15),
            forget_after: SignedDuration::from_hours(24),
            remember: 65_536,
        }
    }
}

/// What is wrong with the lock-out settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockoutError {
    /// A number that must be positive is not.
    #[error("`{0}` must be more than nothing")]
    NotPositive(&'static str),
    /// The first wait is longer than the longest.
    #[error("`first-wait` is longer than `longest-wait`")]
    Order,
    /// Failures would be forgotten while a lock still holds.
    #[error("`forget-after` is shorter than `longest-wait`, so a lock would end early")]
    ForgottenTooSoon,
}

#[derive(Debug)]
pub(super) struct Lockout {
    settings: LockoutFile,
    // Guards all counters; held for a few look-ups per sign-in, which itself costs thousands of times more.
    counters: Mutex<Counters>,
}

#[derive(Debug)]
struct Counters {
    known: HashMap<String, Failures>,
    unknown: Recent<String>,
    addresses: Recent<IpAddr>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Timestamp,
    locked_until: Timestamp,
}

/// An attempt that was counted as a failure until it turns out otherwise.
#[derive(Debug)]
pub(super) struct Attempt {
    login: String,
    address: IpAddr,
}

impl Lockout {
    pub(super) fn new(settings: &LockoutFile) -> Result<Self, LockoutError> {
        for (name, positive) in [
            ("per-name", settings.per_name > 0),
            ("per-address", settings.per_address > 0),
            ("first-wait", settings.first_wait.is_positive()),
            ("remember", settings.remember > 0),
        ] {
            if !positive {
                return Err(LockoutError::NotPositive(name));
            }
        }
        if settings.first_wait > settings.longest_wait {
            return Err(LockoutError::Order);
        }
        if settings.forget_after < settings.longest_wait {
            return Err(LockoutError::ForgottenTooSoon);
        }
        let counters = Counters {
            known: HashMap::new(),
            unknown: Recent::new(settings.remember),
            addresses: Recent::new(settings.remember),
        };
        Ok(Self {
            settings: settings.clone(),
            counters: Mutex::new(counters),
        })
    }

    /// Counts an attempt on a name that exists, unless the name or the address is locked; then says until when.
    pub(super) fn begin_known(
        &self,
        login: &str,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<Attempt, Timestamp> {
        self.begin(login, address, now, |counters| {
            counters
                .known
                .entry(login.to_owned())
                .or_insert(Failures::NONE)
        })
    }

    /// Counts an attempt on a name that does not exist, likewise.
    pub(super) fn begin_unknown(
        &self,
        login: &str,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<Attempt, Timestamp> {
        let name = login.chars().take(MAX_NAME).collect::<String>();
        self.begin(login, address, now, |counters| counters.unknown.entry(name))
    }

    fn begin(
        &self,
        login: &str,
        address: IpAddr,
        now: Timestamp,
        name: impl FnOnce(&mut Counters) -> &mut Failures,
    ) -> Result<Attempt, Timestamp> {
        let address = network(address);
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let from = counters.addresses.entry(address);
        self.check(from, now)?;
        // The name is looked at second: an address that is locked must not be able to keep a name locked.
        let of_name = name(&mut counters);
        self.check(of_name, now)?;
        self.count(of_name, self.settings.per_name, now);
        let from = counters.addresses.entry(address);
        self.count(from, self.settings.per_address, now);
        Ok(Attempt {
            login: login.to_owned(),
            address,
        })
    }

    /// The attempt succeeded: the name's failures are forgotten, and this one no longer counts for the address.
    ///
    /// The address keeps its other failures; a guesser with one good account of his own must not clear them.
    pub(super) fn succeeded(&self, attempt: &Attempt) {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        counters.known.remove(&attempt.login);
        let from = counters.addresses.entry(attempt.address);
        from.count = from.count.saturating_sub(1);
        from.locked_until = Timestamp::MIN;
    }

    /// Forgets a name's failures.
    pub(super) fn forget(&self, login: &str) {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        counters.known.remove(login);
    }

    fn check(&self, failures: &mut Failures, now: Timestamp) -> Result<(), Timestamp> {
        if now >= after(failures.last, self.settings.forget_after) {
            *failures = Failures::NONE;
        }
        if now < failures.locked_until {
            Err(failures.locked_until)
        } else {
            Ok(())
        }
    }

    fn count(&self, failures: &mut Failures, allowed: u32, now: Timestamp) {
        failures.count = failures.count.saturating_add(1);
        failures.last = now;
        if failures.count >= allowed {
            let doublings = (failures.count - allowed).min(30);
            let wait = self
                .settings
                .first_wait
                .checked_mul(1 << doublings)
                .unwrap_or(SignedDuration::MAX);
            failures.locked_until = after(now, wait.min(self.settings.longest_wait));
        }
    }
}

impl Failures {
    const NONE: Self = Self {
        count: 0,
        last: Timestamp::MIN,
        locked_until: Timestamp::MIN,
    };
}

/// One customer of an IPv6 network has a /64, so it counts as one address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// A bounded memory in two generations: when the young one is full it becomes the old one, and the old one is gone.
#[derive(Debug)]
struct Recent<K> {
    young: HashMap<K, Failures>,
    old: HashMap<K, Failures>,
    bound: usize,
}

impl<K: Hash + Eq + Clone> Recent<K> {
    fn new(bound: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            bound,
        }
    }

    fn entry(&mut self, key: K) -> &mut Failures {
        if !self.young.contains_key(&key) && self.young.len() >= self.bound {
            self.old = std::mem::take(&mut self.young);
        }
        let before = self.old.remove(&key).unwrap_or(Failures::NONE);
        self.young.entry(key).or_insert(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_strangers_never_exceeds_two_generations() {
        let mut recent = Recent::new(10);
        for key in 0..1000 {
            recent.entry(key).count += 1;
            assert!(recent.young.len() + recent.old.len() <= 20);
        }
        assert_eq!(recent.entry(999).count, 1);
        assert_eq!(recent.entry(0).count, 0);
    }

    #[test]
    fn an_ipv6_customer_counts_once_and_a_mapped_address_is_its_ipv4_self() {
        let net = |text: &str| network(text.parse().unwrap());
        assert_eq!(net("2001:db8::1"), net("2001:db8::ffff:1"));
        assert_ne!(net("2001:db8::1"), net("2001:db8:0:1::1"));
        assert_eq!(net("::ffff:192.0.2.1"), net("192.0.2.1"));
    }

    #[test]
    fn settings_that_would_not_lock_are_refused() {
        let base = LockoutFile::default;
        let error = |settings: LockoutFile| Lockout::new(&settings).err();
        assert_eq!(
            error(LockoutFile {
                per_name: 0,
                ..base()
            }),
            Some(LockoutError::NotPositive("per-name"))
        );
        assert_eq!(
            error(LockoutFile {
                first_wait: SignedDuration::from_hours(1),
                ..base()
            }),
            Some(LockoutError::Order)
        );
        assert_eq!(
            error(LockoutFile {
                forget_after: SignedDuration::from_mins(1),
                ..base()
            }),
            Some(LockoutError::ForgottenTooSoon)
        );
        assert_eq!(error(base()), None);
    }
}
