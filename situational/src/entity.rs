//! Whom an alert is about.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Whom or what an alert is about and a response is aimed at.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "kebab-case")]
pub enum Entity {
    /// A caller by its id.
    Caller(String),
    /// An address, or the /64 that an IPv6 subscriber owns.
    Address(Source),
    /// A client certificate by its fingerprint.
    Certificate(String),
    /// A part of the gateway itself.
    Gateway(String),
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caller(text) | Self::Certificate(text) | Self::Gateway(text) => f.write_str(text),
            Self::Address(source) => write!(f, "{source}"),
        }
    }
}

/// One source on the network: an IPv4 address (also when written as IPv6), or an IPv6 /64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Source(IpAddr);

impl Source {
    /// The address, with the lower half zero if it is IPv6.
    pub fn address(self) -> IpAddr {
        self.0
    }
}

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            v4 @ IpAddr::V4(_) => Self(v4),
            IpAddr::V6(v6) => Self(IpAddr::V6(Ipv6Addr::from_bits(
                v6.to_bits() & !u128::from(u64::MAX),
            ))),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(v4) => write!(f, "{v4}"),
            IpAddr::V6(v6) => write!(f, "{v6}/64"),
        }
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        source.to_string()
    }
}

impl TryFrom<String> for Source {
    type Error = std::net::AddrParseError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl FromStr for Source {
    type Err = std::net::AddrParseError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let address: IpAddr = text.strip_suffix("/64").unwrap_or(text).parse()?;
        Ok(Self::from(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_reads_back_as_it_was_written() {
        for (entity, json) in [
            (
                Entity::Caller("张三".into()),
                r#"{"kind":"caller","value":"张三"}"#,
            ),
            (
                Entity::Address(source("192.0.2.7")),
                r#"{"kind":"address","value":"192.0.2.7"}"#,
            ),
            (
                Entity::Address(source("2001:db8::7")),
                r#"{"kind":"address","value":"2001:db8::/64"}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&entity).unwrap(), json);
            assert_eq!(serde_json::from_str::<Entity>(json).unwrap(), entity);
        }
    }

    #[test]
    fn a_client_cannot_pose_as_many_by_changing_the_lower_half() {
        assert_eq!(source("2001:db8::1"), source("2001:db8::ffff:1"));
        assert_ne!(source("2001:db8::1"), source("2001:db8:0:1::1"));
        assert_eq!(source("::ffff:192.0.2.7"), source("192.0.2.7"));
    }

    fn source(text: &str) -> Source {
        text.parse::<IpAddr>().unwrap().into()
    }
}
