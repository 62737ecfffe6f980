//! Values whose types are known only when a request arrives.

use std::borrow::Cow;

use serde_json::Value as Json;

/// A value while a matcher is evaluated.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Datum<'a> {
    Null,
    Bool(bool),
    /// Whole numbers of the crate, which have 32 bits.
    Int(i32),
    /// Numbers of Go, which are all floating.
    Number(f64),
    Text(Cow<'a, str>),
    List(Cow<'a, [Json]>),
    Map(&'a serde_json::Map<String, Json>),
}

/// What an evaluation ends in when it has no value.
pub(crate) type Fault = String;

impl<'a> Datum<'a> {
    /// A value of the request, with floating numbers.
    pub(crate) fn floating(json: &'a Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(known) => Self::Bool(*known),
            Json::Number(number) => Self::Number(number.as_f64().unwrap_or(f64::NAN)),
            Json::String(text) => Self::Text(Cow::Borrowed(text)),
            Json::Array(list) => Self::List(Cow::Borrowed(list)),
            Json::Object(map) => Self::Map(map),
        }
    }

    /// A value of the request, with numbers of 32 bits.
    ///
    /// # Errors
    ///
    /// Numbers that have a fraction or do not fit.
    pub(crate) fn whole(json: &'a Json) -> Result<Self, Fault> {
        Ok(match json {
            Json::Number(number) => {
                let narrow = number.as_i64().and_then(|wide| i32::try_from(wide).ok());
                Self::Int(narrow.ok_or_else(|| {
                    format!(
                        "`{number}` is no whole number of 32 bits, which is all this dialect has"
                    )
                })?)
            }
            Json::Null | Json::Bool(_) | Json::String(_) | Json::Array(_) | Json::Object(_) => {
                Self::floating(json)
            }
        })
    }

    /// What kind of value it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a truth value",
            Self::Int(_) | Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "an object",
        }
    }

    pub(crate) fn truth(&self) -> Result<bool, Fault> {
        if let Self::Bool(known) = self {
            return Ok(*known);
        }
        Err(format!("expected a truth value, found {}", self.kind()))
    }

    pub(crate) fn text(&self) -> Result<&str, Fault> {
        if let Self::Text(text) = self {
            return Ok(text);
        }
        Err(format!("expected text, found {}", self.kind()))
    }

    /// The value as the crate shows it to functions that take text.
    pub(crate) fn shown(&self) -> Result<Cow<'_, str>, Fault> {
        Ok(match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Null => Cow::Borrowed(""),
            Self::Bool(known) => Cow::Owned(known.to_string()),
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::Number(_) | Self::List(_) | Self::Map(_) => {
                return Err(format!("expected text, found {}", self.kind()));
            }
        })
    }

    /// Whether two values are the same and of one type.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self == other
    }

    pub(crate) fn is(&self, json: &Json) -> bool {
        match self {
            Self::Int(number) => json.as_i64() == Some(i64::from(*number)),
            Self::Null
            | Self::Bool(_)
            | Self::Number(_)
            | Self::Text(_)
            | Self::List(_)
            | Self::Map(_) => Datum::floating(json) == *self,
        }
    }
}
