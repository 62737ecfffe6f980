//! What a rule asks of a value: `@rx …`, `@pm …`, `!@within …`.

use std::path::Path;

use ipnet::IpNet;

use super::byteset::ByteSet;
use super::expand::Text;
use super::names::Names;
use super::pattern::{Anchors, Filled, Pattern};
use super::phrases::Phrases;
use super::required::Required;
use super::source::{LoadError, Word};

pub(super) mod sql;
pub(super) mod validate;

/// A test, and whether it is turned round.
#[derive(Debug, Clone)]
pub(super) struct Operator {
    pub(super) negated: bool,
    pub(super) test: Test,
    /// What a text must hold to pass the test, not turned round.
    pub(super) required: Required,
}

/// The tests of the language that ask for nothing outside the exchange.
#[derive(Debug, Clone)]
pub(super) enum Test {
    Always,
    Never,
    Rx(Pattern),
    /// An expression with variables in it.
    Filled(Filled),
    Phrases(Phrases),
    Contains(Text),
    ContainsWord(Text),
    BeginsWith(Text),
    EndsWith(Text),
    Equal(Text),
    Within(Text),
    Number(Order, Text),
    Address(Vec<IpNet>),
    /// The address of the client, whose place is known.
    Place,
    /// The address of the client, which is on a list.
    Listed(String),
    Sql,
    Script,
    Bytes(ByteSet),
    UrlEncoding,
    Utf8,
    Card(Pattern),
    Cpf(Pattern),
    Ssn(Pattern),
    Svnr(Pattern),
}

/// A comparison of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    AtLeast,
    Above,
    AtMost,
    Below,
}

impl Order {
    pub(super) fn holds(self, value: i64, bound: i64) -> bool {
        match self {
            Self::Equal => value == bound,
            Self::AtLeast => value >= bound,
            Self::Above => value > bound,
            Self::AtMost => value <= bound,
            Self::Below => value < bound,
        }
    }
}

/// Reads the number a text begins with; none is zero.
pub(super) fn number(text: &[u8]) -> i64 {
    let text = text.trim_ascii();
    let (negative, digits) = match text.first() {
        Some(b'-') => (true, crate::text::rest(text, 1)),
        Some(b'+') => (false, crate::text::rest(text, 1)),
        _ => (false, text),
    };
    let value = digits
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .fold(0i64, |n, b| {
            n.saturating_mul(10).saturating_add(i64::from(b - b'0'))
        });
    if negative { -value } else { value }
}

impl Operator {
    /// Reads an operator. Files it names are found beside the file of the rule.
    ///
    /// # Errors
    /// What is not supported, by its place.
    pub(super) fn parse(word: &Word, names: &mut Names) -> Result<Self, LoadError> {
        let text = word.text.as_str();
        let bare = text.strip_prefix('!').unwrap_or(text);
        let negated = bare.len() < text.len();
        let (name, argument) = match bare.strip_prefix('@') {
            Some(named) => named.split_once([' ', '\n', '\t']).unwrap_or((named, "")),
            None => ("rx", bare),
        };
        // Blanks before an argument are none of it; those behind it are.
        let argument = if name.eq_ignore_ascii_case("rx") {
            argument
        } else {
            argument.trim_start()
        };
        let mut source = Source {
            word,
            at: text.len() - argument.len(),
            argument,
            names,
        };
        let (test, required) = source.test(name, negated)?;
        Ok(Self {
            negated,
            test,
            required,
        })
    }

    /// The operator of `SecAction`.
    pub(super) fn always() -> Self {
        Self {
            negated: false,
            test: Test::Always,
            required: Required::default(),
        }
    }
}

struct Source<'a> {
    word: &'a Word,
    at: usize,
    argument: &'a str,
    names: &'a mut Names,
}

