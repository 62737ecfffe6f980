//! A request as the portals read it: decoded path segments, decoded query, the body as it comes.

use http::{HeaderMap, Method, Version};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Bytes, Incoming};

/// Bytes of a body that is read whole (chosen).
const WHOLE: usize = 1 << 20;

/// A request.
#[derive(Debug)]
pub struct Request {
    /// Its method.
    pub method: Method,
    /// Its target as it was received.
    pub target: String,
    /// The authority of the target, or the `Host` field.
    pub host: Option<String>,
    /// Its protocol version.
    pub version: Version,
    /// Its fields.
    pub headers: HeaderMap,
    /// The segments of its path, percent-decoded; empty segments are kept, except the first.
    pub path: Vec<String>,
    /// The pairs of its query, decoded.
    pub query: Vec<(String, String)>,
    /// Its body.
    pub body: Incoming,
    /// The upgrade, where it asks for one.
    pub upgrade: hyper::upgrade::OnUpgrade,
}

impl Request {
    pub(crate) fn read(mut request: http::Request<Incoming>) -> Self {
        let upgrade = hyper::upgrade::on(&mut request);
        let (parts, body) = request.into_parts();
        let host = parts.uri.authority().map(ToString::to_string).or_else(|| {
            parts
                .headers
                .get(http::header::HOST)
                .map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned())
        });
        let path = parts.uri.path();
        Self {
            path: path
                .strip_prefix('/')
                .unwrap_or(path)
                .split('/')
                .map(|s| decoded(s, Plus::Kept))
                .collect(),
            query: pairs(parts.uri.query().unwrap_or_default()),
            target: parts.uri.to_string(),
            method: parts.method,
            version: parts.version,
            headers: parts.headers,
            host,
            body,
            upgrade,
        }
    }

    /// The first value of a name in the query.
    #[must_use]
    pub fn asked(&self, name: &str) -> Option<&str> {
        value_of(&self.query, name)
    }

    /// The number of a name in the query; the given one where there is none that can be read.
    #[must_use]
    pub fn number(&self, name: &str, otherwise: u64) -> u64 {
        self.asked(name)
            .and_then(|v| v.parse().ok())
            .unwrap_or(otherwise)
    }

    /// Whether a field's value contains a word, as in media types and codings.
    #[must_use]
    pub fn mentions(&self, field: http::HeaderName, word: &str) -> bool {
        self.headers.get_all(field).iter().any(|v| {
            v.to_str()
                .is_ok_and(|v| v.to_ascii_lowercase().contains(word))
        })
    }

    /// The whole body, where it is no larger than 1 MiB and arrives.
    pub async fn whole(self) -> Option<Bytes> {
        Limited::new(self.body, WHOLE)
            .collect()
            .await
            .ok()
            .map(http_body_util::Collected::to_bytes)
    }
}

/// The first value of a name.
#[must_use]
pub fn value_of<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(n, _)| n == name)
        .map(|(_, v)| v.as_str())
}

/// The pairs of `application/x-www-form-urlencoded` text.
#[must_use]
pub fn pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name, Plus::Space), decoded(value, Plus::Space))
        })
        .collect()
}

/// What a plus sign stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plus {
    Kept,
    Space,
}

/// Percent-decoded text; what is no escape stays, and what is no UTF-8 becomes U+FFFD.
fn decoded(text: &str, plus: Plus) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        let escape = match (first, after) {
            (b'%', [high, low, beyond @ ..]) => digit(*high)
                .zip(digit(*low))
                .map(|(h, l)| (h << 4 | l, beyond)),
            _ => None,
        };
        if let Some((byte, beyond)) = escape {
            bytes.push(byte);
            rest = beyond;
        } else {
            bytes.push(if first == b'+' && plus == Plus::Space {
                b' '
            } else {
                first
            });
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_escape_stays_as_it_is() {
        assert_eq!(decoded("%e5%8a%9e%", Plus::Kept), "办%");
        assert_eq!(decoded("%zz%4", Plus::Kept), "%zz%4");
        assert_eq!(decoded("a+b%2B", Plus::Kept), "a+b+");
    }

    #[test]
    fn a_form_keeps_the_order_and_the_doubles() {
        let read = pairs("a=1&a=2&&b&=c&%E5%90%8D=%E7%8E%8B+%E4%BC%9F");
        let expected = [
            ("a", "1"),
            ("a", "2"),
            ("b", ""),
            ("", "c"),
            ("名", "王 伟"),
        ];
        assert_eq!(read, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
        assert_eq!(value_of(&read, "a"), Some("1"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd_to_decode(text in ".*") {
            assert!(decoded(&text, Plus::Space).len() <= 3 * text.len());
            assert!(pairs(&text).len() <= text.len());
        }
    }
}
