//! Messages of Protocol Buffers and gRPC, and the descriptors that say what they are.

use std::sync::{Arc, OnceLock};

use hangu_redact::{
    BodyError, BodyRedactor, Coding, Content, Level, MessageType, PartError, Rules, Schema,
    Unreadable,
};

use super::LIMITS;
use crate::input;

/// The numbers of a content, a level, of what becomes of what cannot be read, and of a way of cutting; then a message, or
/// several of a call.
///
/// However it is cut, it is refused or not, and gives the same; what comes out is a message again.
pub fn message(data: &[u8]) {
    let contents = [
        Content::Protobuf(person()),
        Content::Grpc(person(), Coding::Identity),
        Content::Grpc(person(), Coding::Gzip),
        Content::Grpc(person(), Coding::Deflate),
    ];
    let (content, rest) = input::pick(data, &contents);
    let (level, rest) = input::pick(rest, &Level::ALL);
    let unreadable = [Unreadable::Refuse, Unreadable::Pass, Unreadable::Empty];
    let (unreadable, rest) = input::pick(rest, &unreadable);
    let (seed, body) = rest.split_first().unwrap_or((&0, &[]));
    let redact = |chunks: &mut dyn Iterator<Item = &[u8]>| -> Result<Vec<u8>, BodyError> {
        let (rules, content) = (Rules::shipped(), content.clone());
        let coding = Coding::Identity;
        let mut redactor = BodyRedactor::of(rules, *level, content, coding, LIMITS, *unreadable);
        let mut out = Vec::new();
        for chunk in chunks {
            redactor.feed(chunk, &mut out)?;
        }
        redactor.finish(&mut out)?;
        Ok(out)
    };
    let whole = redact(&mut std::iter::once(body));
    match (&whole, redact(&mut input::cut(body, *seed))) {
        (Ok(one), Ok(two)) => assert_eq!(*one, two, "cut"),
        (Err(_), Err(_)) => {}
        (one, two) => panic!("whole {one:?}, cut {two:?}"),
    }
    if let Ok(out) = whole {
        match redact(&mut std::iter::once(out.as_slice())) {
            // What was masked may be longer than it was.
            Ok(_) | Err(BodyError::Part(PartError::Held { .. })) => {}
            Err(error) => panic!("what came out cannot be read again: {error}"),
        }
    }
}

/// A set of descriptors.
///
/// It is read or refused, and what it names is there.
pub fn schema(data: &[u8]) {
    if let Ok(schema) = Schema::new(data) {
        assert!(schema.message("no such message at all").is_none());
    }
}

/// A message with fields of every type, and itself in it.
fn person() -> MessageType {
    static SCHEMA: OnceLock<Arc<Schema>> = OnceLock::new();
    let schema = SCHEMA.get_or_init(|| Schema::new(&descriptors()).expect("they are descriptors"));
    schema.message("p.Person").expect("it is there")
}

fn descriptors() -> Vec<u8> {
    let entry = [
        text(1, "AttrsEntry"),
        field("key", 1, 1, 9, ""),
        field("value", 2, 1, 9, ""),
        part(7, &[0x38, 1]),
    ];
    let mut person = vec![text(1, "Person"), part(3, &entry.concat())];
    // By the numbers of their types; what is not among them here are groups.
    let names = [
        "latitude", "lng", "mobile", "serial", "age", "stamp", "code", "ok", "name", "", "family",
        "photo", "qq", "state", "fixed", "long", "small", "balance",
    ];
    for (at, name) in names.into_iter().enumerate() {
        let kind = u8::try_from(at + 1).expect("there are few");
        let (label, of) = match name {
            "" => continue,
            "family" => (3, ".p.Person"),
            "mobile" | "lng" => (3, ""),
            _ => (1, ""),
        };
        person.push(field(name, kind, label, kind, of));
    }
    person.push(field("attrs", 20, 3, 11, ".p.Person.AttrsEntry"));
    person.push(field("phones", 21, 3, 9, ""));
    let file = [text(2, "p"), part(4, &person.concat())];
    part(1, &file.concat())
}

fn field(name: &str, at: u8, label: u8, kind: u8, of: &str) -> Vec<u8> {
    let numbers = [0x18, at, 0x20, label, 0x28, kind];
    let of = if of.is_empty() {
        Vec::new()
    } else {
        text(6, of)
    };
    part(2, &[text(1, name), numbers.to_vec(), of].concat())
}

fn text(at: u8, text: &str) -> Vec<u8> {
    part(at, text.as_bytes())
}

/// A field with a length, as it is written.
fn part(at: u8, bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len();
    let low = u8::try_from(length & 0x7F).expect("seven bits");
    let mut out = vec![at << 3 | 2];
    match u8::try_from(length >> 7).expect("descriptors here are short") {
        0 => out.push(low),
        high => out.extend([low | 0x80, high]),
    }
    out.extend(bytes);
    out
}
