//! Tokens that the key opens again: deterministic authenticated encryption, so that the way back needs no table.
//!
//! AES-256-GCM-SIV (RFC 8452) with one nonce for all: what is encrypted decides the vector, so that all it tells is which
//! values are the same, which is what a token is for (RFC 8452 section 9 on repeated nonces). The kind of a value and the
//! purpose are bound to it: a token of one is none of another.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};

use crate::kind::Kind;

/// What a token begins with: what begins so is never looked at again.
const HEAD: &str = "tok_";

/// Bytes of a value, at most: chosen, more than any value of a kind has.
const VALUE_MAX: usize = 1024;

/// Makes tokens and opens them.
pub(crate) struct Seal {
    key: LessSafeKey,
    purpose: String,
}

impl Seal {
    /// Takes a key of 32 bytes.
    pub(crate) fn new(key: &[u8], purpose: &str) -> Option<Self> {
        let key = UnboundKey::new(&AES_256_GCM_SIV, key).ok()?;
        Some(Self {
            key: LessSafeKey::new(key),
            purpose: purpose.to_owned(),
        })
    }

    /// The token of a value: `tok_` and letters only, two for each byte and 32 more; the same for every way of writing its
    /// separators. `None` for what is too long.
    pub(crate) fn seal(&self, kind: Kind, text: &[char]) -> Option<String> {
        let plain = plain(kind, text);
        if plain.is_empty() || plain.len() > VALUE_MAX {
            return None;
        }
        let mut bytes = plain.into_bytes();
        let aad = self.bound(kind);
        self.key
            .seal_in_place_append_tag(nonce(), aad, &mut bytes)
            .ok()?;
        let letters = bytes
            .into_iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .map(|nibble| char::from(b'a' + nibble));
        Some(HEAD.chars().chain(letters).collect())
    }

    /// The value of a token; `None` where it is none of this kind, purpose and key.
    pub(crate) fn open(&self, kind: Kind, token: &str) -> Option<String> {
        let letters = token.strip_prefix(HEAD)?.as_bytes();
        if letters.len() > 2 * (VALUE_MAX + AES_256_GCM_SIV.tag_len()) {
            return None;
        }
        let (pairs, rest) = letters.as_chunks::<2>();
        let nibble = |letter: u8| matches!(letter, b'a'..=b'p').then(|| letter - b'a');
        let bytes: Option<Vec<u8>> = pairs
            .iter()
            .map(|&[high, low]| Some(nibble(high)? << 4 | nibble(low)?))
            .collect();
        let mut bytes = bytes.filter(|_| rest.is_empty())?;
        let plain = self
            .key
            .open_in_place(nonce(), self.bound(kind), &mut bytes)
            .ok()?;
        String::from_utf8(plain.to_vec()).ok()
    }

    fn bound(&self, kind: Kind) -> Aad<Vec<u8>> {
        let text = format!("hangu token\0{}\0{kind}", self.purpose);
        Aad::from(text.into_bytes())
    }
}

/// The one nonce there is.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

/// A value without its separators, letters in the case that its kind has.
fn plain(kind: Kind, text: &[char]) -> String {
    if matches!(
        kind,
        Kind::Name | Kind::Address | Kind::Custom | Kind::Secret
    ) {
        return text.iter().collect::<String>().trim().to_owned();
    }
    let written = |ch: &&char| ch.is_alphanumeric() || matches!(ch, '@' | '.' | ':' | '_' | '+');
    let kept = text.iter().filter(|ch| written(ch) || kind == Kind::Email);
    let plain: String = kept.collect();
    if kind == Kind::Email {
        plain.to_lowercase()
    } else {
        plain.to_uppercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(purpose: &str) -> Seal {
        Seal::new(&[4; 32], purpose).unwrap()
    }

    fn chars(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    #[test]
    fn a_token_is_the_same_for_one_value_and_opens_again() {
        let one = seal("a");
        for (kind, text, opened) in [
            (Kind::Mobile, "138-0013-8000", "13800138000"),
            (Kind::ResidentId, "11010519491231002x", "11010519491231002X"),
            (Kind::Email, "Zhang.San-1@QQ.com", "zhang.san-1@qq.com"),
            (Kind::Name, "张三", "张三"),
            (Kind::Address, " 北京市海淀区1-2号", "北京市海淀区1-2号"),
        ] {
            let token = one.seal(kind, &chars(text)).unwrap();
            assert_eq!(one.seal(kind, &chars(opened)).unwrap(), token);
            assert_eq!(one.open(kind, &token).as_deref(), Some(opened));
            assert_eq!(token.len(), 4 + 2 * (opened.len() + 16));
            assert!(!token.bytes().any(|byte| byte.is_ascii_digit()));
        }
    }

    #[test]
    fn a_token_of_another_kind_purpose_or_making_does_not_open() {
        let one = seal("a");
        let token = one.seal(Kind::Mobile, &chars("13800138000")).unwrap();
        assert_eq!(one.open(Kind::Qq, &token), None);
        assert_eq!(seal("b").open(Kind::Mobile, &token), None);
        assert_ne!(
            seal("b").seal(Kind::Mobile, &chars("13800138000")).unwrap(),
            token
        );
        for at in 0..token.len() {
            let mut other = token.clone().into_bytes();
            other[at] = if other[at] == b'a' { b'b' } else { b'a' };
            let other = String::from_utf8(other).unwrap();
            assert_eq!(one.open(Kind::Mobile, &other), None, "{at}");
            assert_eq!(one.open(Kind::Mobile, &token[..at]), None, "{at}");
        }
        assert_eq!(one.open(Kind::Mobile, "tok_zz"), None);
        assert_eq!(
            one.open(Kind::Mobile, &("tok_".to_owned() + &"a".repeat(5000))),
            None
        );
        assert_eq!(one.seal(Kind::Name, &chars(&"长".repeat(400))), None);
        assert_eq!(one.seal(Kind::Mobile, &chars(" - ")), None);
    }
}
