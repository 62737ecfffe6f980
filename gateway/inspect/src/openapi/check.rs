//! Whether a request is one that a document describes.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::parameter::{Place, typed};
use super::{Document, Operation, PathItem};
use crate::decode::percent::{self, Plus};
use crate::split::json::{self, Piece};
use crate::split::{cookie, query};
use crate::text::trim;
use crate::verdict::excerpt;

/// A request as it will be forwarded.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// `GET`.
    pub method: &'a str,
    /// The path, normalised and still percent-encoded.
    pub path: &'a str,
    /// What follows `?`.
    pub query: Option<&'a [u8]>,
    /// Names in lower case.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The whole body, without its content coding; empty where there is none. `None` where there is one that was not
    /// read: then it must be one that may be sent, and nothing is said of what it holds.
    pub body: Option<&'a [u8]>,
}

/// Where a request departs from the document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Departure {
    /// No such path.
    #[error("the path is not described")]
    Path,
    /// The path has no such method.
    #[error("the path has no method `{0}`")]
    Method(String),
    /// A parameter that the operation does not have.
    #[error("the {place} parameter `{name}` is not described")]
    Unknown {
        /// `query`.
        place: &'static str,
        /// The name, decoded.
        name: String,
    },
    /// A parameter that must be there and is not.
    #[error("the {place} parameter `{name}` is missing")]
    Missing {
        /// `path`, `query`, `header` or `cookie`.
        place: &'static str,
        /// The name.
        name: String,
    },
    /// A parameter of another type or form.
    #[error("the {place} parameter `{name}` {what}")]
    Parameter {
        /// `path`, `query`, `header` or `cookie`.
        place: &'static str,
        /// The name.
        name: String,
        /// What is wrong with it; the value is not named.
        what: String,
    },
    /// A body where none is described.
    #[error("the operation takes no body")]
    Unexpected,
    /// No body where one is required.
    #[error("the body is missing")]
    NoBody,
    /// A media type that is not described.
    #[error("media type `{0}` is not described")]
    MediaType(String),
    /// A body that is no JSON, or names the same thing twice.
    #[error("the body is no JSON that every reader understands alike")]
    Malformed,
    /// A value in the body of another type or form.
    #[error("the body at `{pointer}` {what}")]
    Body {
        /// The JSON Pointer.
        pointer: String,
        /// What is wrong with it; the value is not named.
        what: String,
    },
}

/// Departures that are told of one request.
const TOLD: usize = 16;

impl Document {
    /// Says where a request departs from the document; nothing where it is described.
    pub fn check(&self, request: &Request<'_>) -> Vec<Departure> {
        let path = percent::decode(request.path.as_bytes(), Plus::Literal);
        let Ok(path) = std::str::from_utf8(&path) else {
            return vec![Departure::Path];
        };
        // An encoded slash is part of a value to some and of the path to others.
        if request.path.to_ascii_lowercase().contains("%2f") {
            return vec![Departure::Path];
        }
        let Some((item, values)) = self.find(path) else {
            return vec![Departure::Path];
        };
        let Some(operation) = item.operation(request.method) else {
            return vec![Departure::Method(told(request.method))];
        };
        let mut found = Vec::new();
        self.parameters(operation, &values, request, &mut found);
        if let Err(departure) = self.body(operation, request) {
            found.push(departure);
        }
        found.truncate(TOLD);
        found
    }

    fn parameters(
        &self,
        operation: &Operation,
        in_path: &[(&str, &str)],
        request: &Request<'_>,
        found: &mut Vec<Departure>,
    ) {
        let mut sent: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in query::pairs(request.query.unwrap_or_default()) {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            sent.entry(text(&name)).or_default().push(text(&value));
        }
        for name in sent.keys().filter(|name| !name.is_empty()) {
            let known = operation
                .parameters
                .iter()
                .any(|p| p.place == Place::Query && p.owns(name, &self.schemas));
            if !known {
                found.push(Departure::Unknown {
                    place: "query",
                    name: told(name),
                });
            }
        }
        for parameter in &operation.parameters {
            let (place, name) = (parameter.place.name(), parameter.name.clone());
            let values: Vec<String> = match parameter.place {
                Place::Query => {
                    let brackets = format!("{name}[]");
                    let listed = sent.get(&brackets).into_iter().flatten();
                    sent.get(&name)
                        .into_iter()
                        .flatten()
                        .chain(listed)
                        .cloned()
                        .collect()
                }
                Place::Path => in_path
                    .iter()
                    .filter(|(known, _)| *known == name)
                    .map(|(_, value)| (*value).to_owned())
                    .collect(),
                Place::Header => headers(request, &name),
                Place::Cookie => headers(request, "cookie")
                    .iter()
                    .flat_map(|header| {
                        cookie::pairs(header.as_bytes())
                            .filter(|(known, _)| *known == name.as_bytes())
                            .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
                            .collect::<Vec<_>>()
                    })
                    .collect(),
            };
            if values.is_empty() {
                let parts = parameter.place == Place::Query
                    && sent.keys().any(|sent| parameter.owns(sent, &self.schemas));
                if parameter.required && !parts {
                    found.push(Departure::Missing { place, name });
                }
                continue;
            }
            let texts: Vec<&str> = values.iter().map(String::as_str).collect();
            if let (Some(id), Some(value)) =
                (parameter.schema, parameter.value(&texts, &self.schemas))
            {
                // Said twice where once is meant, one reader takes the first and another the last.
                let twice = texts.len() > 1 && !value.is_array();
                let outcome = self.schemas.check(id, &value, self.unlisted);
                let what = match outcome {
                    Err((_, what)) => what,
                    Ok(()) if twice => "is there more than once".to_owned(),
                    Ok(()) => continue,
                };
                found.push(Departure::Parameter { place, name, what });
            }
        }
    }

