//! Parameters: where they stand, and their values as text becomes what a schema speaks of.

use serde_json::Value;

use super::schema::{Schema, SchemaId, Schemas, Type};

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
    Header,
    Cookie,
}

impl Place {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "path" => Self::Path,
            "query" => Self::Query,
            "header" => Self::Header,
            "cookie" => Self::Cookie,
            _ => return None,
        })
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
        }
    }
}

/// How a value that is more than a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// One name for each item or property.
    Exploded,
    /// The items stand in one value, between commas.
    Listed,
    /// `name[key]=value`.
    Deep,
    /// The value is JSON.
    Json,
}

#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) place: Place,
    /// Headers in lower case.
    pub(super) name: String,
    pub(super) required: bool,
    pub(super) schema: Option<SchemaId>,
    pub(super) style: Style,
}

impl Parameter {
    /// Says whether a name of the query belongs to it.
    pub(super) fn owns(&self, name: &str, schemas: &Schemas) -> bool {
        if name == self.name {
            return true;
        }
        if self.style == Style::Deep {
            return name
                .strip_prefix(self.name.as_str())
                .is_some_and(|tail| tail.starts_with('[') && tail.ends_with(']'));
        }
        let Some(schema) = self.schema.and_then(|id| schemas.resolved(id)) else {
            return false;
        };
        // Frameworks write the items of a list with brackets behind the name.
        let listed = schema.is(Type::Array)
            && name
                .strip_suffix("[]")
                .is_some_and(|stem| stem == self.name);
        listed
            || self.style == Style::Exploded
                && schema.is(Type::Object)
                && schema.properties.iter().any(|(known, _)| known == name)
    }

    /// Turns the values that were sent into one that a schema can judge; `None` where text is all that is known.
    pub(super) fn value(&self, values: &[&str], schemas: &Schemas) -> Option<Value> {
        let id = self.schema?;
        if self.style == Style::Json {
            return Some(serde_json::from_str(values.first()?).unwrap_or(Value::Null));
        }
        let schema = schemas.resolved(id)?;
        if schema.is(Type::Object) {
            return None;
        }
        if schema.is(Type::Array) {
            let items = schema.items.and_then(|id| schemas.resolved(id));
            let separate = self.style == Style::Exploded && self.place != Place::Path;
            let pieces: Vec<&str> = if separate {
                values.to_vec()
            } else {
                values.iter().flat_map(|value| value.split(',')).collect()
            };
            return Some(Value::Array(
                pieces
                    .into_iter()
                    .map(|piece| typed(piece, items))
                    .collect(),
            ));
        }
        Some(typed(values.first()?, Some(schema)))
    }
}

/// Reads text as the type that a schema asks for; text that is of no such type stays text, and the schema says so.
pub(super) fn typed(text: &str, schema: Option<&Schema>) -> Value {
    let Some(schema) = schema else {
        return Value::String(text.to_owned());
    };
    let number = || {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let plain = !digits.is_empty()
            && digits.len() <= 40
            && digits
                .bytes()
                .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
        plain
            .then(|| serde_json::from_str::<Value>(text).ok())
            .flatten()
    };
    let found = if schema.is(Type::String) || schema.types.is_empty() {
        None
    } else if schema.is(Type::Boolean) {
        match text {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            _ => None,
        }
    } else if schema.is(Type::Integer) || schema.is(Type::Number) {
        number()
    } else {
        None
    };
    found.unwrap_or_else(|| Value::String(text.to_owned()))
}
