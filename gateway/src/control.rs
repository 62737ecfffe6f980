//! Everything beside the traffic: detectors, reloading, metrics and probes, the console. It has a thread of its own.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use pingora_core::server::{ListenFds, ShutdownWatch};
use pingora_core::services::Service;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::admin;
use crate::gateway::Gateway;
use crate::policy::tend;
use crate::serve::{Start, follow_sessions, listen};
use crate::stage::accept::canonical;
use crate::{jwks, key_use, reload, triage, watch};

/// The service beside the traffic.
pub struct Control {
    /// The gateway.
    pub gateway: Arc<Gateway>,
    /// Whether it took over from another process.
    pub start: Start,
}

/// Connections of the console and of probes. Chosen: a team of responders with several pages each.
const CONNECTIONS: usize = 256;
/// For a handshake and for a head.
const PATIENCE: Duration = Duration::from_secs(10);

#[async_trait]
impl Service for Control {
    async fn start_service(
        &mut self,
        fds: Option<ListenFds>,
        mut shutdown: ShutdownWatch,
        _listeners: usize,
    ) {
        let gateway = &self.gateway;
        tokio::spawn(watch::run(Arc::clone(gateway)));
        tokio::spawn(reload::watch(Arc::clone(gateway)));
        tokio::spawn(follow_sessions(Arc::clone(gateway), self.start));
        tokio::spawn(jwks::keep_fetching(Arc::clone(gateway)));
        tokio::spawn(key_use::keep(Arc::clone(gateway)));
        if gateway.office.is_some() {
            tokio::spawn(tend::keep(Arc::clone(gateway)));
        }
        tokio::spawn(triage::tend::keep(Arc::clone(gateway)));
        let snapshot = gateway.snapshot.load_full();
        let configuration = &snapshot.configuration;
        if let Some(address) = configuration.operations {
            match listen(fds.as_ref(), address) {
                Ok(listener) => {
                    tokio::spawn(plain(listener, operations(Arc::clone(gateway))));
                }
                Err(error) => {
                    tracing::error!(%address, %error, "cannot listen for metrics and probes");
                    std::process::exit(2);
                }
            }
        }
        if let Some(console) = &configuration.console {
            let address = console.listen;
            let started = listen(fds.as_ref(), address)
                .map_err(|e| e.to_string())
                .and_then(|listener| Ok((listener, admin::Admin::new(Arc::clone(gateway))?)));
            match started {
                Ok((listener, admin)) => {
                    tracing::info!(%address, "console listening");
                    tokio::spawn(console_loop(listener, Arc::new(admin)));
                }
                Err(error) => {
                    tracing::error!(%address, %error, "cannot open the console");
                    std::process::exit(2);
                }
            }
        }
        // Detection and the console go on while open requests end; the process's end stops them.
        let _closing = shutdown.changed().await;
        std::future::pending::<()>().await;
    }

    fn name(&self) -> &'static str {
        "control"
    }

    fn threads(&self) -> Option<usize> {
        Some(1)
    }

    fn listen_addresses(&self) -> Option<Vec<String>> {
        let snapshot = self.gateway.snapshot.load();
        let configuration = &snapshot.configuration;
        let console = configuration.console.as_ref().map(|c| c.listen);
        Some(
            configuration
                .operations
                .into_iter()
                .chain(console)
                .map(|a| a.to_string())
                .collect(),
        )
    }
}

/// Metrics and probes.
fn operations(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(gateway)
}

async fn metrics(State(gateway): State<Arc<Gateway>>) -> Response {
    let text = gateway.metrics.text();
    (
        [(
            CONTENT_TYPE,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        )],
        text,
    )
        .into_response()
}

/// Ready when every listener is open and events are recorded.
async fn ready(State(gateway): State<Arc<Gateway>>) -> Response {
    if !gateway.tower.is_ready() {
        return (StatusCode::SERVICE_UNAVAILABLE, "not listening yet\n").into_response();
    }
    if !gateway.journal.accepts() {
        return (StatusCode::SERVICE_UNAVAILABLE, "events are not recorded\n").into_response();
    }
    "ready\n".into_response()
}

async fn plain(listener: TcpListener, router: Router) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok((tcp, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
            continue;
        };
        let router = router.clone();
        tokio::spawn(async move {
            serve_router(tcp, router).await;
            drop(permit);
        });
    }
}

async fn console_loop(listener: TcpListener, admin: Arc<admin::Admin>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok((tcp, peer)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
            continue;
        };
        let admin = Arc::clone(&admin);
        tokio::spawn(async move {
            let acceptor = admin.acceptor();
            if let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, acceptor.accept(tcp)).await {
                let with_certificate = stream.get_ref().1.peer_certificates().is_some();
                let router = admin::router(admin, canonical(peer), with_certificate);
                serve_router(stream, router).await;
            }
            drop(permit);
        });
    }
}

async fn serve_router<T>(io: T, router: Router)
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(64);
    let served = builder
        .serve_connection(TokioIo::new(io), TowerToHyperService::new(router))
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a console connection ended badly");
    }
}
