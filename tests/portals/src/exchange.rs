//! The data exchange, 数据共享交换: people and enterprises for other departments' programs.

use std::io::Write as _;

use futures_util::stream;
use http::{HeaderValue, Method, StatusCode, header};
use hyper::body::Bytes;
use serde::Deserialize;
use serde_json::json;

use crate::answer::{
    Answer, json, not_allowed, not_found, of_type, problem, sized, streamed, unreadable, whole,
};
use crate::grpc;
use crate::portal::Portal;
use crate::records::{Person, Records};
use crate::request::Request;

/// People on a page, unless `size` says otherwise.
const PAGE: u64 = 20;

/// The most people on a page, in an answer to a query, and in an export (chosen).
const MOST: u64 = 10_000;

pub(crate) async fn answer(request: Request, portal: &Portal) -> Answer {
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    let records = portal.records();
    if request.method == Method::POST {
        return match path.as_slice() {
            ["exchange.People", method] => {
                let method = (*method).to_owned();
                grpc::answer(&method, request, portal.shared_records()).await
            }
            ["api", "v1", "query"] => query(request, records).await,
            ["api", "v1", "people" | "enterprises" | "export", ..] => not_allowed("GET, HEAD"),
            _ => not_found(),
        };
    }
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return not_allowed("GET, HEAD, POST");
    }
    match path.as_slice() {
        [""] => {
            json(&json!({ "name": "数据共享交换平台", "version": "v1", "people": records.count() }))
        }
        ["api", "v1", "people"] => list(&request, records),
        ["api", "v1", "people", id] => {
            found(id.parse().ok().and_then(|id| records.person(id)).as_ref())
        }
        ["api", "v1", "enterprises", code] => found(
            records
                .enterprise_by_code(code)
                .or_else(|| records.enterprise(code.parse().ok()?))
                .as_ref(),
        ),
        ["api", "v1", "export"] => export(&request, records),
        ["api", "v1", "query"] | ["exchange.People", _] => not_allowed("POST"),
        _ => not_found(),
    }
}

/// A record as JSON, or that there is none.
pub(crate) fn found(record: Option<&impl serde::Serialize>) -> Answer {
    match record.map(serde_json::to_vec) {
        Some(Ok(body)) => sized(StatusCode::OK, "application/json", body),
        Some(Err(_)) => problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the record cannot be written",
        ),
        None => not_found(),
    }
}

fn list(request: &Request, records: &Records) -> Answer {
    let page = request.number("page", 1).max(1);
    let size = request.number("size", PAGE).clamp(1, MOST);
    let people = records.page(page, size);
    if request.mentions(header::ACCEPT, "ndjson") || request.asked("format") == Some("ndjson") {
        let lines = people.filter_map(|person| {
            let mut line = serde_json::to_vec(&person).ok()?;
            line.push(b'\n');
            Some(Bytes::from(line))
        });
        return streamed("application/x-ndjson", stream::iter(lines));
    }
    let people: Vec<Person> = people.collect();
    json(&json!({ "page": page, "size": size, "total": records.count(), "people": people }))
}

/// What can be asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    /// These people.
    #[serde(default)]
    ids: Vec<u64>,
    /// Or those whose name begins like this, among the first 10,000.
    name: Option<String>,
    /// At most so many. Default: 20.
    limit: Option<u64>,
}

async fn query(request: Request, records: &Records) -> Answer {
    let Some(body) = request.whole().await else {
        return unreadable("the query is too large or broke off");
    };
    let query: Query = match serde_json::from_slice(&body) {
        Ok(query) => query,
        Err(error) => {
            return unreadable(&format!(
                "a query is `{{\"ids\": […]}}` or `{{\"name\": …}}`: {error}"
            ));
        }
    };
    let limit = usize::try_from(query.limit.unwrap_or(PAGE).min(MOST)).unwrap_or(0);
    let people: Vec<Person> = match query.name {
        Some(name) => records
            .page(1, MOST)
            .filter(|p| p.name.starts_with(&name))
            .take(limit)
            .collect(),
        None => query
            .ids
            .iter()
            .filter_map(|id| records.person(*id))
            .take(limit)
            .collect(),
    };
    json(&json!({ "count": people.len(), "people": people }))
}

