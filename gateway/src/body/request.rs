//! A request's body on its way to the upstream: bounded in size, in time and in slowness.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use hangu_redact::{BodyRedactor, Counts};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use thiserror::Error;
use tokio::time::{Instant, Sleep};

use crate::body::redacted::Redacted;
use crate::refusal::{Refusal, Slow};

/// Why a body broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BodyFault {
    /// More bytes than the portal accepts.
    #[error("the body is larger than the portal accepts")]
    TooLarge,
    /// Not whole in time, or below the least rate.
    #[error("the body is too slow")]
    TooSlow,
    /// The client broke off.
    #[error("the client broke off the body")]
    Cut,
    /// It cannot be read for redaction.
    #[error("the body cannot be read for redaction")]
    Unreadable,
}

impl From<BodyFault> for Refusal {
    fn from(fault: BodyFault) -> Self {
        match fault {
            BodyFault::TooLarge => Self::BodyTooLarge,
            BodyFault::TooSlow => Self::TooSlow(Slow::Body),
            BodyFault::Cut => Self::BodyCut,
            BodyFault::Unreadable => {
                Self::UnredactableRequest("the body could not be read to its end")
            }
        }
    }
}

/// The bounds of a body.
#[derive(Debug, Clone, Copy)]
pub struct BodyBounds {
    /// Bytes.
    pub size: u64,
    /// For the whole.
    pub time: Duration,
    /// Least bytes a second, over each window.
    pub rate: u64,
}

/// The span over which the least rate is measured. Chosen: long enough for a mobile network to stall once.
const RATE_WINDOW: Duration = Duration::from_secs(10);

/// What is known about a body while it passes, shared with the event.
#[derive(Debug, Default)]
pub struct BodyState {
    bytes: AtomicU64,
    ended: AtomicBool,
    fault: OnceLock<BodyFault>,
    redacted: OnceLock<Counts>,
    unread_parts: AtomicBool,
}

impl BodyState {
    /// Bytes that have passed.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether the whole body has passed.
    pub fn ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Why it broke off, if it did.
    pub fn fault(&self) -> Option<BodyFault> {
        self.fault.get().copied()
    }

    /// Notes why it broke off; the first reason stays.
    pub fn fail(&self, fault: BodyFault) -> BodyFault {
        let _first = self.fault.set(fault);
        fault
    }

    /// Notes what a redactor has found, once it is done.
    pub fn note_redactor(&self, redactor: &BodyRedactor) {
        if redactor.unread().count() > 0 {
            self.unread_parts.store(true, Ordering::Relaxed);
        }
        if let Some((summary, _)) = redactor.so_far() {
            let _once = self.redacted.set(summary.counts);
        }
    }

    /// Personal data in it, where it is redacted; nothing before its end.
    pub fn redacted(&self) -> Counts {
        self.redacted.get().copied().unwrap_or_default()
    }

    /// Whether parts of it were passed unread by redaction.
    pub fn has_unread_parts(&self) -> bool {
        self.unread_parts.load(Ordering::Relaxed)
    }
}

/// A client's body with its bounds.
#[derive(Debug)]
pub struct Bounded {
    incoming: Incoming,
    bounds: BodyBounds,
    state: Arc<BodyState>,
    /// Made when the client is first waited for; most bodies are there at once.
    timer: Option<Timer>,
}

#[derive(Debug)]
struct Timer {
    sleep: Pin<Box<Sleep>>,
    whole: Instant,
    window_begin: Instant,
    window_bytes: u64,
}

impl Bounded {
    /// Bounds a client's body.
    pub fn new(incoming: Incoming, bounds: BodyBounds) -> Self {
        Self {
            incoming,
            bounds,
            state: Arc::default(),
            timer: None,
        }
    }

    /// What is known about it.
    pub fn state(&self) -> &Arc<BodyState> {
        &self.state
    }

