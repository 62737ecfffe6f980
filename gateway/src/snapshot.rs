//! Everything that can change while the gateway runs: built whole, checked, then swapped.

mod portal;
mod workshop;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use hangu_identity::assertion::AssertionSigner;
use hangu_identity::token::Verifier;
use hangu_inspect::{Inspector, Settings};
use hangu_limit::Rate;
use hangu_policy::RateClass;
use hangu_policy::lifecycle::rollout::By;
use hangu_policy::said;

use crate::admin::authority::Authority;
use crate::clock::{self, Calendar};
use crate::config::{self, Configuration, Mistake};
use crate::identities::Identities;
use crate::policy::Policy;
use crate::policy::trial::Trial;
use crate::rulesets::RuleSets;
use crate::stage::route::Routes;
use crate::stage::tls::ZoneTls;
use crate::triage::grants::Grants;
use crate::upstream::health;
use crate::world::world;
pub use portal::Portal;
use workshop::Workshop;

/// The configuration in force, with everything that was built from it. A copy shares all of it.
#[derive(Clone)]
pub struct Snapshot {
    /// Moves on with every swap.
    pub serial: u64,
    /// When it was built, in milliseconds since the epoch.
    pub loaded_ms: u64,
    /// The configuration.
    pub configuration: Arc<Configuration>,
    /// Zones.
    zones: Arc<[Zone]>,
    /// Crossings by `from * zones + to`.
    crossings: Arc<[Option<Crossing>]>,
    /// Portals.
    pub portals: Vec<Arc<Portal>>,
    /// Hosts and paths.
    pub routes: Arc<Routes>,
    /// The live policy.
    pub policy: Arc<Policy>,
    /// The live policy with what is tried beside it, where policy changes by reviewed changes.
    pub trial: Option<Arc<Trial>>,
    /// Administrators and what they may do, where there is a console.
    pub authority: Option<Arc<Authority>>,
    /// Local time.
    pub calendar: Arc<Calendar>,
    /// Rates.
    pub rates: Arc<Rates>,
    /// Detection of attacks.
    pub inspector: Arc<Inspector>,
    /// Exceptions that were granted while the gateway runs.
    pub grants: Arc<Grants>,
    /// Rules in SecLang that portals name.
    pub rules: Arc<RuleSets>,
    /// Issuers and their keys; keys from URLs are swapped when they are fetched.
    pub tokens: Arc<ArcSwap<Verifier>>,
    /// Local identities and API keys.
    pub identities: Identities,
    /// What signs assertions.
    pub signer: Arc<AssertionSigner>,
}

/// A zone.
#[derive(Debug, Clone)]
pub struct Zone {
    /// Its settings.
    pub settings: Arc<config::Zone>,
    /// Its TLS.
    pub tls: Option<Arc<ZoneTls>>,
}

/// A declared crossing.
#[derive(Debug, Clone, Copy)]
pub struct Crossing {
    /// The least redaction of answers.
    pub redact: Option<hangu_redact::Level>,
    /// The redaction of requests.
    pub redact_requests: Option<hangu_redact::Level>,
    /// The least assurance.
    pub assurance: u8,
}

/// Rates.
#[derive(Debug)]
pub struct Rates {
    /// Of an address.
    pub address: Rate,
    /// Sign-in attempts of an address.
    pub sign_in: Rate,
    /// Of those who are served slowly because of an alert: one request a second, five at once.
    pub throttle: Rate,
    bronze: Option<Rate>,
    silver: Option<Rate>,
    gold: Option<Rate>,
}

impl Rates {
    /// The rate of a class, where one is configured.
    pub const fn class(&self, class: RateClass) -> Option<&Rate> {
        match class {
            RateClass::Bronze => self.bronze.as_ref(),
            RateClass::Silver => self.silver.as_ref(),
            RateClass::Gold => self.gold.as_ref(),
        }
    }
}

static SERIAL: AtomicU64 = AtomicU64::new(1);
static GENERATION: AtomicU64 = AtomicU64::new(1);

