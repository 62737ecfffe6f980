//! Bodies in other charsets: read as UTF-8 ahead of the pass, written back behind it.

use encoding_rs::{BIG5, Decoder, DecoderResult, Encoder, EncoderResult, Encoding, GB18030};

use crate::value::Charset;

/// Changes a body into UTF-8, and back.
pub(crate) struct Transcode {
    pair: Pair,
    /// UTF-8 that has been written but not changed back: the start of a character.
    open: Vec<u8>,
    /// The bytes are not of the charset.
    pub(crate) malformed: bool,
}

enum Pair {
    Encoding(Box<(Decoder, Encoder)>),
    Utf16 {
        big: bool,
        begun: bool,
        bytes: Vec<u8>,
        high: Option<u16>,
    },
}

impl std::fmt::Debug for Transcode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transcode")
            .field("malformed", &self.malformed)
            .finish_non_exhaustive()
    }
}

impl Transcode {
    /// `None` for UTF-8, which needs no change.
    pub(crate) fn new(charset: Charset) -> Option<Self> {
        let of = |encoding: &'static Encoding| {
            Pair::Encoding(Box::new((
                encoding.new_decoder_without_bom_handling(),
                encoding.new_encoder(),
            )))
        };
        let pair = match charset {
            Charset::Utf8 => return None,
            Charset::Gb18030 => of(GB18030),
            Charset::Big5 => of(BIG5),
            Charset::Utf16Le | Charset::Utf16Be => Pair::Utf16 {
                big: charset == Charset::Utf16Be,
                begun: false,
                bytes: Vec::new(),
                high: None,
            },
        };
        Some(Self {
            pair,
            open: Vec::new(),
            malformed: false,
        })
    }

    /// Reads the next bytes as UTF-8.
    pub(crate) fn decode(&mut self, chunk: &[u8], last: bool, out: &mut Vec<u8>) {
        match &mut self.pair {
            Pair::Encoding(pair) => {
                let room = pair
                    .0
                    .max_utf8_buffer_length_without_replacement(chunk.len())
                    .unwrap_or(chunk.len() * 3 + 16);
                let from = out.len();
                out.resize(from + room, 0);
                let (result, _, written) = pair.0.decode_to_utf8_without_replacement(
                    chunk,
                    out.get_mut(from..).unwrap_or_default(),
                    last,
                );
                out.truncate(from + written);
                self.malformed |= matches!(result, DecoderResult::Malformed(..));
            }
            Pair::Utf16 {
                big,
                begun,
                bytes,
                high,
            } => {
                bytes.extend_from_slice(chunk);
                let (pairs, _) = bytes.as_chunks::<2>();
                let used = pairs.len() * 2;
                for &two in pairs {
                    if !*begun {
                        *begun = true;
                        *big = match two {
                            [0xFE, 0xFF] => true,
                            [0xFF, 0xFE] => false,
                            _ => *big,
                        };
                    }
                    let unit = if *big {
                        u16::from_be_bytes(two)
                    } else {
                        u16::from_le_bytes(two)
                    };
                    let units = [high.take(), Some(unit)];
                    match (units, unit) {
                        ([None, _], 0xD800..=0xDBFF) => *high = Some(unit),
                        _ => {
                            for ch in char::decode_utf16(units.into_iter().flatten()) {
                                match ch {
                                    Ok(ch) => out
                                        .extend_from_slice(ch.encode_utf8(&mut [0; 4]).as_bytes()),
                                    Err(_) => self.malformed = true,
                                }
                            }
                        }
                    }
                }
                bytes.drain(..used);
                self.malformed |= last && (high.is_some() || !bytes.is_empty());
            }
        }
    }

    /// Writes UTF-8 in the body's own charset.
    pub(crate) fn encode(&mut self, text: &[u8], last: bool, out: &mut Vec<u8>) {
        let mut all = std::mem::take(&mut self.open);
        all.extend_from_slice(text);
        let valid = match std::str::from_utf8(&all) {
            Ok(_) => all.len(),
            Err(error) => {
                self.malformed |= last || error.error_len().is_some();
                error.valid_up_to()
            }
        };
        let whole = all
            .get(..valid)
            .and_then(|whole| std::str::from_utf8(whole).ok())
            .unwrap_or_default();
        match &mut self.pair {
            Pair::Encoding(pair) => {
                let room = pair
                    .1
                    .max_buffer_length_from_utf8_without_replacement(whole.len())
                    .unwrap_or(whole.len() * 4 + 16);
                let from = out.len();
                out.resize(from + room, 0);
                let (result, _, written) = pair.1.encode_from_utf8_without_replacement(
                    whole,
                    out.get_mut(from..).unwrap_or_default(),
                    last,
                );
                out.truncate(from + written);
                self.malformed |= matches!(result, EncoderResult::Unmappable(_));
            }
            Pair::Utf16 { big, .. } => {
                for unit in whole.encode_utf16() {
                    out.extend(if *big {
                        unit.to_be_bytes()
                    } else {
                        unit.to_le_bytes()
                    });
                }
            }
        }
        all.drain(..valid);
        self.open = all;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(charset: Charset, bytes: &[u8], size: usize) -> (Vec<u8>, String, bool) {
        let mut both = Transcode::new(charset).unwrap();
        let (mut text, mut back) = (Vec::new(), Vec::new());
        for chunk in bytes.chunks(size) {
            let mut between = Vec::new();
            both.decode(chunk, false, &mut between);
            text.extend_from_slice(&between);
            both.encode(&between, false, &mut back);
        }
        let mut between = Vec::new();
        both.decode(b"", true, &mut between);
        text.extend_from_slice(&between);
        both.encode(&between, true, &mut back);
        (back, String::from_utf8(text).unwrap(), both.malformed)
    }

    #[test]
    fn a_body_comes_back_as_it_was_in_any_pieces() {
        let text = "姓名：张三 abc １２３\n";
        let wide = |big: bool| -> Vec<u8> {
            text.encode_utf16()
                .chain([0xD83D, 0xDE42])
                .flat_map(|unit| {
                    if big {
                        unit.to_be_bytes()
                    } else {
                        unit.to_le_bytes()
                    }
                })
                .collect()
        };
        for (charset, bytes, expected) in [
            (
                Charset::Gb18030,
                GB18030.encode(text).0.into_owned(),
                text.to_owned(),
            ),
            (
                Charset::Big5,
                BIG5.encode("姓名：張三 abc\n").0.into_owned(),
                "姓名：張三 abc\n".to_owned(),
            ),
            (Charset::Utf16Le, wide(false), format!("{text}🙂")),
            (Charset::Utf16Be, wide(true), format!("{text}🙂")),
        ] {
            for size in [1, 2, 3, 5, 1000] {
                assert_eq!(
                    round(charset, &bytes, size),
                    (bytes.clone(), expected.clone(), false),
                    "{charset:?} {size}"
                );
            }
        }
        assert!(round(Charset::Gb18030, b"\xFF\xFF", 1).2);
        assert!(round(Charset::Utf16Le, b"a", 1).2);
    }
}
