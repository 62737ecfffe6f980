//! An answer's body on its way to the client: redacted where the decision says so, counted, and recorded at its end.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hangu_redact::{BodyRedactor, Level, Summary};
use http::{HeaderMap, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use thiserror::Error;
use tokio::time::Sleep;
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::body::leaks::Leaks;
use crate::discovery::Sampling;
use crate::exchange::{Ending, Exchange};
use crate::stage::limit::Held;
use crate::stage::record;
use crate::streams::Stay;
use crate::upstream::pool::Lease;

/// Why an answer broke off after its head; the client sees a cut stream, never a shorter body that looks whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BrokenOff {
    /// The upstream broke off.
    #[error("the upstream broke off")]
    Upstream,
    /// The upstream sent nothing for too long.
    #[error("the upstream stalled")]
    Stalled,
    /// The body could not be decoded for redaction.
    #[error("the body could not be decoded for redaction")]
    Undecodable,
    /// It gives away what should not leave.
    #[error("the answer gives away what should not leave")]
    Leak,
    /// A revocation, a ban or a sign-out ended the stream.
    #[error("the gateway ended the stream")]
    Ended,
}

impl BrokenOff {
    const fn why(self) -> &'static str {
        match self {
            Self::Upstream => "upstream-broke-off",
            Self::Stalled => "upstream-stalled",
            Self::Undecodable => "undecodable-answer",
            Self::Leak => "answer-leaks",
            Self::Ended => "ended-by-gateway",
        }
    }
}

/// The body of an answer.
pub enum ResponseBody {
    /// Bytes that are there.
    Full(Bytes),
    /// An upstream's, as it comes.
    Stream(Box<Stream>),
}

/// An upstream's body with everything that must happen to it.
pub struct Stream {
    incoming: Incoming,
    redactor: Option<Box<BodyRedactor>>,
    trial: Option<(Level, Box<BodyRedactor>)>,
    leaks: Option<Box<Leaks>>,
    sampling: Option<Box<Sampling>>,
    ready: Ready,
    status: StatusCode,
    bytes: u64,
    summary: Option<Summary>,
    idle: Duration,
    /// Armed when the upstream is waited for.
    timer: Option<Pin<Box<Sleep>>>,
    /// Armed when a live body pauses, to let go what redaction holds.
    pause: Option<Pin<Box<Sleep>>>,
    /// The end that a revocation brings, for streams that live long.
    end: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    lease: Option<Lease>,
    /// Dropped with the stream: what must live as long as it, such as a place among the caller's requests.
    _held: (Held, Option<Stay>),
    exchange: Option<Box<Exchange>>,
    /// The event's number, where it was written before the answer began.
    recorded: Option<u64>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Passing,
    Draining,
    Ended,
}

/// Frames that are ready to leave. Mostly one at a time, which then needs no room of its own.
#[derive(Default)]
struct Ready {
    first: Option<Frame<Bytes>>,
    more: VecDeque<Frame<Bytes>>,
}

impl Ready {
    fn push_back(&mut self, frame: Frame<Bytes>) {
        if self.first.is_none() {
            self.first = Some(frame);
        } else {
            self.more.push_back(frame);
        }
    }

    fn pop_front(&mut self) -> Option<Frame<Bytes>> {
        let frame = self.first.take()?;
        self.first = self.more.pop_front();
        Some(frame)
    }

    const fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    fn clear(&mut self) {
        self.first = None;
        self.more.clear();
    }

    /// Bytes of data in all of them.
    fn bytes(&self) -> usize {
        self.first
            .iter()
            .chain(&self.more)
            .map(|frame| frame.data_ref().map_or(0, Bytes::len))
            .sum()
    }
}

