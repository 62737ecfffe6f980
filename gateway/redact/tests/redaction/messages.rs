//! Messages in Protocol Buffers and gRPC.

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::{GzEncoder, ZlibEncoder};
use hangu_redact::{
    BodyError, BodyRedactor, Coding, Content, Kind, Level, Limits, MessageType, PartError, Rules,
    Schema, SchemaError, Summary, Unread, Unreadable,
};

/// A number as messages write it.
fn varint(mut number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7F).unwrap() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap());
    out
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn bytes(field: u64, value: impl AsRef<[u8]>) -> Vec<u8> {
    let value = value.as_ref();
    [
        varint(field << 3 | 2),
        varint(value.len() as u64),
        value.to_vec(),
    ]
    .concat()
}

/// The descriptor of a field: its label is 1 for one and 3 for many.
fn field(name: &str, at: u64, label: u64, kind: u64, of: &str) -> Vec<u8> {
    let mut out = [
        bytes(1, name),
        number(3, at),
        number(4, label),
        number(5, kind),
    ]
    .concat();
    if !of.is_empty() {
        out.extend(bytes(6, of));
    }
    bytes(2, out)
}

const ONE: u64 = 1;
const MANY: u64 = 3;
const DOUBLE: u64 = 1;
const INT64: u64 = 3;
const UINT64: u64 = 4;
const FIXED64: u64 = 6;
const BOOL: u64 = 8;
const STRING: u64 = 9;
const MESSAGE: u64 = 11;
const BYTES: u64 = 12;
const SINT64: u64 = 18;

fn descriptors() -> Vec<u8> {
    let address = [
        bytes(1, "Address"),
        field("province", 1, ONE, STRING, ""),
        field("address", 2, ONE, STRING, ""),
    ];
    let entry = [
        bytes(1, "AttrsEntry"),
        field("key", 1, ONE, STRING, ""),
        field("value", 2, ONE, STRING, ""),
        bytes(7, number(7, 1)),
    ];
    let person = [
        bytes(1, "Person"),
        field("name", 1, ONE, STRING, ""),
        field("id_card_no", 2, ONE, STRING, ""),
        field("mobile", 3, ONE, UINT64, ""),
        field("phones", 4, MANY, STRING, ""),
        field("attrs", 5, MANY, MESSAGE, ".gov.Person.AttrsEntry"),
        field("home", 6, ONE, MESSAGE, ".gov.Address"),
        field("numbers", 7, MANY, INT64, ""),
        field("photo", 8, ONE, BYTES, ""),
        field("lng", 9, ONE, DOUBLE, ""),
        field("ok", 10, ONE, BOOL, ""),
        field("balance", 11, ONE, SINT64, ""),
        field("serial", 12, ONE, FIXED64, ""),
        field("family", 13, MANY, MESSAGE, ".gov.Person"),
        bytes(3, entry.concat()),
    ];
    let method = [
        bytes(1, "Get"),
        bytes(2, ".gov.Address"),
        bytes(3, ".gov.Person"),
    ];
    let service = [bytes(1, "People"), bytes(2, method.concat())];
    let file = [
        bytes(1, "people.proto"),
        bytes(2, "gov"),
        bytes(4, address.concat()),
        bytes(4, person.concat()),
        bytes(6, service.concat()),
    ];
    bytes(1, file.concat())
}

fn schema() -> Arc<Schema> {
    Schema::new(&descriptors()).unwrap()
}

fn person_type() -> MessageType {
    schema().message("gov.Person").unwrap()
}

/// Redacts a body that arrives in chunks, and tells what was done and what was not read.
fn run<'a>(
    content: Content,
    level: Level,
    unreadable: Unreadable,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(Vec<u8>, Summary, Unread), BodyError> {
    let (coding, limits) = (Coding::Identity, Limits::default());
    let mut redactor =
        BodyRedactor::of(Rules::shipped(), level, content, coding, limits, unreadable);
    let mut out = Vec::new();
    for chunk in chunks {
        redactor.feed(chunk, &mut out)?;
    }
    let summary = redactor.finish(&mut out)?;
    Ok((out, summary, redactor.unread().clone()))
}

