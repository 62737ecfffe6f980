//! Reads the PROXY protocol header (versions 1 and 2) that a trusted peer puts before everything else.
//!
//! Source: haproxy's `proxy-protocol.txt`, revision 2020/03/05.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use thiserror::Error;

/// What a PROXY header said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proxied {
    /// The client, or none where the peer speaks for itself (`UNKNOWN`, `LOCAL`).
    pub client: Option<SocketAddr>,
    /// Bytes of the header.
    pub length: usize,
}

/// Why a header is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ProxyFault {
    /// The first bytes are no PROXY header.
    #[error("the connection does not begin with a PROXY protocol header")]
    Missing,
    /// The header does not follow the specification.
    #[error("the PROXY protocol header is malformed")]
    Malformed,
}

/// The longest header that is read: version 2 with generous TLVs.
pub const LONGEST: usize = 1024;

const SIGNATURE_2: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// Reads a header from the bytes seen so far; `None` when more are needed.
///
/// # Errors
/// When the bytes can no longer become a header.
pub fn proxy_header(bytes: &[u8]) -> Result<Option<Proxied>, ProxyFault> {
    let starts = |signature: &[u8]| {
        let seen = bytes.len().min(signature.len());
        bytes.get(..seen) == signature.get(..seen)
    };
    if starts(b"PROXY ") {
        return version_1(bytes);
    }
    if starts(&SIGNATURE_2) {
        return version_2(bytes);
    }
    Err(ProxyFault::Missing)
}

fn version_1(bytes: &[u8]) -> Result<Option<Proxied>, ProxyFault> {
    // The specification's longest line, CRLF included.
    const LINE: usize = 107;
    let window = bytes.get(..bytes.len().min(LINE)).unwrap_or_default();
    let Some(end) = window.windows(2).position(|w| w == b"\r\n") else {
        return if bytes.len() >= LINE {
            Err(ProxyFault::Malformed)
        } else {
            Ok(None)
        };
    };
    let line = window
        .get(..end)
        .and_then(|l| std::str::from_utf8(l).ok())
        .ok_or(ProxyFault::Malformed)?;
    let length = end + 2;
    let mut words = line.split(' ').skip(1);
    let family = words.next().ok_or(ProxyFault::Malformed)?;
    if family == "UNKNOWN" {
        return Ok(Some(Proxied {
            client: None,
            length,
        }));
    }
    let mut word = || words.next().ok_or(ProxyFault::Malformed);
    let (source, destination, source_port, destination_port) = (word()?, word()?, word()?, word()?);
    if words.next().is_some() {
        return Err(ProxyFault::Malformed);
    }
    let address = |text: &str| -> Result<IpAddr, ProxyFault> {
        match family {
            "TCP4" => text
                .parse::<Ipv4Addr>()
                .map(IpAddr::V4)
                .map_err(|_| ProxyFault::Malformed),
            "TCP6" => text
                .parse::<Ipv6Addr>()
                .map(IpAddr::V6)
                .map_err(|_| ProxyFault::Malformed),
            _ => Err(ProxyFault::Malformed),
        }
    };
    let port = |text: &str| -> Result<u16, ProxyFault> {
        let canonical =
            text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
        if !canonical {
            return Err(ProxyFault::Malformed);
        }
        text.parse().map_err(|_| ProxyFault::Malformed)
    };
    address(destination)?;
    port(destination_port)?;
    let client = SocketAddr::new(address(source)?, port(source_port)?);
    Ok(Some(Proxied {
        client: Some(client),
        length,
    }))
}

