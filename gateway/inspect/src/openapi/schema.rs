//! Schemas as OpenAPI has them, and whether a value is what one describes.

use serde_json::Value;

use super::format::Format;
use super::{Pattern, Unlisted};

/// A schema among those of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct SchemaId(pub(super) usize);

/// Schemas inside schemas inside a value that are followed; deeper ones are refused. Chosen.
const DEPTH: usize = 64;
/// Comparisons that one value may cost: alternatives of alternatives multiply. Chosen.
const WORK: usize = 200_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    String,
    Integer,
    Number,
    Boolean,
    Array,
    Object,
    Null,
}

impl Type {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "string" => Self::String,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            "array" => Self::Array,
            "object" => Self::Object,
            "null" => Self::Null,
            _ => return None,
        })
    }

    fn holds(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            // `1.0` is an integer in JSON Schema.
            Self::Integer => {
                value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0)
            }
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
            Self::Null => value.is_null(),
        }
    }
}

/// What an object may hold besides what is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Additional {
    Unsaid,
    Refused,
    Allowed,
    Like(SchemaId),
}

/// One schema.
#[derive(Debug)]
pub(super) struct Schema {
    /// Points to another, which is all that counts.
    pub(super) reference: Option<SchemaId>,
    /// Refuses everything: the schema `false`.
    pub(super) never: bool,
    /// Empty: any.
    pub(super) types: Vec<Type>,
    pub(super) format: Option<Format>,
    pub(super) allowed: Option<Vec<Value>>,
    pub(super) length: (usize, usize),
    pub(super) pattern: Option<Pattern>,
    pub(super) minimum: Option<(f64, bool)>,
    pub(super) maximum: Option<(f64, bool)>,
    pub(super) multiple: Option<f64>,
    pub(super) items: Option<SchemaId>,
    pub(super) count: (usize, usize),
    pub(super) unique: bool,
    pub(super) properties: Vec<(String, SchemaId)>,
    pub(super) required: Vec<String>,
    pub(super) additional: Additional,
    pub(super) size: (usize, usize),
    pub(super) all: Vec<SchemaId>,
    pub(super) any: Vec<SchemaId>,
    pub(super) one: Vec<SchemaId>,
    pub(super) not: Option<SchemaId>,
}

impl Default for Schema {
    fn default() -> Self {
        Self {
            reference: None,
            never: false,
            types: Vec::new(),
            format: None,
            allowed: None,
            length: (0, usize::MAX),
            pattern: None,
            minimum: None,
            maximum: None,
            multiple: None,
            items: None,
            count: (0, usize::MAX),
            unique: false,
            properties: Vec::new(),
            required: Vec::new(),
            additional: Additional::Unsaid,
            size: (0, usize::MAX),
            all: Vec::new(),
            any: Vec::new(),
            one: Vec::new(),
            not: None,
        }
    }
}

impl Schema {
    pub(super) fn is(&self, wanted: Type) -> bool {
        self.types.contains(&wanted)
    }
}

/// All schemas of a document.
#[derive(Debug, Default)]
pub(super) struct Schemas(pub(super) Vec<Schema>);

/// Where in a value, and what is wrong with it.
pub(super) type Wrong = (String, String);

impl Schemas {
    /// Follows references; `None` for one that leads nowhere.
    pub(super) fn resolved(&self, id: SchemaId) -> Option<&Schema> {
        let mut schema = self.0.get(id.0)?;
        for _ in 0..DEPTH {
            match schema.reference {
                Some(next) => schema = self.0.get(next.0)?,
                None => return Some(schema),
            }
        }
        None
    }

    /// Says where a value departs from a schema first, and how.
    pub(super) fn check(
        &self,
        id: SchemaId,
        value: &Value,
        unlisted: Unlisted,
    ) -> Result<(), Wrong> {
        let mut work = WORK;
        self.judge(id, value, "", unlisted, 0, &mut work)
    }

