//! Frames read in every way of cutting them, against the rules of RFC 6455 and against another implementation.

use crate::support::{MASK, frame, read, read_cut};
use hangu_websocket::{Close, Fault, Item, Opcode, Peer, Reader, write, write_close};

const FIN: u8 = 0x80;

fn text(text: &str) -> Item {
    Item::Text(text.to_owned())
}

/// Frames of a client, one after the other: first byte and payload.
fn client(frames: &[(u8, &[u8])]) -> Vec<u8> {
    let frames = frames.iter();
    frames
        .flat_map(|(first, payload)| frame(*first, payload, Some(MASK)))
        .collect()
}

fn server(frames: &[(u8, &[u8])]) -> Vec<u8> {
    let frames = frames.iter();
    frames
        .flat_map(|(first, payload)| frame(*first, payload, None))
        .collect()
}

#[test]
fn every_cut_of_every_kind_of_frame_gives_the_same_items() {
    let long = "长".repeat(100);
    let longer = vec![7; 70_000];
    let frames: Vec<(u8, &[u8])> = vec![
        (FIN | 1, "你好".as_bytes()),
        (FIN | 1, b""),
        (1, "分\u{200d}".as_bytes()),
        (FIN | 9, b"ping in between"),
        (0, b""),
        (FIN | 10, b""),
        (FIN, "段".as_bytes()),
        (FIN | 1, long.as_bytes()),
        (2, &[0, 255]),
        (FIN, &[254]),
    ];
    let expected = vec![
        text("你好"),
        text(""),
        Item::Ping(b"ping in between".to_vec()),
        Item::Pong(Vec::new()),
        text("分\u{200d}段"),
        text(&long),
        Item::Binary(vec![0, 255, 254]),
        Item::Close(Close {
            code: Some(1000),
            reason: "好".to_owned(),
        }),
    ];
    for peer in [Peer::Client, Peer::Server] {
        let mut bytes = match peer {
            Peer::Client => client(&frames),
            Peer::Server => server(&frames),
        };
        write_close(
            &mut bytes,
            Some(1000),
            "好",
            (peer == Peer::Client).then_some(MASK),
        );
        bytes.extend(b"after a close nothing is read, whatever it is \xff\xff");
        for cut in 0..=bytes.len() {
            let read = read_cut(peer, 1 << 20, &bytes, &[cut]);
            assert_eq!(read, (expected.clone(), None), "{peer:?} cut at {cut}");
        }
        let every: Vec<usize> = (1..bytes.len()).collect();
        assert_eq!(
            read_cut(peer, 1 << 20, &bytes, &every),
            (expected.clone(), None)
        );
    }
    let long = client(&[(FIN | 2, &longer)]);
    for cut in [0, 1, 2, 5, 9, 10, 13, 14, 15, 16, 4_000, long.len()] {
        let read = read_cut(Peer::Client, 1 << 20, &long, &[cut]);
        assert_eq!(
            read,
            (vec![Item::Binary(longer.clone())], None),
            "cut at {cut}"
        );
    }
}

#[test]
fn what_the_protocol_forbids_is_told_at_every_cut() {
    let masked = |first: u8, payload: &[u8]| frame(first, payload, Some(MASK));
    let mut table: Vec<(Vec<u8>, Fault)> = vec![
        (masked(FIN | 0x40 | 1, b"a"), Fault::ReservedBit),
        (masked(FIN | 0x20 | 1, b"a"), Fault::ReservedBit),
        (masked(FIN | 0x10 | 9, b""), Fault::ReservedBit),
        (frame(FIN | 1, b"a", None), Fault::Unmasked),
        (vec![FIN | 2, FIN | 126, 0, 125], Fault::Length),
        (
            vec![FIN | 2, FIN | 127, 0, 0, 0, 0, 0, 0, 255, 255],
            Fault::Length,
        ),
        (
            vec![FIN | 2, FIN | 127, 128, 0, 0, 0, 0, 0, 0, 0],
            Fault::Length,
        ),
        (vec![FIN | 9, FIN | 126], Fault::LongControl),
        (vec![FIN | 8, FIN | 127], Fault::LongControl),
        (masked(9, b""), Fault::FragmentedControl),
        (masked(8, b""), Fault::FragmentedControl),
        (masked(FIN, b"a"), Fault::NoBeginning),
        (masked(0, b"a"), Fault::NoBeginning),
        (
            [masked(1, b"a"), masked(FIN | 1, b"b")].concat(),
            Fault::Interleaved,
        ),
        (
            [masked(1, b"a"), masked(FIN, b"b"), masked(FIN, b"c")].concat(),
            Fault::NoBeginning,
        ),
        (masked(FIN | 8, b"a"), Fault::CloseCode),
        (masked(FIN | 8, &[3, 232, 0xc3]), Fault::NotUtf8),
        (masked(FIN | 1, b"\xed\xa0\x80"), Fault::NotUtf8),
        (
            [masked(1, b"\xe4\xbd"), masked(FIN, b"")].concat(),
            Fault::NotUtf8,
        ),
        (
            vec![
                FIN | 1,
                FIN | 127,
                127,
                255,
                255,
                255,
                255,
                255,
                255,
                255,
                1,
                2,
                3,
                4,
            ],
            Fault::TooLarge,
        ),
    ];
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        table.push((masked(FIN | opcode, b""), Fault::Opcode));
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, u16::MAX] {
        table.push((masked(FIN | 8, &code.to_be_bytes()), Fault::CloseCode));
    }
    for (bytes, fault) in table {
        for cut in 0..=bytes.len() {
            let (items, found) = read_cut(Peer::Client, 1 << 20, &bytes, &[cut]);
            assert_eq!(found, Some(fault), "{bytes:02x?} cut at {cut}");
            assert!(items.len() < 2);
        }
        assert!(matches!(fault.code(), 1002 | 1007 | 1009));
    }
    assert_eq!(
        read(Peer::Server, 9, &frame(FIN | 1, b"a", Some(MASK))).1,
        Some(Fault::Masked)
    );
}

