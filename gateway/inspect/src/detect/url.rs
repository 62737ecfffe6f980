//! URLs of the server itself in the value of a parameter.

use super::Match;
use crate::rules;
use crate::text::{at, find, rest, skip, span};
use crate::verdict::Spot;

/// Searches a lower-case value that holds a URL.
pub(super) fn detect(value: &[u8], spot: Spot<'_>, found: &mut impl FnMut(Match)) {
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
    if matches!(spot, Spot::Header(_)) {
        return;
    }
    let name = host
        .iter()
        .rposition(|&b| b == b':')
        .filter(|_| !host.starts_with(b"["))
        .map_or(host, |colon| span(host, 0, colon));
    if is_disguised(name) {
        found((&rules::SSRF_ADDRESS, 0, end));
    } else if (name == b"localhost" || name.starts_with(b"127.")) && !is_developer_port(host) {
        // Sign-in and analytics name the page of a developer; a fetcher is told where to go.
        let expected = spot.is_named(&[
            b"redirect",
            b"callback",
            b"return",
            b"next",
            b"origin",
            b"referer",
            b"page",
            b"location",
            b"dl",
            b"service",
            b"target",
            b"continue",
        ]) || find(value, end, b"callback").is_some();
        found((
            if expected {
                &rules::SSRF_LOCAL
            } else {
                &rules::SSRF_ADDRESS
            },
            0,
            end,
        ));
    } else if name.starts_with(b"10.") || name.starts_with(b"192.168.") || is_private_172(name) {
        found((&rules::SSRF_LOCAL, 0, end));
    }
    let included = spot.is_named(&[
        b"absolute_path",
        b"[path]",
        b"_path",
        b"include",
        b"template",
        b"basedir",
        b"rootpath",
        b"file",
        b"page",
        b"document_root",
    ]);
    // Names of parameters that applications include from, and addresses without a name that serve programs.
    let sourced = spot.is_named(&[b"absolute_path", b"[path]", b"basedir", b"root_path"])
        || is_public_address(name) && is_code(rest(value, end));
    if let Some(from) = remote_file(value, end)
        .or_else(|| sourced.then_some(end))
        .or_else(|| {
            (included && (is_code(rest(value, end)) || value.starts_with(b"ftp://"))).then_some(end)
        })
    {
        found((&rules::REMOTE_FILE, from, value.len()));
    }
}

/// Addresses of this host that nobody writes who only means it: numbers, octal, names that resolve to it.
fn is_disguised(name: &[u8]) -> bool {
    name.starts_with(b"0.0.0.0")
        || name.starts_with(b"[::1")
        || name.starts_with(b"[::]")
        || name.starts_with(b"[::ffff:")
        || name.starts_with(b"[0:0:")
        || is_odd_number(name)
        || name == b"127.1"
        || name == b"127.0.1"
        || name == b"2130706433"
        || name == b"017700000001"
        || name.starts_with(b"0x7f")
        || name.starts_with(b"0177.")
        || name.starts_with(b"127-0-0-1")
        || find(name, 0, b"127.0.0.1.").is_some()
        || find(name, 0, b".127.0.0.1").is_some()
        || name.ends_with(b".localtest.me")
        || name.ends_with(b".lvh.me")
        || find(name, 0, b"169.254.169.254.").is_some()
}

/// Says whether a host is a number as no person writes it: whole, in hexadecimal or octal, or beyond a byte.
fn is_odd_number(name: &[u8]) -> bool {
    let hexadecimal = |part: &[u8]| {
        part.strip_prefix(b"0x")
            .is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit))
    };
    let decimal = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    let mut parts = 0;
    let mut odd = false;
    for part in name.split(|b| *b == b'.') {
        parts += 1;
        if !decimal(part) && !hexadecimal(part) {
            return false;
        }
        odd |= hexadecimal(part)
            || part.len() > 1 && at(part, 0) == b'0'
            || part.len() > 3
            || part.len() == 3 && part > b"255";
    }
    parts <= 4 && (odd || parts < 4)
}

/// Says whether a host is the address of a machine outside, not one of a network's own.
fn is_public_address(name: &[u8]) -> bool {
    let Some(address) = std::str::from_utf8(name).ok().and_then(|text| {
        text.trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .ok()
    }) else {
        return false;
    };
    match address {
        std::net::IpAddr::V4(v4) => !v4.is_private() && !v4.is_loopback() && !v4.is_link_local(),
        std::net::IpAddr::V6(v6) => !v6.is_unique_local() && !v6.is_loopback(),
    }
}

fn is_private_172(name: &[u8]) -> bool {
    name.starts_with(b"172.")
        && matches!(at(name, 4), b'1'..=b'3')
        && at(name, 6) == b'.'
        && matches!(
            span(name, 4, 6),
            [b'1', b'6'..=b'9'] | [b'2', b'0'..=b'9'] | [b'3', b'0' | b'1']
        )
}

/// A page whose address ends so that what the application appends is cut off: `http://a/x.txt?`, `…/c.php?cmd=id`.
fn remote_file(value: &[u8], host_end: usize) -> Option<usize> {
    let path = rest(value, host_end);
    let question = path.iter().position(|&b| b == b'?').unwrap_or(path.len());
    let file = span(path, 0, question)
        .strip_suffix(b"\0")
        .unwrap_or(span(path, 0, question));
    let source = [&b".txt"[..], b".php", b".inc", b".dat"]
        .iter()
        .any(|e| file.ends_with(e));
    let cut = question + 1 == path.len() && !file.ends_with(b".php") || file.len() < question;
    let command = [&b"?cmd="[..], b"?exec=", b"?c=id", b"?command="]
        .iter()
        .any(|word| rest(path, question).starts_with(word));
    // The server takes the ending of the question for that of the file: `…/1.gif?.aspx`.
    let disguised = [&b"?.aspx"[..], b"?.asp", b"?.php", b"?.jsp", b"?.ashx"]
        .iter()
        .any(|ending| rest(path, question).starts_with(ending));
    (source && (cut || command) || disguised).then_some(host_end)
}

/// Says whether the path of a URL names what an including application would run.
fn is_code(path: &[u8]) -> bool {
    let question = path
        .iter()
        .position(|b| matches!(b, b'?' | b'#'))
        .unwrap_or(path.len());
    let file = span(path, 0, question);
    [
        &b".txt"[..],
        b".php",
        b".inc",
        b".jsp",
        b".asp",
        b".phtml",
        b".dat",
    ]
    .iter()
    .any(|e| file.ends_with(e))
}

/// Callbacks of programs on the caller's own machine, as sign-in uses them, name a high port (RFC 8252, section 7.3).
fn is_developer_port(host: &[u8]) -> bool {
    let Some(colon) = host.iter().rposition(|&b| b == b':') else {
        return false;
    };
    let digits = rest(host, colon + 1);
    digits.len() == 5 && at(digits, 0) >= b'4' && digits.iter().all(u8::is_ascii_digit)
}
