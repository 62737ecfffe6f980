//! Fields of a message as they stand in bytes.

use crate::part::PartError;

/// What bytes begin with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<'b> {
    /// A field, and how many bytes it takes.
    Field(Field<'b>, usize),
    /// One that goes on behind the bytes, to this length at least.
    Open(usize),
}

/// One field.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field<'b> {
    pub(super) number: u32,
    /// Its tag as it is written.
    pub(super) tag: &'b [u8],
    pub(super) value: Value<'b>,
}

/// Its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'b> {
    Varint(u64),
    Eight([u8; 8]),
    Four([u8; 4]),
    Bytes(&'b [u8]),
}

/// The longest varint, in bytes.
const VARINT_MAX: usize = 10;

pub(super) const WRONG: PartError = PartError::Message("it is not what its descriptor says");

/// Reads the field that bytes begin with.
pub(super) fn next(bytes: &[u8]) -> Result<Next<'_>, PartError> {
    let Some((tag, head)) = varint(bytes)? else {
        return Ok(Next::Open(bytes.len() + 1));
    };
    let number = u32::try_from(tag >> 3).map_err(|_| WRONG)?;
    if number == 0 || number >= 1 << 29 {
        return Err(WRONG);
    }
    let rest = bytes.get(head..).unwrap_or_default();
    let (value, length) = match tag & 7 {
        0 => match varint(rest)? {
            Some((value, length)) => (Value::Varint(value), length),
            None => return Ok(Next::Open(bytes.len() + 1)),
        },
        1 => match rest.first_chunk() {
            Some(eight) => (Value::Eight(*eight), 8),
            None => return Ok(Next::Open(head + 8)),
        },
        2 => {
            let Some((length, digits)) = varint(rest)? else {
                return Ok(Next::Open(bytes.len() + 1));
            };
            let length = usize::try_from(length).map_err(|_| WRONG)?;
            let end = digits.checked_add(length).ok_or(WRONG)?;
            match rest.get(digits..end) {
                Some(bytes) => (Value::Bytes(bytes), end),
                None => return Ok(Next::Open(head.saturating_add(end))),
            }
        }
        5 => match rest.first_chunk() {
            Some(four) => (Value::Four(*four), 4),
            None => return Ok(Next::Open(head + 4)),
        },
        // Groups, which nobody writes any more, and what does not exist.
        _ => return Err(PartError::Message("it has a group, or a field of no type")),
    };
    let field = Field {
        number,
        tag: bytes.get(..head).unwrap_or_default(),
        value,
    };
    Ok(Next::Field(field, head + length))
}

/// Reads the number that bytes begin with, and how many it takes; `None` where it goes on behind them.
pub(super) fn varint(bytes: &[u8]) -> Result<Option<(u64, usize)>, PartError> {
    let mut number = 0_u64;
    for (at, &byte) in bytes.iter().take(VARINT_MAX).enumerate() {
        let bits = u64::from(byte & 0x7F);
        if at == VARINT_MAX - 1 && bits > 1 {
            return Err(WRONG);
        }
        number |= bits << (7 * at);
        if byte < 0x80 {
            return Ok(Some((number, at + 1)));
        }
    }
    if bytes.len() >= VARINT_MAX {
        return Err(WRONG);
    }
    Ok(None)
}

/// Writes a number.
pub(super) fn put_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Writes bytes behind their length.
pub(super) fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// Hands on every field of a whole message, and the bytes that it takes.
pub(super) fn fields<'b>(
    mut bytes: &'b [u8],
    mut take: impl FnMut(Field<'b>, &'b [u8]) -> Result<(), PartError>,
) -> Result<(), PartError> {
    while !bytes.is_empty() {
        let Next::Field(field, length) = next(bytes)? else {
            return Err(PartError::Truncated);
        };
        let (whole, rest) = bytes.split_at_checked(length).ok_or(WRONG)?;
        take(field, whole)?;
        bytes = rest;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for number in [0, 1, 127, 128, 300, 1 << 31, u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(number, &mut bytes);
            assert_eq!(varint(&bytes), Ok(Some((number, bytes.len()))));
            assert_eq!(varint(&bytes[..bytes.len() - 1]), Ok(None));
        }
        assert_eq!(varint(&[0x80, 0x00]), Ok(Some((0, 2))));
        assert_eq!(varint(&[0xFF; 10]), Err(WRONG));
        assert_eq!(varint(&[0x80; 10]), Err(WRONG));
    }

    #[test]
    fn what_is_no_field_is_refused_and_what_is_cut_off_goes_on() {
        assert_eq!(next(b"\x0a\x05abc"), Ok(Next::Open(7)));
        assert_eq!(next(b"\x09abc"), Ok(Next::Open(9)));
        assert_eq!(next(b"\x0d"), Ok(Next::Open(5)));
        assert_eq!(next(b""), Ok(Next::Open(1)));
        for wrong in [
            &b"\x00\x01"[..],
            b"\x0b",
            b"\x0c",
            b"\x0e",
            b"\x0f",
            b"\xFF\xFF\xFF\xFF\xFF\x01",
        ] {
            assert!(next(wrong).is_err(), "{wrong:?}");
        }
        assert!(matches!(
            next(b"\x0a\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"),
            Err(_) | Ok(Next::Open(_))
        ));
        let Ok(Next::Field(field, 5)) = next(b"\x0a\x03abcd") else {
            panic!("a field")
        };
        assert_eq!((field.number, field.value), (1, Value::Bytes(b"abc")));
    }
}
