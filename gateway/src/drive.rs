//! Drives the HTTP of a connection: to its end, to its rest, or until it is told to stop.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::service::HttpService;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::body::response::ResponseBody;
use crate::config::Bounds;
use crate::connection::Connection;
use crate::guard::Guard;

/// How long a connection must have been idle until the room for its requests is given back. Chosen: longer than a
/// browser's pause between the requests of a page.
const REST_AFTER: Duration = Duration::from_secs(1);

/// Serves an HTTP/1.1 connection. While it is idle nothing is kept but the transport: hyper's buffers are two thirds of
/// what a connection takes.
pub async fn http1<T, S>(
    bounds: &Bounds,
    io: Box<Guard<T>>,
    mut service: S,
    connection: &Connection,
) -> Result<(), hyper::Error>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: HttpService<Incoming, ResBody = ResponseBody, Error = Infallible>,
{
    let builder = http1_builder(bounds);
    let mut io = TokioIo::new(io);
    loop {
        let mut http = Box::new(builder.serve_connection(io, service).with_upgrades());
        let driven = drive(
            Pin::new(&mut *http),
            |http| http.graceful_shutdown(),
            connection,
            Some(REST_AFTER),
        )
        .await;
        if let Driven::Ended(ended) = driven {
            return ended;
        }
        let Some(parts) = http.into_parts() else {
            return Ok(());
        };
        let mut guard = parts.io.into_inner();
        if parts.read_buf.is_empty() {
            match rest(&mut guard, connection).await {
                Some(bytes) => guard.read_again(bytes),
                None => return Ok(()),
            }
        } else {
            guard.begin_again(parts.read_buf);
        }
        io = TokioIo::new(guard);
        service = parts.service;
    }
}

/// Serves an HTTP/2 connection.
pub async fn http2<T, S>(
    bounds: &Bounds,
    io: Box<Guard<T>>,
    service: S,
    connection: &Connection,
) -> Result<(), hyper::Error>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: HttpService<Incoming, ResBody = ResponseBody, Error = Infallible>,
    S::Future: Send + 'static,
{
    let mut http = Box::pin(http2_builder(bounds).serve_connection(TokioIo::new(io), service));
    match drive(
        http.as_mut(),
        |http| http.graceful_shutdown(),
        connection,
        None,
    )
    .await
    {
        Driven::Ended(ended) => ended,
        Driven::Idle => Ok(()),
    }
}

/// Waits until an idle connection is used again, and gives the first bytes; none when it is over.
async fn rest<T>(guard: &mut Guard<T>, connection: &Connection) -> Option<Bytes>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    // Few: what more there is stays in the transport.
    let mut first = [0; 64];
    let read = poll_fn(|cx| {
        connection.driven_by(cx.waker());
        if connection.is_ended() || connection.is_closing() {
            return Poll::Ready(0);
        }
        let mut buffer = ReadBuf::new(&mut first);
        match Pin::new(&mut *guard).poll_read(cx, &mut buffer) {
            Poll::Ready(read) => Poll::Ready(read.map_or(0, |()| buffer.filled().len())),
            Poll::Pending => Poll::Pending,
        }
    })
    .await;
    if read == 0 {
        if !connection.is_ended() {
            // The client may be gone already.
            let _gone = guard.shutdown().await;
        }
        return None;
    }
    first.get(..read).map(Bytes::copy_from_slice)
}

/// How long a connection that has not asked anything yet is waited for when the gateway shuts down.
const FIRST_REQUEST: Duration = Duration::from_secs(2);

/// What became of driving a connection.
enum Driven {
    Ended(Result<(), hyper::Error>),
    /// It has been between two requests for as long as was asked about.
    Idle,
}

/// Drives a connection to its end: by itself, by shutdown, or by cancellation; or until it has been idle for `rest`.
///
/// The two signals are flags of the connection and wake this task: looking at them costs next to nothing for each of
/// its turns, of which a request takes several.
async fn drive<F>(
    mut http: Pin<&mut F>,
    close: impl Fn(Pin<&mut F>),
    connection: &Connection,
    rest: Option<Duration>,
) -> Driven
where
    F: Future<Output = Result<(), hyper::Error>>,
{
    let mut closed = false;
    let mut patience = None;
    let mut nap = None;
    poll_fn(move |cx| {
        connection.driven_by(cx.waker());
        loop {
            if connection.is_ended() {
                return Poll::Ready(Driven::Ended(Ok(())));
            }
            if let Poll::Ready(ended) = http.as_mut().poll(cx) {
                return Poll::Ready(Driven::Ended(ended));
            }
            if closed || !connection.is_closing() {
                let idle = rest.is_some_and(|rest| {
                    connection.is_between_requests() && is_over(&mut nap, rest, connection, cx)
                });
                return if idle {
                    Poll::Ready(Driven::Idle)
                } else {
                    Poll::Pending
                };
            }
            // A connection that was accepted a moment ago and has not asked yet would be closed unanswered.
            let waits = connection.requests.load(Ordering::Relaxed) == 0
                && patience
                    .get_or_insert_with(|| Box::pin(tokio::time::sleep(FIRST_REQUEST)))
                    .as_mut()
                    .poll(cx)
                    .is_pending();
            if waits {
                return Poll::Pending;
            }
            closed = true;
            close(http.as_mut());
        }
    })
    .await
}

/// Whether a connection has been idle for long enough. The timer runs out once in a while and is then set anew; moving
/// it with every request would cost more than it is worth.
fn is_over(
    nap: &mut Option<Pin<Box<Sleep>>>,
    rest: Duration,
    connection: &Connection,
    cx: &mut Context<'_>,
) -> bool {
    let mut left = rest;
    if let Some(timer) = nap {
        if !timer.is_elapsed() {
            return false;
        }
        left = rest.saturating_sub(connection.idle_for());
        if left.is_zero() {
            return true;
        }
    }
    let timer = nap.get_or_insert_with(|| Box::pin(tokio::time::sleep(left)));
    timer.as_mut().reset(Instant::now() + left);
    // Polled once, so that it wakes this task.
    timer.as_mut().poll(cx).is_ready()
}

fn http1_builder(bounds: &Bounds) -> hyper::server::conn::http1::Builder {
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // The guard under it bounds heads and idle time, and tells the two apart.
        .header_read_timeout(None)
        .half_close(false)
        .keep_alive(true)
        .max_headers(bounds.headers)
        .max_header_size(bounds.head_size)
        .max_buf_size(bounds.head_size.max(64 << 10));
    builder
}

fn http2_builder(bounds: &Bounds) -> hyper::server::conn::http2::Builder<TokioExecutor> {
    let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(bounds.streams)
        .max_header_list_size(u32::try_from(bounds.head_size).unwrap_or(u32::MAX))
        // The h2 crate's own bound on streams that a client opens and resets (CVE-2023-44487).
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(Some(1024))
        .initial_stream_window_size(256 << 10)
        .initial_connection_window_size(1 << 20)
        .max_send_buf_size(256 << 10)
        .keep_alive_interval(Some(Duration::from_secs(30)))
        .keep_alive_timeout(Duration::from_secs(15));
    builder
}
