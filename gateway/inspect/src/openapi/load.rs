//! A document is read: every mistake, each with its place.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::parameter::{Parameter, Place, Style};
use super::schema::{SchemaId, Schemas};
use super::{Body, Content, Document, Operation, PathItem, Segment, Unlisted};

/// A mistake in a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The text is neither YAML nor JSON; the reader says the line.
    #[error("the document is no YAML and no JSON: {0}")]
    Syntax(String),
    /// Something in it is wrong or not known.
    #[error("at `{pointer}`: {what}")]
    At {
        /// The JSON Pointer.
        pointer: String,
        /// What is wrong, and what would be right.
        what: String,
    },
}

/// Mistakes that are told; who wrote this many wants to see the first ones only.
const TOLD: usize = 100;
/// Schemas inside schemas. Chosen; documents of people have ten.
pub(super) const DEPTH: usize = 64;
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

pub(super) fn load(text: &str, unlisted: Unlisted) -> Result<Document, Vec<LoadError>> {
    let root: Value = serde_yaml_ng::from_str(text)
        .map_err(|error| vec![LoadError::Syntax(error.to_string())])?;
    let mut loader = Loader {
        root: &root,
        schemas: Schemas::default(),
        known: HashMap::new(),
        wrong: Vec::new(),
    };
    let version = root
        .get("openapi")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !version.starts_with("3.0") && !version.starts_with("3.1") {
        loader.wrong(
            "/openapi",
            format!("`{version}` is not supported; write `3.0.x` or `3.1.x`"),
        );
    }
    let bases = loader.bases();
    let mut paths: BTreeMap<usize, Vec<PathItem>> = BTreeMap::new();
    match root.get("paths").and_then(Value::as_object) {
        Some(items) => {
            for (path, item) in items.iter().filter(|(path, _)| !path.starts_with("x-")) {
                let at = format!("/paths/{}", escape(path));
                if let Some(item) = loader.item(path, item, &at) {
                    paths.entry(item.segments.len()).or_default().push(item);
                }
            }
        }
        None => loader.wrong(
            "/paths",
            "is missing; without paths every request would be refused".into(),
        ),
    }
    for items in paths.values_mut() {
        items.sort_by_key(|item| std::cmp::Reverse(item.literals()));
    }
    if loader.wrong.is_empty() {
        Ok(Document {
            bases,
            paths,
            schemas: loader.schemas,
            unlisted,
        })
    } else {
        Err(loader.wrong)
    }
}

pub(super) struct Loader<'d> {
    pub(super) root: &'d Value,
    pub(super) schemas: Schemas,
    /// Schemas by the pointer they are referred to with.
    pub(super) known: HashMap<String, SchemaId>,
    wrong: Vec<LoadError>,
}

impl<'d> Loader<'d> {
    pub(super) fn wrong(&mut self, pointer: &str, what: String) {
        if self.wrong.len() < TOLD {
            self.wrong.push(LoadError::At {
                pointer: pointer.to_owned(),
                what,
            });
        }
    }

    /// Returns the paths of the servers: `https://a/v1` serves below `/v1`.
    fn bases(&mut self) -> Vec<String> {
        let mut bases = Vec::new();
        let servers = self.root.get("servers").and_then(Value::as_array);
        for (i, server) in servers.into_iter().flatten().enumerate() {
            let url = server.get("url").and_then(Value::as_str).unwrap_or("/");
            if url.contains('{') {
                self.wrong(
                    &format!("/servers/{i}/url"),
                    "variables are not supported; write one server for each value".into(),
                );
            }
            let path = match url.split_once("://") {
                Some((_, after)) => after
                    .find('/')
                    .map_or("", |at| after.get(at..).unwrap_or_default()),
                None => url,
            };
            bases.push(path.trim_end_matches('/').to_owned());
        }
        if bases.is_empty() {
            bases.push(String::new());
        }
        bases
    }

    /// Follows `$ref`; the value itself where there is none.
    fn follow(&mut self, value: &'d Value, at: &str) -> Option<&'d Value> {
        let mut value = value;
        for _ in 0..DEPTH {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
                return Some(value);
            };
            let target = reference
                .strip_prefix('#')
                .and_then(|p| self.root.pointer(&unescape(p)));
            let Some(target) = target else {
                self.wrong(
                    at,
                    format!("`{reference}` leads nowhere; references start with `#/`"),
                );
                return None;
            };
            value = target;
        }
        self.wrong(at, "refers to itself".into());
        None
    }

