//! How much of every kind is found, how much is found wrongly, and how many bytes are left, on generated documents; beside
//! it the patterns that gateways usually ship, run by `regex-automata` (as the `regex` crate), and, where its results are
//! given, Presidio.
//!
//! `cargo bench -p hangu-redact --bench accuracy [-- --dump FILE] [-- --beside FILE]`; `make bench` runs all three. Documents
//! are redacted at level L4, where nothing stays of a value, so that whatever is left of it leaked. Exit status 1 where a bar
//! is missed.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench prints what it measured"
)]

mod generator;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::process::ExitCode;

use generator::{Case, NAMES, cases, planted_of};
use hangu_redact::{Kind, Level, Media, Redactor};
use regex::Regex;

/// Documents of each kind: a miss in a thousand shows.
const EACH: usize = 2000;

/// Bytes of a value that may stand in a text by accident: fewer together are not counted as left.
const ACCIDENT: usize = 5;

/// What one engine did.
#[derive(Default)]
struct Tally {
    found: BTreeMap<Kind, u64>,
    /// Found where there is none.
    wrong: BTreeMap<Kind, u64>,
    /// Bytes of values that are left.
    leaked: BTreeMap<Kind, u64>,
    missed: BTreeMap<Kind, Vec<String>>,
    mistaken: BTreeMap<Kind, Vec<String>>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let cases = cases(EACH);
    if let Some(path) = option("--dump") {
        return dump(&cases, &path).map_or(ExitCode::from(2), |()| ExitCode::SUCCESS);
    }
    let (ours, patterns) = (hangu(&cases), patterns(&cases));
    let beside = option("--beside")
        .map(|path| beside(&path))
        .unwrap_or_default();
    let planted = planted_of(&cases);
    println!(
        "{} documents, {EACH} with one value of each kind, the rest with none; level L4",
        cases.len()
    );
    println!(
        "{:18} {:>9} {:>9} {:>8} {:>5}   {:>9} {:>9}   {:>9} {:>9}",
        "", "hangu", "", "leaked", "", "regex", "", "presidio", ""
    );
    println!(
        "{:18} {:>9} {:>9} {:>8} {:>5}   {:>9} {:>9}   {:>9} {:>9}",
        "kind", "recall", "precision", "bytes", "bar", "recall", "precision", "recall", "precision"
    );
    let mut good = true;
    for name in &NAMES {
        let kind = name.kind;
        let all = planted.get(&kind).copied().unwrap_or(0);
        let (recall, precision) = ours.rates(kind, all);
        let bar = bar(kind);
        let met = recall >= bar.0 && precision >= bar.1;
        good &= met;
        let other = |tally: &Tally| {
            if tally.found.contains_key(&kind) || tally.wrong.contains_key(&kind) {
                let (recall, precision) = tally.rates(kind, all);
                format!("{:9.3} {:9.3}", 100.0 * recall, 100.0 * precision)
            } else {
                format!("{:>9} {:>9}", "-", "-")
            }
        };
        println!(
            "{:18} {:9.3} {:9.3} {:8} {:>5}   {}   {}",
            kind.as_str(),
            100.0 * recall,
            100.0 * precision,
            ours.leaked.get(&kind).copied().unwrap_or(0),
            if met { "met" } else { "MISS" },
            other(&patterns),
            other(&beside),
        );
        let show = |what: &str, texts: Option<&Vec<String>>| {
            for text in texts.into_iter().flatten().take(if met { 0 } else { 3 }) {
                eprintln!("  {what} {}", text.trim_end());
            }
        };
        show("missed:", ours.missed.get(&kind));
        show("wrong:", ours.mistaken.get(&kind));
    }
    ExitCode::from(u8::from(!good))
}

/// The least recall and precision of a kind: those with a check sum, addresses of machines and telephones, what needs a
/// label.
fn bar(kind: Kind) -> (f64, f64) {
    match kind {
        Kind::ResidentId | Kind::BankCard | Kind::CreditCode | Kind::Iban | Kind::Mrz => {
            (0.999, 0.999)
        }
        Kind::Mobile | Kind::Email | Kind::Ip | Kind::Mac => (0.995, 0.995),
        Kind::Name => (0.97, 0.97),
        Kind::Passport
        | Kind::Permit
        | Kind::MilitaryId
        | Kind::Landline
        | Kind::OrganisationCode
        | Kind::TaxNumber
        | Kind::Plate
        | Kind::Vin
        | Kind::Address
        | Kind::Coordinates
        | Kind::BirthDate
        | Kind::Age
        | Kind::Wechat
        | Kind::Qq
        | Kind::SocialSecurity
        | Kind::HousingFund
        | Kind::MedicalRecord
        | Kind::Ssn
        | Kind::Imei
        | Kind::Secret
        | Kind::Custom => (0.95, 0.95),
    }
}

impl Tally {
    /// Recall, and the share of what was found that is right.
    fn rates(&self, kind: Kind, all: usize) -> (f64, f64) {
        let count = |counts: &BTreeMap<Kind, u64>| counts.get(&kind).copied().unwrap_or(0) as f64;
        let (found, wrong) = (count(&self.found), count(&self.wrong));
        let precision = if found + wrong > 0.0 {
            found / (found + wrong)
        } else {
            1.0
        };
        (found / all.max(1) as f64, precision)
    }
}

