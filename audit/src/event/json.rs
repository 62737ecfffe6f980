//! A writer of JSON straight into bytes.

use std::io::Write as _;
use std::net::IpAddr;

/// Writes JSON; commas are put where they belong. Strings and lists can be cut so that an event always fits a record.
pub(super) struct Json<'b> {
    out: &'b mut Vec<u8>,
    cut: Cut,
}

/// How much of a string (in bytes as written) and of a list is kept.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    pub(super) text: usize,
    pub(super) list: usize,
}

impl<'b> Json<'b> {
    pub(super) fn new(out: &'b mut Vec<u8>, cut: Cut) -> Self {
        Self { out, cut }
    }

    #[expect(clippy::inline_always, reason = "as `key`")]
    #[inline(always)]
    pub(super) fn object(&mut self, key: &str, fields: impl FnOnce(&mut Self)) {
        self.key(key);
        self.braced(fields);
    }

    #[inline]
    pub(super) fn braced(&mut self, fields: impl FnOnce(&mut Self)) {
        self.out.push(b'{');
        fields(self);
        self.out.push(b'}');
    }

    /// A list of objects.
    pub(super) fn objects<T>(
        &mut self,
        key: &str,
        items: &[T],
        mut each: impl FnMut(&mut Self, &T),
    ) {
        self.key(key);
        self.out.push(b'[');
        for item in items.iter().take(self.cut.list) {
            self.comma();
            self.braced(|json| each(json, item));
        }
        self.out.push(b']');
    }

    /// A list of strings.
    pub(super) fn texts(&mut self, key: &str, items: &[&str]) {
        self.key(key);
        self.out.push(b'[');
        for item in items.iter().take(self.cut.list) {
            self.comma();
            self.string(item);
        }
        self.out.push(b']');
    }

    #[expect(clippy::inline_always, reason = "as `key`")]
    #[inline(always)]
    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        self.string(value);
    }

    #[expect(clippy::inline_always, reason = "as `key`")]
    #[inline(always)]
    pub(super) fn text_if(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    #[expect(clippy::inline_always, reason = "as `key`")]
    #[inline(always)]
    pub(super) fn number(&mut self, key: &str, value: impl Into<i128>) {
        self.key(key);
        self.digits(value.into());
    }

    #[expect(clippy::inline_always, reason = "as `key`")]
    #[inline(always)]
    pub(super) fn number_if<N: Into<i128>>(&mut self, key: &str, value: Option<N>) {
        if let Some(value) = value {
            self.number(key, value);
        }
    }

    #[inline]
    pub(super) fn flag(&mut self, key: &str, value: bool) {
        self.key(key);
        self.out
            .extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// An address.
    pub(super) fn address(&mut self, key: &str, value: IpAddr) {
        self.key(key);
        self.out.push(b'"');
        match value {
            IpAddr::V4(value) => {
                let [a, b, c, d] = value.octets();
                self.digits(a.into());
                for octet in [b, c, d] {
                    self.out.push(b'.');
                    self.digits(octet.into());
                }
            }
            IpAddr::V6(value) => {
                // Writing to a vector does not fail.
                let _infallible = write!(self.out, "{value}");
            }
        }
        self.out.push(b'"');
    }

    /// An object that was written before, by [`Json::braced`].
    pub(super) fn written(&mut self, key: &str, object: &str) {
        self.key(key);
        self.out.extend_from_slice(object.as_bytes());
    }

    /// Keys other than those of [`Json::entry`] are our own words and need no escaping.
    #[expect(
        clippy::inline_always,
        reason = "a key is a literal where it is given; in place it is copied by two or three moves (measured)"
    )]
    #[inline(always)]
    fn key(&mut self, key: &str) {
        let before: &[u8] = if self.first() { b"\"" } else { b",\"" };
        self.out.extend_from_slice(before);
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    /// Fields that are always the same, as they are to stand in the event.
    #[inline]
    pub(super) fn constant(&mut self, fields: &str) {
        self.comma();
        self.out.extend_from_slice(fields.as_bytes());
    }

    /// A number under a key that needs escaping.
    pub(super) fn entry(&mut self, key: &str, value: u64) {
        self.comma();
        self.string(key);
        self.out.push(b':');
        self.digits(value.into());
    }

    pub(super) fn kept<'t, T>(&self, items: &'t [T]) -> &'t [T] {
        items.get(..self.cut.list).unwrap_or(items)
    }

    #[inline]
    fn comma(&mut self) {
        if !self.first() {
            self.out.push(b',');
        }
    }

    #[inline]
    fn first(&self) -> bool {
        matches!(self.out.last(), None | Some(b'{' | b'['))
    }

    fn digits(&mut self, value: i128) {
        if value < 0 {
            self.out.push(b'-');
        }
        let mut buffer = [0; 40];
        let mut at = buffer.len();
        match u64::try_from(value.unsigned_abs()) {
            // Division of 128 bits is only for what does not fit 64.
            Ok(mut rest) => loop {
                at -= 1;
                if let Some(digit) = buffer.get_mut(at) {
                    *digit = b'0' + (rest % 10) as u8;
                }
                rest /= 10;
                if rest == 0 {
                    break;
                }
            },
            Err(_) => {
                // Writing to a vector does not fail.
                let _infallible = write!(self.out, "{}", value.unsigned_abs());
            }
        }
        self.out
            .extend_from_slice(buffer.get(at..).unwrap_or_default());
    }

    fn string(&mut self, value: &str) {
        self.out.push(b'"');
        let start = self.out.len();
        let bytes = value.as_bytes();
        // Without an early end the loop is one that the compiler turns into wide instructions.
        let escaped = bytes.iter().fold(false, |any, &b| any | needs_escape(b));
        if bytes.len() <= self.cut.text && !escaped {
            self.out.extend_from_slice(bytes);
        } else {
            for c in value.chars() {
                let before = self.out.len();
                self.character(c);
                if self.out.len() - start > self.cut.text {
                    self.out.truncate(before);
                    self.out.extend_from_slice("…".as_bytes());
                    break;
                }
            }
        }
        self.out.push(b'"');
    }

    fn character(&mut self, c: char) {
        match c {
            '"' => self.out.extend_from_slice(b"\\\""),
            '\\' => self.out.extend_from_slice(b"\\\\"),
            '\n' => self.out.extend_from_slice(b"\\n"),
            '\r' => self.out.extend_from_slice(b"\\r"),
            '\t' => self.out.extend_from_slice(b"\\t"),
            c if c.is_ascii_control() => {
                // Writing to a vector does not fail.
                let _infallible = write!(self.out, "\\u{:04x}", u32::from(c));
            }
            c => self
                .out
                .extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// Quotes, backslashes and control characters; DEL too, which terminals act on.
fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\' || byte == 0x7F
}
