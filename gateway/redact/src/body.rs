//! A body with its content coding.

use std::io::{self, Write};
use std::sync::Arc;

use brotli::DecompressorWriter;
use flate2::write::{MultiGzDecoder, ZlibDecoder};

use crate::coding::Coding;
use crate::content::Content;
use crate::encode::{BUFFER, Encoder};
use crate::engine::{Engine, Setting};
use crate::kind::Summary;
use crate::level::Level;
use crate::marking::Marking;
use crate::media::{Format, Media};
use crate::middle::{Ended, Middle, Zstd};
use crate::part::{PartError, Unread, Unreadable};
use crate::people::Person;
use crate::rules::Rules;
use crate::watermark::{Marked, Marker, Unmarkable, Watermark};

/// What a coded body may grow to when its coding is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Plain bytes for each coded byte, counted beyond the first mebibyte. Defaults to 200; deflate cannot exceed 1032.
    pub max_inflated_ratio: u64,
    /// Plain bytes in all. Defaults to 4 GiB.
    pub max_inflated_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_inflated_ratio: 200,
            max_inflated_bytes: 4 << 30,
        }
    }
}

/// Inflated bytes below which the ratio does not count: short repetitive documents compress very well.
pub(crate) const RATIO_FREE: u64 = 1 << 20;

/// Why a coded body cannot be redacted.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The bytes are not what the coding says.
    #[error("the body is not valid `{coding}`")]
    Corrupt {
        /// The coding by its name.
        coding: &'static str,
        /// What the decoder says.
        #[source]
        source: io::Error,
    },
    /// The body ends before its coding does.
    #[error("the `{coding}` body ends too early")]
    Truncated {
        /// The coding by its name.
        coding: &'static str,
    },
    /// Undoing the coding gives more than the limits allow.
    #[error("the body inflates beyond its limit of {limit} bytes")]
    TooLarge {
        /// The limit that was reached, in bytes.
        limit: u64,
    },
    /// A part of the body cannot be read, or is not what the body says of it.
    #[error(transparent)]
    Part(#[from] PartError),
    /// The bytes are not of the charset that the Content-Type names.
    #[error("the body is not in the charset that its type names")]
    Charset,
    /// An earlier call failed; nothing after it can be trusted.
    #[error("the body failed before")]
    Failed,
}

/// Redacts one body in its content coding: undoes it, redacts, does it again.
pub struct BodyRedactor {
    pipe: Pipe,
    live: bool,
    bytes_in: u64,
    bytes_out: u64,
    /// What was done and whom it tells of, once the body has ended.
    ended: Option<(Summary, Vec<Person>)>,
    /// What was not read of a body that has ended.
    unread: Unread,
    /// What was marked of it.
    marked: Option<Marked>,
}

enum Pipe {
    Identity(Box<Marking>),
    Gzip(Box<MultiGzDecoder<Middle>>),
    Brotli(Box<DecompressorWriter<Middle>>),
    Deflate(Box<ZlibDecoder<Middle>>),
    Zstd(Box<Zstd>),
    Failed,
}

impl std::fmt::Debug for BodyRedactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BodyRedactor")
            .field("live", &self.live)
            .field("bytes_in", &self.bytes_in)
            .finish_non_exhaustive()
    }
}

impl BodyRedactor {
    /// Starts a body in UTF-8 under the shipped rules. The limits concern codings only.
    #[must_use]
    pub fn new(level: Level, media: Media, coding: Coding, limits: Limits) -> Self {
        Self::with(Rules::shipped(), level, media.into(), coding, limits)
    }

    /// Starts a body under an operator's rules.
    #[must_use]
    pub fn with(
        rules: Arc<Rules>,
        level: Level,
        format: Format,
        coding: Coding,
        limits: Limits,
    ) -> Self {
        let content = Content::Text(format);
        Self::of(rules, level, content, coding, limits, Unreadable::Refuse)
    }

