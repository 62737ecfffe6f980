//! Password guessing: by address, by user, over many users, by a botnet, and whether it worked.

use std::collections::VecDeque;

use super::{Detection, Seen};
use crate::bucket::{Pail, Pour};
use crate::distinct::Distinct;
use crate::entity::{Entity, Source};
use crate::observation::SignIn;
use crate::rule::{Rule, Words};
use crate::settings;
use crate::span::millis;
use crate::table::Table;

/// Failures of an address that make a success from it suspect while its user is under attack; chosen, above what a
/// person who mistypes leaves behind.
const SUSPECT: f64 = 3.0;

/// The time over which a botnet's attempts are added up, in milliseconds; chosen.
const LATELY: u64 = 600_000;
/// So many times more users must fail than succeed for it to be a botnet; chosen, far above a Monday morning.
const RATIO: u64 = 3;
/// Events kept as evidence of a botnet.
const EVENTS: usize = 24;

#[derive(Debug)]
pub(super) struct Guessing {
    addresses: Table<Source, Pail>,
    users: Table<String, Pail>,
    sprayers: Table<Source, Pail>,
    /// Users who failed and users who succeeded lately, wherever they came from.
    failed: Distinct,
    succeeded: Distinct,
    latest: VecDeque<u64>,
    told: u64,
}

impl Guessing {
    pub(super) fn new(watched: usize) -> Self {
        Self {
            addresses: Table::new(watched),
            users: Table::new(watched),
            sprayers: Table::new(watched),
            failed: Distinct::new(LATELY, 1_024),
            succeeded: Distinct::new(LATELY, 1_024),
            latest: VecDeque::new(),
            told: 0,
        }
    }

    pub(super) fn observe(
        &mut self,
        seen: &Seen<'_>,
        settings: &settings::Guessing,
        found: &mut Vec<Detection>,
    ) {
        match seen.observation.sign_in {
            Some(SignIn { user, ok: false }) => {
                self.failed(seen, user, settings, found);
                self.stuffing(seen, user, settings, found);
            }
            Some(SignIn { user, ok: true }) => self.succeeded(seen, user, found),
            None => {}
        }
    }

