//! URLs of the server itself in the value of a parameter.

use super::Match;
use crate::rules;
use crate::text::{at, find, rest, skip, span};

/// Searches a lower-case value that holds a URL.
pub(super) fn detect(value: &[u8], found: &mut impl FnMut(Match)) {
    let Some(scheme_end) = find(value, 0, b"://") else {
        return;
    };
    // A URL inside prose is a link; as the whole value it is where the server is sent.
    if scheme_end > 12 {
        return;
    }
    let host_at = scheme_end + 3;
    let end = skip(value, host_at, |b| !matches!(b, b'/' | b'?' | b'#' | b'\\'));
    let authority = span(value, host_at, end);
    let host = authority
        .iter()
        .rposition(|&b| b == b'@')
        .map_or(authority, |user| rest(authority, user + 1));
    let local = host.starts_with(b"localhost")
        || host.starts_with(b"127.")
        || host.starts_with(b"0.0.0.0")
        || host.starts_with(b"[::")
        || host == b"0"
        || host == b"2130706433"
        || host.starts_with(b"0x7f")
        || host.starts_with(b"017700000001")
        || find(host, 0, b".127.0.0.1").is_some()
        || host.starts_with(b"127-0-0-1");
    if local && !is_developer_port(host) {
        found((&rules::SSRF_LOCAL, 0, end));
    }
}

/// Callbacks of programs on the caller's own machine, as sign-in uses them, name a high port (RFC 8252, section 7.3).
fn is_developer_port(host: &[u8]) -> bool {
    let Some(colon) = host.iter().rposition(|&b| b == b':') else {
        return false;
    };
    let digits = rest(host, colon + 1);
    digits.len() == 5 && at(digits, 0) >= b'4' && digits.iter().all(u8::is_ascii_digit)
}
