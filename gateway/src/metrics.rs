//! Counters in the OpenMetrics text format.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::config::Configuration;
use crate::refusal::Refusal;

/// Labels of a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

/// Labels of a zone's counter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ZoneLabel {
    zone: String,
    outcome: Passed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Passed {
    Allowed,
    Refused,
}

impl EncodeLabelValue for Passed {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
        let text = match self {
            Self::Allowed => "allowed",
            Self::Refused => "refused",
        };
        EncodeLabelValue::encode(&text, encoder)
    }
}

/// Counters of one zone; plain atomics, because they are on the path of every request.
#[derive(Debug, Default)]
pub struct ZoneCounters {
    /// Requests that crossed.
    pub allowed: Counter,
    /// Requests that were refused.
    pub refused: Counter,
    /// Open connections.
    pub connections: AtomicI64,
    /// Connections that were turned away at their limit.
    pub turned_away: AtomicU64,
    /// Handshakes that failed.
    pub handshakes_failed: AtomicU64,
}

/// All counters.
pub struct Metrics {
    registry: Registry,
    reasons: Family<Reason, Counter>,
    zones: Vec<ZoneCounters>,
    duration: Histogram,
    turned_away: Gauge,
    handshakes_failed: Gauge,
    connections: Gauge,
    redacted: Counter,
    events_lost: Counter,
    /// Reloads that were refused.
    pub reloads_failed: Counter,
    /// Reloads that were put into force.
    pub reloads: Counter,
}

impl Metrics {
    /// Counters for the zones of a configuration.
    pub fn new(configuration: &Configuration) -> Self {
        let mut registry = Registry::with_prefix("hangu");
        let reasons = Family::<Reason, Counter>::default();
        registry.register("refusals", "Refused requests by reason", reasons.clone());
        let requests = Family::<ZoneLabel, Counter>::default();
        registry.register("requests", "Requests by zone and outcome", requests.clone());
        let zones = configuration
            .zones
            .iter()
            .map(|zone| {
                let label = |outcome| ZoneLabel {
                    zone: zone.name.clone(),
                    outcome,
                };
                // A family's entry is a lock guard, so each is let go before the next is asked for.
                let allowed = requests.get_or_create(&label(Passed::Allowed)).clone();
                let refused = requests.get_or_create(&label(Passed::Refused)).clone();
                ZoneCounters {
                    allowed,
                    refused,
                    ..ZoneCounters::default()
                }
            })
            .collect();
        let duration = Histogram::new(exponential_buckets(0.0001, 2.5, 12));
        registry.register(
            "request_duration_seconds",
            "From head to end of answer",
            duration.clone(),
        );
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let turned_away = gauge(
            "connections_turned_away",
            "Connections turned away at their limit",
        );
        let handshakes_failed = gauge("handshakes_failed", "TLS handshakes that failed");
        let connections = gauge("connections", "Open connections");
        let mut counter = |name: &str, help: &str| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        Self {
            redacted: counter("redacted_values", "Values that were redacted"),
            events_lost: counter("events_lost", "Events that could not be recorded"),
            reloads_failed: counter("reloads_failed", "Configurations that were refused"),
            reloads: counter("reloads", "Configurations put into force"),
            registry,
            reasons,
            zones,
            duration,
            turned_away,
            handshakes_failed,
            connections,
        }
    }

    /// The counters of a zone by its index; those of no zone are counted nowhere.
    pub fn zone(&self, index: usize) -> Option<&ZoneCounters> {
        self.zones.get(index)
    }

    /// The counters of all zones.
    pub fn zones(&self) -> &[ZoneCounters] {
        &self.zones
    }

    /// Counts a refusal.
    pub fn refused(&self, refusal: &Refusal) {
        self.reasons
            .get_or_create(&Reason {
                reason: refusal.reason(),
            })
            .inc();
    }

    /// Counts a request's duration and its redactions.
    pub fn ended(&self, seconds: f64, redacted: u64) {
        self.duration.observe(seconds);
        self.told(redacted);
    }

    /// Counts redactions.
    pub fn told(&self, redacted: u64) {
        if redacted > 0 {
            self.redacted.inc_by(redacted);
        }
    }

    /// Counts an event that could not be recorded.
    pub fn event_lost(&self) {
        self.events_lost.inc();
    }

    /// The text that a scraper reads.
    pub fn text(&self) -> String {
        let sum = |f: fn(&ZoneCounters) -> i64| self.zones.iter().map(f).sum::<i64>();
        let whole = |n: &AtomicU64| i64::try_from(n.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        self.connections
            .set(sum(|z| z.connections.load(Ordering::Relaxed)));
        self.turned_away
            .set(self.zones.iter().map(|z| whole(&z.turned_away)).sum());
        self.handshakes_failed
            .set(self.zones.iter().map(|z| whole(&z.handshakes_failed)).sum());
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(error) => {
                tracing::error!(%error, "metrics could not be written");
                String::new()
            }
        }
    }
}
