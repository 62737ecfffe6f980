//! Addresses of machines: IPv4, IPv6 and those of network cards.

use std::net::Ipv6Addr;

/// The longest run of hexadecimal digits, colons and points that is an address (RFC 4291: six groups and an IPv4 address).
pub(crate) const RUN_MAX: usize = 45;

/// Length of the IPv4 address that text begins with, where nothing that belongs to it follows.
pub(crate) fn ipv4(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    for octet in 0..4 {
        if octet > 0 {
            if text.get(at) != Some(&b'.') {
                return None;
            }
            at += 1;
        }
        let rest = text.get(at..)?;
        let length = rest
            .iter()
            .take(4)
            .take_while(|b| b.is_ascii_digit())
            .count();
        let value = rest
            .get(..length)?
            .iter()
            .fold(0_u32, |value, &digit| value * 10 + u32::from(digit - b'0'));
        let padded = length > 1 && rest.first() == Some(&b'0');
        if length == 0 || length > 3 || value > 255 || padded {
            return None;
        }
        at += length;
    }
    let goes_on = match (text.get(at), text.get(at + 1)) {
        (Some(b'.'), Some(next)) => next.is_ascii_digit() || *next == b'*',
        (Some(byte), _) => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'*'),
        (None, _) => false,
    };
    (!goes_on).then_some(at)
}

/// Tells whether a text is an IPv6 address that names a machine.
pub(crate) fn is_ipv6(text: &str) -> bool {
    text.len() <= RUN_MAX
        && text.bytes().filter(|&b| b == b':').count() >= 2
        && text
            .parse::<Ipv6Addr>()
            .is_ok_and(|address| !address.is_unspecified() && !address.is_loopback())
        // `a::b` is more often a name in a program than an address.
        && (text.bytes().filter(u8::is_ascii_hexdigit).count() >= 5 || text.bytes().filter(|&b| b == b':').count() >= 4)
}

/// Tells whether a text is six pairs of hexadecimal digits with one separator.
pub(crate) fn is_mac(text: &[u8]) -> bool {
    let separator = text.get(2).copied();
    text.len() == 17
        && matches!(separator, Some(b':' | b'-'))
        && text.iter().enumerate().all(|(at, &byte)| {
            if at % 3 == 2 {
                Some(byte) == separator
            } else {
                byte.is_ascii_hexdigit()
            }
        })
}

/// Tells whether a text is twelve hexadecimal digits, or three groups of four of them with points between.
pub(crate) fn is_bare_mac(text: &[u8]) -> bool {
    let digits = text.iter().filter(|&&byte| byte != b'.');
    let points = text.iter().enumerate().filter(|(_, byte)| **byte == b'.');
    let places = points
        .map(|(at, _)| at)
        .collect::<smallvec::SmallVec<[usize; 4]>>();
    digits.clone().count() == 12
        && digits.clone().all(u8::is_ascii_hexdigit)
        && matches!(places.as_slice(), [] | [4, 9])
}

/// Tells whether a byte can be part of an address with colons.
pub(crate) fn is_run(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_versions_and_times() {
        for (text, length) in [
            ("10.0.0.1", Some(8)),
            ("10.0.0.1.", Some(8)),
            ("10.0.0.1:80", Some(8)),
            ("255.255.255.255", Some(15)),
            ("256.0.0.1", None),
            ("10.0.0", None),
            ("10.0.0.1.2", None),
            ("10.0.19041.1", None),
            ("01.2.3.4", None),
            ("1.2.3.4a", None),
            ("10.0.0.*", None),
        ] {
            assert_eq!(ipv4(text.as_bytes()), length, "{text}");
        }
        for (text, expected) in [
            ("2001:db8::1", true),
            ("fe80::1ff:fe23:4567:890a", true),
            ("2001:0db8:85a3:0000:0000:8a2e:0370:7334", true),
            ("::ffff:10.0.0.1", true),
            ("::1", false),
            ("::", false),
            ("a::b", false),
            ("04:45:29", false),
            ("00:1a:2b:3c:4d:5e", false),
        ] {
            assert_eq!(is_ipv6(text), expected, "{text}");
        }
        assert!(is_mac(b"00:1A:2b:3c:4d:5e") && is_mac(b"00-1A-2B-3C-4D-5E"));
        assert!(!is_mac(b"00:1A-2B:3C:4D:5E") && !is_mac(b"00:1A:2B:3C:4D"));
    }
}
