//! The administration API and the console, on a TLS listener of their own.

pub mod users;

use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use tokio_rustls::TlsAcceptor;

use crate::config::{ClientCertificates, TlsVersion, ZoneTls as ZoneTlsSettings};
use crate::gateway::Gateway;
use crate::stage::tls::ZoneTls;

/// The administration of a gateway.
pub struct Admin {
    /// What is administered.
    pub gateway: Arc<Gateway>,
    tls: ArcSwap<ZoneTls>,
}

impl Admin {
    /// Reads the console's certificate.
    ///
    /// # Errors
    /// Why there can be no console.
    pub fn new(gateway: Arc<Gateway>) -> Result<Self, String> {
        let tls = Self::tls(&gateway, None)?;
        Ok(Self { gateway, tls: ArcSwap::new(tls) })
    }

    fn tls(gateway: &Gateway, before: Option<&Arc<ZoneTls>>) -> Result<Arc<ZoneTls>, String> {
        let snapshot = gateway.snapshot.load();
        let console = snapshot.configuration.console.as_ref().ok_or("no `[console]` is configured")?;
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
            .map_err(|fault| format!("{}: {}", fault.file.display(), fault.message))
    }

    /// Makes handshakes, with the certificate as it is in its file now.
    pub fn acceptor(&self) -> TlsAcceptor {
        match Self::tls(&self.gateway, Some(&self.tls.load())) {
            Ok(tls) => self.tls.store(tls),
            Err(error) => tracing::warn!(%error, "the console keeps its old certificate"),
        }
        self.tls.load().acceptor.clone()
    }
}

/// The routes for a connection of a peer.
pub fn router(_admin: Arc<Admin>, _peer: SocketAddr, _with_certificate: bool) -> Router {
    Router::new()
}
