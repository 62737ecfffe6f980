//! Where a portal's requests go: which address, over which connection.
//!
//! [`pool`] keeps connections, one pool for each upstream and trust, so that connections verified under different
//! rules are never shared; [`connect`] opens them; [`health`] checks addresses; this file chooses.

pub mod connect;
pub mod health;
pub mod pool;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use pingora_load_balancing::selection::{Consistent, RoundRobin};
use pingora_load_balancing::{Backend, LoadBalancer};
use thiserror::Error;

use crate::clock;
use crate::config::{self, Balance};
use crate::connection::millis;
use connect::Connector;
use pool::Address;

/// Why an upstream cannot be built.
#[derive(Debug, Error)]
pub enum UpstreamError {
    /// The balancer refused the addresses.
    #[error("the balancer refused the addresses: {0}")]
    Balancer(String),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] connect::TlsError),
}

/// The addresses of a portal.
pub struct Upstream {
    /// What was configured.
    pub settings: config::Upstream,
    addresses: Vec<Arc<Address>>,
    balancer: Balancer,
    pub(crate) connector: Connector,
}

/// pingora's balancers; least connections uses the first for health and order alone.
enum Balancer {
    RoundRobin(LoadBalancer<RoundRobin>),
    Consistent(LoadBalancer<Consistent>),
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstream")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// What one request did to its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// An answer in time.
    Answered,
    /// No connection, no answer, or one that says the service is down.
    Failed,
}

impl Upstream {
    /// Builds the pool and the balancer; nothing is connected yet.
    ///
    /// # Errors
    /// When TLS cannot be set up from its files.
    pub fn new(settings: &config::Upstream) -> Result<Self, UpstreamError> {
        let connector = Connector::new(settings)?;
        let wrong = |e: std::io::Error| UpstreamError::Balancer(e.to_string());
        let check = || health::check(settings, connector.clone());
        let balancer = match settings.balance {
            Balance::RoundRobin | Balance::LeastConnections => {
                let mut balancer =
                    LoadBalancer::try_from_iter(&settings.addresses).map_err(wrong)?;
                if let Some(check) = check() {
                    balancer.set_health_check(check);
                }
                Balancer::RoundRobin(balancer)
            }
            Balance::ConsistentHash => {
                let mut balancer =
                    LoadBalancer::try_from_iter(&settings.addresses).map_err(wrong)?;
                if let Some(check) = check() {
                    balancer.set_health_check(check);
                }
                Balancer::Consistent(balancer)
            }
        };
        let addresses = settings
            .addresses
            .iter()
            .map(|a| Arc::new(Address::new(*a, settings.idle_connections)))
            .collect();
        Ok(Self {
            settings: settings.clone(),
            addresses,
            balancer,
            connector,
        })
    }

    /// Checks every address once, where checks are configured.
    pub async fn check_health(&self) {
        match &self.balancer {
            Balancer::RoundRobin(b) => b.backends().run_health_check(true).await,
            Balancer::Consistent(b) => b.backends().run_health_check(true).await,
        }
    }

    /// Every address with its state.
    pub fn addresses(&self) -> impl Iterator<Item = (&Arc<Address>, bool)> {
        self.addresses
            .iter()
            .map(|address| (address, self.is_healthy(address.at)))
    }

    fn is_healthy(&self, at: SocketAddr) -> bool {
        let backends = match &self.balancer {
            Balancer::RoundRobin(b) => b.backends(),
            Balancer::Consistent(b) => b.backends(),
        };
        Backend::new(&at.to_string()).is_ok_and(|backend| backends.ready(&backend))
    }

    fn address(&self, backend: &Backend) -> Option<&Arc<Address>> {
        let at = backend.addr.as_inet()?;
        self.addresses.iter().find(|address| address.at == *at)
    }

    /// Chooses an address, other than `not`, for a caller with this hash.
    ///
    /// Where every address is unhealthy or ejected, none is chosen: an answer from a service that is
    /// known to be down is worth less than a quick refusal.
    pub fn choose(
        &self,
        key: &[u8],
        not: Option<&Arc<Address>>,
        now: Duration,
    ) -> Option<Arc<Address>> {
        let now = millis(now);
        if let [only] = self.addresses.as_slice()
            && self.settings.health.is_none()
        {
            // A single address is never ejected: the share that may be out rounds down to none.
            return not.is_none().then(|| Arc::clone(only));
        }
        let usable = |address: &Arc<Address>| {
            not.is_none_or(|n| !Arc::ptr_eq(n, address)) && !address.is_ejected(now)
        };
        if self.settings.balance == Balance::LeastConnections {
            let start = self.turn();
            let order = self
                .addresses
                .iter()
                .cycle()
                .skip(start)
                .take(self.addresses.len());
            return order
                .filter(|address| usable(address) && self.is_healthy(address.at))
                .min_by_key(|address| address.active())
                .cloned();
        }
        let accept =
            |backend: &Backend, healthy: bool| healthy && self.address(backend).is_some_and(usable);
        let bound = self.addresses.len().saturating_mul(64);
        let backend = match &self.balancer {
            Balancer::RoundRobin(b) => b.select_with(key, bound, accept),
            Balancer::Consistent(b) => b.select_with(key, bound, accept),
        }?;
        self.address(&backend).cloned()
    }

    /// A start that moves on, so that ties of least connections are not always the first address's.
    fn turn(&self) -> usize {
        static TURN: AtomicUsize = AtomicUsize::new(0);
        TURN.fetch_add(1, Ordering::Relaxed) % self.addresses.len().max(1)
    }

    /// Learns from a request; ejects an address that failed often enough, within the configured share.
    pub fn learn(&self, address: &Address, outcome: Outcome, took: Duration) {
        let slow = self
            .settings
            .eject
            .slower_than
            .is_some_and(|bound| took > bound);
        if outcome == Outcome::Answered && !slow {
            address.failures.store(0, Ordering::Relaxed);
            return;
        }
        let failures = address.failures.fetch_add(1, Ordering::Relaxed) + 1;
        if failures < self.settings.eject.failures {
            return;
        }
        let now = millis(clock::monotonic());
        let out = self.addresses.iter().filter(|a| a.is_ejected(now)).count();
        let may_be_out = self.addresses.len() * usize::from(self.settings.eject.share) / 100;
        if out < may_be_out {
            tracing::warn!(address = %address.at, failures, "upstream address ejected");
            address.failures.store(0, Ordering::Relaxed);
            address
                .ejected_until
                .store(now + millis(self.settings.eject.time), Ordering::Relaxed);
        }
    }
}

/// Counters of an address that selection reads.
#[derive(Debug, Default)]
pub struct Counters {
    /// Failures in a row.
    pub failures: AtomicU32,
    /// On the monotonic clock, in milliseconds; in the past when it is in.
    pub ejected_until: AtomicU64,
}
