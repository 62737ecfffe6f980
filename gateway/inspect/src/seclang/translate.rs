//! Expressions written for PCRE, rewritten for the engines here. Both read bytes; what differs is syntax.
//!
//! PCRE takes `[` in a class, `{` that repeats nothing, and a backslash before any sign as that sign. What has no
//! counterpart (lookaround, atomic groups, backreferences) is told apart, so that nothing is dropped in silence.

/// An expression as the engines here take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Translated {
    pub(super) text: String,
    /// Says whether the expression needs an engine that backtracks.
    pub(super) backtracks: bool,
}

/// Why an expression cannot be rewritten: where in it, and what is wrong.
pub(super) type Fault = (usize, String);

/// Rewrites an expression.
///
/// # Errors
/// Constructs that neither engine has, by their offset.
pub(super) fn translate(pattern: &str) -> Result<Translated, Fault> {
    let mut translator = Translator {
        bytes: pattern.as_bytes(),
        at: 0,
        out: String::with_capacity(pattern.len() + 16),
        backtracks: false,
        repeatable: false,
    };
    translator.run()?;
    Ok(Translated {
        text: translator.out,
        backtracks: translator.backtracks,
    })
}

struct Translator<'a> {
    bytes: &'a [u8],
    at: usize,
    out: String,
    backtracks: bool,
    /// Says whether what was written last can be repeated.
    repeatable: bool,
}

