//! What the fuzzer found interesting once, and everything that ever broke a target, is put to the targets again.

#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use hangu_targets::TARGETS;

/// Bytes of all corpora together; chosen, so that they stay small enough to keep.
const KEPT: u64 = 2 << 20;

fn corpora() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus"))
}

fn entries(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let folder = folder.as_ref();
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    found.sort();
    found
}

#[test]
fn no_input_that_was_kept_breaks_its_target() {
    let mut broken = Vec::new();
    for (name, target) in TARGETS {
        let inputs = entries(corpora().join(name));
        assert!(!inputs.is_empty(), "`{name}` has no corpus");
        for input in inputs {
            let bytes = fs::read(&input).unwrap();
            if catch_unwind(|| target(&bytes)).is_err() {
                broken.push(input);
            }
        }
    }
    assert_eq!(broken, Vec::<PathBuf>::new());
}

#[test]
fn no_input_breaks_a_target_by_having_nothing_in_it() {
    for (_, target) in TARGETS {
        target(b"");
        target(b"0");
        target(b"\n");
        target(&[0xFF; 64]);
    }
}

#[test]
fn every_corpus_belongs_to_a_target_and_to_a_program_of_the_fuzzer() {
    let known: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let named = |paths: Vec<PathBuf>| -> BTreeSet<String> {
        let stem = |path: PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
        paths.into_iter().map(stem).collect()
    };
    assert_eq!(named(entries(corpora())), known);
    assert_eq!(named(entries(corpora().join("../src/bin"))), known);
}

#[test]
fn the_corpora_stay_small_enough_to_keep() {
    let files = entries(corpora()).into_iter().flat_map(entries);
    let bytes: u64 = files.map(|file| file.metadata().unwrap().len()).sum();
    assert!(bytes < KEPT, "{bytes} bytes are kept; minimise the corpora");
}