impl Snapshot {
    /// Builds everything a configuration asks for. What has not changed since `before` is kept.
    ///
    /// # Errors
    /// Every mistake in the files it names; nothing is in force then.
    pub fn build(
        mut configuration: Configuration,
        before: Option<&Self>,
    ) -> Result<Self, Vec<Mistake>> {
        let path = configuration.path.clone();
        let mut shop = Workshop {
            path: &path,
            mistakes: Vec::new(),
        };
        if let Some(key) = shop.person_key(&configuration.state) {
            Arc::make_mut(&mut configuration.redact.rules).set_person_key(key);
        }
        let zones: Vec<Zone> = configuration
            .zones
            .iter()
            .map(|z| build_zone(&mut shop, z, before))
            .collect();
        let known = before.map(|before| &*before.rules);
        let rules = RuleSets::load(&configuration.rules, known, &mut shop.mistakes);
        let grants = before
            .map(|before| Arc::clone(&before.grants))
            .unwrap_or_default();
        let portals = configuration
            .portals
            .iter()
            .map(|p| {
                portal::build(
                    &mut shop,
                    p,
                    before,
                    &rules,
                    &grants,
                    &configuration.time_zone,
                )
            })
            .collect::<Vec<_>>();
        let routes = match Routes::new(&configuration.portals) {
            Ok(routes) => routes,
            Err(overlap) => {
                let name = |i: usize| configuration.portals.get(i).map_or("", |p| p.name.as_str());
                shop.wrong_here(said!(
                    "portals `{}` and `{}` both claim `{}{}`",
                    "门户 `{}` 和 `{}` 都声明了 `{}{}`",
                    name(overlap.first),
                    name(overlap.second),
                    overlap.host,
                    overlap.path
                ));
                Routes::default()
            }
        };
        let files = &configuration.policy;
        // Where changes are reviewed, what is live stays live whatever the files say now.
        let kept = before.filter(|b| files.review.is_some() && b.trial.is_some());
        let policy = match kept {
            Some(before) => Some(Arc::clone(&before.policy)),
            None => {
                let near = before.map(|b| &*b.policy);
                shop.live(&configuration.state, files, near).map(Arc::new)
            }
        };
        let trial = kept.and_then(|b| b.trial.clone());
        let authority = configuration
            .console
            .as_ref()
            .and_then(|console| shop.authority(console, before));
        let rates = shop.rates(&configuration.limit);
        let tokens = shop.tokens(&configuration.identity, before);
        let identities = Identities::load(
            &configuration.identity,
            before.map(|b| &b.identities),
            &mut shop.mistakes,
        );
        let signer = shop.signer(&configuration.identity, before);
        if let Some(rates) = &rates {
            let candidate = trial.as_ref().and_then(|trial| trial.candidate.as_ref());
            for policy in policy.iter().chain(candidate) {
                shop.mistakes.extend(unfit(&configuration, rates, policy));
            }
        }
        let mistakes = shop.mistakes;
        let (Some(policy), Some(rates), Some(tokens), Some(identities), Some(signer)) =
            (policy, rates, tokens, identities, signer)
        else {
            return Err(mistakes);
        };
        let portals: Option<Vec<Arc<Portal>>> = portals.into_iter().collect();
        let Some(portals) = portals.filter(|_| mistakes.is_empty()) else {
            return Err(mistakes);
        };
        let width = zones.len();
        let mut crossings = vec![None; width * width];
        for crossing in &configuration.crossings {
            if let Some(slot) = crossings.get_mut(crossing.from * width + crossing.to) {
                *slot = Some(Crossing {
                    redact: crossing.redact,
                    redact_requests: crossing.redact_requests,
                    assurance: crossing.assurance,
                });
            }
        }
        Ok(Self {
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            loaded_ms: clock::wall_ms(),
            calendar: Arc::new(Calendar::new(&configuration.time_zone)),
            zones: zones.into(),
            crossings: crossings.into(),
            portals,
            routes: Arc::new(routes),
            policy,
            trial,
            authority,
            rates: Arc::new(rates),
            inspector: before.map_or_else(
                || Arc::new(Inspector::new(Settings::default())),
                |b| Arc::clone(&b.inspector),
            ),
            grants,
            rules: Arc::new(rules),
            tokens: Arc::new(ArcSwap::from_pointee(tokens)),
            identities,
            signer,
            configuration: Arc::new(configuration),
        })
    }

    /// Every file that it was built from; a change of any is a reason to read again.
    pub fn files(&self) -> Vec<PathBuf> {
        let named = self.configuration.files.iter();
        named.chain(self.rules.files()).cloned().collect()
    }

