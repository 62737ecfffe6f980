//! Bodies that personal data are taken out of.

use std::sync::{Arc, OnceLock};

use hangu_redact::{
    Action, BodyRedactor, Charset, Coding, Content, Format, HELD_MAX, Keys, Kind, Level, Limits,
    Media, OwnKind, OwnKindFile, Redactor, Rules, Summary, Unreadable, mask_str, redact_header,
    redact_url,
};

use crate::input;

mod message;
mod watermark;

pub use message::{message, schema};
pub use watermark::watermark;

const MEDIA: [Media; 8] = [
    Media::Json,
    Media::Ndjson,
    Media::Text,
    Media::EventStream,
    Media::Form,
    Media::Markup,
    Media::Csv,
    Media::Tsv,
];

const CHARSETS: [Charset; 5] = [
    Charset::Utf8,
    Charset::Gb18030,
    Charset::Big5,
    Charset::Utf16Le,
    Charset::Utf16Be,
];

const CODINGS: [Coding; 5] = [
    Coding::Identity,
    Coding::Gzip,
    Coding::Brotli,
    Coding::Deflate,
    Coding::Zstd,
];

/// What may be held back in all, in bytes: tables and an operator's own patterns hold as much again each; chosen.
const HELD_ALL: usize = 16 * HELD_MAX;

/// Small, so that an input can reach them.
const LIMITS: Limits = Limits {
    max_inflated_ratio: 200,
    max_inflated_bytes: 2 << 20,
};

/// The numbers of a format, a level, a charset, rules and a way of cutting, then a body.
///
/// However it is cut, the output is the same; JSON stays JSON and UTF-8 UTF-8.
pub fn body(data: &[u8]) {
    let (media, rest) = input::pick(data, &MEDIA);
    let (level, rest) = input::pick(rest, &Level::ALL);
    let (charset, rest) = input::pick(rest, &CHARSETS);
    let (rules, rest) = input::pick(rest, rules());
    let (seed, body) = rest.split_first().unwrap_or((&0, &[]));
    let format = Format {
        media: *media,
        charset: *charset,
    };
    let redactor = || Redactor::with(Arc::clone(rules), *level, format);
    let whole = redact(redactor(), [body]);
    let cut = redact(redactor(), input::cut(body, *seed));
    same("cut", &cut, &whole);
    if body.len() < 300 {
        same("byte by byte", &redact(redactor(), body.chunks(1)), &whole);
    }
    let Outcome::Redacted { out, .. } = &whole else {
        return;
    };
    let plain = *charset == Charset::Utf8;
    if plain && std::str::from_utf8(body).is_ok() {
        assert!(std::str::from_utf8(out).is_ok(), "UTF-8 stays UTF-8");
    }
    if plain && *media == Media::Json && is_json(body) {
        assert!(is_json(out), "JSON stays JSON: {}", input::text(out));
    }
    if plain
        && *media == Media::Text
        && Arc::ptr_eq(rules, &Rules::shipped())
        && let Ok(text) = std::str::from_utf8(body)
    {
        assert_eq!(mask_str(*level, text), input::text(out), "a line is a body");
    }
}

/// As [`body`], under the shipped rules: redacting what came out changes nothing.
pub fn twice(data: &[u8]) {
    let (media, rest) = input::pick(data, &MEDIA);
    let (level, rest) = input::pick(rest, &Level::ALL);
    let (charset, body) = input::pick(rest, &CHARSETS);
    let format = Format {
        media: *media,
        charset: *charset,
    };
    let redactor = || Redactor::with(Rules::shipped(), *level, format);
    let Outcome::Redacted { out: once, .. } = redact(redactor(), [body]) else {
        return;
    };
    let Outcome::Redacted { out: twice, .. } = redact(redactor(), [once.as_slice()]) else {
        panic!("what came out cannot be read again");
    };
    assert_eq!(input::text(&twice), input::text(&once), "twice is once");
}

/// The numbers of a content, a level and of what becomes of what cannot be read, then a body: parts of several types, or
/// an archive.
///
/// However it is cut, it is refused or not, and gives the same.
pub fn parts(data: &[u8]) {
    let contents = [
        Content::from_content_type("multipart/form-data; boundary=b"),
        Content::from_content_type("multipart/mixed; boundary=\"-- b\""),
        Ok(Content::Office),
    ];
    let (content, rest) = input::pick(data, &contents);
    let (level, rest) = input::pick(rest, &Level::ALL);
    let unreadable = [Unreadable::Refuse, Unreadable::Pass, Unreadable::Empty];
    let (unreadable, rest) = input::pick(rest, &unreadable);
    let (seed, body) = rest.split_first().unwrap_or((&0, &[]));
    let Ok(content) = content else {
        panic!("the type is right")
    };
    let redact = |chunks: &mut dyn Iterator<Item = &[u8]>| {
        let mut redactor = BodyRedactor::of(
            Rules::shipped(),
            *level,
            content.clone(),
            Coding::Identity,
            LIMITS,
            *unreadable,
        );
        let mut out = Vec::new();
        for chunk in chunks {
            redactor.feed(chunk, &mut out)?;
        }
        let summary = redactor.finish(&mut out)?;
        Ok::<_, hangu_redact::BodyError>((summary, out))
    };
    let whole = redact(&mut std::iter::once(body));
    let cut = redact(&mut input::cut(body, *seed));
    match (whole, cut) {
        (Ok((one, out)), Ok((two, again))) => {
            // Where an encoder was fed decides about its bytes, not about what they mean.
            assert_eq!((one.counts, one.masked), (two.counts, two.masked));
            if *content != Content::Office {
                assert_eq!(input::text(&out), input::text(&again));
            }
        }
        (Err(_), Err(_)) => {}
        // The ratio counts what has arrived so far, so that cutting may only refuse more.
        (Ok(_), Err(hangu_redact::BodyError::TooLarge { .. })) => {}
        (one, two) => panic!("whole {one:?}, cut {two:?}"),
    }
}

