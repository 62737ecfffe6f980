//! Regular expressions as each reference reads them.

use super::datum::Fault;
use crate::source::Dialect;

/// A compiled expression.
#[derive(Debug, Clone)]
pub(crate) enum Automaton {
    /// As the crate reads it.
    Characters(regex::Regex),
    /// As Go reads it; over bytes, where ASCII classes can be negated.
    Bytes(regex::bytes::Regex),
    /// Matches no text.
    Nothing,
}

impl Automaton {
    pub(crate) fn is_match(&self, value: &str) -> bool {
        match self {
            Self::Characters(regex) => regex.is_match(value),
            Self::Bytes(regex) => regex.is_match(value.as_bytes()),
            Self::Nothing => false,
        }
    }

    /// The groups of the first match, without the whole; empty where a group took no part.
    pub(crate) fn groups(&self, value: &str) -> Option<Vec<String>> {
        match self {
            Self::Characters(regex) => {
                let found = regex.captures(value)?;
                let group = |group: Option<regex::Match<'_>>| {
                    group.map_or(String::new(), |group| group.as_str().to_owned())
                };
                Some(found.iter().skip(1).map(group).collect())
            }
            Self::Bytes(regex) => {
                let found = regex.captures(value.as_bytes())?;
                let group = |group: Option<regex::bytes::Match<'_>>| {
                    group.map_or(String::new(), |group| {
                        String::from_utf8_lossy(group.as_bytes()).into_owned()
                    })
                };
                Some(found.iter().skip(1).map(group).collect())
            }
            Self::Nothing => None,
        }
    }
}

/// Compiles an expression as the dialect reads it.
///
/// # Errors
///
/// Says what is wrong; the references fail or panic on such an expression when a request reaches it.
pub(crate) fn automaton(dialect: Dialect, pattern: &str) -> Result<Automaton, Fault> {
    let invalid = |error: regex::Error| {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default();
        format!(
            "`{pattern}` is no regular expression: {}",
            last.trim_start_matches("error: ")
        )
    };
    match dialect {
        Dialect::CasbinRs => regex::Regex::new(pattern)
            .map(Automaton::Characters)
            .map_err(invalid),
        Dialect::CasbinGo | Dialect::Strict => {
            let text = translated(pattern)
                .map_err(|what| format!("`{pattern}` is no regular expression in Go: {what}"))?;
            regex::bytes::Regex::new(&text)
                .map(Automaton::Bytes)
                .map_err(invalid)
        }
    }
}

