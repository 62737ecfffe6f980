//! The exceptions in force, as every request reads them.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use hangu_inspect::Exception;

use super::scope::Scope;

/// Exceptions in force, by portal. One set outlives every configuration.
#[derive(Debug, Default)]
pub struct Grants(ArcSwap<HashMap<String, Arc<[Grant]>>>);

/// An exception in force.
#[derive(Debug)]
pub struct Grant {
    /// Its number.
    pub id: u64,
    /// Where it holds.
    pub scope: Scope,
    /// What inspection is told of it.
    pub exception: Exception,
    /// When it ends, in milliseconds since the epoch.
    pub until_ms: u64,
}

impl Grants {
    /// Those of a portal; they may have ended.
    pub fn of(&self, portal: &str) -> Option<Arc<[Grant]>> {
        let all = self.0.load();
        // Nearly always there are none, and then nothing is looked up.
        (!all.is_empty())
            .then(|| all.get(portal).cloned())
            .flatten()
    }

    /// Puts these into force instead of all others.
    pub fn put(&self, grants: impl IntoIterator<Item = Grant>) {
        let mut all: HashMap<String, Vec<Grant>> = HashMap::new();
        for grant in grants {
            all.entry(grant.scope.portal.clone())
                .or_default()
                .push(grant);
        }
        let all = all
            .into_iter()
            .map(|(portal, grants)| (portal, grants.into()));
        self.0.store(Arc::new(all.collect()));
    }
}

impl Grant {
    /// Whether it holds for a path now.
    pub fn holds(&self, path: &str, now_ms: u64) -> bool {
        now_ms < self.until_ms && self.scope.covers(path)
    }
}
