//! JSON: every string and key, with its pointer. Repeated keys are kept, because parsers differ in which one they take.

use crate::text::{at, hex, push_char, skip, span};

/// Why reading stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Nested deeper than allowed.
    TooDeep,
    /// More values than allowed.
    TooMany,
    /// Not JSON from this byte on.
    Malformed(usize),
}

/// A string that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    Key,
    Value,
}

/// Reads JSON texts one after the other (so NDJSON too), giving each string to `visit` with its pointer.
///
/// # Errors
///
/// What was read before the fault has been visited.
pub(crate) fn read(
    bytes: &[u8],
    depth: usize,
    values: usize,
    visit: &mut impl FnMut(Piece, &str, &[u8]),
) -> Result<(), Stop> {
    let mut reader = Reader {
        bytes,
        at: 0,
        pointer: String::new(),
        left: values,
        depth,
    };
    loop {
        reader.space();
        if reader.at >= bytes.len() {
            return Ok(());
        }
        reader.value(visit)?;
    }
}

/// Says whether a string looks like JSON itself.
pub(crate) fn plausible(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    matches!(
        (text.first(), text.last()),
        (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']'))
    ) && text.len() > 2
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    pointer: String,
    left: usize,
    depth: usize,
}

/// A container that is open: how long the pointer was before it, and its next index if it is an array.
struct Open {
    pointer: usize,
    index: Option<usize>,
}

