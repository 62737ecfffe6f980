//! Writes a labelled set of requests for development: attacks from the lists of `shared/data` in every place of a
//! request and many disguises, and ordinary requests of our own, half of it to look at and half to leave alone.
//!
//! ```text
//! cargo run --release -p hangu-inspect --example devset -- write DATA OUT [--ordinary N] [--texts DIR]... [--seed N]
//! cargo run --release -p hangu-inspect --example devset -- hostile DATA OUT [--count N] [--seed N]
//! cargo run --release -p hangu-inspect --example devset -- chinese N
//! cargo run --release -p hangu-inspect --example devset -- ordinary N [--strict] [--texts DIR]... [--seed N]
//! cargo run --release -p hangu-inspect --example devset -- train DATA WEIGHTS [--ordinary N] [--texts DIR]...
//! cargo run --release -p hangu-inspect --example devset -- bench DIR [--strict] [--wrong]
//! cargo run --release -p hangu-inspect --example devset -- each DIR [--strict]
//! ```
//!
//! `write` makes `OUT/tune` and `OUT/holdout`. Texts and payloads belong to a half by a hash of their content, so
//! nothing in one half is seen in the other. `--texts` names folders with anybody's texts (documentation, source
//! code), from which pieces are posted as people post them. `each` says of every request how long it took at best of
//! three, in microseconds of the processor, and how it was judged, for comparing two versions.

#![expect(
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    clippy::useless_format,
    clippy::cast_possible_truncation,
    unreachable_pub,
    reason = "a tool of developers, fed by developers"
)]

use std::path::{Path, PathBuf};

mod attacks;
mod crs;
mod dice;
mod exploits;
mod mutate;
mod noise;
mod ordinary;
mod place;
mod rich;
mod texts;
mod train;
mod web;
mod wire;

use dice::{Dice, Half};

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| {
        arguments
            .iter()
            .position(|a| a == name)
            .and_then(|at| arguments.get(at + 1))
    };
    match arguments.first().map(String::as_str) {
        Some("write") => {
            let number = |name: &str, default: usize| {
                option(name).and_then(|n| n.parse().ok()).unwrap_or(default)
            };
            write(
                Path::new(&arguments[1]),
                Path::new(&arguments[2]),
                number("--ordinary", 20_000),
                number("--seed", 1) as u64,
                &texts(&arguments),
            )
        }
        Some("hostile") => {
            let number = |name: &str, default: usize| {
                option(name).and_then(|n| n.parse().ok()).unwrap_or(default)
            };
            hostile(
                Path::new(&arguments[1]),
                Path::new(&arguments[2]),
                number("--count", 1000),
                number("--seed", 1) as u64,
            )
        }
        Some("chinese") => {
            chinese(
                arguments
                    .get(1)
                    .and_then(|n| n.parse().ok())
                    .unwrap_or(100_000),
            );
            Ok(())
        }
        Some("ordinary") => {
            let count = arguments.get(1).and_then(|n| n.parse().ok());
            let seed = option("--seed").and_then(|n| n.parse().ok()).unwrap_or(1);
            ordinary_ones(
                count.unwrap_or(300_000),
                seed,
                &texts(&arguments),
                strictness(&arguments),
            );
            Ok(())
        }
        Some("train") => {
            let number = |name: &str, default: usize| {
                option(name).and_then(|n| n.parse().ok()).unwrap_or(default)
            };
            train::train(
                Path::new(&arguments[1]),
                Path::new(&arguments[2]),
                number("--ordinary", 60_000),
                number("--seed", 1) as u64,
                &texts(&arguments),
            )
        }
        Some("bench") => bench(&arguments),
        Some("each") => each(&arguments),
        _ => {
            println!(
                "devset write DATA OUT [--ordinary N] [--texts DIR]... [--seed N]\ndevset bench DIR [--strict] [--wrong]"
            );
            Ok(())
        }
    }
}