/// An expression of Go in the syntax of the `regex` crate.
fn translated(pattern: &str) -> Result<String, &'static str> {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern;
    let mut class = false;
    // Whether the last piece repeats the one before it.
    let mut repeats = false;
    while let Some(c) = rest.chars().next() {
        let behind = rest.get(c.len_utf8()..).unwrap_or_default();
        let mut now_repeats = false;
        match c {
            '\\' => {
                let Some(escape) = behind.chars().next() else {
                    return Err("it ends in a backslash");
                };
                rest = behind.get(escape.len_utf8()..).unwrap_or_default();
                repeats = false;
                if escape == 'Q' && !class {
                    let (literal, next) = rest.split_once("\\E").unwrap_or((rest, ""));
                    out.push_str(&regex::escape(literal));
                    rest = next;
                    continue;
                }
                escaped(escape, class, &mut out)?;
                continue;
            }
            '[' if class => {
                if behind.starts_with(':') {
                    out.push('[');
                } else {
                    out.push_str("\\[");
                }
            }
            '[' => {
                class = true;
                out.push('[');
                rest = behind;
                if let Some(next) = rest.strip_prefix('^') {
                    out.push('^');
                    rest = next;
                }
                if let Some(next) = rest.strip_prefix(']') {
                    out.push_str("\\]");
                    rest = next;
                }
                repeats = false;
                continue;
            }
            ']' if class => {
                class = false;
                out.push(']');
            }
            '&' | '~' if class => {
                out.push('\\');
                out.push(c);
            }
            ':' if class
                && behind.starts_with(']')
                && out.ends_with(char::is_alphabetic)
                && out.contains("[:") =>
            {
                out.push_str(":]");
                rest = behind.get(1..).unwrap_or_default();
                continue;
            }
            '{' if !class => match repetition(rest) {
                Some(_) if repeats => return Err("a repetition of a repetition"),
                Some(length) => {
                    out.push_str(rest.get(..length).unwrap_or_default());
                    rest = rest.get(length..).unwrap_or_default();
                    repeats = true;
                    if let Some(next) = rest.strip_prefix('?') {
                        out.push('?');
                        rest = next;
                    }
                    continue;
                }
                None => out.push_str("\\{"),
            },
            '*' | '+' | '?' if !class => {
                if repeats {
                    return Err("a repetition of a repetition");
                }
                out.push(c);
                rest = behind;
                if let Some(next) = rest.strip_prefix('?') {
                    out.push('?');
                    rest = next;
                }
                repeats = true;
                continue;
            }
            '(' if !class && behind.starts_with('?') => {
                let flags = behind.get(1..).unwrap_or_default();
                let known = flags.starts_with("P<")
                    || flags.starts_with('<')
                    || flags
                        .split([':', ')'])
                        .next()
                        .is_some_and(|flags| flags.chars().all(|flag| "imsU-".contains(flag)));
                if !known || flags.starts_with("<=") || flags.starts_with("<!") {
                    return Err("it has look-around or flags that are not supported");
                }
                out.push_str("(?");
                rest = behind.get(1..).unwrap_or_default();
                // What stands between `(?` and the end of the flags is copied as it is.
                let end = flags.find(['<', ':', ')']).unwrap_or(flags.len());
                out.push_str(flags.get(..end).unwrap_or_default());
                rest = rest.get(end..).unwrap_or_default();
                repeats = false;
                continue;
            }
            _ => {
                out.push(c);
                now_repeats = false;
            }
        }
        repeats = now_repeats;
        rest = behind;
    }
    Ok(out)
}

fn escaped(escape: char, class: bool, out: &mut String) -> Result<(), &'static str> {
    let text = match (escape, class) {
        ('d', false) => "[0-9]",
        ('d', true) => "0-9",
        ('D', _) => "[^0-9]",
        ('w', false) => "[0-9A-Za-z_]",
        ('w', true) => "0-9A-Za-z_",
        ('W', _) => "[^0-9A-Za-z_]",
        ('s', false) => "[\\t\\n\\x0c\\r ]",
        ('s', true) => "\\t\\n\\x0c\\r ",
        ('S', _) => "[^\\t\\n\\x0c\\r ]",
        ('b', false) => "(?-u:\\b)",
        ('B', false) => "(?-u:\\B)",
        ('b' | 'B' | 'A' | 'z', true) | ('C' | 'Z' | 'G', _) => return Err("an unknown escape"),
        ('<', _) => "<",
        ('>', _) => ">",
        (c, _) if c.is_ascii_digit() => {
            return Err("back-references and octal escapes are not supported");
        }
        (c, _) if !c.is_ascii() => return Err("an unknown escape"),
        (c, _) => {
            out.push('\\');
            out.push(c);
            return Ok(());
        }
    };
    out.push_str(text);
    Ok(())
}

/// Length of `{n}`, `{n,}` or `{n,m}` at the start of a text.
fn repetition(text: &str) -> Option<usize> {
    let (inner, _) = text.strip_prefix('{')?.split_once('}')?;
    let digits = |text: &str| {
        !text.is_empty() && text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit())
    };
    let fits = match inner.split_once(',') {
        Some((low, high)) => digits(low) && (high.is_empty() || digits(high)),
        None => digits(inner),
    };
    fits.then_some(inner.len() + 2)
}
