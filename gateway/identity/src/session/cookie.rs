//! The cookie that carries a session id, and the token that keeps forms of other sites out.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::SignedDuration;

use super::{ID_LENGTH, SessionId};

/// The cookie's name. `__Host-` makes browsers insist on Secure, Path=/ and no Domain, so that no other host can set it.
pub const NAME: &str = "__Host-hangu";

/// The `Set-Cookie` value that gives a browser its session.
pub fn set(id: &SessionId, lifetime: SignedDuration) -> String {
    let seconds = lifetime.as_secs().max(0);
    format!(
        "{NAME}={}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax",
        id.as_str()
    )
}

/// The `Set-Cookie` value that takes it away.
pub fn clear() -> String {
    format!("{NAME}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax")
}

/// The session id in the `Cookie` fields of a request, or nothing if there is none.
///
/// Two different values are nothing too: one of them was planted, and which one cannot be known.
pub fn find<'a>(fields: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut found = None;
    for (name, value) in fields.into_iter().flat_map(pairs) {
        if name == NAME {
            match found {
                Some(earlier) if earlier != value => return None,
                Some(_) | None => found = Some(value),
            }
        }
    }
    found.filter(|value| value.len() == ID_LENGTH)
}

/// A `Cookie` field without the session, for the upstream; nothing if nothing is left.
///
/// Every spelling goes that some server might take for ours.
pub fn strip(field: &str) -> Option<String> {
    let rest: Vec<&str> = field
        .split(';')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
        .filter(|pair| {
            !pair
                .split('=')
                .next()
                .unwrap_or_default()
                .trim()
                .eq_ignore_ascii_case(NAME)
        })
        .collect();
    (!rest.is_empty()).then(|| rest.join("; "))
}

/// What a form must send back so that the gateway knows it was its own page: bound to the session, useless without it.
pub fn form_token(session_id: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, session_id.as_bytes());
    URL_SAFE_NO_PAD.encode(hmac::sign(&key, b"hangu form token"))
}

/// Whether a form was the gateway's own, in constant time.
pub fn is_form_token(session_id: &str, token: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, session_id.as_bytes());
    let Some(token) = crate::token::strict_base64url(token) else {
        return false;
    };
    hmac::verify(&key, b"hangu form token", &token).is_ok()
}

fn pairs(field: &str) -> impl Iterator<Item = (&str, &str)> {
    field
        .split(';')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.trim(), value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn the_cookie_has_every_attribute_its_prefix_demands() {
        let id = SessionId(zeroize::Zeroizing::new(ID.to_owned()));
        let expect =
            format!("__Host-hangu={ID}; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax");
        assert_eq!(set(&id, SignedDuration::from_hours(1)), expect);
        assert_eq!(
            find([set(&id, SignedDuration::from_hours(1))
                .split("; Path")
                .next()
                .unwrap()]),
            Some(ID)
        );
        assert!(clear().starts_with("__Host-hangu=; Path=/; Max-Age=0; Secure"));
    }

    #[test]
    fn the_cookie_is_found_among_others_and_only_under_its_exact_name() {
        let ours = format!("{NAME}={ID}");
        assert_eq!(find([format!("a=b; {ours};c=d").as_str()]), Some(ID));
        assert_eq!(find(["a=b", ours.as_str()]), Some(ID));
        assert_eq!(find([ours.as_str(), ours.as_str()]), Some(ID));
        for other in [
            "",
            "hangu=x",
            "x__Host-hangu=x",
            "__host-hangu=x",
            "__Host-hangu",
            "__Host-hangu=short",
        ] {
            assert_eq!(find([other]), None, "{other}");
        }
    }

    #[test]
    fn two_different_session_cookies_are_none() {
        let planted = format!("{NAME}=B{}", &ID[1..]);
        assert_eq!(find([format!("{NAME}={ID}; {planted}").as_str()]), None);
        assert_eq!(
            find([format!("{NAME}={ID}").as_str(), planted.as_str()]),
            None
        );
    }

    #[test]
    fn the_upstream_never_sees_the_session() {
        assert_eq!(
            strip(&format!("a=b; {NAME}={ID}; c=d=e")),
            Some("a=b; c=d=e".to_owned())
        );
        assert_eq!(strip(&format!(" {NAME} = {ID}")), None);
        assert_eq!(strip(&format!("__HOST-Hangu={ID};__Host-hangu")), None);
        assert_eq!(strip("flag; a=b"), Some("flag; a=b".to_owned()));
    }

    #[test]
    fn a_form_token_is_good_for_its_session_only() {
        let token = form_token(ID);
        assert!(is_form_token(ID, &token));
        assert!(!is_form_token(&ID.replace('A', "B"), &token));
        for bad in ["", "x", &token[1..], &format!("{token}=")] {
            assert!(!is_form_token(ID, bad), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_cookie_field_panics_and_none_leaks_the_session(field in "(__Host-hangu|a|;|=| |[!-~]){0,20}") {
            let _ = find([field.as_str()]);
            if let Some(rest) = strip(&field) {
                proptest::prop_assert_eq!(find([rest.as_str()]), None);
            }
        }
    }
}
