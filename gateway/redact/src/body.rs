//! A body with its content coding.

use std::io::{self, Write};
use std::sync::Arc;

use brotli::{CompressorWriter, DecompressorWriter};
use flate2::Compression;
use flate2::write::{GzEncoder, MultiGzDecoder, ZlibDecoder, ZlibEncoder};

use crate::coding::Coding;
use crate::kind::Summary;
use crate::level::Level;
use crate::media::{Format, Media};
use crate::people::Person;
use crate::redactor::Redactor;
use crate::rules::Rules;

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
const RATIO_FREE: u64 = 1 << 20;

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
    media: Media,
    bytes_in: u64,
    bytes_out: u64,
    /// What was done and whom it tells of, once the body has ended.
    ended: Option<(Summary, Vec<Person>)>,
}

enum Pipe {
    Identity(Box<Redactor>),
    Gzip(Box<MultiGzDecoder<Middle>>),
    Brotli(Box<DecompressorWriter<Middle>>),
    Deflate(Box<ZlibDecoder<Middle>>),
    Failed,
}

impl std::fmt::Debug for BodyRedactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BodyRedactor")
            .field("media", &self.media)
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
        let redactor = Redactor::with(rules, level, format);
        let media = format.media;
        let pipe = match coding {
            Coding::Identity => Pipe::Identity(Box::new(redactor)),
            Coding::Gzip => Pipe::Gzip(Box::new(MultiGzDecoder::new(Middle::new(
                redactor,
                Encoder::gzip(),
                limits,
            )))),
            Coding::Brotli => {
                let middle = Middle::new(redactor, Encoder::brotli(), limits);
                Pipe::Brotli(Box::new(DecompressorWriter::new(middle, BUFFER)))
            }
            Coding::Deflate => Pipe::Deflate(Box::new(ZlibDecoder::new(Middle::new(
                redactor,
                Encoder::deflate(),
                limits,
            )))),
        };
        Self {
            pipe,
            media,
            bytes_in: 0,
            bytes_out: 0,
            ended: None,
        }
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
            Pipe::Identity(redactor) => {
                redactor.feed(chunk, out);
                charset_of(redactor)
            }
            Pipe::Gzip(decoder) => {
                decoder.get_mut().coded += chunk.len() as u64;
                let result = decoder.write_all(chunk).and_then(|()| decoder.flush());
                decoder.get_mut().deliver(result, "gzip", self.media, out)
            }
            Pipe::Brotli(decoder) => {
                decoder.get_mut().coded += chunk.len() as u64;
                let result = decoder.write_all(chunk);
                decoder.get_mut().deliver(result, "br", self.media, out)
            }
            Pipe::Deflate(decoder) => {
                decoder.get_mut().coded += chunk.len() as u64;
                let result = decoder.write_all(chunk).and_then(|()| decoder.flush());
                decoder
                    .get_mut()
                    .deliver(result, "deflate", self.media, out)
            }
            Pipe::Failed => Err(BodyError::Failed),
        };
        if result.is_err() {
            self.ended = self.so_far();
            self.pipe = Pipe::Failed;
        }
        self.bytes_out += (out.len() - written) as u64;
        result
    }

    /// Ends the body and appends the rest of the output.
    ///
    /// # Errors
    /// The coded body is not complete, or an earlier call failed.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<Summary, BodyError> {
        let written = out.len();
        let (summary, people) = match std::mem::replace(&mut self.pipe, Pipe::Failed) {
            Pipe::Identity(mut redactor) => {
                let summary = redactor.finish(out);
                charset_of(&redactor)?;
                (summary, redactor.people())
            }
            // No body at all is complete in every coding.
            Pipe::Gzip(_) | Pipe::Brotli(_) | Pipe::Deflate(_) if self.bytes_in == 0 => {
                <(Summary, Vec<Person>)>::default()
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
            Pipe::Failed => return Err(BodyError::Failed),
        };
        self.bytes_out += (out.len() - written) as u64;
        let summary = self.sized(summary);
        self.ended = Some((summary, people));
        Ok(summary)
    }

    fn sized(&self, summary: Summary) -> Summary {
        Summary {
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            ..summary
        }
    }

    /// Returns what was done so far, and the people whom the body tells of so far; see [`Redactor::people`]. Nothing is
    /// known of a body that failed.
    #[must_use]
    pub fn so_far(&self) -> Option<(Summary, Vec<Person>)> {
        let redactor = match &self.pipe {
            Pipe::Identity(redactor) => &**redactor,
            Pipe::Gzip(decoder) => &decoder.get_ref().redactor,
            Pipe::Brotli(decoder) => &decoder.get_ref().redactor,
            Pipe::Deflate(decoder) => &decoder.get_ref().redactor,
            Pipe::Failed => return self.ended.clone(),
        };
        Some((self.sized(redactor.summary()), redactor.people()))
    }
}

