//! Every pattern that a policy names, checked and compiled once.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::path::{self, Style};
use super::regexp::{self, Expression};
use crate::spread::Spread;
use crate::truth::Truth;
use crate::{Said, said};

/// A fault in a pattern, with its byte offset.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) offset: usize,
    pub(crate) message: Said,
    pub(crate) help: Said,
}

/// How a value is compared with a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Way {
    /// `keyMatch`: a final `*` stands for anything.
    Prefix,
    /// `keyMatch2` and `keyMatch3`.
    Path(Style),
    /// `regexMatch`.
    Regex,
    /// `ipMatch`.
    Address,
}

/// The compiled patterns of a policy by their text, each with how often it is named.
#[derive(Debug, Default, Clone)]
pub(crate) struct Patterns {
    expressions: Spread<Box<str>, (Arc<Expression>, u32)>,
    networks: Spread<Box<str>, (IpNet, u32)>,
    /// What was admitted since [`Self::record`], to be released with whatever named it.
    record: Option<Vec<Mention>>,
}

/// A pattern as something names it.
pub(crate) type Mention = (Way, Box<str>);

impl Patterns {
    /// Checks a pattern and keeps what it compiles to until it is released as often as admitted.
    pub(crate) fn admit(&mut self, way: Way, pattern: &str) -> Result<(), Fault> {
        match way {
            Way::Prefix => match pattern.find('*') {
                Some(star) if star + 1 < pattern.len() => {
                    return Err(Fault {
                        offset: star + 1,
                        message: said!(
                            "`keyMatch` ignores what follows `*`",
                            "`keyMatch` 会忽略 `*` 之后的内容"
                        ),
                        help: said!("end the pattern with `*`", "请让模式以 `*` 结尾"),
                    });
                }
                Some(_) | None => return Ok(()),
            },
            Way::Path(style) => return path::check(pattern, style),
            Way::Regex => match self.expressions.get_mut(pattern) {
                Some((_, mentions)) => *mentions = mentions.saturating_add(1),
                None => {
                    let expression = Arc::new(regexp::compile(pattern)?);
                    self.expressions.insert(pattern.into(), (expression, 1));
                }
            },
            Way::Address => match self.networks.get_mut(pattern) {
                Some((_, mentions)) => *mentions = mentions.saturating_add(1),
                None => {
                    let Some(network) = network(pattern) else {
                        return Err(Fault {
                            offset: 0,
                            message: said!(
                                "`{pattern}` is no address or network",
                                "`{pattern}` 不是地址或网段"
                            ),
                            help: said!(
                                "write `10.0.0.0/8` or `2001:db8::1`",
                                "写成 `10.0.0.0/8` 或 `2001:db8::1` 这样"
                            ),
                        });
                    };
                    self.networks.insert(pattern.into(), (network, 1));
                }
            },
        }
        if let Some(record) = &mut self.record {
            record.push((way, pattern.into()));
        }
        Ok(())
    }

    /// Takes one admission back.
    pub(crate) fn release(&mut self, way: Way, pattern: &str) {
        match way {
            Way::Regex => {
                let mentions = self.expressions.get_mut(pattern).map(|(_, count)| count);
                if mentions.is_some_and(spent) {
                    self.expressions.remove(pattern);
                }
            }
            Way::Address => {
                let mentions = self.networks.get_mut(pattern).map(|(_, count)| count);
                if mentions.is_some_and(spent) {
                    self.networks.remove(pattern);
                }
            }
            Way::Prefix | Way::Path(_) => {}
        }
    }

    /// Notes from now on what is admitted.
    pub(crate) fn record(&mut self) {
        self.record = Some(Vec::new());
    }

    /// What was admitted since [`Self::record`].
    pub(crate) fn recorded(&mut self) -> Vec<Mention> {
        self.record.take().unwrap_or_default()
    }

    pub(crate) fn expression(&self, pattern: &str) -> Option<&Arc<Expression>> {
        self.expressions
            .get(pattern)
            .map(|(expression, _)| expression)
    }

    /// Compares a value with a pattern; unknown if the pattern was not admitted or the value is no
    /// address where one is needed.
    pub(crate) fn compare(&self, way: Way, pattern: &str, value: &str) -> Truth {
        match way {
            Way::Prefix => match pattern.strip_suffix('*') {
                Some(prefix) => value.starts_with(prefix).into(),
                None => (value == pattern).into(),
            },
            Way::Path(style) => path::matches(pattern, style, value).into(),
            Way::Regex => self
                .expression(pattern)
                .map_or(Truth::Unknown, |expression| {
                    expression.is_match(value).into()
                }),
            Way::Address => match (self.networks.get(pattern), value.parse::<IpAddr>()) {
                (Some((network, _)), Ok(address)) => {
                    network.contains(&address.to_canonical()).into()
                }
                (None, _) | (_, Err(_)) => Truth::Unknown,
            },
        }
    }
}

/// Takes one off a count and tells whether none is left.
fn spent(count: &mut u32) -> bool {
    *count = count.saturating_sub(1);
    *count == 0
}

/// An address or a network, with IPv4 inside IPv6 as IPv4.
pub(crate) fn network(text: &str) -> Option<IpNet> {
    let network = match text.parse::<IpNet>() {
        Ok(network) => network,
        Err(_) => IpNet::from(text.parse::<IpAddr>().ok()?),
    };
    let IpNet::V6(wide) = network else {
        return Some(network);
    };
    match (
        wide.addr().to_ipv4_mapped(),
        wide.prefix_len().checked_sub(96),
    ) {
        (Some(narrow), Some(length)) => IpNet::new(narrow.into(), length).ok(),
        (None, _) | (_, None) => Some(network),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_kept_until_it_is_released_as_often_as_admitted() {
        let mut patterns = Patterns::default();
        patterns.admit(Way::Regex, "^a$").unwrap();
        patterns.record();
        patterns.admit(Way::Regex, "^a$").unwrap();
        patterns.admit(Way::Address, "10.0.0.1").unwrap();
        let recorded = patterns.recorded();
        assert_eq!(recorded.len(), 2);
        for (way, pattern) in &recorded {
            patterns.release(*way, pattern);
        }
        assert_eq!(patterns.compare(Way::Regex, "^a$", "a"), Truth::True);
        patterns.release(Way::Regex, "^a$");
        assert!(patterns.expressions.is_empty() && patterns.networks.is_empty());
    }

    #[test]
    fn a_mapped_address_does_not_bypass_a_network() {
        let mut patterns = Patterns::default();
        for pattern in ["10.0.0.0/8", "::ffff:192.168.0.0/112", "2001:db8::/32"] {
            patterns.admit(Way::Address, pattern).unwrap();
        }
        let is = |pattern, value| patterns.compare(Way::Address, pattern, value);
        assert_eq!(is("10.0.0.0/8", "::ffff:10.1.2.3"), Truth::True);
        assert_eq!(is("::ffff:192.168.0.0/112", "192.168.3.4"), Truth::True);
        assert_eq!(is("2001:db8::/32", "10.1.2.3"), Truth::False);
        assert_eq!(is("10.0.0.0/8", "not an address"), Truth::Unknown);
    }

    #[test]
    fn a_prefix_pattern_compares_characters_whatever_the_script() {
        let patterns = Patterns::default();
        assert_eq!(patterns.compare(Way::Prefix, "/a*", "/中文"), Truth::False);
        assert_eq!(patterns.compare(Way::Prefix, "/中*", "/中文"), Truth::True);
        assert_eq!(patterns.compare(Way::Prefix, "/a", "/a"), Truth::True);
    }
}
