//! A body in GB18030: read as UTF-8 for the pass, and written as it came but for what is masked.
//!
//! Writing all of it back from UTF-8 takes longer than everything else together, and bytes that several codes share one
//! character with would come back as others.

use encoding_rs::{Decoder, DecoderResult, GB18030};

use crate::copy::Change;
use crate::scan::Scan;

/// What is known of a body between two chunks.
pub(crate) struct Original {
    decoder: Decoder,
    /// Bytes whose text is not decided yet; the start of a character may stand at their end.
    bytes: Vec<u8>,
    /// That text.
    text: Vec<u8>,
    /// Where text is decoded, redacted, and what is changed of it.
    room: Vec<u8>,
    redacted: Vec<u8>,
    changes: Vec<Change>,
    /// The bytes are not of the charset.
    pub(crate) malformed: bool,
}

impl std::fmt::Debug for Original {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Original")
            .field("malformed", &self.malformed)
            .finish_non_exhaustive()
    }
}

impl Original {
    pub(crate) fn new() -> Self {
        Self {
            decoder: GB18030.new_decoder_without_bom_handling(),
            bytes: Vec::new(),
            text: Vec::new(),
            room: Vec::new(),
            redacted: Vec::new(),
            changes: Vec::new(),
            malformed: false,
        }
    }

    /// Bytes of text that are held back.
    pub(crate) fn held(&self) -> usize {
        self.text.len()
    }

    /// Takes the next bytes and appends to `out` everything that they decide.
    pub(crate) fn feed(&mut self, chunk: &[u8], last: bool, scan: &mut Scan, out: &mut Vec<u8>) {
        self.decode(chunk, last);
        self.redacted.clear();
        self.changes.clear();
        let decided = scan.run_logged(&self.text, last, &mut self.redacted, &mut self.changes);
        let mut walk = Walk {
            text: &self.text,
            bytes: &self.bytes,
            place: 0,
            at: 0,
        };
        let mut done = 0;
        for change in &self.changes {
            let from = walk.to(change.from);
            out.extend_from_slice(self.bytes.get(done..from).unwrap_or_default());
            let put = self.redacted.get(change.out_from..change.out_to);
            encode(put.unwrap_or_default(), out);
            done = walk.to(change.to);
        }
        let end = walk.to(decided).min(self.bytes.len());
        out.extend_from_slice(self.bytes.get(done..end).unwrap_or_default());
        self.text.drain(..decided.min(self.text.len()));
        self.bytes.drain(..end);
    }

    fn decode(&mut self, chunk: &[u8], last: bool) {
        let most = self
            .decoder
            .max_utf8_buffer_length_without_replacement(chunk.len())
            .unwrap_or(chunk.len() * 3 + 16);
        if self.room.len() < most {
            self.room.resize(most, 0);
        }
        let (result, _, written) =
            self.decoder
                .decode_to_utf8_without_replacement(chunk, &mut self.room, last);
        self.malformed |= matches!(result, DecoderResult::Malformed(..));
        self.bytes.extend_from_slice(chunk);
        let text = self.room.get(..written).unwrap_or_default();
        self.text.extend_from_slice(text);
    }
}

/// Writes what stands in the place of a value; most of it is stars.
fn encode(put: &[u8], out: &mut Vec<u8>) {
    if put.is_ascii() {
        out.extend_from_slice(put);
    } else {
        // Every character that can have been read has a code.
        out.extend_from_slice(&GB18030.encode(&String::from_utf8_lossy(put)).0);
    }
}

/// A place in the text, and where its bytes are.
struct Walk<'a> {
    text: &'a [u8],
    bytes: &'a [u8],
    place: usize,
    at: usize,
}

impl Walk<'_> {
    /// Goes on to a place in the text and returns where its bytes are; to one before this it stays.
    fn to(&mut self, place: usize) -> usize {
        while self.place < place {
            let Some(rest) = self.text.get(self.place..place) else {
                break;
            };
            if let Some(eight) = rest.first_chunk::<8>()
                && u64::from_ne_bytes(*eight) & 0x8080_8080_8080_8080 == 0
            {
                self.place += 8;
                self.at += 8;
                continue;
            }
            let lead = rest.first().copied().unwrap_or(0);
            self.place += match lead {
                0xC0..=0xDF => 2,
                0xE0..=0xEF => 3,
                0xF0..=0xFF => 4,
                0..=0xBF => 1,
            };
            let ahead = self.bytes.get(self.at..).unwrap_or_default();
            self.at += match ahead {
                // 0x80 is the euro sign.
                _ if lead < 0x80 => 1,
                [0x80, ..] => 1,
                [_, b'0'..=b'9', ..] => 4,
                _ => 2,
            };
        }
        self.at
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::level::Level;
    use crate::media::Media;
    use crate::redactor::Redactor;
    use crate::rules::Rules;

    fn through(bytes: &[u8], size: usize) -> (Vec<u8>, bool) {
        let mut scan = Scan::new(Rules::shipped(), Level::L2, Media::Json);
        let mut original = Original::new();
        let mut out = Vec::new();
        for chunk in bytes.chunks(size) {
            original.feed(chunk, false, &mut scan, &mut out);
        }
        original.feed(b"", true, &mut scan, &mut out);
        (out, original.malformed)
    }

    #[test]
    fn what_is_not_masked_comes_back_byte_for_byte() {
        let before = b"{\"\xD0\xD5\xC3\xFB\":\"\xD5\xC5\xC8\xFD\xB7\xE1\",\"a\":\"\x80 \xA2\xE3 \x81\x30\x84\x36 \x94\x39\xDA\x33\",\"m\":\"13800138000\"}";
        let after = b"{\"\xD0\xD5\xC3\xFB\":\"\xD5\xC5**\",\"a\":\"\x80 \xA2\xE3 \x81\x30\x84\x36 \x94\x39\xDA\x33\",\"m\":\"138****8000\"}";
        for size in 1..=before.len() {
            let (out, malformed) = through(before, size);
            assert_eq!((out.as_slice(), malformed), (&after[..], false), "{size}");
        }
        for wrong in [&b"\xFF\xFF"[..], b"a\x81", b"\x81\x30\x81"] {
            assert!(through(wrong, 1).1, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn a_body_is_masked_as_its_text_is(
            pieces in proptest::collection::vec("(\"姓名\":\"|张三|李娜\"|,|\\{|1380013|8000|13800138000|é|🙂|€|，|：|a@b.cn|[0-9]{1,8}|\\PC)", 0..40),
            size in 1_usize..90,
        ) {
            let text = pieces.concat();
            let bytes = GB18030.encode(&text).0.into_owned();
            let mut plain = Redactor::new(Level::L2, Media::Json);
            let mut expected = Vec::new();
            plain.feed(text.as_bytes(), &mut expected);
            plain.finish(&mut expected);
            let expected = String::from_utf8(expected).unwrap();
            let (out, malformed) = through(&bytes, size);
            prop_assert!(!malformed);
            prop_assert_eq!(GB18030.decode_without_bom_handling(&out).0, expected);
        }

        #[test]
        fn bytes_of_any_kind_end(bytes in proptest::collection::vec(any::<u8>(), 0..200), size in 1_usize..50) {
            let (out, malformed) = through(&bytes, size);
            prop_assert!(malformed || !out.is_empty() || bytes.is_empty());
        }
    }
}
