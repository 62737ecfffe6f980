//! Bytes as lower-case hexadecimal, and serial numbers in the one form that can be compared.

use std::fmt::Write as _;

use aws_lc_rs::digest;

/// Writes `bytes` as lower-case hexadecimal.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a `String` cannot fail.
        let _infallible = write!(text, "{byte:02x}");
    }
    text
}

/// Reads hexadecimal with optional colons between bytes, in either case.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|character| *character != ':')
        .map(|character| {
            character
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    (rest.is_empty() && !pairs.is_empty())
        .then(|| pairs.iter().map(|[high, low]| (high << 4) | low).collect())
}

/// Writes a serial number without the zero octets that DER puts in front of a high bit.
pub(crate) fn serial(octets: &[u8]) -> String {
    let start = octets
        .iter()
        .position(|octet| *octet != 0)
        .unwrap_or(octets.len());
    match octets.get(start..) {
        Some(significant) if !significant.is_empty() => encode(significant),
        _ => "00".to_owned(),
    }
}

/// The SHA-256 of a certificate's DER: what its fingerprint is everywhere in Hangu.
pub(crate) fn fingerprint(der: &[u8]) -> String {
    encode(digest::digest(&digest::SHA256, der).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_reads_the_same_with_and_without_its_sign_octet() {
        assert_eq!(serial(&[0, 0x9f, 1]), "9f01");
        assert_eq!(serial(&[0x9f, 1]), "9f01");
        assert_eq!(serial(&[0]), "00");
    }

    #[test]
    fn hexadecimal_is_read_with_colons_and_refused_when_odd_or_empty() {
        assert_eq!(decode("9F:01"), Some(vec![0x9f, 1]));
        assert_eq!(decode("9f0"), None);
        assert_eq!(decode(""), None);
        assert_eq!(decode("zz"), None);
    }
}
