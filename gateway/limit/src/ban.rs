//! A ban, and what one may be.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use crate::journal::JournalError;

/// The longest ban, in milliseconds: 366 days. Chosen; a ban is a response to an incident, not a policy.
const LONGEST: u64 = 366 * 86_400_000;

/// The widest network that may be banned; wider is a mistake or belongs in the declaration of a zone. Chosen.
const WIDEST_V4: u8 = 8;
const WIDEST_V6: u8 = 20;

/// Longest reason, name or evidence that is kept, in bytes. Chosen.
const LONGEST_TEXT: usize = 4_096;

/// Who or what is shut out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BanTarget {
    /// A network or one address; of IPv6 at least a /64.
    Network(IpNet),
    /// A caller by its id.
    Caller(String),
    /// A client certificate by the SHA-256 of its DER.
    Certificate(Fingerprint),
}

impl BanTarget {
    /// The address, or its /64 if it is IPv6.
    pub fn address(address: IpAddr) -> Self {
        Self::Network(widened(IpNet::from(address)))
    }

    pub(crate) fn checked(self) -> Result<Self, BanError> {
        match self {
            Self::Network(net) => {
                let net = widened(net);
                let widest = if net.addr().is_ipv4() {
                    WIDEST_V4
                } else {
                    WIDEST_V6
                };
                if net.prefix_len() < widest {
                    return Err(BanError::TooWide { net, widest });
                }
                Ok(Self::Network(net))
            }
            Self::Caller(id) if id.is_empty() => Err(BanError::NoCaller),
            Self::Caller(id) if id.len() > LONGEST_TEXT => {
                Err(BanError::TextTooLong { what: "target" })
            }
            target @ (Self::Caller(_) | Self::Certificate(_)) => Ok(target),
        }
    }
}

impl fmt::Display for BanTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(net) => write!(f, "{net}"),
            Self::Caller(id) => write!(f, "caller {id}"),
            Self::Certificate(fingerprint) => write!(f, "certificate {fingerprint}"),
        }
    }
}

/// The network with host bits cleared, IPv4 where it is IPv4 in IPv6's clothes, and never finer than a /64.
fn widened(net: IpNet) -> IpNet {
    match net {
        IpNet::V4(v4) => IpNet::V4(v4.trunc()),
        IpNet::V6(v6) => {
            if v6.prefix_len() >= 96
                && let Some(v4) = v6.addr().to_ipv4_mapped()
                && let Ok(v4) = Ipv4Net::new(v4, v6.prefix_len() - 96)
            {
                return IpNet::V4(v4.trunc());
            }
            let prefix = v6.prefix_len().min(64);
            Ipv6Net::new(v6.addr(), prefix).map_or(net, |v6| IpNet::V6(v6.trunc()))
        }
    }
}

/// The SHA-256 of a certificate, written as 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = BanError;
    fn try_from(text: String) -> Result<Self, BanError> {
        text.parse()
    }
}

impl FromStr for Fingerprint {
    type Err = BanError;
    /// Reads 64 hexadecimal digits in either case; colons between them, as tools print them, are passed over.
    fn from_str(text: &str) -> Result<Self, BanError> {
        let wrong = || BanError::Fingerprint {
            text: text.chars().take(100).collect(),
        };
        let digits: Option<Vec<u8>> = text
            .chars()
            .filter(|c| *c != ':')
            .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect();
        let digits = digits.ok_or_else(wrong)?;
        let bytes: Vec<u8> = digits
            .chunks(2)
            .filter_map(|pair| match pair {
                [high, low] => Some(high << 4 | low),
                _ => None,
            })
            .collect();
        if digits.len() != 64 {
            return Err(wrong());
        }
        bytes.try_into().map(Self).map_err(|_| wrong())
    }
}

/// The number of a ban; given once, and never again after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BanId(pub u64);

impl fmt::Display for BanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A ban as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewBan {
    /// Who is shut out.
    pub target: BanTarget,
    /// Why, for the people who read the list.
    pub reason: String,
    /// The end, in Unix milliseconds; from this moment on the ban is over. At most 366 days ahead.
    pub until: u64,
    /// Who asked: an administrator's id, or the name of the rule.
    pub by: String,
    /// The alert that led to it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

impl NewBan {
    pub(crate) fn checked(mut self, now: u64) -> Result<Self, BanError> {
        if self.until <= now {
            return Err(BanError::EndsInThePast);
        }
        if self.until - now > LONGEST {
            return Err(BanError::TooLong);
        }
        check_text("reason", &self.reason)?;
        check_text("name", &self.by)?;
        check_text("evidence", self.evidence.as_deref().unwrap_or_default())?;
        self.target = self.target.checked()?;
        Ok(self)
    }
}

/// A ban in force, or one that was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ban {
    /// Its number, which lifts it.
    pub id: BanId,
    /// When it was made, in Unix milliseconds.
    pub created: u64,
    /// What was asked for.
    #[serde(flatten)]
    pub terms: NewBan,
}