    fn judge(
        &self,
        id: SchemaId,
        value: &Value,
        at: &str,
        unlisted: Unlisted,
        depth: usize,
        work: &mut usize,
    ) -> Result<(), Wrong> {
        let wrong = |what: String| Err((at.to_owned(), what));
        *work = work.saturating_sub(1);
        if depth > DEPTH || *work == 0 {
            return wrong("is nested too deep or too large to be checked".into());
        }
        let Some(schema) = self.resolved(id) else {
            return wrong("has a schema that refers to itself".into());
        };
        if schema.never {
            return wrong("is not allowed".into());
        }
        schema
            .judge_alone(value)
            .map_err(|what| (at.to_owned(), what))?;
        if let Value::Array(items) = value
            && let Some(id) = schema.items
        {
            for (i, item) in items.iter().enumerate() {
                self.judge(id, item, &format!("{at}/{i}"), unlisted, depth + 1, work)?;
            }
        }
        if let Value::Object(object) = value {
            for (name, item) in object {
                let at = || format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                let known = schema.properties.iter().find(|(known, _)| known == name);
                match (known.map(|(_, id)| *id), schema.additional) {
                    (Some(id), _) | (None, Additional::Like(id)) => {
                        self.judge(id, item, &at(), unlisted, depth + 1, work)?;
                    }
                    (None, Additional::Refused) => return Err((at(), "is not described".into())),
                    (None, Additional::Unsaid)
                        if unlisted == Unlisted::Refused
                            && !schema.properties.is_empty()
                            && schema.all.is_empty() =>
                    {
                        return Err((at(), "is not described".into()));
                    }
                    (None, Additional::Unsaid | Additional::Allowed) => {}
                }
            }
        }
        for id in &schema.all {
            // What one part does not list another may: parts are open.
            self.judge(*id, value, at, Unlisted::Allowed, depth + 1, work)?;
        }
        if !schema.any.is_empty()
            && !schema.any.iter().any(|id| {
                self.judge(*id, value, at, unlisted, depth + 1, work)
                    .is_ok()
            })
        {
            return wrong("is none of the forms described".into());
        }
        if !schema.one.is_empty() {
            let fitting = schema
                .one
                .iter()
                .filter(|id| {
                    self.judge(**id, value, at, unlisted, depth + 1, work)
                        .is_ok()
                })
                .count();
            if fitting != 1 {
                return wrong(format!(
                    "fits {fitting} of the forms described instead of one"
                ));
            }
        }
        if let Some(id) = schema.not
            && self
                .judge(id, value, at, Unlisted::Allowed, depth + 1, work)
                .is_ok()
        {
            return wrong("is a form that is excluded".into());
        }
        Ok(())
    }
}

impl Schema {
    fn judge_alone(&self, value: &Value) -> Result<(), String> {
        if !self.types.is_empty() && !self.types.iter().any(|known| known.holds(value)) {
            let names: Vec<String> = self
                .types
                .iter()
                .map(|t| format!("{t:?}").to_lowercase())
                .collect();
            return Err(format!("is no {}", names.join(" or ")));
        }
        if self
            .allowed
            .as_ref()
            .is_some_and(|allowed| !allowed.contains(value))
        {
            return Err("is none of the values listed".into());
        }
        if let Some(format) = self.format.filter(|format| !format.holds(value)) {
            return Err(format!("is no `{}`", format.name()));
        }
        let within = |n: usize, (low, high): (usize, usize)| (low..=high).contains(&n);
        match value {
            Value::String(text) => {
                if !within(text.chars().count(), self.length) {
                    return Err("is too long or too short".into());
                }
                if self.pattern.as_ref().is_some_and(|p| !p.0.is_match(text)) {
                    return Err("does not match its pattern".into());
                }
            }
            Value::Number(number) => {
                let n = number.as_f64().unwrap_or(f64::NAN);
                let low = self
                    .minimum
                    .is_none_or(|(m, open)| if open { n > m } else { n >= m });
                let high = self
                    .maximum
                    .is_none_or(|(m, open)| if open { n < m } else { n <= m });
                if !low || !high {
                    return Err("is too large or too small".into());
                }
                if self
                    .multiple
                    .is_some_and(|m| (n / m - (n / m).round()).abs() > 1e-9)
                {
                    return Err("is no multiple of what it should be".into());
                }
            }
            Value::Array(items) => {
                if !within(items.len(), self.count) {
                    return Err("has too many or too few items".into());
                }
                // Written out and sorted, so that many items cost no more than a sort.
                if self.unique {
                    let mut texts: Vec<String> = items.iter().map(ToString::to_string).collect();
                    texts.sort_unstable();
                    texts.dedup();
                    if texts.len() < items.len() {
                        return Err("has an item twice".into());
                    }
                }
            }
            Value::Object(object) => {
                if !within(object.len(), self.size) {
                    return Err("has too many or too few properties".into());
                }
                if let Some(name) = self
                    .required
                    .iter()
                    .find(|name| !object.contains_key(*name))
                {
                    return Err(format!("lacks `{name}`"));
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
        Ok(())
    }
}
