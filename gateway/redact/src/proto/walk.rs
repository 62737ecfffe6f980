//! One message: its texts and numbers as JSON, and the message again from what became of them.
//!
//! Both are the same walk, so that what is written first is read first.

use std::fmt::Write as _;

use super::schema::{Kind, Message, Number, Schema};
use super::wire::{self, Field, Value, WRONG, put_bytes, put_varint};
use super::{DEPTH_MAX, MESSAGE_MAX};
use crate::part::{PartError, Unread, Unreadable};
use crate::unit::Escapes;
use crate::value::{Charset, letters};

/// Bytes of JSON that a message is written as, at most: chosen, names are longer than numbers.
const JSON_MAX: usize = 8 * MESSAGE_MAX;

/// A walk over one message.
pub(super) struct Walk<'w> {
    schema: &'w Schema,
    unreadable: Unreadable,
    unread: &'w mut Unread,
    way: Way<'w>,
}

enum Way<'w> {
    Write(String),
    Read(Tokens<'w>),
}

/// What becomes of a field.
enum Turned {
    Same,
    Other(Vec<u8>),
    Gone,
}

/// Writes the texts and numbers of a message as an object of JSON.
pub(super) fn to_json(
    schema: &Schema,
    at: usize,
    bytes: &[u8],
    unreadable: Unreadable,
    unread: &mut Unread,
) -> Result<String, PartError> {
    let mut walk = Walk {
        schema,
        unreadable,
        unread,
        way: Way::Write(String::from("{")),
    };
    walk.message(at, bytes, 0)?;
    walk.punctuate('}')?;
    match walk.way {
        Way::Write(json) => Ok(json),
        Way::Read(_) => Err(WRONG),
    }
}

/// Writes the message again with what became of its texts and numbers; `None` where nothing changed.
pub(super) fn from_json(
    schema: &Schema,
    at: usize,
    bytes: &[u8],
    unreadable: Unreadable,
    json: &[u8],
) -> Result<Option<Vec<u8>>, PartError> {
    let mut walk = Walk {
        schema,
        unreadable,
        unread: &mut Unread::default(),
        way: Way::Read(Tokens { rest: json }),
    };
    let turned = walk.message(at, bytes, 0)?;
    if let Way::Read(tokens) = &mut walk.way
        && tokens.next().is_some()
    {
        return Err(WRONG);
    }
    Ok(turned)
}

