//! Schemas are read: what they say, and what they say that is not supported.

use serde_json::{Map, Value};

use super::Pattern;
use super::format::Format;
use super::load::{DEPTH, Loader, escape, unescape};
use super::schema::{Additional, Schema, SchemaId, Type};

impl<'d> Loader<'d> {
    pub(super) fn schema(&mut self, value: &'d Value, at: &str, depth: usize) -> SchemaId {
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
        if let Some(allowed) = value.as_bool() {
            schema.never = !allowed;
            return schema;
        }
        let Some(map) = value.as_object() else {
            self.wrong(at, "a schema is an object".into());
            return schema;
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
            "enum" => value
                .as_array()
                .ok_or_else(|| "should be a list".to_owned())
                .map(|values| schema.allowed = Some(values.clone())),
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
            "required" => value
                .as_array()
                .ok_or_else(|| "should be a list of names".to_owned())
                .map(|names| {
                    let names = names.iter().filter_map(Value::as_str);
                    schema.required = names.map(str::to_owned).collect();
                }),
            "items" => {
                schema.items = Some(self.schema(value, at, depth + 1));
                Ok(())
            }
            "properties" => value
                .as_object()
                .ok_or_else(|| "should be an object".to_owned())
                .map(|properties| {
                    for (name, property) in properties {
                        let at = format!("{at}/{}", escape(name));
                        let id = self.schema(property, &at, depth + 1);
                        schema.properties.push((name.clone(), id));
                    }
                }),
            "additionalProperties" => {
                schema.additional = match value.as_bool() {
                    Some(true) => Additional::Allowed,
                    Some(false) => Additional::Refused,
                    None => Additional::Like(self.schema(value, at, depth + 1)),
                };
                Ok(())
            }
            "allOf" | "anyOf" | "oneOf" => value
                .as_array()
                .filter(|parts| !parts.is_empty())
                .ok_or_else(|| "should be a list of schemas".to_owned())
                .map(|parts| {
                    let mut ids = Vec::new();
                    for (i, part) in parts.iter().enumerate() {
                        ids.push(self.schema(part, &format!("{at}/{i}"), depth + 1));
                    }
                    match key {
                        "allOf" => schema.all = ids,
                        "anyOf" => schema.any = ids,
                        _ => schema.one = ids,
                    }
                }),
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
    match value.as_array() {
        Some(all) => all.iter().map(one).collect(),
        None => Ok(vec![one(value)?]),
    }
}
