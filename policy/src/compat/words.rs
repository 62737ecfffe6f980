//! Words of a matcher as the dialects write them.

use crate::said;
use crate::source::{Dialect, Mistake, Passage};

/// A word and the offset where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Placed {
    pub(crate) word: Word,
    pub(crate) start: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Word {
    Name(String),
    Int(i32),
    Number(f64),
    Text(String),
    Sign(&'static str),
    End,
}

const SIGNS: [&str; 27] = [
    "&&", "||", "==", "!=", "<=", ">=", "=~", "!~", "**", "??", "<", ">", "!", "+", "-", "*", "/",
    "%", "(", ")", "[", "]", ",", ".", "?", ":", "~",
];

/// Longest expression that is read, in bytes; chosen.
const LONGEST: usize = 16 * 1024;

/// Splits an expression, whose section names have been rewritten, into words.
///
/// # Errors
///
/// The first word that the dialect does not have.
pub(crate) fn words(
    passage: &Passage,
    text: &str,
    dialect: Dialect,
) -> Result<Vec<Placed>, Mistake> {
    if text.len() > LONGEST {
        return Err(passage.mistake(
            0,
            said!("the expression is longer than 16 KiB", "表达式超过 16 KiB"),
            said!("split it", "请拆分"),
        ));
    }
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let Some(first) = rest.chars().next() else {
            break;
        };
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (word, length) = if first.is_alphabetic() || first == '_' {
            let inside = |c: char| c.is_alphanumeric() || c == '_';
            let length = rest.find(|c| !inside(c)).unwrap_or(rest.len());
            (
                Word::Name(rest.get(..length).unwrap_or_default().to_owned()),
                length,
            )
        } else if first.is_ascii_digit() {
            number(passage, rest, at, dialect)?
        } else if first == '"' || first == '\'' {
            quoted(passage, rest, at, first, dialect)?
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (Word::Sign(sign), sign.len())
        } else {
            let message = said!("unexpected `{}`", "此处不应有 `{}`", first.escape_debug());
            let help = said!(
                "bit operators and the like are not supported",
                "不支持位运算符之类的符号"
            );
            return Err(passage.mistake(at, message, help));
        };
        words.push(Placed { word, start: at });
        at += length;
    }
    words.push(Placed {
        word: Word::End,
        start: text.len(),
    });
    Ok(words)
}

fn number(
    passage: &Passage,
    rest: &str,
    at: usize,
    dialect: Dialect,
) -> Result<(Word, usize), Mistake> {
    let digits = |text: &str| {
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len())
    };
    let whole = digits(rest);
    let fraction = rest
        .get(whole..)
        .and_then(|tail| tail.strip_prefix('.'))
        .map(digits)
        .filter(|length| *length > 0);
    let length = whole + fraction.map_or(0, |length| length + 1);
    let text = rest.get(..length).unwrap_or_default();
    let next = rest.get(length..).and_then(|tail| tail.chars().next());
    let malformed = next.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let word = match dialect {
        Dialect::CasbinRs if fraction.is_none() => text.parse().ok().map(Word::Int),
        Dialect::CasbinRs => None,
        Dialect::CasbinGo | Dialect::Strict => text.parse().ok().map(Word::Number),
    };
    match word {
        Some(word) if !malformed => Ok((word, length)),
        Some(_) | None => {
            let help = said!(
                "write a decimal number; `casbin-rs` has whole numbers of 32 bits only",
                "请写十进制数；`casbin-rs` 只有 32 位整数"
            );
            Err(passage.mistake(at, said!("malformed number", "数字格式有误"), help))
        }
    }
}

/// In Go's dialect a backslash stands for itself; in the crate's it escapes.
fn quoted(
    passage: &Passage,
    rest: &str,
    at: usize,
    quote: char,
    dialect: Dialect,
) -> Result<(Word, usize), Mistake> {
    if quote == '\'' && dialect == Dialect::CasbinRs {
        let help = said!("write double quotes", "请用双引号");
        return Err(passage.mistake(
            at,
            said!(
                "a single quote begins a character in `casbin-rs`",
                "在 `casbin-rs` 中单引号表示单个字符"
            ),
            help,
        ));
    }
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((offset, c)) = chars.next() {
        if c == quote {
            if dialect == Dialect::CasbinGo && is_date(&text) {
                let help = said!("put it into a field of the rules", "请放到规则的字段中");
                return Err(passage.mistake(
                    at,
                    said!(
                        "Go reads a text like this as a date",
                        "Go 会把这样的文本当作日期"
                    ),
                    help,
                ));
            }
            return Ok((Word::Text(text), offset + 1));
        }
        if c != '\\' || dialect == Dialect::CasbinGo {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some((_, same @ ('\\' | '"' | '\''))) => text.push(same),
            Some((_, 'n')) => text.push('\n'),
            Some((_, 't')) => text.push('\t'),
            Some((_, 'r')) => text.push('\r'),
            Some(_) | None => {
                let help = said!(
                    r#"`casbin-rs` has `\\`, `\"`, `\n`, `\r` and `\t`"#,
                    r#"`casbin-rs` 支持 `\\`、`\"`、`\n`、`\r` 和 `\t`"#
                );
                return Err(passage.mistake(
                    at + offset,
                    said!("unknown escape", "未知的转义"),
                    help,
                ));
            }
        }
    }
    let help = said!("close it with the same quote", "请用同样的引号闭合");
    Err(passage.mistake(
        at,
        said!("the quoted text is not closed", "引号没有闭合"),
        help,
    ))
}

/// Texts that Go's expression language turns into a point in time.
fn is_date(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .take(10)
        .collect();
    shape == "0000-00-00"
        || (text.contains(':') && (text.ends_with("AM") || text.ends_with("PM")))
        || ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
            .iter()
            .any(|day| text.starts_with(day) && text.contains(':'))
}