impl Source<'_> {
    fn refuse(&self, offset: usize, message: impl Into<String>) -> LoadError {
        self.word.refuse(self.at + offset, message)
    }

    fn text(&mut self) -> Result<Text, LoadError> {
        Text::parse(self.word, self.at, self.argument, self.names)
    }

    fn pattern(&self, anchors: Anchors) -> Result<(Pattern, Required), LoadError> {
        if self.argument.contains("%{") {
            return Err(self.refuse(
                0,
                "the expression of this operator cannot hold `%{…}`; write it out",
            ));
        }
        Pattern::new(self.argument, anchors)
            .map_err(|(offset, message)| self.refuse(offset, message))
    }

    fn test(&mut self, name: &str, negated: bool) -> Result<(Test, Required), LoadError> {
        let free = |test| Ok((test, Required::default()));
        match name.to_ascii_lowercase().as_str() {
            "rx" | "rxglobal" => {
                // A line of its own must not pass a test that a whole value would fail.
                let anchors = if negated {
                    Anchors::Text
                } else {
                    Anchors::Lines
                };
                if self.argument.contains("%{") {
                    return free(Test::Filled(Filled::new(self.text()?, anchors)));
                }
                let (pattern, required) = self.pattern(anchors)?;
                Ok((Test::Rx(pattern), required))
            }
            "pm" => {
                let list = super::phrases::inline(self.argument)
                    .map_err(|(offset, message)| self.refuse(offset, message))?;
                self.phrases(&list)
            }
            "pmfromfile" | "pmf" => {
                let list = super::phrases::from_text(&self.file()?);
                self.phrases(&list)
            }
            "contains" => {
                let text = self.text()?;
                let required = text
                    .fixed()
                    .filter(|fixed| !fixed.is_empty())
                    .map(|fixed| Required::phrases(&[fixed.to_vec()]))
                    .unwrap_or_default();
                Ok((Test::Contains(text), required))
            }
            "containsword" => free(Test::ContainsWord(self.text()?)),
            "beginswith" => free(Test::BeginsWith(self.text()?)),
            "endswith" => free(Test::EndsWith(self.text()?)),
            "streq" => free(Test::Equal(self.text()?)),
            "strmatch" => free(Test::Contains(self.text()?)),
            "within" => free(Test::Within(self.text()?)),
            "eq" => free(Test::Number(Order::Equal, self.text()?)),
            "ge" => free(Test::Number(Order::AtLeast, self.text()?)),
            "gt" => free(Test::Number(Order::Above, self.text()?)),
            "le" => free(Test::Number(Order::AtMost, self.text()?)),
            "lt" => free(Test::Number(Order::Below, self.text()?)),
            "ipmatch" => {
                let list = self.argument.to_owned();
                self.addresses(list.split(','))
            }
            "ipmatchfromfile" | "ipmatchf" => {
                let list = self.file()?;
                let list = String::from_utf8_lossy(&list);
                self.addresses(
                    list.lines()
                        .filter(|line| !line.trim_start().starts_with('#')),
                )
            }
            "geolookup" => free(Test::Place),
            "rbl" if self.argument.trim().is_empty() => {
                Err(self.refuse(0, "name a list, like `bl.example.org`"))
            }
            "rbl" => free(Test::Listed(self.argument.trim().to_ascii_lowercase())),
            "detectsqli" => Ok((Test::Sql, Required::default())),
            "detectxss" => {
                // Markup or an attribute: the tokenizer stops at nothing that has neither sign.
                let mut required = Required::default();
                required.bytes.push(ByteSet::of(b"<="));
                Ok((Test::Script, required))
            }
            "validatebyterange" => {
                let set = validate::ranges(self.argument)
                    .ok_or_else(|| self.refuse(0, "write ranges like `9,10,13,32-126`"))?;
                free(Test::Bytes(set))
            }
            "validateurlencoding" => {
                let mut required = Required::default();
                required.bytes.push(ByteSet::of(b"%"));
                Ok((Test::UrlEncoding, required))
            }
            "validateutf8encoding" => {
                let mut required = Required::default();
                required.bytes.push(ByteSet::default().with(0x80..=0xff));
                Ok((Test::Utf8, required))
            }
            "verifycc" => self
                .pattern(Anchors::Lines)
                .map(|(p, r)| (Test::Card(p), r)),
            "verifycpf" => self.pattern(Anchors::Lines).map(|(p, r)| (Test::Cpf(p), r)),
            "verifyssn" => self.pattern(Anchors::Lines).map(|(p, r)| (Test::Ssn(p), r)),
            "verifysvnr" => self
                .pattern(Anchors::Lines)
                .map(|(p, r)| (Test::Svnr(p), r)),
            "unconditionalmatch" => free(Test::Always),
            "nomatch" => free(Test::Never),
            _ => Err(self.word.refuse(
                0,
                format!(
                    "operator `@{name}` is not supported; write one like `@rx`, `@pm` or `@within`"
                ),
            )),
        }
    }

    fn phrases(&self, list: &[Vec<u8>]) -> Result<(Test, Required), LoadError> {
        if list.is_empty() {
            return Err(self.refuse(0, "the list has no phrase; write one or more"));
        }
        let required = Required::phrases(list);
        let phrases = Phrases::new(list)
            .map_err(|error| self.refuse(0, format!("the list is too long: {error}")))?;
        Ok((Test::Phrases(phrases), required))
    }

    fn addresses<'t>(
        &self,
        list: impl Iterator<Item = &'t str>,
    ) -> Result<(Test, Required), LoadError> {
        let nets = list
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(|item| {
                item.parse::<IpNet>()
                    .or_else(|_| item.parse::<std::net::IpAddr>().map(IpNet::from))
                    .map_err(|_| {
                        self.refuse(0, format!("`{item}` is no address; write `192.0.2.0/24`"))
                    })
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok((Test::Address(nets), Required::default()))
    }

    fn file(&self) -> Result<Vec<u8>, LoadError> {
        let rule = self.word.position(0).file;
        let path = rule
            .parent()
            .unwrap_or(Path::new(""))
            .join(self.argument.trim());
        std::fs::read(&path)
            .map_err(|error| self.refuse(0, format!("`{}`: {error}", path.display())))
    }
}