/// The first `rows` people (default 100) as JSON Lines or CSV, coded as the client takes it.
pub(crate) fn export(request: &Request, records: &Records) -> Answer {
    let rows = request.number("rows", 100).min(MOST);
    let csv = request.asked("format") == Some("csv")
        || request
            .target
            .split('?')
            .next()
            .is_some_and(|p| p.ends_with(".csv"));
    let plain = if csv {
        as_csv(records, rows)
    } else {
        as_lines(records, rows)
    };
    let media_type = if csv {
        "text/csv; charset=utf-8"
    } else {
        "application/x-ndjson"
    };
    let coding = Coding::asked(request);
    let Some(body) = coding.coded(plain) else {
        return problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the export cannot be coded",
        );
    };
    let length = HeaderValue::from(body.len());
    let mut answer = of_type(StatusCode::OK, media_type, whole(body));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_LENGTH, length);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(name) = coding.name() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    answer
}

fn as_lines(records: &Records, rows: u64) -> Vec<u8> {
    let mut lines = Vec::new();
    for person in records.page(1, rows) {
        if serde_json::to_writer(&mut lines, &person).is_ok() {
            lines.push(b'\n');
        }
    }
    lines
}

fn as_csv(records: &Records, rows: u64) -> Vec<u8> {
    let mut csv = "id,name,birthday,resident_id,mobile,email,address,bank_card,employer,salary\r\n"
        .to_owned();
    for p in records.page(1, rows) {
        // None of the values has a comma, a quote or a line break in it.
        let row = [
            &p.id.to_string(),
            &p.name,
            &p.birthday,
            &p.resident_id,
            &p.mobile,
            &p.email,
            &p.address,
            &p.bank_card,
            &p.employer,
            &p.salary.to_string(),
        ]
        .map(String::as_str)
        .join(",");
        csv.push_str(&row);
        csv.push_str("\r\n");
    }
    csv.into_bytes()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Identity,
    Gzip,
    Brotli,
}

impl Coding {
    fn asked(request: &Request) -> Self {
        let text: Vec<String> = request
            .headers
            .get_all(header::ACCEPT_ENCODING)
            .iter()
            .filter_map(|v| v.to_str().ok().map(str::to_ascii_lowercase))
            .collect();
        Self::of(&text.join(","))
    }

    /// Brotli before gzip, whatever their weights, but never what is weighted with 0.
    fn of(accepted: &str) -> Self {
        let takes = |name: &str| {
            accepted.split(',').any(|item| {
                let mut parts = item.split(';').map(str::trim);
                let named = parts.next() == Some(name);
                let weight = parts
                    .find_map(|p| p.strip_prefix("q="))
                    .and_then(|q| q.parse::<f32>().ok())
                    .unwrap_or(1.0);
                named && weight > 0.0
            })
        };
        if takes("br") {
            Self::Brotli
        } else if takes("gzip") {
            Self::Gzip
        } else {
            Self::Identity
        }
    }

    const fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }

    fn coded(self, plain: Vec<u8>) -> Option<Vec<u8>> {
        match self {
            Self::Identity => Some(plain),
            Self::Gzip => {
                let mut writer =
                    flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                writer.write_all(&plain).ok()?;
                writer.finish().ok()
            }
            Self::Brotli => {
                let mut writer = brotli::CompressorWriter::new(Vec::new(), 16 << 10, 4, 22);
                writer.write_all(&plain).ok()?;
                Some(writer.into_inner())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coding_is_used_only_when_it_is_accepted() {
        let table = [
            ("", Coding::Identity),
            ("identity", Coding::Identity),
            ("gzip, deflate", Coding::Gzip),
            ("gzip;q=0.5, br;q=0.1", Coding::Brotli),
            ("br;q=0, gzip", Coding::Gzip),
            ("gzip; q=0", Coding::Identity),
            ("bright", Coding::Identity),
        ];
        for (accepted, expected) in table {
            assert_eq!(Coding::of(accepted), expected, "{accepted}");
        }
    }
}
