//! What an operator's descriptors say of messages and methods.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::wire::{self, Value};
use crate::part::PartError;

/// Messages of one schema, at most: chosen.
const MESSAGES_MAX: usize = 100_000;

/// Descriptors within one another, at most: chosen.
const NESTED_MAX: u8 = 32;

/// The messages and methods of a set of descriptors, as `protoc --include_imports --descriptor_set_out` writes it.
pub struct Schema {
    messages: Vec<Message>,
    by_name: HashMap<String, usize>,
    /// By path, `/package.Service/Method`: what is asked and what is answered.
    methods: HashMap<String, (usize, usize)>,
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema")
            .field("messages", &self.messages.len())
            .field("methods", &self.methods.len())
            .finish()
    }
}

/// Why a file of descriptors cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// It is no set of descriptors.
    #[error(
        "not a set of descriptors: {0}; write one with `protoc --include_imports --descriptor_set_out=FILE`"
    )]
    Malformed(String),
    /// Something in it names a message that is not.
    #[error("`{by}` names `{name}`, which is not in the file; write it with `--include_imports`")]
    Missing {
        /// What names it.
        by: String,
        /// The name.
        name: String,
    },
}

impl From<PartError> for SchemaError {
    fn from(error: PartError) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// One kind of message of a schema.
#[derive(Debug, Clone)]
pub struct MessageType {
    pub(super) schema: Arc<Schema>,
    pub(super) at: usize,
}

impl PartialEq for MessageType {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.schema, &other.schema) && self.at == other.at
    }
}

impl Eq for MessageType {}

/// One message.
#[derive(Debug, Default)]
pub(super) struct Message {
    fields: HashMap<u32, Field>,
    /// An entry of a map.
    pub(super) is_entry: bool,
}

/// One field of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) repeated: bool,
}

/// What a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Bytes,
    /// True, false, or one of an enumeration: nothing of a person.
    Word,
    /// A number, and how it is written.
    Number(Number),
    Message(usize),
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Signed,
    Unsigned,
    Zigzag,
    Fixed32,
    Signed32,
    Fixed64,
    Signed64,
    Float,
    Double,
}

impl Schema {
    /// Reads a set of descriptors.
    ///
    /// # Errors
    /// It is none, or it names messages that it does not have.
    pub fn new(set: &[u8]) -> Result<Arc<Self>, SchemaError> {
        let mut found = Found::default();
        wire::fields(set, |field, _| match (field.number, field.value) {
            (1, Value::Bytes(file)) => found.file(file),
            _ => Ok(()),
        })?;
        if found.messages.is_empty() {
            return Err(SchemaError::Malformed("it has no message".to_owned()));
        }
        found.resolve().map(Arc::new)
    }

    /// Returns the message of a full name, such as `package.Message`.
    #[must_use]
    pub fn message(self: &Arc<Self>, name: &str) -> Option<MessageType> {
        let at = *self.by_name.get(name.trim_start_matches('.'))?;
        Some(self.of(at))
    }

    /// Returns what a method asks and what it answers, by the path of its requests, `/package.Service/Method`.
    #[must_use]
    pub fn method(self: &Arc<Self>, path: &str) -> Option<(MessageType, MessageType)> {
        let &(asked, answered) = self.methods.get(path)?;
        Some((self.of(asked), self.of(answered)))
    }

    fn of(self: &Arc<Self>, at: usize) -> MessageType {
        MessageType {
            schema: Arc::clone(self),
            at,
        }
    }

    pub(super) fn get(&self, at: usize) -> Option<&Message> {
        self.messages.get(at)
    }
}

impl Message {
    pub(super) fn field(&self, number: u32) -> Option<&Field> {
        self.fields.get(&number)
    }
}

/// What was found so far, names not yet looked up.
#[derive(Default)]
struct Found {
    messages: Vec<(String, Vec<FoundField>, bool)>,
    methods: Vec<(String, String, String)>,
}

struct FoundField {
    /// The message that an extension belongs to.
    extends: Option<String>,
    number: u64,
    name: String,
    kind: u64,
    of: String,
    repeated: bool,
}

impl Found {
    fn file(&mut self, file: &[u8]) -> Result<(), PartError> {
        let mut package = String::new();
        wire::fields(file, |field, _| {
            if let (2, Value::Bytes(name)) = (field.number, field.value) {
                package = text(name)?;
            }
            Ok(())
        })?;
        let mut extensions = Vec::new();
        wire::fields(file, |field, _| match (field.number, field.value) {
            (4, Value::Bytes(message)) => self.message(&package, message, 0),
            (6, Value::Bytes(service)) => self.service(&package, service),
            (7, Value::Bytes(extension)) => {
                extensions.push(found_field(extension)?);
                Ok(())
            }
            _ => Ok(()),
        })?;
        self.messages.push((String::new(), extensions, false));
        Ok(())
    }

    fn message(&mut self, scope: &str, message: &[u8], depth: u8) -> Result<(), PartError> {
        if depth > NESTED_MAX || self.messages.len() > MESSAGES_MAX {
            return Err(PartError::Message("it has too many messages"));
        }
        let mut name = String::new();
        let (mut fields, mut is_entry) = (Vec::new(), false);
        wire::fields(message, |field, _| {
            match (field.number, field.value) {
                (1, Value::Bytes(own)) => name = join(scope, &text(own)?),
                (2 | 6, Value::Bytes(field)) => fields.push(found_field(field)?),
                (7, Value::Bytes(options)) => wire::fields(options, |option, _| {
                    is_entry |= matches!((option.number, option.value), (7, Value::Varint(1)));
                    Ok(())
                })?,
                _ => {}
            }
            Ok(())
        })?;
        wire::fields(message, |field, _| match (field.number, field.value) {
            (3, Value::Bytes(nested)) => self.message(&name, nested, depth + 1),
            _ => Ok(()),
        })?;
        self.messages.push((name, fields, is_entry));
        Ok(())
    }