fn redact(message: &[u8]) -> Vec<u8> {
    let content = Content::Protobuf(person_type());
    run(content, Level::L2, Unreadable::Refuse, [message])
        .unwrap()
        .0
}

/// A record with everything in it, as it is and as it leaves at L2.
fn record() -> (Vec<u8>, Vec<u8>) {
    let write =
        |name: &str, id: &str, mobile: u64, phones: [&str; 2], attr: &str, address: &str| {
            [
                bytes(1, name),
                bytes(2, id),
                number(3, mobile),
                bytes(4, phones[0]),
                bytes(4, phones[1]),
                bytes(5, [bytes(1, "身份证号"), bytes(2, attr)].concat()),
                bytes(5, [bytes(1, "备注"), bytes(2, "无")].concat()),
                bytes(6, [bytes(1, "广东省"), bytes(2, address)].concat()),
                bytes(7, [varint(1), varint(300), varint(u64::MAX)].concat()),
                number(10, 1),
                number(11, 5),
                [varint(12 << 3 | 1), 7_u64.to_le_bytes().to_vec()].concat(),
            ]
            .concat()
        };
    let plain = write(
        "张三丰",
        "110101199003077774",
        13_800_138_000,
        ["13800138000", "010-62345678"],
        "11010519491231002X",
        "广东省深圳市南山区科技园1号",
    );
    let masked = write(
        "张**",
        "110101********7774",
        0,
        ["138****8000", "010*****5678"],
        "110105********002X",
        "广东省深圳市南山区****",
    );
    (plain, masked)
}

#[test]
fn texts_and_numbers_are_masked_by_the_names_that_the_descriptor_gives_them() {
    let (plain, masked) = record();
    assert_eq!(redact(&plain), masked);
    let nested = |one: &[u8]| {
        [
            bytes(13, one),
            bytes(13, [bytes(13, one), bytes(1, "李四")].concat()),
        ]
        .concat()
    };
    let expected = String::from_utf8_lossy(&nested(&masked)).replace("李四", "李*");
    let out = redact(&nested(&plain));
    assert_ne!(out, nested(&plain));
    assert_eq!(
        String::from_utf8_lossy(&out).matches("张**").count(),
        2,
        "{expected}"
    );
    assert!(String::from_utf8_lossy(&out).contains("李*"));
    // The lengths are right: what came out is read again, and does not change.
    assert_eq!(redact(&out), out);
}

#[test]
fn what_does_not_change_keeps_its_bytes_however_they_are_written() {
    for message in [
        // Lengths and numbers longer than they need be.
        b"\x32\x86\x80\x00\x0a\x83\x00abc".to_vec(),
        [vec![0x58, 0x85, 0x80, 0x00], bytes(4, "无"), number(3, 7)].concat(),
        [bytes(7, varint(9)), number(7, 3), bytes(7, "")].concat(),
        [varint(9 << 3 | 1), f64::NAN.to_le_bytes().to_vec()].concat(),
        bytes(5, ""),
        bytes(5, [bytes(2, "无"), bytes(1, "备注")].concat()),
        bytes(1, "a\"b\\c\n\u{1}\u{7f}\u{2028}"),
        Vec::new(),
    ] {
        assert_eq!(redact(&message), message);
    }
}

#[test]
fn however_a_message_arrives_the_output_is_the_same() {
    let (plain, masked) = record();
    let of = person_type;
    let frame = |message: &[u8]| {
        let length = u32::try_from(message.len()).unwrap();
        [&[0][..], &length.to_be_bytes(), message].concat()
    };
    let calls = |one: &[u8]| [frame(one), frame(b""), frame(one)].concat();
    for (content, body, expected) in [
        (Content::Protobuf(of()), plain.clone(), masked.clone()),
        (
            Content::Grpc(of(), Coding::Identity),
            calls(&plain),
            calls(&masked),
        ),
    ] {
        let chunks = |chunks: Vec<&[u8]>| {
            run(content.clone(), Level::L2, Unreadable::Refuse, chunks).unwrap()
        };
        for at in 0..=body.len() {
            let (head, tail) = body.split_at(at);
            assert_eq!(chunks(vec![head, tail]).0, expected, "{at}");
        }
        let (out, summary, _) = chunks(body.chunks(1).collect());
        assert_eq!(out, expected);
        assert_eq!(summary.masked.get(Kind::ResidentId) % 2, 0);
        for at in 1..body.len() {
            let cut = run(
                content.clone(),
                Level::L2,
                Unreadable::Refuse,
                [&body[..at]],
            );
            let whole = cut.is_ok_and(|(out, ..)| expected.starts_with(&out));
            let truncated = run(
                content.clone(),
                Level::L2,
                Unreadable::Refuse,
                [&body[..at]],
            );
            let truncated = matches!(truncated, Err(BodyError::Part(PartError::Truncated)));
            assert!(whole || truncated, "{at}");
        }
    }
}