fn version_2(bytes: &[u8]) -> Result<Option<Proxied>, ProxyFault> {
    let Some((fixed, rest)) = bytes.split_at_checked(16) else {
        return Ok(None);
    };
    let [.., command, family, high, low] = fixed else {
        return Err(ProxyFault::Malformed);
    };
    let payload_length = usize::from(u16::from_be_bytes([*high, *low]));
    let length = 16 + payload_length;
    if length > LONGEST {
        return Err(ProxyFault::Malformed);
    }
    let proxied = match command {
        0x20 => false,
        0x21 => true,
        _ => return Err(ProxyFault::Malformed),
    };
    let Some(payload) = rest.get(..payload_length) else {
        return Ok(None);
    };
    if !proxied {
        return Ok(Some(Proxied {
            client: None,
            length,
        }));
    }
    let client = match family {
        0x11 => {
            let [a, b, c, d, _, _, _, _, high, low, ..] = payload else {
                return Err(ProxyFault::Malformed);
            };
            // Two addresses of 4 bytes, then two ports.
            if payload.len() < 12 {
                return Err(ProxyFault::Malformed);
            }
            SocketAddr::new(
                IpAddr::V4(Ipv4Addr::new(*a, *b, *c, *d)),
                u16::from_be_bytes([*high, *low]),
            )
        }
        0x21 => {
            let source: [u8; 16] = payload
                .get(..16)
                .and_then(|s| s.try_into().ok())
                .ok_or(ProxyFault::Malformed)?;
            let port: [u8; 2] = payload
                .get(32..34)
                .and_then(|s| s.try_into().ok())
                .ok_or(ProxyFault::Malformed)?;
            if payload.len() < 36 {
                return Err(ProxyFault::Malformed);
            }
            SocketAddr::new(IpAddr::V6(Ipv6Addr::from(source)), u16::from_be_bytes(port))
        }
        _ => return Err(ProxyFault::Malformed),
    };
    Ok(Some(Proxied {
        client: Some(client),
        length,
    }))
}

/// An address in the one form that limits, bans and events use: IPv4-mapped IPv6 becomes IPv4.
pub fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version_2_header(command: u8, family: u8, payload: &[u8]) -> Vec<u8> {
        let mut header = SIGNATURE_2.to_vec();
        header.extend([command, family]);
        header.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
        header.extend(payload);
        header
    }

    #[test]
    fn version_1_names_the_client() {
        let header = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\nGET /";
        let seen = proxy_header(header).unwrap().unwrap();
        assert_eq!(seen.client, Some("192.0.2.7:56324".parse().unwrap()));
        assert_eq!(header.get(seen.length..), Some(&b"GET /"[..]));
        let six = b"PROXY TCP6 2001:db8::7 2001:db8::1 56324 443\r\n";
        assert_eq!(
            proxy_header(six).unwrap().unwrap().client,
            Some("[2001:db8::7]:56324".parse().unwrap())
        );
        assert_eq!(
            proxy_header(b"PROXY UNKNOWN\r\n").unwrap().unwrap().client,
            None
        );
    }

    #[test]
    fn version_2_names_the_client() {
        let mut payload = vec![192, 0, 2, 7, 198, 51, 100, 1];
        payload.extend([0xdc, 0x04, 0x01, 0xbb]);
        let seen = proxy_header(&version_2_header(0x21, 0x11, &payload))
            .unwrap()
            .unwrap();
        assert_eq!(seen.client, Some("192.0.2.7:56324".parse().unwrap()));
        assert_eq!(seen.length, 28);
        assert_eq!(
            proxy_header(&version_2_header(0x20, 0, &[]))
                .unwrap()
                .unwrap()
                .client,
            None
        );
    }

    #[test]
    fn headers_that_are_cut_wait_and_headers_that_are_wrong_do_not() {
        let whole = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n";
        for cut in 1..whole.len() {
            assert_eq!(proxy_header(&whole[..cut]), Ok(None), "{cut}");
        }
        for wrong in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n",
            b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443 1\r\n",
            b"PROXY TCP4 2001:db8::7 198.51.100.1 56324 443\r\n",
            b"PROXY TCP4 192.0.2.7 198.51.100.1 056324 443\r\n",
            b"PROXY TCP4 192.0.2.7 198.51.100.1 +1 443\r\n",
            b"PROXY TCP9 192.0.2.7 198.51.100.1 56324 443\r\n",
        ] {
            assert!(
                proxy_header(wrong).is_err(),
                "{}",
                String::from_utf8_lossy(wrong)
            );
        }
        assert!(proxy_header(&version_2_header(0x31, 0x11, &[0; 12])).is_err());
        assert!(proxy_header(&version_2_header(0x21, 0x11, &[0; 11])).is_err());
        assert!(proxy_header(&version_2_header(0x21, 0x31, &[0; 216])).is_err());
        assert!(proxy_header(&[b'P'; 1]).unwrap().is_none());
        let endless = [&b"PROXY TCP4 "[..], &[b'1'; 200]].concat();
        assert!(proxy_header(&endless).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_no_header_is_longer_than_its_bytes(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..300), two in any::<bool>()
        ) {
            let prefix: &[u8] = if two { &SIGNATURE_2 } else { b"PROXY TCP" };
            bytes.splice(0..0, prefix.iter().copied());
            if let Ok(Some(seen)) = proxy_header(&bytes) {
                prop_assert!(seen.length <= bytes.len());
            }
        }
    }
}
