//! Listeners, connections, shutdown and hand-over; the only file that knows pingora's server.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use hangu_identity::session::Sharing;
use hangu_policy::{Said, said};
use hyper::service::service_fn;
use pingora_core::server::configuration::{Opt, ServerConf};
use pingora_core::server::{ExecutionPhase, ListenFds, RunArgs, Server, ShutdownWatch};
use pingora_core::services::Service;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, broadcast};
use tokio_util::task::TaskTracker;

use crate::config::{Bounds, Mistake, unusable};
use crate::connection::{Connection, Cut};
use crate::control::Control;
use crate::drive;
use crate::gateway::Gateway;
use crate::guard::{Guard, Times};
use crate::handshake::{self, CertificateFault};
use crate::ja4::Overheard;
use crate::key_use;
use crate::path;
use crate::refusal::{Refusal, Slow};
use crate::stage::accept::{LONGEST, ProxyFault, canonical, proxy_header};
use crate::stage::{record, tls};
use crate::start;

/// Whether a process takes its sockets over from the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// It binds its own.
    Fresh,
    /// It waits for the old process to hand them over (SIGQUIT to that one).
    Upgrade,
}

/// Serves until a signal ends it. SIGTERM stops gracefully, SIGINT at once, SIGQUIT hands over to a new process.
///
/// A new process reads and checks everything first, then waits for the old one's sockets, and only then opens what
/// the old one kept: a broken configuration takes nothing over.
///
/// # Errors
/// Every mistake in the configuration, or what of the state cannot be used.
pub fn run(config: &Path, start: Start) -> Result<(), Vec<Mistake>> {
    let snapshot = start::snapshot(config)?;
    let configuration = &snapshot.configuration;
    let threads = match configuration.threads {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        given => given,
    };
    let conf = ServerConf {
        threads,
        // A thread has nobody to steal from when it is alone, and the simpler runtime costs it less.
        work_stealing: threads > 1,
        grace_period_seconds: Some(configuration.grace.as_secs().max(1)),
        graceful_shutdown_timeout_seconds: Some(2),
        upgrade_sock: configuration
            .state
            .join("upgrade.sock")
            .display()
            .to_string(),
        pid_file: configuration.state.join("hangu.pid").display().to_string(),
        ..ServerConf::default()
    };
    let opt = Opt {
        upgrade: start == Start::Upgrade,
        ..Opt::default()
    };
    let mut server = Server::new_with_opt_and_conf(opt, conf);
    let _lock = lock_state(&snapshot.configuration.state, start)?;
    server.bootstrap();
    let gateway = start::open(snapshot)?;
    if start == Start::Upgrade {
        gateway.sessions.share(Sharing::WithAnother);
    }
    watch_phases(&gateway, server.watch_execution_phase());
    server.add_service(Traffic {
        gateway: Arc::clone(&gateway),
    });
    server.add_service(Control {
        gateway: Arc::clone(&gateway),
        start,
    });
    server.run(RunArgs::default());
    key_use::settle(&gateway);
    gateway.journal.close();
    Ok(())
}

/// Keeps a second process from opening what this one keeps; one that takes over gets the lock when the old one ends.
fn lock_state(state: &Path, start: Start) -> Result<Arc<std::fs::File>, Vec<Mistake>> {
    let path = state.join("lock");
    let wrong = |message: Said| vec![Mistake::of_file(&path, message)];
    let file = std::fs::File::create(&path).map_err(|e| wrong(unusable(&e)))?;
    let file = Arc::new(file);
    match start {
        Start::Fresh => file.try_lock().map_err(|_| {
            wrong(said!(
                "another process serves from this state folder; stop it, or start this one with `--upgrade`",
                "另一个进程正在使用这个状态目录；请停止它，或用 `--upgrade` 启动本进程",
            ))
        })?,
        Start::Upgrade => {
            let waiting = Arc::clone(&file);
            let spawned = std::thread::Builder::new().name("lock".to_owned()).spawn(move || {
                if let Err(error) = waiting.lock() {
                    tracing::warn!(%error, "the state folder could not be locked");
                }
            });
            spawned.map_err(|e| wrong(unusable(&e)))?;
        }
    }
    Ok(file)
}

/// Learns from pingora when a new process takes over.
fn watch_phases(gateway: &Arc<Gateway>, mut phases: broadcast::Receiver<ExecutionPhase>) {
    let gateway = Arc::clone(gateway);
    let watching = std::thread::Builder::new()
        .name("phases".to_owned())
        .spawn(move || {
            while let Ok(phase) = phases.blocking_recv() {
                if matches!(phase, ExecutionPhase::GracefulUpgradeTransferringFds) {
                    gateway.draining.store(true, Ordering::Release);
                    gateway.sessions.share(Sharing::WithAnother);
                }
            }
        });
    if let Err(error) = watching {
        tracing::warn!(%error, "a hand-over will not be noticed");
    }
}

