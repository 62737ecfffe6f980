//! Content codings of request bodies, inflated within bounds.

use std::borrow::Cow;
use std::io::{ErrorKind, Read};

use crate::body::{Completeness, Undecodable};
use crate::inspector::Settings;

/// Bodies up to this size are not measured by ratio: a short one may well be a thousand blanks.
const FREE: usize = 64 << 10;

/// Removes the content coding of a whole body.
///
/// # Errors
/// A coding that is not known, bytes that are not of it, or a body that becomes too large.
pub fn plain<'a>(coding: Option<&str>, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, Undecodable> {
    inflate(coding, bytes, Completeness::Whole, &Settings::default())
}

/// Removes the content coding.
pub(crate) fn inflate<'a>(
    coding: Option<&str>,
    bytes: &'a [u8],
    complete: Completeness,
    settings: &Settings,
) -> Result<Cow<'a, [u8]>, Undecodable> {
    let coding = coding.unwrap_or_default().trim().to_ascii_lowercase();
    let cap = settings
        .inflated
        .min(FREE.max(bytes.len().saturating_mul(settings.ratio)));
    let inflated = match coding.as_str() {
        "" | "identity" => return Ok(Cow::Borrowed(bytes)),
        "gzip" | "x-gzip" => drain(flate2::read::MultiGzDecoder::new(bytes), cap, complete),
        "deflate" => match drain(flate2::read::ZlibDecoder::new(bytes), cap, complete) {
            // Some clients leave the zlib header out.
            Err(Undecodable::Corrupt) => {
                drain(flate2::read::DeflateDecoder::new(bytes), cap, complete)
            }
            other => other,
        },
        "br" => drain(brotli::Decompressor::new(bytes, 4096), cap, complete),
        _ => {
            return Err(Undecodable::UnknownCoding(
                coding.chars().take(40).collect(),
            ));
        }
    };
    inflated.map(Cow::Owned)
}

fn drain(
    mut reader: impl Read,
    cap: usize,
    complete: Completeness,
) -> Result<Vec<u8>, Undecodable> {
    let mut out = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        match reader.read(&mut chunk) {
            Ok(0) => return Ok(out),
            Ok(n) => {
                out.extend_from_slice(chunk.get(..n).unwrap_or_default());
                if out.len() > cap {
                    return Err(Undecodable::TooLarge);
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) if complete == Completeness::Truncated && !out.is_empty() => return Ok(out),
            Err(_) => return Err(Undecodable::Corrupt),
        }
    }
}