/// Lists the texts in the folders that `--texts` names.
fn texts(arguments: &[String]) -> Vec<PathBuf> {
    const KINDS: [&str; 20] = [
        "md", "rs", "txt", "py", "js", "html", "toml", "yml", "yaml", "json", "sh", "c", "h",
        "sql", "css", "xml", "pl", "conf", "csv", "ts",
    ];
    let mut files: Vec<PathBuf> = arguments
        .windows(2)
        .filter(|pair| pair[0] == "--texts")
        .flat_map(|pair| attacks::files(Path::new(&pair[1]), ""))
        .collect();
    files.retain(|file| {
        file.extension()
            .and_then(|e| e.to_str())
            .is_some_and(|e| KINDS.contains(&e))
    });
    files
}

fn strictness(arguments: &[String]) -> hangu_inspect::Sensitivity {
    if arguments.iter().any(|a| a == "--strict") {
        hangu_inspect::Sensitivity::Strict
    } else {
        hangu_inspect::Sensitivity::Default
    }
}

/// Judges ordinary requests of both halves as they are made, and counts by kind what is blocked and by which rules.
fn ordinary_ones(
    count: usize,
    seed: u64,
    files: &[PathBuf],
    sensitivity: hangu_inspect::Sensitivity,
) {
    let inspector = hangu_inspect::Inspector::new(hangu_inspect::Settings {
        sensitivity,
        ..Default::default()
    });
    let mut kinds: std::collections::BTreeMap<&str, [usize; 2]> = std::collections::BTreeMap::new();
    let data = std::env::var_os("HANGU_DATA")
        .map(PathBuf::from)
        .unwrap_or_default();
    for half in Half::BOTH {
        let mut writer = ordinary::Writer::new(
            half,
            attacks::ordinary_values(&data),
            files.to_vec(),
            seed.wrapping_mul(31) ^ half as u64,
        );
        for _ in 0..count / 2 {
            let (kind, bytes) = writer.request();
            let all = kinds.entry(kind).or_default();
            all[1] += 1;
            let Ok(request) = hangu_inspect::raw::parse(&bytes) else {
                println!("{kind}: no request: {}", bytes.escape_ascii());
                continue;
            };
            let (verdict, undecodable) = hangu_inspect::cli::judge(&inspector, &request);
            if verdict.blocks(hangu_inspect::inspector::THRESHOLD) || undecodable.is_some() {
                all[0] += 1;
                let seen: Vec<String> = verdict
                    .findings
                    .iter()
                    .filter(|finding| !finding.quoted)
                    .map(|f| format!("{} {:?} `{}`", f.rule, f.place, f.evidence))
                    .collect();
                println!(
                    "{}\t{kind}\t{undecodable:?}\t{}",
                    half.name(),
                    seen.join(" | ")
                );
            }
        }
    }
    let sum = kinds.values().map(|[blocked, _]| blocked).sum::<usize>();
    for (kind, [blocked, all]) in kinds {
        println!("{kind}: {blocked} of {all}");
    }
    println!(
        "{sum} of {count} blocked ({:.4} %)",
        sum as f64 * 100.0 / count as f64
    );
}

fn write(
    data: &Path,
    out: &Path,
    ordinary: usize,
    seed: u64,
    files: &[PathBuf],
) -> std::io::Result<()> {
    for half in Half::BOTH {
        let folder = out.join(half.name());
        std::fs::create_dir_all(&folder)?;
        let mut count = 0;
        let mut result = Ok(());
        attacks::requests(data, half, 1, &mut Dice::new(seed), |name, bytes| {
            count += 1;
            let file = folder.join(format!("{count:06}-{name}.attack"));
            result = std::mem::replace(&mut result, Ok(())).and(std::fs::write(file, bytes));
        });
        result?;
        let mut writer = ordinary::Writer::new(
            half,
            attacks::ordinary_values(data),
            files.to_vec(),
            seed ^ 0x5eed,
        );
        for number in 0..ordinary {
            let (kind, bytes) = writer.request();
            std::fs::write(folder.join(format!("{number:06}-{kind}.normal")), bytes)?;
        }
        println!(
            "{}: {count} attacks, {ordinary} ordinary requests",
            folder.display()
        );
    }
    Ok(())
}

