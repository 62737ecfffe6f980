//! What is done about an alert without waiting for a person: always with an end, an undo and a limit.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::alert::{Alert, AlertId};
use crate::entity::Entity;
use crate::rule::Rule;
use crate::settings::{Mode, Responses, Settings};
use crate::span::{self, millis};

/// The number of an order.
pub type OrderId = u64;

const MINUTE: u64 = 60_000;
/// After this long without one, an earlier ban no longer makes the next one longer; chosen.
const FORGET: u64 = 7 * 86_400_000;
/// The most orders in force and offenders remembered; chosen.
const MOST: usize = 50_000;
/// Ending sessions twice within this time does nothing more, in milliseconds; chosen.
const ONCE: u64 = 10_000;
/// A ban needs at least this share of evidence that is not the gateway's own refusals.
const FOREIGN: f64 = 0.5;

/// What a rule leads to, as written in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Measure {
    /// The alert alone.
    Nothing,
    /// Serve slowly for a time.
    Throttle {
        /// How long.
        #[serde(rename = "for", with = "span")]
        #[schemars(with = "String")]
        lasts: Duration,
    },
    /// Shut out for a time; longer for those who come back.
    Ban {
        /// How long the first time.
        #[serde(rename = "for", with = "span")]
        #[schemars(with = "String")]
        lasts: Duration,
    },
    /// End every session of the caller.
    EndSession,
}

impl Measure {
    /// What a rule leads to unless the configuration says otherwise.
    pub fn usual(rule: Rule) -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        match rule {
            Rule::PasswordGuessing | Rule::PathScanning => Self::Ban { lasts: minutes(15) },
            Rule::PasswordSpraying | Rule::AttackProbing => Self::Ban { lasts: minutes(60) },
            Rule::PasswordGuessed => Self::EndSession,
            Rule::MassReading => Self::Throttle { lasts: minutes(30) },
            Rule::RepeatedDenials | Rule::RejectedCredentials | Rule::RecordProbing => {
                Self::Throttle { lasts: minutes(10) }
            }
            // The user is the victim; a botnet has no one address; a slow reader may have a reason; the rest is ours.
            Rule::PasswordGuessingUser
            | Rule::CredentialStuffing
            | Rule::MassReadingDay
            | Rule::AlertsFull
            | Rule::WatchFull
            | Rule::ResponsesLimited
            | Rule::ResponseFailed => Self::Nothing,
        }
    }
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Action {
    /// Shut out until then, in Unix milliseconds.
    Ban {
        /// The end.
        until_ms: u64,
    },
    /// Serve slowly until then; the risk board already does.
    Throttle {
        /// The end.
        until_ms: u64,
    },
    /// End every session.
    EndSession,
}

impl Action {
    /// Its name in alerts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ban { .. } => "ban",
            Self::Throttle { .. } => "throttle",
            Self::EndSession => "end-session",
        }
    }

    /// When it ends; `None` for what is over at once.
    pub fn until_ms(self) -> Option<u64> {
        match self {
            Self::Ban { until_ms } | Self::Throttle { until_ms } => Some(until_ms),
            Self::EndSession => None,
        }
    }
}

/// Something to be done about one entity because of one alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its number.
    pub id: OrderId,
    /// The alert that it answers.
    pub alert: AlertId,
    /// About whom.
    pub entity: Entity,
    /// What.
    pub action: Action,
    /// When it was given, in Unix milliseconds.
    pub time_ms: u64,
}

/// Why nothing is done although the rule says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Withheld {
    /// The configuration says to spare them.
    Spared,
    /// The same is in force already.
    InForce(OrderId),
    /// The configuration says to rehearse: this would have been done.
    Rehearsed(Action),
    /// As much as may be has been done within the minute.
    TooMany,
}

/// Turns alerts into orders.
#[derive(Debug)]
pub struct Responder {
    settings: Arc<Settings>,
    /// The orders in force, and some that have ended, by whom they are about.
    orders: HashMap<Entity, Vec<Order>>,
    /// No order ends before this.
    first_end: u64,
    /// When the orders of the last minute were given.
    recent: VecDeque<u64>,
    /// Who was banned how often, and when last.
    offenders: HashMap<Entity, (u32, u64)>,
    next: OrderId,
}