    fn fail(&self, fault: BodyFault) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        Poll::Ready(Some(Err(self.state.fail(fault))))
    }

    fn poll_too_slow(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let bytes = self.state.bytes();
        let now = Instant::now();
        let timer = self.timer.get_or_insert_with(|| Timer {
            sleep: Box::pin(tokio::time::sleep(RATE_WINDOW.min(self.bounds.time))),
            whole: now + self.bounds.time,
            window_begin: now,
            window_bytes: bytes,
        });
        while timer.sleep.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            let seconds = now.duration_since(timer.window_begin).as_secs().max(1);
            let least = self.bounds.rate.saturating_mul(seconds);
            let window_over = now.duration_since(timer.window_begin) >= RATE_WINDOW;
            if now >= timer.whole || (window_over && bytes - timer.window_bytes < least) {
                return Poll::Ready(());
            }
            if window_over {
                timer.window_begin = now;
                timer.window_bytes = bytes;
            }
            timer
                .sleep
                .as_mut()
                .reset((timer.window_begin + RATE_WINDOW).min(timer.whole));
        }
        Poll::Pending
    }

    /// The next piece.
    pub fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, |d| d.len() as u64);
                let total = self.state.bytes.fetch_add(length, Ordering::Relaxed) + length;
                if total > self.bounds.size {
                    return self.fail(BodyFault::TooLarge);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(_))) => self.fail(BodyFault::Cut),
            Poll::Ready(None) => {
                self.state.ended.store(true, Ordering::Release);
                Poll::Ready(None)
            }
            Poll::Pending => {
                if self.poll_too_slow(cx).is_ready() {
                    return self.fail(BodyFault::TooSlow);
                }
                Poll::Pending
            }
        }
    }

    /// Reads up to `bound` bytes.
    ///
    /// # Errors
    /// When the body breaks off or breaks its bounds.
    pub async fn head(&mut self, bound: usize) -> Result<BodyHead, BodyFault> {
        let mut read = Vec::new();
        let mut trailers = None;
        loop {
            let frame = std::future::poll_fn(|cx| self.poll_next(cx))
                .await
                .transpose()?;
            let Some(frame) = frame else {
                return Ok(BodyHead {
                    bytes: read.into(),
                    whole: true,
                    trailers,
                });
            };
            match frame.into_data() {
                Ok(data) => read.extend_from_slice(&data),
                Err(frame) => trailers = frame.into_trailers().ok(),
            }
            if read.len() > bound {
                return Ok(BodyHead {
                    bytes: read.into(),
                    whole: false,
                    trailers,
                });
            }
        }
    }
}

/// The begin of a body, read for inspection.
#[derive(Debug)]
pub struct BodyHead {
    /// What was read.
    pub bytes: Bytes,
    /// Whether that was all.
    pub whole: bool,
    /// Trailers, where they have come already.
    pub trailers: Option<http::HeaderMap>,
}

/// The body of a request to an upstream.
#[derive(Debug, Default)]
pub enum RequestBody {
    /// None.
    #[default]
    Empty,
    /// Read already.
    Whole {
        /// The bytes, until sent.
        bytes: Bytes,
        /// Trailers, until sent.
        trailers: Option<http::HeaderMap>,
    },
    /// A begin that was read, then the rest as it comes.
    Stream {
        /// The begin, until sent.
        begin: Bytes,
        /// The rest.
        rest: Box<Bounded>,
    },
    /// Redacted as it comes.
    Redacted(Box<Redacted>),
}

impl RequestBody {
    /// Whether it can be sent a second time because nothing of it has to be kept.
    pub const fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Whole { bytes, trailers } => {
                if bytes.has_remaining() {
                    return Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes)))));
                }
                Poll::Ready(trailers.take().map(|t| Ok(Frame::trailers(t))))
            }
            Self::Stream { begin, rest } => {
                if begin.has_remaining() {
                    return Poll::Ready(Some(Ok(Frame::data(std::mem::take(begin)))));
                }
                rest.poll_next(cx)
            }
            Self::Redacted(redacted) => redacted.poll_next(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Whole { bytes, trailers } => !bytes.has_remaining() && trailers.is_none(),
            Self::Stream { begin, rest } => !begin.has_remaining() && rest.incoming.is_end_stream(),
            Self::Redacted(redacted) => redacted.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Whole {
                bytes,
                trailers: None,
            } => SizeHint::with_exact(bytes.remaining() as u64),
            Self::Whole { .. } | Self::Redacted(_) => SizeHint::default(),
            Self::Stream { begin, rest } => match rest.incoming.size_hint().exact() {
                Some(left) => SizeHint::with_exact(left + begin.remaining() as u64),
                None => SizeHint::default(),
            },
        }
    }
}
