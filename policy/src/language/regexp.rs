//! Regular expressions in the part of the language that both references read alike.

use regex::{Regex, RegexBuilder};

use super::pattern::Fault;

/// A checked expression.
#[derive(Debug)]
pub(crate) struct Expression {
    pub(crate) regex: Regex,
    /// The words of `^(A|B)$`, which need no automaton.
    pub(crate) words: Option<Vec<Box<str>>>,
    /// Whether it covers the whole value and not some part of it.
    pub(crate) anchored: bool,
}

/// Largest compiled expression, in bytes; chosen.
const LARGEST: usize = 1 << 20;

/// Checks and compiles an expression.
pub(crate) fn compile(pattern: &str) -> Result<Expression, Fault> {
    let ascii = rewritten(pattern)?;
    let regex = RegexBuilder::new(&ascii)
        .size_limit(LARGEST)
        .nest_limit(64)
        .build()
        .map_err(|error| {
            let reason = if matches!(error, regex::Error::CompiledTooBig(_)) {
                "it is too large".to_owned()
            } else {
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default();
                last.trim_start_matches("error: ").to_owned()
            };
            Fault {
                offset: 0,
                message: format!("`{pattern}` is no regular expression: {reason}"),
                help: "look-around and back-references are not supported".to_owned(),
            }
        })?;
    let anchored = is_anchored(pattern);
    Ok(Expression {
        regex,
        words: words(pattern),
        anchored,
    })
}

/// The words of `^A$`, `^(A|B)$` and `^(?:A|B)$`.
fn words(pattern: &str) -> Option<Vec<Box<str>>> {
    let inner = pattern.strip_prefix('^')?.strip_suffix('$')?;
    let group = inner
        .strip_prefix("(?:")
        .or_else(|| inner.strip_prefix('('));
    let list = match group {
        Some(group) => group.strip_suffix(')')?,
        None if inner.contains('|') => return None,
        None => inner,
    };
    let plain = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_alphanumeric() || "_-:/".contains(c))
    };
    list.split('|')
        .map(|word| plain(word).then(|| Box::from(word)))
        .collect()
}

/// Whether `^` and `$` bind everything between them.
fn is_anchored(pattern: &str) -> bool {
    let Some(inner) = pattern
        .strip_prefix('^')
        .and_then(|rest| rest.strip_suffix('$'))
    else {
        return false;
    };
    let (mut depth, mut class, mut escaped) = (0_u32, false, false);
    for c in inner.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => class = true,
            ']' => class = false,
            '(' if !class => depth += 1,
            ')' if !class => depth = depth.saturating_sub(1),
            '|' if !class && depth == 0 => return false,
            _ => {}
        }
    }
    !escaped
}

