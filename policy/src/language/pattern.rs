//! Every pattern that a policy names, checked and compiled once.

use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::path::{self, Style};
use super::regexp::{self, Expression};
use crate::truth::Truth;

/// A fault in a pattern, with its byte offset.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) offset: usize,
    pub(crate) message: String,
    pub(crate) help: String,
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

/// The compiled patterns of a policy by their text.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    expressions: HashMap<Box<str>, Expression, foldhash::fast::RandomState>,
    networks: HashMap<Box<str>, IpNet, foldhash::fast::RandomState>,
}

impl Patterns {
    /// Checks a pattern and keeps what it compiles to.
    pub(crate) fn admit(&mut self, way: Way, pattern: &str) -> Result<(), Fault> {
        match way {
            Way::Prefix => match pattern.find('*') {
                Some(star) if star + 1 < pattern.len() => Err(Fault {
                    offset: star + 1,
                    message: "`keyMatch` ignores what follows `*`".to_owned(),
                    help: "end the pattern with `*`".to_owned(),
                }),
                Some(_) | None => Ok(()),
            },
            Way::Path(style) => path::check(pattern, style),
            Way::Regex => {
                if !self.expressions.contains_key(pattern) {
                    self.expressions
                        .insert(pattern.into(), regexp::compile(pattern)?);
                }
                Ok(())
            }
            Way::Address => {
                let Some(network) = network(pattern) else {
                    return Err(Fault {
                        offset: 0,
                        message: format!("`{pattern}` is no address or network"),
                        help: "write `10.0.0.0/8` or `2001:db8::1`".to_owned(),
                    });
                };
                self.networks.insert(pattern.into(), network);
                Ok(())
            }
        }
    }

    pub(crate) fn expression(&self, pattern: &str) -> Option<&Expression> {
        self.expressions.get(pattern)
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
                .expressions
                .get(pattern)
                .map_or(Truth::Unknown, |expression| {
                    expression.regex.is_match(value).into()
                }),
            Way::Address => match (self.networks.get(pattern), value.parse::<IpAddr>()) {
                (Some(network), Ok(address)) => network.contains(&address.to_canonical()).into(),
                (None, _) | (_, Err(_)) => Truth::Unknown,
            },
        }
    }
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
