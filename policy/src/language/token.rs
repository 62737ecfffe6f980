//! Words of an expression.

use crate::said;
use crate::source::{Mistake, Passage};

/// A word with the offset where it begins and the one behind it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) word: Word,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Word {
    Name(String),
    Int(i64),
    Text(String),
    /// An operator or a bracket.
    Sign(&'static str),
    End,
}

const SIGNS: [&str; 22] = [
    "&&", "||", "==", "!=", "<=", ">=", "=~", "!~", "<", ">", "!", "+", "-", "*", "/", "%", "(",
    ")", "[", "]", ",", ".",
];

/// Longest expression that is read, in bytes; chosen.
const LONGEST: usize = 16 * 1024;

/// Splits an expression into words; the last is [`Word::End`].
pub(crate) fn tokens(passage: &Passage) -> Result<Vec<Token>, Mistake> {
    let text = passage.text.as_str();
    if text.len() > LONGEST {
        return Err(passage.mistake(
            0,
            said!("the expression is longer than 16 KiB", "表达式超过 16 KiB"),
            said!("split the rule", "请拆分规则"),
        ));
    }
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let Some(first) = rest.chars().next() else {
            break;
        };
        if first == ' ' || first == '\t' {
            at += 1;
            continue;
        }
        let (word, length) = if first.is_ascii_alphabetic() || first == '_' {
            let length = rest
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            (
                Word::Name(rest.get(..length).unwrap_or_default().to_owned()),
                length,
            )
        } else if first.is_ascii_digit() {
            number(passage, rest, at)?
        } else if first == '"' || first == '\'' {
            quoted(passage, rest, at, first)?
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (Word::Sign(sign), sign.len())
        } else {
            let help = match first {
                '?' | ':' => said!(
                    "the conditional `?:` is known to one reference only; write two rules",
                    "只有一个参照引擎支持条件运算符 `?:`；请写成两条规则"
                ),
                '=' => said!("write `==` to compare", "比较请写 `==`"),
                '&' => said!("write `&&`", "写成 `&&`"),
                '|' => said!("write `||`", "写成 `||`"),
                _ => said!(
                    "expressions are names, numbers, quoted texts and operators",
                    "表达式由名称、数字、带引号的文本和运算符组成"
                ),
            };
            return Err(passage.mistake(
                at,
                said!("unexpected `{}`", "此处不应有 `{}`", first.escape_debug()),
                help,
            ));
        };
        words.push(Token {
            word,
            start: at,
            end: at + length,
        });
        at += length;
    }
    words.push(Token {
        word: Word::End,
        start: text.len(),
        end: text.len(),
    });
    Ok(words)
}

fn number(passage: &Passage, rest: &str, at: usize) -> Result<(Word, usize), Mistake> {
    let length = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let digits = rest.get(..length).unwrap_or_default();
    let next = rest.get(length..).and_then(|tail| tail.chars().next());
    if next == Some('.') {
        return Err(passage.mistake(
            at,
            said!(
                "only one reference knows fractions",
                "只有一个参照引擎支持小数"
            ),
            said!("write a whole number", "请写整数"),
        ));
    }
    if next.is_some_and(|c| c.is_alphanumeric() || c == '_')
        || (digits.len() > 1 && digits.starts_with('0'))
    {
        return Err(passage.mistake(
            at,
            said!("malformed number", "数字格式有误"),
            said!(
                "write a decimal whole number without leading zeros",
                "请写十进制整数，不带前导零"
            ),
        ));
    }
    match digits.parse::<i32>() {
        Ok(number) => Ok((Word::Int(i64::from(number)), length)),
        Err(_) => Err(passage.mistake(
            at,
            said!(
                "`{digits}` does not fit into 32 bits, where the references differ",
                "`{digits}` 超出 32 位整数，各参照引擎对此处理不一"
            ),
            said!("write a number up to 2147483647", "数字最大为 2147483647"),
        )),
    }
}

fn quoted(passage: &Passage, rest: &str, at: usize, quote: char) -> Result<(Word, usize), Mistake> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((offset, c)) = chars.next() {
        if c == quote {
            return Ok((Word::Text(text), offset + 1));
        }
        if c != '\\' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some((_, escaped @ ('\\' | '"' | '\''))) => text.push(escaped),
            _ => {
                return Err(passage.mistake(
                    at + offset,
                    said!(
                        "the references read this backslash differently",
                        "各参照引擎对这个反斜杠的理解不一"
                    ),
                    said!(
                        r#"only `\\`, `\"` and `\'` are read; in a pattern write `[0-9]` for `\d`"#,
                        r#"只支持 `\\`、`\"` 和 `\'`；在模式中请用 `[0-9]` 代替 `\d`"#
                    ),
                ));
            }
        }
    }
    Err(passage.mistake(
        at,
        said!("the quoted text is not closed", "引号没有闭合"),
        said!("close it with the same quote", "请用同样的引号闭合"),
    ))
}