/// Keeps the sessions of two processes alike while both serve; afterwards the new one is alone.
pub async fn follow_sessions(gateway: Arc<Gateway>, start: Start) {
    const STEP: Duration = Duration::from_millis(250);
    // The old process stops accepting after 5 s, then its open requests have the grace period.
    let grace = gateway.snapshot.load().configuration.grace;
    let until = tokio::time::Instant::now() + grace + Duration::from_secs(15);
    loop {
        tokio::time::sleep(STEP).await;
        let draining = gateway.draining.load(Ordering::Acquire);
        let new = start == Start::Upgrade && tokio::time::Instant::now() < until;
        if draining || new {
            if let Err(error) = gateway.sessions.catch_up(crate::clock::now()) {
                tracing::warn!(%error, "sessions of the other process could not be read");
            }
        } else if start == Start::Upgrade {
            gateway.sessions.share(Sharing::Alone);
            return;
        }
    }
}

/// Takes a listening socket over from the old process, or binds it, and marks it for the next hand-over.
///
/// # Errors
/// When the address cannot be bound.
pub fn listen(fds: Option<&ListenFds>, address: SocketAddr) -> io::Result<TcpListener> {
    let name = address.to_string();
    let inherited = fds.and_then(|fds| fds.lock().get(&name).copied());
    let std_listener = match inherited {
        Some(fd) => inherit(fd),
        None => bind(address)?,
    };
    std_listener.set_nonblocking(true)?;
    if let Some(fds) = fds {
        fds.lock().add(name, std_listener.as_raw_fd());
    }
    TcpListener::from_std(std_listener)
}

#[expect(
    unsafe_code,
    reason = "a descriptor that the old process handed over is a bare number"
)]
fn inherit(fd: std::os::fd::RawFd) -> std::net::TcpListener {
    use std::os::fd::FromRawFd as _;
    // SAFETY: pingora received this listening socket for this process, and each address is taken once.
    unsafe { std::net::TcpListener::from_raw_fd(fd) }
}

/// Binds with a backlog for bursts; an IPv6 wildcard takes IPv4 as well.
fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    Ok(socket.into())
}

/// The listeners of all zones.
struct Traffic {
    gateway: Arc<Gateway>,
}

impl Traffic {
    fn addresses(&self) -> Vec<(usize, SocketAddr)> {
        let snapshot = self.gateway.snapshot.load();
        let zones = snapshot.zones().iter().enumerate();
        zones
            .flat_map(|(i, zone)| zone.settings.listen.iter().map(move |a| (i, *a)))
            .collect()
    }
}

#[async_trait]
impl Service for Traffic {
    async fn start_service(
        &mut self,
        fds: Option<ListenFds>,
        shutdown: ShutdownWatch,
        _listeners: usize,
    ) {
        let snapshot = self.gateway.snapshot.load_full();
        snapshot.start_checks(None);
        let gates: Vec<Arc<Gate>> = snapshot
            .zones()
            .iter()
            .map(|zone| Arc::new(Gate::new(&zone.settings.bounds)))
            .collect();
        let tracker = TaskTracker::new();
        let loops = TaskTracker::new();
        for (zone, address) in self.addresses() {
            let listener = match listen(fds.as_ref(), address) {
                Ok(listener) => listener,
                Err(error) => {
                    tracing::error!(%address, %error, "cannot listen");
                    // A gateway that serves some of its zones is not what was configured.
                    std::process::exit(2);
                }
            };
            tracing::info!(zone = %snapshot.zone(zone).map_or("", |z| z.settings.name.as_str()), %address, "listening");
            let Some(gate) = gates.get(zone).cloned() else {
                continue;
            };
            let door = Door {
                gateway: Arc::clone(&self.gateway),
                zone,
                gate,
                shutdown: shutdown.clone(),
                tracker: tracker.clone(),
            };
            loops.spawn(door.accept_loop(listener));
        }
        self.gateway.tower.set_ready(true);
        loops.close();
        loops.wait().await;
        self.gateway.tower.set_ready(false);
        self.gateway.connections.close_all();
        tracker.close();
        tracker.wait().await;
    }

    fn name(&self) -> &'static str {
        "traffic"
    }

    fn listen_addresses(&self) -> Option<Vec<String>> {
        Some(
            self.addresses()
                .into_iter()
                .map(|(_, address)| address.to_string())
                .collect(),
        )
    }
}