impl Responder {
    /// A responder that has done nothing.
    pub fn new(settings: Arc<Settings>) -> Self {
        Self {
            settings,
            orders: HashMap::new(),
            first_end: u64::MAX,
            recent: VecDeque::new(),
            offenders: HashMap::new(),
            next: 1,
        }
    }

    /// Uses other rules from now on; what is in force stays.
    pub fn set(&mut self, settings: Arc<Settings>) {
        self.settings = settings;
    }

    /// What is to be done about the alert, if anything.
    ///
    /// `foreign` is the share of its evidence that is not the gateway's own refusals, and `callers` how many callers
    /// share the address; where the first is below a half, or the second at `shared-by`, a ban of an address becomes
    /// a throttling.
    ///
    /// # Errors
    /// If something would be done, but is withheld.
    pub fn respond(
        &mut self,
        alert: &Alert,
        foreign: f64,
        callers: u64,
        now: u64,
    ) -> Result<Option<Order>, Withheld> {
        let settings = Arc::clone(&self.settings);
        let rules = &settings.responses;
        let measure = rules
            .rules
            .get(&alert.rule)
            .copied()
            .unwrap_or_else(|| Measure::usual(alert.rule));
        let shared = matches!(alert.entity, Entity::Address(_))
            && callers >= u64::from(rules.shared_by.get());
        let action = match measure {
            Measure::Nothing => return Ok(None),
            Measure::EndSession => Action::EndSession,
            Measure::Ban { lasts } if foreign < FOREIGN || shared => Action::Throttle {
                until_ms: end(now, lasts),
            },
            Measure::Throttle { lasts } => Action::Throttle {
                until_ms: end(now, lasts),
            },
            Measure::Ban { lasts } => Action::Ban {
                until_ms: end(now, self.lengthened(&alert.entity, lasts, now)),
            },
        };
        if matches!(alert.entity, Entity::Gateway(_)) {
            return Ok(None);
        }
        if rules.spare(&alert.entity) {
            return Err(Withheld::Spared);
        }
        self.expire(now);
        let given = self.orders.get(&alert.entity).into_iter().flatten();
        if let Some(order) = given
            .into_iter()
            .find(|order| order.lasts(now) && order.covers(action))
        {
            return Err(Withheld::InForce(order.id));
        }
        if rules.mode == Mode::Rehearse {
            return Err(Withheld::Rehearsed(action));
        }
        let limit = usize::try_from(rules.per_minute).unwrap_or(usize::MAX);
        if self.recent.len() >= limit || self.orders.len() >= MOST {
            return Err(Withheld::TooMany);
        }
        self.recent.push_back(now);
        if matches!(action, Action::Ban { .. }) {
            self.remember(&alert.entity, now);
        }
        Ok(Some(self.file(alert, action, now)))
    }

    /// Puts back the order that an alert of an earlier run was answered with, if it is still in force.
    pub(crate) fn restore(&mut self, alert: &Alert, now: u64) -> Option<Order> {
        let taken = alert.response.as_ref()?;
        let until_ms = taken.until_ms.filter(|until| *until > now)?;
        let action = match taken.kind.as_ref() {
            "ban" => Action::Ban { until_ms },
            "throttle" => Action::Throttle { until_ms },
            _ => return None,
        };
        if matches!(action, Action::Ban { .. }) {
            self.remember(&alert.entity, alert.last_ms);
        }
        Some(self.file(alert, action, alert.last_ms))
    }

    /// The orders in force.
    pub fn in_force(&self, now: u64) -> impl Iterator<Item = &Order> {
        self.orders
            .values()
            .flatten()
            .filter(move |order| order.lasts(now))
    }

    /// An order by its number.
    pub fn get(&self, id: OrderId) -> Option<&Order> {
        self.orders.values().flatten().find(|order| order.id == id)
    }

