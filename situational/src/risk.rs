//! Risk: a number from 0 to 100 for each caller and address that flows back into decisions.
//!
//! `risk(t) = Σ over tactics of min(cap, Σ weight · 2^(−Δt / half-life))`, a fifth more for each further tactic, and at
//! most 100. Alerts raise it, time lowers it. Once it has reached `raise` it is reported as no less than that until it
//! has fallen below `clear`, so that a rule which asks for `raise` does not flap.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use foldhash::quality::RandomState;

use crate::entity::{Entity, Source};
use crate::rule::{Severity, Tactic};
use crate::settings::RiskSettings;
use crate::span::millis;

const SHARDS: usize = 64;
/// A tactic below this does not count as a further one; chosen: the weight of one mild alert.
const FAINT: f32 = 9.0;
/// What one more tactic adds; chosen.
const DIVERSITY: f32 = 0.2;
/// A score below this is as good as none.
const NOTHING: f32 = 0.5;

/// The risks of everybody who has one, written by one thread and read by all.
///
/// When it is full, the lowest score that is neither raised nor throttled leaves first.
#[derive(Debug)]
pub struct RiskBoard {
    settings: ArcSwap<RiskSettings>,
    /// A lock guards one piece of the scores for the length of a look-up or an addition; with nobody on the board
    /// the path takes none.
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
    entries: AtomicUsize,
}

/// How a request's caller and address stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// The higher of both risks, 0 to 100.
    pub risk: u8,
    /// True if one of them is to be served slowly for the time being.
    pub throttled: bool,
}

#[derive(Debug, Default)]
struct Shard {
    callers: HashMap<String, Score, RandomState>,
    sources: HashMap<Source, Score, RandomState>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Score {
    levels: [f32; Tactic::COUNT],
    at: u64,
    raised: bool,
    throttled_until: u64,
}

impl RiskBoard {
    /// A board with nobody on it.
    pub fn new(settings: RiskSettings) -> Self {
        Self {
            settings: ArcSwap::from_pointee(settings),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::default(),
            entries: AtomicUsize::new(0),
        }
    }

    /// Uses other settings from now on, for scores that exist as well.
    pub fn set(&self, settings: RiskSettings) {
        self.settings.store(settings.into());
    }

    /// The higher of the risks of caller and address, 0 to 100; an empty caller is nobody.
    pub fn of(&self, caller: &str, address: IpAddr, now: u64) -> u8 {
        self.standing(caller, address, now).risk
    }

    /// Risk and throttling of caller and address; an empty caller is nobody.
    pub fn standing(&self, caller: &str, address: IpAddr, now: u64) -> Standing {
        if self.entries.load(Ordering::Acquire) == 0 {
            return Standing::default();
        }
        let settings = self.settings.load();
        let source = Source::from(address);
        let of_source = self
            .lock(&source)
            .and_then(|shard| shard.sources.get(&source).copied());
        let of_caller = match caller {
            "" => None,
            caller => self
                .lock(caller)
                .and_then(|shard| shard.callers.get(caller).copied()),
        };
        [of_source, of_caller]
            .into_iter()
            .flatten()
            .fold(Standing::default(), |standing, score| Standing {
                risk: standing.risk.max(score.reported(now, &settings)),
                throttled: standing.throttled || now < score.throttled_until,
            })
    }

    /// Adds an alert's weight and returns the risk; certificates and the gateway itself have none.
    pub fn raise(&self, entity: &Entity, tactic: Tactic, severity: Severity, now: u64) -> u8 {
        let settings = self.settings.load();
        let [low, medium, high, critical] = settings.weights;
        let weight = match severity {
            Severity::Low => low,
            Severity::Medium => medium,
            Severity::High => high,
            Severity::Critical => critical,
        };
        self.change(entity, now, |score| {
            *score = score.decayed(now, &settings);
            if let Some(level) = score.levels.get_mut(tactic as usize) {
                *level = (*level + f32::from(weight)).min(f32::from(settings.tactic_cap));
            }
            score.raised |= score.value(&settings) >= f32::from(settings.raise);
            score.reported(now, &settings)
        })
        .unwrap_or(0)
    }

