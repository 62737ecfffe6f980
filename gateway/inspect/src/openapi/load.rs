//! A document is read: every mistake, each with its place.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::parameter::{Parameter, Place};
use super::schema::{Additional, Format, Schema, SchemaId, Schemas, Type};
use super::{Body, Content, Document, Operation, PathItem, Pattern, Segment, Unlisted};

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
const DEPTH: usize = 64;
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
    match root.get("paths") {
        Some(Value::Object(items)) => {
            for (path, item) in items.iter().filter(|(path, _)| !path.starts_with("x-")) {
                let at = format!("/paths/{}", escape(path));
                if let Some(item) = loader.item(path, item, &at) {
                    paths.entry(item.segments.len()).or_default().push(item);
                }
            }
        }
        _ => loader.wrong(
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

struct Loader<'d> {
    root: &'d Value,
    schemas: Schemas,
    /// Schemas by the pointer they are referred to with.
    known: HashMap<String, SchemaId>,
    wrong: Vec<LoadError>,
}

impl<'d> Loader<'d> {
    fn wrong(&mut self, pointer: &str, what: String) {
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
            deep: style == "deepObject",
            explode: flag("explode").unwrap_or(matches!(style, "" | "form")),
            json: inner.is_some_and(|(media, _)| media.contains("json")),
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

    fn schema(&mut self, value: &'d Value, at: &str, depth: usize) -> SchemaId {
        let id = SchemaId(self.schemas.0.len());
        self.schemas.0.push(Schema::default());
        let schema = if depth > DEPTH {
            self.wrong(at, format!("is nested deeper than {DEPTH} schemas"));
            Schema::default()
        } else {
            self.read(value, at, depth)
        };
        if let Some(slot) = self.schemas.0.get_mut(id.0) {
            *slot = schema;
        }
        id
    }

    fn read(&mut self, value: &'d Value, at: &str, depth: usize) -> Schema {
        let mut schema = Schema::default();
        let map = match value {
            Value::Bool(allowed) => {
                schema.never = !allowed;
                return schema;
            }
            Value::Object(map) => map,
            _ => {
                self.wrong(at, "a schema is an object".into());
                return schema;
            }
        };
        if let Some(Value::String(reference)) = map.get("$ref") {
            schema.reference = self.reference(reference, at, depth);
            return schema;
        }
        for (key, value) in map {
            let inner = format!("{at}/{}", escape(key));
            self.keyword(&mut schema, map, key, value, &inner, depth);
        }
        if map.get("nullable") == Some(&Value::Bool(true)) && !schema.types.is_empty() {
            schema.types.push(Type::Null);
            if let Some(allowed) = &mut schema.allowed {
                allowed.push(Value::Null);
            }
        }
        schema
    }

    /// Returns the schema that a reference leads to; one that is being read is known by its place already.
    fn reference(&mut self, reference: &str, at: &str, depth: usize) -> Option<SchemaId> {
        if let Some(id) = self.known.get(reference) {
            return Some(*id);
        }
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
        let id = SchemaId(self.schemas.0.len());
        self.schemas.0.push(Schema::default());
        self.known.insert(reference.to_owned(), id);
        let schema = if depth > DEPTH {
            self.wrong(at, format!("is nested deeper than {DEPTH} schemas"));
            Schema::default()
        } else {
            self.read(target, reference.trim_start_matches('#'), depth + 1)
        };
        if let Some(slot) = self.schemas.0.get_mut(id.0) {
            *slot = schema;
        }
        Some(id)
    }

    fn keyword(
        &mut self,
        schema: &mut Schema,
        map: &Map<String, Value>,
        key: &str,
        value: &'d Value,
        at: &str,
        depth: usize,
    ) {
        let count = || {
            let n = value.as_u64().and_then(|n| usize::try_from(n).ok());
            n.ok_or_else(|| "should be a whole number that is not negative".to_owned())
        };
        let number = || {
            value
                .as_f64()
                .ok_or_else(|| "should be a number".to_owned())
        };
        let outcome: Result<(), String> = match key {
            "type" => types(value).map(|types| schema.types = types),
            "format" => {
                schema.format = value.as_str().and_then(Format::parse);
                Ok(())
            }
            "enum" => match value {
                Value::Array(values) => {
                    schema.allowed = Some(values.clone());
                    Ok(())
                }
                _ => Err("should be a list".into()),
            },
            "const" => {
                schema.allowed = Some(vec![value.clone()]);
                Ok(())
            }
            "minLength" => count().map(|n| schema.length.0 = n),
            "maxLength" => count().map(|n| schema.length.1 = n),
            "minItems" => count().map(|n| schema.count.0 = n),
            "maxItems" => count().map(|n| schema.count.1 = n),
            "minProperties" => count().map(|n| schema.size.0 = n),
            "maxProperties" => count().map(|n| schema.size.1 = n),
            "uniqueItems" => {
                schema.unique = value == &Value::Bool(true);
                Ok(())
            }
            "minimum" => number().map(|n| {
                schema.minimum = Some((
                    n,
                    schema.minimum.is_some_and(|m| m.1)
                        || map.get("exclusiveMinimum") == Some(&Value::Bool(true)),
                ))
            }),
            "maximum" => number().map(|n| {
                schema.maximum = Some((n, map.get("exclusiveMaximum") == Some(&Value::Bool(true))))
            }),
            // A flag in 3.0, a bound of its own in 3.1.
            "exclusiveMinimum" | "exclusiveMaximum" if value.is_boolean() => Ok(()),
            "exclusiveMinimum" => number().map(|n| schema.minimum = Some((n, true))),
            "exclusiveMaximum" => number().map(|n| schema.maximum = Some((n, true))),
            "multipleOf" => number().and_then(|n| {
                if n > 0.0 {
                    schema.multiple = Some(n);
                    Ok(())
                } else {
                    Err("should be above zero".into())
                }
            }),
            "pattern" => value
                .as_str()
                .ok_or_else(|| "should be a string".to_owned())
                .and_then(Pattern::new)
                .map(|pattern| schema.pattern = Some(pattern)),
            "required" => match value {
                Value::Array(names) => {
                    schema.required = names
                        .iter()
                        .filter_map(Value::as_str)
                        .map(str::to_owned)
                        .collect();
                    Ok(())
                }
                _ => Err("should be a list of names".into()),
            },
            "items" => {
                schema.items = Some(self.schema(value, at, depth + 1));
                Ok(())
            }
            "properties" => match value {
                Value::Object(properties) => {
                    for (name, property) in properties {
                        let at = format!("{at}/{}", escape(name));
                        let id = self.schema(property, &at, depth + 1);
                        schema.properties.push((name.clone(), id));
                    }
                    Ok(())
                }
                _ => Err("should be an object".into()),
            },
            "additionalProperties" => {
                schema.additional = match value {
                    Value::Bool(true) => Additional::Allowed,
                    Value::Bool(false) => Additional::Refused,
                    other => Additional::Like(self.schema(other, at, depth + 1)),
                };
                Ok(())
            }
            "allOf" | "anyOf" | "oneOf" => match value {
                Value::Array(parts) if !parts.is_empty() => {
                    let mut ids = Vec::new();
                    for (i, part) in parts.iter().enumerate() {
                        ids.push(self.schema(part, &format!("{at}/{i}"), depth + 1));
                    }
                    match key {
                        "allOf" => schema.all = ids,
                        "anyOf" => schema.any = ids,
                        _ => schema.one = ids,
                    }
                    Ok(())
                }
                _ => Err("should be a list of schemas".into()),
            },
            "not" => {
                schema.not = Some(self.schema(value, at, depth + 1));
                Ok(())
            }
            "title" | "description" | "default" | "example" | "examples" | "deprecated"
            | "readOnly" | "writeOnly" | "nullable" | "xml" | "externalDocs" | "discriminator"
            | "contentEncoding" | "contentMediaType" | "$comment" | "$id" | "$schema" | "$defs"
            | "definitions" | "$anchor" => Ok(()),
            _ if key.starts_with("x-") => Ok(()),
            _ => Err(format!(
                "`{key}` is not supported, and what it forbids would pass; describe the value without it"
            )),
        };
        if let Err(what) = outcome {
            self.wrong(at, what);
        }
    }
}

fn types(value: &Value) -> Result<Vec<Type>, String> {
    let wrong = || {
        "should be `string`, `integer`, `number`, `boolean`, `array`, `object` or `null`".to_owned()
    };
    let one = |value: &Value| value.as_str().and_then(Type::parse).ok_or_else(wrong);
    match value {
        Value::Array(all) => all.iter().map(one).collect(),
        other => Ok(vec![one(other)?]),
    }
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// References are URLs: `#/paths/~1a%7Bid%7D`.
fn unescape(pointer: &str) -> String {
    let bytes =
        crate::decode::percent::decode(pointer.as_bytes(), crate::decode::percent::Plus::Literal);
    String::from_utf8_lossy(&bytes).into_owned()
}
