//! Names that certificates carry: DNS, address, mail, URI; and SPIFFE ids, which are URIs of one strict form.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A subject alternative name, written `dns:NAME`, `ip:ADDRESS`, `email:ADDRESS` or `uri:URI`.
///
/// Every value has passed the checks of [`is_dns_name`] and its siblings.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AltName {
    /// A host name, lower case, possibly with `*` as its whole first label.
    Dns(String),
    /// An IPv4 or IPv6 address.
    Ip(IpAddr),
    /// A mailbox.
    Email(String),
    /// A URI, of which a SPIFFE id is one.
    Uri(String),
}

/// A name that no certificate should carry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No `dns:`, `ip:`, `email:` or `uri:` in front, and neither an address, a mailbox, a URI nor a host name.
    #[error(
        "`{0}` is not a name: write `dns:host.example`, `ip:192.0.2.1`, `email:a@b.example` or `uri:spiffe://domain/path`"
    )]
    Unknown(String),
    /// Not a host name.
    #[error(
        "`{0}` is not a host name: labels of a-z, 0-9 and `-` (international names in `xn--` form), `*` only as the whole first label above at least two others"
    )]
    Dns(String),
    /// Not an address.
    #[error("`{0}` is not an IPv4 or IPv6 address")]
    Ip(String),
    /// Not a mailbox.
    #[error("`{0}` is not a mail address of the form `user@host.example`")]
    Email(String),
    /// Not a URI.
    #[error("`{0}` is not an absolute URI such as `https://host.example/path` in ASCII")]
    Uri(String),
    /// Begins with `spiffe:` and is no SPIFFE id.
    #[error(
        "`{0}` is not a SPIFFE id: `spiffe://trust-domain/path`, lower-case domain, no port, query, fragment, empty or dot segment, at most 2048 bytes"
    )]
    Spiffe(String),
}

impl FromStr for AltName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("dns", name)) => Self::dns(name),
            Some(("ip", address)) => address
                .parse()
                .map(Self::Ip)
                .map_err(|_| NameError::Ip(address.to_owned())),
            Some(("email", address)) => Self::email(address),
            Some(("uri", uri)) => Self::uri(uri),
            _ => Self::guess(text),
        }
    }
}

impl AltName {
    fn guess(text: &str) -> Result<Self, NameError> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Ip(address));
        }
        if text.contains("://") {
            return Self::uri(text);
        }
        if text.contains('@') {
            return Self::email(text);
        }
        Self::dns(text).map_err(|_| NameError::Unknown(text.to_owned()))
    }

    fn dns(name: &str) -> Result<Self, NameError> {
        let lower = name.to_ascii_lowercase();
        if is_dns_name(&lower, Wildcard::Allowed) {
            Ok(Self::Dns(lower))
        } else {
            Err(NameError::Dns(name.to_owned()))
        }
    }

    fn email(address: &str) -> Result<Self, NameError> {
        if is_mailbox(address) {
            Ok(Self::Email(address.to_owned()))
        } else {
            Err(NameError::Email(address.to_owned()))
        }
    }

    fn uri(uri: &str) -> Result<Self, NameError> {
        if uri.to_ascii_lowercase().starts_with("spiffe:") && !is_spiffe_id(uri) {
            return Err(NameError::Spiffe(uri.to_owned()));
        }
        if is_uri(uri) {
            Ok(Self::Uri(uri.to_owned()))
        } else {
            Err(NameError::Uri(uri.to_owned()))
        }
    }
}

impl fmt::Display for AltName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => write!(f, "dns:{name}"),
            Self::Ip(address) => write!(f, "ip:{address}"),
            Self::Email(address) => write!(f, "email:{address}"),
            Self::Uri(uri) => write!(f, "uri:{uri}"),
        }
    }
}

impl Serialize for AltName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AltName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Whether a host name may begin with `*.`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wildcard {
    /// `*` may be the whole first label, above at least two others and not above a public suffix.
    Allowed,
    /// Every label is literal.
    Refused,
}

/// Whether `name` is a host name that a certificate may carry (RFC 5280 section 4.2.1.6, RFC 1123).
#[must_use]
pub fn is_dns_name(name: &str, wildcard: Wildcard) -> bool {
    let literal = match (name.strip_prefix("*."), wildcard) {
        (Some(base), Wildcard::Allowed) if base.contains('.') && !is_public_suffix(base) => base,
        (Some(_), _) => return false,
        (None, _) => name,
    };
    let last = literal.rsplit('.').next().unwrap_or_default();
    name.len() <= 253
        && literal.split('.').all(is_label)
        // A last label of digits only is an address in disguise.
        && !last.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Whether `address` is a mailbox with a host name after its only `@`.
#[must_use]
pub fn is_mailbox(address: &str) -> bool {
    address.split_once('@').is_some_and(|(local, host)| {
        (1..=64).contains(&local.len())
            && local
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte))
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            && is_dns_name(host, Wildcard::Refused)
    })
}

/// Whether `uri` is absolute and made of the characters of RFC 3986.
#[must_use]
pub fn is_uri(uri: &str) -> bool {
    uri.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
            && !rest.is_empty()
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte))
    })
}

/// Whether `uri` is a SPIFFE id as the SPIFFE-ID standard, section 2, writes it.
#[must_use]
pub fn is_spiffe_id(uri: &str) -> bool {
    let Some(rest) = uri.strip_prefix("spiffe://") else {
        return false;
    };
    let (domain, path) = rest
        .split_once('/')
        .map_or((rest, None), |(domain, path)| (domain, Some(path)));
    uri.len() <= 2048
        && (1..=255).contains(&domain.len())
        && domain.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte)
        })
        && path.is_none_or(|path| {
            path.split('/').all(|segment| {
                !matches!(segment, "" | "." | "..")
                    && segment
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
            })
        })
}