/// A header's name and value with a line end between: nothing is changed that is not counted.
pub fn header(data: &[u8]) {
    let (level, rest) = input::pick(data, &Level::ALL);
    let end = rest.iter().position(|&byte| byte == b'\n');
    let (name, value) = rest.split_at(end.unwrap_or(0));
    let value = value.strip_prefix(b"\n").unwrap_or(value);
    let rules = Rules::shipped();
    let out = redact_header(&rules, *level, &input::text(name), value);
    assert!(out.value == value || out.summary.masked.total() > 0);
    if let Ok(url) = std::str::from_utf8(value) {
        let out = redact_url(&rules, *level, url);
        assert!(out.value == value || out.summary.masked.total() > 0);
        assert!(std::str::from_utf8(&out.value).is_ok(), "UTF-8 stays UTF-8");
    }
}

/// The numbers of a coding, a format, a level and a way of cutting, then a coded body.
///
/// However it is cut, it is refused or not; what comes out can be read again.
pub fn coded(data: &[u8]) {
    let (coding, rest) = input::pick(data, &CODINGS);
    let (media, rest) = input::pick(rest, &MEDIA);
    let (level, rest) = input::pick(rest, &Level::ALL);
    let (seed, body) = rest.split_first().unwrap_or((&0, &[]));
    let redact = |body: &[u8], seed: Option<u8>| {
        let mut redactor = BodyRedactor::new(*level, *media, *coding, LIMITS);
        let mut out = Vec::new();
        match seed {
            Some(seed) => {
                for chunk in input::cut(body, seed) {
                    redactor.feed(chunk, &mut out)?;
                }
            }
            None => redactor.feed(body, &mut out)?,
        }
        let summary = redactor.finish(&mut out)?;
        Ok::<_, hangu_redact::BodyError>((summary, out))
    };
    let whole = redact(body, None);
    // The ratio counts what has arrived so far, so that cutting may only refuse more.
    if let Ok((cut, _)) = redact(body, Some(*seed)) {
        let (whole, out) = whole
            .as_ref()
            .expect("what is read in pieces is read whole");
        assert_eq!((cut.counts, cut.masked), (whole.counts, whole.masked));
        let again = redact(out, None);
        assert!(
            again.is_ok(),
            "what came out cannot be read again: {again:?}"
        );
    }
}

enum Outcome {
    Redacted { summary: Box<Summary>, out: Vec<u8> },
    Malformed,
}

fn redact<'b>(mut redactor: Redactor, chunks: impl IntoIterator<Item = &'b [u8]>) -> Outcome {
    let mut out = Vec::new();
    for chunk in chunks {
        redactor.feed(chunk, &mut out);
        assert!(redactor.held() <= HELD_ALL, "too much is held");
    }
    let summary = Box::new(redactor.finish(&mut out));
    if redactor.is_malformed() {
        Outcome::Malformed
    } else {
        Outcome::Redacted { summary, out }
    }
}

fn same(how: &str, one: &Outcome, whole: &Outcome) {
    match (one, whole) {
        (
            Outcome::Redacted { summary, out },
            Outcome::Redacted {
                summary: expected,
                out: wanted,
            },
        ) => {
            assert_eq!(input::text(out), input::text(wanted), "{how}");
            assert!(out == wanted && summary == expected, "{how}");
        }
        (Outcome::Malformed, Outcome::Malformed) => {}
        (Outcome::Malformed, Outcome::Redacted { .. })
        | (Outcome::Redacted { .. }, Outcome::Malformed) => panic!("{how}: malformed or not"),
    }
}

fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok()
}

/// The shipped rules, rules with keys, and rules with an operator's own kind.
fn rules() -> &'static [Arc<Rules>; 3] {
    static RULES: OnceLock<[Arc<Rules>; 3]> = OnceLock::new();
    RULES.get_or_init(|| {
        let mut keyed = Rules::default();
        let keys = Keys::new(&[7; 32], "fuzz").expect("32 bytes are enough");
        keyed.set_keys(Arc::new(keys));
        for (level, action) in [
            (Level::L1, Action::Token),
            (Level::L2, Action::Encrypt),
            (Level::L3, Action::Shift),
        ] {
            for kind in Kind::ALL {
                keyed.set_action(level, kind, action);
            }
        }
        let mut own = Rules::default();
        let file = OwnKindFile {
            name: "case".to_owned(),
            pattern: Some("AJ-(?<value>[0-9]{4,})".to_owned()),
            words: vec!["机密".to_owned()],
            fields: vec!["案号".to_owned()],
            ..OwnKindFile::default()
        };
        own.add_own(OwnKind::new(file).expect("the kind is right"));
        [Rules::shipped(), Arc::new(keyed), Arc::new(own)]
    })
}
