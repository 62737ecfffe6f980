//! The transport under hyper: cuts connections that are slow with a head, idle, or take no bytes.
//!
//! hyper bounds neither the time between requests nor a peer that stops reading, and once a head is parsed it no
//! longer shows a `Content-Length` beside a `Transfer-Encoding`. All three can be seen here.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::clock;
use crate::connection::{Connection, Cut, millis};

/// The times that a guard enforces.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// From the first byte of a head to its last.
    pub head: Duration,
    /// Between requests, and for a peer that takes no bytes.
    pub idle: Duration,
}

/// A transport with deadlines.
#[derive(Debug)]
pub struct Guard<T> {
    inner: T,
    connection: Arc<Connection>,
    times: Times,
    /// Whether heads are HTTP/1 and can be seen as bytes.
    http1: bool,
    head: Option<Head>,
    /// Armed once and moved only when it fires or a head stays incomplete: a timer that is
    /// moved for every request would cost more than the guard is worth.
    timer: Pin<Box<Sleep>>,
    /// Armed while a write waits.
    write_timer: Option<Pin<Box<Sleep>>>,
    /// Bytes that were read before and are to be read again.
    again: Bytes,
}

/// A head that has begun.
#[derive(Debug)]
struct Head {
    /// When it was first waited for; most heads come whole and never are.
    since: Option<Instant>,
    /// The connection's count of requests when it began; a higher count means that it is complete.
    requests: u64,
    /// Whether any byte of it has come.
    begun: bool,
    scan: FramingScan,
}

impl<T> Guard<T> {
    /// Guards a transport; the first head must be complete within the head's time.
    pub fn new(inner: T, connection: Arc<Connection>, times: Times, http1: bool) -> Self {
        let timer = Box::pin(tokio::time::sleep(times.head.min(times.idle)));
        let head = Some(Head {
            since: Some(Instant::now()),
            requests: 0,
            begun: false,
            scan: FramingScan::default(),
        });
        Self {
            inner,
            connection,
            times,
            http1,
            head,
            timer,
            write_timer: None,
            again: Bytes::new(),
        }
    }

    /// Hands bytes that were read through the guard to the next reader.
    pub fn read_again(&mut self, bytes: Bytes) {
        self.again = bytes;
    }

    /// The same with the begin of a head that came together with an earlier one; its time runs from now on.
    pub fn begin_again(&mut self, bytes: Bytes) {
        self.on_bytes(&bytes);
        self.read_again(bytes);
    }

    fn on_bytes(&mut self, bytes: &[u8]) {
        if self.connection.active.load(Ordering::Acquire) != 0 {
            return;
        }
        let requests = self.connection.requests.load(Ordering::Relaxed);
        self.connection
            .head_of
            .store(requests + 1, Ordering::Release);
        let fresh = self
            .head
            .as_ref()
            .is_none_or(|head| head.requests != requests);
        if fresh {
            if !self.http1 {
                self.head = None;
                return;
            }
            self.head = Some(Head {
                since: None,
                requests,
                begun: true,
                scan: FramingScan::default(),
            });
        }
        if let Some(head) = &mut self.head {
            head.begun = true;
            if self.http1 && head.scan.feed(bytes) {
                self.connection
                    .framing_conflict
                    .store(true, Ordering::Release);
            }
        }
    }

    /// When the peer must have sent something; none while a request is in progress.
    fn deadline(&mut self, now: Instant) -> Option<Instant> {
        if self.connection.active.load(Ordering::Acquire) != 0 {
            return None;
        }
        let requests = self.connection.requests.load(Ordering::Relaxed);
        if let Some(head) = &self.head {
            if head.requests == requests {
                return Some(head.since.unwrap_or(now) + self.times.head);
            }
            self.head = None;
        }
        let idle_since = self.connection.last_end_ms.load(Ordering::Acquire);
        let idle_for = millis(clock::monotonic()).saturating_sub(idle_since);
        let left = self
            .times
            .idle
            .saturating_sub(Duration::from_millis(idle_for));
        Some(now + left)
    }