fn charset_of(redactor: &Redactor) -> Result<(), BodyError> {
    if redactor.is_malformed() {
        Err(BodyError::Charset)
    } else {
        Ok(())
    }
}

/// Working buffer of the brotli coders, in bytes: chosen.
const BUFFER: usize = 16 * 1024;

/// Between decoder and encoder: decoded bytes are written into it.
struct Middle {
    redactor: Redactor,
    encoder: Encoder,
    limits: Limits,
    coded: u64,
    plain: u64,
    passed: Option<u64>,
    scratch: Vec<u8>,
}

impl Middle {
    fn new(redactor: Redactor, encoder: Encoder, limits: Limits) -> Self {
        Self {
            redactor,
            encoder,
            limits,
            coded: 0,
            plain: 0,
            passed: None,
            scratch: Vec::new(),
        }
    }

    fn deliver(
        &mut self,
        result: io::Result<()>,
        coding: &'static str,
        media: Media,
        out: &mut Vec<u8>,
    ) -> Result<(), BodyError> {
        self.judge(result, coding)?;
        charset_of(&self.redactor)?;
        if media.is_live() {
            self.encoder
                .flush()
                .map_err(|source| BodyError::Corrupt { coding, source })?;
        }
        out.append(self.encoder.output());
        Ok(())
    }

    fn end(
        &mut self,
        result: io::Result<()>,
        coding: &'static str,
        out: &mut Vec<u8>,
    ) -> Result<(Summary, Vec<Person>), BodyError> {
        self.judge(result, coding)?;
        self.scratch.clear();
        let summary = self.redactor.finish(&mut self.scratch);
        charset_of(&self.redactor)?;
        self.encoder
            .write_all(&self.scratch)
            .and_then(|()| self.encoder.finish(out))
            .map_err(|source| BodyError::Corrupt { coding, source })?;
        Ok((summary, self.redactor.people()))
    }

    fn judge(&self, result: io::Result<()>, coding: &'static str) -> Result<(), BodyError> {
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
        self.redactor.feed(plain, &mut self.scratch);
        self.encoder.write_all(&self.scratch)?;
        Ok(plain.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Encoder {
    Gzip(Box<GzEncoder<Vec<u8>>>),
    Brotli(Box<CompressorWriter<Vec<u8>>>),
    Deflate(Box<ZlibEncoder<Vec<u8>>>),
    Ended(Vec<u8>),
}

impl Encoder {
    fn gzip() -> Self {
        Self::Gzip(Box::new(GzEncoder::new(Vec::new(), Compression::fast())))
    }

    fn deflate() -> Self {
        Self::Deflate(Box::new(ZlibEncoder::new(Vec::new(), Compression::fast())))
    }

    /// Quality 4 and a window of 1 MiB: chosen for speed on a path, not for an archive.
    fn brotli() -> Self {
        Self::Brotli(Box::new(CompressorWriter::new(Vec::new(), BUFFER, 4, 20)))
    }

    fn output(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Gzip(encoder) => encoder.get_mut(),
            Self::Brotli(encoder) => encoder.get_mut(),
            Self::Deflate(encoder) => encoder.get_mut(),
            Self::Ended(rest) => rest,
        }
    }

    fn write_all(&mut self, plain: &[u8]) -> io::Result<()> {
        match self {
            Self::Gzip(encoder) => encoder.write_all(plain),
            Self::Brotli(encoder) => encoder.write_all(plain),
            Self::Deflate(encoder) => encoder.write_all(plain),
            Self::Ended(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Gzip(encoder) => encoder.flush(),
            Self::Brotli(encoder) => encoder.flush(),
            Self::Deflate(encoder) => encoder.flush(),
            Self::Ended(_) => Ok(()),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        let mut rest = match std::mem::replace(self, Self::Ended(Vec::new())) {
            Self::Gzip(encoder) => encoder.finish()?,
            Self::Brotli(encoder) => encoder.into_inner(),
            Self::Deflate(encoder) => encoder.finish()?,
            Self::Ended(rest) => rest,
        };
        out.append(&mut rest);
        Ok(())
    }
}
