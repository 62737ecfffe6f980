//! What every portal answers alike: health, an echo for tests, delays, statuses, static resources.

use std::time::Duration;

use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::json;

use crate::answer::{Answer, json, not_allowed, not_found, nothing, text, unreadable};
use crate::portal::Portal;
use crate::request::Request;
use crate::resource;

/// The longest delay that can be asked for (chosen).
const SLOWEST: u64 = 600_000;

/// Whether these are paths of every portal.
pub(crate) fn answers(path: &[&str]) -> bool {
    matches!(
        path,
        ["healthz" | "echo" | "slow"] | ["echo" | "status" | "static", ..]
    )
}

pub(crate) async fn answer(request: Request, portal: &Portal) -> Answer {
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["healthz"] => text(StatusCode::OK, "ok\n"),
        ["echo", ..] => echo(request, portal).await,
        ["slow"] => {
            let delay = request.number("ms", 1_000).min(SLOWEST);
            tokio::time::sleep(Duration::from_millis(delay)).await;
            json(&json!({ "waited": delay }))
        }
        ["status", code] => status(code),
        ["static", name] if matches!(request.method, Method::GET | Method::HEAD) => {
            resource::answer(&request, name)
        }
        ["static", _] => not_allowed("GET, HEAD"),
        _ => not_found(),
    }
}

/// The request as it was received, as JSON; fields in their order of arrival.
async fn echo(request: Request, portal: &Portal) -> Answer {
    let headers: Vec<_> = request
        .headers
        .iter()
        .map(|(name, value)| {
            [
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            ]
        })
        .collect();
    let mut seen = json!({
        "portal": portal.kind().name(),
        "method": request.method.as_str(),
        "target": request.target,
        "host": request.host,
        "version": format!("{:?}", request.version),
        "headers": headers,
    });
    let Some(read) = measure(request.body).await else {
        return unreadable("the body broke off");
    };
    if let Some(seen) = seen.as_object_mut() {
        seen.insert("body-length".to_owned(), json!(read.bytes));
        seen.insert("body-crc32".to_owned(), json!(format!("{:08x}", read.crc)));
        seen.insert("trailers".to_owned(), json!(read.trailers));
    }
    json(&seen)
}

/// What was read of a body without keeping it.
pub(crate) struct Measured {
    pub(crate) bytes: u64,
    pub(crate) crc: u32,
    pub(crate) trailers: Vec<[String; 2]>,
}

/// Reads a body to its end, whatever its length; nothing where it breaks off.
pub(crate) async fn measure(mut body: hyper::body::Incoming) -> Option<Measured> {
    let (mut bytes, mut crc, mut trailers) = (0u64, crc32fast::Hasher::new(), Vec::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.ok()?;
        if let Some(data) = frame.data_ref() {
            bytes = bytes.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
            crc.update(data);
        } else if let Some(fields) = frame.trailers_ref() {
            let pair = |(n, v): (&http::HeaderName, &http::HeaderValue)| {
                [
                    n.as_str().to_owned(),
                    String::from_utf8_lossy(v.as_bytes()).into_owned(),
                ]
            };
            trailers.extend(fields.iter().map(pair));
        }
    }
    Some(Measured {
        bytes,
        crc: crc.finalize(),
        trailers,
    })
}

fn status(code: &str) -> Answer {
    let status = code
        .parse()
        .ok()
        .filter(|c| (200..600).contains(c))
        .and_then(|c| StatusCode::from_u16(c).ok());
    match status {
        None => unreadable("a status is a number from 200 to 599"),
        Some(
            status
            @ (StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED),
        ) => {
            let mut answer = Answer::new(nothing());
            *answer.status_mut() = status;
            answer
        }
        Some(status) => text(status, format!("{status}\n")),
    }
}