/// Writes bodies of 64 KiB that are nothing but payloads, for the time that the worst of them take.
fn hostile(data: &Path, out: &Path, count: usize, seed: u64) -> std::io::Result<()> {
    std::fs::create_dir_all(out)?;
    let payloads = attacks::load(data);
    let mut dice = Dice::new(seed);
    for number in 0..count {
        let glue = dice.pick(&["", " ", "\n", "'", "<", ";", "a "]).to_owned();
        let few = dice.percent(50);
        let chosen: Vec<usize> = (0..8).map(|_| dice.roll(payloads.len())).collect();
        let mut body = b"a=".to_vec();
        while body.len() < 64 << 10 {
            let which = if few {
                *dice.one(&chosen)
            } else {
                dice.roll(payloads.len())
            };
            body.extend_from_slice(&payloads[which].text);
            body.extend_from_slice(glue.as_bytes());
        }
        body.truncate(64 << 10);
        let media = dice.pick(&[
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/json",
            "text/html",
        ]);
        let request = wire::Request::new("POST", "/a", &mut dice).with_body(media, body);
        std::fs::write(out.join(format!("{number:06}.attack")), request.bytes())?;
    }
    Ok(())
}

/// Judges ordinary Chinese forms, searches, articles and posts, in UTF-8 and GBK, and says how many are blocked.
fn chinese(count: usize) {
    let inspector = hangu_inspect::Inspector::new(hangu_inspect::Settings::default());
    let mut blocked = 0;
    for (number, half) in Half::BOTH.iter().cycle().take(2).enumerate() {
        let mut writer = ordinary::Writer::new(*half, Vec::new(), Vec::new(), number as u64 + 7);
        for _ in 0..count / 2 {
            let bytes = writer.chinese_request();
            let Ok(request) = hangu_inspect::raw::parse(&bytes) else {
                continue;
            };
            let (verdict, undecodable) = hangu_inspect::cli::judge(&inspector, &request);
            if verdict.blocks(hangu_inspect::inspector::THRESHOLD) || undecodable.is_some() {
                blocked += 1;
                println!("{}: {:?}", bytes.escape_ascii(), verdict.findings);
            }
        }
    }
    println!("{blocked} of {count} blocked");
}

/// Lists every request of a folder with its time, its score and what was found.
fn each(arguments: &[String]) -> std::io::Result<()> {
    let inspector = hangu_inspect::Inspector::new(hangu_inspect::Settings {
        sensitivity: strictness(arguments),
        ..Default::default()
    });
    for file in attacks::files(Path::new(&arguments[1]), "") {
        let Ok(request) = hangu_inspect::raw::parse(&std::fs::read(&file)?) else {
            println!("0\t{}\tno request", file.display());
            continue;
        };
        let mut least = std::time::Duration::MAX;
        let mut judged = None;
        for _ in 0..3 {
            let started = processor_time();
            judged = Some(hangu_inspect::cli::judge(&inspector, &request));
            least = least.min(processor_time().saturating_sub(started));
        }
        let Some((verdict, undecodable)) = judged else {
            continue;
        };
        let mut seen: Vec<String> = verdict
            .findings
            .iter()
            .map(|f| format!("{}{}", f.rule, if f.quoted { "?" } else { "" }))
            .collect();
        seen.sort();
        seen.dedup();
        println!(
            "{}\t{}\t{}\t{}\t{undecodable:?}\t{}",
            least.as_micros(),
            file.display(),
            verdict.blocks(hangu_inspect::inspector::THRESHOLD) || undecodable.is_some(),
            verdict.score,
            seen.join(" ")
        );
    }
    Ok(())
}

/// What this thread has taken of a processor so far.
fn processor_time() -> std::time::Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    std::time::Duration::try_from(time).unwrap_or_default()
}

fn bench(arguments: &[String]) -> std::io::Result<()> {
    use hangu_inspect::bench::{Labels, run};
    let inspector = hangu_inspect::Inspector::new(hangu_inspect::Settings {
        sensitivity: strictness(arguments),
        ..Default::default()
    });
    let wrong = arguments.iter().any(|a| a == "--wrong");
    let report = run(
        &inspector,
        hangu_inspect::inspector::THRESHOLD,
        Path::new(&arguments[1]),
        &Labels::default(),
        &mut |case| {
            if wrong {
                println!("{}", serde_json::to_string(case).unwrap_or_default());
            }
        },
    )?;
    println!("{}", report.in_english());
    Ok(())
}
