//! Reads what a call carries: JSON, a query, a part of the path. What is not expected is refused.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use http_body_util::{BodyExt as _, Limited};
use serde::de::DeserializeOwned;

use crate::admin::problem::Problem;

/// The largest body of a call that names no other bound, in bytes.
pub const LARGEST: usize = 64 << 10;
/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A JSON body of at most so many bytes.
pub struct Strict<T, const MOST: usize = LARGEST>(pub T);

async fn bytes(body: Body, most: usize) -> Result<Bytes, Problem> {
    let limited = Limited::new(body, most).collect();
    let too_slow = |_| {
        Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "body-too-slow",
            "the body did not arrive in time",
            "请求体没有按时到达",
        )
    };
    let too_large = |_| {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body-too-large",
            "the body is too large",
            "请求体过大",
        )
        .detail(
            format!("the body is larger than {} KiB", most >> 10),
            format!("请求体超过 {} KiB", most >> 10),
        )
    };
    let collected = tokio::time::timeout(PATIENCE, limited)
        .await
        .map_err(too_slow)?
        .map_err(too_large)?;
    Ok(collected.to_bytes())
}

impl<S: Sync, T: DeserializeOwned, const MOST: usize> FromRequest<S> for Strict<T, MOST> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        // Pages of other sites cannot send this type without being asked first, and nobody answers that question.
        let media = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim();
        if !media.eq_ignore_ascii_case("application/json") {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "not-json",
                "the body must be `application/json`",
                "请求体必须是 application/json",
            ));
        }
        let body = bytes(request.into_body(), MOST).await?;
        serde_json::from_slice(&body).map(Self).map_err(|error| {
            Problem::malformed(format!("the body: {error}"), format!("请求体有误：{error}"))
        })
    }
}

/// A query.
pub struct Asking<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Asking<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Query::try_from_uri(&parts.uri)
            .map(|Query(query)| Self(query))
            .map_err(|error| {
                Problem::malformed(
                    format!("the query: {}", error.body_text()),
                    format!("查询参数有误：{}", error.body_text()),
                )
            })
    }
}

/// The variable part of a path.
pub struct Named<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(part)) => Ok(Self(part)),
            // A number that is none names nothing.
            Err(_) => Err(Problem::not_found()),
        }
    }
}
