//! The same frames read by `tungstenite`: what one takes, the other takes, and reads the same in it.

use std::io::{self, Read, Write};

use crate::support::{frame, read, read_cut};
use hangu_websocket::{Close, Fault, Item, Opcode, Peer, write, write_close};
use proptest::prelude::*;
use tungstenite::protocol::{Message, Role, WebSocket, WebSocketConfig};

/// Bytes that come in, and bytes that went out.
#[derive(Default)]
struct Wire {
    input: io::Cursor<Vec<u8>>,
    output: Vec<u8>,
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.input.read(into)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const MOST: usize = 1_000;

/// What the other implementation reads, and whether it found a fault before the bytes were over.
fn theirs(role: Role, bytes: &[u8]) -> (Vec<Item>, bool) {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MOST))
        .max_frame_size(Some(MOST));
    let wire = Wire {
        input: io::Cursor::new(bytes.to_vec()),
        output: vec![],
    };
    let mut socket = WebSocket::from_raw_socket(wire, role, Some(config));
    let mut items = vec![];
    loop {
        let item = match socket.read() {
            Ok(Message::Text(text)) => Item::Text(text.as_str().to_owned()),
            Ok(Message::Binary(bytes)) => Item::Binary(bytes.to_vec()),
            Ok(Message::Ping(bytes)) => Item::Ping(bytes.to_vec()),
            Ok(Message::Pong(bytes)) => Item::Pong(bytes.to_vec()),
            // How they tell of a code that may not be sent.
            Ok(Message::Close(Some(close))) if close.reason.as_str() == "Protocol violation" => {
                return (items, true);
            }
            Ok(Message::Close(close)) => {
                items.push(Item::Close(Close {
                    code: close.as_ref().map(|close| close.code.into()),
                    reason: close
                        .map_or_else(String::new, |close| close.reason.as_str().to_owned()),
                }));
                return (items, false);
            }
            Ok(Message::Frame(_)) => continue,
            Err(
                tungstenite::Error::ConnectionClosed
                | tungstenite::Error::AlreadyClosed
                | tungstenite::Error::Io(_)
                | tungstenite::Error::Protocol(
                    tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
                ),
            ) => return (items, false),
            Err(_) => return (items, true),
        };
        items.push(item);
    }
}

/// Frames as peers might send them: mostly right, of every kind, in every order.
fn frames() -> impl Strategy<Value = Vec<(u8, Vec<u8>, bool)>> {
    let opcode = prop_oneof![
        6 => prop_oneof![Just(0u8), Just(1), Just(2)],
        3 => prop_oneof![Just(8u8), Just(9), Just(10)],
        1 => 0u8..16,
    ];
    let bits = prop_oneof![8 => Just(0u8), 1 => prop_oneof![Just(0x40u8), Just(0x20), Just(0x10)]];
    let payload = prop_oneof![
        4 => "[a-z你😀]{0,40}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..200),
        1 => proptest::collection::vec(any::<u8>(), 300..1_200),
        2 => (900u16..5_100, "[a-z你]{0,20}").prop_map(|(code, reason)| [&code.to_be_bytes(), reason.as_bytes()].concat()),
    ];
    let wrong_mask = prop_oneof![30 => Just(false), 1 => Just(true)];
    let one = (any::<bool>(), bits, opcode, payload, wrong_mask).prop_map(
        |(last, bits, opcode, payload, wrong)| {
            (u8::from(last) << 7 | bits | opcode, payload, wrong)
        },
    );
    proptest::collection::vec(one, 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn both_take_and_refuse_the_same(frames in frames(), key: [u8; 4], cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..5)) {
        for (peer, role) in [(Peer::Client, Role::Server), (Peer::Server, Role::Client)] {
            let mut bytes = vec![];
            for (first, payload, wrong) in &frames {
                let masked = (peer == Peer::Client) != *wrong;
                bytes.extend(frame(*first, payload, masked.then_some(key)));
            }
            let (items, fault) = read(peer, MOST, &bytes);
            // A code of 1014 (bad gateway) is newer than they are.
            let newer = |item: &Item| matches!(item, Item::Close(Close { code: Some(1014), .. }));
            let (others, failed) = theirs(role, &bytes);
            // Text is judged at its end here, and there as it comes.
            if !theirs_fails_early(&frames) && !items.iter().any(newer) {
                prop_assert_eq!(failed, fault.is_some(), "{:?}: {:?} {:?}", fault, items, others);
                prop_assert_eq!(&items, &others);
            }
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.sort_unstable();
            prop_assert_eq!((items, fault), read_cut(peer, MOST, &bytes, &cuts));
        }
    }

    #[test]
    fn what_we_write_they_read(text in "[a-z你😀]{0,300}", key: [u8; 4], code in prop_oneof![1000u16..=1003, 1007u16..=1011, 3000u16..=4999]) {
        for (mask, role) in [(Some(key), Role::Server), (None, Role::Client)] {
            let mut bytes = vec![];
            write(&mut bytes, Opcode::Text, text.as_bytes(), mask);
            write(&mut bytes, Opcode::Ping, b"?", mask);
            write_close(&mut bytes, Some(code), &text, mask);
            let (items, failed) = theirs(role, &bytes);
            prop_assert!(!failed);
            prop_assert_eq!(items.len(), 3);
            prop_assert_eq!(&items[0], &Item::Text(text.clone()));
            let Item::Close(close) = &items[2] else { panic!("a close frame") };
            prop_assert_eq!(close.code, Some(code));
            prop_assert!(text.starts_with(&close.reason));
        }
    }

    #[test]
    fn what_they_write_we_read(texts in proptest::collection::vec("[a-z你😀]{0,300}", 0..5)) {
        for (role, peer) in [(Role::Client, Peer::Client), (Role::Server, Peer::Server)] {
            let mut socket = WebSocket::from_raw_socket(Wire::default(), role, None);
            for text in &texts {
                socket.send(Message::text(text.clone())).unwrap();
                socket.send(Message::binary(text.clone().into_bytes())).unwrap();
            }
            socket.close(None).unwrap();
            let (items, fault) = read(peer, MOST * 4, &socket.get_ref().output);
            prop_assert_eq!(fault, None);
            let mut expected: Vec<Item> = texts
                .iter()
                .flat_map(|text| [Item::Text(text.clone()), Item::Binary(text.clone().into_bytes())])
                .collect();
            expected.push(Item::Close(Close { code: None, reason: String::new() }));
            prop_assert_eq!(items, expected);
        }
    }
}

/// Whether a text has a fragment that no text can go on from, which they tell before its end.
fn theirs_fails_early(frames: &[(u8, Vec<u8>, bool)]) -> bool {
    let mut text = vec![];
    for (first, payload, _) in frames {
        match first & 15 {
            1 => text = payload.clone(),
            0 => text.extend(payload),
            _ => continue,
        }
        if std::str::from_utf8(&text).is_err_and(|wrong| wrong.error_len().is_some()) {
            return true;
        }
    }
    false
}

#[test]
fn faults_have_the_codes_that_the_protocol_gives_them() {
    assert_eq!(Fault::ReservedBit.code(), 1002);
    assert_eq!(Fault::NotUtf8.code(), 1007);
    assert_eq!(Fault::TooLarge.code(), 1009);
}
