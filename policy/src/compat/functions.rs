//! The functions of the dialects, with the corners that each reference has.

use std::collections::HashMap;
use std::net::IpAddr;

use super::datum::{Datum, Fault};
use super::glob;
use super::regex_of::{Automaton, automaton};
use crate::language::pattern::network;
use crate::source::Dialect;
use crate::{Said, said};

/// A function that a matcher can call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Function {
    KeyMatch,
    KeyMatch2,
    KeyMatch3,
    KeyMatch4,
    KeyMatch5,
    KeyGet,
    KeyGet2,
    KeyGet3,
    RegexMatch,
    GlobMatch,
    IpMatch,
    /// One that the caller registered, by its place.
    Custom(usize),
}

impl Function {
    pub(crate) fn known() -> Said {
        said!(
            "known are keyMatch to keyMatch5, keyGet to keyGet3, regexMatch, globMatch, ipMatch, eval and the role sections",
            "可用的有 keyMatch 到 keyMatch5、keyGet 到 keyGet3、regexMatch、globMatch、ipMatch、eval 和各角色段"
        )
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "keyMatch" => Self::KeyMatch,
            "keyMatch2" => Self::KeyMatch2,
            "keyMatch3" => Self::KeyMatch3,
            "keyMatch4" => Self::KeyMatch4,
            "keyMatch5" => Self::KeyMatch5,
            "keyGet" => Self::KeyGet,
            "keyGet2" => Self::KeyGet2,
            "keyGet3" => Self::KeyGet3,
            "regexMatch" => Self::RegexMatch,
            "globMatch" => Self::GlobMatch,
            "ipMatch" => Self::IpMatch,
            _ => return None,
        })
    }

    pub(crate) fn arity(self) -> usize {
        if matches!(self, Self::KeyGet2 | Self::KeyGet3) {
            3
        } else {
            2
        }
    }
}

/// Patterns, or why they are none, by their text.
type ByText = HashMap<Box<str>, Result<Pattern, Fault>, foldhash::quality::RandomState>;

/// Patterns that were compiled when the policy was loaded.
#[derive(Debug, Default)]
pub(crate) struct Compiled {
    known: HashMap<Function, ByText>,
}

/// A pattern as an automaton, with the names of its parameters.
#[derive(Debug, Clone)]
struct Pattern {
    automaton: Automaton,
    names: Vec<Box<str>>,
}

impl Compiled {
    /// Compiles a pattern ahead of requests; what is no pattern fails when it is asked for, as it does in
    /// the references.
    pub(crate) fn learn(&mut self, dialect: Dialect, function: Function, pattern: &str) {
        let known = self.known.entry(function).or_default();
        if is_regular(function) && !known.contains_key(pattern) {
            known.insert(pattern.into(), compile(dialect, function, pattern));
        }
    }

    /// Calls a function with texts.
    ///
    /// # Errors
    ///
    /// What fails or panics in the reference.
    pub(crate) fn call(
        &self,
        dialect: Dialect,
        function: Function,
        value: &str,
        pattern: &str,
        name: &str,
    ) -> Result<Datum<'static>, Fault> {
        let bool = |known: bool| Ok(Datum::Bool(known));
        let text = |text: &str| Ok(Datum::Text(text.to_owned().into()));
        match function {
            Function::KeyMatch => bool(prefix(dialect, value, pattern)?.is_some()),
            Function::KeyGet => match prefix(dialect, value, pattern)? {
                Some(rest) if pattern.contains('*') => text(rest),
                Some(_) | None => text(""),
            },
            Function::GlobMatch => bool(glob::matches(pattern, value)?),
            Function::IpMatch => bool(address(dialect, value, pattern)?),
            Function::KeyMatch2
            | Function::KeyMatch3
            | Function::KeyMatch4
            | Function::KeyMatch5
            | Function::KeyGet2
            | Function::KeyGet3
            | Function::RegexMatch => {
                let known = self
                    .known
                    .get(&function)
                    .and_then(|known| known.get(pattern));
                match known {
                    Some(Ok(compiled)) => compiled.answer(function, value, name),
                    Some(Err(fault)) => Err(fault.clone()),
                    None => compile(dialect, function, pattern)?.answer(function, value, name),
                }
            }
            Function::Custom(_) => Err("a registered function has no pattern".to_owned()),
        }
    }
}

