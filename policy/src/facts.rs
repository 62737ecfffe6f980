//! What a request says, checked against what the model declares.

use smallvec::SmallVec;

use crate::{Said, said};

/// A value of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Text.
    Str(&'a str),
    /// An integer.
    Int(i64),
    /// A truth value.
    Bool(bool),
    /// Attributes by name.
    Map(&'a [(&'a str, Self)]),
}

impl Value<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Self::Str(_) => "text",
            Self::Int(_) => "an integer",
            Self::Bool(_) => "a truth value",
            Self::Map(_) => "a map",
        }
    }
}

/// Why a request could not be judged. Whoever asks must treat it as a refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unjudged {
    /// The request has another number of values than the model defines.
    #[error("the request has {got} values; the model defines {expected}")]
    WrongCount {
        /// Number in `[request_definition]`.
        expected: usize,
        /// Number in the request.
        got: usize,
    },
    /// A value has another type than the model declares.
    #[error("`{name}` is {got}; the model declares {expected}")]
    WrongType {
        /// Field or attribute.
        name: String,
        /// Type that the model declares.
        expected: &'static str,
        /// Type in the request.
        got: &'static str,
    },
    /// A map names an attribute twice.
    #[error("`{name}` is given twice; give it once")]
    Repeated {
        /// The attribute.
        name: String,
    },
}

impl Unjudged {
    /// Why, in both languages.
    pub fn said(&self) -> Said {
        let zh = match self {
            Self::WrongCount { expected, got } => {
                format!("请求有 {got} 个值，模型定义了 {expected} 个")
            }
            Self::WrongType {
                name,
                expected,
                got,
            } => format!(
                "`{name}` 是{}，模型声明为{}",
                kind_zh(got),
                kind_zh(expected)
            ),
            Self::Repeated { name } => format!("`{name}` 给了两次；只给一次"),
        };
        Said {
            en: self.to_string(),
            zh,
        }
    }
}

/// The name of a type in Chinese.
fn kind_zh(name: &str) -> &str {
    match name {
        "text" => "文本",
        "an integer" => "整数",
        "a truth value" => "布尔值",
        "a map" => "一组属性",
        other => other,
    }
}

/// The type of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Int,
    Bool,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Int => "an integer",
            Self::Bool => "a truth value",
        }
    }

    /// Its name for people.
    pub(crate) fn said(self) -> Said {
        match self {
            Self::Text => said!("text", "文本"),
            Self::Int => said!("an integer", "整数"),
            Self::Bool => said!("a truth value", "布尔值"),
        }
    }
}

/// One value that rules can ask about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fact<'a> {
    Missing,
    Text(&'a str),
    Int(i64),
    Bool(bool),
}

/// What the model declares about requests.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    pub(crate) fields: Vec<Field>,
    /// Every fact that a rule may name, in the order of [`Facts`].
    pub(crate) slots: Vec<Slot>,
}

/// A value of `[request_definition]`.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: Box<str>,
    pub(crate) shape: Shape,
}

#[derive(Debug)]
pub(crate) enum Shape {
    Scalar(usize),
    /// Attributes occupy the slots from `first` on, in the order declared.
    Map {
        first: usize,
        names: Vec<Box<str>>,
    },
}

#[derive(Debug)]
pub(crate) struct Slot {
    /// As rules write it: `r.sub`, `r.ctx.aal`.
    pub(crate) name: Box<str>,
    pub(crate) kind: Kind,
}

/// The facts of one request by slot.
pub(crate) type Facts<'a> = SmallVec<[Fact<'a>; 16]>;

impl Schema {
    /// Puts the values of a request into slots.
    pub(crate) fn bind<'a>(&self, request: &[Value<'a>]) -> Result<Facts<'a>, Unjudged> {
        if request.len() != self.fields.len() {
            return Err(Unjudged::WrongCount {
                expected: self.fields.len(),
                got: request.len(),
            });
        }
        let mut facts: Facts<'a> = SmallVec::new();
        for (field, value) in self.fields.iter().zip(request) {
            match (&field.shape, value) {
                (Shape::Scalar(_), _) => facts.push(self.typed(facts.len(), value)?),
                (Shape::Map { first, names }, Value::Map(entries)) => {
                    facts.resize(facts.len() + names.len(), Fact::Missing);
                    self.attributes(*first, names, entries, &mut facts)?;
                }
                (Shape::Map { .. }, Value::Str(_) | Value::Int(_) | Value::Bool(_)) => {
                    return Err(Unjudged::WrongType {
                        name: field.name.to_string(),
                        expected: "a map",
                        got: value.kind(),
                    });
                }
            }
        }
        Ok(facts)
    }

    fn attributes<'a>(
        &self,
        first: usize,
        names: &[Box<str>],
        entries: &[(&'a str, Value<'a>)],
        facts: &mut Facts<'a>,
    ) -> Result<(), Unjudged> {
        for (given, (name, value)) in entries.iter().enumerate() {
            // Callers usually give the attributes in the order declared.
            let position = match names.get(given) {
                Some(expected) if **expected == **name => Some(given),
                _ => names.iter().position(|known| **known == **name),
            };
            let Some(position) = position else { continue };
            let fact = self.typed(first + position, value)?;
            if let Some(place) = facts.get_mut(first + position) {
                if *place != Fact::Missing {
                    return Err(Unjudged::Repeated {
                        name: (*name).to_owned(),
                    });
                }
                *place = fact;
            }
        }
        Ok(())
    }

    fn typed<'a>(&self, slot: usize, value: &Value<'a>) -> Result<Fact<'a>, Unjudged> {
        let declared = self.slots.get(slot);
        match (value, declared.map(|slot| slot.kind)) {
            (Value::Str(text), Some(Kind::Text)) => Ok(Fact::Text(text)),
            (Value::Int(number), Some(Kind::Int)) => Ok(Fact::Int(*number)),
            (Value::Bool(known), Some(Kind::Bool)) => Ok(Fact::Bool(*known)),
            (_, kind) => Err(Unjudged::WrongType {
                name: declared
                    .map(|slot| slot.name.to_string())
                    .unwrap_or_default(),
                expected: kind.map_or("nothing", Kind::name),
                got: value.kind(),
            }),
        }
    }
}