impl Walk<'_> {
    fn message(
        &mut self,
        at: usize,
        bytes: &[u8],
        depth: u8,
    ) -> Result<Option<Vec<u8>>, PartError> {
        if depth > DEPTH_MAX {
            return Err(PartError::TooDeep { limit: DEPTH_MAX });
        }
        let schema = self.schema;
        let message = schema.get(at).ok_or(WRONG)?;
        let mut out = Vec::new();
        let mut changed = false;
        // The field whose values stand in an array now.
        let mut array = None;
        wire::fields(bytes, |field, whole| {
            let known = message
                .field(field.number)
                .filter(|known| fits(known.kind, known.repeated, field.value));
            let turned = match known {
                None => {
                    self.close(&mut array)?;
                    self.unknown(&format!("field {}", field.number))?
                }
                Some(known) if known.kind == Kind::Word => Turned::Same,
                Some(known) => {
                    if array != Some(field.number) {
                        self.close(&mut array)?;
                        self.key(&known.name)?;
                        let is_map = matches!(known.kind, Kind::Message(of) if schema.get(of).is_some_and(|of| of.is_entry));
                        if known.repeated && !is_map {
                            array = Some(field.number);
                            self.punctuate('[')?;
                        }
                    }
                    self.value(known.kind, &field, depth)?
                }
            };
            changed |= !matches!(turned, Turned::Same);
            match turned {
                Turned::Same => out.extend_from_slice(whole),
                Turned::Other(value) => {
                    out.extend_from_slice(field.tag);
                    out.extend_from_slice(&value);
                }
                Turned::Gone => {}
            }
            Ok(())
        })?;
        self.close(&mut array)?;
        Ok(changed.then_some(out))
    }

    fn close(&mut self, array: &mut Option<u32>) -> Result<(), PartError> {
        if array.take().is_some() {
            self.punctuate(']')?;
        }
        Ok(())
    }

    fn value(&mut self, kind: Kind, field: &Field<'_>, depth: u8) -> Result<Turned, PartError> {
        match (kind, field.value) {
            (Kind::Text | Kind::Bytes, Value::Bytes(bytes)) => {
                let Ok(text) = std::str::from_utf8(bytes) else {
                    self.text("")?;
                    return self.unknown("bytes");
                };
                let turned = self.text(text)?;
                Ok(turned.map_or(Turned::Same, |text| other(text.as_bytes())))
            }
            (Kind::Message(of), Value::Bytes(bytes)) => {
                let message = self.schema.get(of).ok_or(WRONG)?;
                self.punctuate('{')?;
                let turned = match entry(message, bytes)? {
                    Some((key, value)) => self.entry(message, key, value, depth)?,
                    None => self.message(of, bytes, depth + 1)?,
                };
                self.punctuate('}')?;
                Ok(turned.map_or(Turned::Same, |bytes| other(&bytes)))
            }
            (Kind::Number(number), Value::Bytes(packed)) => self.packed(number, packed),
            (Kind::Number(number), value) => {
                let turned = self.number(number, value)?;
                Ok(turned.map_or(Turned::Same, Turned::Other))
            }
            _ => Ok(Turned::Same),
        }
    }

    /// An entry of a map: its key names its value.
    fn entry(
        &mut self,
        message: &Message,
        key: (Field<'_>, &str, &[u8]),
        value: (Field<'_>, &[u8]),
        depth: u8,
    ) -> Result<Option<Vec<u8>>, PartError> {
        let (key, text, key_whole) = key;
        let (value, value_whole) = value;
        let new_key = self.text(text)?;
        self.colon()?;
        let known = message.field(2).ok_or(WRONG)?;
        let turned = if known.kind == Kind::Word {
            self.text("")?;
            Turned::Same
        } else {
            self.value(known.kind, &value, depth + 1)?
        };
        if new_key.is_none() && matches!(turned, Turned::Same) {
            return Ok(None);
        }
        let mut out = Vec::new();
        match new_key {
            Some(text) => {
                out.extend_from_slice(key.tag);
                put_bytes(text.as_bytes(), &mut out);
            }
            None => out.extend_from_slice(key_whole),
        }
        match turned {
            Turned::Same => out.extend_from_slice(value_whole),
            Turned::Other(bytes) => {
                out.extend_from_slice(value.tag);
                out.extend_from_slice(&bytes);
            }
            Turned::Gone => {}
        }
        Ok(Some(out))
    }

    fn packed(&mut self, number: Number, packed: &[u8]) -> Result<Turned, PartError> {
        let mut rest = packed;
        let mut out = Vec::new();
        let mut changed = false;
        while !rest.is_empty() {
            let (value, length) = match number {
                Number::Signed | Number::Unsigned | Number::Zigzag => {
                    let (value, length) = wire::varint(rest)?.ok_or(PartError::Truncated)?;
                    (Value::Varint(value), length)
                }
                Number::Fixed32 | Number::Signed32 | Number::Float => {
                    let four = rest.first_chunk().ok_or(PartError::Truncated)?;
                    (Value::Four(*four), 4)
                }
                Number::Fixed64 | Number::Signed64 | Number::Double => {
                    let eight = rest.first_chunk().ok_or(PartError::Truncated)?;
                    (Value::Eight(*eight), 8)
                }
            };
            let (whole, behind) = rest.split_at_checked(length).ok_or(WRONG)?;
            match self.number(number, value)? {
                Some(bytes) => {
                    changed = true;
                    out.extend(bytes);
                }
                None => out.extend_from_slice(whole),
            }
            rest = behind;
        }
        Ok(if changed { other(&out) } else { Turned::Same })
    }

    /// What the descriptor does not know, or cannot be read.
    fn unknown(&mut self, what: &str) -> Result<Turned, PartError> {
        let what = format!("{what} of a message");
        match self.unreadable {
            Unreadable::Refuse => Err(PartError::Unreadable(what)),
            Unreadable::Pass => {
                self.unread.add(what);
                Ok(Turned::Same)
            }
            Unreadable::Empty => {
                self.unread.add(what);
                Ok(Turned::Gone)
            }
        }
    }

    /// Writes a text, or reads what became of it; `None` where that is the same.
    fn text(&mut self, text: &str) -> Result<Option<String>, PartError> {
        match &mut self.way {
            Way::Write(json) => {
                separate(json);
                quote(text, json);
                bounded(json)?;
                Ok(None)
            }
            Way::Read(tokens) => {
                let token = tokens.next().ok_or(WRONG)?;
                // Nothing, in place of a text, is an empty one.
                let put = token.text().unwrap_or_default();
                Ok((put != text).then_some(put))
            }
        }
    }

    /// Writes a number, or reads what became of it; `None` where that is the same.
    fn number(&mut self, number: Number, value: Value<'_>) -> Result<Option<Vec<u8>>, PartError> {
        let written = number.to_text(value).ok_or(WRONG)?;
        match &mut self.way {
            Way::Write(json) => {
                separate(json);
                json.push_str(&written);
                bounded(json)?;
                Ok(None)
            }
            Way::Read(tokens) => match tokens.next().ok_or(WRONG)? {
                Token::Word(word) if word == written.as_bytes() => Ok(None),
                Token::Word(word) => {
                    let text = std::str::from_utf8(word).unwrap_or_default();
                    Ok(Some(number.to_bytes(text)))
                }
                Token::Text(_) => Ok(Some(number.to_bytes(""))),
            },
        }
    }

    fn key(&mut self, name: &str) -> Result<(), PartError> {
        match &mut self.way {
            Way::Write(json) => {
                separate(json);
                quote(name, json);
            }
            Way::Read(tokens) => {
                tokens.next().ok_or(WRONG)?;
            }
        }
        self.colon()
    }

    fn colon(&mut self) -> Result<(), PartError> {
        if let Way::Write(json) = &mut self.way {
            json.push(':');
            bounded(json)?;
        }
        Ok(())
    }

    fn punctuate(&mut self, mark: char) -> Result<(), PartError> {
        if let Way::Write(json) = &mut self.way {
            if matches!(mark, '{' | '[') {
                separate(json);
            }
            json.push(mark);
            bounded(json)?;
        }
        Ok(())
    }
}

/// Puts a comma where something stands in front.
fn separate(json: &mut String) {
    if !json.ends_with(['{', '[', ':']) {
        json.push(',');
    }
}

fn bounded(json: &str) -> Result<(), PartError> {
    if json.len() > JSON_MAX {
        return Err(PartError::Held { limit: JSON_MAX });
    }
    Ok(())
}

fn other(bytes: &[u8]) -> Turned {
    let mut out = Vec::with_capacity(bytes.len() + 5);
    put_bytes(bytes, &mut out);
    Turned::Other(out)
}

/// Tells whether a value can be what its descriptor says.
fn fits(kind: Kind, repeated: bool, value: Value<'_>) -> bool {
    match (kind, value) {
        (Kind::Text | Kind::Bytes | Kind::Message(_), Value::Bytes(_))
        | (Kind::Word, Value::Varint(_)) => true,
        (Kind::Word | Kind::Number(_), Value::Bytes(_)) => repeated,
        (Kind::Number(number), value) => number.to_text(value).is_some(),
        _ => false,
    }
}

/// The key and the value of an entry of a map whose keys are texts; `None` where something else stands there.
#[expect(clippy::type_complexity, reason = "two fields with their bytes, once")]
fn entry<'b>(
    message: &Message,
    bytes: &'b [u8],
) -> Result<Option<((Field<'b>, &'b str, &'b [u8]), (Field<'b>, &'b [u8]))>, PartError> {
    if !message.is_entry || message.field(1).is_none_or(|key| key.kind != Kind::Text) {
        return Ok(None);
    }
    let mut found = Vec::new();
    wire::fields(bytes, |field, whole| {
        found.push((field, whole));
        Ok(())
    })?;
    let mut found = found.into_iter();
    let (Some((key, key_whole)), Some((value, value_whole)), None) =
        (found.next(), found.next(), found.next())
    else {
        return Ok(None);
    };
    let Some(known) = message.field(2) else {
        return Ok(None);
    };
    if (key.number, value.number) != (1, 2) || !fits(known.kind, false, value.value) {
        return Ok(None);
    }
    let Value::Bytes(text) = key.value else {
        return Ok(None);
    };
    let text = std::str::from_utf8(text).ok();
    Ok(text.map(|text| ((key, text, key_whole), (value, value_whole))))
}

impl Number {
    /// A number as JSON has it; `None` where the value is written otherwise. Infinities and the like are no numbers there.
    fn to_text(self, value: Value<'_>) -> Option<String> {
        Some(match (self, value) {
            (Self::Signed, Value::Varint(bits)) => bits.cast_signed().to_string(),
            (Self::Unsigned, Value::Varint(bits)) => bits.to_string(),
            (Self::Zigzag, Value::Varint(bits)) => {
                ((bits >> 1).cast_signed() ^ -((bits & 1).cast_signed())).to_string()
            }
            (Self::Fixed32, Value::Four(bytes)) => u32::from_le_bytes(bytes).to_string(),
            (Self::Signed32, Value::Four(bytes)) => i32::from_le_bytes(bytes).to_string(),
            (Self::Fixed64, Value::Eight(bytes)) => u64::from_le_bytes(bytes).to_string(),
            (Self::Signed64, Value::Eight(bytes)) => i64::from_le_bytes(bytes).to_string(),
            (Self::Float, Value::Four(bytes)) => decimal(
                f32::from_le_bytes(bytes).is_finite(),
                f32::from_le_bytes(bytes),
            ),
            (Self::Double, Value::Eight(bytes)) => decimal(
                f64::from_le_bytes(bytes).is_finite(),
                f64::from_le_bytes(bytes),
            ),
            _ => return None,
        })
    }

    /// The value of a number in JSON, of what is none zero.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a number of JSON that became of a shorter one is none greater"
    )]
    fn to_bytes(self, text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        let signed = || text.parse::<i64>().unwrap_or(0);
        let unsigned = || text.parse::<u64>().unwrap_or(0);
        let double = || text.parse::<f64>().unwrap_or(0.0);
        match self {
            Self::Signed => put_varint(signed().cast_unsigned(), &mut out),
            Self::Unsigned => put_varint(unsigned(), &mut out),
            Self::Zigzag => {
                let number = signed();
                put_varint(((number << 1) ^ (number >> 63)).cast_unsigned(), &mut out);
            }
            Self::Fixed32 => out.extend(u32::try_from(unsigned()).unwrap_or(0).to_le_bytes()),
            Self::Signed32 => out.extend(i32::try_from(signed()).unwrap_or(0).to_le_bytes()),
            Self::Fixed64 => out.extend(unsigned().to_le_bytes()),
            Self::Signed64 => out.extend(signed().to_le_bytes()),
            Self::Float => out.extend((double() as f32).to_le_bytes()),
            Self::Double => out.extend(double().to_le_bytes()),
        }
        out
    }
}

