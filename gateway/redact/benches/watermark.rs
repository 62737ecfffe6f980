//! How many rows of an export name its recipient: of a thousand who may have had a copy, and without a list.
//!
//! `cargo bench -p hangu-redact --bench watermark`: a table of 2,000 citizens at level L2, samples of its rows in any order,
//! 20 of each size. A wrong accusation is put up with in one document of a million.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

#[path = "accuracy/generator.rs"]
#[expect(dead_code, reason = "documents are made with it elsewhere")]
mod generator;

use std::sync::Arc;
use std::time::Instant;

use generator::{Random, value};
use hangu_redact::{
    BodyRedactor, Carriers, Coding, Content, Evidence, Kind, Level, Limits, Media, Recipient,
    Rules, Unreadable, Watermark, WatermarkKey,
};

const SAMPLES: u32 = 20;
const MOST: f64 = 1e-6;

/// What happens to a copy that gets out.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// Rows are taken as they are.
    Rows,
    /// A spreadsheet has saved them.
    Saved,
    /// And of their columns only two are left: mobile numbers and addresses.
    Columns,
    /// As many rows that were never marked are among them.
    Mixed,
}

fn main() {
    let secret = [9; 32];
    let Ok(key) = WatermarkKey::new(&secret).map(Arc::new) else {
        return;
    };
    let staff: Vec<Recipient> = (0..1000)
        .map(|at| Recipient::named(&key, &format!("u:{at}")))
        .collect();
    let Some(&holder) = staff.get(7) else { return };
    let plain = table(1);
    println!("named of 1,000 / read out / wrong, of {SAMPLES} samples");
    println!(
        "{:34} {:>14} {:>14} {:>14} {:>14} {:>14} {:>14}",
        "rows in the sample", 5, 10, 20, 30, 50, 100
    );
    let stars = Carriers {
        stars: true,
        spelling: false,
        invisible: false,
    };
    let all = Carriers {
        stars: true,
        spelling: true,
        invisible: true,
    };
    for (name, carriers, fate) in [
        ("stars and spelling", Carriers::default(), Fate::Rows),
        (
            "stars and spelling, half unmarked",
            Carriers::default(),
            Fate::Mixed,
        ),
        (
            "stars and spelling, saved anew",
            Carriers::default(),
            Fate::Saved,
        ),
        ("stars, two columns left", stars, Fate::Columns),
        ("all, saved anew", all, Fate::Saved),
        ("all, two columns left", all, Fate::Columns),
    ] {
        let Some(copy) = copy(&key, holder, carriers, &plain) else {
            return;
        };
        let other = table(2);
        print!("{name:34}");
        for rows in [5, 10, 20, 30, 50, 100] {
            let (mut named, mut read, mut wrong) = (0, 0, 0);
            for sample in 0..SAMPLES {
                let mut random = Random(u64::from(sample) + 1);
                let mut lines = pick(&copy, rows, &mut random);
                if fate == Fate::Mixed {
                    lines.extend(pick(&other, rows, &mut random));
                }
                let leaked: Vec<String> =
                    lines.into_iter().map(|line| turned(line, fate)).collect();
                let Some(votes) = votes(&key, &format!("x\n{}\n", leaked.join("\n"))) else {
                    return;
                };
                let accused = votes.accuse(&staff, MOST);
                let number = votes.read(MOST);
                named += u32::from(accused.iter().any(|found| found.recipient == holder));
                read += u32::from(number.is_some_and(|found| found.recipient == holder));
                let others = accused
                    .iter()
                    .chain(&number)
                    .filter(|found| found.recipient != holder);
                wrong += u32::from(others.count() > 0);
            }
            print!(" {:>14}", format!("{named}/{read}/{wrong}"));
        }
        println!();
    }
    innocent(&key, &staff);
    speed(&key, holder, &plain);
}

