//! Content codings that can be undone and redone.

use std::str::FromStr;

/// A content coding (RFC 9110 section 8.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coding {
    /// None.
    Identity,
    /// `gzip`, also written `x-gzip`.
    Gzip,
    /// `br`.
    Brotli,
    /// `deflate`: zlib (RFC 9110 section 8.4.1.2).
    Deflate,
    /// `zstd` (RFC 9659), with windows of 8 MiB at most.
    Zstd,
}

impl Coding {
    /// Returns the name used in Content-Encoding.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Deflate => "deflate",
            Self::Zstd => "zstd",
        }
    }
}

/// A content coding that cannot be undone here, or several.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "content coding `{0}` cannot be redacted; `identity`, `gzip`, `deflate`, `br` and `zstd` can"
)]
pub struct UnknownCoding(pub String);

impl FromStr for Coding {
    type Err = UnknownCoding;

    fn from_str(text: &str) -> Result<Self, UnknownCoding> {
        match text.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "br" => Ok(Self::Brotli),
            "deflate" => Ok(Self::Deflate),
            "zstd" => Ok(Self::Zstd),
            _ => Err(UnknownCoding(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_read_back_and_layers_of_them_are_refused() {
        for coding in [
            Coding::Identity,
            Coding::Gzip,
            Coding::Brotli,
            Coding::Deflate,
            Coding::Zstd,
        ] {
            assert_eq!(coding.as_str().parse(), Ok(coding));
        }
        assert_eq!("X-GZIP".parse(), Ok(Coding::Gzip));
        for text in ["gzip, br", "compress", "zst"] {
            assert_eq!(text.parse::<Coding>(), Err(UnknownCoding(text.into())));
        }
    }
}
