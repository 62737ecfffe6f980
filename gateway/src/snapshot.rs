//! Everything that can change while the gateway runs: built whole, checked, then swapped.

use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use hangu_identity::assertion::AssertionSigner;
use hangu_identity::binding::BindingKey;
use hangu_identity::token::{Jwks, Verifier};
use hangu_inspect::openapi::{Document, Unlisted};
use hangu_inspect::seclang::RuleSet;
use hangu_inspect::{Exceptions, Inspector, Settings};
use hangu_limit::Rate;
use hangu_policy::RateClass;
use hangu_policy::lifecycle::rollout::By;
use hangu_policy::lifecycle::{Bundle, Text};
use hangu_redact::PersonKey;

use crate::admin::authority::Authority;
use crate::admin::users::Administrators;
use crate::clock::{self, Calendar};
use crate::config::{self, Configuration, JwksSource, Mistake};
use crate::identities::Identities;
use crate::keys;
use crate::policy::Policy;
use crate::policy::office::Office;
use crate::policy::trial::Trial;
use crate::rulesets::RuleSets;
use crate::stage::route::{Routes, covers};
use crate::stage::tls::ZoneTls;
use crate::upstream::{Upstream, health};
use crate::world::world;

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
    /// The least redaction.
    pub redact: Option<hangu_redact::Level>,
    /// The least assurance.
    pub assurance: u8,
}

/// A portal.
pub struct Portal {
    /// Its settings.
    pub settings: config::Portal,
    /// Where its requests go.
    pub upstream: Arc<Upstream>,
    /// The key of its `Hangu-Binding`.
    pub binding_key: Option<BindingKey>,
    /// Rules in SecLang that judge its requests as well.
    pub rules: Vec<Arc<RuleSet>>,
    /// The document that describes its requests.
    pub openapi: Option<Document>,
    /// What is no attack here.
    pub exceptions: Vec<Exempted>,
}

/// What is no attack in a portal.
#[derive(Debug)]
pub struct Exempted {
    /// The settings.
    pub settings: config::Excepted,
    /// When it ends, in milliseconds since the epoch.
    pub ends_ms: Option<u64>,
}

impl Exempted {
    /// Whether its last day is over.
    pub fn has_ended(&self, now_ms: u64) -> bool {
        self.ends_ms.is_some_and(|end| end <= now_ms)
    }
}

impl Portal {
    /// What is no attack in a request: exceptions that have not ended, of its path and the zone it comes from.
    pub fn exceptions(&self, path: &str, from: usize, now_ms: u64) -> Exceptions {
        let apply = |exempted: &&Exempted| {
            let settings = &exempted.settings;
            let elsewhere = settings.from.is_some_and(|zone| zone != from);
            let covered = settings.path.as_deref();
            !elsewhere
                && !exempted.has_ended(now_ms)
                && covered.is_none_or(|prefix| covers(prefix, path))
        };
        if self.exceptions.is_empty() {
            return Exceptions::default();
        }
        let apply = self.exceptions.iter().filter(apply);
        Exceptions::new(apply.map(|exempted| exempted.settings.exception.clone()))
    }
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

/// Collects what cannot be used.
struct Workshop<'a> {
    path: &'a Path,
    mistakes: Vec<Mistake>,
}

