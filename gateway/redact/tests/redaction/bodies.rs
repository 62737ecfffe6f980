//! Bodies in their content codings.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use flate2::write::{DeflateDecoder, GzEncoder, ZlibEncoder};
use hangu_redact::{BodyError, BodyRedactor, Coding, Level, Limits, Media, Summary};

use crate::support::redact;

const CODINGS: [Coding; 5] = [
    Coding::Identity,
    Coding::Gzip,
    Coding::Brotli,
    Coding::Deflate,
    Coding::Zstd,
];

fn encode(coding: Coding, plain: &[u8]) -> Vec<u8> {
    match coding {
        Coding::Identity => plain.to_vec(),
        Coding::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
        Coding::Brotli => {
            let mut coded = Vec::new();
            brotli::CompressorWriter::new(&mut coded, 4096, 5, 22)
                .write_all(plain)
                .unwrap();
            coded
        }
        Coding::Zstd => zstd::encode_all(plain, 3).unwrap(),
        Coding::Deflate => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
    }
}

fn decode(coding: Coding, coded: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match coding {
        Coding::Identity => plain.extend_from_slice(coded),
        Coding::Gzip => {
            MultiGzDecoder::new(coded).read_to_end(&mut plain).unwrap();
        }
        Coding::Deflate => {
            ZlibDecoder::new(coded).read_to_end(&mut plain).unwrap();
        }
        Coding::Zstd => plain = zstd::decode_all(coded).unwrap(),
        Coding::Brotli => {
            brotli::Decompressor::new(coded, 4096)
                .read_to_end(&mut plain)
                .unwrap();
        }
    }
    plain
}

fn redact_coded(
    coding: Coding,
    limits: Limits,
    chunks: &[&[u8]],
) -> Result<(Vec<u8>, Summary), BodyError> {
    let mut body = BodyRedactor::new(Level::L2, Media::Json, coding, limits);
    let mut out = Vec::new();
    for chunk in chunks {
        body.feed(chunk, &mut out)?;
    }
    let summary = body.finish(&mut out)?;
    Ok((out, summary))
}

fn document() -> Vec<u8> {
    let record = |n: u64| {
        format!(
            r#"{{"id":"110101199003077774","m":"{}","mail":"u{n}@b.cn","n":{n}}},"#,
            13_800_138_000 + n
        )
    };
    (0..4000).map(record).collect::<String>().into_bytes()
}

#[test]
fn a_coded_body_decodes_to_what_the_plain_one_becomes() {
    let plain = document();
    let expected = redact(Level::L2, Media::Json, &plain);
    assert_ne!(plain, expected);
    for coding in CODINGS {
        let coded = encode(coding, &plain);
        for size in [1, 3, 100, 16 * 1024, coded.len()] {
            let chunks: Vec<_> = coded.chunks(size).collect();
            let (out, summary) = redact_coded(coding, Limits::default(), &chunks).unwrap();
            assert_eq!(
                decode(coding, &out),
                expected,
                "{coding:?} in chunks of {size}"
            );
            assert_eq!(
                (summary.bytes_in, summary.bytes_out),
                (coded.len() as u64, out.len() as u64)
            );
            assert_eq!(summary.masked.total(), 12_000);
        }
    }
}

#[test]
fn several_gzip_members_are_one_body() {
    let mut coded = encode(Coding::Gzip, b"[\"1380013");
    coded.extend(encode(Coding::Gzip, b"8000\"]"));
    let (out, _) = redact_coded(Coding::Gzip, Limits::default(), &[&coded]).unwrap();
    assert_eq!(decode(Coding::Gzip, &out), b"[\"138****8000\"]");
}

#[test]
fn several_frames_are_one_body_and_a_window_that_is_too_wide_is_refused() {
    let mut coded = encode(Coding::Zstd, b"[\"1380013");
    coded.extend(encode(Coding::Zstd, b"8000\"]"));
    let (out, _) = redact_coded(Coding::Zstd, Limits::default(), &[&coded]).unwrap();
    assert_eq!(decode(Coding::Zstd, &out), b"[\"138****8000\"]");
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.write_all(&vec![b' '; 1 << 20]).unwrap();
    encoder.flush().unwrap();
    let wide = encoder.finish().unwrap();
    assert!(redact_coded(Coding::Zstd, Limits::default(), &[&wide]).is_err());
}

#[test]
fn an_empty_document_stays_empty_in_every_coding() {
    for coding in CODINGS {
        let (out, _) = redact_coded(coding, Limits::default(), &[&encode(coding, b"")]).unwrap();
        assert_eq!(decode(coding, &out), b"");
        let (out, summary) = redact_coded(coding, Limits::default(), &[]).unwrap();
        assert_eq!((out.len(), summary), (0, Summary::default()));
    }
}