/// Room for connections and handshakes of a zone.
struct Gate {
    connections: Arc<Semaphore>,
    handshakes: Arc<Semaphore>,
}

impl Gate {
    fn new(bounds: &Bounds) -> Self {
        Self {
            connections: Arc::new(Semaphore::new(
                bounds.connections.min(Semaphore::MAX_PERMITS),
            )),
            handshakes: Arc::new(Semaphore::new(
                bounds.handshakes.min(Semaphore::MAX_PERMITS),
            )),
        }
    }
}

/// One listener.
#[derive(Clone)]
struct Door {
    gateway: Arc<Gateway>,
    zone: usize,
    gate: Arc<Gate>,
    shutdown: ShutdownWatch,
    tracker: TaskTracker,
}

/// Why a connection never came to a request.
#[derive(Debug)]
enum NotEstablished {
    Proxy(ProxyFault),
    Handshake(Refusal, String),
    Slow,
    Gone,
}

impl Door {
    async fn accept_loop(self, listener: TcpListener) {
        let mut shutdown = self.shutdown.clone();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = shutdown.changed() => return,
            };
            match accepted {
                Ok((tcp, peer)) => self.admit(tcp, peer),
                Err(error) => {
                    // Out of descriptors: accepting again at once would only burn the processor.
                    tracing::warn!(%error, "cannot accept");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn admit(&self, tcp: TcpStream, peer: SocketAddr) {
        let peer = canonical(peer);
        let Some(counters) = self.gateway.metrics.zone(self.zone) else {
            return;
        };
        let Ok(permit) = Arc::clone(&self.gate.connections).try_acquire_owned() else {
            counters.turned_away.fetch_add(1, Ordering::Relaxed);
            return;
        };
        counters.connections.fetch_add(1, Ordering::Relaxed);
        let door = self.clone();
        self.tracker.spawn(async move {
            door.connection(tcp, peer).await;
            if let Some(counters) = door.gateway.metrics.zone(door.zone) {
                counters.connections.fetch_sub(1, Ordering::Relaxed);
            }
            drop(permit);
        });
    }

    async fn connection(&self, tcp: TcpStream, peer: SocketAddr) {
        let snapshot = self.gateway.snapshot.load_full();
        let Some(zone) = snapshot.zone(self.zone) else {
            return;
        };
        let bounds = &zone.settings.bounds;
        if tcp.set_nodelay(true).is_err() {
            return;
        }
        // Boxed, so that an open connection does not keep room for its handshake.
        let established = tokio::time::timeout(
            bounds.handshake_time,
            Box::pin(self.establish(tcp, peer, zone)),
        )
        .await
        .unwrap_or(Err(NotEstablished::Slow));
        drop(snapshot);
        match established {
            Ok(Established::Clear(connection, tcp)) => {
                Box::pin(self.http(connection, tcp, false)).await
            }
            Ok(Established::Tls(connection, stream)) => {
                let h2 = connection.tls.as_ref().is_some_and(|tls| tls.h2);
                Box::pin(self.http(connection, *stream, h2)).await;
            }
            Err(why) => self.not_established(peer, &why),
        }
    }

    fn not_established(&self, peer: SocketAddr, why: &NotEstablished) {
        let (refusal, detail) = match why {
            NotEstablished::Gone => return,
            NotEstablished::Slow => (Refusal::TooSlow(Slow::Handshake), String::new()),
            NotEstablished::Proxy(fault) => (Refusal::Unparsable, fault.to_string()),
            NotEstablished::Handshake(refusal, why) => (refusal.clone(), why.clone()),
        };
        self.gateway.metrics.refused(&refusal);
        if let Some(counters) = self.gateway.metrics.zone(self.zone) {
            counters.handshakes_failed.fetch_add(1, Ordering::Relaxed);
        }
        record::without_request(&self.gateway, self.zone, peer, None, &refusal, &detail);
    }

    /// PROXY header, bans, handshake.
    async fn establish(
        &self,
        mut tcp: TcpStream,
        peer: SocketAddr,
        zone: &crate::snapshot::Zone,
    ) -> Result<Established, NotEstablished> {
        let settings = &zone.settings;
        let client = if settings
            .proxy_protocol_from
            .iter()
            .any(|net| net.contains(&peer.ip()))
        {
            read_proxy_header(&mut tcp).await?.map_or(peer, canonical)
        } else {
            peer
        };
        if self
            .gateway
            .bans
            .address(client.ip(), crate::clock::wall_ms())
            .is_some()
            && zone.tls.is_some()
        {
            // In cleartext the first request gets the page; behind TLS even the handshake is too much.
            return Err(NotEstablished::Gone);
        }
        let id = self.gateway.connections.next_id();
        let Some(tls) = &zone.tls else {
            let connection = Arc::new(Connection::new(id, self.zone, client, None, 0));
            return Ok(Established::Clear(connection, tcp));
        };
        // A peer that only looked whether the port is open is not worth an event.
        if !matches!(tcp.peek(&mut [0]).await, Ok(1..)) {
            return Err(NotEstablished::Gone);
        }
        let _permit = self
            .gate
            .handshakes
            .acquire()
            .await
            .map_err(|_| NotEstablished::Gone)?;
        let heard = Overheard::new(tcp);
        let accepted = tls.acceptor.clone().accept(heard).await;
        let mut stream = accepted.map_err(|error| {
            NotEstablished::Handshake(handshake::refusal(&error), error.to_string())
        })?;
        let facts = tls::facts(&mut stream).map_err(|error| {
            let refusal = Refusal::Certificate(CertificateFault::NotTrusted);
            NotEstablished::Handshake(refusal, error.to_string())
        })?;
        let connection = Arc::new(Connection::new(
            id,
            self.zone,
            client,
            Some(facts),
            tls.generation,
        ));
        Ok(Established::Tls(connection, Box::new(stream)))
    }

    async fn http<T>(&self, connection: Arc<Connection>, io: T, h2: bool)
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let bounds = {
            let snapshot = self.gateway.snapshot.load();
            let Some(zone) = snapshot.zone(self.zone) else {
                return;
            };
            zone.settings.bounds.clone()
        };
        let _open = self.gateway.connections.enter(&connection);
        let times = Times {
            head: bounds.head_time,
            idle: bounds.idle_time,
        };
        // Boxed: it is handed from one owner to the next, each of which would keep room for it.
        let io = Box::new(Guard::new(io, Arc::clone(&connection), times, !h2));
        let gateway = Arc::clone(&self.gateway);
        let shared = Arc::clone(&connection);
        // Boxed for each request: hyper keeps room for the future on every connection, idle ones included, and the
        // path of a request is several kilobytes.
        let service = service_fn(move |request| {
            let (gateway, connection) = (Arc::clone(&gateway), Arc::clone(&shared));
            Box::pin(
                async move { Ok::<_, Infallible>(path::serve(gateway, connection, request).await) },
            )
        });
        let ended = if h2 {
            drive::http2(&bounds, io, service, &connection).await
        } else {
            drive::http1(&bounds, io, service, &connection).await
        };
        if let Err(error) = ended {
            self.broken(&connection, &error);
        }
    }

    /// A connection that ended badly: what did not parse, or did not come in time, is an event like any other.
    fn broken(&self, connection: &Connection, error: &hyper::Error) {
        let refusal = match connection.cut() {
            Some(Cut::Head) => Refusal::TooSlow(Slow::Head),
            Some(Cut::Idle) => return,
            None if error.is_parse_too_large() => Refusal::HeadTooLarge,
            None if error.is_parse() => Refusal::Unparsable,
            None => return,
        };
        self.gateway.metrics.refused(&refusal);
        let protocol = connection.tls.as_ref();
        record::without_request(
            &self.gateway,
            self.zone,
            connection.client,
            protocol,
            &refusal,
            &error.to_string(),
        );
    }
}

enum Established {
    Clear(Arc<Connection>, TcpStream),
    Tls(
        Arc<Connection>,
        Box<tokio_rustls::server::TlsStream<Overheard<TcpStream>>>,
    ),
}

/// Reads a PROXY header and not one byte more.
async fn read_proxy_header(tcp: &mut TcpStream) -> Result<Option<SocketAddr>, NotEstablished> {
    let mut seen = [0u8; LONGEST];
    let mut before = 0;
    loop {
        let length = tcp
            .peek(&mut seen)
            .await
            .map_err(|_| NotEstablished::Gone)?;
        if length == 0 {
            return Err(NotEstablished::Gone);
        }
        let bytes = seen.get(..length).unwrap_or_default();
        if let Some(header) = proxy_header(bytes).map_err(NotEstablished::Proxy)? {
            let mut taken = vec![0u8; header.length];
            tcp.read_exact(&mut taken)
                .await
                .map_err(|_| NotEstablished::Gone)?;
            return Ok(header.client);
        }
        if length == before {
            // Peeking returns at once while the same bytes lie there; the handshake's deadline ends this.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        before = length;
    }
}
