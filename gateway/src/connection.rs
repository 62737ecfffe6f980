//! A client's connection: the facts that hold for all its requests, and the handle that ends it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use hangu_identity::Caller;
use hangu_pki::trust::PeerIdentity;
use rustls::pki_types::CertificateDer;
use tokio_util::sync::CancellationToken;

use crate::clock;

/// What the handshake showed.
#[derive(Debug, Default)]
pub struct TlsFacts {
    /// `TLSv1.2` or `TLSv1.3`.
    pub version: &'static str,
    /// The suite's IANA name.
    pub cipher: &'static str,
    /// The host name the client asked for.
    pub server_name: Option<String>,
    /// Whether HTTP/2 was agreed on.
    pub h2: bool,
    /// The verified client certificate.
    pub peer: Option<Peer>,
}

/// A verified client certificate.
#[derive(Debug)]
pub struct Peer {
    /// The chain as presented, leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// What the leaf says.
    pub identity: PeerIdentity,
}

/// The caller that a certificate stands for, under one revision of the configuration.
#[derive(Debug)]
pub struct Mapped {
    /// The serial of the snapshot whose rules mapped it.
    pub serial: u64,
    /// Nobody, where no rule fits.
    pub caller: Option<Arc<Caller>>,
}

/// Why a connection was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// A head had begun and was not complete in time.
    Head,
    /// Nothing came, or nothing was taken, for too long.
    Idle,
}

/// A client's connection.
#[derive(Debug)]
pub struct Connection {
    /// A number of its own in this process.
    pub id: u64,
    /// Index of the zone it came in through.
    pub zone: usize,
    /// The client: the peer, or whom a trusted peer speaks for. Never IPv4-mapped.
    pub client: SocketAddr,
    /// TLS, or cleartext.
    pub tls: Option<TlsFacts>,
    /// The trust generation under which the certificate was last verified.
    pub trust: AtomicU64,
    /// The caller that the certificate stands for.
    pub mapped: ArcSwapOption<Mapped>,
    /// Requests begun.
    pub requests: AtomicU64,
    /// Requests in progress.
    pub active: AtomicUsize,
    /// When the last request ended, on the monotonic clock, in milliseconds.
    pub last_end_ms: AtomicU64,
    /// Set when a head carried both ways of framing a body.
    pub framing_conflict: AtomicBool,
    cut: OnceLock<Cut>,
    cancel: CancellationToken,
}

impl Connection {
    /// A connection that has been accepted.
    pub fn new(
        id: u64,
        zone: usize,
        client: SocketAddr,
        tls: Option<TlsFacts>,
        trust: u64,
    ) -> Self {
        Self {
            id,
            zone,
            client,
            tls,
            trust: AtomicU64::new(trust),
            mapped: ArcSwapOption::empty(),
            requests: AtomicU64::new(0),
            active: AtomicUsize::new(0),
            last_end_ms: AtomicU64::new(millis(clock::monotonic())),
            framing_conflict: AtomicBool::new(false),
            cut: OnceLock::new(),
            cancel: CancellationToken::new(),
        }
    }

    /// The verified client certificate.
    pub fn peer(&self) -> Option<&Peer> {
        self.tls.as_ref().and_then(|tls| tls.peer.as_ref())
    }

    /// Why the guard cut the connection, if it did.
    pub fn cut(&self) -> Option<Cut> {
        self.cut.get().copied()
    }

    /// Remembers why the connection was cut; the first reason stays.
    pub fn set_cut(&self, cut: Cut) {
        let _first = self.cut.set(cut);
    }

    /// Ends the connection and every stream on it.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Ends the connection once the answer in hand has had a moment to leave.
    pub fn close_soon(self: &Arc<Self>) {
        let connection = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            connection.cancel();
        });
    }

    /// The handle that [`Connection::cancel`] pulls.
    pub fn cancelled(&self) -> &CancellationToken {
        &self.cancel
    }

    /// Marks the begin of a request; dropping the value marks its end.
    pub fn begin(self: &Arc<Self>) -> InProgress {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.active.fetch_add(1, Ordering::AcqRel);
        InProgress(Arc::clone(self))
    }
}

/// A request in progress on its connection.
#[derive(Debug)]
pub struct InProgress(Arc<Connection>);

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0
            .last_end_ms
            .store(millis(clock::monotonic()), Ordering::Release);
        self.0.active.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Whole milliseconds of a duration.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// All open connections, so that a revocation or a ban can end them.
#[derive(Debug, Default)]
pub struct Connections {
    next: AtomicU64,
    /// Guards only the map; taken once when a connection opens and once when it closes.
    open: Mutex<HashMap<u64, Weak<Connection>>>,
}

impl Connections {
    /// A number for the next connection.
    pub fn next_id(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Remembers a connection until the returned value is dropped. One that goes on as WebSocket is entered once more,
    /// because hyper is done with it then.
    pub fn enter(self: &Arc<Self>, connection: &Arc<Connection>) -> Open {
        let id = self.next_id();
        self.lock().insert(id, Arc::downgrade(connection));
        Open {
            all: Arc::clone(self),
            id,
        }
    }

    /// Every open connection.
    pub fn all(&self) -> Vec<Arc<Connection>> {
        self.lock().values().filter_map(Weak::upgrade).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Weak<Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place among the open ones.
#[derive(Debug)]
pub struct Open {
    all: Arc<Connections>,
    id: u64,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.all.lock().remove(&self.id);
    }
}