/// Documents that nobody was given: how often somebody is named where one in a hundred is put up with.
fn innocent(key: &Arc<WatermarkKey>, staff: &[Recipient]) {
    let mut wrong = 0;
    let documents = 1000;
    for seed in 0..documents {
        let guest = Recipient::named(key, &format!("guest {seed}"));
        let copy = copy(key, guest, Carriers::default(), &table(100 + seed));
        let votes = copy.and_then(|copy| votes(key, &copy.join("\n")));
        wrong += u32::from(votes.is_some_and(|votes| !votes.accuse(staff, 0.01).is_empty()));
    }
    println!(
        "copies of others, one accusation in 100 put up with: {wrong} of {documents} name somebody"
    );
}

fn speed(key: &Arc<WatermarkKey>, holder: Recipient, plain: &[String]) {
    let size: usize = plain.iter().map(|line| line.len() + 1).sum();
    let begun = Instant::now();
    let mut passes = 0;
    while begun.elapsed().as_secs() < 2 {
        if copy(key, holder, Carriers::default(), plain).is_none() {
            return;
        }
        passes += 1;
    }
    let rate = (passes * size) as f64 / begun.elapsed().as_secs_f64() / 1e6;
    println!("redacted and marked: {rate:.0} MB/s of wall time");
}

/// A table of citizens; the first line names the columns.
fn table(seed: u64) -> Vec<String> {
    let mut r = Random(seed);
    let mut lines = vec!["姓名,身份证号,手机号,邮箱,住址,事项,编号".to_owned()];
    let rows = if seed < 100 { 2000 } else { 39 };
    for at in 0..rows {
        let mut one = |kind| value(kind, &mut r);
        let cells = [
            one(Kind::Name),
            one(Kind::ResidentId),
            one(Kind::Mobile),
            one(Kind::Email),
            one(Kind::Address),
        ];
        lines.push(format!(
            "{},社保转移第{}号,{}",
            cells.join(","),
            r.below(3000),
            10_000 + 7 * at
        ));
    }
    lines
}

fn copy(
    key: &Arc<WatermarkKey>,
    recipient: Recipient,
    carriers: Carriers,
    lines: &[String],
) -> Option<Vec<String>> {
    let mark = Watermark {
        key: Arc::clone(key),
        recipient,
        carriers,
    };
    let redaction = Some((Rules::shipped(), Level::L2, Unreadable::Refuse));
    let content = Content::from(Media::Csv);
    let mut redactor = BodyRedactor::marked(
        redaction,
        mark,
        content,
        Coding::Identity,
        Limits::default(),
    )
    .ok()?;
    let mut out = Vec::new();
    redactor.feed(lines.join("\n").as_bytes(), &mut out).ok()?;
    redactor.finish(&mut out).ok()?;
    let text = String::from_utf8(out).ok()?;
    Some(text.lines().map(str::to_owned).collect())
}

fn votes(key: &Arc<WatermarkKey>, text: &str) -> Option<hangu_redact::Votes> {
    let content = Content::from(Media::Csv);
    let mut evidence = Evidence::new(Arc::clone(key), &content, Limits::default()).ok()?;
    evidence.feed(text.as_bytes()).ok()?;
    evidence.finish().ok()
}

/// Some of the lines behind the first, each once.
fn pick<'l>(lines: &'l [String], count: usize, random: &mut Random) -> Vec<&'l str> {
    let mut places: Vec<usize> = (1..lines.len()).collect();
    let mut picked = Vec::new();
    while picked.len() < count && !places.is_empty() {
        let at = usize::try_from(random.below(places.len() as u64)).unwrap_or(0);
        let place = places.swap_remove(at);
        picked.extend(lines.get(place).map(String::as_str));
    }
    picked
}

fn turned(line: &str, fate: Fate) -> String {
    let cells: Vec<&str> = line.split(',').map(|cell| cell.trim_matches('"')).collect();
    match fate {
        Fate::Rows | Fate::Mixed => line.to_owned(),
        Fate::Saved => cells.join(","),
        Fate::Columns => [cells.get(4), cells.get(2)]
            .into_iter()
            .flatten()
            .copied()
            .collect::<Vec<_>>()
            .join(","),
    }
}
