//! What the `Authorization` fields of a request carry, before anything of it is believed.

/// A credential that the gateway checks itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Credential<'a> {
    /// A bearer token (RFC 6750), for [`crate::token`].
    Token(&'a str),
    /// An API key, for [`crate::api_key`].
    ApiKey(&'a str),
}

impl std::fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token(..)",
            Self::ApiKey(_) => "ApiKey(..)",
        })
    }
}

/// Why the credential of a request cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialRefusal {
    /// More than one field: the gateway and the upstream might each believe another.
    #[error("the request has more than one `Authorization` field")]
    Several,
    /// A scheme of ours with something else behind it.
    #[error("the `Authorization` field is not of the form `Bearer <token>`")]
    Malformed,
}

impl CredentialRefusal {
    /// A stable word for events and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Several => "credential-several",
            Self::Malformed => "credential-malformed",
        }
    }
}

/// The credential in the values of all `Authorization` fields, or nothing if there is none for the gateway: no field,
/// or a scheme that is the upstream's own business.
///
/// # Errors
///
/// When there are several fields, or `Bearer` is not followed by exactly one token.
pub fn find<'a>(
    fields: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Option<Credential<'a>>, CredentialRefusal> {
    let mut fields = fields.into_iter();
    let Some(field) = fields.next() else {
        return Ok(None);
    };
    if fields.next().is_some() {
        return Err(CredentialRefusal::Several);
    }
    let field = field.trim_ascii();
    let end = field
        .iter()
        .position(|byte| matches!(byte, b' ' | b'\t'))
        .unwrap_or(field.len());
    let (scheme, rest) = field.split_at_checked(end).unwrap_or((field, &[]));
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Ok(None);
    }
    let token = rest.trim_ascii();
    // RFC 6750 section 2.1: b64token. Anything else could be read differently by the next in line.
    let plain = |b: &u8| {
        b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
    };
    match std::str::from_utf8(token) {
        Ok(text) if !text.is_empty() && token.iter().all(plain) => {
            Ok(Some(if text.starts_with("hgk_") {
                Credential::ApiKey(text)
            } else {
                Credential::Token(text)
            }))
        }
        Ok(_) | Err(_) => Err(CredentialRefusal::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(field: &str) -> Result<Option<Credential<'_>>, CredentialRefusal> {
        find([field.as_bytes()])
    }

    #[test]
    fn bearer_in_any_case_carries_a_token_or_an_api_key() {
        for field in [
            "Bearer a.b.c",
            "bearer a.b.c",
            "BEARER   a.b.c ",
            "Bearer\ta.b.c",
        ] {
            assert_eq!(one(field), Ok(Some(Credential::Token("a.b.c"))), "{field}");
        }
        assert_eq!(
            one("Bearer hgk_x_y"),
            Ok(Some(Credential::ApiKey("hgk_x_y")))
        );
    }

    #[test]
    fn other_schemes_are_the_upstreams_business() {
        assert_eq!(find([]), Ok(None));
        for field in [
            "",
            "Basic dTpw",
            "Bearerx a",
            "Negotiate",
            "DPoP a.b.c",
            "a.b.c",
        ] {
            assert_eq!(one(field), Ok(None), "{field}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        assert_eq!(
            find([b"Bearer a".as_slice(), b"Bearer a"]),
            Err(CredentialRefusal::Several)
        );
        assert_eq!(
            find([b"Basic a".as_slice(), b"Bearer a"]),
            Err(CredentialRefusal::Several)
        );
        for field in [
            "Bearer",
            "Bearer ",
            "Bearer a b",
            "Bearer a,b",
            "Bearer a, Bearer b",
            "Bearer \"a\"",
            "Bearer a\u{e9}",
        ] {
            assert_eq!(one(field), Err(CredentialRefusal::Malformed), "{field}");
        }
        assert_eq!(
            find([b"Bearer \xff".as_slice()]),
            Err(CredentialRefusal::Malformed)
        );
        assert_eq!(
            format!("{:?}", one("Bearer secret").unwrap().unwrap()),
            "Token(..)"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic_as_a_field(field in proptest::collection::vec(proptest::num::u8::ANY, 0..60)) {
            let _ = find([field.as_slice()]);
        }
    }
}
