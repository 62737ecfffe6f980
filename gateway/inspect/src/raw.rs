//! Requests as they stand in a file: HTTP/1.1 with CRLF or LF.

use crate::text::{find, find_byte, hex, rest, skip, span, trim};

/// A request taken apart; nothing in it is decoded but the chunks of its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRequest {
    /// `GET`.
    pub method: String,
    /// The path as it stands.
    pub path: Vec<u8>,
    /// What follows `?`.
    pub query: Option<Vec<u8>>,
    /// Names in lower case, values without surrounding blanks.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why bytes are no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RawError {
    /// Nothing is there.
    #[error("the request is empty; the first line should read `METHOD TARGET HTTP/1.1`")]
    Empty,
    /// The first line is no request line.
    #[error("the first line is no request line; it should read `METHOD TARGET HTTP/1.1`")]
    RequestLine,
    /// A header line has no colon.
    #[error("line {0} is no header; it should read `NAME: VALUE`")]
    Header(usize),
    /// More header lines than a server would accept.
    #[error("there are more than 1000 header lines")]
    TooManyHeaders,
}

impl RawRequest {
    /// Returns the first value of a header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(n, _)| n == name)?;
        std::str::from_utf8(value).ok()
    }

    /// Returns the headers as the inspector takes them.
    pub fn header_slices(&self) -> Vec<(&str, &[u8])> {
        self.headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
            .collect()
    }
}

/// Takes a request apart, tolerantly: spaces in the target stay in it, a missing version is no fault.
///
/// # Errors
///
/// See [`RawError`].
pub fn parse(bytes: &[u8]) -> Result<RawRequest, RawError> {
    let mut i = skip(bytes, 0, |b| matches!(b, b'\r' | b'\n'));
    if i >= bytes.len() {
        return Err(RawError::Empty);
    }
    let (line, next) = take_line(bytes, i);
    i = next;
    let space = find_byte(line, 0, b' ').ok_or(RawError::RequestLine)?;
    let method = std::str::from_utf8(span(line, 0, space)).map_err(|_| RawError::RequestLine)?;
    if method.is_empty() || !method.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(RawError::RequestLine);
    }
    let target = trim(rest(line, space + 1));
    let target = match target.iter().rposition(|&b| b == b' ') {
        Some(version) if rest(target, version + 1).starts_with(b"HTTP/") => {
            trim(span(target, 0, version))
        }
        _ => target,
    };
    if target.is_empty() {
        return Err(RawError::RequestLine);
    }
    let target = origin_form(target);
    let (path, query) = match find_byte(target, 0, b'?') {
        Some(question) => (
            span(target, 0, question),
            Some(rest(target, question + 1).to_vec()),
        ),
        None => (target, None),
    };
    let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
    let mut number = 1;
    while i < bytes.len() {
        let (line, next) = take_line(bytes, i);
        i = next;
        number += 1;
        if line.is_empty() {
            break;
        }
        // A folded line belongs to the value above it.
        if let (Some(b' ' | b'\t'), Some((_, value))) = (line.first(), headers.last_mut()) {
            value.push(b' ');
            value.extend_from_slice(trim(line));
            continue;
        }
        let colon = find_byte(line, 0, b':').ok_or(RawError::Header(number))?;
        if headers.len() >= 1000 {
            return Err(RawError::TooManyHeaders);
        }
        headers.push((
            String::from_utf8_lossy(trim(span(line, 0, colon))).to_ascii_lowercase(),
            trim(rest(line, colon + 1)).to_vec(),
        ));
    }
    let body = rest(bytes, i);
    let mut request = RawRequest {
        method: method.to_owned(),
        path: path.to_vec(),
        query,
        headers,
        body: Vec::new(),
    };
    request.body = framed(&request, body);
    Ok(request)
}

/// `http://host/path` and `/path` alike.
fn origin_form(target: &[u8]) -> &[u8] {
    let scheme = span(target, 0, 8).to_ascii_lowercase();
    if !scheme.starts_with(b"http://") && !scheme.starts_with(b"https://") {
        return target;
    }
    let host = find(target, 0, b"//").map_or(0, |n| n + 2);
    match rest(target, host)
        .iter()
        .position(|b| matches!(b, b'/' | b'?'))
    {
        Some(path) => rest(target, host + path),
        None => b"/",
    }
}

fn take_line(bytes: &[u8], i: usize) -> (&[u8], usize) {
    let end = find_byte(bytes, i, b'\n').unwrap_or(bytes.len());
    let line = span(bytes, i, end);
    (line.strip_suffix(b"\r").unwrap_or(line), end + 1)
}

/// Chunks are joined; a declared length cuts off the line break that editors add, and nothing else.
fn framed(request: &RawRequest, body: &[u8]) -> Vec<u8> {
    if request
        .header("transfer-encoding")
        .is_some_and(|coding| coding.to_ascii_lowercase().contains("chunked"))
        && let Some(joined) = dechunk(body)
    {
        return joined;
    }
    let declared = request
        .header("content-length")
        .and_then(|text| text.parse::<usize>().ok());
    match declared {
        Some(length) if length <= body.len() && trim(rest(body, length)).is_empty() => {
            span(body, 0, length).to_vec()
        }
        _ => body.to_vec(),
    }
}

fn dechunk(body: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut i = 0;
    loop {
        let (line, next) = take_line(body, i);
        let digits = line.iter().take_while(|b| b.is_ascii_hexdigit()).count();
        if digits == 0 || digits > 8 {
            return None;
        }
        let size = span(line, 0, digits)
            .iter()
            .try_fold(0usize, |size, &b| Some(size << 4 | usize::from(hex(b)?)))?;
        if size == 0 {
            return Some(out);
        }
        let chunk = body.get(next..next.checked_add(size)?)?;
        out.extend_from_slice(chunk);
        i = skip(body, next + size, |b| b == b'\r');
        i += usize::from(body.get(i) == Some(&b'\n'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_request_with_bare_line_feeds_reads_like_one_with_both() {
        let text = "POST http://h/p%20q?a=1 HTTP/1.1\r\nHost: h\r\nX: a\r\n  b\r\nContent-Length: 3\r\n\r\nabc\n";
        let request = parse(text.as_bytes()).unwrap();
        assert_eq!(request, parse(text.replace('\r', "").as_bytes()).unwrap());
        assert_eq!(
            (
                request.path.as_slice(),
                request.query.as_deref(),
                request.body.as_slice()
            ),
            (&b"/p%20q"[..], Some(&b"a=1"[..]), &b"abc"[..])
        );
        assert_eq!(request.header("x"), Some("a b"));
    }

    #[test]
    fn chunks_are_joined_and_spaces_stay_in_the_target() {
        let request = parse(
            b"POST /a?q=1 or 1=1 HTTP/1.1\nTransfer-Encoding: chunked\n\n3\nabc\n2;x=y\nde\n0\n\n",
        )
        .unwrap();
        assert_eq!(
            (request.query.as_deref(), request.body.as_slice()),
            (Some(&b"q=1 or 1=1"[..]), &b"abcde"[..])
        );
    }

    #[test]
    fn what_is_no_request_says_why() {
        assert_eq!(parse(b"\r\n"), Err(RawError::Empty));
        assert_eq!(parse(b"hello"), Err(RawError::RequestLine));
        assert_eq!(
            parse(b"GET / HTTP/1.1\nhello\n\n"),
            Err(RawError::Header(2))
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic_the_parser(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
            let _ = parse(&[b"POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n", bytes.as_slice()].concat());
        }
    }
}
