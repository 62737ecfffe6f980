//! Static resources, with everything that caches and resumed downloads rely on: ETag, conditions, HEAD, ranges.

use std::ops::Range;

use http::{HeaderValue, StatusCode, header};
use hyper::body::Bytes;

use crate::answer::{Answer, not_found, nothing, sized};
use crate::request::Request;

/// When the resources were last changed, as they were shipped.
const MODIFIED: &str = "Sun, 01 Nov 2026 08:00:00 GMT";

const RESOURCES: [(&str, &str, &[u8]); 2] = [
    (
        "site.css",
        "text/css; charset=utf-8",
        include_bytes!("static/site.css"),
    ),
    (
        "guide.txt",
        "text/plain; charset=utf-8",
        include_bytes!("static/guide.txt"),
    ),
];

/// The answer to GET and HEAD of a resource.
pub(crate) fn answer(request: &Request, name: &str) -> Answer {
    let Some((_, media_type, content)) = RESOURCES.iter().find(|(n, _, _)| *n == name) else {
        return not_found();
    };
    let tag = format!("\"{:08x}-{:x}\"", crc32fast::hash(content), content.len());
    let mut answer = if is_current(request, &tag) {
        let mut unchanged = Answer::new(nothing());
        *unchanged.status_mut() = StatusCode::NOT_MODIFIED;
        unchanged
    } else {
        match asked(request, &tag, content.len()) {
            Asked::All => sized(StatusCode::OK, media_type, Bytes::from_static(content)),
            Asked::Part(range) => part(media_type, content, range),
            Asked::Beyond => {
                let mut beyond = sized(StatusCode::RANGE_NOT_SATISFIABLE, media_type, Bytes::new());
                put(
                    &mut beyond,
                    header::CONTENT_RANGE,
                    &format!("bytes */{}", content.len()),
                );
                beyond
            }
        }
    };
    put(&mut answer, header::ETAG, &tag);
    let headers = answer.headers_mut();
    headers.insert(header::LAST_MODIFIED, HeaderValue::from_static(MODIFIED));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=3600"),
    );
    answer
}

fn part(media_type: &'static str, content: &'static [u8], range: Range<usize>) -> Answer {
    let text = format!(
        "bytes {}-{}/{}",
        range.start,
        range.end.saturating_sub(1),
        content.len()
    );
    let bytes = content.get(range).unwrap_or_default();
    let mut answer = sized(
        StatusCode::PARTIAL_CONTENT,
        media_type,
        Bytes::from_static(bytes),
    );
    put(&mut answer, header::CONTENT_RANGE, &text);
    answer
}

fn put(answer: &mut Answer, name: http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

/// Whether the client has what it asks for (RFC 9110, 13.2.2: the tag goes before the date).
fn is_current(request: &Request, tag: &str) -> bool {
    let mut tags = request
        .headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .peekable();
    if tags.peek().is_some() {
        return tags
            .filter_map(|v| v.to_str().ok())
            .flat_map(|v| v.split(','))
            .any(|candidate| {
                let candidate = candidate.trim();
                candidate == "*" || candidate.strip_prefix("W/").unwrap_or(candidate) == tag
            });
    }
    request
        .headers
        .get(header::IF_MODIFIED_SINCE)
        .is_some_and(|date| date == MODIFIED)
}

#[derive(Debug, PartialEq, Eq)]
enum Asked {
    All,
    Part(Range<usize>),
    Beyond,
}

/// Several ranges, other units and what cannot be read are answered with everything, as RFC 9110, 14.2 lets us.
fn asked(request: &Request, tag: &str, length: usize) -> Asked {
    if request
        .headers
        .get(header::IF_RANGE)
        .is_some_and(|value| value != tag && value != MODIFIED)
    {
        return Asked::All;
    }
    match request.headers.get(header::RANGE).map(HeaderValue::to_str) {
        Some(Ok(range)) => range_of(range, length),
        None | Some(Err(_)) => Asked::All,
    }
}

fn range_of(text: &str, length: usize) -> Asked {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|r| r.split_once('-')) else {
        return Asked::All;
    };
    let is_number = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if !is_number(first) || !is_number(last) || (first.is_empty() && last.is_empty()) {
        return Asked::All;
    }
    // More digits than a length can have lie beyond any resource.
    let number = |t: &str| t.parse::<usize>().unwrap_or(usize::MAX);
    let (from, to) = match (first, last) {
        ("", suffix) => (length.saturating_sub(number(suffix)), length),
        (first, "") => (number(first), length),
        (first, last) if number(last) < number(first) => return Asked::All,
        (first, last) => (number(first), number(last).saturating_add(1).min(length)),
    };
    if from < to {
        Asked::Part(from..to)
    } else {
        Asked::Beyond
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_has_them() {
        let table = [
            ("bytes=0-9", Asked::Part(0..10)),
            ("bytes=90-", Asked::Part(90..100)),
            ("bytes=90-1000", Asked::Part(90..100)),
            ("bytes=-10", Asked::Part(90..100)),
            ("bytes=-1000", Asked::Part(0..100)),
            ("bytes=100-", Asked::Beyond),
            ("bytes=-0", Asked::Beyond),
            ("bytes=99999999999999999999999-", Asked::Beyond),
            ("bytes=5-2", Asked::All),
            ("bytes=0-1,5-6", Asked::All),
            ("bytes=-", Asked::All),
            ("bytes=a-b", Asked::All),
            ("lines=0-9", Asked::All),
        ];
        for (text, expected) in table {
            assert_eq!(range_of(text, 100), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_part_always_lies_within(text in "bytes=[0-9]{0,25}-[0-9]{0,25}", length in 0usize..1_000) {
            if let Asked::Part(range) = range_of(&text, length) {
                assert!(range.start < range.end && range.end <= length, "{text}");
            }
        }
    }
}
