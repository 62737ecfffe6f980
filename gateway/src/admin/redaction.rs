//! Redaction: tried on a text of one's own; which field carries what; and who was hidden, for a reason.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use hangu_redact::{
    BodyRedactor, Coding, Content, Kind, Level, Limits, Rules, UnknownKind, Unreadable,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::admin::act;
use crate::admin::bans::reason;
use crate::admin::context::{Context, Who, blocking};
use crate::admin::problem::Problem;
use crate::admin::strict::Strict;

/// The largest call, in bytes: a text of 256 KiB with everything in it escaped fits mostly.
const LARGEST: usize = 512 << 10;
/// The largest text, in bytes.
const LARGEST_TEXT: usize = 256 << 10;
/// The longest value, in bytes.
const LONGEST_VALUE: usize = 256;

/// A text to try redaction on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// Its media type.
    #[serde(rename = "type")]
    media: String,
    text: String,
}

/// Shows what each level leaves of a text. The text is not kept, and the event says nothing of it.
pub async fn trial(
    State(context): State<Context>,
    Extension(who): Extension<Who>,
    Strict(Trial { media, text }): Strict<Trial, LARGEST>,
) -> Result<Response, Problem> {
    let content = Content::from_content_type(&media)
        .map_err(|error| unreadable(&error, "不支持这种媒体类型或字符集"))?;
    if text.len() > LARGEST_TEXT {
        return Err(Problem::malformed(
            "`text` is larger than 256 KiB",
            "text 超过 256 KiB",
        ));
    }
    act::begins(&context, &who, "trial", Some(&media)).await?;
    let rules = rules_of(&context);
    let answer = blocking(move || {
        let levels = Level::ALL.into_iter().map(|level| {
            let mut redactor = BodyRedactor::of(
                Arc::clone(&rules),
                level,
                content.clone(),
                Coding::Identity,
                Limits::default(),
                Unreadable::Refuse,
            );
            let mut out = Vec::with_capacity(text.len());
            redactor
                .feed(text.as_bytes(), &mut out)
                .and_then(|()| redactor.finish(&mut out))
                .map(|summary| {
                    json!({
                        "level": level.to_string(),
                        "text": String::from_utf8_lossy(&out),
                        "counts": summary.counts,
                        "masked": summary.masked,
                    })
                })
        });
        levels
            .collect::<Result<Vec<Value>, _>>()
            .map(|levels| Json(json!({ "levels": levels })))
            .map_err(|error| unreadable(&error, "文本与所选类型或字符集不符").recorded())
    });
    Ok(answer.await?.into_response())
}

fn unreadable(error: &dyn std::fmt::Display, zh: &str) -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "body-unreadable",
        "this text cannot be redacted as what it is said to be",
        "无法按所选类型对此文本脱敏",
    )
    .detail(error.to_string(), zh)
}

/// A value that was encrypted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hidden {
    kind: String,
    value: String,
    reason: String,
}

/// Brings back a value that format-preserving encryption hid. Its event has the reason, and the person as other events
/// name them.
pub async fn reveal(
    State(context): State<Context>,
    Extension(who): Extension<Who>,
    Strict(hidden): Strict<Hidden>,
) -> Result<Response, Problem> {
    let why = reason(&hidden.reason)?;
    let kind = kind_of(&hidden.kind)?;
    let Some(value) = bounded(&hidden.value) else {
        return Err(Problem::malformed(
            "`value` has 1 to 256 bytes",
            "value 应为 1 到 256 字节",
        ));
    };
    let rules = rules_of(&context);
    let Some(keys) = rules.keys() else {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "no-redaction-key",
            "nothing is encrypted here",
            "此处没有加密的值",
        )
        .detail(
            "`redact.key` names no key, so no value was encrypted with it",
            "未配置 redact.key，没有用它加密过的值",
        ));
    };
    let plain = keys.reveal(kind, value).ok_or_else(|| {
        Problem::malformed(
            format!("`value` is no encrypted {kind}"),
            "value 不是这一种类的加密值",
        )
    })?;
    let named = rules.person_key().and_then(|key| key.person(kind, &plain));
    let named = named.map_or_else(String::new, |person| person.to_string());
    act::begins(&context, &who, &format!("{kind} {named}"), Some(why)).await?;
    Ok(Json(json!({ "kind": kind, "value": plain })).into_response())
}

/// What identifies a person.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sought {
    kind: String,
    value: String,
    reason: String,
}

/// Names a person as events do, so that those who read about them can be found. The value is not kept.
pub async fn person(
    State(context): State<Context>,
    Extension(who): Extension<Who>,
    Strict(sought): Strict<Sought>,
) -> Result<Response, Problem> {
    let why = reason(&sought.reason)?;
    let kind = kind_of(&sought.kind)?;
    let rules = rules_of(&context);
    let key = rules.person_key();
    let person = key.and_then(|key| key.person(kind, bounded(&sought.value)?));
    let Some(person) = person else {
        return Err(Problem::malformed(
            "`value` identifies nobody: it is too long or empty, or of a kind that many share",
            "value 不能识别个人：过长、为空，或属于多人共用的种类",
        ));
    };
    let person = person.to_string();
    act::begins(&context, &who, &person, Some(why)).await?;
    Ok(Json(json!({ "person": person })).into_response())
}

/// The rules in force.
fn rules_of(context: &Context) -> Arc<Rules> {
    let snapshot = context.admin.gateway.snapshot.load();
    Arc::clone(&snapshot.configuration.redact.rules)
}

fn kind_of(name: &str) -> Result<Kind, Problem> {
    name.parse()
        .map_err(|error: UnknownKind| Problem::malformed(error.to_string(), "kind 不是已知的种类"))
}

fn bounded(value: &str) -> Option<&str> {
    Some(value).filter(|value| !value.is_empty() && value.len() <= LONGEST_VALUE)
}

/// Which portal, path and field carries which kind, learned since the gateway started from samples of what passed.
pub fn fields(context: &Context) -> Response {
    let (known, truncated) = context.admin.gateway.discovery.known();
    let known = known.iter().map(|(place, seen)| {
        json!({
            "portal": place.portal,
            "path": place.path,
            "field": place.field,
            "kind": place.kind,
            "seen": seen.values,
            "first_ms": seen.first_ms,
            "last_ms": seen.last_ms,
            "redacted": seen.least.map(|level| level.to_string()),
        })
    });
    let known: Vec<Value> = known.collect();
    Json(json!({ "fields": known, "truncated": truncated })).into_response()
}