    /// Starts a body of any content under an operator's rules; `unreadable` says what becomes of parts that are not text.
    #[must_use]
    pub fn of(
        rules: Arc<Rules>,
        level: Level,
        content: Content,
        coding: Coding,
        limits: Limits,
        unreadable: Unreadable,
    ) -> Self {
        let setting = Setting {
            rules,
            level,
            limits,
            unreadable,
            depth: 0,
        };
        let live = content.is_live();
        // Parts are only refused for their depth, and this is the first.
        let pipe = Engine::new(&setting, content).map_or(Pipe::Failed, |engine| {
            Self::pipe(Marking::new(Some(engine), None), coding, limits)
        });
        Self::start(pipe, live)
    }

    /// Starts an export that is redacted as [`Self::of`] does where a setting is given, and marked for its recipient.
    ///
    /// # Errors
    /// No mark can stand in such a body.
    pub fn marked(
        redaction: Option<(Arc<Rules>, Level, Unreadable)>,
        mark: Watermark,
        content: Content,
        coding: Coding,
        limits: Limits,
    ) -> Result<Self, Unmarkable> {
        let marker = Marker::new(mark, &content, limits)?;
        let live = content.is_live();
        let engine = redaction.map(|(rules, level, unreadable)| {
            let setting = Setting {
                rules,
                level,
                limits,
                unreadable,
                depth: 0,
            };
            Engine::new(&setting, content)
        });
        let pipe = engine.transpose().map_or(Pipe::Failed, |engine| {
            Self::pipe(Marking::new(engine, Some(marker)), coding, limits)
        });
        Ok(Self::start(pipe, live))
    }

    fn start(pipe: Pipe, live: bool) -> Self {
        Self {
            pipe,
            live,
            bytes_in: 0,
            bytes_out: 0,
            ended: None,
            unread: Unread::default(),
            marked: None,
        }
    }

    fn pipe(engine: Marking, coding: Coding, limits: Limits) -> Pipe {
        match coding {
            Coding::Identity => Pipe::Identity(Box::new(engine)),
            Coding::Gzip => Pipe::Gzip(Box::new(MultiGzDecoder::new(Middle::new(
                engine,
                Encoder::gzip(),
                limits,
            )))),
            Coding::Brotli => {
                let middle = Middle::new(engine, Encoder::brotli(), limits);
                Pipe::Brotli(Box::new(DecompressorWriter::new(middle, BUFFER)))
            }
            Coding::Deflate => Pipe::Deflate(Box::new(ZlibDecoder::new(Middle::new(
                engine,
                Encoder::deflate(),
                limits,
            )))),
            Coding::Zstd => match Zstd::new(engine, limits) {
                Ok(zstd) => Pipe::Zstd(Box::new(zstd)),
                // No memory for its tables.
                Err(_) => Pipe::Failed,
            },
        }
    }

    /// Tells whether a reader waits for each line of it, so that what is held should be let go when it pauses.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Returns which parts were passed or emptied unread; all of them once the body has ended.
    #[must_use]
    pub fn unread(&self) -> &Unread {
        self.marking().map_or(&self.unread, Marking::unread)
    }

    /// Returns what was marked so far; `None` where the body is not to be.
    #[must_use]
    pub fn marks(&self) -> Option<Marked> {
        self.marking().map_or(self.marked, Marking::marked)
    }

    fn marking(&self) -> Option<&Marking> {
        Some(match &self.pipe {
            Pipe::Identity(engine) => engine,
            Pipe::Gzip(decoder) => &decoder.get_ref().engine,
            Pipe::Brotli(decoder) => &decoder.get_ref().engine,
            Pipe::Deflate(decoder) => &decoder.get_ref().engine,
            Pipe::Zstd(zstd) => &zstd.middle.engine,
            Pipe::Failed => return None,
        })
    }

