//! Positive security: a request must be one that the portal's OpenAPI document (3.0 or 3.1) describes.
//!
//! ```text
//! document ─► load (every mistake, with its place) ─► Document ─► check(request) ─► what departs from it
//! ```
//!
//! A keyword that constrains and is not known refuses the load: what cannot be checked must not look checked.

use std::collections::BTreeMap;

use regex::Regex;

mod check;
mod format;
mod load;
mod parameter;
mod read;
mod schema;

pub use check::{Departure, Request};
pub use load::LoadError;
use parameter::Parameter;
use schema::{SchemaId, Schemas};

/// What a body's object may hold besides the properties that its schema lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unlisted {
    /// What JSON Schema says: anything, unless `additionalProperties` forbids it.
    #[default]
    Allowed,
    /// Nothing, unless `additionalProperties` allows it.
    Refused,
}

/// A document, ready to be asked. Immutable.
#[derive(Debug)]
pub struct Document {
    /// Paths in front of every path, from `servers`; without any, the empty one.
    bases: Vec<String>,
    /// By number of segments; those with more literal segments first.
    paths: BTreeMap<usize, Vec<PathItem>>,
    schemas: Schemas,
    unlisted: Unlisted,
}

#[derive(Debug)]
struct PathItem {
    segments: Vec<Segment>,
    operations: Vec<(String, Operation)>,
}

#[derive(Debug)]
enum Segment {
    Literal(String),
    /// A parameter, with what stands around it in the segment.
    Parameter {
        before: String,
        name: String,
        after: String,
    },
}

#[derive(Debug)]
struct Operation {
    parameters: Vec<Parameter>,
    body: Option<Body>,
}

#[derive(Debug)]
struct Body {
    required: bool,
    contents: Vec<Content>,
}

#[derive(Debug)]
struct Content {
    /// `application/json`, `text/*`, `*/*`, in lower case.
    media: String,
    schema: Option<SchemaId>,
}

impl Document {
    /// Reads a document, YAML or JSON.
    ///
    /// # Errors
    ///
    /// Every mistake at once, each with its JSON Pointer, or the line where the text is no YAML.
    pub fn load(text: &str, unlisted: Unlisted) -> Result<Self, Vec<LoadError>> {
        load::load(text, unlisted)
    }

    /// Returns how many operations are described.
    pub fn operations(&self) -> usize {
        self.paths
            .values()
            .flatten()
            .map(|item| item.operations.len())
            .sum()
    }

    /// Finds what a decoded path is, below one of the bases: the item, and the values of its parameters.
    fn find<'p>(&self, path: &'p str) -> Option<(&PathItem, Vec<(&str, &'p str)>)> {
        self.bases.iter().find_map(|base| {
            let below = path.strip_prefix(base.as_str())?;
            let below = below.strip_prefix('/')?;
            let segments: Vec<&str> = below.split('/').collect();
            self.paths
                .get(&segments.len())?
                .iter()
                .find_map(|item| Some((item, item.matches(&segments)?)))
        })
    }
}

impl PathItem {
    fn literals(&self) -> usize {
        self.segments
            .iter()
            .filter(|segment| matches!(segment, Segment::Literal(_)))
            .count()
    }

    fn matches<'p>(&self, segments: &[&'p str]) -> Option<Vec<(&str, &'p str)>> {
        let mut values = Vec::new();
        for (mine, theirs) in self.segments.iter().zip(segments) {
            match mine {
                Segment::Literal(text) if text == theirs => {}
                Segment::Literal(_) => return None,
                Segment::Parameter {
                    before,
                    name,
                    after,
                } => {
                    let value = theirs.strip_prefix(before.as_str())?;
                    let value = value.strip_suffix(after.as_str())?;
                    if value.is_empty() {
                        return None;
                    }
                    values.push((name.as_str(), value));
                }
            }
        }
        Some(values)
    }
}

/// An expression of a schema: those of ECMAScript that Rust's engine, which is linear, can run.
#[derive(Debug)]
struct Pattern(Regex);

impl Pattern {
    fn new(text: &str) -> Result<Self, String> {
        regex::RegexBuilder::new(text)
            .size_limit(1 << 20)
            .build()
            .map(Self)
            .map_err(|error| {
                error
                    .to_string()
                    .lines()
                    .last()
                    .unwrap_or_default()
                    .to_owned()
            })
    }
}
