//! Turns a refusal into what the outside sees: a problem document for programs, a page for people.

use std::fmt::Write as _;

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_LANGUAGE, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    HeaderMap, HeaderValue, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, Response};
use serde_json::json;

use crate::refusal::{After, Refusal};

/// A language that pages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Simplified Chinese.
    Chinese,
    /// English.
    English,
}

impl Language {
    /// The language a client prefers; Chinese where it names neither.
    pub fn of(headers: &HeaderMap) -> Self {
        let accepted = headers
            .get(ACCEPT_LANGUAGE)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default();
        let place = |tag: &str| accepted.to_ascii_lowercase().find(tag);
        match (place("zh"), place("en")) {
            (None, Some(_)) => Self::English,
            (Some(zh), Some(en)) if en < zh => Self::English,
            _ => Self::Chinese,
        }
    }

    /// The BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en",
        }
    }

    /// The text in this language.
    pub const fn pick(self, zh: &'static str, en: &'static str) -> &'static str {
        match self {
            Self::Chinese => zh,
            Self::English => en,
        }
    }
}

/// Whether a client is a browser that shows pages.
pub fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get(ACCEPT)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

/// The policy of every page that the gateway itself writes.
pub const PAGE_POLICY: &str = "default-src 'none'; style-src 'sha256-YpqlIaQaoxzY+TOojy3HK4VkHGX2kWlLOKRDBXffQio='; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The answer to a refused request.
///
/// `reference` is the number that a help desk resolves: the decision's id where there is one, else the request's.
pub fn refusal(
    refusal: &Refusal,
    request_headers: &HeaderMap,
    reference: &str,
    version: http::Version,
) -> Response<Bytes> {
    let language = Language::of(request_headers);
    let (body, media) = if wants_page(request_headers) {
        (
            page(refusal, reference, language),
            "text/html; charset=utf-8",
        )
    } else {
        (problem(refusal, reference), "application/problem+json")
    };
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = refusal.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(PAGE_POLICY),
    );
    limit_fields(refusal, headers);
    if *refusal == Refusal::Method {
        let methods = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
        headers.insert(http::header::ALLOW, methods);
    }
    if let Some(challenge) = challenge(refusal).and_then(|c| HeaderValue::from_str(&c).ok()) {
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    if let Ok(value) = HeaderValue::from_str(reference) {
        headers.insert(HeaderName::from_static("hangu-request-id"), value);
    }
    if refusal.after() == After::Close && version < http::Version::HTTP_2 {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Which limit was reached and when to come back (draft-ietf-httpapi-ratelimit-headers-10, RFC 9110 section 10.2.3).
fn limit_fields(refusal: &Refusal, headers: &mut HeaderMap) {
    use hangu_limit::{RATE_LIMIT, RATE_LIMIT_POLICY, RETRY_AFTER, ratelimit_fields};
    let mut insert = |name: &'static str, value: &[u8]| {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    if let Refusal::RateLimited { limit, outcome } = refusal {
        ratelimit_fields(limit, outcome, &mut insert);
    }
    if let Refusal::TooManyAtOnce(most) = refusal {
        let policy = format!("\"at-once\";q={most};qu=\"concurrent-requests\"");
        insert(RATE_LIMIT_POLICY, policy.as_bytes());
        insert(RATE_LIMIT, b"\"at-once\";r=0");
        insert(RETRY_AFTER, b"1");
    }
}

/// What `WWW-Authenticate` asks for (RFC 6750 section 3, RFC 9470).
fn challenge(refusal: &Refusal) -> Option<String> {
    const REALM: &str = "Bearer realm=\"hangu\"";
    if let Refusal::StepUp(level) = refusal {
        return Some(format!(
            "{REALM}, error=\"insufficient_user_authentication\", acr_values=\"urn:gov:cn:aal:{level}\""
        ));
    }
    if let Refusal::BadCredentials(_) = refusal {
        return Some(format!("{REALM}, error=\"invalid_token\""));
    }
    (*refusal == Refusal::Unidentified).then(|| REALM.to_owned())
}

/// The RFC 9457 problem document.
fn problem(refusal: &Refusal, reference: &str) -> String {
    let words = refusal.words();
    json!({
        "type": format!("urn:hangu:refusal:{}", refusal.reason()),
        "title": words.en,
        "title_zh": words.zh,
        "status": refusal.status().as_u16(),
        "reason": refusal.reason(),
        "instance": format!("urn:hangu:decision:{reference}"),
    })
    .to_string()
}

/// The style of every page; its hash stands in [`PAGE_POLICY`].
pub const STYLE: &str = include_str!("page.css");

/// A whole page around a body that is already HTML.
pub fn document(language: Language, title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>\n",
        language.tag()
    )
}

/// Text made safe inside HTML, attributes included.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

fn page(refusal: &Refusal, reference: &str, language: Language) -> String {
    let words = refusal.words();
    let title = language.pick("请求没有通过", "The request did not pass");
    let mut body = format!(
        "<h1>{title}</h1><p>{}</p>",
        language.pick(words.zh, words.en)
    );
    let number = language.pick("编号", "Number");
    // Writing to a string cannot fail.
    let _written = write!(
        body,
        "<p class=\"ref\">{number} <code>{}</code> · {}</p>",
        escape(reference),
        refusal.status().as_u16()
    );
    if matches!(
        refusal,
        Refusal::Unidentified | Refusal::StepUp(_) | Refusal::BadCredentials(_)
    ) {
        let _written = write!(
            body,
            "<p><a class=\"button\" href=\"/.hangu/sign-in\">{}</a></p>",
            language.pick("去登录", "Sign in")
        );
    }
    document(language, title, &body)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::{SHA256, digest};
    use base64::Engine as _;

    use super::*;

    #[test]
    fn the_page_policy_admits_the_style_and_nothing_else() {
        let hash =
            base64::engine::general_purpose::STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
        assert!(
            PAGE_POLICY.contains(&format!("'sha256-{hash}'")),
            "put sha256-{hash} into PAGE_POLICY"
        );
    }

    #[test]
    fn the_first_named_language_wins_and_chinese_is_the_default() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, text.parse().unwrap());
            Language::of(&headers)
        };
        assert_eq!(of("en-US,en;q=0.9"), Language::English);
        assert_eq!(of("zh-CN,en;q=0.5"), Language::Chinese);
        assert_eq!(of("fr"), Language::Chinese);
        assert_eq!(Language::of(&HeaderMap::new()), Language::Chinese);
    }

    #[test]
    fn nothing_from_a_request_is_markup_on_a_page() {
        let html = page(&Refusal::Attack, "<script>", Language::English);
        assert!(!html.contains("<script>"));
    }

    #[test]
    fn a_program_gets_a_problem_document() {
        let response = refusal(
            &Refusal::NoPortal,
            &HeaderMap::new(),
            "00ff",
            http::Version::HTTP_11,
        );
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(body["reason"], "no-portal");
        assert_eq!(body["instance"], "urn:hangu:decision:00ff");
    }
}