/// What a stream is made of.
pub struct Parts {
    /// The upstream's body.
    pub incoming: Incoming,
    /// The redactor, where the decision asks for one.
    pub redactor: Option<Box<BodyRedactor>>,
    /// What tries another level on it, which changes nothing.
    pub trial: Option<(Level, Box<BodyRedactor>)>,
    /// What looks for what it gives away.
    pub leaks: Option<Box<Leaks>>,
    /// What takes a sample of it.
    pub sampling: Option<Box<Sampling>>,
    /// The answer's status.
    pub status: StatusCode,
    /// The longest time between two pieces.
    pub idle: Duration,
    /// The handle that ends it early.
    pub end: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    /// The upstream's connection.
    pub lease: Lease,
    /// What must live as long as the stream.
    pub held: (Held, Option<Stay>),
    /// The facts for its event.
    pub exchange: Box<Exchange>,
}

/// How long a live body must have paused until what redaction holds of it is let go. Chosen: programs that write in
/// pieces write the next one sooner, and people hardly notice.
const PAUSE: Duration = Duration::from_millis(300);

/// How much of a body is put into one frame after redaction.
const FRAME: usize = 64 << 10;

impl Stream {
    /// The stream of an answer.
    pub fn new(parts: Parts) -> Self {
        Self {
            incoming: parts.incoming,
            redactor: parts.redactor,
            trial: parts.trial,
            leaks: parts.leaks,
            sampling: parts.sampling,
            ready: Ready::default(),
            status: parts.status,
            bytes: 0,
            summary: None,
            idle: parts.idle,
            timer: None,
            pause: None,
            end: parts.end,
            lease: Some(parts.lease),
            _held: parts.held,
            exchange: Some(parts.exchange),
            recorded: None,
            state: State::Passing,
        }
    }

