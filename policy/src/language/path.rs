//! Path patterns: literal segments, parameters, and a tail.
//!
//! A parameter is a whole segment and stands for one that is not empty; a final `/*` stands for
//! whatever follows the slash, nothing included. Every other character stands for itself.

use super::pattern::Fault;
use crate::{Said, said};

/// How a parameter is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Style {
    /// `:name`, as `keyMatch2` has it.
    Colon,
    /// `{name}`, as `keyMatch3` has it.
    Brace,
}

/// A segment of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Segment<'a> {
    Literal(&'a str),
    Parameter,
    /// The final `*`.
    Tail,
}

/// Most segments in a pattern; chosen.
const LONGEST: usize = 128;

/// The segments of a checked pattern.
pub(crate) fn segments(pattern: &str, style: Style) -> impl Iterator<Item = Segment<'_>> {
    let count = pattern.split('/').count();
    pattern
        .split('/')
        .enumerate()
        .skip(1)
        .map(move |(at, text)| {
            if text == "*" && at + 1 == count {
                Segment::Tail
            } else if is_parameter(text, style) {
                Segment::Parameter
            } else {
                Segment::Literal(text)
            }
        })
}

/// Whether a path matches a checked pattern.
pub(crate) fn matches(pattern: &str, style: Style, path: &str) -> bool {
    let Some(mut rest) = path.strip_prefix('/') else {
        return false;
    };
    let mut over = false;
    for segment in segments(pattern, style) {
        if over {
            return false;
        }
        if segment == Segment::Tail {
            return true;
        }
        let here = match rest.split_once('/') {
            Some((here, next)) => {
                rest = next;
                here
            }
            None => {
                over = true;
                rest
            }
        };
        let fits = match segment {
            Segment::Literal(text) => text == here,
            Segment::Parameter => !here.is_empty(),
            Segment::Tail => true,
        };
        if !fits {
            return false;
        }
    }
    over
}

/// Refuses what the references read differently, and what an author cannot have meant.
pub(crate) fn check(pattern: &str, style: Style) -> Result<(), Fault> {
    let fault = |offset: usize, message: Said, help: Said| {
        Err(Fault {
            offset,
            message,
            help,
        })
    };
    if !pattern.starts_with('/') {
        return fault(
            0,
            said!(
                "path pattern `{pattern}` does not begin with `/`",
                "路径模式 `{pattern}` 不以 `/` 开头"
            ),
            said!(
                "a host or scheme never stands in a path pattern; write `/*` for every path",
                "路径模式中不写主机名和协议；要表示所有路径，写 `/*`"
            ),
        );
    }
    if pattern.split('/').count() > LONGEST {
        return fault(
            0,
            said!(
                "path pattern has more than 128 segments",
                "路径模式超过 128 段"
            ),
            said!("end it with `/*`", "请以 `/*` 结尾"),
        );
    }
    let last = pattern.split('/').count() - 1;
    let mut offset = 0;
    for (at, segment) in pattern.split('/').enumerate() {
        let start = offset;
        offset += segment.len() + 1;
        if (segment == "*" && at == last) || is_parameter(segment, style) {
            continue;
        }
        for (inside, c) in segment.char_indices() {
            let here = start + inside;
            match (c, style) {
                ('*', _) => {
                    return fault(
                        here,
                        said!(
                            "`*` stands only as the whole last segment",
                            "`*` 只能单独作为最后一段"
                        ),
                        said!("end the pattern with `/*`", "请让模式以 `/*` 结尾"),
                    );
                }
                (':', Style::Colon) => {
                    return fault(
                        here,
                        said!(
                            "a parameter needs a name and is a whole segment; without one the references differ",
                            "参数须有名称并独占一段；没有名称时各参照引擎处理不一"
                        ),
                        said!("write `/:name`", "写成 `/:name`"),
                    );
                }
                ('{' | '}', Style::Colon) => {
                    return fault(
                        here,
                        said!(
                            "`{{…}}` is an invalid expression in one reference and a literal in the other",
                            "`{{…}}` 在一个参照引擎中是无效表达式，在另一个中是普通字符"
                        ),
                        said!("write `:id`", "写成 `:id`"),
                    );
                }
                ('{' | '}', Style::Brace) => {
                    return fault(
                        here,
                        said!(
                            "a parameter needs a name and is a whole segment",
                            "参数须有名称并独占一段"
                        ),
                        said!("write `/{{name}}`", "写成 `/{{name}}`"),
                    );
                }
                ('+' | '?' | '(' | ')' | '[' | ']' | '|' | '^' | '$' | '\\', _) => {
                    return fault(
                        here,
                        said!(
                            "`{c}` has a meaning in regular expressions; path patterns are literal",
                            "`{c}` 在正则表达式中有特殊含义，而路径模式按字面匹配"
                        ),
                        said!(
                            "leave it out, or use `regexMatch` for this model",
                            "请去掉它，或在模型中改用 `regexMatch`"
                        ),
                    );
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn is_parameter(segment: &str, style: Style) -> bool {
    let name = match style {
        Style::Colon => segment.strip_prefix(':'),
        Style::Brace => segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}')),
    };
    name.is_some_and(|name| {
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || c == '_' || c == '-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_what_their_words_say() {
        let table = [
            ("/a", "/a", true),
            ("/a", "/a/", false),
            ("/a", "/ab", false),
            ("/a/", "/a/", true),
            ("/", "/", true),
            ("/", "//", false),
            ("/*", "/", true),
            ("/*", "/x/y", true),
            ("/*", "x", false),
            ("/a/*", "/a", false),
            ("/a/*", "/a/", true),
            ("/a/*", "/a/b/c", true),
            ("/a/*", "/a/x\ny", true),
            ("/a/:id", "/a/7", true),
            ("/a/:id", "/a/", false),
            ("/a/:id", "/a/7/8", false),
            ("/a/:id/b", "/a/7/b", true),
            ("/办事/:item", "/办事/身份证", true),
            ("/a.b", "/a.b", true),
            ("/a.b", "/aXb", false),
            ("//", "//", true),
            ("/:a/*", "//x", false),
            ("", "", false),
            ("/a", "", false),
        ];
        for (pattern, path, expected) in table {
            assert_eq!(
                matches(pattern, Style::Colon, path),
                expected,
                "{pattern:?} {path:?}"
            );
        }
        assert!(matches("/a/{id}", Style::Brace, "/a/7"));
        assert!(matches("/a/:id", Style::Brace, "/a/:id"));
    }

    #[test]
    fn what_the_references_read_differently_is_refused_at_its_character() {
        let table = [
            ("*", 0),
            ("", 0),
            ("a/b", 0),
            ("https://h/*", 0),
            ("/foo/:", 5),
            ("/a:b", 2),
            ("/u/{id}", 3),
            ("/a/*/b", 3),
            ("/a*", 2),
            ("/:id.json", 1),
            ("/a(b)", 2),
            ("/a+", 2),
            ("/a|/b", 2),
            ("/::", 1),
        ];
        for (pattern, offset) in table {
            assert_eq!(
                check(pattern, Style::Colon).unwrap_err().offset,
                offset,
                "{pattern}"
            );
        }
        assert_eq!(check("/a/{}", Style::Brace).unwrap_err().offset, 3);
    }
}