#[test]
fn a_message_over_the_bound_is_told_before_its_bytes_arrive() {
    let whole = client(&[(FIN | 1, b"123456")]);
    assert_eq!(read(Peer::Client, 6, &whole), (vec![text("123456")], None));
    let head = whole.get(..6).unwrap();
    assert_eq!(read(Peer::Client, 5, head), (vec![], Some(Fault::TooLarge)));
    let pieces = client(&[
        (1, b"1234"),
        (FIN | 9, b"not counted"),
        (0, b""),
        (FIN, b"56"),
    ]);
    let ping = Item::Ping(b"not counted".to_vec());
    assert_eq!(
        read(Peer::Client, 6, &pieces),
        (vec![ping.clone(), text("123456")], None)
    );
    assert_eq!(
        read(Peer::Client, 5, &pieces),
        (vec![ping], Some(Fault::TooLarge))
    );
}

#[test]
fn a_fault_stays_a_fault() {
    let mut reader = Reader::new(Peer::Client, 10);
    let mut bytes: &[u8] = &[0xff];
    assert_eq!(reader.next(&mut bytes), Err(Fault::ReservedBit));
    let good = client(&[(FIN | 1, b"a")]);
    assert_eq!(reader.next(&mut good.as_slice()), Err(Fault::ReservedBit));
    assert!(!reader.is_closed());
}

#[test]
fn a_reader_knows_whether_it_stands_between_two_messages() {
    let mut reader = Reader::new(Peer::Server, 10);
    assert!(reader.is_between());
    for (bytes, between) in [
        (&[FIN | 1][..], false),
        (&[1, b'a'], true),
        (&[1, 0], false),
        (&[FIN | 9, 0], false),
        (&[FIN, 0], true),
    ] {
        let mut bytes = bytes;
        while reader.next(&mut bytes).unwrap().is_some() {}
        assert_eq!(reader.is_between(), between);
    }
}

#[test]
fn what_is_written_is_read_back() {
    for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_001] {
        let payload: Vec<u8> = (0..length)
            .map(|n| u8::try_from(n % 251).unwrap())
            .collect();
        for (peer, mask) in [(Peer::Client, Some(MASK)), (Peer::Server, None)] {
            let mut bytes = vec![];
            write(&mut bytes, Opcode::Binary, &payload, mask);
            assert_eq!(
                read(peer, 1 << 20, &bytes),
                (vec![Item::Binary(payload.clone())], None)
            );
        }
    }
    let reason = "很长的理由".repeat(30);
    let mut bytes = vec![];
    write_close(&mut bytes, Some(1008), &reason, None);
    let (items, fault) = read(Peer::Server, 0, &bytes);
    assert_eq!(fault, None);
    let [Item::Close(close)] = items.as_slice() else {
        panic!("one close frame and not {items:?}");
    };
    assert_eq!(close.code, Some(1008));
    assert!(close.reason.len() > 120 && reason.starts_with(&close.reason));
    let mut bytes = vec![];
    write(&mut bytes, Opcode::Ping, &[1; 200], None);
    assert_eq!(
        read(Peer::Server, 0, &bytes),
        (vec![Item::Ping(vec![1; 125])], None)
    );
}