impl Reader<'_> {
    fn space(&mut self) {
        self.at = skip(self.bytes, self.at, |b| {
            matches!(b, b' ' | b'\t' | b'\n' | b'\r')
        });
    }

    fn peek(&self) -> u8 {
        at(self.bytes, self.at)
    }

    fn malformed(&self) -> Stop {
        Stop::Malformed(self.at)
    }

    fn value(&mut self, visit: &mut impl FnMut(Piece, &str, &[u8])) -> Result<(), Stop> {
        let mut open: Vec<Open> = Vec::new();
        let base = self.pointer.len();
        loop {
            // One value begins here.
            self.space();
            self.left = self.left.checked_sub(1).ok_or(Stop::TooMany)?;
            match self.peek() {
                b'{' | b'[' => {
                    if open.len() >= self.depth {
                        return Err(Stop::TooDeep);
                    }
                    let array = self.peek() == b'[';
                    self.at += 1;
                    self.space();
                    let pointer = self.pointer.len();
                    if self.peek() == if array { b']' } else { b'}' } {
                        self.at += 1;
                    } else {
                        open.push(Open {
                            pointer,
                            index: array.then_some(0),
                        });
                        if array {
                            self.pointer.push_str("/0");
                        } else {
                            self.key(visit)?;
                        }
                        continue;
                    }
                }
                b'"' => {
                    let text = self.string()?;
                    visit(Piece::Value, &self.pointer, &text);
                }
                b if b.is_ascii_alphanumeric() || b == b'-' => {
                    let end = skip(self.bytes, self.at, |b| {
                        b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.')
                    });
                    let word = span(self.bytes, self.at, end);
                    if !matches!(word, b"true" | b"false" | b"null")
                        && !word
                            .first()
                            .is_some_and(|b| b.is_ascii_digit() || *b == b'-')
                    {
                        return Err(self.malformed());
                    }
                    self.at = end;
                }
                _ => return Err(self.malformed()),
            }
            // It has ended; so may what it stands in.
            loop {
                let Some(top) = open.last_mut() else {
                    self.pointer.truncate(base);
                    return Ok(());
                };
                self.pointer.truncate(top.pointer);
                self.at = skip(self.bytes, self.at, |b| {
                    matches!(b, b' ' | b'\t' | b'\n' | b'\r')
                });
                match (at(self.bytes, self.at), &mut top.index) {
                    (b',', Some(index)) => {
                        self.at += 1;
                        *index += 1;
                        self.pointer.push('/');
                        self.pointer.push_str(&index.to_string());
                        break;
                    }
                    (b',', None) => {
                        self.at += 1;
                        self.key(visit)?;
                        break;
                    }
                    (b']', Some(_)) | (b'}', None) => {
                        self.at += 1;
                        open.pop();
                    }
                    _ => return Err(self.malformed()),
                }
            }
        }
    }

    fn key(&mut self, visit: &mut impl FnMut(Piece, &str, &[u8])) -> Result<(), Stop> {
        self.space();
        if self.peek() != b'"' {
            return Err(self.malformed());
        }
        let key = self.string()?;
        visit(Piece::Key, &self.pointer, &key);
        self.pointer.push('/');
        // Long keys would make pointers, and with depth the work, grow without bound.
        self.pointer.extend(
            String::from_utf8_lossy(span(&key, 0, 64))
                .chars()
                .filter(|c| !c.is_control()),
        );
        self.space();
        if self.peek() != b':' {
            return Err(self.malformed());
        }
        self.at += 1;
        Ok(())
    }

    fn string(&mut self) -> Result<Vec<u8>, Stop> {
        self.at += 1;
        let mut out = Vec::new();
        loop {
            let end = skip(self.bytes, self.at, |b| b != b'"' && b != b'\\');
            out.extend_from_slice(span(self.bytes, self.at, end));
            self.at = end;
            if end >= self.bytes.len() {
                return Err(self.malformed());
            }
            if self.peek() == b'"' {
                self.at += 1;
                return Ok(out);
            }
            let escaped = at(self.bytes, end + 1);
            self.at = end + 2;
            match escaped {
                b'n' => out.push(b'\n'),
                b'r' => out.push(b'\r'),
                b't' => out.push(b'\t'),
                b'b' => out.push(8),
                b'f' => out.push(12),
                b'"' | b'\\' | b'/' => out.push(escaped),
                b'u' => {
                    let high = self.unit(self.at).ok_or(Stop::Malformed(end))?;
                    self.at += 4;
                    let low = if at(self.bytes, self.at) == b'\\'
                        && at(self.bytes, self.at + 1) == b'u'
                    {
                        self.unit(self.at + 2)
                    } else {
                        None
                    };
                    match low {
                        Some(low)
                            if (0xd800..0xdc00).contains(&high)
                                && (0xdc00..0xe000).contains(&low) =>
                        {
                            self.at += 6;
                            push_char(&mut out, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
                        }
                        _ => push_char(&mut out, high),
                    }
                }
                _ => return Err(Stop::Malformed(end)),
            }
        }
    }

    fn unit(&self, i: usize) -> Option<u32> {
        (0..4).try_fold(0, |code, k| {
            Some(code << 4 | u32::from(hex(at(self.bytes, i + k))?))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Seen = Vec<(Piece, String, String)>;

    fn all(text: &str) -> (Seen, Result<(), Stop>) {
        let mut seen = Vec::new();
        let result = read(text.as_bytes(), 32, 1000, &mut |piece, pointer, value| {
            seen.push((piece, pointer.into(), String::from_utf8_lossy(value).into()))
        });
        (seen, result)
    }

    #[test]
    fn strings_and_keys_come_with_their_pointers_and_repeated_keys_are_kept() {
        let (seen, result) =
            all(r#"{"a":["x",{"b":"y\u4e2d\ud83d\ude00"}],"a":"z","n":-1.5e3,"t":true}"#);
        assert_eq!(result, Ok(()));
        let values: Vec<_> = seen
            .iter()
            .filter(|(p, ..)| *p == Piece::Value)
            .map(|(_, p, v)| (p.as_str(), v.as_str()))
            .collect();
        assert_eq!(values, [("/a/0", "x"), ("/a/1/b", "y中😀"), ("/a", "z")]);
        assert_eq!(seen.iter().filter(|(p, ..)| *p == Piece::Key).count(), 5);
    }

    #[test]
    fn lines_of_json_are_read_one_after_the_other() {
        let (seen, result) = all("{\"a\":\"1\"}\n{\"a\":\"2\"}\n");
        assert_eq!((seen.len(), result), (4, Ok(())));
    }

    #[test]
    fn what_is_no_json_says_where_and_depth_is_bounded() {
        assert_eq!(all("{\"a\":x}").1, Err(Stop::Malformed(5)));
        assert_eq!(all("{a:1}").1, Err(Stop::Malformed(1)));
        assert_eq!(all(&"[".repeat(100)).1, Err(Stop::TooDeep));
        assert_eq!(all(&"1 ".repeat(2000)).1, Err(Stop::TooMany));
    }

    proptest! {
        #[test]
        fn no_bytes_panic_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes, 8, 100, &mut |_, _, _| {});
        }

        #[test]
        fn what_serde_writes_is_read_back(text in ".{0,80}") {
            let json = serde_json::to_string(&[&text]).unwrap();
            prop_assert_eq!(&all(&json).0[0].2, &text);
        }
    }
}
