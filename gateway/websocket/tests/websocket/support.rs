//! Frames by hand, and readers fed in pieces.

use hangu_websocket::{Fault, Item, Peer, Reader};

pub(crate) const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A frame from its first byte and its payload, with the length in the fewest bytes.
pub(crate) fn frame(first: u8, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    let mut out = vec![first];
    match payload.len() {
        short @ 0..=125 => out.push(masked | u8::try_from(short).unwrap()),
        middle @ 126..=65_535 => {
            out.push(masked | 126);
            out.extend(u16::try_from(middle).unwrap().to_be_bytes());
        }
        long => {
            out.push(masked | 127);
            out.extend(u64::try_from(long).unwrap().to_be_bytes());
        }
    }
    let key = mask.unwrap_or_default();
    out.extend(mask.iter().flatten());
    out.extend(
        payload
            .iter()
            .zip(key.into_iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    out
}

/// Everything that a reader says of bytes, and the fault that ends it.
pub(crate) fn read(peer: Peer, most: usize, bytes: &[u8]) -> (Vec<Item>, Option<Fault>) {
    read_cut(peer, most, bytes, &[])
}

/// The same, fed in pieces.
pub(crate) fn read_cut(
    peer: Peer,
    most: usize,
    bytes: &[u8],
    cuts: &[usize],
) -> (Vec<Item>, Option<Fault>) {
    let mut reader = Reader::new(peer, most);
    let mut items = vec![];
    let mut from = 0;
    for to in cuts.iter().copied().chain([bytes.len()]) {
        let mut piece = &bytes[from..to];
        from = to;
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