    pub(super) fn take_crowded(&mut self) -> bool {
        self.addresses.take_crowded() | self.users.take_crowded() | self.sprayers.take_crowded()
    }

    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.addresses.len() + self.users.len() + self.sprayers.len()
    }

    fn failed(
        &mut self,
        seen: &Seen<'_>,
        user: &str,
        settings: &settings::Guessing,
        found: &mut Vec<Detection>,
    ) {
        let (now, source) = (seen.observation.time_ms, seen.source);
        let user = shortened(user);
        // A failed sign-in is the client's doing, whichever part of us said no.
        let pour = Pour {
            event: seen.observation.event,
            now,
            amount: 1.0,
            thing: None,
            foreign: true,
        };
        let until = now.saturating_add(millis(settings.memory));
        let mut raise = |rule, entity, zh: String, en: String, events| {
            found.push(Detection {
                time_ms: now,
                rule,
                entity,
                description: Words::new(zh, en),
                events,
                foreign: 1.0,
            });
        };
        let address = self.addresses.entry(&source, now, Pail::default);
        if let Some((pail, over)) =
            address.and_then(|pail| pail.pour(pour, &settings.address).map(|o| (pail, o)))
        {
            pail.alarm(until);
            raise(
                Rule::PasswordGuessing,
                Entity::Address(source),
                format!(
                    "地址 {source} 在 {} 秒内登录失败 {} 次",
                    over.seconds, over.poured
                ),
                format!(
                    "{} failed sign-ins from {source} within {} s",
                    over.poured, over.seconds
                ),
                over.events,
            );
        }
        let pail = self.users.entry(user, now, Pail::default);
        if let Some((pail, over)) =
            pail.and_then(|pail| pail.pour(pour, &settings.user).map(|o| (pail, o)))
        {
            pail.alarm(until);
            raise(
                Rule::PasswordGuessingUser,
                Entity::Caller(user.to_owned()),
                format!(
                    "账号“{user}”在 {} 秒内登录失败 {} 次",
                    over.seconds, over.poured
                ),
                format!(
                    "{} failed sign-ins for `{user}` within {} s",
                    over.poured, over.seconds
                ),
                over.events,
            );
        }
        let pour = Pour {
            thing: Some(seen.hash(user)),
            ..pour
        };
        let sprayer = self.sprayers.entry(&source, now, Pail::default);
        if let Some((pail, over)) =
            sprayer.and_then(|pail| pail.pour(pour, &settings.users).map(|o| (pail, o)))
        {
            pail.alarm(until);
            raise(
                Rule::PasswordSpraying,
                Entity::Address(source),
                format!(
                    "地址 {source} 在 {} 秒内尝试登录 {} 个不同账号均失败",
                    over.seconds, over.poured
                ),
                format!(
                    "{source} failed to sign in as {} different users within {} s",
                    over.poured, over.seconds
                ),
                over.events,
            );
        }
    }

    /// Many users from many addresses, each too few to stand out.
    fn stuffing(
        &mut self,
        seen: &Seen<'_>,
        user: &str,
        settings: &settings::Guessing,
        found: &mut Vec<Detection>,
    ) {
        let (now, event) = (seen.observation.time_ms, seen.observation.event);
        self.failed.add(seen.hash(shortened(user)), now);
        if self.latest.len() == EVENTS {
            self.latest.pop_front();
        }
        self.latest.push_back(event);
        let failed = self.failed.count(now);
        if failed < u64::from(settings.stuffing.get()) || now < self.told {
            return;
        }
        let succeeded = self.succeeded.count(now);
        if failed > RATIO * succeeded {
            self.told = now.saturating_add(LATELY);
            found.push(Detection {
                time_ms: now,
                rule: Rule::CredentialStuffing,
                entity: Entity::Gateway("sign-in".into()),
                description: Words::new(
                    format!("十分钟内 {failed} 个不同账号登录失败，仅 {succeeded} 个成功，疑似分布式撞库"),
                    format!("{failed} different users failed to sign in within ten minutes and {succeeded} succeeded"),
                ),
                events: self.latest.iter().copied().collect(),
                foreign: 1.0,
            });
        }
    }

    /// A success from an address that was guessing, or for a user under attack from an address that took part in it.
    /// The user's own sign-in from elsewhere is not suspect, or guessing would end the victim's sessions.
    fn succeeded(&mut self, seen: &Seen<'_>, user: &str, found: &mut Vec<Detection>) {
        let (now, source) = (seen.observation.time_ms, seen.source);
        let user = shortened(user);
        self.succeeded.add(seen.hash(user), now);
        let address = self.addresses.get(&source);
        let guessing = address.is_some_and(|pail| pail.alarmed(now))
            || self
                .sprayers
                .get(&source)
                .is_some_and(|pail| pail.alarmed(now));
        let took_part = address.is_some_and(|pail| pail.level_at(now) >= SUSPECT)
            && self.users.get(user).is_some_and(|pail| pail.alarmed(now));
        if guessing || took_part {
            found.push(Detection {
                time_ms: now,
                rule: Rule::PasswordGuessed,
                entity: Entity::Caller(user.to_owned()),
                description: Words::new(
                    format!("账号“{user}”从正在猜测口令的地址 {source} 登录成功"),
                    format!("`{user}` signed in from {source}, where passwords were being guessed"),
                ),
                events: vec![seen.observation.event],
                foreign: 1.0,
            });
        }
    }
}

/// The first part of a user name, as nobody's is longer and the name comes from a stranger.
fn shortened(user: &str) -> &str {
    let end = user.char_indices().nth(64).map_or(user.len(), |(at, _)| at);
    user.get(..end).unwrap_or_default()
}