impl Translator<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn starts(&self, text: &str) -> bool {
        crate::text::rest(self.bytes, self.at).starts_with(text.as_bytes())
    }

    fn run(&mut self) -> Result<(), Fault> {
        while let Some(b) = self.peek(0) {
            match b {
                b'\\' => self.escape(Inside::Pattern)?,
                b'[' => self.class()?,
                b'(' => self.group()?,
                b'*' | b'+' | b'?' => {
                    self.at += 1;
                    self.quantifier(char::from(b).to_string().as_str());
                }
                b'{' => match self.counted() {
                    Some(counted) if self.repeatable => {
                        self.at += counted.len();
                        self.quantifier(&counted);
                    }
                    _ => {
                        self.out.push_str("\\{");
                        self.at += 1;
                        self.repeatable = true;
                    }
                },
                b'}' | b']' => {
                    self.out.push('\\');
                    self.out.push(char::from(b));
                    self.at += 1;
                    self.repeatable = true;
                }
                _ => {
                    self.literal(b);
                    self.at += 1;
                    self.repeatable = !matches!(b, b'|' | b'^' | b'$');
                }
            }
        }
        Ok(())
    }

    fn literal(&mut self, b: u8) {
        if b.is_ascii() && !b.is_ascii_control() {
            self.out.push(char::from(b));
        } else {
            self.byte(b);
        }
    }

    fn byte(&mut self, b: u8) {
        self.out.push_str(&format!("\\x{b:02x}"));
    }

    /// `{2}`, `{2,}` and `{2,5}`; everything else is a brace.
    fn counted(&self) -> Option<String> {
        let tail = crate::text::rest(self.bytes, self.at);
        let end = tail.iter().position(|&b| b == b'}')?;
        let inner = std::str::from_utf8(crate::text::span(tail, 1, end)).ok()?;
        let (from, to) = inner.split_once(',').unwrap_or((inner, "0"));
        let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        (number(from) && (to.is_empty() || number(to))).then(|| format!("{{{inner}}}"))
    }

    fn quantifier(&mut self, text: &str) {
        self.out.push_str(text);
        match self.peek(0) {
            Some(b'?') => {
                self.out.push('?');
                self.at += 1;
            }
            Some(b'+') => {
                self.out.push('+');
                self.backtracks = true;
                self.at += 1;
            }
            _ => {}
        }
        self.repeatable = false;
    }

    fn group(&mut self) -> Result<(), Fault> {
        self.repeatable = false;
        for text in ["(?=", "(?!", "(?<=", "(?<!", "(?>"] {
            if self.starts(text) {
                self.backtracks = true;
                self.out.push_str(text);
                self.at += text.len();
                return Ok(());
            }
        }
        if self.starts("(?#") {
            let tail = crate::text::rest(self.bytes, self.at);
            let end = tail
                .iter()
                .position(|&b| b == b')')
                .ok_or((self.at, "the comment is never closed".to_owned()))?;
            self.at += end + 1;
            return Ok(());
        }
        for text in [
            "(?|", "(?(", "(?R", "(?&", "(?C", "(*", "(?+", "(?-1", "(?0", "(?1",
        ] {
            if self.starts(text) {
                return Err((
                    self.at,
                    format!("`{text}` is not supported; write the expression without it"),
                ));
            }
        }
        self.out.push('(');
        self.at += 1;
        if self.peek(0) == Some(b'?') {
            // Flags and names stand as they are up to the sign that ends them.
            while let Some(b) = self.peek(0) {
                self.out.push(char::from(b));
                self.at += 1;
                if matches!(b, b':' | b')' | b'>') || !b.is_ascii() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// A class: `[` is an ordinary sign in it, and there is no arithmetic of classes.
    fn class(&mut self) -> Result<(), Fault> {
        let start = self.at;
        self.out.push('[');
        self.at += 1;
        if self.peek(0) == Some(b'^') {
            self.out.push('^');
            self.at += 1;
        }
        let mut first = true;
        loop {
            let b = self.peek(0).ok_or((
                start,
                "the class that opens here is never closed".to_owned(),
            ))?;
            match b {
                b']' if !first => {
                    self.out.push(']');
                    self.at += 1;
                    self.repeatable = true;
                    return Ok(());
                }
                b'\\' => self.escape(Inside::Class)?,
                b'[' if self.starts("[:") && self.posix().is_some() => {
                    let name = self.posix().unwrap_or_default();
                    self.at += name.len();
                    self.out.push_str(&name);
                }
                b'-' => {
                    // A dash that ends a class, or follows a range or a class of its own, is a dash.
                    let dash = first || self.peek(1) == Some(b']') || self.after_set();
                    self.out.push_str(if dash { "\\-" } else { "-" });
                    self.at += 1;
                }
                b'[' | b']' | b'&' | b'~' | b'^' => {
                    self.out.push('\\');
                    self.out.push(char::from(b));
                    self.at += 1;
                }
                _ => {
                    self.literal(b);
                    self.at += 1;
                }
            }
            first = false;
        }
    }

    /// Says whether the dash here follows `\s` or its like, or the end of a range.
    fn after_set(&self) -> bool {
        let before = crate::text::span(self.bytes, 0, self.at);
        let shorthand = matches!(before, [.., b'\\', b's' | b'S' | b'w' | b'W' | b'd' | b'D'])
            && !matches!(before, [.., b'\\', b'\\', _]);
        shorthand || before.ends_with(b":]")
    }

    fn posix(&self) -> Option<String> {
        let tail = crate::text::rest(self.bytes, self.at);
        let end = tail.windows(2).position(|pair| pair == b":]")?;
        let name = std::str::from_utf8(crate::text::span(tail, 2, end)).ok()?;
        let known = [
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print",
            "punct", "space", "upper", "word", "xdigit",
        ];
        known
            .contains(&name.trim_start_matches('^'))
            .then(|| format!("[:{name}:]"))
    }

    fn escape(&mut self, inside: Inside) -> Result<(), Fault> {
        let start = self.at;
        let b = self
            .peek(1)
            .ok_or((start, "a backslash ends the expression".to_owned()))?;
        self.at += 2;
        self.repeatable = true;
        let class = inside == Inside::Class;
        match b {
            b'd' | b'D' | b'w' | b'W' | b's' | b'S' => {
                self.out.push('\\');
                self.out.push(char::from(b));
            }
            b'n' => self.byte(b'\n'),
            b'r' => self.byte(b'\r'),
            b't' => self.byte(b'\t'),
            b'f' => self.byte(0x0c),
            b'a' => self.byte(0x07),
            b'e' => self.byte(0x1b),
            b'v' => self.out.push_str(if class {
                "\\x0a-\\x0d"
            } else {
                "[\\x0a-\\x0d]"
            }),
            b'h' => self
                .out
                .push_str(if class { "\\x09\\x20" } else { "[\\x09\\x20]" }),
            b'N' if !class => self.out.push_str("[^\\n]"),
            b'R' if !class => self.out.push_str("(?:\\r\\n|[\\x0a-\\x0d])"),
            b'x' => {
                let code = self.hexadecimal(start)?;
                self.byte(code);
            }
            b'b' if class => self.byte(0x08),
            b'b' | b'B' | b'A' | b'z' => {
                self.out.push('\\');
                self.out.push(char::from(b));
            }
            b'Z' if !class => self.out.push_str("(?:\\n?\\z)"),
            b'Q' if !class => {
                let tail = crate::text::rest(self.bytes, self.at).to_vec();
                let end = tail
                    .windows(2)
                    .position(|pair| pair == b"\\E")
                    .unwrap_or(tail.len());
                for &b in crate::text::span(&tail, 0, end) {
                    self.byte(b);
                }
                self.at += end + 2;
            }
            b'E' => {}
            b'0'..=b'7' if class || b == b'0' => {
                let mut code = u32::from(b - b'0');
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = self.peek(0) else {
                        break;
                    };
                    code = code * 8 + u32::from(digit - b'0');
                    self.at += 1;
                }
                let code = u8::try_from(code)
                    .map_err(|_| (start, "the octal code is over 377".to_owned()))?;
                self.byte(code);
            }
            b'1'..=b'9' => {
                self.backtracks = true;
                self.out.push('\\');
                self.out.push(char::from(b));
            }
            _ if b.is_ascii_alphanumeric() => {
                return Err((start, format!("`\\{}` is not supported", char::from(b))));
            }
            _ => self.byte(b),
        }
        Ok(())
    }

    /// `\x4`, `\x41` and `\x{41}`.
    fn hexadecimal(&mut self, start: usize) -> Result<u8, Fault> {
        let braces = self.peek(0) == Some(b'{');
        self.at += usize::from(braces);
        let most = if braces { 8 } else { 2 };
        let mut code = 0u32;
        for _ in 0..most {
            let Some(digit) = self.peek(0).and_then(crate::text::hex) else {
                break;
            };
            code = code << 4 | u32::from(digit);
            self.at += 1;
        }
        if braces {
            if self.peek(0) != Some(b'}') {
                return Err((start, "`\\x{` needs hexadecimal digits and `}`".to_owned()));
            }
            self.at += 1;
        }
        u8::try_from(code).map_err(|_| {
            (
                start,
                "rules read bytes; write a character above FF as its UTF-8 bytes".to_owned(),
            )
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Pattern,
    Class,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &[u8]) -> bool {
        let translated = translate(pattern).unwrap();
        assert!(!translated.backtracks, "{pattern}");
        regex::bytes::RegexBuilder::new(&translated.text)
            .unicode(false)
            .dot_matches_new_line(true)
            .build()
            .unwrap_or_else(|error| panic!("{pattern} became {}: {error}", translated.text))
            .is_match(text)
    }

    #[test]
    fn signs_that_only_one_engine_finds_special_mean_the_same() {
        for (pattern, yes, no) in [
            (r"[[]a", &b"[a"[..], &b"a"[..]),
            (r"a[&&b]", b"a&", b"ac"),
            (r"[]x]", b"]", b"y"),
            (r"[^]x]", b"y", b"]"),
            (r"a{b}", b"a{b}", b"ab"),
            (r"^{1}x", b"{1}x", b"1x"),
            (r"a{,2}", b"a{,2}", b"aa"),
            (r"\<b\>", b"<b>", b"b"),
            (r"[\s\-x]", b"-", b"y"),
            (r"[\w-]", b"-", b"+"),
            (r"[\d-z]", b"-", b"y"),
            (r"\x{ff}", b"\xff", b"\xc3\xbf"),
            (r"[\x80-\xff]", b"\x90", b"a"),
            ("[\u{e9}]", b"\xc3", b"e"),
            (r"[\b]", b"\x08", b"b"),
            (r"\Qa.b\E+", b"a.bb", b"axb"),
            (r"[a-c-e]", b"-", b"d"),
            (r"\/\'\!\#", b"/'!#", b"/'"),
            (r"[[:alpha:][]", b"[", b"1"),
            (r"a\0b", b"a\0b", b"ab"),
        ] {
            assert!(matches(pattern, yes), "{pattern} misses {yes:?}");
            assert!(!matches(pattern, no), "{pattern} takes {no:?}");
        }
    }

    #[test]
    fn what_needs_backtracking_is_told_apart() {
        for pattern in [
            "a(?=b)", "a(?!b)", "(?<!a)b", "(?>a)", "a++", "a*+", "a{2}+", r"(a)\1",
        ] {
            assert!(translate(pattern).unwrap().backtracks, "{pattern}");
        }
        for pattern in [r"\++", "(a)+", "[+]+", "a+?", r"\\1", r"a\?+"] {
            assert!(!translate(pattern).unwrap().backtracks, "{pattern}");
        }
    }

    #[test]
    fn what_has_no_counterpart_is_refused_where_it_stands() {
        for (pattern, at) in [
            ("ab(?R)", 2),
            ("a\\", 1),
            (r"ab\p{L}", 2),
            ("x[a", 1),
            (r"\x{100}", 0),
        ] {
            assert_eq!(translate(pattern).unwrap_err().0, at, "{pattern}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_expression_panics(pattern in r#"[a-c0-9\[\](){}\\^$*+?|.:\-xQE&é]{0,24}"#) {
            let _ = translate(&pattern);
        }
    }
}
