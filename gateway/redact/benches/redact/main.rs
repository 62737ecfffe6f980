//! Throughput of one thread over bodies of several kinds, in megabytes of input per second of processor time, beside
//! what others need for the same bodies, and the memory that a stream takes.
//!
//! `cargo bench -p hangu-redact --bench redact [BODY...]`; every figure is the mean over two seconds at level L2, bodies of
//! 32 MiB in chunks of 64 KiB. `peer` names what stands beside a body: twelve regular expressions in one automaton that
//! find, mask and copy it whole, or its codec alone. Figures with a content coding count plain bytes. `memory` streams 2 GiB
//! of each format through a process of its own.
//!
//! What limits the pass, in instructions (callgrind over 2 MiB of JSON; no counters are needed for it): a dense body takes 44
//! a byte, 31 % of them for clusters around `@` and `-`, which are walked three times to be cut out, read and decided, 14 %
//! for values that their field names, 11 % for the classes of 64 bytes, the rest for stops, names of members, words and
//! copying, none of which is a tenth. A clean body takes 10 a byte, 47 % of them for the classes, sixteen bytes at a time:
//! wider registers need code that is chosen at run time, which safe code cannot call.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

mod bodies;
mod clock;
mod memory;
mod peers;

use std::hint::black_box;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use hangu_redact::{BodyRedactor, Charset, Coding, Format, Level, Limits, Media, Rules};

use crate::clock::rate;

const SIZE: usize = 32 << 20;
const CHUNK: usize = 64 << 10;

/// Makes a body of about so many bytes.
type Body = fn(usize) -> Vec<u8>;

fn main() {
    let only: Vec<String> = std::env::args()
        .skip(1)
        .filter(|name| !name.starts_with('-'))
        .collect();
    if let [word, name] = only.as_slice()
        && word == memory::CHILD
    {
        return memory::stream(name);
    }
    let wanted = |name: &str| only.is_empty() || only.iter().any(|only| name.starts_with(only));
    let plain: [(&str, &[Media], Body); 10] = [
        ("dense", &[Media::Json, Media::Text], bodies::dense),
        ("twelve", &[Media::Json, Media::Text], bodies::twelve),
        ("sparse", &[Media::Json, Media::Text], bodies::sparse),
        ("clean", &[Media::Json, Media::Text], bodies::clean),
        ("escaped", &[Media::Json, Media::Text], bodies::escaped),
        ("pretty", &[Media::Json], bodies::pretty),
        ("form", &[Media::Form], bodies::form),
        ("table", &[Media::Csv], bodies::table),
        ("page", &[Media::Markup], bodies::page),
        ("log", &[Media::Text], bodies::log),
    ];
    for (name, medias, body) in plain.into_iter().filter(|(name, ..)| wanted(name)) {
        let body = body(SIZE);
        let mut ours = 0.0;
        for &media in medias.iter().rev() {
            ours = run(name, media.into(), Coding::Identity, &body);
        }
        if matches!(name, "dense" | "twelve" | "clean") {
            peers::automaton(name, &body, ours);
        }
    }
    for (name, piece) in HOSTILE {
        if wanted("hostile") || wanted(name) {
            let body = piece.repeat((8 << 20) / piece.len());
            run(name, Media::Json.into(), Coding::Identity, body.as_bytes());
        }
    }
    for charset in [Charset::Gb18030, Charset::Big5, Charset::Utf16Le] {
        if wanted("charset") {
            let media = Media::Json;
            let format = Format { media, charset };
            for (name, body) in [
                ("charset", bodies::dense(SIZE)),
                ("charset-clean", bodies::clean(SIZE)),
            ] {
                run(name, format, Coding::Identity, &in_charset(charset, &body));
            }
        }
    }
    for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd] {
        if wanted("coding") {
            for (name, body) in [
                ("coding", bodies::twelve(SIZE)),
                ("coding-clean", bodies::clean(SIZE)),
            ] {
                let coded = encode(coding, &body);
                let ours = run(name, Media::Json.into(), coding, &body);
                peers::codec(name, coding, &coded, body.len(), ours);
            }
        }
    }
    if wanted("memory") {
        memory::all();
    }
}

/// Bodies that stop the pass as often as it can be stopped, or make a decision as long as it can be.
const HOSTILE: [(&str, &str); 10] = [
    ("signs", "a@"),
    (
        "labels",
        "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.@x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-",
    ),
    (
        "words",
        "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.@ ",
    ),
    ("groups", "4111 "),
    ("escapes", "\\u0031"),
    ("letters", "a"),
    ("colons", ":"),
    ("keys", "\"name\":"),
    ("numbers", "\"E12345\","),
    ("dots", "1.2.3."),
];

fn run(name: &str, format: Format, coding: Coding, plain: &[u8]) -> f64 {
    let level = Level::L2;
    let body = encode(coding, plain);
    let mut masked = 0;
    let mut out = Vec::with_capacity(2 * CHUNK);
    let rate = rate(plain.len(), || {
        let mut redactor =
            BodyRedactor::with(Rules::shipped(), level, format, coding, Limits::default());
        for chunk in body.chunks(CHUNK) {
            out.clear();
            if redactor.feed(black_box(chunk), &mut out).is_err() {
                return;
            }
            black_box(&out);
        }
        out.clear();
        masked = redactor
            .finish(&mut out)
            .map_or(0, |summary| summary.masked.total());
    });
    let per_value = plain.len() as u64 / masked.max(1);
    let coding = coding.as_str();
    println!(
        "{name:13} {:8} {:8} {coding:8} {rate:8.0} MB/s  {masked:8} masked, one in {per_value} bytes",
        format!("{:?}", format.media),
        format!("{:?}", format.charset),
    );
    rate
}

fn encode(coding: Coding, plain: &[u8]) -> Vec<u8> {
    let mut coded = Vec::new();
    let written = match coding {
        Coding::Identity => coded.write_all(plain),
        Coding::Gzip => GzEncoder::new(&mut coded, Compression::new(6)).write_all(plain),
        Coding::Brotli => {
            brotli::CompressorWriter::new(&mut coded, 1 << 16, 4, 20).write_all(plain)
        }
        Coding::Deflate => ZlibEncoder::new(&mut coded, Compression::new(6)).write_all(plain),
        Coding::Zstd => return zstd::encode_all(plain, 3).unwrap_or_default(),
    };
    if written.is_err() { Vec::new() } else { coded }
}

fn in_charset(charset: Charset, text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    match charset {
        Charset::Utf8 => text.into_owned().into_bytes(),
        Charset::Gb18030 => encoding_rs::GB18030.encode(&text).0.into_owned(),
        // What is not in Big5 is left out.
        Charset::Big5 => {
            let known = |ch: &char| !encoding_rs::BIG5.encode(ch.encode_utf8(&mut [0; 4])).2;
            let text: String = text.chars().filter(known).collect();
            encoding_rs::BIG5.encode(&text).0.into_owned()
        }
        Charset::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Charset::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    }
}
