//! A client's connection: the facts that hold for all its requests, and the handle that ends it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures_util::task::AtomicWaker;
use hangu_audit::event::TlsWritten;
use hangu_identity::Caller;
use hangu_identity::assertion::Assertion;
use hangu_identity::token::Verified;
use hangu_pki::trust::PeerIdentity;
use http::HeaderValue;
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
    /// JA4 of the client's hello.
    pub ja4: Option<Box<str>>,
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
    /// The leaf's SHA-256, which `identity` has in hex.
    pub digest: [u8; 32],
}

/// The caller that a certificate stands for, under one revision of the configuration.
#[derive(Debug)]
pub struct Mapped {
    /// The serial of the snapshot whose rules mapped it.
    pub serial: u64,
    /// Nobody, where no rule fits.
    pub caller: Option<Arc<Caller>>,
}

/// The token that was presented last, with what verifying it gave. Clients send the same one with every request, and
/// comparing it costs a tenth of its hash.
pub struct Proven {
    /// The token.
    pub token: Box<str>,
    /// The generation of the keys and rules it was verified under.
    pub generation: u64,
    /// What it says.
    pub verified: Arc<Verified>,
}

impl std::fmt::Debug for Proven {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proven")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// The assertion that was sent last, as it stands in a header.
#[derive(Debug)]
pub struct Asserted {
    /// Whom it is about.
    pub caller: Arc<Caller>,
    /// Index of the portal it is for.
    pub portal: usize,
    /// The serial of the snapshot whose signer made it.
    pub serial: u64,
    /// From when to when it can be sent.
    pub usable: std::ops::Range<jiff::Timestamp>,
    /// The assertion.
    pub assertion: Arc<Assertion>,
    /// Its text.
    pub value: HeaderValue,
}

/// A user agent, and how it is recorded.
#[derive(Debug)]
pub struct Agent {
    /// As sent.
    pub sent: Box<[u8]>,
    /// Masked and cut.
    pub masked: Box<str>,
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
    /// The token that was presented last.
    pub proven: ArcSwapOption<Proven>,
    /// The assertion that was sent last.
    pub asserted: ArcSwapOption<Asserted>,
    /// The user agent that was recorded last.
    pub agent: ArcSwapOption<Agent>,
    /// The client's address as it stands in `X-Forwarded-For`.
    pub forwarded_for: OnceLock<HeaderValue>,
    /// TLS as it stands in events.
    pub tls_written: OnceLock<TlsWritten>,
    /// Requests begun.
    pub requests: AtomicU64,
    /// Requests in progress.
    pub active: AtomicUsize,
    /// When the last request ended, on the monotonic clock, in milliseconds.
    pub last_end_ms: AtomicU64,
    /// Set when a head carried both ways of framing a body.
    pub framing_conflict: AtomicBool,
    /// The number, counted from one, of the request whose head began last.
    pub head_of: AtomicU64,
    /// Whether bytes wait for the client to take them.
    pub writing: AtomicBool,
    cut: OnceLock<Cut>,
    cancel: CancellationToken,
    ended: AtomicBool,
    closing: AtomicBool,
    /// The task that drives the connection.
    driver: AtomicWaker,
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
            proven: ArcSwapOption::empty(),
            asserted: ArcSwapOption::empty(),
            agent: ArcSwapOption::empty(),
            forwarded_for: OnceLock::new(),
            tls_written: OnceLock::new(),
            requests: AtomicU64::new(0),
            active: AtomicUsize::new(0),
            last_end_ms: AtomicU64::new(millis(clock::monotonic())),
            framing_conflict: AtomicBool::new(false),
            head_of: AtomicU64::new(0),
            writing: AtomicBool::new(false),
            cut: OnceLock::new(),
            cancel: CancellationToken::new(),
            ended: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            driver: AtomicWaker::new(),
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
        self.ended.store(true, Ordering::Release);
        self.cancel.cancel();
        self.driver.wake();
    }

    /// Whether [`Connection::cancel`] ended it.
    pub fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Asks that the connection ends with its next answer.
    fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.driver.wake();
    }

    /// Whether it is to end with its next answer.
    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Names the task that is to be woken when the connection is ended or closed.
    pub fn driven_by(&self, task: &std::task::Waker) {
        self.driver.register(task);
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

    /// Whether it waits for the next request: none is in progress, none has begun to arrive, and the last answer has left.
    pub fn is_between_requests(&self) -> bool {
        let requests = self.requests.load(Ordering::Relaxed);
        self.active.load(Ordering::Acquire) == 0
            && requests > 0
            && self.head_of.load(Ordering::Acquire) <= requests
            && !self.writing.load(Ordering::Acquire)
    }

    /// How long ago the last request ended.
    pub fn idle_for(&self) -> Duration {
        let since = self.last_end_ms.load(Ordering::Acquire);
        clock::monotonic().saturating_sub(Duration::from_millis(since))
    }

    /// Marks the begin of a request; dropping the value marks its end.
    pub fn begin(self: &Arc<Self>) -> InProgress {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.active.fetch_add(1, Ordering::AcqRel);
        InProgress {
            connection: Arc::clone(self),
            ended: None,
        }
    }
}

/// A request in progress on its connection.
#[derive(Debug)]
pub struct InProgress {
    connection: Arc<Connection>,
    ended: Option<Duration>,
}

impl InProgress {
    /// Marks the end at an instant of the monotonic clock that the caller has just read.
    pub fn end(mut self, now: Duration) {
        self.ended = Some(now);
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        let ended = self.ended.unwrap_or_else(clock::monotonic);
        self.connection
            .last_end_ms
            .store(millis(ended), Ordering::Release);
        self.connection.active.fetch_sub(1, Ordering::AcqRel);
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
    closing: AtomicBool,
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
        // After the insertion, so that either this or `close_all` sees the other.
        if self.closing.load(Ordering::Acquire) {
            connection.close();
        }
        Open {
            all: Arc::clone(self),
            id,
        }
    }

    /// Asks every connection, those to come included, to end with its next answer.
    pub fn close_all(&self) {
        self.closing.store(true, Ordering::Release);
        for connection in self.all() {
            connection.close();
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
