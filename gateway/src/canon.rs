//! One canonical form of host and path: what is decided on is what is forwarded.

use std::borrow::Cow;
use std::fmt::Write as _;

use thiserror::Error;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Why a path has no canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PathFault {
    /// It does not begin with `/`.
    #[error("the path does not begin with `/`")]
    NotAbsolute,
    /// A `%` without two hex digits.
    #[error("`%` is not followed by two hex digits")]
    BadEscape,
    /// What the escapes stand for is not UTF-8.
    #[error("the decoded path is not UTF-8")]
    NotUtf8,
    /// NUL, CR, LF or another control character.
    #[error("the path holds a control character")]
    Control,
    /// An encoded slash, a backslash in any form.
    #[error("the path holds an encoded slash or a backslash")]
    HiddenSeparator,
    /// It decodes a second time to something else.
    #[error("the path is encoded more than once")]
    DoubleEncoding,
    /// `..` climbs above the root.
    #[error("the path climbs above the root")]
    AboveRoot,
}

/// The canonical path, decoded: what policy sees.
///
/// Percent-decoded exactly once, in NFC, without dot segments, empty segments and `;parameters`.
///
/// # Errors
/// Where two readers could understand the path differently.
pub fn path(raw: &[u8]) -> Result<Cow<'_, str>, PathFault> {
    if raw.first() != Some(&b'/') {
        return Err(PathFault::NotAbsolute);
    }
    if is_plain(raw) {
        return std::str::from_utf8(raw)
            .map(Cow::Borrowed)
            .map_err(|_| PathFault::NotUtf8);
    }
    let decoded = decode(raw)?;
    let text = std::str::from_utf8(&decoded).map_err(|_| PathFault::NotUtf8)?;
    if text.chars().any(char::is_control) {
        return Err(PathFault::Control);
    }
    let text: Cow<'_, str> = match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => Cow::Borrowed(text),
        IsNormalized::No | IsNormalized::Maybe => Cow::Owned(text.nfc().collect()),
    };
    resolve_dots(&text).map(Cow::Owned)
}

/// The first byte of a request target that no URI has (RFC 3986 section 2), if there is one.
///
/// What browsers send as it is passes all the same: brackets and bars anywhere, braces, carets and backquotes in queries
/// (WHATWG URL, the path and query percent-encode sets). A backslash in the path is left to [`path`], which has a reason
/// of its own for it.
pub fn not_of_a_uri(target: &[u8]) -> Option<u8> {
    let mut in_query = false;
    target.iter().copied().find(|&byte| {
        in_query |= byte == b'?';
        !(byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'-' | b'.'
                    | b'_'
                    | b'~'
                    | b'%'
                    | b':'
                    | b'/'
                    | b'?'
                    | b'['
                    | b']'
                    | b'@'
                    | b'!'
                    | b'$'
                    | b'&'
                    | b'\''
                    | b'('
                    | b')'
                    | b'*'
                    | b'+'
                    | b','
                    | b';'
                    | b'='
                    | b'|'
            )
            || (in_query && matches!(byte, b'{' | b'}' | b'^' | b'`'))
            || (byte == b'\\' && !in_query))
    })
}

/// Whether a byte is written in a canonical path as it is; read and written by one table, so that both agree.
fn stands_for_itself(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'_'
                | b'~'
                | b'/'
                | b'.'
                | b'@'
                | b':'
                | b','
                | b'+'
                | b'='
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
        )
}

/// Whether every byte stands for itself and no segment needs work.
fn is_plain(raw: &[u8]) -> bool {
    let mut previous = 0u8;
    for &byte in raw {
        let plain = stands_for_itself(byte);
        if !plain || (previous == b'/' && matches!(byte, b'/' | b'.')) {
            return false;
        }
        previous = byte;
    }
    true
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|d| u8::try_from(d).ok())
}

