//! Keys and tokens that can be told by how they begin.

use std::sync::LazyLock;

use crate::cluster::CHARS_MAX;

/// How a secret that is longer than what is looked at goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Letters, digits, `_`, `-` and `.`.
    Token,
    /// The lines of a key in PEM, up to the end of its last.
    Pem {
        /// Dashes in a row, up to here.
        dashes: u8,
        /// Within the line that ends it.
        closing: bool,
    },
    /// A JSON string that is too long to be held.
    Text {
        /// Behind a backslash.
        escaped: bool,
    },
}

/// How far a secret goes in some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// It ends after so many bytes.
    Ends(usize),
    /// All of them belong to it.
    All,
    /// So many belong to it; of the rest it is not known yet.
    Open(usize),
}

impl Rest {
    /// Returns how far the secret goes in the next bytes.
    pub(crate) fn reach(&mut self, bytes: &[u8], last: bool) -> Reach {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            let ends = match self {
                Self::Token => !is_token(byte),
                Self::Pem { dashes, closing } => {
                    if byte == b'-' {
                        *dashes = dashes.saturating_add(1);
                        if *dashes == 5 && *closing {
                            return Reach::Ends(at + 1);
                        }
                        *closing |= *dashes == 5;
                        false
                    } else if byte == b'\\' {
                        *dashes = 0;
                        let rest = bytes.get(at..).unwrap_or_default();
                        let run = rest.iter().take(SLASHES_MAX + 1);
                        let slashes = run.take_while(|&&byte| byte == b'\\').count();
                        match rest.get(slashes) {
                            // An escaped quote ends the string that the key stands in.
                            _ if slashes > SLASHES_MAX => return Reach::Ends(at),
                            Some(b'n' | b'r' | b'/') => {
                                at += slashes;
                                false
                            }
                            None if !last => return Reach::Open(at),
                            _ => return Reach::Ends(at),
                        }
                    } else {
                        *dashes = 0;
                        !is_pem(byte)
                    }
                }
                Self::Text { escaped } => {
                    let ends = byte == b'"' && !*escaped;
                    *escaped = byte == b'\\' && !*escaped;
                    ends
                }
            };
            if ends {
                return Reach::Ends(at);
            }
            at += 1;
        }
        Reach::All
    }
}

/// Backslashes in a row before the letter of a line end: strings in strings in strings.
const SLASHES_MAX: usize = 15;

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Base64, its headers, and line ends.
fn is_pem(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'+' | b'/' | b'=' | b'\r' | b'\n' | b' ' | b':' | b','
        )
}

struct Prefix {
    text: &'static [u8],
    least: usize,
}

static PREFIXES: LazyLock<Vec<Prefix>> = LazyLock::new(|| {
    include_str!("../data/secrets.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let (text, least) = line.split_once(' ')?;
            Some(Prefix {
                text: text.as_bytes(),
                least: least.parse().ok()?,
            })
        })
        .collect()
});

/// Second bytes of the prefixes by their first, the lower six bits of each as the place of a bit.
static SECONDS: LazyLock<[u64; 128]> = LazyLock::new(|| {
    let mut seconds = [0; 128];
    for prefix in PREFIXES.iter() {
        if let [first, second, ..] = prefix.text
            && let Some(bits) = seconds.get_mut(usize::from(*first))
        {
            *bits |= 1 << (second & 63);
        }
    }
    // `ey`, of a token in JSON.
    if let Some(bits) = seconds.get_mut(usize::from(b'e')) {
        *bits |= 1 << (b'y' & 63);
    }
    seconds
});

/// Tells whether a secret could begin at a place; wrong at most in saying yes.
#[inline]
pub(crate) fn may_begin(text: &[u8], at: usize) -> bool {
    let [first, second] = match text.get(at..) {
        Some([first, second, ..]) => [*first, *second],
        _ => return false,
    };
    SECONDS
        .get(usize::from(first))
        .is_some_and(|bits| bits >> (second & 63) & 1 == 1)
}

/// Where the secret ends that begins at `at`, a place where a word begins; `text.len()` where it may go on.
pub(crate) fn token(text: &[u8], at: usize) -> Option<usize> {
    if !may_begin(text, at) {
        return None;
    }
    let rest = text.get(at..)?;
    let first = rest.first()?;
    let length = rest.iter().take_while(|&&byte| is_token(byte)).count();
    let rest = rest.get(..length)?;
    let found = if *first == b'e' {
        is_jwt(rest)
    } else {
        let second = rest.get(1);
        PREFIXES.iter().any(|prefix| {
            // A word of which the second letter differs is told by that, without a call.
            prefix.text.get(1) == second
                && rest.strip_prefix(prefix.text).is_some_and(|after| {
                    after.len() >= prefix.least
                        && after
                            .iter()
                            .take(prefix.least)
                            .filter(|b| b.is_ascii_alphanumeric())
                            .count()
                            >= prefix.least * 3 / 4
                })
        })
    };
    // A point or a dash at the end belongs to the sentence.
    let tail = rest
        .iter()
        .rev()
        .take_while(|byte| !byte.is_ascii_alphanumeric())
        .count();
    found.then_some(if text.len() >= CHARS_MAX && at + length == text.len() {
        text.len()
    } else {
        at + length - tail
    })
}