    /// Serves the entity slowly until then.
    pub fn throttle(&self, entity: &Entity, until: u64, now: u64) {
        self.change(entity, now, |score| {
            score.throttled_until = score.throttled_until.max(until)
        });
    }

    /// Ends the throttling.
    pub fn release(&self, entity: &Entity, now: u64) {
        if self.has(entity) {
            self.change(entity, now, |score| score.throttled_until = 0);
        }
    }

    /// Takes away the risk that one tactic added, because it was a false alarm.
    pub fn forgive(&self, entity: &Entity, tactic: Tactic, now: u64) {
        let settings = self.settings.load();
        if self.has(entity) {
            self.change(entity, now, |score| {
                *score = score.decayed(now, &settings);
                if let Some(level) = score.levels.get_mut(tactic as usize) {
                    *level = 0.0;
                }
                score.raised &= score.value(&settings) >= f32::from(settings.clear);
            });
        }
    }

    /// Everybody with a risk or a throttling at `now`, highest risk first.
    pub fn list(&self, now: u64) -> Vec<(Entity, Standing)> {
        let settings = self.settings.load();
        let standing = |score: &Score| Standing {
            risk: score.reported(now, &settings),
            throttled: now < score.throttled_until,
        };
        let mut list = Vec::new();
        for shard in &self.shards {
            let shard = held(shard);
            list.extend(
                shard
                    .callers
                    .iter()
                    .map(|(id, score)| (Entity::Caller(id.clone()), standing(score))),
            );
            list.extend(
                shard
                    .sources
                    .iter()
                    .map(|(source, score)| (Entity::Address(*source), standing(score))),
            );
        }
        list.retain(|(_, standing)| *standing != Standing::default());
        list.sort_by(|a, b| b.1.risk.cmp(&a.1.risk).then_with(|| a.0.cmp(&b.0)));
        list
    }

    fn has(&self, entity: &Entity) -> bool {
        match entity {
            Entity::Caller(id) => self
                .lock(id.as_str())
                .is_some_and(|shard| shard.callers.contains_key(id)),
            Entity::Address(source) => self
                .lock(source)
                .is_some_and(|shard| shard.sources.contains_key(source)),
            Entity::Certificate(_) | Entity::Gateway(_) => false,
        }
    }

    fn change<T>(
        &self,
        entity: &Entity,
        now: u64,
        change: impl FnOnce(&mut Score) -> T,
    ) -> Option<T> {
        let settings = self.settings.load();
        let most = usize::try_from(settings.kept.get())
            .unwrap_or(usize::MAX)
            .div_ceil(SHARDS);
        let (before, after, outcome) = match entity {
            Entity::Caller(id) => {
                let callers = &mut self.lock(id.as_str())?.callers;
                let before = callers.len();
                make_room(callers, id, most, now, &settings);
                let outcome = change(callers.entry(id.clone()).or_default());
                (before, callers.len(), outcome)
            }
            Entity::Address(source) => {
                let sources = &mut self.lock(source)?.sources;
                let before = sources.len();
                make_room(sources, source, most, now, &settings);
                let outcome = change(sources.entry(*source).or_default());
                (before, sources.len(), outcome)
            }
            Entity::Certificate(_) | Entity::Gateway(_) => return None,
        };
        if after >= before {
            self.entries.fetch_add(after - before, Ordering::AcqRel);
        } else {
            self.entries.fetch_sub(before - after, Ordering::AcqRel);
        }
        Some(outcome)
    }

    fn lock<Q: Hash + ?Sized>(&self, key: &Q) -> Option<MutexGuard<'_, Shard>> {
        let index = usize::try_from(self.hasher.hash_one(key) >> 32).unwrap_or(0) % SHARDS;
        self.shards.get(index).map(held)
    }
}