    fn item(&mut self, path: &str, item: &'d Value, at: &str) -> Option<PathItem> {
        let Some(text) = path.strip_prefix('/') else {
            self.wrong(at, format!("the path `{path}` should start with `/`"));
            return None;
        };
        let mut segments = Vec::new();
        for segment in text.split('/') {
            segments.push(self.segment(segment, at)?);
        }
        let item = self.follow(item, at)?;
        let shared = item.get("parameters").and_then(Value::as_array);
        let mut operations = Vec::new();
        for (method, operation) in item.as_object().into_iter().flatten() {
            if !METHODS.contains(&method.as_str()) {
                continue;
            }
            let at = format!("{at}/{method}");
            let mut parameters: Vec<Parameter> = Vec::new();
            let own = operation.get("parameters").and_then(Value::as_array);
            for (i, parameter) in own.into_iter().chain(shared).flatten().enumerate() {
                if let Some(parameter) = self.parameter(parameter, &format!("{at}/parameters/{i}"))
                    && !parameters
                        .iter()
                        .any(|p| p.name == parameter.name && p.place == parameter.place)
                {
                    parameters.push(parameter);
                }
            }
            let body = operation
                .get("requestBody")
                .and_then(|body| self.body(body, &format!("{at}/requestBody")));
            operations.push((method.to_ascii_uppercase(), Operation { parameters, body }));
        }
        Some(PathItem {
            segments,
            operations,
        })
    }

    fn segment(&mut self, text: &str, at: &str) -> Option<Segment> {
        let Some((before, tail)) = text.split_once('{') else {
            return Some(Segment::Literal(text.to_owned()));
        };
        match tail.split_once('}') {
            Some((name, after)) if !name.is_empty() && !after.contains('{') => {
                Some(Segment::Parameter {
                    before: before.to_owned(),
                    name: name.to_owned(),
                    after: after.to_owned(),
                })
            }
            _ => {
                self.wrong(
                    at,
                    format!("`{text}` should hold one parameter, as in `{{id}}` or `{{id}}.json`"),
                );
                None
            }
        }
    }

    fn parameter(&mut self, value: &'d Value, at: &str) -> Option<Parameter> {
        let value = self.follow(value, at)?;
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
        let flag = |key: &str| value.get(key).and_then(Value::as_bool);
        let Some(place) = Place::parse(text("in")) else {
            self.wrong(
                at,
                format!(
                    "`in` is `{}`; write `path`, `query`, `header` or `cookie`",
                    text("in")
                ),
            );
            return None;
        };
        let style = text("style");
        if !matches!(style, "" | "form" | "simple" | "deepObject") {
            self.wrong(
                at,
                format!("style `{style}` is not supported; use `form`, `simple` or `deepObject`"),
            );
        }
        let content = value.get("content").and_then(Value::as_object);
        let inner = content.and_then(|c| c.iter().next());
        let schema = inner.map_or_else(|| value.get("schema"), |(_, media)| media.get("schema"));
        let name = match place {
            Place::Header => text("name").to_ascii_lowercase(),
            Place::Path | Place::Query | Place::Cookie => text("name").to_owned(),
        };
        Some(Parameter {
            place,
            name,
            required: flag("required").unwrap_or_default(),
            schema: schema.map(|schema| self.schema(schema, &format!("{at}/schema"), 0)),
            style: if inner.is_some_and(|(media, _)| media.contains("json")) {
                Style::Json
            } else if style == "deepObject" {
                Style::Deep
            } else if flag("explode").unwrap_or(matches!(style, "" | "form")) {
                Style::Exploded
            } else {
                Style::Listed
            },
        })
    }

    fn body(&mut self, value: &'d Value, at: &str) -> Option<Body> {
        let value = self.follow(value, at)?;
        let mut contents = Vec::new();
        for (media, content) in value
            .get("content")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let at = format!("{at}/content/{}", escape(media));
            contents.push(Content {
                media: media
                    .split(';')
                    .next()
                    .unwrap_or_default()
                    .trim()
                    .to_ascii_lowercase(),
                schema: content
                    .get("schema")
                    .map(|schema| self.schema(schema, &format!("{at}/schema"), 0)),
            });
        }
        Some(Body {
            required: value
                .get("required")
                .and_then(Value::as_bool)
                .unwrap_or_default(),
            contents,
        })
    }
}

pub(super) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// References are URLs: `#/paths/~1a%7Bid%7D`.
pub(super) fn unescape(pointer: &str) -> String {
    let bytes =
        crate::decode::percent::decode(pointer.as_bytes(), crate::decode::percent::Plus::Literal);
    String::from_utf8_lossy(&bytes).into_owned()
}
