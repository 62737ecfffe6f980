//! What every answer tells the browser to insist on.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::response::Response;

/// What the console's page may do; `situational/console/README.md` says why it can live with this.
const PAGES: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; \
                     connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
                     require-trusted-types-for 'script'; trusted-types vue";

/// Answers of calls are no pages at all.
const CALLS: &str =
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// For every answer of a call.
pub async fn of_calls(mut response: Response) -> Response {
    insist(&mut response, CALLS);
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    std::future::ready(response).await
}

/// For every page of the console and what it needs.
pub async fn of_pages(mut response: Response) -> Response {
    insist(&mut response, PAGES);
    std::future::ready(response).await
}

fn insist(response: &mut Response, policy: &'static str) {
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value))
    };
    set(CONTENT_SECURITY_POLICY, policy);
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(X_FRAME_OPTIONS, "DENY");
    set(REFERRER_POLICY, "no-referrer");
    set(STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    set(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    set(
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
}
