//! Requests that are made up, kept or only partly known.

use serde_json::{Map, Value as Json};

use crate::engine::snapshot::{Policy, Snapshot};
use crate::facts::{Fact, Facts, Kind, Shape, Value};
use crate::{Said, said};

/// A value of a request that stands on its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Held {
    Missing,
    Text(String),
    Int(i64),
    Bool(bool),
}

impl Held {
    pub(crate) fn fact(&self) -> Fact<'_> {
        match self {
            Self::Missing => Fact::Missing,
            Self::Text(text) => Fact::Text(text),
            Self::Int(number) => Fact::Int(*number),
            Self::Bool(known) => Fact::Bool(*known),
        }
    }

    fn value(&self) -> Option<Value<'_>> {
        match self {
            Self::Missing => None,
            Self::Text(text) => Some(Value::Str(text)),
            Self::Int(number) => Some(Value::Int(*number)),
            Self::Bool(known) => Some(Value::Bool(*known)),
        }
    }

    pub(crate) fn json(&self) -> Json {
        match self {
            Self::Missing => Json::Null,
            Self::Text(text) => Json::from(text.as_str()),
            Self::Int(number) => Json::from(*number),
            Self::Bool(known) => Json::from(*known),
        }
    }

    fn read(json: &Json, kind: Kind) -> Option<Self> {
        match (json, kind) {
            (Json::Null, _) => Some(Self::Missing),
            (Json::String(text), Kind::Text) => Some(Self::Text(text.clone())),
            (Json::Bool(known), Kind::Bool) => Some(Self::Bool(*known)),
            (Json::Number(number), Kind::Int) => number.as_i64().map(Self::Int),
            (
                Json::Bool(_)
                | Json::Number(_)
                | Json::String(_)
                | Json::Array(_)
                | Json::Object(_),
                _,
            ) => None,
        }
    }
}

/// The values of a request by slot.
pub(crate) type Request = Vec<Held>;

pub(crate) fn facts(request: &[Held]) -> Facts<'_> {
    request.iter().map(Held::fact).collect()
}

/// Reads a request, an array in the order of the model or an object by name; what is not there is missing.
///
/// # Errors
///
/// Names and types that the model does not have.
pub(crate) fn read<'j>(policy: &Policy, json: &'j Json) -> Result<Request, Said> {
    let schema = &policy.model.schema;
    let mut request = vec![Held::Missing; schema.slots.len()];
    let mut set = |slot: usize, value: &Json| -> Result<(), Said> {
        let declared = schema
            .slots
            .get(slot)
            .ok_or_else(|| said!("the request has too many values", "请求中的值过多"))?;
        let held = Held::read(value, declared.kind);
        let wrong = || {
            said!(
                "`{}` is not {kind}",
                "`{}` 不是{kind}",
                declared.name;
                kind = declared.kind.said()
            )
        };
        if let Some(place) = request.get_mut(slot) {
            *place = held.ok_or_else(wrong)?;
        }
        Ok(())
    };
    let values: Vec<(usize, &'j Json)> = match json {
        Json::Array(values) if values.len() == schema.fields.len() => {
            values.iter().enumerate().collect()
        }
        Json::Array(values) => {
            let (got, expected) = (values.len(), schema.fields.len());
            return Err(said!(
                "the request has {got} values; the model defines {expected}",
                "请求有 {got} 个值，模型定义了 {expected} 个"
            ));
        }
        Json::Object(members) => {
            let place = |(name, value): (&String, &'j Json)| -> Result<(usize, &'j Json), Said> {
                let field = schema.fields.iter().position(|field| *field.name == **name);
                field.map(|field| (field, value)).ok_or_else(|| {
                    said!(
                        "`{name}` is no field of the request",
                        "请求没有名为 `{name}` 的字段"
                    )
                })
            };
            members.iter().map(place).collect::<Result<_, _>>()?
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {
            return Err(said!(
                "a request is an array or an object",
                "请求应为数组或对象"
            ));
        }
    };
    for (field, value) in values {
        match (schema.fields.get(field).map(|field| &field.shape), value) {
            (Some(Shape::Scalar(slot)), value) => set(*slot, value)?,
            (Some(Shape::Map { first, names }), Json::Object(members)) => {
                for (name, value) in members {
                    if let Some(at) = names.iter().position(|known| **known == **name) {
                        set(first + at, value)?;
                    }
                }
            }
            (Some(Shape::Map { .. }), Json::Null) | (None, _) => {}
            (Some(Shape::Map { .. }), _) => {
                return Err(said!("attributes are an object", "属性应为对象"));
            }
        }
    }
    Ok(request)
}

/// The request as the commands read it; what is missing is left out.
pub(crate) fn json(policy: &Policy, request: &[Held]) -> Json {
    let mut whole = Map::new();
    let value = |slot: usize| {
        request
            .get(slot)
            .filter(|held| **held != Held::Missing)
            .map(Held::json)
    };
    for field in &policy.model.schema.fields {
        match &field.shape {
            Shape::Scalar(slot) => {
                whole.extend(value(*slot).map(|value| (field.name.to_string(), value)));
            }
            Shape::Map { first, names } => {
                let named = names.iter().enumerate();
                let members: Map<String, Json> = named
                    .filter_map(|(at, name)| Some((name.to_string(), value(first + at)?)))
                    .collect();
                whole.insert(field.name.to_string(), Json::Object(members));
            }
        }
    }
    Json::Object(whole)
}

/// Asks a snapshot about a whole request.
pub(crate) fn with_values<T>(
    policy: &Policy,
    request: &[Held],
    ask: impl FnOnce(&[Value<'_>]) -> T,
) -> T {
    let fields = &policy.model.schema.fields;
    let maps: Vec<Vec<(&str, Value<'_>)>> = fields
        .iter()
        .map(|field| match &field.shape {
            Shape::Scalar(_) => Vec::new(),
            Shape::Map { first, names } => names
                .iter()
                .enumerate()
                .filter_map(|(at, name)| Some((&**name, request.get(first + at)?.value()?)))
                .collect(),
        })
        .collect();
    let values: Vec<Value<'_>> = fields
        .iter()
        .zip(&maps)
        .map(|(field, map)| match &field.shape {
            Shape::Scalar(slot) => request
                .get(*slot)
                .and_then(Held::value)
                .unwrap_or(Value::Str("")),
            Shape::Map { .. } => Value::Map(map),
        })
        .collect();
    ask(&values)
}

/// Whether a snapshot allows a whole request.
pub(crate) fn allows(snapshot: &Snapshot, request: &[Held]) -> bool {
    with_values(snapshot.policy(), request, |values| snapshot.decide(values))
        .is_ok_and(|decision| decision.effect == crate::Effect::Allow)
}
