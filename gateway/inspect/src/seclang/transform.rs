//! Transformations: what a value is turned into before a test reads it.
//!
//! They follow the reference manual of SecLang, with one difference: characters above U+00FF stay characters (they
//! become UTF-8) where the original keeps their low byte. Chinese text would turn into quotes and brackets otherwise.

use super::byteset::ByteSet;

mod decode;
mod digest;
mod text;

/// One transformation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Transform {
    Base64Decode,
    Base64DecodeExt,
    Base64Encode,
    CmdLine,
    CompressWhitespace,
    CssDecode,
    EscapeSeqDecode,
    HexDecode,
    HexEncode,
    HtmlEntityDecode,
    JsDecode,
    Length,
    Lowercase,
    Md5,
    NormalizePath,
    NormalizePathWin,
    ParityEven7bit,
    ParityOdd7bit,
    ParityZero7bit,
    RemoveComments,
    RemoveCommentsChar,
    RemoveNulls,
    RemoveWhitespace,
    ReplaceComments,
    ReplaceNulls,
    Sha1,
    SqlHexDecode,
    Trim,
    TrimLeft,
    TrimRight,
    Uppercase,
    UrlDecode,
    UrlDecodeUni,
    UrlEncode,
    Utf8ToUnicode,
}

impl Transform {
    /// Returns the transformation of a name, in any case.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "base64decode" => Self::Base64Decode,
            "base64decodeext" => Self::Base64DecodeExt,
            "base64encode" => Self::Base64Encode,
            "cmdline" => Self::CmdLine,
            "compresswhitespace" => Self::CompressWhitespace,
            "cssdecode" => Self::CssDecode,
            "escapeseqdecode" => Self::EscapeSeqDecode,
            "hexdecode" => Self::HexDecode,
            "hexencode" => Self::HexEncode,
            "htmlentitydecode" => Self::HtmlEntityDecode,
            "jsdecode" => Self::JsDecode,
            "length" => Self::Length,
            "lowercase" => Self::Lowercase,
            "md5" => Self::Md5,
            "normalizepath" | "normalisepath" => Self::NormalizePath,
            "normalizepathwin" | "normalisepathwin" => Self::NormalizePathWin,
            "parityeven7bit" => Self::ParityEven7bit,
            "parityodd7bit" => Self::ParityOdd7bit,
            "parityzero7bit" => Self::ParityZero7bit,
            "removecomments" => Self::RemoveComments,
            "removecommentschar" => Self::RemoveCommentsChar,
            "removenulls" => Self::RemoveNulls,
            "removewhitespace" => Self::RemoveWhitespace,
            "replacecomments" => Self::ReplaceComments,
            "replacenulls" => Self::ReplaceNulls,
            "sha1" => Self::Sha1,
            "sqlhexdecode" => Self::SqlHexDecode,
            "trim" => Self::Trim,
            "trimleft" => Self::TrimLeft,
            "trimright" => Self::TrimRight,
            "uppercase" => Self::Uppercase,
            "urldecode" => Self::UrlDecode,
            "urldecodeuni" => Self::UrlDecodeUni,
            "urlencode" => Self::UrlEncode,
            "utf8tounicode" => Self::Utf8ToUnicode,
            _ => return None,
        })
    }

    /// Returns bytes of which a text must hold one to be changed at all; `None` when any text may be, an empty one too.
    pub(super) fn touches(self) -> Option<ByteSet> {
        let set = |bytes: &[u8]| Some(ByteSet::of(bytes));
        match self {
            Self::Base64Decode
            | Self::Base64DecodeExt
            | Self::Base64Encode
            | Self::HexDecode
            | Self::HexEncode
            | Self::Length
            | Self::Md5
            | Self::Sha1 => None,
            Self::CmdLine => Some(ByteSet::of(b"\\\"'^,; \t\n\r\x0b\x0c").with(b'A'..=b'Z')),
            Self::CompressWhitespace | Self::RemoveWhitespace => set(b" \t\n\r\x0b\x0c\xa0"),
            Self::CssDecode | Self::EscapeSeqDecode | Self::JsDecode => set(b"\\"),
            Self::HtmlEntityDecode => set(b"&"),
            Self::Lowercase => Some(ByteSet::default().with(b'A'..=b'Z')),
            Self::Uppercase => Some(ByteSet::default().with(b'a'..=b'z')),
            Self::NormalizePath => set(b"/."),
            Self::NormalizePathWin => set(b"/.\\"),
            Self::ParityEven7bit | Self::ParityOdd7bit => Some(ByteSet::ALL),
            Self::ParityZero7bit | Self::Utf8ToUnicode => {
                Some(ByteSet::default().with(0x80..=0xff))
            }
            Self::RemoveComments => set(b"/-#<"),
            Self::RemoveCommentsChar => set(b"/*-#<"),
            Self::RemoveNulls | Self::ReplaceNulls => set(b"\0"),
            Self::ReplaceComments => set(b"/"),
            Self::SqlHexDecode => set(b"xX"),
            Self::Trim | Self::TrimLeft | Self::TrimRight => set(b" \t\n\r\x0b\x0c"),
            Self::UrlDecode | Self::UrlDecodeUni => set(b"%+"),
            Self::UrlEncode => Some(ByteSet::ALL),
        }
    }

    /// Says whether it changes nothing but the case of letters.
    pub(super) fn keeps_letters(self) -> bool {
        matches!(self, Self::Lowercase | Self::Uppercase)
    }

    /// Returns what a text is turned into.
    pub(super) fn apply(self, bytes: &[u8]) -> Vec<u8> {
        crate::text::steps::count(bytes.len());
        match self {
            Self::Base64Decode => decode::base64(bytes, decode::Strict::Yes),
            Self::Base64DecodeExt => decode::base64(bytes, decode::Strict::No),
            Self::Base64Encode => {
                use base64::Engine as _;
                base64::engine::general_purpose::STANDARD
                    .encode(bytes)
                    .into_bytes()
            }
            Self::CmdLine => text::command_line(bytes),
            Self::CompressWhitespace => text::compress_whitespace(bytes),
            Self::CssDecode => decode::css(bytes),
            Self::EscapeSeqDecode => decode::escapes(bytes),
            Self::HexDecode => decode::hexadecimal(bytes),
            Self::HexEncode => bytes
                .iter()
                .flat_map(|b| format!("{b:02x}").into_bytes())
                .collect(),
            Self::HtmlEntityDecode => decode::html(bytes),
            Self::JsDecode => decode::script(bytes),
            Self::Length => bytes.len().to_string().into_bytes(),
            Self::Lowercase => bytes.to_ascii_lowercase(),
            Self::Md5 => digest::md5(bytes).to_vec(),
            Self::NormalizePath => text::path(bytes),
            Self::NormalizePathWin => {
                let slashes: Vec<u8> = bytes
                    .iter()
                    .map(|&b| if b == b'\\' { b'/' } else { b })
                    .collect();
                text::path(&slashes)
            }
            Self::ParityEven7bit => bytes.iter().map(|&b| parity(b, 0)).collect(),
            Self::ParityOdd7bit => bytes.iter().map(|&b| parity(b, 1)).collect(),
            Self::ParityZero7bit => bytes.iter().map(|b| b & 0x7f).collect(),
            Self::RemoveComments => text::remove_comments(bytes),
            Self::RemoveCommentsChar => text::remove_comment_signs(bytes),
            Self::RemoveNulls => bytes.iter().copied().filter(|&b| b != 0).collect(),
            Self::RemoveWhitespace => text::remove_whitespace(bytes),
            Self::ReplaceComments => text::replace_comments(bytes),
            Self::ReplaceNulls => bytes
                .iter()
                .map(|&b| if b == 0 { b' ' } else { b })
                .collect(),
            Self::Sha1 => digest::sha1(bytes).to_vec(),
            Self::SqlHexDecode => decode::sql_hexadecimal(bytes),
            Self::Trim => text::trim_right(text::trim_left(bytes)).to_vec(),
            Self::TrimLeft => text::trim_left(bytes).to_vec(),
            Self::TrimRight => text::trim_right(bytes).to_vec(),
            Self::Uppercase => bytes.to_ascii_uppercase(),
            Self::UrlDecode => decode::url(bytes, decode::Unicode::Off),
            Self::UrlDecodeUni => decode::url(bytes, decode::Unicode::On),
            Self::UrlEncode => decode::url_encode(bytes),
            Self::Utf8ToUnicode => decode::utf8_to_unicode(bytes),
        }
    }
}

