//! A request's body that is redacted on its way to the upstream.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hangu_redact::BodyRedactor;
use http_body::{Body as _, Frame};

use super::request::{BodyFault, BodyState, RequestBody};

/// How much is put into one frame.
const FRAME: usize = 64 << 10;

/// A body and what redacts it as it comes.
#[derive(Debug)]
pub struct Redacted {
    body: RequestBody,
    /// None once the body has ended.
    redactor: Option<BodyRedactor>,
    ready: VecDeque<Frame<Bytes>>,
    state: Arc<BodyState>,
}

impl Redacted {
    /// Redacts a body; what was found goes into its `state`.
    pub const fn new(body: RequestBody, redactor: BodyRedactor, state: Arc<BodyState>) -> Self {
        Self {
            body,
            redactor: Some(redactor),
            ready: VecDeque::new(),
            state,
        }
    }

    /// The next piece.
    pub fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(frame)));
            }
            if self.redactor.is_none() {
                return Poll::Ready(None);
            }
            let step = match std::task::ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.feed(&data),
                    Err(frame) => self.finish(Some(frame)),
                },
                Some(Err(fault)) => Err(fault),
                None => self.finish(None),
            };
            if let Err(fault) = step {
                self.note();
                return Poll::Ready(Some(Err(fault)));
            }
        }
    }

    /// Whether nothing more comes.
    pub fn is_over(&self) -> bool {
        self.redactor.is_none() && self.ready.is_empty()
    }

    fn feed(&mut self, data: &[u8]) -> Result<(), BodyFault> {
        let mut out = Vec::with_capacity(data.len() + 64);
        if let Some(redactor) = &mut self.redactor {
            let fed = redactor.feed(data, &mut out);
            fed.map_err(|_| self.state.fail(BodyFault::Unreadable))?;
        }
        self.push(out);
        Ok(())
    }

    /// What redaction still holds goes out before the trailers.
    fn finish(&mut self, trailers: Option<Frame<Bytes>>) -> Result<(), BodyFault> {
        let mut out = Vec::new();
        if let Some(redactor) = &mut self.redactor {
            let finished = redactor.finish(&mut out);
            finished.map_err(|_| self.state.fail(BodyFault::Unreadable))?;
        }
        self.push(out);
        self.ready.extend(trailers);
        self.note();
        Ok(())
    }

    fn push(&mut self, out: Vec<u8>) {
        let mut bytes = Bytes::from(out);
        while bytes.len() > FRAME {
            self.ready.push_back(Frame::data(bytes.split_to(FRAME)));
        }
        if !bytes.is_empty() {
            self.ready.push_back(Frame::data(bytes));
        }
    }

    /// Notes what was found: all of it at the end, or what there was when the body broke off.
    fn note(&mut self) {
        if let Some(redactor) = self.redactor.take() {
            self.state.note_redactor(&redactor);
        }
    }
}

impl Drop for Redacted {
    fn drop(&mut self) {
        self.note();
    }
}