/// Bytes of a token's header that are looked at.
const HEADER_MAX: usize = 280;

/// `eyJ`, the start of a JSON object in base64, twice with a point between.
fn is_jwt(text: &[u8]) -> bool {
    let head = text.get(..HEADER_MAX.min(text.len())).unwrap_or_default();
    head.starts_with(b"eyJ")
        && memchr::memchr(b'.', head)
            .is_some_and(|dot| dot >= 12 && text.get(dot + 1..dot + 4) == Some(b"eyJ"))
}

/// The longest first line of a key.
pub(crate) const BEGIN_MAX: usize = 64;

/// Length of the first line of a private key in PEM that text begins with; `None` in the second place while it is not
/// known whether it is one.
pub(crate) fn pem_begin(text: &[u8]) -> Result<usize, bool> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    let known = text.len().min(BEGIN.len());
    if text.get(..known) != BEGIN.get(..known) {
        return Err(false);
    }
    let line = text.get(..text.len().min(BEGIN_MAX)).unwrap_or_default();
    let rest = line.get(BEGIN.len()..).unwrap_or_default();
    let name = rest
        .iter()
        .take_while(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || **byte == b' ')
        .count();
    let end = rest.get(name..).unwrap_or_default();
    let undecided = text.len() < BEGIN_MAX;
    if end.len() < 5 {
        return Err(undecided && end.iter().all(|&byte| byte == b'-'));
    }
    let private = rest
        .get(..name)
        .is_some_and(|name| memchr::memmem::find(name, b"PRIVATE KEY").is_some());
    if end.starts_with(b"-----") && private {
        Ok(BEGIN.len() + name + 5)
    } else {
        Err(false)
    }
}

/// Tells whether what stands before the `@` of a connection string is its password: `scheme://user:`.
pub(crate) fn is_connection(before: &[u8]) -> bool {
    let Some(before) = before.strip_suffix(b":") else {
        return false;
    };
    let user = before
        .iter()
        .rev()
        .take_while(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'%' | b'*')
        })
        .count();
    let scheme = before.get(..before.len() - user).unwrap_or_default();
    scheme
        .strip_suffix(b"://")
        .or_else(|| scheme.strip_suffix(br":\/\/"))
        .is_some_and(|name| name.last().is_some_and(u8::is_ascii_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_told_by_how_they_begin() {
        for (text, expected) in [
            ("AKIAIOSFODNN7EXAMPLE", true),
            ("AKIAIOSFODNN7", false),
            ("ghp_aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789", true),
            ("LTAI5tFabcdefGHIJKLmnop", true),
            ("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", true),
            ("eyJhbGciOiJFUzI1NiJ9.abc", false),
            ("sk-12", false),
            ("superlongordinaryword", false),
            ("sk-this-is-a-css-class", false),
        ] {
            assert_eq!(token(text.as_bytes(), 0).is_some(), expected, "{text}");
        }
        assert_eq!(token(b"AKIAIOSFODNN7EXAMPLE. next", 0), Some(20));
    }

    #[test]
    fn a_private_key_is_told_from_a_certificate() {
        assert_eq!(pem_begin(b"-----BEGIN PRIVATE KEY-----\nMII"), Ok(27));
        assert_eq!(pem_begin(b"-----BEGIN RSA PRIVATE KEY-----"), Ok(31));
        assert_eq!(pem_begin(b"-----BEGIN CERTIFICATE-----\nMII"), Err(false));
        assert_eq!(pem_begin(b"------------"), Err(false));
        for cut in 0..27 {
            assert_eq!(
                pem_begin(&b"-----BEGIN PRIVATE KEY-----"[..cut]),
                Err(true),
                "{cut}"
            );
        }
    }

    #[test]
    fn the_end_of_a_key_is_found_in_any_pieces() {
        let text = b"\nMIIEvQ+/=\n-----END PRIVATE KEY-----\nafter";
        for cut in 0..text.len() {
            let mut rest = Rest::Pem {
                dashes: 0,
                closing: false,
            };
            let length = match rest.reach(&text[..cut], false) {
                Reach::Ends(length) => length,
                Reach::All => match rest.reach(&text[cut..], true) {
                    Reach::Ends(length) => cut + length,
                    open @ (Reach::All | Reach::Open(_)) => panic!("{open:?}"),
                },
                open @ Reach::Open(_) => panic!("{open:?}"),
            };
            assert_eq!(&text[length..], b"\nafter", "{cut}");
        }
    }

    #[test]
    fn a_password_stands_behind_scheme_and_user() {
        assert!(is_connection(b"x postgres://admin:") && is_connection(b"redis://:"));
        assert!(!is_connection(b"mail to:") && !is_connection(b"12:"));
    }
}