    /// Takes back one order, because it could not be carried out; the next detection may give it again.
    pub fn withdraw(&mut self, id: OrderId) -> Option<Order> {
        let entity = self.get(id)?.entity.clone();
        let given = self.orders.get_mut(&entity)?;
        let order = given.swap_remove(given.iter().position(|order| order.id == id)?);
        if given.is_empty() {
            self.orders.remove(&entity);
        }
        // What was not done, or was a mistake, does not make a later ban longer.
        if let (Action::Ban { .. }, Some((times, _))) =
            (order.action, self.offenders.get_mut(&order.entity))
        {
            *times = times.saturating_sub(1);
        }
        Some(order)
    }

    /// Takes back every order that answers this alert and returns them, for the gateway to reverse.
    pub fn undo(&mut self, alert: AlertId) -> Vec<Order> {
        let answers = self
            .orders
            .values()
            .flatten()
            .filter(|order| order.alert == alert);
        let ids: Vec<OrderId> = answers.map(|order| order.id).collect();
        ids.into_iter().filter_map(|id| self.withdraw(id)).collect()
    }

    /// Forgets what has ended.
    pub fn expire(&mut self, now: u64) {
        if now >= self.first_end {
            self.orders.retain(|_, given| {
                given.retain(|order| order.lasts(now));
                !given.is_empty()
            });
            self.first_end = self
                .orders
                .values()
                .flatten()
                .map(Order::end)
                .min()
                .unwrap_or(u64::MAX);
        }
        while self
            .recent
            .front()
            .is_some_and(|at| at.saturating_add(MINUTE) <= now)
        {
            self.recent.pop_front();
        }
    }

    fn file(&mut self, alert: &Alert, action: Action, now: u64) -> Order {
        let order = Order {
            id: self.next,
            alert: alert.id,
            entity: alert.entity.clone(),
            action,
            time_ms: now,
        };
        self.next = self.next.saturating_add(1);
        self.first_end = self.first_end.min(order.end());
        self.orders
            .entry(order.entity.clone())
            .or_default()
            .push(order.clone());
        order
    }

    /// Twice as long for each earlier ban, up to the longest.
    fn lengthened(&self, entity: &Entity, lasts: Duration, now: u64) -> Duration {
        let times = match self.offenders.get(entity) {
            Some((times, last)) if now.saturating_sub(*last) < FORGET => *times,
            Some(_) | None => 0,
        };
        let longest = self.settings.responses.longest.max(lasts);
        lasts
            .saturating_mul(2u32.saturating_pow(times.min(20)))
            .min(longest)
    }

    fn remember(&mut self, entity: &Entity, now: u64) {
        if self.offenders.len() >= MOST {
            self.offenders
                .retain(|_, (_, last)| now.saturating_sub(*last) < FORGET);
        }
        if self.offenders.len() >= MOST {
            self.offenders.retain(|_, (times, _)| *times > 1);
        }
        if self.offenders.len() < MOST || self.offenders.contains_key(entity) {
            let (times, last) = self.offenders.entry(entity.clone()).or_insert((0, now));
            *times = if now.saturating_sub(*last) < FORGET {
                times.saturating_add(1)
            } else {
                1
            };
            *last = now;
        }
    }
}

impl Order {
    fn end(&self) -> u64 {
        self.action
            .until_ms()
            .unwrap_or(self.time_ms.saturating_add(ONCE))
    }

    fn lasts(&self, now: u64) -> bool {
        now < self.end()
    }

    /// True if `action` would do nothing that this order does not do already.
    fn covers(&self, action: Action) -> bool {
        let same = std::mem::discriminant(&self.action) == std::mem::discriminant(&action);
        same || matches!(
            (self.action, action),
            (Action::Ban { .. }, Action::Throttle { .. })
        )
    }
}

impl Responses {
    fn spare(&self, entity: &Entity) -> bool {
        match entity {
            Entity::Caller(id) => self.spare_callers.contains(id),
            Entity::Address(source) => self
                .spare_networks
                .iter()
                .any(|net| net.contains(&source.address())),
            Entity::Certificate(_) | Entity::Gateway(_) => false,
        }
    }
}

fn end(now: u64, lasts: Duration) -> u64 {
    now.saturating_add(millis(lasts))
}
