//! Connections to one address, kept between requests.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};

use super::Counters;
use super::connect::{ConnectError, Connector};
use crate::body::request::RequestBody;
use crate::clock;

/// A kept connection is not used after this long: most servers close idle ones after a minute or more.
const IDLE_LIMIT: Duration = Duration::from_secs(50);

/// An upstream address with its connections.
#[derive(Debug)]
pub struct Address {
    /// The socket address.
    pub at: SocketAddr,
    /// The same as it stands in events.
    pub name: String,
    counters: Counters,
    active: AtomicUsize,
    keep: usize,
    /// Guards the stack alone; held for a push or a pop.
    idle: Mutex<Vec<Idle>>,
    /// The one HTTP/2 connection, cloned for each request.
    shared: Mutex<Option<http2::SendRequest<RequestBody>>>,
}

impl Deref for Address {
    type Target = Counters;

    fn deref(&self) -> &Counters {
        &self.counters
    }
}

#[derive(Debug)]
struct Idle {
    sender: http1::SendRequest<RequestBody>,
    /// On the monotonic clock.
    since: Duration,
}

/// A connection on which one request can be sent.
#[derive(Debug)]
pub enum Sender {
    /// HTTP/1.1, ours alone until the answer's body has ended.
    Http1(http1::SendRequest<RequestBody>),
    /// HTTP/2, shared.
    Http2(http2::SendRequest<RequestBody>),
}

/// Where a connection came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Opened for this request.
    Fresh,
    /// Kept from an earlier one; the upstream may have closed it meanwhile.
    Kept,
}

/// Why no answer came.
#[derive(Debug)]
pub enum SendError {
    /// The request was never written and can go elsewhere.
    NotSent(Box<Request<RequestBody>>),
    /// It may have been read.
    Broken(hyper::Error),
}

impl Address {
    /// An address without connections, keeping at most `keep` idle ones.
    pub fn new(at: SocketAddr, keep: usize) -> Self {
        Self {
            at,
            name: at.to_string(),
            counters: Counters::default(),
            active: AtomicUsize::new(0),
            keep,
            idle: Mutex::new(Vec::new()),
            shared: Mutex::new(None),
        }
    }

    /// Requests in progress.
    pub fn active(&self) -> usize {
        self.active.load(Ordering::Relaxed)
    }

    /// Whether it is ejected at an instant of the monotonic clock, in milliseconds.
    pub fn is_ejected(&self, now_ms: u64) -> bool {
        self.counters.ejected_until.load(Ordering::Relaxed) > now_ms
    }

    /// A new connection.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn open(self: &Arc<Self>, connector: &Connector) -> Result<Sender, ConnectError> {
        let sender = connector.connect(self.at).await?;
        if let Sender::Http2(shared) = &sender {
            *self.shared.lock().unwrap_or_else(PoisonError::into_inner) = Some(shared.clone());
        }
        Ok(sender)
    }

    /// A kept connection, if there is one that still stands.
    pub fn kept(&self, now: Duration) -> Option<Sender> {
        {
            let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
            match &*shared {
                Some(sender) if !sender.is_closed() => return Some(Sender::Http2(sender.clone())),
                Some(_) => *shared = None,
                None => {}
            }
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(candidate) = idle.pop() {
            if now.saturating_sub(candidate.since) > IDLE_LIMIT {
                // The stack is in order of age, so all below are older.
                idle.clear();
                return None;
            }
            if candidate.sender.is_ready() {
                return Some(Sender::Http1(candidate.sender));
            }
        }
        None
    }

    fn give_back(&self, sender: http1::SendRequest<RequestBody>) {
        if sender.is_closed() {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.keep {
            idle.push(Idle {
                sender,
                since: clock::monotonic(),
            });
        }
    }

    /// Closes every kept connection.
    pub fn drain(&self) {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        *self.shared.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// A connection in use; it goes back to its address when the answer's body has ended.
#[derive(Debug)]
pub struct Lease {
    address: Arc<Address>,
    sender: Option<http1::SendRequest<RequestBody>>,
}

impl Lease {
    /// The address in use.
    pub fn address(&self) -> &Arc<Address> {
        &self.address
    }

    /// The answer has ended: the connection can serve another request.
    pub fn done(&mut self) {
        if let Some(sender) = self.sender.take() {
            self.address.give_back(sender);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.address.active.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Sender {
    /// Sends a request and waits for the head of the answer.
    ///
    /// # Errors
    /// With the request when it was never written.
    pub async fn send(
        self,
        address: &Arc<Address>,
        request: Request<RequestBody>,
    ) -> Result<(Response<Incoming>, Lease), SendError> {
        address.active.fetch_add(1, Ordering::Relaxed);
        let mut lease = Lease {
            address: Arc::clone(address),
            sender: None,
        };
        let result = match self {
            Self::Http1(mut sender) => {
                let result = sender.try_send_request(request).await;
                lease.sender = Some(sender);
                result
            }
            Self::Http2(mut sender) => sender.try_send_request(request).await,
        };
        match result {
            Ok(response) => Ok((response, lease)),
            Err(mut error) => Err(match error.take_message() {
                Some(request) => SendError::NotSent(Box::new(request)),
                None => SendError::Broken(error.into_error()),
            }),
        }
    }
}
