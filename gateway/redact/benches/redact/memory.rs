//! How much memory a stream takes: the most that a process had in memory while it streamed, less what it had before.

use std::hint::black_box;
use std::io;
use std::process::Command;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use hangu_redact::{
    BodyRedactor, Boundary, Charset, Coding, Content, Format, Level, Limits, Media, Rules,
    Unreadable,
};

use crate::peers::Coder;
use crate::{Body, CHUNK, bodies, in_charset};

/// Plain bytes that are streamed in each format.
const STREAMED: u64 = 2 << 30;

/// Bytes of records that are streamed again and again: little, because what the process frees it may use again unseen.
const RECORDS: usize = 256 << 10;

/// The argument that makes a process stream one format.
pub(crate) const CHILD: &str = "stream";

const BOUNDARY: &str = "4f1b";

/// Every format by its name, with its charset, its coding and its records.
const FORMATS: [(&str, Media, Charset, Coding, Body); 15] = {
    use Charset::{Gb18030, Utf8, Utf16Le};
    use Coding::{Brotli, Deflate, Gzip, Identity, Zstd};
    [
        ("json", Media::Json, Utf8, Identity, bodies::twelve),
        ("ndjson", Media::Ndjson, Utf8, Identity, bodies::log),
        ("text", Media::Text, Utf8, Identity, bodies::log),
        ("events", Media::EventStream, Utf8, Identity, bodies::log),
        ("form", Media::Form, Utf8, Identity, bodies::form),
        ("csv", Media::Csv, Utf8, Identity, bodies::table),
        ("tsv", Media::Tsv, Utf8, Identity, bodies::log),
        ("html", Media::Markup, Utf8, Identity, bodies::page),
        ("gb18030", Media::Json, Gb18030, Identity, bodies::twelve),
        ("utf-16", Media::Json, Utf16Le, Identity, bodies::twelve),
        ("gzip", Media::Json, Utf8, Gzip, bodies::twelve),
        ("deflate", Media::Json, Utf8, Deflate, bodies::twelve),
        ("br", Media::Json, Utf8, Brotli, bodies::twelve),
        ("zstd", Media::Json, Utf8, Zstd, bodies::twelve),
        ("multipart", Media::Json, Utf8, Identity, bodies::twelve),
    ]
};

/// Streams every format, each in a process of its own, so that none finds what another left.
pub(crate) fn all() {
    let Ok(own) = std::env::current_exe() else {
        return;
    };
    for (name, ..) in FORMATS {
        if let Ok(output) = Command::new(&own).args([CHILD, name]).output() {
            print!("{}", String::from_utf8_lossy(&output.stdout));
        }
    }
}

/// Streams one format and prints what that took.
pub(crate) fn stream(wanted: &str) {
    let format = FORMATS.into_iter().find(|(name, ..)| *name == wanted);
    let outcome = match format {
        Some((name, media, charset, coding, records)) => {
            let content = if name == "multipart" {
                Boundary::new(BOUNDARY).map(Content::Multipart)
            } else {
                Some(Content::Text(Format { media, charset }))
            };
            content.map(|content| measure(content, &in_charset(charset, &records(RECORDS)), coding))
        }
        None => None,
    };
    match outcome {
        Some(Ok((coded, most))) => println!(
            "memory        {wanted:10} {:6} MB plain, {:6} MB coded: {most:6} KiB at most",
            STREAMED / 1_000_000,
            coded / 1_000_000,
        ),
        Some(Err(error)) => println!("memory        {wanted:10} failed: {error}"),
        None => println!("memory        {wanted:10} is no format"),
    }
}

/// Streams records and returns how many coded bytes that were, and how many kibibytes it took.
fn measure(content: Content, records: &[u8], coding: Coding) -> io::Result<(u64, u64)> {
    let parts = matches!(content, Content::Multipart(_));
    let mut coder = coder(coding)?;
    if parts {
        coder.write_all(
            format!("--{BOUNDARY}\r\nContent-Type: application/json\r\n\r\n").as_bytes(),
        )?;
    }
    // What the coder needs, and room for the output, count before.
    coder.write_all(records)?;
    let rules = Rules::shipped();
    let mut out = vec![1_u8; 1 << 20];
    std::fs::write("/proc/self/clear_refs", "5")?;
    let before = resident("VmRSS:");
    let limits = Limits {
        max_inflated_bytes: u64::MAX,
        max_inflated_ratio: u64::MAX,
    };
    let level = Level::L2;
    let mut redactor = BodyRedactor::of(rules, level, content, coding, limits, Unreadable::Refuse);
    let (mut plain, mut coded) = (records.len() as u64, 0);
    while plain < STREAMED {
        for piece in records.chunks(CHUNK) {
            coder.write_all(piece)?;
            plain += piece.len() as u64;
            let ready = coder.output();
            for chunk in ready.chunks(CHUNK) {
                out.clear();
                let fed = redactor.feed(black_box(chunk), &mut out);
                fed.map_err(io::Error::other)?;
                black_box(&out);
            }
            coded += ready.len() as u64;
            ready.clear();
        }
    }
    Ok((coded, resident("VmHWM:").saturating_sub(before)))
}

fn coder(coding: Coding) -> io::Result<Box<dyn Coder>> {
    let fast = Compression::fast();
    Ok(match coding {
        Coding::Identity => Box::new(Vec::new()),
        Coding::Gzip => Box::new(GzEncoder::new(Vec::new(), fast)),
        Coding::Deflate => Box::new(ZlibEncoder::new(Vec::new(), fast)),
        Coding::Brotli => Box::new(brotli::CompressorWriter::new(Vec::new(), 1 << 16, 1, 20)),
        Coding::Zstd => Box::new(zstd::stream::write::Encoder::new(Vec::new(), 1)?),
    })
}

/// Kibibytes that Linux tells of this process.
fn resident(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let words = status.lines().find_map(|found| found.strip_prefix(line));
    words
        .and_then(|words| words.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
