//! Frames to be sent.

use crate::head::Opcode;
use crate::mask;

/// What the reason of a close frame may have: 125 bytes without the code.
const REASON_MAX: usize = 123;

/// Appends a whole message, or a control frame, as one frame. A `mask` is for frames to a server, and must be one that
/// nobody can predict (RFC 6455, 5.3). Of a control frame, what is beyond 125 bytes is left out.
pub fn write(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8], mask: Option<[u8; 4]>) {
    let payload = if opcode.is_control() {
        payload.get(..125).unwrap_or(payload)
    } else {
        payload
    };
    out.reserve(payload.len() + 14);
    out.push(0b1000_0000 | opcode.bits());
    let masked = if mask.is_some() { 0b1000_0000 } else { 0 };
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short @ ..=125), _) => out.push(masked | short),
        (_, Ok(length)) => {
            out.push(masked | 126);
            out.extend_from_slice(&length.to_be_bytes());
        }
        (_, Err(_)) => {
            out.push(masked | 127);
            out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    if let Some(mask) = mask {
        out.extend_from_slice(&mask);
    }
    let from = out.len();
    out.extend_from_slice(payload);
    if let (Some(mask), Some(written)) = (mask, out.get_mut(from..)) {
        mask::apply(mask, 0, written);
    }
}

/// Appends a close frame; one without a code has no reason either. A reason of more than 123 bytes is cut between
/// characters.
pub fn write_close(out: &mut Vec<u8>, code: Option<u16>, reason: &str, mask: Option<[u8; 4]>) {
    let mut payload = Vec::with_capacity(125);
    if let Some(code) = code {
        payload.extend_from_slice(&code.to_be_bytes());
        let kept = (0..=REASON_MAX).rev().find_map(|end| reason.get(..end));
        let kept = if reason.len() > REASON_MAX {
            kept
        } else {
            Some(reason)
        };
        payload.extend_from_slice(kept.unwrap_or_default().as_bytes());
    }
    write(out, Opcode::Close, &payload, mask);
}