fn parity(b: u8, odd: u32) -> u8 {
    let low = b & 0x7f;
    if low.count_ones() % 2 == odd {
        low
    } else {
        low | 0x80
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: &[&str] = &[
        "base64Decode",
        "base64DecodeExt",
        "base64Encode",
        "cmdLine",
        "compressWhitespace",
        "cssDecode",
        "escapeSeqDecode",
        "hexDecode",
        "hexEncode",
        "htmlEntityDecode",
        "jsDecode",
        "length",
        "lowercase",
        "md5",
        "normalizePath",
        "normalisePathWin",
        "parityEven7bit",
        "parityOdd7bit",
        "parityZero7bit",
        "removeComments",
        "removeCommentsChar",
        "removeNulls",
        "removeWhitespace",
        "replaceComments",
        "replaceNulls",
        "sha1",
        "sqlHexDecode",
        "trim",
        "trimLeft",
        "trimRight",
        "uppercase",
        "urlDecode",
        "urlDecodeUni",
        "urlEncode",
        "utf8toUnicode",
    ];

    #[test]
    fn each_transformation_does_what_the_manual_says() {
        for (name, from, to) in [
            (
                "cmdLine",
                &b"C^AT  \"/etc/pa'sswd\",;x (y)"[..],
                &b"cat/etc/passwd x(y)"[..],
            ),
            ("compressWhitespace", b"a \t\n b", b"a b"),
            ("removeWhitespace", b"a \t\x0bb", b"ab"),
            ("lowercase", b"ABC\xc3\x89", b"abc\xc3\x89"),
            ("length", b"", b"0"),
            ("normalizePath", b"/a/./b//c/../d", b"/a/b/d"),
            ("normalizePath", b"../../x", b"../../x"),
            ("normalizePath", b"/a/../../b", b"/b"),
            ("normalisePathWin", b"\\a\\..\\b", b"/b"),
            ("removeComments", b"a/*b*/c--d", b"ac"),
            ("removeCommentsChar", b"a/*b*/c--d#e", b"abcde"),
            ("replaceComments", b"a/*b*/c/*d", b"a c "),
            ("removeNulls", b"a\0b", b"ab"),
            ("replaceNulls", b"a\0b", b"a b"),
            ("trim", b" \ta b\n", b"a b"),
            ("urlDecode", b"%41+%zz%4", b"A %zz%4"),
            (
                "urlDecodeUni",
                b"%u0041%uff1c%u00e9%u4e2d%u12",
                b"A<\xe9\xe4\xb8\xad%u12",
            ),
            ("jsDecode", b"\\u0041\\x42\\103\\n\\q\\uff1c", b"ABC\nq<"),
            ("cssDecode", b"j\\61 v\\0061\\\nx\\z", b"javaxz"),
            (
                "htmlEntityDecode",
                b"&#0000000000000060;&#x0000000000003c;",
                b"<<",
            ),
            (
                "htmlEntityDecode",
                b"&lt;&#60;&#x3c;&#x3C&amp;&quot;&unknown;",
                b"<<<<&\"&unknown;",
            ),
            ("escapeSeqDecode", b"\\x41\\102\\n\\\\\\q", b"AB\n\\\\q"),
            ("base64Decode", b"aGFuZ3U=", b"hangu"),
            ("base64Decode", b"aGFu!", b"han"),
            ("base64DecodeExt", b"aG.Fu\nZ3U=", b"hangu"),
            ("hexDecode", b"4a4B", b"JK"),
            ("hexEncode", b"\x00\xff", b"00ff"),
            ("sqlHexDecode", b"a 0x4142 0xzz", b"a AB 0xzz"),
            ("utf8toUnicode", "a中é".as_bytes(), b"a%u4e2d%u00e9"),
            ("urlEncode", b"a b/", b"a+b%2f"),
            ("parityZero7bit", b"\xc1", b"A"),
        ] {
            let transform = Transform::named(name).unwrap();
            assert_eq!(
                String::from_utf8_lossy(&transform.apply(from)),
                String::from_utf8_lossy(to),
                "{name} of {}",
                String::from_utf8_lossy(from)
            );
        }
    }

    #[test]
    fn digests_agree_with_the_published_ones() {
        let hex = |name: &str, text: &[u8]| {
            let digest = Transform::named(name).unwrap().apply(text);
            String::from_utf8(Transform::HexEncode.apply(&digest)).unwrap()
        };
        // RFC 1321, appendix A.5, and RFC 3174, section 7.3.
        assert_eq!(hex("md5", b""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(
            hex("md5", b"message digest"),
            "f96b697d7cb7938d525a2f31aaf161d0"
        );
        assert_eq!(
            hex("sha1", b"abc"),
            "a9993e364706816aba3e25717850c26c9cd0d89d"
        );
        assert_eq!(
            hex(
                "sha1",
                b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
            ),
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
        );
        assert_eq!(
            hex("md5", &b"1234567890".repeat(8)),
            "57edf4a22be3c955ac49da2e2107b67a"
        );
    }

    #[test]
    fn chinese_text_stays_text() {
        let text = "国库支付 主要大在个 异常中中".as_bytes();
        let unicode = Transform::Utf8ToUnicode.apply(text);
        assert_eq!(Transform::UrlDecodeUni.apply(&unicode), text);
        for name in ["compressWhitespace", "cmdLine"] {
            assert_eq!(Transform::named(name).unwrap().apply(text), text, "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_text_without_the_bytes_a_transformation_touches_is_not_changed(
            text in proptest::collection::vec(prop_oneof![any::<u8>(), proptest::sample::select(&b"\\%&;#x/.*- <!0u14"[..])], 0..40),
            name in proptest::sample::select(ALL),
        ) {
            let transform = Transform::named(name).unwrap();
            let after = transform.apply(&text);
            if let Some(touched) = transform.touches() && !touched.meets(&ByteSet::of(&text)) {
                prop_assert_eq!(&after, &text);
            }
            prop_assert!(after.len() <= text.len() * 6 + 24, "{} grew to {}", text.len(), after.len());
        }
    }
}