/// Decodes once, without the parameters of each segment.
fn decode(raw: &[u8]) -> Result<Vec<u8>, PathFault> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw.iter().copied();
    let mut in_parameters = false;
    while let Some(byte) = rest.next() {
        let literal = match byte {
            b'%' => {
                let high = rest.next().and_then(hex).ok_or(PathFault::BadEscape)?;
                let low = rest.next().and_then(hex).ok_or(PathFault::BadEscape)?;
                let decoded = (high << 4) | low;
                if matches!(decoded, b'/' | b'\\') {
                    return Err(PathFault::HiddenSeparator);
                }
                if decoded == b'%' {
                    let mut ahead = rest.clone();
                    if ahead.next().and_then(hex).is_some() && ahead.next().and_then(hex).is_some()
                    {
                        return Err(PathFault::DoubleEncoding);
                    }
                }
                decoded
            }
            b'\\' => return Err(PathFault::HiddenSeparator),
            b'/' => {
                in_parameters = false;
                b'/'
            }
            b';' => {
                in_parameters = true;
                continue;
            }
            other => other,
        };
        if !in_parameters {
            out.push(literal);
        }
    }
    // A double encoding can also be put together from an encoded `%` and encoded digits.
    if out
        .windows(3)
        .any(|w| matches!(w, [b'%', a, b] if hex(*a).is_some() && hex(*b).is_some()))
    {
        return Err(PathFault::DoubleEncoding);
    }
    Ok(out)
}

fn resolve_dots(text: &str) -> Result<String, PathFault> {
    let mut kept: Vec<&str> = Vec::new();
    let mut open = false;
    for segment in text.split('/').skip(1) {
        open = matches!(segment, "" | "." | "..");
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop().ok_or(PathFault::AboveRoot)?;
            }
            other => kept.push(other),
        }
    }
    let mut out = String::with_capacity(text.len());
    for segment in &kept {
        out.push('/');
        out.push_str(segment);
    }
    if open || kept.is_empty() {
        out.push('/');
    }
    Ok(out)
}

/// The canonical path as it goes to the upstream: everything but plain characters escaped.
pub fn encode(canonical: &str) -> Cow<'_, str> {
    if canonical.bytes().all(stands_for_itself) {
        return Cow::Borrowed(canonical);
    }
    let mut out = String::with_capacity(canonical.len() * 2);
    for byte in canonical.bytes() {
        if stands_for_itself(byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _written = write!(out, "%{byte:02X}");
        }
    }
    Cow::Owned(out)
}

/// The canonical host of an authority: lower case, without port and final dot.
///
/// None where it does not match the grammar (RFC 3986 section 3.2.2, names in LDH form).
pub fn host(authority: &str) -> Option<Cow<'_, str>> {
    let name = if authority.starts_with('[') {
        let end = authority.find(']')?;
        let (name, rest) = authority.split_at_checked(end + 1)?;
        let inner = name.get(1..end)?;
        inner.parse::<std::net::Ipv6Addr>().ok()?;
        port_is_valid(rest)?;
        name
    } else {
        let (name, rest) = match authority.find(':') {
            Some(colon) => authority.split_at_checked(colon)?,
            None => (authority, ""),
        };
        port_is_valid(rest)?;
        let name = name.strip_suffix('.').unwrap_or(name);
        let valid = !name.is_empty()
            && name.len() <= 253
            && name.split('.').all(|label| {
                !label.is_empty()
                    && label.len() <= 63
                    && label
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            });
        if !valid {
            return None;
        }
        name
    };
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        Some(Cow::Owned(name.to_ascii_lowercase()))
    } else {
        Some(Cow::Borrowed(name))
    }
}

