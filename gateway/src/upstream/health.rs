//! Active checks: an address is in as long as it answers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::header::{HOST, USER_AGENT};
use http::{Method, Request};
use pingora_core::{Error, ErrorType, Result};
use pingora_load_balancing::Backend;
use pingora_load_balancing::health_check::HealthCheck;

use super::Upstream;
use super::connect::Connector;
use super::pool::{Address, Sender};
use crate::body::request::RequestBody;
use crate::config;

struct Check {
    connector: Connector,
    path: Option<String>,
    host: String,
    time: Duration,
    failures: usize,
    successes: usize,
}

/// The check that an upstream's settings ask for.
pub(super) fn check(
    settings: &config::Upstream,
    connector: Connector,
) -> Option<Box<dyn HealthCheck + Send + Sync + 'static>> {
    let health = settings.health.as_ref()?;
    Some(Box::new(Check {
        connector,
        path: health.path.clone(),
        host: settings
            .tls
            .as_ref()
            .map_or_else(String::new, |tls| tls.name.clone()),
        time: settings.connect_time + Duration::from_secs(2),
        failures: health.failures,
        successes: health.successes,
    }))
}

fn failed(why: impl Into<String>) -> Box<Error> {
    Error::explain(ErrorType::ConnectError, why.into())
}

impl Check {
    async fn ask(&self, target: &Backend) -> Result<()> {
        let at = target
            .addr
            .as_inet()
            .copied()
            .ok_or_else(|| failed("no internet address"))?;
        let sender = self
            .connector
            .connect(at)
            .await
            .map_err(|e| failed(e.to_string()))?;
        let Some(path) = &self.path else {
            return Ok(());
        };
        let host = if self.host.is_empty() {
            at.to_string()
        } else {
            self.host.clone()
        };
        let uri = match &sender {
            Sender::Http1(_) => path.clone(),
            Sender::Http2(_) => format!("http://{host}{path}"),
        };
        let request = Request::builder()
            .method(Method::GET)
            .uri(uri)
            .header(HOST, host)
            .header(USER_AGENT, "hangu-health")
            .body(RequestBody::Empty)
            .map_err(|e| failed(e.to_string()))?;
        let address = Arc::new(Address::new(at, 0));
        let (response, _lease) = sender
            .send(&address, request)
            .await
            .map_err(|_| failed("no answer to the check"))?;
        if response.status().is_success() {
            Ok(())
        } else {
            Err(failed(format!("the check answered {}", response.status())))
        }
    }
}

#[async_trait]
impl HealthCheck for Check {
    async fn check(&self, target: &Backend) -> Result<()> {
        tokio::time::timeout(self.time, self.ask(target))
            .await
            .unwrap_or_else(|_| Err(failed("the check took too long")))
    }

    async fn health_status_change(&self, target: &Backend, healthy: bool) {
        tracing::warn!(address = %target.addr, healthy, "upstream health changed");
    }

    fn health_threshold(&self, success: bool) -> usize {
        if success {
            self.successes
        } else {
            self.failures
        }
    }
}

/// Checks an upstream until nobody uses it any more.
pub fn keep_checking(upstream: &Arc<Upstream>) {
    let Some(health) = &upstream.settings.health else {
        return;
    };
    let interval = health.interval;
    let upstream = Arc::downgrade(upstream);
    tokio::spawn(async move {
        loop {
            let Some(alive) = upstream.upgrade() else {
                return;
            };
            alive.check_health().await;
            drop(alive);
            tokio::time::sleep(interval).await;
        }
    });
}
