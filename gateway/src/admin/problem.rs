//! How a call is refused: a problem document (RFC 9457) in both languages.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::config::Mistake;

/// Why a call was not answered as asked.
#[derive(Debug)]
pub struct Problem(Box<Document>);

#[derive(Debug, Serialize)]
struct Document {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    title_zh: &'static str,
    #[serde(serialize_with = "code")]
    status: StatusCode,
    reason: &'static str,
    detail: String,
    detail_zh: String,
    /// Mistakes in files, of a configuration that was refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Mistake>,
    /// Mistakes in a policy that was refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mistakes: Vec<hangu_policy::Mistake>,
    #[serde(skip)]
    retry_after: Option<u64>,
    #[serde(skip)]
    recorded: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
fn code<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

/// Marks an answer as a refusal, for the one who records it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// The reason.
    pub reason: &'static str,
    /// Whether it has left its event already.
    pub recorded: bool,
}

impl Problem {
    /// A problem with its title in both languages.
    pub fn new(
        status: StatusCode,
        reason: &'static str,
        title: &'static str,
        title_zh: &'static str,
    ) -> Self {
        Self(Box::new(Document {
            kind: format!("urn:hangu:refusal:{reason}"),
            title,
            title_zh,
            status,
            reason,
            detail: title.to_owned(),
            detail_zh: title_zh.to_owned(),
            errors: Vec::new(),
            mistakes: Vec::new(),
            retry_after: None,
            recorded: false,
        }))
    }

    /// Says more, in both languages.
    #[must_use]
    pub fn detail(mut self, en: impl Into<String>, zh: impl Into<String>) -> Self {
        self.0.detail = en.into();
        self.0.detail_zh = zh.into();
        self
    }

    /// Names the places of mistakes.
    #[must_use]
    pub fn errors(mut self, errors: Vec<Mistake>) -> Self {
        self.0.errors = errors;
        self
    }

    /// Names the places of mistakes in a policy.
    #[must_use]
    pub fn mistakes(mut self, mistakes: Vec<hangu_policy::Mistake>) -> Self {
        self.0.mistakes = mistakes;
        self
    }

    /// Says when to come back, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// Says that it has left its event already.
    #[must_use]
    pub fn recorded(mut self) -> Self {
        self.0.recorded = true;
        self
    }

    /// The reason.
    pub fn reason(&self) -> &'static str {
        self.0.reason
    }

    /// Nothing of that name.
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "there is no such thing",
            "没有找到",
        )
    }

    /// What was sent does not fit.
    pub fn malformed(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "malformed",
            "the request cannot be used",
            "请求内容不可用",
        )
        .detail(en, zh)
    }

    /// The act is refused because it could not be recorded.
    pub fn not_recorded() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "event-not-recorded",
            "the event could not be recorded, so nothing was done",
            "审计事件无法写入，操作未执行",
        )
        .recorded()
    }

    /// A part of the gateway did not do what it should.
    pub fn failed(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "an administrative call failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "failed",
            "the gateway could not do it",
            "网关未能完成操作",
        )
        .detail(error.to_string(), format!("网关未能完成操作：{error}"))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let document = self.0;
        let refused = Refused {
            reason: document.reason,
            recorded: document.recorded,
        };
        let (status, retry_after) = (document.status, document.retry_after);
        let mut response = (status, Json(document)).into_response();
        response.headers_mut().insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = retry_after {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(refused);
        response
    }
}