    /// Whether the peer has been waited for long enough.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.connection.active.load(Ordering::Acquire) != 0 {
            // Nothing is due while a request is in progress; its end brings the transport here again.
            return Poll::Pending;
        }
        if let Some(head) = &mut self.head
            && head.requests == self.connection.requests.load(Ordering::Relaxed)
        {
            let due = *head.since.get_or_insert_with(Instant::now) + self.times.head;
            if self.timer.deadline() > due {
                self.timer.as_mut().reset(due);
            }
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            match self.deadline(now) {
                Some(due) if due <= now => return Poll::Ready(()),
                Some(due) => self.timer.as_mut().reset(due),
                None => self.timer.as_mut().reset(now + self.times.idle),
            }
        }
        Poll::Pending
    }

    fn aborted(&self) -> Option<io::Error> {
        self.connection.is_ended().then(|| {
            io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "the gateway ended the connection",
            )
        })
    }

    fn cut(&self) -> io::Error {
        let in_head = self.head.as_ref().is_some_and(|head| head.begun);
        self.connection
            .set_cut(if in_head { Cut::Head } else { Cut::Idle });
        io::Error::new(io::ErrorKind::TimedOut, "the peer was too slow")
    }

    fn poll_write_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let idle = self.times.idle;
        self.write_timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)))
            .as_mut()
            .poll(cx)
    }

    /// Passes a write's result on, with the deadline of a peer that takes nothing.
    fn written<R>(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        match result {
            Poll::Ready(done) => {
                if self.write_timer.take().is_some() {
                    self.connection.writing.store(false, Ordering::Release);
                }
                Poll::Ready(done)
            }
            Poll::Pending => {
                self.connection.writing.store(true, Ordering::Release);
                ready!(self.poll_write_deadline(cx));
                Poll::Ready(Err(self.cut()))
            }
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Guard<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(error) = this.aborted() {
            return Poll::Ready(Err(error));
        }
        if !this.again.is_empty() {
            let taken = this.again.split_to(this.again.len().min(buf.remaining()));
            buf.put_slice(&taken);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        match Pin::new(&mut this.inner).poll_read(cx, buf) {
            Poll::Ready(Ok(())) => {
                if let Some(bytes) = buf.filled().get(before..)
                    && !bytes.is_empty()
                {
                    this.on_bytes(bytes);
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                ready!(this.poll_deadline(cx));
                Poll::Ready(Err(this.cut()))
            }
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Guard<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Some(error) = this.aborted() {
            return Poll::Ready(Err(error));
        }
        let result = Pin::new(&mut this.inner).poll_write(cx, buf);
        this.written(cx, result)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Some(error) = this.aborted() {
            return Poll::Ready(Err(error));
        }
        let result = Pin::new(&mut this.inner).poll_write_vectored(cx, bufs);
        this.written(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.inner).poll_flush(cx);
        this.written(cx, result)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.inner).poll_shutdown(cx);
        this.written(cx, result)
    }
}

/// Looks at the lines of a head for both ways of framing a body.
#[derive(Debug, Default)]
struct FramingScan {
    /// The begin of the current line, as far as a name can tell.
    line: [u8; 18],
    length: usize,
    transfer_encoding: bool,
    content_length: bool,
    complete: bool,
}

impl FramingScan {
    /// Feeds bytes of a head; true once it is complete and had both.
    fn feed(&mut self, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        while !self.complete && !rest.is_empty() {
            let (line, after, ended) = match memchr::memchr(b'\n', rest) {
                Some(end) => (rest.get(..end), rest.get(end + 1..), true),
                None => (Some(rest), None, false),
            };
            self.take(line.unwrap_or_default());
            if ended {
                self.end_line();
            }
            rest = after.unwrap_or_default();
        }
        self.complete && self.transfer_encoding && self.content_length
    }

    fn take(&mut self, line: &[u8]) {
        let room = self.line.get_mut(self.length..).unwrap_or_default();
        let taken = room.len().min(line.len());
        for (to, from) in room.iter_mut().zip(line) {
            *to = *from;
        }
        self.length += taken;
    }

    fn end_line(&mut self) {
        let line = self.line.get(..self.length).unwrap_or_default();
        let is = |name: &[u8]| {
            line.get(..name.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(name))
        };
        match line {
            b"" | b"\r" => self.complete = true,
            _ if is(b"transfer-encoding:") => self.transfer_encoding = true,
            _ if is(b"content-length:") => self.content_length = true,
            _ => {}
        }
        self.length = 0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn conflict(chunks: &[&[u8]]) -> bool {
        let mut scan = FramingScan::default();
        chunks.iter().any(|chunk| scan.feed(chunk))
    }

    const BOTH: &[u8] =
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\ntransfer-Encoding: chunked\r\n\r\nabc";

    #[test]
    fn both_ways_of_framing_are_seen_however_the_head_is_split() {
        for cut in 0..BOTH.len() {
            let (a, b) = BOTH.split_at(cut);
            assert!(conflict(&[a, b]), "cut at {cut}");
        }
    }

    #[test]
    fn one_way_is_no_conflict_and_bodies_are_not_looked_at() {
        assert!(!conflict(&[
            b"POST / HTTP/1.1\r\nContent-Length: 60\r\n\r\nTransfer-Encoding: chunked\r\n\r\n"
        ]));
        assert!(!conflict(&[
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nX-Content-Length: 1\r\n\r\n"
        ]));
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_answer(
            head in "(Content-Length: 1|Transfer-Encoding: chunked|A: b|\r){0,4}",
            cuts in proptest::collection::vec(0usize..80, 0..4)
        ) {
            let text = format!("GET / HTTP/1.1\r\n{}\r\n\r\n", head.replace(": 1", ": 1\r\n").replace("chunked", "chunked\r\n"));
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(bytes.len())).collect();
            cuts.sort_unstable();
            let mut chunks = Vec::new();
            let mut from = 0;
            for cut in cuts { chunks.push(&bytes[from..cut]); from = cut; }
            chunks.push(&bytes[from..]);
            prop_assert_eq!(conflict(&chunks), conflict(&[bytes]));
        }
    }
}