impl Pattern {
    fn answer(&self, function: Function, value: &str, name: &str) -> Result<Datum<'static>, Fault> {
        let value = match function {
            Function::KeyMatch5 => value.split('?').next().unwrap_or_default(),
            Function::KeyMatch
            | Function::KeyMatch2
            | Function::KeyMatch3
            | Function::KeyMatch4
            | Function::KeyGet
            | Function::KeyGet2
            | Function::KeyGet3
            | Function::RegexMatch
            | Function::GlobMatch
            | Function::IpMatch
            | Function::Custom(_) => value,
        };
        if !matches!(
            function,
            Function::KeyMatch4 | Function::KeyGet2 | Function::KeyGet3
        ) {
            return Ok(Datum::Bool(self.automaton.is_match(value)));
        }
        let groups = self.automaton.groups(value);
        if function == Function::KeyMatch4 {
            let Some(groups) = groups else {
                return Ok(Datum::Bool(false));
            };
            if groups.len() != self.names.len() {
                return Err("`keyMatch4` has groups beside its parameters".to_owned());
            }
            // Equal names stand for equal values; the first of them is what the others are compared with.
            let alike = self.names.iter().zip(&groups).all(|(name, group)| {
                let first = self.names.iter().position(|known| known == name);
                first.and_then(|first| groups.get(first)) == Some(group)
            });
            return Ok(Datum::Bool(alike));
        }
        let place = self.names.iter().position(|known| **known == *name);
        let found = groups.and_then(|groups| groups.into_iter().nth(place?));
        Ok(Datum::Text(found.unwrap_or_default().into()))
    }
}

fn is_regular(function: Function) -> bool {
    match function {
        Function::KeyMatch2
        | Function::KeyMatch3
        | Function::KeyMatch4
        | Function::KeyMatch5
        | Function::KeyGet2
        | Function::KeyGet3
        | Function::RegexMatch => true,
        Function::KeyMatch
        | Function::KeyGet
        | Function::GlobMatch
        | Function::IpMatch
        | Function::Custom(_) => false,
    }
}

fn compile(dialect: Dialect, function: Function, pattern: &str) -> Result<Pattern, Fault> {
    if function == Function::RegexMatch {
        return Ok(Pattern {
            automaton: automaton(dialect, pattern)?,
            names: Vec::new(),
        });
    }
    let crate_ = dialect == Dialect::CasbinRs;
    let wide = pattern.replace("/*", "/.*");
    let least = usize::from(!crate_);
    let (text, names) = match function {
        Function::KeyMatch2 => colons(&wide, least, "[^/]+"),
        Function::KeyGet2 => colons(&wide, 1, "([^/]+)"),
        Function::KeyMatch3 => braces(&wide, least, End::Last, "[^/]+"),
        Function::KeyMatch5 if crate_ => braces(&wide, 1, End::First, "[^/]+"),
        Function::KeyMatch5 => braces(&wide, 1, End::Last, "[^/]+"),
        Function::KeyMatch4 if crate_ => braces(&wide, 1, End::First, "([^/]+)"),
        Function::KeyMatch4 => braces(&wide, 1, End::Last, "([^/]+)"),
        Function::KeyGet3 if crate_ => {
            let (text, names) = braces(&wide, 1, End::First, "([^/]+?)");
            (text.replace('{', "\\{"), names)
        }
        Function::KeyGet3 => braces(&wide, 1, End::First, "([^/]+?)"),
        Function::KeyMatch
        | Function::KeyGet
        | Function::RegexMatch
        | Function::GlobMatch
        | Function::IpMatch
        | Function::Custom(_) => (wide, Vec::new()),
    };
    match automaton(dialect, &format!("^{text}$")) {
        Ok(automaton) => Ok(Pattern { automaton, names }),
        // The crate takes an invalid pattern for one that nothing matches in these two only.
        Err(_) if crate_ && matches!(function, Function::KeyMatch4 | Function::KeyGet2) => {
            Ok(Pattern {
                automaton: Automaton::Nothing,
                names,
            })
        }
        Err(fault) => Err(fault),
    }
}

