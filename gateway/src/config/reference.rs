//! The reference page of the configuration, written from its JSON Schema, so that it can never say something else than
//! the types.

use std::fmt::Write as _;

use schemars::Schema;
use serde_json::{Map, Value};

/// The page as Markdown.
pub(super) fn page(schema: &Schema) -> String {
    let root = schema.as_value();
    let empty = Map::new();
    let definitions = root
        .get("$defs")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let mut out = String::from(
        "# Configuration reference\n\nWritten by `hangu reference` from the types; `hangu schema` gives the same as JSON Schema.\n\
         Paths are relative to the file they stand in. Times are written `500ms`, `10s`, `5m`, `12h`, `30d`; sizes `512B`, `64KiB`, `1MiB`.\n",
    );
    let mut page = Page {
        definitions,
        out: &mut out,
    };
    page.table("", root, 0);
    out
}

struct Page<'a> {
    definitions: &'a Map<String, Value>,
    out: &'a mut String,
}

/// How deep tables nest; deeper is a schema that refers to itself.
const DEPTH: usize = 8;

impl<'a> Page<'a> {
    /// Follows references and the `anyOf` that an optional value has.
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let mut schema = schema;
        for _ in 0..DEPTH {
            if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
                let name = name.rsplit('/').next().unwrap_or_default();
                match self.definitions.get(name) {
                    Some(found) => schema = found,
                    None => return schema,
                }
            } else if let Some(options) = schema.get("anyOf").and_then(Value::as_array) {
                let real = options
                    .iter()
                    .find(|o| o.get("type").and_then(Value::as_str) != Some("null"));
                match real {
                    Some(found) => schema = found,
                    None => return schema,
                }
            } else {
                return schema;
            }
        }
        schema
    }

    fn table(&mut self, path: &str, schema: &'a Value, depth: usize) {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return;
        };
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        // Writing to a string cannot fail.
        if !path.is_empty() {
            let _written = write!(self.out, "\n## `{path}`\n");
            if let Some(about) = schema.get("description").and_then(Value::as_str) {
                let _written = write!(self.out, "\n{}\n", about.replace('\n', " "));
            }
        }
        let _written = write!(self.out, "\n| key | value | |\n|---|---|---|\n");
        let mut below = Vec::new();
        for (key, property) in properties {
            let meant = self.resolve(property);
            let about = property
                .get("description")
                .or_else(|| meant.get("description"));
            let about = about
                .and_then(Value::as_str)
                .unwrap_or_default()
                .replace('\n', " ")
                .replace('|', "\\|");
            let must = if required.contains(&key.as_str()) {
                " **Required.**"
            } else {
                ""
            };
            let (kind, table) = self.kind(meant);
            let _written = writeln!(self.out, "| `{key}` | {kind} | {about}{must} |");
            if let Some((table, list)) = table {
                let name = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                below.push((if list { format!("[{name}]") } else { name }, table));
            }
        }
        if depth < DEPTH {
            for (name, table) in below {
                self.table(name.trim_matches(['[', ']']), table, depth + 1);
            }
        }
    }

    /// What a value is, and the table below it with whether there can be several.
    fn kind(&self, schema: &'a Value) -> (String, Option<(&'a Value, bool)>) {
        if schema.get("properties").is_some() {
            return ("table".to_owned(), Some((schema, false)));
        }
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            return (choices(values.iter().filter_map(Value::as_str)), None);
        }
        if let Some(options) = schema.get("oneOf").and_then(Value::as_array) {
            let words: Vec<&str> = options
                .iter()
                .filter_map(|o| {
                    o.get("const").and_then(Value::as_str).or_else(|| {
                        o.get("enum")
                            .and_then(Value::as_array)
                            .and_then(|e| e.first())
                            .and_then(Value::as_str)
                    })
                })
                .collect();
            if words.len() == options.len() {
                return (choices(words.into_iter()), None);
            }
            return ("table".to_owned(), None);
        }
        let kind = match schema.get("type") {
            Some(Value::String(one)) => one.as_str(),
            Some(Value::Array(several)) => several
                .iter()
                .filter_map(Value::as_str)
                .find(|t| *t != "null")
                .unwrap_or("any"),
            _ => "any",
        };
        if kind == "array" {
            let item = schema.get("items").map(|items| self.resolve(items));
            return match item {
                Some(item) => {
                    let (inner, table) = self.kind(item);
                    (format!("list of {inner}"), table.map(|(t, _)| (t, true)))
                }
                None => ("list".to_owned(), None),
            };
        }
        if kind == "object" {
            let inner = schema.get("additionalProperties").map(|p| self.resolve(p));
            return match inner.filter(|p| p.is_object()) {
                Some(inner) => {
                    let (text, table) = self.kind(inner);
                    (format!("table of {text}"), table)
                }
                None => ("table".to_owned(), None),
            };
        }
        (kind.to_owned(), None)
    }
}

fn choices<'v>(words: impl Iterator<Item = &'v str>) -> String {
    words
        .map(|w| format!("`{w}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
