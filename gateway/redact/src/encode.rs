//! The content coding that is done again behind the pass.

use std::io::{self, Write as _};

use brotli::CompressorWriter;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

/// Working buffer of the brotli coders, in bytes: chosen.
pub(crate) const BUFFER: usize = 16 * 1024;

/// A coding that output is written through.
pub(crate) enum Encoder {
    Gzip(Box<GzEncoder<Vec<u8>>>),
    Brotli(Box<CompressorWriter<Vec<u8>>>),
    Deflate(Box<ZlibEncoder<Vec<u8>>>),
    Zstd(Box<zstd::stream::write::Encoder<'static, Vec<u8>>>),
    Ended(Vec<u8>),
}

impl Encoder {
    pub(crate) fn gzip() -> Self {
        Self::Gzip(Box::new(GzEncoder::new(Vec::new(), Compression::fast())))
    }

    pub(crate) fn deflate() -> Self {
        Self::Deflate(Box::new(ZlibEncoder::new(Vec::new(), Compression::fast())))
    }

    /// Quality 4 and a window of 1 MiB: chosen for speed on a path, not for an archive.
    pub(crate) fn brotli() -> Self {
        Self::Brotli(Box::new(CompressorWriter::new(Vec::new(), BUFFER, 4, 20)))
    }

    /// Level 1 and a window of 1 MiB, for the same reason.
    pub(crate) fn zstd() -> io::Result<Self> {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1)?;
        encoder.window_log(20)?;
        Ok(Self::Zstd(Box::new(encoder)))
    }

    pub(crate) fn output(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Gzip(encoder) => encoder.get_mut(),
            Self::Brotli(encoder) => encoder.get_mut(),
            Self::Deflate(encoder) => encoder.get_mut(),
            Self::Zstd(encoder) => encoder.get_mut(),
            Self::Ended(rest) => rest,
        }
    }

    pub(crate) fn write_all(&mut self, plain: &[u8]) -> io::Result<()> {
        match self {
            Self::Gzip(encoder) => encoder.write_all(plain),
            Self::Brotli(encoder) => encoder.write_all(plain),
            Self::Deflate(encoder) => encoder.write_all(plain),
            Self::Zstd(encoder) => encoder.write_all(plain),
            Self::Ended(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Gzip(encoder) => encoder.flush(),
            Self::Brotli(encoder) => encoder.flush(),
            Self::Deflate(encoder) => encoder.flush(),
            Self::Zstd(encoder) => encoder.flush(),
            Self::Ended(_) => Ok(()),
        }
    }

    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        let mut rest = match std::mem::replace(self, Self::Ended(Vec::new())) {
            Self::Gzip(encoder) => encoder.finish()?,
            Self::Brotli(encoder) => encoder.into_inner(),
            Self::Deflate(encoder) => encoder.finish()?,
            Self::Zstd(encoder) => encoder.finish()?,
            Self::Ended(rest) => rest,
        };
        out.append(&mut rest);
        Ok(())
    }
}
