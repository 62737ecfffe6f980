//! The public service site, 一网通办.

use std::sync::Arc;

use futures_util::stream;
use http::{Method, StatusCode, header};
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::answer::{Answer, json, not_allowed, not_found, page, sized, streamed, unreadable};
use crate::every::measure;
use crate::portal::Portal;
use crate::records::Records;
use crate::request::{Request, pairs, value_of};
use crate::{notices, pages};

/// A piece of a streamed body is at least this large (chosen).
const PIECE: usize = 64 << 10;

pub(crate) async fn answer(request: Request, portal: &Portal) -> Answer {
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    let reads = matches!(request.method, Method::GET | Method::HEAD);
    match path.as_slice() {
        [""] if reads => page(pages::home()),
        ["search"] if reads => search(&request),
        ["events"] if reads => notices::events(&request),
        ["ws"] if request.method == Method::GET => notices::socket(request),
        ["download", bytes] if reads => match bytes.parse() {
            Ok(bytes) => download(portal.shared_records(), bytes),
            Err(_) => unreadable("how many bytes is a number"),
        },
        ["upload"] if matches!(request.method, Method::POST | Method::PUT) => upload(request).await,
        ["办事", item] if reads => match pages::item(item) {
            Some((title, english)) if request.mentions(header::ACCEPT, "json") => json(
                &json!({ "item": item, "title": title, "english": english, "fields": ["name", "resident_id", "mobile"] }),
            ),
            Some((title, english)) => page(pages::form(item, title, english)),
            None => not_found(),
        },
        ["办事", item] | ["办事", item, "提交"] if request.method == Method::POST => {
            let item = (*item).to_owned();
            submit(&item, request).await
        }
        [""] | ["search" | "events" | "ws"] | ["download", _] => not_allowed("GET, HEAD"),
        ["upload"] => not_allowed("POST, PUT"),
        ["办事", _] | ["办事", _, "提交"] => not_allowed("GET, HEAD, POST"),
        _ => not_found(),
    }
}

fn search(request: &Request) -> Answer {
    let query = request.asked("q").unwrap_or_default();
    if request.mentions(header::ACCEPT, "json") {
        return json(&json!({ "query": query }));
    }
    page(pages::found(query))
}

/// Citizens as a JSON array of at least so many bytes, made as they are sent.
fn download(records: Arc<Records>, bytes: u64) -> Answer {
    let begin = (0u64, 0u64, false);
    streamed(
        "application/json",
        stream::unfold(begin, move |(mut number, mut sent, ended)| {
            let records = Arc::clone(&records);
            async move {
                if ended {
                    return None;
                }
                let mut piece = Vec::with_capacity(PIECE + 1_024);
                while piece.len() < PIECE {
                    piece.push(if number == 0 { b'[' } else { b',' });
                    piece.push(b'\n');
                    // A person always becomes JSON, and memory can always be written to.
                    serde_json::to_writer(&mut piece, &records.person_round(number)).ok()?;
                    number = number.saturating_add(1);
                    let so_far = sent
                        .saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX))
                        .saturating_add(2);
                    if so_far >= bytes {
                        piece.extend_from_slice(b"\n]");
                        return Some((Bytes::from(piece), (number, so_far, true)));
                    }
                }
                sent = sent.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
                Some((Bytes::from(piece), (number, sent, false)))
            }
        }),
    )
}

async fn upload(request: Request) -> Answer {
    match measure(request.body).await {
        Some(read) => json(&json!({ "bytes": read.bytes, "crc32": format!("{:08x}", read.crc) })),
        None => unreadable("上传中断 · the upload broke off"),
    }
}

/// Receives an application, as a form or as JSON; what it says comes back, as it does in such systems.
async fn submit(item: &str, request: Request) -> Answer {
    let Some((title, _)) = pages::item(item) else {
        return not_found();
    };
    let (is_json, wants_json) = (
        request.mentions(header::CONTENT_TYPE, "application/json"),
        request.mentions(header::ACCEPT, "json"),
    );
    let Some(body) = request.whole().await else {
        return unreadable("申请表过大或中断 · the application is too large or broke off");
    };
    let said = if is_json {
        from_json(&body)
    } else {
        from_form(&body)
    };
    let Some(said) = said else {
        return unreadable(
            "申请表需含 name、resident_id、mobile · an application has name, resident_id and mobile",
        );
    };
    let number = format!("SL{:010}", crc32fast::hash(&body));
    if is_json || wants_json {
        let body = json!({ "item": item, "title": title, "number": number, "application": said })
            .to_string();
        return sized(StatusCode::CREATED, "application/json", body);
    }
    page(pages::receipt(title, &number))
}

fn from_json(body: &[u8]) -> Option<Value> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let has = |name: &str| {
        value
            .get(name)
            .is_some_and(|v| v.as_str().is_some_and(|s| !s.trim().is_empty()))
    };
    ["name", "resident_id", "mobile"]
        .into_iter()
        .all(has)
        .then_some(value)
}

fn from_form(body: &[u8]) -> Option<Value> {
    let pairs = pairs(std::str::from_utf8(body).ok()?);
    let has = |name: &str| value_of(&pairs, name).filter(|v| !v.trim().is_empty());
    Some(
        json!({ "name": has("name")?, "resident_id": has("resident_id")?, "mobile": has("mobile")? }),
    )
}
