//! Regular expressions in the part of the language that both references read alike.

use regex::{Regex, RegexBuilder};
use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind};

use super::pattern::Fault;
use crate::{Said, said};

/// A checked expression.
#[derive(Debug)]
pub(crate) struct Expression {
    matcher: Matcher,
    /// The words of `^(A|B)$`, which need no automaton.
    pub(crate) words: Option<Vec<Box<str>>>,
    /// Whether it covers the whole value and not some part of it.
    pub(crate) anchored: bool,
}

/// What answers.
#[derive(Debug)]
enum Matcher {
    /// A table: a step for each byte, no memory of its own, nothing shared.
    Table(Box<dense::DFA<Vec<u32>>>),
    /// Where the table would be too large: its scratch memory comes from a pool that threads share.
    Pooled(Regex),
}

/// Largest compiled expression, in bytes; chosen.
const LARGEST: usize = 1 << 20;
/// Deepest nesting of groups; chosen.
const DEEPEST: u32 = 64;
/// Largest table, in bytes, and twice as much to make it. Measured: paths, names and numbers take 0.3 to 5 KB, and a
/// table is made in less time than a [`Regex`]; counted repetitions of anything take megabytes.
const LARGEST_TABLE: usize = 128 << 10;

impl Expression {
    /// Tells whether some part of the text matches.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        match &self.matcher {
            // Only quit states make a search fail, and none are asked for.
            Matcher::Table(table) => table
                .try_search_fwd(&Input::new(text).earliest(true))
                .is_ok_and(|end| end.is_some()),
            Matcher::Pooled(regex) => regex.is_match(text),
        }
    }

    /// Whether it is matched without memory that threads share.
    pub(crate) const fn is_table(&self) -> bool {
        matches!(self.matcher, Matcher::Table(_))
    }
}

/// The table of an expression, where it is small.
fn table(pattern: &str) -> Option<Matcher> {
    let table = dense::Builder::new()
        .configure(
            dense::Config::new()
                .start_kind(StartKind::Unanchored)
                .match_kind(MatchKind::All)
                .accelerate(false)
                .dfa_size_limit(Some(LARGEST_TABLE))
                .determinize_size_limit(Some(2 * LARGEST_TABLE)),
        )
        .syntax(syntax::Config::new().nest_limit(DEEPEST))
        .thompson(
            thompson::Config::new()
                .which_captures(WhichCaptures::None)
                .nfa_size_limit(Some(LARGEST)),
        )
        .build(pattern);
    table.ok().map(|table| Matcher::Table(Box::new(table)))
}

/// Checks and compiles an expression.
pub(crate) fn compile(pattern: &str) -> Result<Expression, Fault> {
    let ascii = rewritten(pattern)?;
    let matcher = match table(&ascii) {
        Some(table) => table,
        None => Matcher::Pooled(pooled(pattern, &ascii)?),
    };
    let anchored = is_anchored(pattern);
    Ok(Expression {
        matcher,
        words: words(pattern),
        anchored,
    })
}

/// The expression as the `regex` crate has it, or why it is none.
fn pooled(pattern: &str, ascii: &str) -> Result<Regex, Fault> {
    RegexBuilder::new(ascii)
        .size_limit(LARGEST)
        .nest_limit(DEEPEST)
        .build()
        .map_err(|error| {
            let message = if matches!(error, regex::Error::CompiledTooBig(_)) {
                said!(
                    "`{pattern}` is no regular expression: it is too large",
                    "`{pattern}` 不是可用的正则表达式：过大"
                )
            } else {
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default();
                let reason = last.trim_start_matches("error: ");
                said!(
                    "`{pattern}` is no regular expression: {reason}",
                    "`{pattern}` 不是可用的正则表达式：{reason}"
                )
            };
            Fault {
                offset: 0,
                message,
                help: said!(
                    "look-around and back-references are not supported",
                    "不支持环视和反向引用"
                ),
            }
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
    let fault = |offset: usize, message: Said, help: Said| {
        Err(Fault {
            offset,
            message,
            help,
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
                            said!(
                                "the references read `\\{escape}` differently",
                                "各参照引擎对 `\\{escape}` 的理解不一"
                            ),
                            said!("write a class like `[0-9]`", "写成 `[0-9]` 这样的字符类"),
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
                    said!(
                        "`[` inside a class is read differently",
                        "各参照引擎对字符类中的 `[` 理解不一"
                    ),
                    said!("write `\\[`", "写成 `\\[`"),
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
                    said!(
                        "a set operation that only one reference knows",
                        "只有一个参照引擎支持这种集合运算"
                    ),
                    said!("write one class", "请合并为一个字符类"),
                );
            }
            ('(', Some('?')) if !class => {
                let rest = pattern.get(offset + 2..).unwrap_or_default();
                if !rest.starts_with(':') && !rest.starts_with("P<") {
                    return fault(
                        offset,
                        said!(
                            "flags and look-around are read differently",
                            "各参照引擎对标志和环视的理解不一"
                        ),
                        said!("write `(…)` or `(?:…)`", "写成 `(…)` 或 `(?:…)`"),
                    );
                }
                out.push('(');
            }
            ('{', _) if !class && !is_repetition(pattern.get(offset..).unwrap_or_default()) => {
                return fault(
                    offset,
                    said!(
                        "`{{…}}` is an invalid expression in one reference and a literal in the other",
                        "`{{…}}` 在一个参照引擎中是无效表达式，在另一个中是普通字符"
                    ),
                    said!(
                        "write a repetition like `{{2}}`; for a path parameter write `:id` with `keyMatch2`",
                        "重复次数写成 `{{2}}` 这样；路径参数请用 `keyMatch2` 并写成 `:id`"
                    ),
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
        let digits = compile(r"^/u/\d+$").unwrap();
        assert!(digits.is_match("/u/12"));
        assert!(!digits.is_match("/u/١٢") && !digits.is_match("/u/１２"));
        let word = compile(r"^[\w-]+$").unwrap();
        assert!(word.is_match("a-b_9") && !word.is_match("é"));
        assert!(compile(r"^a\b").unwrap().is_match("aé"));
        assert!(!compile(r"^\S$").unwrap().is_match(" "));
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
    fn ordinary_expressions_are_tables_and_those_too_large_answer_all_the_same() {
        for pattern in [
            "^/u/[0-9]+$",
            "^(GET|HEAD)$",
            r"\.php$",
            "",
            "^[\u{4e00}-\u{9fff}]{2,4}$",
            ".*",
        ] {
            assert!(compile(pattern).unwrap().is_table(), "{pattern}");
        }
        let large = compile("foo.{0,100}bar").unwrap();
        assert!(!large.is_table());
        assert!(large.is_match("a foo 中 bar") && !large.is_match("foo ba"));
    }

    proptest::proptest! {
        #[test]
        fn a_table_says_what_the_regex_crate_says(
            pattern in r"\^?([a-c中.|()]|\[a-b\]|\[\^a\]|\\b|\\d|[+*?]|\{1,2\}){1,8}\$?",
            text in "[a-d中1\n -]{0,8}",
        ) {
            if let Ok(expression) = compile(&pattern) {
                let model = Regex::new(&rewritten(&pattern).unwrap()).unwrap();
                proptest::prop_assert_eq!(expression.is_match(&text), model.is_match(&text));
            }
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
