//! The administration API and the console, on a TLS listener of their own.
//!
//! ```text
//! gate (session, form token, policy, record of refusals) ─► routes ─► one file for each kind of thing
//! ```
//!
//! Reading order: [`routes`] is every call; [`gate`] is what each of them passes; [`authority`] who may do what;
//! [`act`] how it is recorded. The calls themselves: [`session`], [`overview`], [`stream`], [`events`], [`decisions`],
//! [`policy`], [`tools`], [`inspection`], [`alerts`], [`callers`], [`bans`], [`system`]. [`assets`] is the console,
//! [`openapi`] the description.

pub mod act;
pub mod alerts;
pub mod assets;
pub mod authority;
pub mod bans;
pub mod callers;
pub mod changes;
pub mod context;
pub mod decisions;
pub mod events;
pub mod gate;
pub mod headers;
pub mod inspection;
pub mod openapi;
pub mod overview;
pub mod policy;
pub mod problem;
pub mod redaction;
pub mod routes;
pub mod session;
pub mod stream;
pub mod strict;
pub mod system;
#[cfg(test)]
mod tests;
pub mod tools;
pub mod users;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::http::{Method, StatusCode};
use axum::{Router, middleware};
use hangu_identity::session::{NoJournal, SessionLimitsFile, Sessions};
use hangu_limit::{AddressKey, Limiter, Rate};
use jiff::SignedDuration;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::config::{ClientCertificates, TlsVersion, ZoneTls as ZoneTlsSettings};
use crate::gateway::Gateway;
use crate::stage::tls::ZoneTls;
use context::Context;
use problem::Problem;
use tools::Room;

/// Addresses whose rate of calls is remembered.
const ADDRESSES: usize = 1 << 14;
/// Reads of the audit log at once: each takes a processor and up to 64 MiB of a segment.
const READS: usize = 2;

/// How long one tool may work. Chosen: a lint of 3,000 rows takes a tenth of it.
const TOOL_TIME: Duration = Duration::from_secs(20);

/// The administration of a gateway.
pub struct Admin {
    /// What is administered.
    pub gateway: Arc<Gateway>,
    /// Signed-in administrators; a restart signs them out.
    pub sessions: Sessions,
    /// Calls of each address, apart from those of the traffic: an attack on a portal must not shut administrators out.
    pub calls: Limiter<AddressKey>,
    /// How many of them there may be.
    pub rate: Rate,
    /// Room for reading the audit log.
    pub reads: Semaphore,
    /// Room for tools that ask about policies.
    pub tools: Arc<Room>,
    tls: ArcSwap<ZoneTls>,
}

impl Admin {
    /// Reads the console's certificate.
    ///
    /// # Errors
    /// Why there can be no console.
    pub fn new(gateway: Arc<Gateway>) -> Result<Self, String> {
        let tls = Self::tls(&gateway, None)?;
        let limits = SessionLimitsFile {
            idle: SignedDuration::from_mins(30),
            absolute: session::LIFETIME,
            per_caller: 5,
            total: 1000,
        };
        let sessions = Sessions::open(limits, NoJournal, Vec::new(), crate::clock::now())
            .map_err(|e| e.to_string())?;
        Ok(Self {
            gateway,
            sessions,
            calls: Limiter::new(ADDRESSES),
            rate: gate::rate()?,
            reads: Semaphore::new(READS),
            tools: Arc::new(Room::new(TOOL_TIME)),
            tls: ArcSwap::new(tls),
        })
    }

    fn tls(gateway: &Gateway, before: Option<&Arc<ZoneTls>>) -> Result<Arc<ZoneTls>, String> {
        let snapshot = gateway.snapshot.load();
        let console = snapshot
            .configuration
            .console
            .as_ref()
            .ok_or("no `[console]` is configured")?;
        let settings = ZoneTlsSettings {
            certificates: vec![console.certificate.clone()],
            versions: vec![TlsVersion::V13],
            client_certificates: if console.client_anchors.is_empty() {
                ClientCertificates::Off
            } else {
                ClientCertificates::Required
            },
            client_anchors: console.client_anchors.clone(),
            client_crls: Vec::new(),
        };
        ZoneTls::build(&settings, before, 0, crate::clock::now())
            .map_err(|fault| format!("{}: {}", fault.file.display(), fault.message.en))
    }

    /// Makes handshakes, with the certificate as it is in its file now.
    pub fn acceptor(&self) -> TlsAcceptor {
        match Self::tls(&self.gateway, Some(&self.tls.load())) {
            Ok(tls) => self.tls.store(tls),
            Err(error) => tracing::warn!(%error, "the console keeps its old certificate"),
        }
        self.tls.load().acceptor.clone()
    }

    /// The end of each certificate that the console presents, by its subject.
    pub fn certificate_ends(&self) -> Vec<(String, i64)> {
        self.tls.load().ends.clone()
    }
}

/// The routes for a connection of a peer.
pub fn router(admin: Arc<Admin>, peer: SocketAddr, with_certificate: bool) -> Router {
    let context = Context {
        admin,
        peer,
        with_certificate,
    };
    let calls = routes::router()
        .route(
            "/admin/{*rest}",
            axum::routing::any(|| async { Problem::not_found() }),
        )
        .method_not_allowed_fallback(|method: Method| async move { not_accepted(&method) })
        .layer(middleware::from_fn_with_state(context.clone(), gate::gate))
        .layer(middleware::map_response(headers::of_calls));
    let pages = assets::router().layer(middleware::map_response(headers::of_pages));
    Router::new().merge(calls).merge(pages).with_state(context)
}

fn not_accepted(method: &Method) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-accepted",
        "this method is not accepted here",
        "此处不接受该请求方法",
    )
    .detail(
        format!("`{method}` is not accepted here"),
        format!("此处不接受 {method}"),
    )
}