/// A fraction without an exponent; what has none, and what is too large to be about a person, is zero.
fn decimal(finite: bool, number: impl std::fmt::Display) -> String {
    let text = if finite {
        number.to_string()
    } else {
        String::new()
    };
    if text.is_empty() || text.len() > 40 {
        return "0".to_owned();
    }
    text
}

fn quote(text: &str, json: &mut String) {
    json.push('"');
    for ch in text.chars() {
        match ch {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\0'..='\u{1F}' => {
                // Writing to a string cannot fail.
                let _written = write!(json, "\\u{:04x}", u32::from(ch));
            }
            other => json.push(other),
        }
    }
    json.push('"');
}

/// The strings and words of a document in JSON, keys among them.
struct Tokens<'t> {
    rest: &'t [u8],
}

enum Token<'t> {
    Text(&'t [u8]),
    Word(&'t [u8]),
}

impl<'t> Tokens<'t> {
    fn next(&mut self) -> Option<Token<'t>> {
        let at = self
            .rest
            .iter()
            .position(|byte| !b"{}[]:, \t\r\n".contains(byte))?;
        let rest = self.rest.get(at..)?;
        if let Some(text) = rest.strip_prefix(b"\"") {
            let mut escaped = false;
            let end = text.iter().position(|&byte| {
                let ends = byte == b'"' && !escaped;
                escaped = byte == b'\\' && !escaped;
                ends
            })?;
            self.rest = text.get(end + 1..)?;
            return Some(Token::Text(text.get(..end)?));
        }
        let end = rest
            .iter()
            .position(|byte| b"{}[]:, \t\r\n\"".contains(byte));
        let (word, behind) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
        self.rest = behind;
        Some(Token::Word(word))
    }
}

impl Token<'_> {
    /// The text of a string, escapes undone; `None` for a word.
    fn text(&self) -> Option<String> {
        let Token::Text(raw) = self else { return None };
        let mut found = Vec::new();
        letters(
            raw,
            0,
            raw.len(),
            Escapes::Backslash,
            Charset::Utf8,
            &mut found,
        );
        Some(found.iter().map(|letter| letter.ch).collect())
    }
}