/// Suffixes of several labels under which strangers register names.
///
/// An excerpt of the registries' part of the Public Suffix List: Chinese suffixes and the largest foreign ones. A
/// single label is always a public suffix. The list's private part is left out, since its operators rightly hold
/// wildcards for their own suffixes.
const PUBLIC_SUFFIXES: &[&str] = &[
    "ac.cn", "com.cn", "edu.cn", "gov.cn", "mil.cn", "net.cn", "org.cn", "ah.cn", "bj.cn", "cq.cn",
    "fj.cn", "gd.cn", "gs.cn", "gx.cn", "gz.cn", "ha.cn", "hb.cn", "he.cn", "hi.cn", "hk.cn",
    "hl.cn", "hn.cn", "jl.cn", "js.cn", "jx.cn", "ln.cn", "mo.cn", "nm.cn", "nx.cn", "qh.cn",
    "sc.cn", "sd.cn", "sh.cn", "sn.cn", "sx.cn", "tj.cn", "tw.cn", "xj.cn", "xz.cn", "yn.cn",
    "zj.cn", "com.hk", "edu.hk", "gov.hk", "idv.hk", "net.hk", "org.hk", "com.mo", "edu.mo",
    "gov.mo", "net.mo", "org.mo", "com.tw", "edu.tw", "gov.tw", "idv.tw", "net.tw", "org.tw",
    "com.sg", "edu.sg", "gov.sg", "net.sg", "org.sg", "ac.jp", "ad.jp", "co.jp", "ed.jp", "go.jp",
    "gr.jp", "lg.jp", "ne.jp", "or.jp", "ac.kr", "co.kr", "go.kr", "ne.kr", "or.kr", "re.kr",
    "ac.uk", "co.uk", "gov.uk", "ltd.uk", "me.uk", "net.uk", "nhs.uk", "org.uk", "plc.uk",
    "sch.uk", "com.au", "edu.au", "gov.au", "id.au", "net.au", "org.au", "ac.nz", "co.nz",
    "govt.nz", "net.nz", "org.nz", "com.br", "gov.br", "net.br", "org.br", "co.in", "gov.in",
    "net.in", "nic.in", "org.in", "co.za", "gov.za", "org.za", "com.my", "gov.my", "com.vn",
    "gov.vn", "co.th", "go.th", "co.id", "go.id", "com.tr", "gov.tr", "com.mx", "gob.mx", "com.ar",
    "gob.ar", "com.ru", "co.il", "gov.il",
];

fn is_public_suffix(name: &str) -> bool {
    !name.contains('.')
        || PUBLIC_SUFFIXES
            .iter()
            .any(|suffix| name.eq_ignore_ascii_case(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_name_is_literal_labels_with_at_most_one_leading_star() {
        for good in [
            "portal.gov.example",
            "a-b.example",
            "xn--fiqs8s.example",
            "*.svc.example",
            "localhost",
        ] {
            assert!(is_dns_name(good, Wildcard::Allowed), "{good}");
        }
        let long = format!("{}.example", "a".repeat(64));
        for bad in [
            "",
            ".",
            "a..b",
            ".example",
            "example.",
            "-a.example",
            "a-.example",
            "a_b.example",
            "192.0.2.1",
            "*",
            "*.example",
            "*.gov.cn",
            "*.co.uk",
            "f*.a.example",
            "a.*.example",
            "*.*.a.example",
            "门户.example",
            &long,
        ] {
            assert!(!is_dns_name(bad, Wildcard::Allowed), "{bad}");
        }
        assert!(!is_dns_name("*.svc.example", Wildcard::Refused));
    }

    #[test]
    fn a_spiffe_id_has_one_spelling() {
        for good in [
            "spiffe://gov.example",
            "spiffe://gov.example/portal/a",
            "spiffe://gov.example/A_b-c.d",
        ] {
            assert!(is_spiffe_id(good), "{good}");
        }
        for bad in [
            "spiffe://",
            "spiffe:///a",
            "SPIFFE://gov.example/a",
            "spiffe://Gov.example/a",
            "spiffe://gov.example/",
            "spiffe://gov.example//a",
            "spiffe://gov.example/../a",
            "spiffe://gov.example/a?b",
            "spiffe://gov.example/a#b",
            "spiffe://gov.example:1/a",
            "spiffe://user@gov.example/a",
            "spiffe://gov.example/%61",
            "https://gov.example/a",
        ] {
            assert!(!is_spiffe_id(bad), "{bad}");
        }
    }

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for text in [
            "dns:a.example",
            "ip:192.0.2.1",
            "ip:2001:db8::1",
            "email:a@b.example",
            "uri:spiffe://d.example/p",
        ] {
            assert_eq!(text.parse::<AltName>().unwrap().to_string(), text);
        }
        assert_eq!(
            "2001:db8::1".parse::<AltName>().unwrap().to_string(),
            "ip:2001:db8::1"
        );
        assert_eq!(
            "A.Example".parse::<AltName>().unwrap().to_string(),
            "dns:a.example"
        );
        assert_eq!(
            "spiffe://D/x".parse::<AltName>(),
            Err(NameError::Spiffe("spiffe://D/x".to_owned()))
        );
        assert_eq!(
            "what ever".parse::<AltName>(),
            Err(NameError::Unknown("what ever".to_owned()))
        );
    }
}
