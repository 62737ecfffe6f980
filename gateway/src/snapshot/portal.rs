//! A portal of a snapshot: where its requests go, and what inspection does about them.

use std::fs;
use std::sync::Arc;

use hangu_identity::binding::BindingKey;
use hangu_inspect::Exceptions;
use hangu_inspect::openapi::Document;
use hangu_inspect::seclang::RuleSet;
use hangu_policy::said;

use super::Snapshot;
use super::workshop::Workshop;
use crate::config::{self, RuleEffect, unreadable, unusable};
use crate::rulesets::RuleSets;
use crate::stage::route::covers;
use crate::triage::grants::Grants;
use crate::upstream::Upstream;

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
    /// Rules in SecLang whose findings are recorded and do not count.
    pub shadow: Vec<Arc<RuleSet>>,
    /// The document that describes its requests.
    pub openapi: Option<Document>,
    /// What is no attack here.
    pub exceptions: Vec<Exempted>,
    /// What was granted beside that while the gateway runs.
    pub grants: Arc<Grants>,
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
    /// What is no attack in a request: exceptions that have not ended, configured or granted, of its path and the zone
    /// it comes from.
    pub fn exceptions(&self, path: &str, from: usize, now_ms: u64) -> Exceptions {
        let apply = |exempted: &&Exempted| {
            let settings = &exempted.settings;
            let elsewhere = settings.from.is_some_and(|zone| zone != from);
            let covered = settings.path.as_deref();
            !elsewhere
                && !exempted.has_ended(now_ms)
                && covered.is_none_or(|prefix| covers(prefix, path))
        };
        let granted = self.grants.of(&self.settings.name);
        if self.exceptions.is_empty() && granted.is_none() {
            return Exceptions::default();
        }
        let granted = granted.iter().flat_map(|all| all.iter());
        let granted = granted.filter(|grant| grant.holds(path, now_ms));
        let apply = self.exceptions.iter().filter(apply);
        let apply = apply.map(|exempted| &exempted.settings.exception);
        Exceptions::new(apply.chain(granted.map(|grant| &grant.exception)).cloned())
    }
}

/// Builds a portal. What has not changed since `before` is kept.
pub(super) fn build(
    shop: &mut Workshop<'_>,
    portal: &config::Portal,
    before: Option<&Snapshot>,
    rules: &RuleSets,
    grants: &Arc<Grants>,
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
                .map_err(|e| {
                    shop.wrong_here(said!(
                        "portal `{}`: {e}",
                        "门户 `{}` 不可用：{e}",
                        portal.name
                    ))
                })
                .ok()?,
        ),
    };
    let binding_key = match &portal.binding_key {
        None => None,
        Some(path) => {
            let bytes = fs::read(path)
                .map_err(|e| shop.wrong(path, unreadable(&e)))
                .ok()?;
            Some(
                BindingKey::new(bytes.trim_ascii())
                    .map_err(|e| shop.wrong(path, unusable(&e)))
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
        rules: rules.named(&portal.inspect.rules, RuleEffect::Counts),
        shadow: rules.named(&portal.inspect.rules, RuleEffect::Shadow),
        exceptions: exempted(&portal.inspect.except, time_zone),
        grants: Arc::clone(grants),
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
