//! Encodings that an attack may be wrapped in, removed one at a time.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use smallvec::SmallVec;

use crate::classes::Classes;

mod base64;
pub(crate) mod charset;
mod entity;
mod escape;
pub(crate) mod percent;

/// How many encodings are removed from one value. Chosen: real clients nest two, attacks three.
pub(crate) const ROUNDS: usize = 4;

/// One encoding that was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// `%41`, beyond the one that every URL has.
    Percent,
    /// `&#65;`, `&lt;`.
    Entity,
    /// `\x41`, `\u0041`, `\101`.
    Escape,
    /// Base64 of text.
    Base64,
    /// Full-width forms of ASCII.
    FullWidth,
    /// GBK or GB18030 where UTF-8 was expected.
    Gb18030,
    /// UTF-8 with more bytes than needed.
    Overlong,
    /// JSON inside a JSON string.
    Json,
    /// UTF-7.
    Utf7,
}

/// The encodings removed from a value, outermost first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layers(SmallVec<[Layer; 6]>);

impl Layers {
    /// Adds one below those that are there.
    pub(crate) fn with(&self, layer: Layer) -> Self {
        let mut more = self.clone();
        more.0.push(layer);
        more
    }
}

impl std::ops::Deref for Layers {
    type Target = [Layer];

    fn deref(&self) -> &[Layer] {
        &self.0
    }
}

impl Serialize for Layers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter())
    }
}

/// Removes the outermost encoding that is there, if any.
pub(crate) fn peel(bytes: &[u8], classes: Classes) -> Option<(Vec<u8>, Layer)> {
    if classes.any(Classes::PERCENT)
        && let Cow::Owned(next) = percent::decode(bytes, percent::Plus::Literal)
    {
        return Some((next, Layer::Percent));
    }
    if classes.any(Classes::AMPERSAND)
        && let Some(next) = entity::decode(bytes)
    {
        return Some((next, Layer::Entity));
    }
    if classes.any(Classes::BACKSLASH)
        && let Some(next) = escape::decode(bytes)
    {
        return Some((next, Layer::Escape));
    }
    if classes.any(Classes::HIGH) {
        return charset::decode(bytes);
    }
    if classes.any(Classes::PLUS)
        && classes.any(Classes::JOINER)
        && let Some(next) = charset::utf7(bytes)
    {
        return Some((next, Layer::Utf7));
    }
    base64::decode(bytes, classes).map(|next| (next, Layer::Base64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn once(text: &[u8]) -> Option<(Vec<u8>, Layer)> {
        peel(text, Classes::of(text))
    }

    #[test]
    fn each_encoding_is_recognised_by_its_own_layer() {
        for (encoded, layer) in [
            (&b"%3cscript"[..], Layer::Percent),
            (b"%u003cscript", Layer::Percent),
            (b"&lt;script", Layer::Entity),
            (b"&#x3c;script", Layer::Entity),
            (b"&#60script", Layer::Entity),
            (b"\\x3cscript", Layer::Escape),
            (b"\\u003cscript", Layer::Escape),
            (b"\\74script", Layer::Escape),
            ("\u{ff1c}ｓｃｒｉｐｔ".as_bytes(), Layer::FullWidth),
            (b"\xc0\xbcscript", Layer::Overlong),
            (b"+ADw-script", Layer::Utf7),
        ] {
            assert_eq!(
                once(encoded),
                Some((b"<script".to_vec(), layer)),
                "{}",
                encoded.escape_ascii()
            );
        }
        assert_eq!(
            once(b"PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==").unwrap().0,
            b"<script>alert(1)</script>"
        );
    }

    #[test]
    fn ordinary_text_has_no_layers() {
        for plain in [
            "张三 100% 完成",
            "（一）申请；受理，办结",
            "AT&T",
            r"C:\Users\a",
            "a+b-c",
            "5d41402abc4b2a76b9719d911017c592",
        ] {
            assert_eq!(once(plain.as_bytes()), None, "{plain}");
        }
    }

    #[test]
    fn gbk_becomes_the_characters_that_were_meant() {
        let (gbk, _, _) = encoding_rs::GBK.encode("国库支付中心");
        assert_eq!(
            once(&gbk),
            Some(("国库支付中心".as_bytes().to_vec(), Layer::Gb18030))
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic_a_decoder(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = once(&bytes);
            let _ = entity::decode(&bytes);
            let _ = escape::decode(&bytes);
            let _ = charset::decode(&bytes);
            let _ = charset::utf7(&bytes);
            let _ = base64::decode(&bytes, Classes::of(&bytes));
        }

        #[test]
        fn no_mix_of_escapes_panics_a_decoder(text in "[%u0-9a-fA-FxX&#;\\\\+{}<'-]{0,200}") {
            let _ = entity::decode(text.as_bytes());
            let _ = escape::decode(text.as_bytes());
            let _ = charset::utf7(text.as_bytes());
            let _ = percent::decode(text.as_bytes(), percent::Plus::Space);
        }
    }
}
