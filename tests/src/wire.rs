//! Connections that each come from an address of their own, so that their events can be told apart, and no limit or
//! detection on an address mixes them up.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::net::{TcpSocket, TcpStream};

use crate::{Pass, Raw, Tls, Zone};

static NEXT: AtomicU16 = AtomicU16::new(1);

/// How long events may take to their segment on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// A TCP connection from a loopback address that no other had.
///
/// # Panics
/// Where it is not taken, or leads to no IPv4 address.
pub async fn dial(to: SocketAddr) -> (TcpStream, SocketAddr) {
    let [high, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    dial_from(Ipv4Addr::new(127, 77, high, low), to).await
}

/// A TCP connection from a loopback address.
///
/// # Panics
/// As [`dial`].
pub async fn dial_from(from: Ipv4Addr, to: SocketAddr) -> (TcpStream, SocketAddr) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .bind(SocketAddr::from((from, 0)))
        .expect("a loopback address");
    let stream = socket.connect(to).await.expect("a connection");
    stream.set_nodelay(true).expect("a connection");
    let from = stream.local_addr().expect("a connection has two ends");
    (stream, from)
}

/// A raw connection and where it comes from.
pub struct Wire {
    /// The connection.
    pub raw: Raw,
    /// Its own address.
    pub from: SocketAddr,
}

impl Wire {
    /// A TLS connection to a zone.
    ///
    /// # Panics
    /// Where the handshake fails.
    pub async fn open(pass: &Pass, zone: Zone, host: &str) -> Self {
        Self::over(pass.at(zone), host, &pass.tls()).await
    }

    /// A TLS connection, done as is said.
    ///
    /// # Panics
    /// Where the handshake fails.
    pub async fn over(to: SocketAddr, host: &str, tls: &Tls) -> Self {
        let (stream, from) = dial(to).await;
        let stream = tls.over(stream, host).await.expect("a handshake");
        Self {
            raw: Raw::over(stream),
            from,
        }
    }

    /// A cleartext connection.
    pub async fn clear(to: SocketAddr) -> Self {
        let (stream, from) = dial(to).await;
        Self {
            raw: Raw::over(stream),
            from,
        }
    }

    /// Sends bytes and reads what is said until the other side ends the connection.
    pub async fn tell(mut self, bytes: &[u8]) -> Said {
        self.raw.send(bytes).await;
        Said {
            text: self.raw.read_to_end().await,
            from: self.from,
        }
    }
}

/// What was said on a connection.
#[derive(Debug, Clone)]
pub struct Said {
    /// All of it.
    pub text: String,
    /// To whom.
    pub from: SocketAddr,
}

impl Said {
    /// The status of the first answer; 0 where there was none.
    #[must_use]
    pub fn status(&self) -> u16 {
        let line = self.text.strip_prefix("HTTP/1.1 ").unwrap_or_default();
        line.get(..3).and_then(|s| s.parse().ok()).unwrap_or(0)
    }

    /// The body of the first answer as JSON.
    ///
    /// # Panics
    /// Where it is none; with what it is.
    #[must_use]
    pub fn json(&self) -> Value {
        let body = self.text.split_once("\r\n\r\n").map_or("", |(_, b)| b);
        match serde_json::from_str(body) {
            Ok(value) => value,
            Err(error) => panic!("no JSON ({error}): {}", self.text),
        }
    }

    /// The values of a field as it arrived at the portal, of an answer of its `/echo`.
    ///
    /// # Panics
    /// Where this is no such answer.
    #[must_use]
    pub fn arrived(&self, name: &str) -> Vec<String> {
        let seen = self.json();
        let fields = seen
            .get("headers")
            .and_then(|h| h.as_array())
            .expect("the answer of an echo");
        fields
            .iter()
            .filter(|pair| pair[0] == name)
            .filter_map(|pair| pair[1].as_str().map(str::to_owned))
            .collect()
    }
}

/// The events of clients, in their order, waited for; each must have left exactly one.
///
/// # Panics
/// Where one has left none within ten seconds, or more than one.
pub async fn events_of(pass: &Pass, clients: &[SocketAddr]) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let events = pass.events();
        let found: Vec<Vec<&Value>> = clients
            .iter()
            .map(|client| events.iter().filter(|e| is_of(e, *client)).collect())
            .collect();
        if found.iter().all(|of| !of.is_empty()) {
            for (client, of) in clients.iter().zip(&found) {
                assert_eq!(of.len(), 1, "events of {client}: {of:#?}");
            }
            return found.into_iter().flatten().cloned().collect();
        }
        let missing: Vec<_> = clients
            .iter()
            .zip(&found)
            .filter(|(_, of)| of.is_empty())
            .map(|(client, _)| client)
            .collect();
        assert!(begun.elapsed() < PATIENCE, "no event of {missing:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Whether an event is of a client.
#[must_use]
pub fn is_of(event: &Value, client: SocketAddr) -> bool {
    event.pointer("/src_endpoint/ip").and_then(|v| v.as_str()) == Some(&client.ip().to_string())
        && event.pointer("/src_endpoint/port").and_then(|v| v.as_u64())
            == Some(u64::from(client.port()))
}
