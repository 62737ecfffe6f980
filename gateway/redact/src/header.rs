//! Headers, addresses and queries: what personal data are in them, and what is left.

use std::borrow::Cow;
use std::sync::Arc;

use crate::kind::{Kind, Summary};
use crate::level::Level;
use crate::media::Media;
use crate::redactor::Redactor;
use crate::rules::Rules;
use crate::whole::{Tally, mask_value};

/// A value without its personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted<'v> {
    /// The value, borrowed where nothing was changed.
    pub value: Cow<'v, [u8]>,
    /// What was found and masked.
    pub summary: Summary,
}

/// Headers that say how a message is read: nobody's data, and broken if they were changed.
const STRUCTURAL: [&str; 32] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "accept-ranges",
    "age",
    "allow",
    "alt-svc",
    "cache-control",
    "connection",
    "content-encoding",
    "content-language",
    "content-length",
    "content-range",
    "content-security-policy",
    "content-type",
    "date",
    "etag",
    "expires",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "keep-alive",
    "last-modified",
    "permissions-policy",
    "pragma",
    "retry-after",
    "strict-transport-security",
    "te",
    "trailer",
    "transfer-encoding",
    "vary",
];

/// Masks what is personal in the value of a header.
///
/// A header that is named like a field (`X-User-Name`) makes its whole value one. Addresses (`Location`, `Link`) and
/// values with percent-encoding are read with it undone, and changed only where something is masked. Credentials that a
/// header or a cookie is named for stay: they are for whoever gets the answer. Headers that only describe the message
/// stay as they are.
#[must_use]
pub fn redact_header<'v>(
    rules: &Arc<Rules>,
    level: Level,
    name: &str,
    value: &'v [u8],
) -> Redacted<'v> {
    let mut tally = Tally::default();
    if is_structural(name) {
        return Redacted {
            value: Cow::Borrowed(value),
            summary: Summary {
                bytes_in: value.len() as u64,
                bytes_out: value.len() as u64,
                ..Summary::default()
            },
        };
    }
    let out = self::value(rules, level, name, value, &mut tally);
    done(value, out, &tally)
}

/// Masks what is personal in an address or a reference to one: its path, its query, its fragment, a password before its
/// host. What is not masked keeps its bytes, escapes included.
#[must_use]
pub fn redact_url<'v>(rules: &Arc<Rules>, level: Level, url: &'v str) -> Redacted<'v> {
    let mut tally = Tally::default();
    let out = through(rules, level, Media::Form, url.as_bytes(), &mut tally);
    done(url.as_bytes(), out, &tally)
}

/// Masks what is personal in a query, without its question mark: `name=%E5%BC%A0%E4%B8%89&phone=13800138000`.
#[must_use]
pub fn redact_query<'v>(rules: &Arc<Rules>, level: Level, query: &'v str) -> Redacted<'v> {
    redact_url(rules, level, query)
}

fn done<'v>(value: &'v [u8], out: Vec<u8>, tally: &Tally) -> Redacted<'v> {
    let summary = Summary {
        counts: tally.found,
        masked: tally.masked,
        bytes_in: value.len() as u64,
        bytes_out: out.len() as u64,
    };
    let value = if out == value {
        Cow::Borrowed(value)
    } else {
        Cow::Owned(out)
    };
    Redacted { value, summary }
}

pub(crate) fn value(
    rules: &Arc<Rules>,
    level: Level,
    name: &str,
    value: &[u8],
    tally: &mut Tally,
) -> Vec<u8> {
    let name = name.trim().to_ascii_lowercase();
    match name.as_str() {
        name if is_structural(name) => return value.to_vec(),
        "location" | "content-location" | "link" | "refresh" | "referer" | "origin" => {
            return through(rules, level, Media::Form, value, tally);
        }
        "set-cookie" | "cookie" => return cookies(rules, level, value, tally),
        _ => {}
    }
    let field = name.strip_prefix("x-").unwrap_or(&name);
    let rule = rules.labels().rule(field.as_bytes());
    match rule {
        Some(rule) if rule.kind == Kind::Secret => return value.to_vec(),
        Some(rule) if !rule.is_other() => {
            if is_coded(value) {
                return parameter(rules, level, field.as_bytes(), value, tally);
            }
            let masked = std::str::from_utf8(value)
                .ok()
                .and_then(|text| mask_value(rules, level, rule, text, tally));
            if let Some(masked) = masked {
                return masked.into_bytes();
            }
        }
        _ => {}
    }
    if is_coded(value) {
        return through(rules, level, Media::Form, value, tally);
    }
    through(rules, level, Media::Text, value, tally)
}