impl Score {
    fn decayed(mut self, now: u64, settings: &RiskSettings) -> Self {
        let half_lives =
            now.saturating_sub(self.at) as f32 / millis(settings.half_life).max(1) as f32;
        let factor = (-half_lives).exp2();
        self.levels.iter_mut().for_each(|level| *level *= factor);
        self.at = self.at.max(now);
        self.raised &= self.value(settings) >= f32::from(settings.clear);
        self
    }

    fn value(&self, settings: &RiskSettings) -> f32 {
        let cap = f32::from(settings.tactic_cap);
        let sum: f32 = self.levels.iter().map(|level| level.min(cap)).sum();
        let tactics = self.levels.iter().filter(|level| **level >= FAINT).count();
        let more = tactics.saturating_sub(1) as f32 * DIVERSITY;
        (sum * (1.0 + more)).clamp(0.0, 100.0)
    }

    fn reported(&self, now: u64, settings: &RiskSettings) -> u8 {
        let score = self.decayed(now, settings);
        let value = score.value(settings).round();
        let value = if score.raised {
            value.max(f32::from(settings.raise.min(100)))
        } else {
            value
        };
        whole(value)
    }

    /// How much is lost if it leaves the board.
    fn worth(&self, now: u64, settings: &RiskSettings) -> f32 {
        let score = self.decayed(now, settings);
        let held = if score.raised || now < score.throttled_until {
            1_000.0
        } else {
            0.0
        };
        score.value(settings) + held
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the range of the type"
)]
fn whole(value: f32) -> u8 {
    value.clamp(0.0, 100.0) as u8
}

