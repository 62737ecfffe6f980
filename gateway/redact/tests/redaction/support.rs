//! Words that the tests share.

use hangu_redact::{Level, Media, Redactor, Summary};
use proptest::prelude::*;

pub(crate) const MEDIA: [Media; 7] = [
    Media::Markup,
    Media::Csv,
    Media::Json,
    Media::Ndjson,
    Media::Text,
    Media::EventStream,
    Media::Form,
];

/// Redacts a body that arrives in the given chunks.
pub(crate) fn redact_chunks<'a>(
    level: Level,
    media: Media,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<u8>, Summary) {
    let mut redactor = Redactor::new(level, media);
    let mut out = Vec::new();
    for chunk in chunks {
        redactor.feed(chunk, &mut out);
        assert!(
            redactor.held() <= hangu_redact::HELD_MAX,
            "{} bytes held",
            redactor.held()
        );
    }
    let summary = redactor.finish(&mut out);
    (out, summary)
}

/// Redacts a body that arrives at once.
pub(crate) fn redact(level: Level, media: Media, body: &[u8]) -> Vec<u8> {
    redact_chunks(level, media, [body]).0
}

/// Redacts text and returns text.
pub(crate) fn redact_text(level: Level, media: Media, body: &str) -> String {
    String::from_utf8(redact(level, media, body.as_bytes())).unwrap()
}

/// Pieces that make values, halves of values, and what surrounds them, in any order.
pub(crate) fn any_body() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "138",
        "0013",
        "8000",
        "13800138000",
        "8613800138000",
        "110101199003077774",
        "1101011990",
        "0307777",
        "4",
        "11010519491231002X",
        "91350100M000100Y43",
        "4111",
        "1111",
        "4111111111111111",
        "378282",
        "246310005",
        " ",
        " ",
        "-",
        "-",
        ".",
        ".",
        "@",
        "@",
        "a",
        "b.com",
        "qq.com",
        "zhang.san",
        "***",
        "*",
        "x",
        "X",
        "，",
        "１",
        "３８",
        "００１３",
        "８０００",
        "＠",
        "Ｘ",
        "\\n",
        "\\u0031",
        "\\u0040",
        "\\u0020",
        "\\uFF11",
        "\\",
        "\\\"",
        "\"",
        "\"",
        "{",
        "}",
        ":",
        "[",
        "]",
        ",",
        "%31",
        "%40",
        "%",
        "%20",
        "%EF%BC%91",
        "+",
        "86",
        "+86",
        "0",
        "e",
        "E10",
        "_",
        "\n",
        "张",
        "\u{feff}",
        "&",
        "=",
        "0000",
        "2x.png",
        "2001:db8::1",
        "fe80:",
        ":1",
        "护照",
        "E12345678",
        "xn--fiqs8s",
    ];
    let piece =
        proptest::sample::select(pieces.to_vec()).prop_map(|piece| piece.as_bytes().to_vec());
    let long = (
        proptest::sample::select(vec!["a", "1", "ab1.", "1 ", "\\u0061", "%61", "-", "１"]),
        1_usize..900,
    )
        .prop_map(|(piece, times)| piece.repeat(times).into_bytes());
    let byte = any::<u8>().prop_map(|byte| vec![byte]);
    proptest::collection::vec(prop_oneof![40 => piece, 1 => long, 1 => byte], 0..40)
        .prop_map(|pieces| pieces.concat())
}