/// Makes `\d \w \s \b` ASCII, as they are in Go, and refuses what only one reference reads.
fn rewritten(pattern: &str) -> Result<String, Fault> {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut chars = pattern.char_indices().peekable();
    let mut class = false;
    // Whether the previous character opened the class, so that `]` is a literal.
    let mut opened = false;
    let fault = |offset: usize, message: &str, help: &str| {
        Err(Fault {
            offset,
            message: message.to_owned(),
            help: help.to_owned(),
        })
    };
    while let Some((offset, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let first = std::mem::take(&mut opened);
        match (c, next) {
            ('\\', Some(escape)) => {
                chars.next();
                match escaped(escape, class) {
                    Some(text) if !text.is_empty() => out.push_str(text),
                    Some(_) => {
                        out.push('\\');
                        out.push(escape);
                    }
                    None => {
                        return fault(
                            offset,
                            &format!("the references read `\\{escape}` differently"),
                            "write a class like `[0-9]`",
                        );
                    }
                }
            }
            ('[', Some(':')) if class => {
                out.push('[');
                for (_, inner) in chars.by_ref() {
                    out.push(inner);
                    if inner == ']' {
                        break;
                    }
                }
            }
            ('[', _) if class => {
                return fault(
                    offset,
                    "`[` inside a class is read differently",
                    "write `\\[`",
                );
            }
            ('[', _) => {
                class = true;
                opened = true;
                out.push('[');
                if next == Some('^') {
                    chars.next();
                    out.push('^');
                }
            }
            (']', _) if class && !first => {
                class = false;
                out.push(']');
            }
            ('&' | '-' | '~', Some(same)) if class && same == c => {
                return fault(
                    offset,
                    "a set operation that only one reference knows",
                    "write one class",
                );
            }
            ('(', Some('?')) if !class => {
                let rest = pattern.get(offset + 2..).unwrap_or_default();
                if !rest.starts_with(':') && !rest.starts_with("P<") {
                    return fault(
                        offset,
                        "flags and look-around are read differently",
                        "write `(…)` or `(?:…)`",
                    );
                }
                out.push('(');
            }
            ('{', _) if !class && !is_repetition(pattern.get(offset..).unwrap_or_default()) => {
                return fault(
                    offset,
                    "`{…}` is an invalid expression in one reference and a literal in the other",
                    "write a repetition like `{2}`; for a path parameter write `:id` with `keyMatch2`",
                );
            }
            (other, _) => out.push(other),
        }
    }
    Ok(out)
}

/// The ASCII form of an escape; empty to keep it as it is, `None` to refuse it.
fn escaped(escape: char, class: bool) -> Option<&'static str> {
    Some(match (escape, class) {
        ('d', false) => "[0-9]",
        ('d', true) => "0-9",
        ('D', false) => "[^0-9]",
        ('w', false) => "[0-9A-Za-z_]",
        ('w', true) => "0-9A-Za-z_",
        ('W', false) => "[^0-9A-Za-z_]",
        ('s', false) => "[\\t\\n\\x0c\\r ]",
        ('s', true) => "\\t\\n\\x0c\\r ",
        ('S', false) => "[^\\t\\n\\x0c\\r ]",
        ('b', false) => "(?-u:\\b)",
        ('n' | 'r' | 't' | 'f', _) | ('A' | 'z', false) => "",
        (c, _) if c.is_ascii_punctuation() && !"<>".contains(c) => "",
        _ => return None,
    })
}

/// Whether the text begins with `{n}`, `{n,}` or `{n,m}`.
fn is_repetition(text: &str) -> bool {
    let Some((inner, _)) = text.strip_prefix('{').and_then(|rest| rest.split_once('}')) else {
        return false;
    };
    let digits = |text: &str| {
        !text.is_empty() && text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit())
    };
    match inner.split_once(',') {
        Some((low, high)) => digits(low) && (high.is_empty() || digits(high)),
        None => digits(inner),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn perl_classes_are_ascii() {
        let digits = compile(r"^/u/\d+$").unwrap().regex;
        assert!(digits.is_match("/u/12"));
        assert!(!digits.is_match("/u/١٢") && !digits.is_match("/u/１２"));
        let word = compile(r"^[\w-]+$").unwrap().regex;
        assert!(word.is_match("a-b_9") && !word.is_match("é"));
        assert!(compile(r"^a\b").unwrap().regex.is_match("aé"));
        assert!(!compile(r"^\S$").unwrap().regex.is_match(" "));
    }

    #[test]
    fn plain_alternatives_need_no_automaton() {
        for (pattern, expected) in [
            ("^(GET|HEAD)$", Some(2)),
            ("^GET$", Some(1)),
            ("^(?:A|B|C)$", Some(3)),
            ("^A|B$", None),
            ("^(A|)$", None),
            ("GET", None),
            ("^(A)(B)$", None),
            ("^A.$", None),
        ] {
            assert_eq!(
                compile(pattern).unwrap().words.map(|words| words.len()),
                expected,
                "{pattern}"
            );
        }
    }

    #[test]
    fn an_expression_that_covers_a_part_only_is_known() {
        for (pattern, anchored) in [
            ("^(A|B)$", true),
            ("^A|B$", false),
            ("A", false),
            ("^[|]$", true),
            ("^(A|B$", false),
        ] {
            let known = compile(pattern).map(|expression| expression.anchored);
            assert_eq!(known.unwrap_or_default(), anchored, "{pattern}");
        }
    }

    #[test]
    fn what_one_reference_cannot_read_is_refused() {
        for pattern in [
            "/u/{id}",
            "(?i)get",
            "(?=a)",
            "[[a]b]",
            "[a&&b]",
            r"\pL",
            r"\B",
            r"\<",
            "a{,3}",
            "*",
            "(",
            "[",
            r"a\",
            r"(a)\1",
            r"[\W]",
            "((a{100}){100}){100}",
            "a{1000}",
        ] {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
    }
}
