//! Trains the linear model on the half of the set that may be looked at, and shows on the other half what it is worth.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use hangu_inspect::{Head, Inspector, Settings, model, raw};

use super::attacks;
use super::dice::{Dice, Half};
use super::ordinary::Writer;

/// One value: what the model sees of it, and whether it is part of an attack.
struct Example {
    slots: Vec<u32>,
    attack: bool,
    text: Vec<u8>,
}

/// Passes over the examples, the first step and the pull of every weight towards zero. Chosen on the half to look at.
const PASSES: usize = 8;
const STEP: f32 = 0.35;
const DECAY: f32 = 2e-6;
/// An ordinary value counts as much as this many attacks: calling it one is the worse mistake.
const ORDINARY: f32 = 2.0;

/// Writes the weights to `out` and prints detection and false positives of the model alone.
pub fn train(
    data: &Path,
    out: &Path,
    count: usize,
    seed: u64,
    files: &[PathBuf],
) -> std::io::Result<()> {
    let mut dice = Dice::new(seed);
    let tune = examples(Half::Tune, data, count, seed, files);
    let held = examples(Half::HoldOut, data, count / 4, seed ^ 0xfeed, files);
    let mut weights = vec![0_f32; model::SLOTS];
    let mut order: Vec<usize> = (0..tune.len()).collect();
    for pass in 0..PASSES {
        for i in (1..order.len()).rev() {
            order.swap(i, dice.roll(i + 1));
        }
        let step = STEP / (1.0 + pass as f32);
        for &i in &order {
            let example = &tune[i];
            let scale = 1.0 / (example.slots.len().max(1) as f32).sqrt();
            let sum: f32 = example.slots.iter().map(|s| weights[*s as usize]).sum();
            let odds = 1.0 / (1.0 + (-sum * scale).exp());
            let error = if example.attack {
                1.0 - odds
            } else {
                -odds * ORDINARY
            };
            for slot in &example.slots {
                let weight = &mut weights[*slot as usize];
                *weight += step * error * scale - step * DECAY * *weight;
            }
        }
    }
    let packed: Vec<u8> = weights
        .iter()
        .map(|weight| ((weight * 8.0).round().clamp(-127.0, 127.0) as i8) as u8)
        .collect();
    std::fs::write(out, &packed)?;
    for (name, set) in [("tune", &tune), ("holdout", &held)] {
        report(name, set, &packed);
    }
    Ok(())
}

fn report(name: &str, set: &[Example], packed: &[u8]) {
    let score = |example: &Example| {
        let sum: i32 = example
            .slots
            .iter()
            .map(|s| i32::from(packed[*s as usize] as i8))
            .sum();
        sum as f32 / 8.0 / (example.slots.len().max(1) as f32).sqrt()
    };
    let mut ordinary: Vec<(f32, &Example)> = set
        .iter()
        .filter(|e| !e.attack)
        .map(|e| (score(e), e))
        .collect();
    let attacks: Vec<f32> = set.iter().filter(|e| e.attack).map(score).collect();
    ordinary.sort_by(|a, b| b.0.total_cmp(&a.0));
    println!(
        "{name}: {} attacks, {} ordinary values",
        attacks.len(),
        ordinary.len()
    );
    for share in [0.0001, 0.001, 0.005, 0.01, 0.05] {
        let at = (ordinary.len() as f64 * share) as usize;
        let limit = ordinary.get(at).map_or(0.0, |o| o.0);
        let found = attacks.iter().filter(|s| **s > limit).count();
        println!(
            "  {:.2} % of ordinary values: over {limit:.2}, {:.2} % of attacks",
            share * 100.0,
            found as f64 * 100.0 / attacks.len().max(1) as f64
        );
    }
    let mut sorted = attacks;
    sorted.sort_by(f32::total_cmp);
    for share in [0.001, 0.005, 0.01, 0.02, 0.05] {
        let limit = sorted[(sorted.len() as f64 * share) as usize];
        let below = ordinary.iter().filter(|o| o.0 < limit).count();
        println!(
            "  {:.1} % of attacks below {limit:.2}, where {:.2} % of ordinary values are",
            share * 100.0,
            below as f64 * 100.0 / ordinary.len().max(1) as f64
        );
    }
    if name == "tune" {
        for (score, example) in ordinary.iter().take(25) {
            println!(
                "    {score:.2} {}",
                example
                    .text
                    .get(..example.text.len().min(150))
                    .unwrap_or_default()
                    .escape_ascii()
            );
        }
    }
}

fn examples(half: Half, data: &Path, count: usize, seed: u64, files: &[PathBuf]) -> Vec<Example> {
    let inspector = Inspector::new(Settings::default());
    let mut all = Vec::new();
    let mut known = HashSet::new();
    let mut writer = Writer::new(half, attacks::ordinary_values(data), files.to_vec(), seed);
    for _ in 0..count {
        let (_, bytes) = writer.request();
        for value in values(&inspector, &bytes) {
            if known.insert(value.clone()) {
                all.push(example(value, false));
            }
        }
    }
    // What stands around the attack in its request is ordinary, and so is what many requests have.
    let mut often: HashMap<Vec<u8>, u32> = HashMap::new();
    attacks::requests(data, half, 1, &mut Dice::new(seed), |_, bytes| {
        for value in values(&inspector, bytes) {
            *often.entry(value).or_default() += 1;
        }
    });
    let mut mine = HashSet::new();
    attacks::requests(data, half, 3, &mut Dice::new(seed), |_, bytes| {
        for value in values(&inspector, bytes) {
            let frame = value.len() > 40
                && (value.starts_with(b"Mozilla/") && !value.ends_with(b")")
                    || value.starts_with(b"text/"))
                || often.get(&value).is_some_and(|count| *count > 12)
                || value.starts_with(b"multipart/")
                || value.starts_with(b"application/")
                || value.starts_with(b"gzip")
                || value.starts_with(b"https://www.example.com");
            if !frame && value.len() > 3 && !known.contains(&value) && mine.insert(value.clone()) {
                all.push(example(value, true));
            }
        }
    });
    all
}

fn example(value: Vec<u8>, attack: bool) -> Example {
    let mut slots = Vec::new();
    model::slots(&value, |slot| slots.push(slot as u32));
    Example {
        slots,
        attack,
        text: value,
    }
}

fn values(inspector: &Inspector, bytes: &[u8]) -> Vec<Vec<u8>> {
    let Ok(request) = raw::parse(bytes) else {
        return Vec::new();
    };
    let mut all = inspector.values(&Head {
        method: &request.method,
        target_path: &request.path,
        query: request.query.as_deref(),
        headers: &request.header_slices(),
    });
    let body = inspector.body_values(
        request.header("content-type"),
        request.header("content-encoding"),
        &request.body,
    );
    all.extend(body.unwrap_or_default());
    all
}