/// Replaces `:name`; a name has at least `least` characters.
fn colons(pattern: &str, least: usize, with: &str) -> (String, Vec<Box<str>>) {
    let (mut out, mut names) = (String::new(), Vec::new());
    let mut rest = pattern;
    while let Some((before, behind)) = rest.split_once(':') {
        let length = behind.find('/').unwrap_or(behind.len());
        let (name, next) = behind.split_at_checked(length).unwrap_or((behind, ""));
        out.push_str(before);
        if name.len() < least {
            out.push(':');
        } else {
            out.push_str(with);
            names.push(name.into());
        }
        rest = next;
    }
    out.push_str(rest);
    (out, names)
}

/// Which closing brace ends a parameter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    First,
    Last,
}

/// Replaces `{name}`; a name has at least `least` characters and no slash.
fn braces(pattern: &str, least: usize, end: End, with: &str) -> (String, Vec<Box<str>>) {
    let (mut out, mut names) = (String::new(), Vec::new());
    let mut rest = pattern;
    while let Some((before, behind)) = rest.split_once('{') {
        out.push_str(before);
        let length = behind.find('/').unwrap_or(behind.len());
        let segment = behind.get(..length).unwrap_or_default();
        // A name of one character at least may itself begin with a brace.
        let skip = if least == 0 {
            0
        } else {
            segment.chars().next().map_or(0, char::len_utf8)
        };
        let tail = segment.get(skip..).unwrap_or_default();
        let close = match end {
            End::First => tail.find('}'),
            End::Last => tail.rfind('}'),
        };
        match close {
            Some(close) if least == 0 || skip > 0 => {
                names.push(segment.get(..skip + close).unwrap_or_default().into());
                out.push_str(with);
                rest = behind.get(skip + close + 1..).unwrap_or_default();
            }
            Some(_) | None => {
                out.push('{');
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    (out, names)
}

/// What a final `*` stands for, if the value begins as the pattern does.
fn prefix<'v>(dialect: Dialect, value: &'v str, pattern: &str) -> Result<Option<&'v str>, Fault> {
    let Some((head, _)) = pattern.split_once('*') else {
        return Ok((value == pattern).then_some(""));
    };
    if dialect == Dialect::CasbinRs
        && value.len() > head.len()
        && !value.is_char_boundary(head.len())
    {
        return Err("`keyMatch` cuts a character in two, where the crate panics".to_owned());
    }
    Ok(value.strip_prefix(head))
}

fn address(dialect: Dialect, value: &str, pattern: &str) -> Result<bool, Fault> {
    let none = |text: &str| format!("`{text}` is no address");
    let value: IpAddr = value.parse().map_err(|_| none(value))?;
    if dialect != Dialect::CasbinRs {
        let network = network(pattern).ok_or_else(|| none(pattern))?;
        return Ok(network.contains(&value.to_canonical()));
    }
    let Some((base, length)) = pattern.split_once('/') else {
        let other: IpAddr = pattern.parse().map_err(|_| none(pattern))?;
        if let (IpAddr::V4(four), IpAddr::V6(six)) = (value, other)
            && let Some(inner) = six.to_ipv4()
        {
            return Ok(inner == four);
        }
        return Ok(value == other);
    };
    let base: IpAddr = base.parse().map_err(|_| none(pattern))?;
    let length: u8 = length.parse().map_err(|_| none(pattern))?;
    let network = ipnet::IpNet::new(base, length).map_err(|_| none(pattern))?;
    Ok(network.contains(&value))
}