    /// Takes the next coded bytes and appends coded output. Of live media, what is decided can be decoded at once;
    /// of others the encoder may keep it.
    ///
    /// # Errors
    /// The bytes are not what the coding says, or they inflate beyond the limits. Nothing may be fed afterwards.
    pub fn feed(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), BodyError> {
        let written = out.len();
        self.bytes_in += chunk.len() as u64;
        let result = match &mut self.pipe {
            Pipe::Identity(engine) => engine.feed(chunk, out),
            Pipe::Gzip(decoder) => {
                decoder.get_mut().coded += chunk.len() as u64;
                let result = decoder.write_all(chunk).and_then(|()| decoder.flush());
                decoder.get_mut().deliver(result, "gzip", self.live, out)
            }
            Pipe::Brotli(decoder) => {
                decoder.get_mut().coded += chunk.len() as u64;
                let result = decoder.write_all(chunk);
                decoder.get_mut().deliver(result, "br", self.live, out)
            }
            Pipe::Deflate(decoder) => {
                decoder.get_mut().coded += chunk.len() as u64;
                let result = decoder.write_all(chunk).and_then(|()| decoder.flush());
                decoder.get_mut().deliver(result, "deflate", self.live, out)
            }
            Pipe::Zstd(zstd) => zstd.feed(chunk, self.live, out),
            Pipe::Failed => Err(BodyError::Failed),
        };
        if result.is_err() {
            self.ended = self.so_far();
            self.pipe = Pipe::Failed;
        }
        self.bytes_out += (out.len() - written) as u64;
        result
    }

    /// Lets go what is held of texts that server-sent events tell piece by piece; for a stream that has paused.
    ///
    /// # Errors
    /// An earlier call failed, or the coding cannot be written.
    pub fn release(&mut self, out: &mut Vec<u8>) -> Result<(), BodyError> {
        let written = out.len();
        let released = match &mut self.pipe {
            Pipe::Identity(engine) => {
                engine.release(out);
                Ok(())
            }
            Pipe::Gzip(decoder) => decoder.get_mut().release("gzip", out),
            Pipe::Brotli(decoder) => decoder.get_mut().release("br", out),
            Pipe::Deflate(decoder) => decoder.get_mut().release("deflate", out),
            Pipe::Zstd(zstd) => zstd.middle.release("zstd", out),
            Pipe::Failed => Err(BodyError::Failed),
        };
        self.bytes_out += (out.len() - written) as u64;
        released
    }

    /// Ends the body and appends the rest of the output.
    ///
    /// # Errors
    /// The coded body is not complete, or an earlier call failed.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<Summary, BodyError> {
        let written = out.len();
        self.unread = self.unread().clone();
        let ended = match std::mem::replace(&mut self.pipe, Pipe::Failed) {
            Pipe::Identity(mut engine) => {
                let summary = engine.finish(out)?;
                Ended::of(summary, &engine)
            }
            // No body at all is complete in every coding.
            Pipe::Gzip(_) | Pipe::Brotli(_) | Pipe::Deflate(_) | Pipe::Zstd(_)
                if self.bytes_in == 0 =>
            {
                Ended::default()
            }
            Pipe::Gzip(mut decoder) => {
                let result = decoder.try_finish();
                decoder.get_mut().end(result, "gzip", out)?
            }
            Pipe::Brotli(mut decoder) => {
                let result = decoder.close();
                decoder.get_mut().end(result, "br", out)?
            }
            Pipe::Deflate(mut decoder) => {
                let result = decoder.try_finish();
                decoder.get_mut().end(result, "deflate", out)?
            }
            Pipe::Zstd(zstd) => zstd.finish(out)?,
            Pipe::Failed => return Err(BodyError::Failed),
        };
        self.bytes_out += (out.len() - written) as u64;
        let summary = self.sized(ended.summary);
        self.ended = Some((summary, ended.people));
        (self.unread, self.marked) = (ended.unread, ended.marked);
        Ok(summary)
    }

    fn sized(&self, summary: Summary) -> Summary {
        Summary {
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            ..summary
        }
    }

    /// Returns what was done so far, and the people whom the body tells of so far; see [`crate::Redactor::people`]. Nothing is
    /// known of a body that failed.
    #[must_use]
    pub fn so_far(&self) -> Option<(Summary, Vec<Person>)> {
        let Some(engine) = self.marking() else {
            return self.ended.clone();
        };
        Some((self.sized(engine.summary()), engine.people()))
    }
}
