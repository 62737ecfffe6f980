//! An upstream whose manners a test chooses, for everything that a well-behaved portal does not do.
//!
//! The query decides: `q=stall` is never answered, `q=drop` is read and the connection closed, `q=cut` breaks off in
//! the middle of the body, `q=503` says that the service is down, `q=slow` takes a second. Everything else is
//! answered with the upstream's name.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// An upstream; it is gone when it is dropped.
#[derive(Debug)]
pub struct Behind {
    at: SocketAddr,
    manners: Arc<Manners>,
    serving: JoinHandle<()>,
}

#[derive(Debug)]
struct Manners {
    name: String,
    healthy: AtomicBool,
    failing: AtomicBool,
    /// Guards what has arrived.
    arrived: Mutex<Vec<String>>,
}

impl Behind {
    /// An upstream in cleartext on a port of its own.
    #[must_use]
    pub fn start(name: &str) -> Self {
        Self::serve(name, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), None)
    }

    /// An upstream in cleartext where another one was.
    #[must_use]
    pub fn start_at(name: &str, at: SocketAddr) -> Self {
        Self::serve(name, at, None)
    }

    /// An upstream over TLS.
    #[must_use]
    pub fn start_tls(name: &str, config: ServerConfig) -> Self {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self::serve(
            name,
            SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            Some(acceptor),
        )
    }

    fn serve(name: &str, at: SocketAddr, tls: Option<TlsAcceptor>) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("an option of sockets");
        socket.bind(at).expect("a free address");
        let listener = socket.listen(1024).expect("an upstream listens");
        let at = listener.local_addr().expect("a listener has an address");
        let manners = Arc::new(Manners {
            name: name.to_owned(),
            healthy: AtomicBool::new(true),
            failing: AtomicBool::new(false),
            arrived: Mutex::new(Vec::new()),
        });
        let serving = tokio::spawn(accept(listener, tls, Arc::clone(&manners)));
        Self {
            at,
            manners,
            serving,
        }
    }

    /// Where it listens.
    #[must_use]
    pub const fn at(&self) -> SocketAddr {
        self.at
    }

    /// Whether it says so when its health is checked.
    pub fn set_healthy(&self, healthy: bool) {
        self.manners.healthy.store(healthy, Ordering::Relaxed);
    }

    /// Whether it answers every request with 503.
    pub fn set_failing(&self, failing: bool) {
        self.manners.failing.store(failing, Ordering::Relaxed);
    }

    /// What has arrived, as `METHOD target`, without health checks.
    #[must_use]
    pub fn arrived(&self) -> Vec<String> {
        self.manners
            .arrived
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, manners: Arc<Manners>) {
    // Dropped with this task, and with it every connection.
    let mut connections = JoinSet::new();
    while let Ok((tcp, _)) = listener.accept().await {
        let (tls, manners) = (tls.clone(), Arc::clone(&manners));
        connections.spawn(async move {
            match tls {
                None => converse(tcp, &manners).await,
                Some(tls) => match tls.accept(tcp).await {
                    Ok(stream) => converse(stream, &manners).await,
                    Err(_refused) => None,
                },
            }
        });
    }
}

/// Answers until the other side, or the manners, end it.
async fn converse(mut io: impl AsyncRead + AsyncWrite + Unpin, manners: &Manners) -> Option<()> {
    let mut waiting = Vec::new();
    loop {
        let head = loop {
            if let Some(end) = waiting.windows(4).position(|w| w == b"\r\n\r\n") {
                break waiting.drain(..end + 4).collect::<Vec<u8>>();
            }
            if io.read_buf(&mut waiting).await.ok()? == 0 {
                return None;
            }
        };
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|l| l.strip_prefix("content-length:"))
            .and_then(|v| v.trim().parse::<usize>().ok());
        while waiting.len() < length.unwrap_or(0) {
            if io.read_buf(&mut waiting).await.ok()? == 0 {
                return None;
            }
        }
        waiting.drain(..length.unwrap_or(0));
        let mut words = head.split_whitespace();
        let (method, target) = (words.next()?.to_uppercase(), words.next()?);
        if target == "/healthz" {
            let healthy = manners.healthy.load(Ordering::Relaxed);
            answer(
                &mut io,
                if healthy { "200 OK" } else { "500 Ill" },
                &manners.name,
            )
            .await?;
            continue;
        }
        manners
            .arrived
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(format!("{method} {target}"));
        match target.split_once("q=").map(|(_, q)| q) {
            Some("stall") => std::future::pending::<()>().await,
            Some("drop") => return None,
            Some("cut") => {
                let begin = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\ncontent-type: text/plain\r\n\r\nbegin";
                io.write_all(begin).await.ok()?;
                io.flush().await.ok()?;
                return None;
            }
            Some("503") => answer(&mut io, "503 Down", &manners.name).await?,
            Some("slow") => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                answer(&mut io, "200 OK", &manners.name).await?;
            }
            _ if manners.failing.load(Ordering::Relaxed) => {
                answer(&mut io, "503 Down", &manners.name).await?;
            }
            _ => answer(&mut io, "200 OK", &manners.name).await?,
        }
    }
}

async fn answer(io: &mut (impl AsyncWrite + Unpin), status: &str, body: &str) -> Option<()> {
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\ncontent-type: text/plain\r\n\r\n{body}",
        body.len()
    );
    io.write_all(answer.as_bytes()).await.ok()?;
    io.flush().await.ok()
}