fn hangu(cases: &[Case]) -> Tally {
    let mut tally = Tally::default();
    for case in cases {
        let mut redactor = Redactor::new(Level::L4, case.media);
        let mut out = Vec::with_capacity(case.text.len());
        redactor.feed(case.text.as_bytes(), &mut out);
        let counts = redactor.finish(&mut out).counts;
        let out = String::from_utf8_lossy(&out);
        let left = left(case, &out);
        if let Some(kind) = case.kind {
            if left == 0 {
                *tally.found.entry(kind).or_default() += 1;
            } else {
                tally
                    .missed
                    .entry(kind)
                    .or_default()
                    .push(case.text.clone());
            }
            *tally.leaked.entry(kind).or_default() += left as u64;
        }
        // A value that is found as one of another kind is no mistake about the document.
        let mut spare = u64::from(case.kind.is_some() && left == 0);
        let own = case.kind.map_or(0, |kind| counts.get(kind));
        let others = Kind::ALL.iter().filter(|&&kind| Some(kind) != case.kind);
        let mut wrong = |kind: Kind, count: u64| {
            if count > 0 {
                *tally.wrong.entry(kind).or_default() += count;
                tally
                    .mistaken
                    .entry(kind)
                    .or_default()
                    .push(case.text.clone());
            }
        };
        if let Some(kind) = case.kind {
            wrong(kind, own.saturating_sub(spare));
            spare = spare.saturating_sub(own);
        }
        for &kind in others {
            let count = counts.get(kind);
            wrong(kind, count.saturating_sub(spare));
            spare = spare.saturating_sub(count);
        }
    }
    tally
}

/// Bytes of the value that stand in what came out and did not stand beside it before.
fn left(case: &Case, out: &str) -> usize {
    if case.value.is_empty() {
        return 0;
    }
    let beside = case.text.replacen(&case.value, "", 1);
    if case.value.len() < ACCIDENT || beside.contains(&case.value) {
        // A short one counts by how often it stands there.
        let count = |text: &str| text.matches(&case.value).count();
        return if count(out) >= count(&case.text) {
            case.value.len()
        } else {
            0
        };
    }
    let letters: Vec<(usize, char)> = case.value.char_indices().collect();
    let mut most = 0;
    for (from, &(begin, _)) in letters.iter().enumerate() {
        for &(end, ch) in letters.iter().skip(from) {
            let piece = case
                .value
                .get(begin..end + ch.len_utf8())
                .unwrap_or_default();
            if !out.contains(piece) {
                break;
            }
            if piece.len() >= ACCIDENT && piece.len() > most && !beside.contains(piece) {
                most = piece.len();
            }
        }
    }
    most
}

/// What gateways usually ship: an expression for each kind, and no check.
fn patterns(cases: &[Case]) -> Tally {
    let patterns: Vec<(Kind, Regex)> = [
        (
            Kind::ResidentId,
            r"\b[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]\b",
        ),
        (Kind::Mobile, r"\b1[3-9]\d{9}\b"),
        (Kind::BankCard, r"\b(?:62\d{14,17}|4\d{15}|5[1-5]\d{14})\b"),
        (
            Kind::CreditCode,
            r"\b[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}\b",
        ),
        (
            Kind::Email,
            r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}",
        ),
        (Kind::Passport, r"\b[EG]\w?\d{7,8}\b"),
        (Kind::Landline, r"\b0\d{2,3}-\d{7,8}\b"),
        (
            Kind::Plate,
            r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][A-Z0-9]{5,6}",
        ),
        (Kind::Ip, r"\b(?:\d{1,3}\.){3}\d{1,3}\b"),
        (Kind::Mac, r"\b(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\b"),
        (Kind::Ssn, r"\b\d{3}-\d{2}-\d{4}\b"),
        (Kind::Iban, r"\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b"),
    ]
    .into_iter()
    .filter_map(|(kind, pattern)| Some((kind, Regex::new(pattern).ok()?)))
    .collect();
    let mut tally = Tally::default();
    for case in cases {
        for (kind, pattern) in &patterns {
            tally.found.entry(*kind).or_default();
            let mut right = false;
            for found in pattern.find_iter(&case.text) {
                let inside =
                    found.as_str().contains(&case.value) || case.value.contains(found.as_str());
                if case.kind == Some(*kind) && inside && found.len() >= case.value.len() {
                    right = true;
                } else if case.kind.is_none() || !inside {
                    *tally.wrong.entry(*kind).or_default() += 1;
                }
            }
            if right {
                *tally.found.entry(*kind).or_default() += 1;
            }
        }
    }
    tally
}

/// Results of another engine: `kind found wrong` a line.
fn beside(path: &str) -> Tally {
    let mut tally = Tally::default();
    let text = fs::read_to_string(path).unwrap_or_else(|error| {
        eprintln!("`{path}` cannot be read: {error}");
        String::new()
    });
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [kind, found, wrong] = words.as_slice()
            && let (Ok(kind), Ok(found), Ok(wrong)) =
                (kind.parse::<Kind>(), found.parse(), wrong.parse())
        {
            tally.found.insert(kind, found);
            tally.wrong.insert(kind, wrong);
        }
    }
    tally
}

/// Writes the documents, one JSON object a line.
fn dump(cases: &[Case], path: &str) -> Option<()> {
    let told = |error: &std::io::Error| eprintln!("`{path}` cannot be written: {error}");
    let mut file = std::io::BufWriter::new(fs::File::create(path).inspect_err(told).ok()?);
    for case in cases {
        let media = match case.media {
            Media::Json => "json",
            Media::Csv => "csv",
            Media::Markup => "markup",
            Media::Form => "form",
            Media::Text | Media::Ndjson | Media::EventStream | Media::Tsv => "text",
        };
        let line = serde_json::json!({
            "kind": case.kind.map(Kind::as_str),
            "media": media,
            "text": case.text,
            "value": case.value,
        });
        writeln!(file, "{line}").inspect_err(told).ok()?;
    }
    file.flush().inspect_err(told).ok()
}