    fn body(&self, operation: &Operation, request: &Request<'_>) -> Result<(), Departure> {
        let none = request.body.is_some_and(<[u8]>::is_empty);
        let Some(body) = &operation.body else {
            return if none {
                Ok(())
            } else {
                Err(Departure::Unexpected)
            };
        };
        if none {
            return if body.required {
                Err(Departure::NoBody)
            } else {
                Ok(())
            };
        }
        let declared = headers(request, "content-type");
        let media = declared
            .first()
            .and_then(|value| value.split(';').next())
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        let content = body
            .contents
            .iter()
            .find(|content| content.media == media)
            .or_else(|| {
                body.contents
                    .iter()
                    .find(|content| covers(&content.media, &media))
            })
            .ok_or_else(|| Departure::MediaType(told(&media)))?;
        let (Some(id), Some(bytes)) = (content.schema, request.body) else {
            return Ok(());
        };
        let value = if media.ends_with("json") {
            whole_json(bytes)?
        } else if media == "application/x-www-form-urlencoded" {
            self.form(id, bytes)
        } else {
            // Of other types the document says no more than that they may be sent.
            return Ok(());
        };
        self.schemas
            .check(id, &value, self.unlisted)
            .map_err(|(pointer, what)| Departure::Body {
                pointer: told(&pointer),
                what,
            })
    }

    /// Makes an object of the fields of a form, each of the type that its property has.
    fn form(&self, id: super::SchemaId, body: &[u8]) -> Value {
        let schema = self.schemas.resolved(id);
        let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in query::pairs(body) {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            fields.entry(text(&name)).or_default().push(text(&value));
        }
        let mut object = serde_json::Map::new();
        for (name, values) in fields {
            let property = schema
                .and_then(|schema| schema.properties.iter().find(|(known, _)| *known == name))
                .and_then(|(_, id)| self.schemas.resolved(*id));
            let listed = property.is_some_and(|p| p.is(super::schema::Type::Array));
            let items = property
                .and_then(|p| p.items)
                .and_then(|id| self.schemas.resolved(id));
            let value = match values.as_slice() {
                [one] if !listed => typed(one, property),
                many => Value::Array(many.iter().map(|value| typed(value, items)).collect()),
            };
            object.insert(name, value);
        }
        Value::Object(object)
    }
}

impl PathItem {
    fn operation(&self, method: &str) -> Option<&Operation> {
        let find = |wanted: &str| self.operations.iter().find(|(known, _)| known == wanted);
        // Who may get may ask for the head.
        let found = find(method).or_else(|| (method == "HEAD").then(|| find("GET")).flatten())?;
        Some(&found.1)
    }
}

/// What a client wrote, short and printable.
fn told(text: &str) -> String {
    excerpt(text.as_bytes(), 0, text.len())
}

fn headers(request: &Request<'_>, name: &str) -> Vec<String> {
    request
        .headers
        .iter()
        .filter(|(known, _)| *known == name)
        .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        .collect()
}

/// `application/*` and `*/*`.
fn covers(range: &str, media: &str) -> bool {
    range == "*/*"
        || range
            .strip_suffix('*')
            .is_some_and(|start| start.ends_with('/') && media.starts_with(start))
}

/// Reads one JSON text, without names that stand twice in one object.
fn whole_json(body: &[u8]) -> Result<Value, Departure> {
    let value: Value = serde_json::from_slice(trim(body)).map_err(|_| Departure::Malformed)?;
    let mut known: HashSet<(String, Vec<u8>)> = HashSet::new();
    let mut twice = false;
    let outcome = json::read(body, 128, usize::MAX, &mut |piece, pointer, text| {
        if piece == Piece::Key {
            twice |= !known.insert((pointer.to_owned(), text.to_vec()));
        }
    });
    if twice || outcome.is_err() {
        return Err(Departure::Malformed);
    }
    Ok(value)
}