impl Workshop<'_> {
    fn wrong(&mut self, file: &Path, message: impl std::fmt::Display) {
        self.mistakes
            .push(Mistake::of_file(file, message.to_string()));
    }

    fn wrong_here(&mut self, message: impl std::fmt::Display) {
        let path = self.path.to_owned();
        self.wrong(&path, message);
    }

    fn text(&mut self, file: &Path) -> Option<Text> {
        fs::read_to_string(file)
            .map(|text| Text::new(file.display().to_string(), text))
            .map_err(|e| self.wrong(file, format!("cannot be read: {e}")))
            .ok()
    }

    fn texts(&mut self, files: &[PathBuf]) -> Option<Vec<Text>> {
        files.iter().map(|file| self.text(file)).collect()
    }

    fn policy(&mut self, files: &config::Policy) -> Option<Policy> {
        let bundle = Bundle {
            model: self.text(&files.model)?,
            rules: self.texts(&files.rules)?,
            statements: self.texts(&files.statements)?,
            cases: self.texts(&files.cases)?,
        };
        self.compiled(bundle)
    }

    /// The policy that was live last where changes are reviewed, or the one in the files.
    fn live(&mut self, state: &Path, files: &config::Policy) -> Option<Policy> {
        let Some(review) = &files.review else {
            return self.policy(files);
        };
        match Office::live(state, review) {
            Ok(Some(bundle)) => self.compiled(bundle),
            Ok(None) => self.policy(files),
            Err(mistake) => {
                self.mistakes.push(mistake);
                None
            }
        }
    }

    fn compiled(&mut self, bundle: Bundle) -> Option<Policy> {
        Policy::compile(bundle)
            .map_err(|mistakes| self.mistakes.extend(mistakes))
            .ok()
    }

    /// An OpenAPI document.
    fn openapi(&mut self, path: &Path, unlisted: Unlisted) -> Option<Document> {
        let text = self.text(path)?;
        let document = Document::load(&text.text, unlisted);
        document
            .map_err(|errors| errors.iter().for_each(|error| self.wrong(path, error)))
            .ok()
    }

    /// The key under which people are told apart in answers; made where there is none yet.
    fn person_key(&mut self, state: &Path) -> Option<PersonKey> {
        let path = state.join("keys").join("person.key");
        let key = keys::load_or_make(&path, || keys::random(16));
        let key = key.map_err(|e| self.wrong(&path, e)).ok()?;
        <[u8; 16]>::try_from(key.as_slice())
            .map(PersonKey::new)
            .map_err(|_| self.wrong(&path, "it should have 16 bytes"))
            .ok()
    }

    fn authority(
        &mut self,
        console: &config::Console,
        before: Option<&Snapshot>,
    ) -> Option<Arc<Authority>> {
        let policy = self.policy(&console.policy);
        if let Some(policy) = &policy {
            // The console has no portals: its statements are about its rules alone.
            self.mistakes.extend(policy.unproved(None));
        }
        let before = before
            .and_then(|b| b.authority.as_ref())
            .map(|a| &a.administrators);
        let administrators = Administrators::read(&console.users, before)
            .map_err(|errors| self.mistakes.extend(errors))
            .ok();
        let (policy, administrators) = (policy?, administrators?);
        Authority::new(
            administrators,
            Arc::clone(&policy.compiled),
            &console.host,
            &console.policy.model,
        )
        .map(Arc::new)
        .map_err(|mistake| self.mistakes.push(mistake))
        .ok()
    }

    fn rate(&mut self, name: &str, rate: &config::Rate) -> Option<Rate> {
        Rate::new(rate.count, rate.period, rate.burst)
            .map_err(|e| self.wrong_here(format!("rate `{name}`: {e}")))
            .ok()
    }

    fn rates(&mut self, limit: &config::Limit) -> Option<Rates> {
        const KNOWN: [&str; 3] = ["bronze", "silver", "gold"];
        for name in limit.class.keys().filter(|n| !KNOWN.contains(&n.as_str())) {
            self.wrong_here(format!(
                "`limit.class.{name}`: rate classes are `bronze`, `silver` and `gold`"
            ));
        }
        let mut class = |name: &str| limit.class.get(name).and_then(|rate| self.rate(name, rate));
        let (bronze, silver, gold) = (class("bronze"), class("silver"), class("gold"));
        let address = self.rate("address", &limit.address);
        let sign_in = self.rate("sign-in", &limit.sign_in);
        let throttle = Rate::new(
            NonZeroU32::MIN,
            Duration::from_secs(1),
            NonZeroU32::MIN.saturating_add(4),
        )
        .map_err(|e| self.wrong_here(e))
        .ok()?;
        Some(Rates {
            address: address?,
            sign_in: sign_in?,
            throttle,
            bronze,
            silver,
            gold,
        })
    }

    /// The signer of assertions; its key is made where there is none yet.
    fn signer(
        &mut self,
        identity: &config::Identity,
        before: Option<&Snapshot>,
    ) -> Option<Arc<AssertionSigner>> {
        const LIFETIME: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);
        let path = &identity.assertion_key;
        let key = keys::load_or_make(path, || {
            hangu_identity::assertion::generate_key()
                .map(|key| key.to_vec())
                .map_err(|e| e.to_string())
        });
        let key = key.map_err(|e| self.wrong(path, e)).ok()?;
        let signer = AssertionSigner::new(&key, &identity.assertion_issuer, LIFETIME, 65_536)
            .map_err(|e| self.wrong(path, e))
            .ok()?;
        // The same key under the same issuer keeps its assertions, which are still fresh.
        let kept = before.filter(|b| {
            b.signer.kid() == signer.kid()
                && b.configuration.identity.assertion_issuer == identity.assertion_issuer
        });
        Some(kept.map_or_else(|| Arc::new(signer), |b| Arc::clone(&b.signer)))
    }

    fn tokens(
        &mut self,
        identity: &config::Identity,
        before: Option<&Snapshot>,
    ) -> Option<Verifier> {
        let mut issuers = Vec::new();
        for issuer in &identity.issuers {
            let keys = match &issuer.keys {
                JwksSource::File(path) => {
                    let text = self.text(path)?;
                    Some(
                        Jwks::parse(text.text.as_bytes())
                            .map_err(|e| self.wrong(path, e))
                            .ok()?,
                    )
                }
                // Keys that were fetched before stay until they are fetched again.
                JwksSource::Url { .. } => {
                    before.and_then(|b| b.tokens.load().keys_of(issuer.token.name()).cloned())
                }
            };
            issuers.push((issuer.token.clone(), keys));
        }
        Verifier::new(issuers).map_err(|e| self.wrong_here(e)).ok()
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
        let portals = configuration
            .portals
            .iter()
            .map(|p| build_portal(&mut shop, p, before, &rules, &configuration.time_zone))
            .collect::<Vec<_>>();
        let routes = match Routes::new(&configuration.portals) {
            Ok(routes) => routes,
            Err(overlap) => {
                let name = |i: usize| configuration.portals.get(i).map_or("", |p| p.name.as_str());
                shop.wrong_here(format!(
                    "portals `{}` and `{}` both claim `{}{}`",
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
            None => shop.live(&configuration.state, files).map(Arc::new),
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

fn build_portal(
    shop: &mut Workshop<'_>,
    portal: &config::Portal,
    before: Option<&Snapshot>,
    rules: &RuleSets,
    time_zone: &str,
) -> Option<Arc<Portal>> {
    let kept = before.and_then(|b| b.portals.iter().find(|p| p.settings.name == portal.name));
    // Certificates may have changed under the same names, so only upstreams without TLS are kept.
    let reusable =
        kept.filter(|p| p.settings.upstream == portal.upstream && portal.upstream.tls.is_none());
    let upstream = match reusable {
        Some(kept) => Arc::clone(&kept.upstream),
        None => Arc::new(
            Upstream::new(&portal.upstream)
                .map_err(|e| shop.wrong_here(format!("portal `{}`: {e}", portal.name)))
                .ok()?,
        ),
    };
    let binding_key = match &portal.binding_key {
        None => None,
        Some(path) => {
            let bytes = fs::read(path)
                .map_err(|e| shop.wrong(path, format!("cannot be read: {e}")))
                .ok()?;
            Some(
                BindingKey::new(bytes.trim_ascii())
                    .map_err(|e| shop.wrong(path, e))
                    .ok()?,
            )
        }
    };
    let openapi = match &portal.inspect.openapi {
        None => None,
        Some((path, unlisted)) => Some(shop.openapi(path, *unlisted)?),
    };
    Some(Arc::new(Portal {
        settings: portal.clone(),
        openapi,
        upstream,
        binding_key,
        rules: rules.named(&portal.inspect.rules),
        exceptions: exempted(&portal.inspect.except, time_zone),
    }))
}

/// Exceptions with the moment at which their last day is over.
fn exempted(except: &[config::Excepted], time_zone: &str) -> Vec<Exempted> {
    let end = |last: jiff::civil::Date| {
        let next = last.tomorrow().ok()?.in_tz(time_zone).ok()?;
        u64::try_from(next.timestamp().as_millisecond()).ok()
    };
    let ends = |settings: &config::Excepted| Exempted {
        // A day that no clock can tell has no end that could be missed: it is over.
        ends_ms: settings.until.map(|last| end(last).unwrap_or(0)),
        settings: settings.clone(),
    };
    except.iter().map(ends).collect()
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
        format!("rules use rate classes that are not configured: {names}"),
    ))
}
