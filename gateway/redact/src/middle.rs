//! What stands between the decoder and the encoder of a coded body.

use std::io::{self, Write};

use crate::body::{BodyError, Limits, RATIO_FREE};
use crate::encode::{BUFFER, Encoder};
use crate::kind::Summary;
use crate::marking::Marking;
use crate::part::Unread;
use crate::people::Person;
use crate::watermark::Marked;

/// What is known of a body at its end.
#[derive(Default)]
pub(crate) struct Ended {
    pub(crate) summary: Summary,
    pub(crate) people: Vec<Person>,
    pub(crate) unread: Unread,
    pub(crate) marked: Option<Marked>,
}

impl Ended {
    pub(crate) fn of(summary: Summary, marking: &Marking) -> Self {
        Self {
            summary,
            people: marking.people(),
            unread: marking.unread().clone(),
            marked: marking.marked(),
        }
    }
}

/// Between decoder and encoder: decoded bytes are written into it.
pub(crate) struct Middle {
    pub(crate) engine: Marking,
    encoder: Encoder,
    limits: Limits,
    pub(crate) coded: u64,
    plain: u64,
    passed: Option<u64>,
    /// Why the engine stopped.
    stopped: Option<BodyError>,
    scratch: Vec<u8>,
}

impl Middle {
    pub(crate) fn new(engine: Marking, encoder: Encoder, limits: Limits) -> Self {
        Self {
            engine,
            encoder,
            limits,
            coded: 0,
            plain: 0,
            passed: None,
            stopped: None,
            scratch: Vec::new(),
        }
    }

    pub(crate) fn deliver(
        &mut self,
        result: io::Result<()>,
        coding: &'static str,
        live: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), BodyError> {
        self.judge(result, coding)?;
        if live {
            self.encoder
                .flush()
                .map_err(|source| BodyError::Corrupt { coding, source })?;
        }
        out.append(self.encoder.output());
        Ok(())
    }

    pub(crate) fn release(
        &mut self,
        coding: &'static str,
        out: &mut Vec<u8>,
    ) -> Result<(), BodyError> {
        self.scratch.clear();
        self.engine.release(&mut self.scratch);
        self.encoder
            .write_all(&self.scratch)
            .and_then(|()| self.encoder.flush())
            .map_err(|source| BodyError::Corrupt { coding, source })?;
        out.append(self.encoder.output());
        Ok(())
    }

    pub(crate) fn end(
        &mut self,
        result: io::Result<()>,
        coding: &'static str,
        out: &mut Vec<u8>,
    ) -> Result<Ended, BodyError> {
        self.judge(result, coding)?;
        self.scratch.clear();
        let summary = self.engine.finish(&mut self.scratch)?;
        self.encoder
            .write_all(&self.scratch)
            .and_then(|()| self.encoder.finish(out))
            .map_err(|source| BodyError::Corrupt { coding, source })?;
        Ok(Ended::of(summary, &self.engine))
    }

    fn judge(&mut self, result: io::Result<()>, coding: &'static str) -> Result<(), BodyError> {
        if let Some(stopped) = self.stopped.take() {
            return Err(stopped);
        }
        match (result, self.passed) {
            (_, Some(limit)) => Err(BodyError::TooLarge { limit }),
            (Ok(()), None) => Ok(()),
            (Err(error), None) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(BodyError::Truncated { coding })
            }
            (Err(source), None) => Err(BodyError::Corrupt { coding, source }),
        }
    }
}

impl Write for Middle {
    fn write(&mut self, plain: &[u8]) -> io::Result<usize> {
        self.plain += plain.len() as u64;
        let by_ratio = self
            .coded
            .saturating_mul(self.limits.max_inflated_ratio)
            .max(RATIO_FREE);
        let limit = by_ratio.min(self.limits.max_inflated_bytes);
        if self.plain > limit {
            self.passed = Some(limit);
            return Err(io::Error::other("inflated beyond the limit"));
        }
        self.scratch.clear();
        if let Err(stopped) = self.engine.feed(plain, &mut self.scratch) {
            self.stopped = Some(stopped);
            return Err(io::Error::other("the body cannot be read"));
        }
        self.encoder.write_all(&self.scratch)?;
        Ok(plain.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Zstandard needs to be told where a frame ends: a body that stops within one is cut off.
pub(crate) struct Zstd {
    decoder: zstd::stream::raw::Decoder<'static>,
    pub(crate) middle: Middle,
    /// Between two frames, where a body may end.
    between: bool,
    plain: Vec<u8>,
}

/// The longest window that a frame may ask for, as a power of two (RFC 9659: 8 MiB).
const WINDOW_LOG_MAX: u32 = 23;

impl Zstd {
    pub(crate) fn new(engine: Marking, limits: Limits) -> io::Result<Self> {
        use zstd::stream::raw::{DParameter, Decoder};
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))?;
        Ok(Self {
            decoder,
            middle: Middle::new(engine, Encoder::zstd()?, limits),
            between: true,
            plain: vec![0; BUFFER],
        })
    }

    pub(crate) fn feed(
        &mut self,
        chunk: &[u8],
        live: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), BodyError> {
        self.middle.coded += chunk.len() as u64;
        let result = self.decode(chunk);
        self.middle.deliver(result, "zstd", live, out)
    }

    fn decode(&mut self, chunk: &[u8]) -> io::Result<()> {
        use zstd::stream::raw::{InBuffer, Operation as _, OutBuffer};
        let mut input = InBuffer::around(chunk);
        loop {
            let mut output = OutBuffer::around(self.plain.as_mut_slice());
            let wanted = self.decoder.run(&mut input, &mut output)?;
            let length = output.pos();
            self.between = wanted == 0;
            self.middle
                .write_all(self.plain.get(..length).unwrap_or_default())?;
            if self.between {
                self.decoder.reinit()?;
            }
            // A full buffer may leave more behind.
            if input.pos() == chunk.len() && (self.between || length < self.plain.len()) {
                return Ok(());
            }
        }
    }

    pub(crate) fn finish(mut self, out: &mut Vec<u8>) -> Result<Ended, BodyError> {
        let result = if self.between {
            Ok(())
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        };
        self.middle.end(result, "zstd", out)
    }
}
