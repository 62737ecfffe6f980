//! The gRPC service `exchange.People`, written by hand so that the portals need no code generator.
//!
//! ```proto
//! service People { rpc Get(Id) returns (Person); rpc List(Id) returns (stream Person); }
//! message Id { string id = 1; }
//! message Person { string id = 1; string name = 2; string resident_id = 3; string mobile = 4; }
//! ```
//! `List` answers with people from the number on, ten of them.

use std::sync::Arc;

use futures_util::stream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame};

use crate::answer::{Answer, nothing, of_type, problem};
use crate::records::{Person, Records};
use crate::request::Request;

/// How many people `List` answers with.
const LISTED: u64 = 10;

/// Why a call fails, as gRPC numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    InvalidArgument,
    NotFound,
    Unimplemented,
}

impl Failure {
    const fn code(self) -> u8 {
        match self {
            Self::InvalidArgument => 3,
            Self::NotFound => 5,
            Self::Unimplemented => 12,
        }
    }

    const fn message(self) -> &'static str {
        match self {
            Self::InvalidArgument => "the message is not an Id with a number",
            Self::NotFound => "no such person",
            Self::Unimplemented => "no such method",
        }
    }
}

pub(crate) async fn answer(method: &str, request: Request, records: Arc<Records>) -> Answer {
    if !request.mentions(header::CONTENT_TYPE, "application/grpc") {
        return problem(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "here is spoken `application/grpc`",
        );
    }
    let Some(message) = request.whole().await else {
        return failed(Failure::InvalidArgument);
    };
    match call(method, &message, &records) {
        Ok(people) => succeeded(people),
        Err(failure) => failed(failure),
    }
}

fn call(method: &str, message: &[u8], records: &Records) -> Result<Vec<Person>, Failure> {
    let count = match method {
        "Get" => 1,
        "List" => LISTED,
        _ => return Err(Failure::Unimplemented),
    };
    let asked = unframed(message)
        .and_then(id_of)
        .ok_or(Failure::InvalidArgument)?;
    let first: u64 = asked.parse().map_err(|_| Failure::InvalidArgument)?;
    let people: Vec<Person> = (first..first.saturating_add(count))
        .map_while(|number| records.person(number))
        .collect();
    if people.is_empty() {
        Err(Failure::NotFound)
    } else {
        Ok(people)
    }
}

fn succeeded(people: Vec<Person>) -> Answer {
    let trailers = HeaderMap::from_iter([(
        http::HeaderName::from_static("grpc-status"),
        HeaderValue::from_static("0"),
    )]);
    let frames = people
        .into_iter()
        .map(|person| Frame::data(framed(&encoded(&person))))
        .chain(std::iter::once(Frame::trailers(trailers)))
        .map(Ok);
    of_type(
        StatusCode::OK,
        "application/grpc",
        BodyExt::boxed_unsync(StreamBody::new(stream::iter(frames))),
    )
}

/// An answer of trailers only, as gRPC has it when there is no message.
fn failed(failure: Failure) -> Answer {
    let mut answer = of_type(StatusCode::OK, "application/grpc", nothing());
    answer
        .headers_mut()
        .insert("grpc-status", HeaderValue::from(u16::from(failure.code())));
    answer
        .headers_mut()
        .insert("grpc-message", HeaderValue::from_static(failure.message()));
    answer
}

/// A message with its prefix: uncompressed, four bytes of length.
#[must_use]
pub fn framed(message: &[u8]) -> Bytes {
    let mut frame = vec![0];
    frame.extend_from_slice(
        &u32::try_from(message.len())
            .unwrap_or(u32::MAX)
            .to_be_bytes(),
    );
    frame.extend_from_slice(message);
    frame.into()
}

/// The message of the one frame that this is, uncompressed.
#[must_use]
pub fn unframed(frame: &[u8]) -> Option<&[u8]> {
    let (head, message) = frame.split_first_chunk::<5>()?;
    let [0, length @ ..] = *head else {
        return None;
    };
    (usize::try_from(u32::from_be_bytes(length)).ok()? == message.len()).then_some(message)
}

/// The protobuf of an `Id`.
#[must_use]
pub fn id(number: u64) -> Vec<u8> {
    let mut message = Vec::new();
    text_field(1, &number.to_string(), &mut message);
    message
}

fn encoded(person: &Person) -> Vec<u8> {
    let mut message = Vec::new();
    text_field(1, &person.id.to_string(), &mut message);
    text_field(2, &person.name, &mut message);
    text_field(3, &person.resident_id, &mut message);
    text_field(4, &person.mobile, &mut message);
    message
}

fn text_field(number: u8, text: &str, into: &mut Vec<u8>) {
    into.push(number << 3 | 2);
    let mut length = text.len();
    while length > 0x7f {
        into.push(u8::try_from(length & 0x7f).unwrap_or(0) | 0x80);
        length >>= 7;
    }
    into.push(u8::try_from(length).unwrap_or(0));
    into.extend_from_slice(text.as_bytes());
}

/// The text fields of a message, by number; nothing where it is no message or has other fields.
#[must_use]
pub fn text_fields(message: &[u8]) -> Option<Vec<(u64, String)>> {
    let mut fields = Vec::new();
    let mut rest = message;
    while !rest.is_empty() {
        let (tag, after) = varint(rest)?;
        let (length, after) = varint(after)?;
        if tag & 7 != 2 {
            return None;
        }
        let (text, after) = after.split_at_checked(usize::try_from(length).ok()?)?;
        fields.push((tag >> 3, std::str::from_utf8(text).ok()?.to_owned()));
        rest = after;
    }
    Some(fields)
}

fn id_of(message: &[u8]) -> Option<String> {
    text_fields(message)?
        .into_iter()
        .find(|(number, _)| *number == 1)
        .map(|(_, text)| text)
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (at, byte) in bytes.iter().enumerate().take(9) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(at + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_found_by_its_number_and_nothing_else_is_taken() {
        let records = Records::new(1, 5);
        let ask = |number| framed(&id(number));
        assert_eq!(
            call("Get", &ask(3), &records).unwrap(),
            [records.person(3).unwrap()]
        );
        assert_eq!(call("List", &ask(3), &records).unwrap().len(), 3);
        assert_eq!(call("Get", &ask(6), &records), Err(Failure::NotFound));
        assert_eq!(call("Put", &ask(3), &records), Err(Failure::Unimplemented));
        for wrong in [
            &b""[..],
            b"\0\0\0\0\x01",
            b"\x01\0\0\0\0",
            b"\0\0\0\0\x02\x0a\x05",
            b"\0\0\0\0\x03\x0a\x01x",
        ] {
            assert_eq!(
                call("Get", wrong, &records),
                Err(Failure::InvalidArgument),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn a_long_text_is_read_as_it_was_written() {
        let mut message = Vec::new();
        text_field(2, &"长".repeat(10_000), &mut message);
        assert_eq!(text_fields(&message), Some(vec![(2, "长".repeat(10_000))]));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_break_the_reader(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..64)) {
            assert_eq!(unframed(&framed(&bytes)), Some(&bytes[..]));
            assert!(text_fields(&bytes).is_none_or(|f| f.len() <= bytes.len()));
            assert!(unframed(&bytes).is_none_or(|m| m.len() + 5 == bytes.len()));
        }
    }
}
