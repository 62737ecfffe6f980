//! Distinguished names as RFC 4514 strings: one spelling per name, so that they can be compared and mapped.

use std::fmt::Write as _;

use x509_parser::asn1_rs::{Any, Tag};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use crate::hex;

/// Writes `name` as an RFC 4514 string: most specific part first, special characters escaped.
///
/// Attribute types that RFC 4514 section 3 does not name are written as dotted numbers, and values that are no
/// text as `#` and hexadecimal, so two different names never share a string.
#[must_use]
pub fn rfc4514(name: &X509Name<'_>) -> String {
    let parts: Vec<String> = name
        .iter_rdn()
        .map(|rdn| rdn.iter().map(attribute).collect::<Vec<_>>().join("+"))
        .collect();
    parts
        .iter()
        .rev()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(",")
}

/// The common name, if there is exactly one and it is text.
///
/// A subject with two common names has none: which of them was meant is not for us to guess.
#[must_use]
pub fn common_name(name: &X509Name<'_>) -> Option<String> {
    let mut all = name.iter_common_name();
    match (all.next(), all.next()) {
        (Some(only), None) => text(only.attr_value()),
        _ => None,
    }
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let oid = attribute.attr_type().to_id_string();
    let short = match oid.as_str() {
        "2.5.4.3" => Some("CN"),
        "2.5.4.7" => Some("L"),
        "2.5.4.8" => Some("ST"),
        "2.5.4.10" => Some("O"),
        "2.5.4.11" => Some("OU"),
        "2.5.4.6" => Some("C"),
        "2.5.4.9" => Some("STREET"),
        "0.9.2342.19200300.100.1.25" => Some("DC"),
        "0.9.2342.19200300.100.1.1" => Some("UID"),
        _ => None,
    };
    match (short, text(attribute.attr_value())) {
        (Some(short), Some(value)) => format!("{short}={}", escaped(&value)),
        (Some(short), None) => format!("{short}=#{}", encoding(attribute.attr_value())),
        (None, _) => format!("{oid}=#{}", encoding(attribute.attr_value())),
    }
}

/// The text of a directory string, whichever of its types it uses.
fn text(value: &Any<'_>) -> Option<String> {
    match value.tag() {
        Tag::Utf8String
        | Tag::PrintableString
        | Tag::Ia5String
        | Tag::NumericString
        | Tag::VisibleString => std::str::from_utf8(value.data).ok().map(str::to_owned),
        Tag::BmpString => {
            let (pairs, rest) = value.data.as_chunks::<2>();
            let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
            rest.is_empty()
                .then(|| String::from_utf16(&units).ok())
                .flatten()
        }
        // T.61 has no agreed reading beyond ASCII.
        Tag::T61String if value.data.is_ascii() => {
            std::str::from_utf8(value.data).ok().map(str::to_owned)
        }
        _ => None,
    }
}

/// The value's DER in hexadecimal.
fn encoding(value: &Any<'_>) -> String {
    let mut der = vec![u8::try_from(value.tag().0).unwrap_or(0xff)];
    match u8::try_from(value.data.len()) {
        Ok(short) if short < 0x80 => der.push(short),
        _ => {
            let length = value.data.len().to_be_bytes();
            let significant: Vec<u8> = length.into_iter().skip_while(|octet| *octet == 0).collect();
            der.push(0x80 | u8::try_from(significant.len()).unwrap_or(0x08));
            der.extend(significant);
        }
    }
    der.extend(value.data);
    hex::encode(&der)
}

fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let last = value.chars().count().saturating_sub(1);
    for (index, character) in value.chars().enumerate() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            '#' if index == 0 => out.push_str("\\#"),
            ' ' if index == 0 || index == last => out.push_str("\\ "),
            control if control.is_control() => {
                let mut octets = [0; 4];
                for octet in control.encode_utf8(&mut octets).bytes() {
                    // Writing to a `String` cannot fail.
                    let _infallible = write!(out, "\\{octet:02x}");
                }
            }
            plain => out.push(plain),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
    use x509_parser::prelude::{FromDer as _, X509Certificate};

    use super::*;

    fn subject(parts: &[(DnType, &str)]) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in parts {
            params.distinguished_name.push(kind.clone(), *value);
        }
        params
            .self_signed(&KeyPair::generate().unwrap())
            .unwrap()
            .der()
            .to_vec()
    }

    fn read(der: &[u8]) -> String {
        rfc4514(X509Certificate::from_der(der).unwrap().1.subject())
    }

    #[test]
    fn the_most_specific_part_comes_first_and_chinese_stays_readable() {
        let der = subject(&[
            (DnType::CountryName, "CN"),
            (DnType::OrganizationName, "大数据管理局"),
            (DnType::CommonName, "张三"),
        ]);
        assert_eq!(read(&der), "CN=张三,O=大数据管理局,C=CN");
    }

    #[test]
    fn a_comma_in_a_value_cannot_pose_as_another_part() {
        let der = subject(&[(DnType::CommonName, "alice,O=admin")]);
        assert_eq!(read(&der), "CN=alice\\,O=admin");
        let der = subject(&[(DnType::CommonName, " #a\nb ")]);
        assert_eq!(read(&der), "CN=\\ #a\\0ab\\ ");
    }

    #[test]
    fn an_unnamed_attribute_is_written_as_number_and_encoding() {
        let der = subject(&[(DnType::CustomDnType(vec![2, 5, 4, 5]), "42")]);
        assert_eq!(read(&der), "2.5.4.5=#0c023432");
    }
}
