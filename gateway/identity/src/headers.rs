//! The header fields that only the gateway may set.
//!
//! A client that sends one of these is either confused or pretending, and an upstream that reads one must be able to
//! believe it. So they are taken out of every request before the gateway adds its own.

/// Whether a header field is the gateway's own or speaks about identity or forwarding, and so must not come in.
///
/// Case does not matter, and every character but letters and digits counts as `-`: servers that turn fields into
/// variables (CGI, WSGI, PHP, nginx) read `x_forwarded_for` and `X.Forwarded.For` as `X-Forwarded-For`.
pub fn is_reserved(name: &str) -> bool {
    let name = name.as_bytes();
    // Most fields do not begin with `x-`, and are compared with the short lists only.
    match name {
        [x, dash, rest @ ..] if fold(*x) == b'x' && fold(*dash) == b'-' => {
            is_listed(rest, X_EXACT, X_PREFIXES)
        }
        _ => is_listed(name, EXACT, PREFIXES),
    }
}

fn is_listed(name: &[u8], exact: &[&str], prefixes: &[&str]) -> bool {
    exact
        .iter()
        .any(|reserved| name.len() == reserved.len() && begins(name, reserved))
        || prefixes.iter().any(|prefix| begins(name, prefix))
}

/// Whether `name`, folded, begins with `prefix`.
fn begins(name: &[u8], prefix: &str) -> bool {
    name.len() >= prefix.len()
        && name
            .iter()
            .zip(prefix.as_bytes())
            .all(|(byte, want)| fold(*byte) == *want)
}

fn fold(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() {
        byte.to_ascii_lowercase()
    } else {
        b'-'
    }
}

/// Fields that are reserved under exactly this name.
const EXACT: &[&str] = &[
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "client-cert",
    "client-cert-chain",
    "client-ip",
    "fastly-client-ip",
    "fly-client-ip",
    "forwarded",
    "remote-addr",
    "remote-host",
    "remote-user",
    "true-client-ip",
];

/// Fields that are reserved when they begin so.
const PREFIXES: &[&str] = &["cf-access-", "hangu-", "oidc-", "remote-", "ssl-client-"];

/// Fields that are reserved under exactly this name after `x-`.
const X_EXACT: &[&str] = &[
    "amzn-oidc-accesstoken",
    "appengine-user-ip",
    "arr-clientcert",
    "arr-ssl",
    "azure-clientip",
    "azure-socketip",
    "client-dn",
    "client-ip",
    "client-verify",
    "cluster-client-ip",
    "host",
    "http-host-override",
    "originating-ip",
    "proxyuser-ip",
    "real-ip",
    "real-port",
    "real-proto",
    "remote-addr",
    "remote-ip",
    "rewrite-url",
    "url-scheme",
    "user",
    "user-id",
    "user-name",
    "userid",
    "username",
];

/// Fields that are reserved when they begin so after `x-`.
const X_PREFIXES: &[&str] = &[
    "amzn-mtls-",
    "amzn-oidc-",
    "auth-request-",
    "auth-user",
    "authenticated-",
    "authentik-",
    "client-cert",
    "clientcert",
    "endpoint-api-userinfo",
    "envoy-",
    "forward-",
    "forwarded-",
    "goog-authenticated-",
    "goog-iap-",
    "hangu-",
    "jwt-",
    "ms-client-principal",
    "ms-token-",
    "original-",
    "pomerium-",
    "remote-",
    "spiffe-",
    "ssl-",
    "tls-client-",
    "vouch-",
    "webauth-",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_and_forwarding_fields_are_reserved_in_any_spelling() {
        for name in [
            "Hangu-Assertion",
            "hangu_assertion",
            "HANGU-BINDING",
            "hangu-request-id",
            "X-Forwarded-For",
            "x_forwarded_for",
            "X-Forwarded_Host",
            "X.Forwarded.Proto",
            "forwarded",
            "FORWARDED",
            "x-real-ip",
            "X_Real-IP",
            "x-client-cert",
            "X-Client-Cert-Chain",
            "ssl-client-verify",
            "SSL_CLIENT_S_DN",
            "x-remote-user",
            "Remote_User",
            "x-original-url",
            "x-rewrite-url",
            "Client-Cert",
            "x-auth-request-email",
            "cf-access-jwt-assertion",
            "x~forwarded~for",
            "x-ms-client-principal",
            "OIDC_CLAIM_sub",
        ] {
            assert!(is_reserved(name), "{name}");
        }
    }

    #[test]
    fn ordinary_fields_pass() {
        for name in [
            "host",
            "accept",
            "authorization",
            "cookie",
            "content-type",
            "x-requested-with",
            "traceparent",
            "tracestate",
            "user-agent",
            "x-csrf-token",
            "hangu",
            "x-forwarded",
            "forwarded-by-mail",
            "via",
            "origin",
            "x-request-id",
            "",
            "ssl",
            "client-certificate-request",
        ] {
            assert!(!is_reserved(name), "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_name_panics_and_case_never_matters(name in ".{0,40}") {
            proptest::prop_assert_eq!(is_reserved(&name), is_reserved(&name.to_ascii_uppercase()));
        }
    }
}
