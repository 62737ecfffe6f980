//! Answers: text, JSON, problems, streams.

use std::io;

use futures_util::{Stream, StreamExt as _};
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use serde_json::json;

/// A body of a known length, or as it comes, with trailers where there are any.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;

/// An answer.
pub type Answer = Response<Body>;

/// No body.
#[must_use]
pub fn nothing() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A body that is all there.
#[must_use]
pub fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// An answer of a media type.
#[must_use]
pub fn of_type(status: StatusCode, media_type: &'static str, body: Body) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}

/// An answer with its length, which stays when the answer to HEAD loses its body.
#[must_use]
pub fn sized(status: StatusCode, media_type: &'static str, bytes: impl Into<Bytes>) -> Answer {
    let bytes = bytes.into();
    let length = HeaderValue::from(bytes.len());
    let mut answer = of_type(status, media_type, whole(bytes));
    answer.headers_mut().insert(header::CONTENT_LENGTH, length);
    answer
}

/// Plain text.
#[must_use]
pub fn text(status: StatusCode, text: impl Into<String>) -> Answer {
    sized(status, "text/plain; charset=utf-8", text.into())
}

/// A page.
#[must_use]
pub fn page(html: String) -> Answer {
    sized(StatusCode::OK, "text/html; charset=utf-8", html)
}

/// JSON.
#[must_use]
pub fn json(value: &serde_json::Value) -> Answer {
    sized(StatusCode::OK, "application/json", value.to_string())
}

/// A problem document (RFC 9457).
#[must_use]
pub fn problem(status: StatusCode, detail: &str) -> Answer {
    let title = status.canonical_reason().unwrap_or("problem");
    let body = json!({ "title": title, "status": status.as_u16(), "detail": detail });
    sized(status, "application/problem+json", body.to_string())
}

/// Nothing stands at this path.
#[must_use]
pub fn not_found() -> Answer {
    problem(StatusCode::NOT_FOUND, "这里没有内容 · nothing is here")
}

/// The path is there, the method is not.
#[must_use]
pub fn not_allowed(methods: &'static str) -> Answer {
    let mut answer = problem(
        StatusCode::METHOD_NOT_ALLOWED,
        "此处不支持该方法 · this method is not offered here",
    );
    answer
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(methods));
    answer
}

/// The body is not what the path takes.
#[must_use]
pub fn unreadable(detail: &str) -> Answer {
    problem(StatusCode::BAD_REQUEST, detail)
}

/// An answer whose body comes in pieces.
pub fn streamed<S>(media_type: &'static str, pieces: S) -> Answer
where
    S: Stream<Item = Bytes> + Send + 'static,
{
    let frames = pieces.map(|piece| Ok(Frame::data(piece)));
    of_type(
        StatusCode::OK,
        media_type,
        BodyExt::boxed_unsync(StreamBody::new(frames)),
    )
}
