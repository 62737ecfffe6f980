//! Fetches the keys of issuers: at the start, now and then, and when a token names a key that is not known.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hangu_identity::token::Jwks;
use http::header::{ACCEPT, HOST};
use http::{Request, Uri};
use http_body_util::{BodyExt as _, Limited};
use tokio::net::lookup_host;
use tokio::sync::Mutex;

use crate::body::request::RequestBody;
use crate::config::{self, Balance, Eject, JwksSource, Protocol, UpstreamTls};
use crate::gateway::Gateway;
use crate::upstream::connect::Connector;
use crate::upstream::pool::{Address, Sender};

/// How often keys are fetched anyway. Chosen.
const EVERY: Duration = Duration::from_secs(600);
/// For a whole fetch.
const PATIENCE: Duration = Duration::from_secs(5);
/// The largest key set that is read.
const LARGEST: usize = 256 << 10;

/// Remembers when keys were fetched.
#[derive(Debug, Default)]
pub struct JwksFetcher {
    /// Held while a set is fetched, so that a flood of unknown keys makes one fetch.
    last: Mutex<HashMap<String, tokio::time::Instant>>,
}

impl JwksFetcher {
    /// Fetches an issuer's keys again, unless that was done a moment ago. True if the keys are new.
    pub async fn refresh(&self, gateway: &Gateway, issuer: &str) -> bool {
        let mut last = self.last.lock().await;
        let snapshot = gateway.snapshot.load_full();
        let issuers = &snapshot.configuration.identity.issuers;
        let Some(source) = issuers.iter().find(|i| i.token.name() == issuer) else {
            return false;
        };
        let now = tokio::time::Instant::now();
        if last
            .get(issuer)
            .is_some_and(|at| now.duration_since(*at) < source.jwks_pause)
        {
            return false;
        }
        last.insert(issuer.to_owned(), now);
        let JwksSource::Url { url, anchors } = &source.keys else {
            return false;
        };
        let fetched = tokio::time::timeout(PATIENCE, fetch(url, anchors)).await;
        let keys = match fetched {
            Ok(Ok(keys)) => keys,
            Ok(Err(error)) => {
                tracing::warn!(issuer, url, %error, "keys could not be fetched; the old ones stay");
                return false;
            }
            Err(_) => {
                tracing::warn!(
                    issuer,
                    url,
                    "keys could not be fetched in time; the old ones stay"
                );
                return false;
            }
        };
        match snapshot.tokens.load().with_keys(issuer, keys) {
            Ok(verifier) => {
                snapshot.tokens.store(Arc::new(verifier));
                true
            }
            Err(error) => {
                tracing::warn!(issuer, %error, "fetched keys could not be used");
                false
            }
        }
    }
}

/// Fetches keys until the process ends.
pub async fn keep_fetching(gateway: Arc<Gateway>) {
    loop {
        let snapshot = gateway.snapshot.load_full();
        for issuer in &snapshot.configuration.identity.issuers {
            if matches!(issuer.keys, JwksSource::Url { .. }) {
                gateway.jwks.refresh(&gateway, issuer.token.name()).await;
            }
        }
        drop(snapshot);
        tokio::time::sleep(EVERY).await;
    }
}

async fn fetch(url: &str, anchors: &[std::path::PathBuf]) -> Result<Jwks, String> {
    let uri: Uri = url.parse().map_err(|_| "no URL".to_owned())?;
    let host = uri.host().ok_or("the URL has no host")?;
    let tls = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let at = lookup_host((bare, port))
        .await
        .map_err(|e| e.to_string())?
        .next()
        .ok_or("the host has no address")?;
    let settings = config::Upstream {
        addresses: vec![at],
        balance: Balance::RoundRobin,
        protocol: Some(Protocol::Http1),
        tls: tls.then(|| UpstreamTls {
            name: host.to_owned(),
            anchors: anchors.to_vec(),
            certificate: None,
        }),
        health: None,
        eject: Eject {
            failures: 1,
            slower_than: None,
            time: PATIENCE,
            share: 0,
        },
        connect_time: PATIENCE,
        answer_time: PATIENCE,
        idle_time: PATIENCE,
        idle_connections: 0,
    };
    let connector = Connector::new(&settings).map_err(|e| e.to_string())?;
    let sender: Sender = connector.connect(at).await.map_err(|e| e.to_string())?;
    let path = uri
        .path_and_query()
        .map_or("/", http::uri::PathAndQuery::as_str);
    let request = Request::get(path)
        .header(
            HOST,
            uri.authority().map_or(host, http::uri::Authority::as_str),
        )
        .header(ACCEPT, "application/json")
        .body(RequestBody::Empty)
        .map_err(|e| e.to_string())?;
    let address = Arc::new(Address::new(at, 0));
    let (response, _lease) = sender
        .send(&address, request)
        .await
        .map_err(|_| "no answer")?;
    if !response.status().is_success() {
        return Err(format!("answered {}", response.status()));
    }
    let body = Limited::new(response.into_body(), LARGEST)
        .collect()
        .await
        .map_err(|e| e.to_string())?;
    Jwks::parse(&body.to_bytes()).map_err(|e| e.to_string())
}