#[test]
fn a_truncated_body_is_an_error_wherever_it_is_cut() {
    let plain = br#"{"m":"13800138000","e":"a@b.cn"}"#;
    for coding in [Coding::Gzip, Coding::Brotli, Coding::Deflate, Coding::Zstd] {
        let coded = encode(coding, plain);
        for cut in 1..coded.len() {
            let result = redact_coded(coding, Limits::default(), &[&coded[..cut]]);
            assert!(
                matches!(
                    result,
                    Err(BodyError::Truncated { .. } | BodyError::Corrupt { .. })
                ),
                "{coding:?} cut at {cut} of {}",
                coded.len()
            );
        }
    }
}

#[test]
fn a_corrupt_body_is_an_error_and_stays_one() {
    let coded = encode(Coding::Gzip, &document());
    let mut flipped = coded.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x55;
    let mut checksum = coded.clone();
    let end = checksum.len() - 6;
    checksum[end] ^= 1;
    let mut garbage = coded;
    garbage.extend_from_slice(b"13800138000");
    for body in [
        flipped,
        checksum,
        garbage,
        b"{\"m\":\"13800138000\"}".to_vec(),
    ] {
        assert!(redact_coded(Coding::Gzip, Limits::default(), &[&body]).is_err());
    }
    let mut garbage = encode(Coding::Brotli, b"{}");
    garbage.extend_from_slice(b"13800138000");
    assert!(redact_coded(Coding::Brotli, Limits::default(), &[&garbage]).is_err());

    let mut body = BodyRedactor::new(Level::L2, Media::Json, Coding::Gzip, Limits::default());
    let mut out = Vec::new();
    assert!(body.feed(b"not gzip at all", &mut out).is_err());
    assert!(matches!(body.feed(b"", &mut out), Err(BodyError::Failed)));
    assert!(matches!(body.finish(&mut out), Err(BodyError::Failed)));
}

#[test]
fn a_bomb_is_stopped_at_its_limit() {
    let zeros = vec![b' '; 64 << 20];
    for coding in [Coding::Gzip, Coding::Brotli, Coding::Deflate, Coding::Zstd] {
        let coded = encode(coding, &zeros);
        let by_ratio = redact_coded(coding, Limits::default(), &[&coded]);
        assert!(
            matches!(by_ratio, Err(BodyError::TooLarge { .. })),
            "{coding:?}"
        );
        let limits = Limits {
            max_inflated_ratio: u64::MAX,
            max_inflated_bytes: 1 << 20,
        };
        let by_size = redact_coded(coding, limits, &[&coded]);
        assert!(
            matches!(by_size, Err(BodyError::TooLarge { limit: 1_048_576 })),
            "{coding:?}"
        );
        let enough = Limits {
            max_inflated_ratio: u64::MAX,
            max_inflated_bytes: 64 << 20,
        };
        assert!(
            redact_coded(coding, enough, &[&coded]).is_ok(),
            "{coding:?}"
        );
    }
}

#[test]
fn what_live_media_have_decided_can_be_decoded_at_once() {
    let line = b"data: {\"m\":\"13800138000\"}\n\n";
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let mut body = BodyRedactor::new(
        Level::L2,
        Media::EventStream,
        Coding::Gzip,
        Limits::default(),
    );
    let mut all = Vec::new();
    for times in 1..5 {
        encoder.write_all(line).unwrap();
        encoder.flush().unwrap();
        let coded = std::mem::take(encoder.get_mut());
        body.feed(&coded, &mut all).unwrap();
        let mut decoder = DeflateDecoder::new(Vec::new());
        decoder.write_all(&all[10..]).unwrap();
        decoder.flush().unwrap();
        assert_eq!(
            decoder.get_ref().len(),
            times * "data: {\"m\":\"138****8000\"}\n\n".len()
        );
    }
}

#[test]
fn live_brotli_can_be_decoded_at_once() {
    let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 22);
    let mut body = BodyRedactor::new(Level::L2, Media::Ndjson, Coding::Brotli, Limits::default());
    let mut all = Vec::new();
    for times in 1..5 {
        encoder.write_all(b"{\"m\":13800138000}\n").unwrap();
        encoder.flush().unwrap();
        let coded = std::mem::take(encoder.get_mut());
        body.feed(&coded, &mut all).unwrap();
        let mut plain = vec![0; 1000];
        let mut decoder = brotli::Decompressor::new(&all[..], 4096);
        let mut read = 0;
        while let Ok(more) = decoder.read(&mut plain[read..]) {
            if more == 0 {
                break;
            }
            read += more;
        }
        assert_eq!(&plain[..read], "{\"m\":0}\n".repeat(times).as_bytes());
    }
}

#[test]
fn a_body_may_move_between_threads() {
    fn moves<T: Send>() {}
    moves::<BodyRedactor>();
}