#[test]
fn a_long_list_streams_and_its_records_are_cut_at_the_same_places() {
    let (plain, masked) = record();
    let body = bytes(13, &plain).repeat(2000);
    let content = || Content::Protobuf(person_type());
    let expected = bytes(13, &masked).repeat(2000);
    for size in [body.len(), 7, 4096, 65_536] {
        let (out, summary, _) =
            run(content(), Level::L2, Unreadable::Refuse, body.chunks(size)).unwrap();
        assert!(out == expected, "{size}");
        assert_eq!(summary.masked.get(Kind::ResidentId), 4000);
    }
}

#[test]
fn coded_messages_of_a_call_are_read_and_coded_again() {
    let (plain, masked) = record();
    let frame = |message: &[u8]| {
        let length = u32::try_from(message.len()).unwrap();
        [&[1][..], &length.to_be_bytes(), message].concat()
    };
    let gzip = |message: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(message).unwrap();
        encoder.finish().unwrap()
    };
    let content = |coding| Content::Grpc(person_type(), coding);
    let clean = frame(&gzip(&bytes(4, "无")));
    let body = [frame(&gzip(&plain)), clean.clone()].concat();
    let (out, ..) = run(
        content(Coding::Gzip),
        Level::L2,
        Unreadable::Refuse,
        [&body[..]],
    )
    .unwrap();
    assert!(
        out.ends_with(&clean),
        "what does not change is not coded again"
    );
    let length = u32::from_be_bytes(out[1..5].try_into().unwrap()) as usize;
    let mut read = Vec::new();
    GzDecoder::new(&out[5..5 + length])
        .read_to_end(&mut read)
        .unwrap();
    assert_eq!((out[0], read), (1, masked));

    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&plain).unwrap();
    let body = frame(&encoder.finish().unwrap());
    assert!(
        run(
            content(Coding::Deflate),
            Level::L2,
            Unreadable::Refuse,
            [&body[..]]
        )
        .is_ok()
    );
    // Of another coding, of none, cut off, and a bomb.
    let bomb = frame(&gzip(&bytes(1, vec![b'a'; 5 << 20])));
    for (coding, body) in [
        (Coding::Gzip, body),
        (Coding::Identity, frame(&gzip(&plain))),
        (Coding::Gzip, frame(&gzip(&plain)[..40])),
        (Coding::Gzip, bomb),
        (Coding::Gzip, [&[2, 0, 0, 0, 0][..]].concat()),
        (Coding::Gzip, [&[0, 0xFF, 0, 0, 0][..]].concat()),
    ] {
        assert!(run(content(coding), Level::L2, Unreadable::Refuse, [&body[..]]).is_err());
    }
}

#[test]
fn trailers_behind_the_messages_are_text() {
    let trailers = b"grpc-status: 5\r\ngrpc-message: no record of 13800138000\r\n";
    let frame = |text: &[u8]| {
        [
            &[0x80, 0, 0, 0, u8::try_from(text.len()).unwrap()][..],
            text,
        ]
        .concat()
    };
    let content = Content::Grpc(person_type(), Coding::Identity);
    let (out, summary, _) = run(
        content,
        Level::L2,
        Unreadable::Refuse,
        [&frame(trailers)[..]],
    )
    .unwrap();
    let text = String::from_utf8_lossy(trailers).replace("13800138000", "138****8000");
    assert_eq!(out, frame(text.as_bytes()));
    assert_eq!(summary.masked.total(), 1);
}