fn make_room<K: Hash + Eq + Clone>(
    map: &mut HashMap<K, Score, RandomState>,
    key: &K,
    most: usize,
    now: u64,
    settings: &RiskSettings,
) {
    if map.len() < most || map.contains_key(key) {
        return;
    }
    map.retain(|_, score| score.worth(now, settings) >= NOTHING);
    if map.len() >= most {
        let least = map
            .iter()
            .min_by(|a, b| {
                a.1.worth(now, settings)
                    .total_cmp(&b.1.worth(now, settings))
            })
            .map(|(key, _)| key.clone());
        if let Some(least) = least {
            map.remove(&least);
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use proptest::prelude::*;

    use super::*;

    const MINUTE: u64 = 60_000;

    #[test]
    fn a_risk_halves_each_half_life() {
        let board = RiskBoard::new(RiskSettings::default());
        assert_eq!(
            board.raise(&caller("zhang"), Tactic::Collection, Severity::High, 0),
            50
        );
        assert_eq!(board.of("zhang", ip(), 30 * MINUTE), 25);
        assert_eq!(board.of("zhang", ip(), 60 * MINUTE), 13);
        assert_eq!(board.of("li", ip(), 0), 0);
        assert_eq!(board.of("", ip(), 0), 0);
    }

    #[test]
    fn the_worse_of_caller_and_address_counts() {
        let board = RiskBoard::new(RiskSettings::default());
        board.raise(&caller("zhang"), Tactic::Collection, Severity::Medium, 0);
        board.raise(
            &Entity::Address(ip().into()),
            Tactic::InitialAccess,
            Severity::High,
            0,
        );
        assert_eq!(board.of("zhang", ip(), 0), 50);
        assert_eq!(board.of("zhang", "192.0.2.99".parse().unwrap(), 0), 25);
        assert_eq!(board.of("", "::ffff:192.0.2.1".parse().unwrap(), 0), 50);
    }

    #[test]
    fn one_tactic_is_capped_and_several_weigh_more() {
        let board = RiskBoard::new(RiskSettings::default());
        for _ in 0..100 {
            board.raise(&caller("noisy"), Tactic::Reconnaissance, Severity::Low, 0);
        }
        assert_eq!(board.of("noisy", ip(), 0), 85);
        board.raise(
            &caller("broad"),
            Tactic::Reconnaissance,
            Severity::Medium,
            0,
        );
        assert_eq!(
            board.raise(&caller("broad"), Tactic::Collection, Severity::Medium, 0),
            60
        );
    }

    #[test]
    fn a_raised_risk_does_not_flap_between_raise_and_clear() {
        let board = RiskBoard::new(RiskSettings::default());
        board.raise(&caller("zhang"), Tactic::Collection, Severity::Critical, 0);
        let mut reported: Vec<u8> = (0..60)
            .map(|minute| board.of("zhang", ip(), minute * MINUTE))
            .collect();
        let cleared = reported.iter().position(|risk| *risk < 80).unwrap();
        assert_eq!(cleared, 23);
        assert!(reported.iter().skip(cleared).all(|risk| *risk <= 50));
        reported.dedup();
        assert!(reported.is_sorted_by(|a, b| a > b));
    }

    #[test]
    fn a_risk_that_never_reached_raise_is_reported_as_it_is() {
        let board = RiskBoard::new(RiskSettings::default());
        board.raise(&caller("zhang"), Tactic::Collection, Severity::High, 0);
        assert_eq!(
            board.raise(&caller("zhang"), Tactic::Collection, Severity::Medium, 0),
            75
        );
    }

    #[test]
    fn a_forgiven_tactic_is_gone_at_once_and_the_others_stay() {
        let board = RiskBoard::new(RiskSettings::default());
        board.raise(&caller("zhang"), Tactic::Collection, Severity::Critical, 0);
        board.raise(&caller("zhang"), Tactic::Discovery, Severity::Low, 0);
        board.forgive(&caller("zhang"), Tactic::Collection, 1);
        assert_eq!(board.of("zhang", ip(), 1), 10);
        board.forgive(&caller("nobody"), Tactic::Collection, 1);
        assert_eq!(board.list(1).len(), 1);
    }

    #[test]
    fn throttling_ends_by_itself_or_by_hand() {
        let board = RiskBoard::new(RiskSettings::default());
        board.throttle(&caller("zhang"), 10, 0);
        assert!(board.standing("zhang", ip(), 9).throttled);
        assert!(!board.standing("zhang", ip(), 10).throttled);
        board.throttle(&caller("zhang"), 100, 10);
        board.release(&caller("zhang"), 11);
        assert_eq!(board.standing("zhang", ip(), 11), Standing::default());
    }

    #[test]
    fn a_full_board_keeps_those_who_matter() {
        let settings = RiskSettings {
            kept: NonZeroU32::new(640).unwrap(),
            ..RiskSettings::default()
        };
        let board = RiskBoard::new(settings);
        board.raise(&caller("thief"), Tactic::Collection, Severity::Critical, 0);
        board.throttle(&caller("slow"), 1_000_000, 0);
        for n in 0..20_000 {
            board.raise(
                &caller(&n.to_string()),
                Tactic::Reconnaissance,
                Severity::Low,
                n / 100,
            );
        }
        let list = board.list(200);
        assert!(list.len() <= 640, "{}", list.len());
        assert_eq!(list[0].0, caller("thief"));
        assert!(board.standing("slow", ip(), 200).throttled);
        assert_eq!(board.entries.load(Ordering::Relaxed), list.len());
    }

    proptest! {
        #[test]
        fn a_risk_is_between_0_and_100_and_never_grows_by_waiting(
            alerts in prop::collection::vec((0usize..5, 0usize..4, 0u64..10_000_000), 0..40), wait in 0u64..10_000_000,
        ) {
            let board = RiskBoard::new(RiskSettings::default());
            let tactics = [Tactic::Reconnaissance, Tactic::InitialAccess, Tactic::CredentialAccess, Tactic::Discovery, Tactic::Collection];
            let severities = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
            let mut now = 0;
            for (tactic, severity, step) in alerts {
                now += step;
                let before = board.of("zhang", ip(), now);
                let after = board.raise(&caller("zhang"), tactics[tactic], severities[severity], now);
                prop_assert!(after <= 100 && after >= before);
                prop_assert!(board.of("zhang", ip(), now + wait) <= after);
            }
        }
    }

    fn caller(id: &str) -> Entity {
        Entity::Caller(id.into())
    }

    fn ip() -> IpAddr {
        "192.0.2.1".parse().unwrap()
    }
}
