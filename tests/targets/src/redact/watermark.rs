//! Exports that carry marks.

use std::sync::{Arc, OnceLock};

use hangu_redact::{
    BodyError, Carriers, Content, Evidence, Format, Marker, Media, Recipient, Watermark,
    WatermarkKey,
};

use super::{CHARSETS, LIMITS, is_json};
use crate::input;

/// The numbers of a content, a charset, carriers and a way of cutting, then an export.
///
/// However it is cut, it is refused or not, and gives the same; marked again it does not change, JSON stays JSON, and it
/// can be read for its marks.
pub fn watermark(data: &[u8]) {
    let medias = [
        Some(Media::Csv),
        Some(Media::Json),
        Some(Media::Ndjson),
        Some(Media::Tsv),
        None,
    ];
    let (media, rest) = input::pick(data, &medias);
    let (charset, rest) = input::pick(rest, &CHARSETS);
    let spelling = Carriers {
        stars: false,
        spelling: true,
        invisible: false,
    };
    let all = Carriers {
        stars: true,
        ..Carriers {
            invisible: true,
            ..spelling
        }
    };
    let choices = [all, spelling];
    let (carriers, rest) = input::pick(rest, &choices);
    let (seed, body) = rest.split_first().unwrap_or((&0, &[]));
    let content = media.map_or(Content::Office, |media| {
        Content::from(Format {
            media,
            charset: *charset,
        })
    });
    let mark = |chunks: &mut dyn Iterator<Item = &[u8]>| -> Result<Vec<u8>, BodyError> {
        let key = key();
        let recipient = Recipient::named(&key, "u:7");
        let watermark = Watermark {
            key,
            recipient,
            carriers: *carriers,
        };
        let mut marker = Marker::new(watermark, &content, LIMITS).expect("it carries marks");
        let mut out = Vec::new();
        for chunk in chunks {
            marker.feed(chunk, &mut out)?;
        }
        marker.finish(&mut out)?;
        Ok(out)
    };
    let whole = mark(&mut std::iter::once(body));
    let cut = mark(&mut input::cut(body, *seed));
    let out = match (whole, cut) {
        (Ok(one), Ok(two)) => {
            // Where an encoder was fed decides about its bytes, not about what they mean.
            assert!(content == Content::Office || one == two, "cut");
            one
        }
        (Err(_), Err(_)) => return,
        // The ratio counts what has arrived so far, so that cutting may only refuse more.
        (Ok(_), Err(BodyError::TooLarge { .. })) => return,
        (one, two) => panic!("whole {one:?}, cut {two:?}"),
    };
    let mut evidence = Evidence::new(key(), &content, LIMITS).expect("it carries marks");
    if evidence.feed(&out).is_ok() && evidence.finish().is_err() {
        panic!("what came out cannot be read");
    }
    if content == Content::Office {
        return;
    }
    let again = mark(&mut std::iter::once(out.as_slice())).expect("it was marked before");
    assert_eq!(
        input::text(&again),
        input::text(&out),
        "marked twice is marked once"
    );
    if *media == Some(Media::Json) && charset == &CHARSETS[0] && is_json(body) {
        assert!(is_json(&out), "JSON stays JSON: {}", input::text(&out));
    }
}

fn key() -> Arc<WatermarkKey> {
    static KEY: OnceLock<Arc<WatermarkKey>> = OnceLock::new();
    let made = || Arc::new(WatermarkKey::new(&[7; 32]).expect("it is long enough"));
    Arc::clone(KEY.get_or_init(made))
}