#[test]
fn what_the_descriptor_does_not_know_becomes_what_the_rule_says() {
    let name = bytes(1, "张三");
    let masked = bytes(1, "张*");
    for unknown in [
        bytes(77, "13800138000"),
        number(77, 13_800_138_000),
        // A text where a number should be, a number where a text should be, and bytes that are no text.
        bytes(3, "13800138000"),
        number(1, 7),
        bytes(8, b"\xFF\xD8\xFF"),
        bytes(1, b"\xC3\x28"),
    ] {
        let message = [name.clone(), unknown.clone()].concat();
        let with = |unreadable| {
            run(
                Content::Protobuf(person_type()),
                Level::L2,
                unreadable,
                [&message[..]],
            )
        };
        assert!(matches!(
            with(Unreadable::Refuse),
            Err(BodyError::Part(PartError::Unreadable(_)))
        ));
        let (out, _, unread) = with(Unreadable::Pass).unwrap();
        assert_eq!(
            (out, unread.count()),
            ([masked.clone(), unknown].concat(), 1)
        );
        let (out, _, unread) = with(Unreadable::Empty).unwrap();
        assert_eq!((out, unread.count()), (masked.clone(), 1));
    }
}

#[test]
fn messages_that_are_none_are_refused() {
    let deep = (0..200).fold(bytes(1, "张三"), |message, _| bytes(13, message));
    let shallow = (0..90).fold(bytes(1, "张三"), |message, _| bytes(13, message));
    assert!(String::from_utf8_lossy(&redact(&shallow)).contains("张*"));
    for (message, error) in [
        (deep, PartError::TooDeep { limit: 100 }),
        (b"\x0a\x05ab".to_vec(), PartError::Truncated),
        (b"\x32\x03\x0a\x05a".to_vec(), PartError::Truncated),
        (
            vec![0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x07],
            PartError::Held { limit: 4 << 20 },
        ),
        (
            vec![0x0B],
            PartError::Message("it has a group, or a field of no type"),
        ),
        (
            vec![0x00, 0x00],
            PartError::Message("it is not what its descriptor says"),
        ),
    ] {
        match run(
            Content::Protobuf(person_type()),
            Level::L2,
            Unreadable::Pass,
            [&message[..]],
        ) {
            Err(BodyError::Part(found)) => assert_eq!(found, error),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_schema_knows_its_messages_and_methods_or_says_what_is_wrong() {
    let schema = schema();
    assert!(schema.message(".gov.Address").is_some() && schema.message("gov.Nobody").is_none());
    let (asked, answered) = schema.method("/gov.People/Get").unwrap();
    assert_eq!(Some(asked), schema.message("gov.Address"));
    assert_eq!(Some(&answered), schema.message("gov.Person").as_ref());
    assert!(schema.method("/gov.People/Put").is_none());

    let message = bytes(
        1,
        [bytes(1, "M"), field("a", 1, ONE, MESSAGE, ".x.Missing")].concat(),
    );
    let file = |message: &[u8]| bytes(1, bytes(4, &message[2..]));
    let wrong = Schema::new(&file(&message)).unwrap_err();
    assert_eq!(
        wrong.to_string(),
        "`M.a` names `.x.Missing`, which is not in the file; write it with `--include_imports`"
    );
    let group = bytes(1, [bytes(1, "M"), field("a", 1, ONE, 10, ".M")].concat());
    for set in [&b""[..], b"\xFF", b"syntax = \"proto3\";", &file(&group)] {
        assert!(matches!(Schema::new(set), Err(SchemaError::Malformed(_))));
    }
    let many = descriptors().repeat(2);
    assert!(matches!(Schema::new(&many), Err(SchemaError::Malformed(_))));
}

#[test]
fn types_choose_messages() {
    let of = person_type();
    let content = |value| Content::of_message(value, &of, Coding::Gzip);
    assert_eq!(
        content("application/x-protobuf; q=1"),
        Some(Content::Protobuf(of.clone()))
    );
    assert_eq!(
        content("Application/grpc+proto"),
        Some(Content::Grpc(of.clone(), Coding::Gzip))
    );
    assert_eq!(content("application/grpc+json"), None);
    assert_eq!(content("application/json"), None);
}