    /// Reads the body ahead, up to a bound and for a moment, so that its event can say all about it before it leaves.
    /// True if that was all of it.
    ///
    /// # Errors
    /// When it breaks off; nothing has been sent then.
    pub async fn gather(&mut self, bound: usize, patience: Duration) -> Result<bool, BrokenOff> {
        let reading = async {
            loop {
                if self.incoming.is_end_stream() {
                    self.on_end(None)?;
                    return Ok(true);
                }
                if self.ready.bytes() > bound {
                    return Ok(false);
                }
                let incoming = &mut self.incoming;
                match std::future::poll_fn(|cx| Pin::new(&mut *incoming).poll_frame(cx)).await {
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) => self.on_data(data)?,
                        Err(frame) => {
                            self.on_end(frame.into_trailers().ok())?;
                            return Ok(true);
                        }
                    },
                    Some(Err(_)) => return Err(BrokenOff::Upstream),
                    None => {
                        self.on_end(None)?;
                        return Ok(true);
                    }
                }
            }
        };
        // Every step leaves the body in one piece, so that a slow one simply goes on as a stream.
        tokio::time::timeout(patience, reading)
            .await
            .unwrap_or(Ok(false))
    }

    /// The facts for the event of a body that was gathered whole, and how it will have ended.
    pub fn settle(&mut self) -> Option<(Box<Exchange>, Ending)> {
        let bytes = self.ready.bytes() as u64;
        let ending = Ending::Answered {
            status: self.status,
            bytes,
            redacted: self.summary.take(),
        };
        Some((self.exchange.take()?, ending))
    }

    /// The facts of a body that goes on as a stream.
    pub fn exchange(&self) -> Option<&Exchange> {
        self.exchange.as_deref()
    }

    /// Whether it may have to be withheld for what it gives away.
    pub fn may_be_withheld(&self) -> bool {
        self.leaks.as_ref().is_some_and(|leaks| leaks.withholds())
    }

    /// Ends an answer of which nothing has left yet: its facts, for the event of the refusal in its place.
    pub fn withhold(mut self) -> Option<Box<Exchange>> {
        self.note_seen();
        self.exchange.take()
    }

    /// The answer's status.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Remembers that the event was written before the answer began.
    pub fn set_recorded(&mut self, number: u64) {
        self.recorded = Some(number);
    }

    fn push(&mut self, bytes: Vec<u8>) {
        let mut bytes = Bytes::from(bytes);
        while bytes.len() > FRAME {
            self.ready.push_back(Frame::data(bytes.split_to(FRAME)));
        }
        if !bytes.is_empty() {
            self.ready.push_back(Frame::data(bytes));
        }
    }

    fn on_data(&mut self, data: Bytes) -> Result<(), BrokenOff> {
        if let Some(leaks) = &mut self.leaks
            && leaks.feed(&data)
        {
            return Err(BrokenOff::Leak);
        }
        if let Some(sampling) = &mut self.sampling {
            sampling.feed(&data);
        }
        if let Some((_, trial)) = &mut self.trial {
            // What it would write, and that it cannot read on, concerns nobody.
            let _tried = trial.feed(&data, &mut Vec::with_capacity(data.len()));
        }
        let Some(redactor) = &mut self.redactor else {
            if !data.is_empty() {
                self.ready.push_back(Frame::data(data));
            }
            return Ok(());
        };
        let mut out = Vec::with_capacity(data.len() + 64);
        redactor
            .feed(&data, &mut out)
            .map_err(|_| BrokenOff::Undecodable)?;
        self.push(out);
        Ok(())
    }

    /// The upstream's body is over: what redaction still holds goes out before the trailers.
    fn on_end(&mut self, trailers: Option<HeaderMap>) -> Result<(), BrokenOff> {
        self.state = State::Draining;
        if let Some((_, trial)) = &mut self.trial {
            let _tried = trial.finish(&mut Vec::new());
        }
        if let (Some(sampling), Some(exchange)) = (self.sampling.take(), &self.exchange) {
            exchange.gateway.discovery.take(*sampling);
        }
        if let Some(redactor) = &mut self.redactor {
            let mut out = Vec::new();
            redactor
                .finish(&mut out)
                .map_err(|_| BrokenOff::Undecodable)?;
            self.push(out);
        }
        self.note_seen();
        if let Some(trailers) = trailers {
            self.ready.push_back(Frame::trailers(trailers));
        }
        if let Some(lease) = &mut self.lease {
            lease.done();
        }
        Ok(())
    }

    /// Notes what was seen in what has passed: all of it at the end, or what there was when the body broke off.
    fn note_seen(&mut self) {
        if let (Some(leaks), Some(exchange)) = (self.leaks.take(), &mut self.exchange) {
            exchange.leaks = leaks.finish();
        }
        if let (Some((level, trial)), Some(exchange)) = (self.trial.take(), &mut self.exchange) {
            let tried = trial.so_far();
            exchange.tried = tried.map(|(tried, _)| Box::new((level, tried.masked)));
        }
        let redactor = self.redactor.take();
        if let (Some(redactor), Some(exchange)) = (&redactor, &mut self.exchange)
            && redactor.unread().count() > 0
        {
            exchange.unread.push("unread-parts");
        }
        if let (Some(redactor), Some(exchange)) = (&redactor, &mut self.exchange) {
            exchange.marked = redactor.marks().map(|marked| marked.cells);
        }
        let done = redactor.and_then(|redactor| redactor.so_far());
        if let Some((summary, people)) = done {
            self.summary = Some(summary);
            if let Some(exchange) = &mut self.exchange {
                exchange.people = people;
            }
        }
    }

    fn record(&mut self, why: Option<&'static str>) {
        self.note_seen();
        let Some(exchange) = self.exchange.take() else {
            return;
        };
        let (status, bytes, redacted) = (self.status, self.bytes, self.summary.take());
        let ending = match why {
            None => Ending::Answered {
                status,
                bytes,
                redacted,
            },
            Some(why) => Ending::BrokenOff {
                status,
                bytes,
                redacted,
                why,
            },
        };
        match self.recorded {
            Some(number) => record::after(number, exchange, ending),
            None => record::soon(exchange, ending),
        }
    }

    /// Whether a pause of a live body has let go what redaction held.
    fn releases(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(redactor) = self.redactor.as_mut().filter(|redactor| redactor.is_live()) else {
            return false;
        };
        let timer = self
            .pause
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(PAUSE)));
        if timer.as_mut().poll(cx).is_pending() {
            return false;
        }
        self.pause = None;
        let mut out = Vec::new();
        if redactor.release(&mut out).is_err() || out.is_empty() {
            return false;
        }
        self.push(out);
        true
    }

    fn break_off(&mut self, why: BrokenOff) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        self.state = State::Ended;
        self.ready.clear();
        self.record(Some(why.why()));
        Poll::Ready(Some(Err(why)))
    }

    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if let Some(end) = &mut self.end
            && self.state != State::Ended
            && end.as_mut().poll(cx).is_ready()
        {
            return self.break_off(BrokenOff::Ended);
        }
        loop {
            if let Some(frame) = self.ready.pop_front() {
                self.bytes += frame.data_ref().map_or(0, |d| d.len() as u64);
                // hyper stops polling once it has all bytes that were announced, so the end is looked for now.
                if self.ready.is_empty()
                    && self.state == State::Passing
                    && self.incoming.is_end_stream()
                    && let Err(why) = self.on_end(None)
                {
                    return self.break_off(why);
                }
                if self.state == State::Draining && self.ready.is_empty() {
                    self.state = State::Ended;
                    self.record(None);
                }
                return Poll::Ready(Some(Ok(frame)));
            }
            match self.state {
                State::Ended => return Poll::Ready(None),
                State::Draining => {
                    self.state = State::Ended;
                    self.record(None);
                    return Poll::Ready(None);
                }
                State::Passing => {}
            }
            let step = match Pin::new(&mut self.incoming).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.timer = None;
                    self.pause = None;
                    match frame.into_data() {
                        Ok(data) => self.on_data(data),
                        Err(frame) => self.on_end(frame.into_trailers().ok()),
                    }
                }
                Poll::Ready(Some(Err(_))) => Err(BrokenOff::Upstream),
                Poll::Ready(None) => self.on_end(None),
                Poll::Pending => {
                    if self.releases(cx) {
                        continue;
                    }
                    let idle = self.idle;
                    let timer = self
                        .timer
                        .get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
                    if timer.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    Err(BrokenOff::Stalled)
                }
            };
            if let Err(why) = step {
                return self.break_off(why);
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // An answer without a body is never polled; one that was dropped half way was left by the client.
        let whole =
            self.state == State::Passing && self.ready.is_empty() && self.incoming.is_end_stream();
        if whole && let Some(lease) = &mut self.lease {
            lease.done();
        }
        self.record(if whole { None } else { Some("client-left") });
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full",
            Self::Stream(_) => "Stream",
        })
    }
}

impl From<Bytes> for ResponseBody {
    fn from(bytes: Bytes) -> Self {
        Self::Full(bytes)
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match self.get_mut() {
            Self::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Stream(stream) => stream.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.is_empty(),
            Self::Stream(stream) => match stream.state {
                State::Ended => true,
                State::Draining => false,
                State::Passing => {
                    stream.redactor.is_none()
                        && stream.ready.is_empty()
                        && stream.incoming.is_end_stream()
                }
            },
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(stream) if stream.redactor.is_none() && stream.state == State::Passing => {
                // What was read ahead is still to come.
                let ready = stream.ready.bytes() as u64;
                let mut hint = stream.incoming.size_hint();
                if let Some(upper) = hint.upper() {
                    hint.set_upper(upper.saturating_add(ready));
                }
                hint.set_lower(hint.lower().saturating_add(ready));
                hint
            }
            Self::Stream(_) => SizeHint::default(),
        }
    }
}
