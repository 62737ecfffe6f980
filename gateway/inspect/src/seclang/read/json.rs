//! JSON: each value under the path of keys that leads to it, `json.a.b`.

use crate::text::{at, hex, push_char, skip, span};

/// Why a text is not read.
pub(super) type Fault = &'static str;

/// Bounds of what is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) depth: usize,
    pub(super) values: usize,
}

/// Bytes of a path; longer ones are cut, so that nesting cannot multiply the work. Chosen.
const PATH: usize = 1024;
/// Bytes of all paths for each byte of the text, besides 64 KB. Chosen: records that are written out need two or three.
const NAMES: usize = 8;

/// Gives every value with its path; the members of an array have the path of the array.
///
/// # Errors
/// Text that is no JSON, or over a bound. What came before has been given.
pub(super) fn read(
    bytes: &[u8],
    bounds: Bounds,
    give: &mut impl FnMut(&[u8], Vec<u8>),
) -> Result<(), Fault> {
    let mut reader = Reader {
        bytes,
        at: 0,
        left: bounds.values,
        depth: bounds.depth,
        path: b"json".to_vec(),
        names: bytes.len().saturating_mul(NAMES).saturating_add(64 << 10),
    };
    reader.space();
    reader.value(0, give)?;
    reader.space();
    if reader.at < bytes.len() {
        return Err("text follows the JSON");
    }
    Ok(())
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    left: usize,
    depth: usize,
    path: Vec<u8>,
    /// Bytes of paths that may still be given.
    names: usize,
}

