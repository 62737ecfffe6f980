//! Close frames.

use crate::fault::Fault;

/// Codes that the gateway sends (RFC 6455, 7.4.1).
pub mod code {
    /// The work is done.
    pub const NORMAL: u16 = 1000;
    /// An end point goes away.
    pub const AWAY: u16 = 1001;
    /// The protocol was broken.
    pub const PROTOCOL: u16 = 1002;
    /// A kind of data that is not taken.
    pub const UNSUPPORTED: u16 = 1003;
    /// Data that are not of their kind, such as text that is not UTF-8.
    pub const INVALID: u16 = 1007;
    /// A policy was violated.
    pub const POLICY: u16 = 1008;
    /// A message is too large.
    pub const TOO_LARGE: u16 = 1009;
    /// Something unexpected in the way.
    pub const ERROR: u16 = 1011;
}

/// What a close frame says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// Its code, where it has one.
    pub code: Option<u16>,
    /// Its reason, mostly empty; at most 123 bytes.
    pub reason: String,
}

impl Close {
    /// Reads the payload of a close frame.
    pub(crate) fn read(payload: &[u8]) -> Result<Self, Fault> {
        let Some((code, reason)) = payload.split_first_chunk::<2>() else {
            return if payload.is_empty() {
                Ok(Self {
                    code: None,
                    reason: String::new(),
                })
            } else {
                Err(Fault::CloseCode)
            };
        };
        let code = u16::from_be_bytes(*code);
        if !may_be_sent(code) {
            return Err(Fault::CloseCode);
        }
        let reason = std::str::from_utf8(reason).map_err(|_| Fault::NotUtf8)?;
        Ok(Self {
            code: Some(code),
            reason: reason.to_owned(),
        })
    }
}

/// Whether a code may stand in a frame: those of RFC 6455 and of IANA's registry that are not for use inside a program,
/// and the ranges for libraries and applications.
const fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
