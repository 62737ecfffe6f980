//! Words of an expression.

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
        return Err(passage.mistake(0, "the expression is longer than 16 KiB", "split the rule"));
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
                '?' | ':' => "the conditional `?:` is known to one reference only; write two rules",
                '=' => "write `==` to compare",
                '&' => "write `&&`",
                '|' => "write `||`",
                _ => "expressions are names, numbers, quoted texts and operators",
            };
            return Err(passage.mistake(
                at,
                format!("unexpected `{}`", first.escape_debug()),
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
            "only one reference knows fractions",
            "write a whole number",
        ));
    }
    if next.is_some_and(|c| c.is_alphanumeric() || c == '_')
        || (digits.len() > 1 && digits.starts_with('0'))
    {
        return Err(passage.mistake(
            at,
            "malformed number",
            "write a decimal whole number without leading zeros",
        ));
    }
    match digits.parse::<i32>() {
        Ok(number) => Ok((Word::Int(i64::from(number)), length)),
        Err(_) => Err(passage.mistake(
            at,
            format!("`{digits}` does not fit into 32 bits, where the references differ"),
            "write a number up to 2147483647",
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
                    "the references read this backslash differently",
                    r#"only `\\`, `\"` and `\'` are read; in a pattern write `[0-9]` for `\d`"#,
                ));
            }
        }
    }
    Err(passage.mistake(
        at,
        "the quoted text is not closed",
        "close it with the same quote",
    ))
}