impl Reader<'_> {
    fn space(&mut self) {
        self.at = skip(self.bytes, self.at, |b| {
            matches!(b, b' ' | b'\t' | b'\n' | b'\r')
        });
    }

    fn take(&mut self, wanted: u8) -> bool {
        let there = self.bytes.get(self.at) == Some(&wanted);
        self.at += usize::from(there);
        there
    }

    /// Enters a member: the path grows, and is cut back by the caller.
    fn enter(&mut self, name: &[u8]) {
        if self.path.len() + name.len() < PATH {
            self.path.push(b'.');
            self.path.extend_from_slice(name);
        }
    }

    fn value(&mut self, depth: usize, give: &mut impl FnMut(&[u8], Vec<u8>)) -> Result<(), Fault> {
        self.left = self
            .left
            .checked_sub(1)
            .ok_or("the JSON has too many values")?;
        self.names = self
            .names
            .checked_sub(self.path.len())
            .ok_or("the JSON has too many values below long names")?;
        match at(self.bytes, self.at) {
            b'{' => self.object(depth, give),
            b'[' => self.array(depth, give),
            b'"' => {
                let text = self.string()?;
                give(&self.path, text);
                Ok(())
            }
            _ => {
                let end = skip(self.bytes, self.at, |b| {
                    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.')
                });
                let word = span(self.bytes, self.at, end);
                let number = matches!(word.first(), Some(b'0'..=b'9' | b'-'));
                if !number && !matches!(word, b"true" | b"false" | b"null") {
                    return Err("the text is no JSON");
                }
                self.at = end;
                give(
                    &self.path,
                    if word == b"null" {
                        Vec::new()
                    } else {
                        word.to_vec()
                    },
                );
                Ok(())
            }
        }
    }

    fn object(&mut self, depth: usize, give: &mut impl FnMut(&[u8], Vec<u8>)) -> Result<(), Fault> {
        if depth >= self.depth {
            return Err("the JSON is nested too deep");
        }
        self.at += 1;
        self.space();
        if self.take(b'}') {
            return Ok(());
        }
        let base = self.path.len();
        loop {
            self.space();
            if at(self.bytes, self.at) != b'"' {
                return Err("a key of the JSON is no string");
            }
            let key = self.string()?;
            self.enter(&key);
            self.space();
            if !self.take(b':') {
                return Err("a key of the JSON has no value");
            }
            self.space();
            self.value(depth + 1, give)?;
            self.path.truncate(base);
            self.space();
            if self.take(b'}') {
                return Ok(());
            }
            if !self.take(b',') {
                return Err("an object of the JSON has no end");
            }
        }
    }

    fn array(&mut self, depth: usize, give: &mut impl FnMut(&[u8], Vec<u8>)) -> Result<(), Fault> {
        if depth >= self.depth {
            return Err("the JSON is nested too deep");
        }
        self.at += 1;
        self.space();
        if self.take(b']') {
            return Ok(());
        }
        loop {
            self.space();
            self.value(depth + 1, give)?;
            self.space();
            if self.take(b']') {
                return Ok(());
            }
            if !self.take(b',') {
                return Err("an array of the JSON has no end");
            }
        }
    }

    fn string(&mut self) -> Result<Vec<u8>, Fault> {
        const OPEN: Fault = "a string of the JSON has no end";
        self.at += 1;
        let mut out = Vec::new();
        loop {
            let end = skip(self.bytes, self.at, |b| b != b'"' && b != b'\\');
            out.extend_from_slice(span(self.bytes, self.at, end));
            if end >= self.bytes.len() {
                return Err(OPEN);
            }
            self.at = end + 1;
            if at(self.bytes, end) == b'"' {
                return Ok(out);
            }
            let sign = at(self.bytes, self.at);
            self.at += 1;
            match sign {
                b'n' => out.push(b'\n'),
                b'r' => out.push(b'\r'),
                b't' => out.push(b'\t'),
                b'b' => out.push(8),
                b'f' => out.push(12),
                b'"' | b'\\' | b'/' => out.push(sign),
                b'u' => {
                    let high = self
                        .unit(self.at)
                        .ok_or("an escape of the JSON is broken")?;
                    self.at += 4;
                    let low = span(self.bytes, self.at, self.at + 2) == b"\\u";
                    match self
                        .unit(self.at + 2)
                        .filter(|unit| low && unit >> 10 == 0x37)
                    {
                        Some(unit) if high >> 10 == 0x36 => {
                            self.at += 6;
                            push_char(&mut out, 0x10000 + ((high & 0x3ff) << 10) + (unit & 0x3ff));
                        }
                        _ => push_char(&mut out, high),
                    }
                }
                _ => return Err("an escape of the JSON is broken"),
            }
        }
    }

    fn unit(&self, from: usize) -> Option<u32> {
        (0..4).try_fold(0, |code, k| {
            Some(code << 4 | u32::from(hex(at(self.bytes, from + k))?))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(text: &str) -> (Vec<(String, String)>, Result<(), Fault>) {
        let mut seen = Vec::new();
        let bounds = Bounds {
            depth: 8,
            values: 100,
        };
        let result = read(text.as_bytes(), bounds, &mut |path, value| {
            seen.push((
                String::from_utf8_lossy(path).into_owned(),
                String::from_utf8_lossy(&value).into_owned(),
            ));
        });
        (seen, result)
    }

    #[test]
    fn values_come_under_their_paths() {
        let (seen, result) = all(r#" {"a":{"b":[1,"x\u4e2d\ud83d\ude00"]},"a":true,"n":null} "#);
        let expected = [
            ("json.a.b", "1"),
            ("json.a.b", "x中😀"),
            ("json.a", "true"),
            ("json.n", ""),
        ];
        assert_eq!(result, Ok(()));
        assert_eq!(seen, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }

    #[test]
    fn what_is_no_json_or_too_much_is_a_fault() {
        for text in [
            "", "{", "{\"a\"}", "[1,]", "{} x", "\"\\q\"", "nope", "{a:1}",
        ] {
            assert!(all(text).1.is_err(), "{text}");
        }
        let deep = format!("{{\"{}\":[{}1]}}", "k".repeat(1000), "1,".repeat(20_000));
        let bounds = Bounds {
            depth: 8,
            values: 50_000,
        };
        let mut given = 0;
        assert_eq!(
            read(deep.as_bytes(), bounds, &mut |path, _| given += path.len()),
            Err("the JSON has too many values below long names")
        );
        assert!(given <= deep.len() * NAMES + (64 << 10));
        assert_eq!(all(&"[".repeat(50)).1, Err("the JSON is nested too deep"));
        assert_eq!(
            all(&format!("[{}1]", "1,".repeat(200))).1,
            Err("the JSON has too many values")
        );
    }

    proptest! {
        #[test]
        fn what_serde_writes_is_read_back(key in ".{0,20}", text in ".{0,60}") {
            let json = serde_json::json!({ &key: &text }).to_string();
            prop_assert_eq!(&all(&json).0[0].1, &text);
        }

        #[test]
        fn no_bytes_panic_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes, Bounds { depth: 8, values: 50 }, &mut |_, _| {});
        }
    }
}