    /// The policy that decided a request under this snapshot.
    pub fn policy_of(&self, by: By) -> &Policy {
        let trial = self.trial.as_ref();
        trial.map_or(&self.policy, |trial| trial.policy(by))
    }

    /// A zone by its index.
    pub fn zone(&self, index: usize) -> Option<&Zone> {
        self.zones.get(index)
    }

    /// All zones.
    pub fn zones(&self) -> &[Zone] {
        &self.zones
    }

    /// A crossing, where it is declared. Within a zone nothing has to be declared.
    pub fn crossing(&self, from: usize, to: usize) -> Option<Crossing> {
        let declared = self
            .crossings
            .get(from * self.zones.len() + to)
            .copied()
            .flatten();
        if declared.is_none() && from == to {
            return Some(Crossing {
                redact: None,
                redact_requests: None,
                assurance: 0,
            });
        }
        declared
    }

    /// Tests beside the policy that do not hold: `hangu check` refuses them, a running gateway warns.
    pub fn failing_cases(&self) -> Vec<Mistake> {
        self.policy.failing_cases()
    }

    /// What of a policy this configuration cannot serve.
    ///
    /// # Errors
    /// The mistakes.
    pub fn fits(&self, policy: &Policy) -> Result<(), Vec<Mistake>> {
        let mistakes = unfit(&self.configuration, &self.rates, policy);
        if mistakes.is_empty() {
            Ok(())
        } else {
            Err(mistakes)
        }
    }

    /// The same configuration with another live policy, and what is tried beside it.
    #[must_use]
    pub fn with_trial(&self, trial: Arc<Trial>) -> Self {
        Self {
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            loaded_ms: clock::wall_ms(),
            policy: Arc::clone(&trial.live),
            trial: Some(trial),
            ..self.clone()
        }
    }

    /// Starts the health checks of upstreams that did not run before.
    pub fn start_checks(&self, before: Option<&Self>) {
        for portal in &self.portals {
            let ran = before.is_some_and(|b| {
                b.portals
                    .iter()
                    .any(|p| Arc::ptr_eq(&p.upstream, &portal.upstream))
            });
            if !ran {
                health::keep_checking(&portal.upstream);
            }
        }
    }
}

fn build_zone(shop: &mut Workshop<'_>, zone: &config::Zone, before: Option<&Snapshot>) -> Zone {
    let previous = before.and_then(|b| b.zones.iter().find(|z| z.settings.name == zone.name));
    let tls = zone.tls.as_ref().and_then(|tls| {
        let generation = GENERATION.fetch_add(1, Ordering::Relaxed);
        ZoneTls::build(
            tls,
            previous.and_then(|z| z.tls.as_ref()),
            generation,
            clock::now(),
        )
        .map_err(|fault| shop.wrong(&fault.file, fault.message))
        .ok()
    });
    Zone {
        settings: Arc::new(zone.clone()),
        tls,
    }
}

/// What of a policy a configuration cannot serve: rates that are not there, statements that are not proved.
fn unfit(configuration: &Configuration, rates: &Rates, policy: &Policy) -> Vec<Mistake> {
    let mut mistakes = policy.unproved(Some(&world(configuration)));
    mistakes.extend(unrated(&configuration.path, policy, rates));
    mistakes
}

/// A rule whose rate class has no rate would turn every allow into a refusal.
fn unrated(configuration: &Path, policy: &Policy, rates: &Rates) -> Option<Mistake> {
    let missing: Vec<&str> = [RateClass::Bronze, RateClass::Silver, RateClass::Gold]
        .into_iter()
        .filter(|class| rates.class(*class).is_none())
        .map(RateClass::name)
        .filter(|name| {
            let wanted = format!("rate:{name}");
            policy.compiled.rules().any(|rule| {
                let mut obligations = rule.fields.iter().flat_map(|field| field.split(';'));
                obligations.any(|obligation| obligation.trim() == wanted)
            })
        })
        .collect();
    let (first, more) = missing.split_first()?;
    let names = more
        .iter()
        .fold(format!("`limit.class.{first}`"), |all, name| {
            format!("{all}, `limit.class.{name}`")
        });
    Some(Mistake::of_file(
        configuration,
        said!(
            "rules use rate classes that are not configured: {names}",
            "规则用到的速率等级没有配置：{names}"
        ),
    ))
}
