//! What others need for the same bodies.

use std::hint::black_box;
use std::io;

use flate2::Compression;
use flate2::write::{GzEncoder, MultiGzDecoder, ZlibDecoder, ZlibEncoder};
use hangu_redact::Coding;
use regex_automata::meta::Regex;

use crate::CHUNK;
use crate::clock::rate;

/// The shapes of twelve kinds, without check digits.
const SHAPES: [&str; 12] = [
    r"\b[1-9][0-9]{5}(?:19|20)[0-9]{2}[01][0-9][0-3][0-9][0-9]{3}[0-9Xx]\b",
    r"\b1[3-9][0-9]{9}\b|\b1[3-9][0-9]-[0-9]{4}-[0-9]{4}\b",
    r"\b[3-6][0-9]{12,18}\b",
    r"\b[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}\b",
    r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,253}\.[A-Za-z]{2,24}",
    r"\b[EGHK][A-Z]?[0-9]{7,8}\b",
    r"\b0[0-9]{2,3}-[2-9][0-9]{6,7}\b",
    r"(?u:[京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新])[A-Z][A-HJ-NP-Z0-9]{5,6}",
    r"\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b",
    r"(?:19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]",
    r#""(?:姓名|联系人)":"[^"]{2,12}""#,
    r#""(?:住址|地址)":"[^"]{8,120}""#,
];

/// Finds twelve shapes with `regex-automata`, writes stars for all but their ends, and copies the rest.
pub(crate) fn automaton(name: &str, body: &[u8], ours: f64) {
    // Letters and digits of words are ASCII's, as in the scanner.
    let syntax = regex_automata::util::syntax::Config::new()
        .unicode(false)
        .utf8(false);
    let built = Regex::builder().syntax(syntax).build_many(&SHAPES);
    let regex = match built {
        Ok(regex) => regex,
        Err(error) => {
            println!("{name:13} peer     regex-automata    {error}");
            return;
        }
    };
    let mut found = 0_usize;
    let mut out = Vec::with_capacity(body.len() + CHUNK);
    let theirs = rate(body.len(), || {
        out.clear();
        found = 0;
        let mut done = 0;
        for hit in regex.find_iter(black_box(body)) {
            let (from, to) = (hit.start() + 3.min(hit.len()), hit.end());
            let to = to.saturating_sub(4).max(from);
            out.extend_from_slice(body.get(done..from).unwrap_or_default());
            out.resize(out.len() + (to - from), b'*');
            done = to;
            found += 1;
        }
        out.extend_from_slice(body.get(done..).unwrap_or_default());
        black_box(&out);
    });
    println!(
        "{name:13} peer     regex-automata    {theirs:8.0} MB/s  {found:8} found; ours is {:.2} times that",
        ours / theirs
    );
}

/// Undoes a coding and does it again as the engine does, and nothing between.
pub(crate) fn codec(name: &str, coding: Coding, coded: &[u8], plain: usize, ours: f64) {
    let theirs = rate(plain, || {
        let passed = match coding {
            Coding::Identity => None,
            Coding::Gzip => {
                let encoder = GzEncoder::new(Vec::new(), Compression::fast());
                let mut decoder = MultiGzDecoder::new(Drained(encoder));
                through(&mut decoder, coded)
            }
            Coding::Deflate => {
                let encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
                let mut decoder = ZlibDecoder::new(Drained(encoder));
                through(&mut decoder, coded)
            }
            Coding::Brotli => {
                let encoder = brotli::CompressorWriter::new(Vec::new(), 16 << 10, 4, 20);
                let mut decoder = brotli::DecompressorWriter::new(Drained(encoder), 16 << 10);
                through(&mut decoder, coded)
            }
            Coding::Zstd => zstd::stream::write::Encoder::new(Vec::new(), 1)
                .and_then(|mut encoder| {
                    encoder.window_log(20)?;
                    zstd::stream::write::Decoder::new(Drained(encoder))
                })
                .ok()
                .and_then(|mut decoder| through(&mut decoder, coded)),
        };
        black_box(passed);
    });
    println!(
        "{name:13} peer     {:17} {theirs:8.0} MB/s  codec alone; ours is {:.0} % of that",
        coding.as_str(),
        100.0 * ours / theirs
    );
}

fn through(decoder: &mut impl io::Write, coded: &[u8]) -> Option<()> {
    for chunk in coded.chunks(CHUNK) {
        decoder.write_all(black_box(chunk)).ok()?;
        decoder.flush().ok()?;
    }
    Some(())
}

/// An encoder whose output goes nowhere.
struct Drained<E>(E);

/// An encoder into memory.
pub(crate) trait Coder: io::Write {
    /// What it has written.
    fn output(&mut self) -> &mut Vec<u8>;
}

impl Coder for Vec<u8> {
    fn output(&mut self) -> &mut Vec<u8> {
        self
    }
}

impl Coder for GzEncoder<Vec<u8>> {
    fn output(&mut self) -> &mut Vec<u8> {
        self.get_mut()
    }
}

impl Coder for ZlibEncoder<Vec<u8>> {
    fn output(&mut self) -> &mut Vec<u8> {
        self.get_mut()
    }
}

impl Coder for brotli::CompressorWriter<Vec<u8>> {
    fn output(&mut self) -> &mut Vec<u8> {
        self.get_mut()
    }
}

impl Coder for zstd::stream::write::Encoder<'static, Vec<u8>> {
    fn output(&mut self) -> &mut Vec<u8> {
        self.get_mut()
    }
}

impl<E: Coder> io::Write for Drained<E> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(bytes)?;
        self.0.output().clear();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
