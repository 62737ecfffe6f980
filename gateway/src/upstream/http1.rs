//! An HTTP/1.1 connection to an upstream, driven by the task that waits for its answer.
//!
//! A task for each connection would be woken for every request and wake the request's task in turn. Here the one task
//! that wants something from the connection does its work, and a kept connection is nobody's work at all.

use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::header::UPGRADE;
use http::{Request, Response};
use http_body::{Body as _, Frame};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Connection, SendRequest};
use hyper_util::rt::TokioIo;

use super::transport::Transport;
use crate::body::request::RequestBody;

type Driver = Connection<TokioIo<Transport>, RequestBody>;

/// A connection that serves one request at a time.
#[derive(Debug)]
pub struct Http1 {
    sender: SendRequest<RequestBody>,
    /// None once a task of its own drives it, or when it has ended.
    driver: Option<Box<Driver>>,
}

impl Http1 {
    /// A connection whose handshake is done.
    pub fn new(sender: SendRequest<RequestBody>, driver: Driver) -> Self {
        Self {
            sender,
            driver: Some(Box::new(driver)),
        }
    }

    /// Gives the connection a task of its own: for upgrades, and for whoever does not poll through it.
    pub fn detach(&mut self) {
        if let Some(driver) = self.driver.take() {
            tokio::spawn(async move {
                // The error reaches the request that is on the connection; an idle one just closes.
                let _closed = driver.with_upgrades().await;
            });
        }
    }

    /// Whether it can take a request: the last one is over, and the upstream has not closed it.
    pub fn is_ready(&mut self) -> bool {
        if let Some(driver) = &mut self.driver {
            // Nobody needs to be woken for an idle connection: it is looked at when it is wanted.
            let mut nobody = Context::from_waker(Waker::noop());
            if Pin::new(&mut **driver).poll(&mut nobody).is_ready() {
                self.driver = None;
            }
        }
        self.sender.is_ready()
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// # Errors
    /// With the request where it was never written.
    pub async fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, TrySendError<Request<RequestBody>>> {
        // A body that comes as a stream must go on while the answer waits for a client that sends before it reads.
        if matches!(request.body(), RequestBody::Stream { .. })
            || request.headers().contains_key(UPGRADE)
        {
            self.detach();
        }
        let Self { sender, driver } = self;
        let mut answer = pin!(sender.try_send_request(request));
        poll_fn(|cx| {
            if let Some(driving) = driver {
                if Pin::new(&mut **driving).poll(cx).is_pending() {
                    // Only the driver makes the answer ready, and it has just been asked.
                    return answer
                        .as_mut()
                        .poll(&mut Context::from_waker(Waker::noop()));
                }
                // Dropped, so that what it left unanswered is answered.
                *driver = None;
            }
            answer.as_mut().poll(cx)
        })
        .await
    }

    /// The next frame of an answer's body.
    pub fn poll_frame(
        &mut self,
        body: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Some(driver) = &mut self.driver {
            let mut nobody = Context::from_waker(Waker::noop());
            // First, so that the driver learns that the body is wanted.
            if let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(&mut nobody) {
                return Poll::Ready(frame);
            }
            if Pin::new(&mut **driver).poll(cx).is_pending() {
                return Pin::new(body).poll_frame(&mut nobody);
            }
            self.driver = None;
        }
        Pin::new(body).poll_frame(cx)
    }
}