/// Masks cookies one by one; those that are named for a credential stay.
fn cookies(rules: &Arc<Rules>, level: Level, value: &[u8], tally: &mut Tally) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for (at, pair) in value.split(|&byte| byte == b';').enumerate() {
        if at > 0 {
            out.push(b';');
        }
        let sign = memchr::memchr(b'=', pair).map_or(pair.len(), |at| at + 1);
        let (name, text) = pair.split_at_checked(sign).unwrap_or((pair, &[]));
        let field = name.strip_suffix(b"=").unwrap_or(name).trim_ascii();
        out.extend_from_slice(name);
        let secret = rules
            .labels()
            .rule(field)
            .is_some_and(|rule| rule.kind == Kind::Secret);
        if secret {
            out.extend_from_slice(text);
        } else {
            out.extend(parameter(rules, level, field, text, tally));
        }
    }
    out
}

/// Masks a value as that of a parameter of a name.
fn parameter(
    rules: &Arc<Rules>,
    level: Level,
    name: &[u8],
    value: &[u8],
    tally: &mut Tally,
) -> Vec<u8> {
    let pair = [name, b"=", value].concat();
    let mut out = through(rules, level, Media::Form, &pair, tally);
    // Nothing in a name that is a label, or in its sign, is ever changed.
    if out.starts_with(pair.get(..=name.len()).unwrap_or_default()) {
        out.drain(..=name.len());
        return out;
    }
    through(rules, level, Media::Form, value, tally)
}

/// Whether a header, in lower case, only says how a message is read.
fn is_structural(name: &str) -> bool {
    STRUCTURAL.binary_search(&name).is_ok()
}

fn is_coded(value: &[u8]) -> bool {
    value
        .windows(3)
        .any(|code| matches!(code, [b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()))
}

fn through(
    rules: &Arc<Rules>,
    level: Level,
    media: Media,
    value: &[u8],
    tally: &mut Tally,
) -> Vec<u8> {
    let mut redactor = Redactor::with(Arc::clone(rules), level, media.into());
    let mut out = Vec::with_capacity(value.len());
    redactor.feed(value, &mut out);
    let summary = redactor.finish(&mut out);
    tally.found += summary.counts;
    tally.masked += summary.masked;
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, value: &str) -> String {
        let out = redact_header(&Rules::shipped(), Level::L2, name, value.as_bytes());
        String::from_utf8(out.value.into_owned()).unwrap()
    }

    #[test]
    fn structural_headers_are_in_order() {
        assert!(STRUCTURAL.is_sorted());
    }

    #[test]
    fn headers_lose_what_is_personal_and_nothing_else() {
        for (name, value, expected) in [
            (
                "Location",
                "https://a.cn/u/13800138000?name=%E5%BC%A0%E4%B8%89&next=%2Fx#access_token=abc",
                "https://a.cn/u/138****8000?name=%E5%BC%A0*&next=%2Fx#access_token=***",
            ),
            (
                "Link",
                "<https://a.cn/?phone=13800138000>; rel=\"next\"",
                "<https://a.cn/?phone=138****8000>; rel=\"next\"",
            ),
            ("X-User-Name", "张三", "张*"),
            ("x-user-name", "%E5%BC%A0%E4%B8%89", "%E5%BC%A0*"),
            ("X-Passport", "E12345678", "E****5678"),
            ("X-Note", "call 13800138000", "call 138****8000"),
            ("X-Auth-Token", "abcdef", "abcdef"),
            ("ETag", "\"13800138000\"", "\"13800138000\""),
            (
                "Set-Cookie",
                "uid=13800138000; Path=/; HttpOnly",
                "uid=138****8000; Path=/; HttpOnly",
            ),
            ("Set-Cookie", "token=abc; Path=/", "token=abc; Path=/"),
            (
                "Set-Cookie",
                "realname=%E5%BC%A0%E4%B8%89; Secure",
                "realname=%E5%BC%A0*; Secure",
            ),
            (
                "Content-Disposition",
                "attachment; filename=\"13800138000.pdf\"",
                "attachment; filename=\"138****8000.pdf\"",
            ),
        ] {
            assert_eq!(header(name, value), expected, "{name}: {value}");
        }
    }

    #[test]
    fn what_has_nothing_personal_is_borrowed_and_counts_are_told() {
        let rules = Rules::shipped();
        let clean = redact_query(&rules, Level::L4, "a=1&b=%20+x");
        assert!(matches!(clean.value, Cow::Borrowed(_)));
        let url = redact_url(
            &rules,
            Level::L2,
            "/a?phone=13800138000&name=%E6%9D%8E%E5%9B%9B",
        );
        assert_eq!(url.summary.masked.get(Kind::Mobile), 1);
        assert_eq!(url.summary.masked.get(Kind::Name), 1);
    }
}