/// A port part: nothing, or a colon and a number below 65,536.
fn port_is_valid(rest: &str) -> Option<()> {
    if rest.is_empty() {
        return Some(());
    }
    let digits = rest.strip_prefix(':')?;
    let valid = digits.bytes().all(|b| b.is_ascii_digit()) && digits.parse::<u16>().is_ok();
    valid.then_some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ok(raw: &str) -> String {
        path(raw.as_bytes()).unwrap().into_owned()
    }

    #[test]
    fn equal_paths_have_one_form() {
        for (raw, canonical) in [
            ("/", "/"),
            ("/a", "/a"),
            ("/a/", "/a/"),
            ("/a//b", "/a/b"),
            ("/a/./b", "/a/b"),
            ("/a/../b", "/b"),
            ("/a/..", "/"),
            ("/a/.", "/a/"),
            ("/a/%2e%2e/b", "/b"),
            ("/%61", "/a"),
            ("/a;v=1/b;w", "/a/b"),
            ("/.well-known/x", "/.well-known/x"),
            ("/%E5%8A%9E%E4%BA%8B/x", "/办事/x"),
            ("/e%CC%81", "/é"),
            ("/100%25", "/100%"),
            ("//", "/"),
        ] {
            assert_eq!(ok(raw), canonical, "{raw}");
        }
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        for (raw, fault) in [
            ("a", PathFault::NotAbsolute),
            ("", PathFault::NotAbsolute),
            ("/%", PathFault::BadEscape),
            ("/%4", PathFault::BadEscape),
            ("/%zz", PathFault::BadEscape),
            ("/%c0%ae", PathFault::NotUtf8),
            ("/%ff", PathFault::NotUtf8),
            ("/%00", PathFault::Control),
            ("/a%0ab", PathFault::Control),
            ("/a%2fb", PathFault::HiddenSeparator),
            ("/a%5Cb", PathFault::HiddenSeparator),
            ("/a\\b", PathFault::HiddenSeparator),
            ("/%252e", PathFault::DoubleEncoding),
            ("/%25%32e", PathFault::DoubleEncoding),
            ("/..", PathFault::AboveRoot),
            ("/a/../../etc/passwd", PathFault::AboveRoot),
            ("/%2e%2e/x", PathFault::AboveRoot),
        ] {
            assert_eq!(path(raw.as_bytes()), Err(fault), "{raw}");
        }
    }

    #[test]
    fn only_characters_of_a_uri_stand_in_a_target() {
        for good in [
            "/",
            "/a-b._~c/%E4%BD%A0;v=1",
            "/a?x=[1]&y=it's(1)*2,3;4:5@6/7?8!$+",
            "/a\\b",
            "/a|b?q={1}|^`",
        ] {
            assert_eq!(not_of_a_uri(good.as_bytes()), None, "{good}");
        }
        for (bad, byte) in [
            ("/a b", b' '),
            ("/a\"", b'"'),
            ("/<", b'<'),
            ("/?a=>", b'>'),
            ("/`", b'`'),
            ("/{1}?q", b'{'),
            ("/}", b'}'),
            ("/^", b'^'),
            ("/?a=\\", b'\\'),
            ("/a#b", b'#'),
            ("/\x7f", 0x7f),
            ("/\t", b'\t'),
            ("/é", 0xc3),
        ] {
            assert_eq!(not_of_a_uri(bad.as_bytes()), Some(byte), "{bad}");
        }
    }

    #[test]
    fn hosts_are_lower_case_without_port_and_dot() {
        assert_eq!(host("A.Example:8443").as_deref(), Some("a.example"));
        assert_eq!(host("a.example.").as_deref(), Some("a.example"));
        assert_eq!(host("[::1]:80").as_deref(), Some("[::1]"));
        for bad in [
            "", "a b", "a,b", "a:b", "a:99999", "a..b", "user@a", "[::1", "[zz]", "a/b", "-:", "é",
        ] {
            assert_eq!(host(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn the_canonical_form_is_its_own_canonical_form(raw in "/[a-z%./;2eE5cf0\\\\中é]{0,24}") {
            if let Ok(once) = path(raw.as_bytes()) {
                let sent = encode(&once);
                let again = path(sent.as_bytes());
                prop_assert_eq!(again.as_deref(), Ok(&*once), "sent {}", sent);
            }
        }

        #[test]
        fn no_bytes_panic(raw in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _any = path(&raw);
            let _any = host(&String::from_utf8_lossy(&raw));
        }
    }
}