    fn service(&mut self, package: &str, service: &[u8]) -> Result<(), PartError> {
        let mut name = String::new();
        let mut methods = Vec::new();
        wire::fields(service, |field, _| {
            match (field.number, field.value) {
                (1, Value::Bytes(own)) => name = join(package, &text(own)?),
                (2, Value::Bytes(method)) => {
                    let mut parts = [String::new(), String::new(), String::new()];
                    wire::fields(method, |field, _| {
                        let at = field.number.wrapping_sub(1) as usize;
                        if let (Some(part), Value::Bytes(own)) = (parts.get_mut(at), field.value) {
                            *part = text(own)?;
                        }
                        Ok(())
                    })?;
                    methods.push(parts);
                }
                _ => {}
            }
            Ok(())
        })?;
        for [method, asked, answered] in methods {
            self.methods
                .push((format!("/{name}/{method}"), asked, answered));
        }
        Ok(())
    }

    fn resolve(self) -> Result<Schema, SchemaError> {
        let mut by_name = HashMap::new();
        for (at, (name, ..)) in self.messages.iter().enumerate() {
            if !name.is_empty() && by_name.insert(name.clone(), at).is_some() {
                return Err(SchemaError::Malformed(format!("it has `{name}` twice")));
            }
        }
        let find = |by: &str, name: &str| {
            let missing = || SchemaError::Missing {
                by: by.to_owned(),
                name: name.to_owned(),
            };
            let found = by_name.get(name.trim_start_matches('.'));
            found.copied().ok_or_else(missing)
        };
        let mut messages: Vec<Message> = Vec::new();
        messages.resize_with(self.messages.len(), Message::default);
        for (at, (name, fields, is_entry)) in self.messages.iter().enumerate() {
            if let Some(message) = messages.get_mut(at) {
                message.is_entry = *is_entry;
            }
            for field in fields {
                let by = join(name, &field.name);
                let kind = kind(field, &by, &find)?;
                let owner = match &field.extends {
                    Some(extended) => find(&by, extended)?,
                    None => at,
                };
                let number = u32::try_from(field.number)
                    .map_err(|_| SchemaError::Malformed(format!("`{by}` has a wrong number")))?;
                if let Some(message) = messages.get_mut(owner) {
                    let field = Field {
                        name: field.name.clone(),
                        kind,
                        repeated: field.repeated,
                    };
                    message.fields.insert(number, field);
                }
            }
        }
        let mut methods = HashMap::new();
        for (path, asked, answered) in &self.methods {
            methods.insert(path.clone(), (find(path, asked)?, find(path, answered)?));
        }
        Ok(Schema {
            messages,
            by_name,
            methods,
        })
    }
}

fn found_field(bytes: &[u8]) -> Result<FoundField, PartError> {
    let mut found = FoundField {
        extends: None,
        number: 0,
        name: String::new(),
        kind: 0,
        of: String::new(),
        repeated: false,
    };
    wire::fields(bytes, |field, _| {
        match (field.number, field.value) {
            (1, Value::Bytes(name)) => found.name = text(name)?,
            (2, Value::Bytes(extended)) => found.extends = Some(text(extended)?),
            (3, Value::Varint(number)) => found.number = number,
            (4, Value::Varint(label)) => found.repeated = label == 3,
            (5, Value::Varint(kind)) => found.kind = kind,
            (6, Value::Bytes(of)) => found.of = text(of)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(found)
}

/// The numbers of `google.protobuf.FieldDescriptorProto.Type`.
fn kind(
    field: &FoundField,
    by: &str,
    find: &impl Fn(&str, &str) -> Result<usize, SchemaError>,
) -> Result<Kind, SchemaError> {
    Ok(match field.kind {
        1 => Kind::Number(Number::Double),
        2 => Kind::Number(Number::Float),
        3 | 5 => Kind::Number(Number::Signed),
        4 | 13 => Kind::Number(Number::Unsigned),
        6 => Kind::Number(Number::Fixed64),
        7 => Kind::Number(Number::Fixed32),
        8 | 14 => Kind::Word,
        9 => Kind::Text,
        11 => Kind::Message(find(by, &field.of)?),
        12 => Kind::Bytes,
        15 => Kind::Number(Number::Signed32),
        16 => Kind::Number(Number::Signed64),
        17 | 18 => Kind::Number(Number::Zigzag),
        10 => {
            return Err(SchemaError::Malformed(format!(
                "`{by}` is a group, which is not read"
            )));
        }
        _ => return Err(SchemaError::Malformed(format!("`{by}` has no type"))),
    })
}

fn text(bytes: &[u8]) -> Result<String, PartError> {
    let wrong = |_| PartError::Message("a name in it is no text");
    std::str::from_utf8(bytes).map(str::to_owned).map_err(wrong)
}

fn join(scope: &str, name: &str) -> String {
    if scope.is_empty() {
        name.to_owned()
    } else {
        format!("{scope}.{name}")
    }
}