impl Ban {
    /// True before its end; at the end itself it is over.
    pub fn in_force(&self, now: u64) -> bool {
        now < self.terms.until
    }

    pub(crate) fn covers(&self, address: IpAddr) -> bool {
        matches!(&self.terms.target, BanTarget::Network(net) if net.contains(&address))
    }
}

/// Why a ban was not made, not lifted, or not kept.
#[derive(Debug, thiserror::Error)]
pub enum BanError {
    /// The end is not in the future.
    #[error("a ban must end in the future")]
    EndsInThePast,
    /// The end is too far away.
    #[error("a ban ends after at most 366 days; for longer, change the policy")]
    TooLong,
    /// The network covers too much.
    #[error("`{net}` is too wide for a ban; use a prefix of `/{widest}` or longer")]
    TooWide {
        /// The network asked for.
        net: IpNet,
        /// The shortest prefix allowed.
        widest: u8,
    },
    /// The caller has no id.
    #[error("a ban on a caller needs the caller's id")]
    NoCaller,
    /// A text is too long to keep.
    #[error("the {what} of a ban has at most 4096 bytes")]
    TextTooLong {
        /// Which text.
        what: &'static str,
    },
    /// Not a fingerprint.
    #[error(
        "`{text}` is not a fingerprint; write the SHA-256 of the certificate as 64 hexadecimal digits"
    )]
    Fingerprint {
        /// What was written.
        text: String,
    },
    /// As many bans as may be are in force.
    #[error(
        "`{most}` bans are in force, which is the most; lift some, or ban a network in their place"
    )]
    Full {
        /// The most bans.
        most: usize,
    },
    /// No such ban, or it has ended.
    #[error("there is no ban `{id}` in force")]
    Unknown {
        /// The number asked for.
        id: BanId,
    },
    /// The ban is in force but would not outlive a restart; or it was not lifted, as the lifting could not be kept.
    #[error("the list of bans could not be kept on disk")]
    NotKept(#[source] JournalError),
}

/// Refuses a text that is too long to keep.
pub(crate) fn check_text(what: &'static str, text: &str) -> Result<(), BanError> {
    if text.len() > LONGEST_TEXT {
        Err(BanError::TextTooLong { what })
    } else {
        Ok(())
    }
}

/// The networks that a ban on `address` may be filed under, by prefix length: the address cut to each length.
pub(crate) fn cut(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX
                .checked_shl(32u32.saturating_sub(prefix.into()))
                .unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX
                .checked_shl(128u32.saturating_sub(prefix.into()))
                .unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(net: &str) -> Result<String, String> {
        BanTarget::Network(net.parse().unwrap())
            .checked()
            .map(|t| t.to_string())
            .map_err(|e| e.to_string())
    }

    #[test]
    fn a_network_is_kept_in_one_form_however_it_is_written() {
        assert_eq!(target("192.0.2.77/24").unwrap(), "192.0.2.0/24");
        assert_eq!(target("::ffff:192.0.2.77/128").unwrap(), "192.0.2.77/32");
        assert_eq!(target("::ffff:192.0.2.77/120").unwrap(), "192.0.2.0/24");
        assert_eq!(target("2001:db8::1/128").unwrap(), "2001:db8::/64");
        assert_eq!(target("2001:db8:aaaa::/40").unwrap(), "2001:db8:aa00::/40");
    }

    #[test]
    fn a_ban_cannot_shut_out_half_the_world() {
        assert_eq!(
            target("0.0.0.0/0").unwrap_err(),
            "`0.0.0.0/0` is too wide for a ban; use a prefix of `/8` or longer"
        );
        assert!(target("::ffff:0.0.0.0/96").is_err());
        assert!(target("::/0").is_err());
        assert!(target("2000::/3").is_err());
        assert!(target("10.0.0.0/8").is_ok());
    }

    #[test]
    fn a_fingerprint_is_64_digits_and_nothing_else() {
        let text = "AB:".repeat(31) + "cd";
        let fingerprint: Fingerprint = text.parse().unwrap();
        assert_eq!(fingerprint.to_string(), "ab".repeat(31) + "cd");
        for wrong in [
            "",
            "ab",
            &"ab".repeat(33),
            &"ag".repeat(32),
            &("ab".repeat(31) + "a"),
            "一二三",
        ] {
            assert!(wrong.parse::<Fingerprint>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn cutting_an_address_keeps_the_prefix_alone() {
        let address: IpAddr = "203.0.113.255".parse().unwrap();
        assert_eq!(cut(address, 32), address);
        assert_eq!(cut(address, 25).to_string(), "203.0.113.128");
        assert_eq!(cut(address, 0).to_string(), "0.0.0.0");
        let address: IpAddr = "2001:db8:1:2:3::".parse().unwrap();
        assert_eq!(cut(address, 64).to_string(), "2001:db8:1:2::");
        assert_eq!(cut(address, 0).to_string(), "::");
    }
}
