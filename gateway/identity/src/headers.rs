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
    EXACT
        .iter()
        .any(|reserved| name.len() == reserved.len() && folded_prefix(name, reserved))
        || PREFIXES.iter().any(|prefix| folded_prefix(name, prefix))
}

/// Whether `name`, folded, begins with `prefix`.
fn folded_prefix(name: &[u8], prefix: &str) -> bool {
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
    "forwarded",
    "client-cert",
    "client-cert-chain",
    "client-ip",
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "fastly-client-ip",
    "fly-client-ip",
    "remote-addr",
    "remote-host",
    "remote-user",
    "true-client-ip",
    "x-amzn-oidc-accesstoken",
    "x-arr-clientcert",
    "x-arr-ssl",
    "x-appengine-user-ip",
    "x-azure-clientip",
    "x-azure-socketip",
    "x-client-dn",
    "x-client-ip",
    "x-client-verify",
    "x-cluster-client-ip",
    "x-host",
    "x-http-host-override",
    "x-originating-ip",
    "x-proxyuser-ip",
    "x-real-ip",
    "x-real-port",
    "x-real-proto",
    "x-remote-addr",
    "x-remote-ip",
    "x-rewrite-url",
    "x-subject-token",
    "x-user",
    "x-user-id",
    "x-user-name",
    "x-username",
    "x-userid",
    "x-url-scheme",
    "x-wap-profile-user",
];

/// Fields that are reserved when they begin so.
const PREFIXES: &[&str] = &[
    "hangu-",
    "x-hangu-",
    "x-forwarded-",
    "x-forward-",
    "x-original-",
    "x-remote-",
    "remote-",
    "ssl-client-",
    "x-ssl-",
    "x-client-cert",
    "x-clientcert",
    "x-tls-client-",
    "x-auth-request-",
    "x-auth-user",
    "x-authenticated-",
    "x-authentik-",
    "x-amzn-oidc-",
    "x-amzn-mtls-",
    "x-endpoint-api-userinfo",
    "x-envoy-",
    "x-goog-authenticated-",
    "x-goog-iap-",
    "x-ms-client-principal",
    "x-ms-token-",
    "x-pomerium-",
    "x-jwt-",
    "x-spiffe-",
    "x-webauth-",
    "x-vouch-",
    "cf-access-",
    "oidc-",
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
