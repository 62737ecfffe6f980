//! WebSocket frames.

use hangu_websocket::{Item, Opcode, Peer, Reader, write, write_close};

/// Bytes that a message may have here: small, so that the bound is met.
const MOST: usize = 512;

/// Reads frames of a client and of a server. However they are cut the same comes of them, and what was read is read again
/// when it is written.
///
/// # Panics
/// Where that does not hold.
pub fn frames(data: &[u8]) {
    let Some((&cut, bytes)) = data.split_first() else {
        return;
    };
    for peer in [Peer::Client, Peer::Server] {
        let whole = read(peer, [bytes]);
        let (begin, end) = bytes
            .split_at_checked(usize::from(cut))
            .unwrap_or((bytes, &[]));
        assert_eq!(whole, read(peer, [begin, end]), "cut at {cut}");
        assert_eq!(whole, read(peer, bytes.chunks(1)), "byte by byte");
        let mask = (peer == Peer::Client).then_some([cut, 1, 2, 3]);
        let mut again = Vec::new();
        for item in &whole.0 {
            match item {
                Item::Text(text) => write(&mut again, Opcode::Text, text.as_bytes(), mask),
                Item::Binary(bytes) => write(&mut again, Opcode::Binary, bytes, mask),
                Item::Ping(bytes) => write(&mut again, Opcode::Ping, bytes, mask),
                Item::Pong(bytes) => write(&mut again, Opcode::Pong, bytes, mask),
                Item::Close(close) => write_close(&mut again, close.code, &close.reason, mask),
            }
        }
        assert_eq!(read(peer, [again.as_slice()]), (whole.0, None), "written");
    }
}

fn read<'a>(
    peer: Peer,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Item>, Option<hangu_websocket::Fault>) {
    let mut reader = Reader::new(peer, MOST);
    let mut items = Vec::new();
    for mut piece in pieces {
        loop {
            match reader.next(&mut piece) {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break,
                Err(fault) => return (items, Some(fault)),
            }
        }
        assert!(piece.is_empty(), "a reader takes all there is");
    }
    (items, None)
}
