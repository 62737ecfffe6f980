//! Whoever changes the directory without the key is found.

use std::fs;

use hangu_audit::{Checkpoint, Durability, Kind, OpenError};

use crate::fixture::{Fixture, frames, is_record, name, reseal, send};

/// Three segments, closed cleanly: everything in them is signed.
fn small_log() -> Fixture {
    let fixture = signed_log(8);
    assert_eq!(fixture.segments().len(), 3);
    fixture
}

fn signed_log(records: u64) -> Fixture {
    let mut fixture = Fixture::without_checkpoints();
    fixture.options.segment_bytes = 640;
    fixture.record(usize::try_from(records).unwrap());
    let report = fixture.verify();
    assert!(report.ok, "{report}");
    assert_eq!(
        (
            report.records,
            report.signed_records,
            report.unsigned_records
        ),
        (records, records, 0)
    );
    fixture
}

#[test]
fn every_flipped_bit_is_found_or_changes_nothing() {
    let fixture = signed_log(5);
    assert_eq!(fixture.segments().len(), 2);
    let before = hangu_audit::read(fixture.dir(), 0, 100).unwrap();
    for path in fixture.files() {
        let sound = fs::read(&path).unwrap();
        let mut bytes = sound.clone();
        for bit in 0..sound.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &bytes).unwrap();
            let report = fixture.verify();
            if name(&path) == "tree" {
                // Derived: no record depends on it, and no wrong receipt comes from it.
                assert!(report.ok);
                assert_eq!(hangu_audit::read(fixture.dir(), 0, 100).unwrap(), before);
                if let Ok(proof) = hangu_audit::prove(fixture.dir(), 3, &fixture.public()) {
                    hangu_audit::verify_proof(&proof, &before[3].event, &fixture.public()).unwrap();
                }
            } else {
                assert!(
                    !report.ok,
                    "bit {bit} of {} was flipped and not found",
                    path.display()
                );
            }
            bytes[bit / 8] = sound[bit / 8];
        }
        fs::write(&path, &sound).unwrap();
    }
    assert!(fixture.verify().ok);
}

#[test]
fn a_signed_log_cut_at_any_byte_is_found_and_not_opened() {
    let fixture = small_log();
    for path in fixture.segments() {
        let sound = fs::read(&path).unwrap();
        for end in 0..sound.len() {
            fs::write(&path, &sound[..end]).unwrap();
            assert!(!fixture.verify().ok, "{} cut at {end}", path.display());
            if Some(&path) == fixture.segments().last() {
                assert!(
                    matches!(fixture.try_open(), Err(OpenError::Damaged { .. })),
                    "opened when cut at {end}"
                );
                assert_eq!(
                    fs::metadata(&path).unwrap().len(),
                    end as u64,
                    "changed when cut at {end}"
                );
            }
        }
        fs::write(&path, &sound).unwrap();
    }
    let segments = fixture.segments();
    for file in fixture.files() {
        if name(&file) == "tree" || name(&file) == "lock" {
            continue;
        }
        let sound = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        assert!(!fixture.verify().ok, "{} removed", file.display());
        // Opening a log reads its end; what is missing further back is for a verification to find.
        if !segments.contains(&file) || Some(&file) == segments.last() {
            assert!(
                fixture.try_open().is_err(),
                "opened without {}",
                file.display()
            );
        }
        fs::write(&file, sound).unwrap();
    }
}

/// Rewrites the records of the middle segment with right checksums and indices, and looks for a finding of a kind.
fn rewritten(change: impl Fn(&mut Vec<Vec<u8>>), expected: &[Kind]) {
    let mut fixture = Fixture::without_checkpoints();
    fixture.options.segment_bytes = 900;
    fixture.record(20);
    let path = fixture.segments()[1].clone();
    let bytes = fs::read(&path).unwrap();
    let mut parts: Vec<Vec<u8>> = frames(&bytes)
        .into_iter()
        .map(|range| bytes[range].to_vec())
        .collect();
    change(&mut parts);
    fs::write(&path, parts.concat()).unwrap();
    let report = fixture.verify();
    assert!(!report.ok);
    let first = &report.findings[0];
    assert!(expected.contains(&first.kind), "{report}");
    assert_eq!(first.file, name(&path), "{report}");
    assert!(report.to_string().contains("已被改动 TAMPERED"));
}

fn records(parts: &[Vec<u8>]) -> Vec<usize> {
    (1..parts.len()).filter(|&i| is_record(&parts[i])).collect()
}

/// Gives the records of a segment the indices that belong there.
fn renumber(parts: &mut [Vec<u8>]) {
    let first = u64::from_le_bytes(parts[0][16..24].try_into().unwrap());
    let mut next = first;
    for part in parts.iter_mut().skip(1) {
        if is_record(part) {
            part[8..16].copy_from_slice(&next.to_le_bytes());
            next += 1;
        } else {
            part[8..16].copy_from_slice(&next.to_le_bytes());
        }
        reseal(part);
    }
}

#[test]
fn an_edited_record_with_a_right_checksum_is_found() {
    rewritten(
        |parts| {
            let at = records(parts)[1];
            *parts[at].last_mut().unwrap() ^= 1;
            reseal(&mut parts[at]);
        },
        &[Kind::Batch],
    );
}

#[test]
fn an_edited_record_is_found_when_the_commit_markers_are_taken_out_too() {
    rewritten(
        |parts| {
            let at = records(parts)[1];
            *parts[at].last_mut().unwrap() ^= 1;
            reseal(&mut parts[at]);
            let header = parts.remove(0);
            parts.retain(|part| is_record(part));
            parts.insert(0, header);
        },
        &[Kind::Root, Kind::Gap],
    );
}

#[test]
fn a_deleted_record_is_found() {
    rewritten(
        |parts| {
            let at = records(parts)[1];
            parts.remove(at);
        },
        &[Kind::Order, Kind::Batch],
    );
    rewritten(
        |parts| {
            let at = records(parts)[1];
            parts.remove(at);
            renumber(parts);
        },
        &[Kind::Batch],
    );
}

#[test]
fn a_deleted_batch_is_found() {
    rewritten(
        |parts| {
            let at = records(parts)[1];
            parts.drain(at..at + 2);
        },
        &[Kind::Order],
    );
}

#[test]
fn swapped_records_are_found() {
    rewritten(
        |parts| {
            let places = records(parts);
            parts.swap(places[0], places[1]);
            renumber(parts);
        },
        &[Kind::Batch],
    );
    rewritten(
        |parts| {
            let places = records(parts);
            parts.swap(places[0], places[1]);
        },
        &[Kind::Order],
    );
}

#[test]
fn an_inserted_record_is_found() {
    rewritten(
        |parts| {
            let at = records(parts)[1];
            let copy = parts[at].clone();
            parts.insert(at, copy);
            renumber(parts);
        },
        &[Kind::Batch],
    );
    rewritten(
        |parts| {
            let at = records(parts)[1];
            let copy = parts[at].clone();
            parts.insert(at, copy);
        },
        &[Kind::Order],
    );
}

#[test]
fn a_missing_segment_is_found() {
    let mut fixture = Fixture::without_checkpoints();
    fixture.options.segment_bytes = 900;
    fixture.record(20);
    fs::remove_file(&fixture.segments()[1]).unwrap();
    let report = fixture.verify();
    assert_eq!(report.findings[0].kind, Kind::Gap, "{report}");
    assert_eq!(report.findings[0].file, name(&fixture.segments()[1]));
}

#[test]
fn a_log_signed_by_another_key_is_found() {
    let fixture = small_log();
    let stranger = small_log();
    for path in fixture.files() {
        fs::copy(stranger.dir().join(name(&path)), &path).unwrap();
    }
    let report = fixture.verify();
    assert!(!report.ok);
    assert!(report.findings.iter().any(|f| f.kind == Kind::Signature));
    assert!(fixture.try_open().is_err());
}

#[test]
fn an_older_checkpoint_put_back_is_found_by_the_history() {
    let fixture = small_log();
    let older = fs::read(fixture.dir().join("checkpoint")).unwrap();
    fixture.record(3);
    let history = fs::read(fixture.dir().join("checkpoints.log")).unwrap();
    fs::write(fixture.dir().join("checkpoint"), &older).unwrap();
    // A crash leaves the history one ahead, so this alone is no finding, and what it signs must still be there.
    let report = fixture.verify();
    assert!(report.ok, "{report}");
    assert_eq!(report.signed_records, 11);
    // The same with the records cut back to the older size is.
    for segment in fixture.segments().into_iter().skip(1) {
        fs::remove_file(segment).unwrap();
    }
    let report = fixture.verify();
    assert_eq!(
        report.findings.last().unwrap().kind,
        Kind::Truncated,
        "{report}"
    );
    // A history that lost its end no longer holds the latest.
    fs::write(
        fixture.dir().join("checkpoints.log"),
        &history[..history.len() / 2],
    )
    .unwrap();
    assert!(!fixture.verify().ok);
}

#[test]
fn history_entries_that_are_swapped_repeated_or_dropped_are_found() {
    let fixture = small_log();
    let path = fixture.dir().join("checkpoints.log");
    let text = fs::read_to_string(&path).unwrap();
    let entries: Vec<&str> = text.split_inclusive("\n\n").collect();
    // A note has one empty line inside and one after it.
    let notes: Vec<String> = entries.chunks(2).map(|pair| pair.concat()).collect();
    assert!(notes.len() >= 3);
    let mut swapped = notes.clone();
    swapped.swap(1, 2);
    let mut repeated = notes.clone();
    repeated.insert(1, notes[1].clone());
    let mut dropped = notes;
    dropped.remove(1);
    for bad in [swapped, repeated, dropped] {
        fs::write(&path, bad.concat()).unwrap();
        let report = fixture.verify();
        assert!(
            report.findings.iter().any(|f| f.kind == Kind::History),
            "{report}"
        );
    }
}

#[test]
fn the_small_program_tells_intact_from_tampered_from_unreadable() {
    let fixture = small_log();
    let key = fixture.dir().with_file_name("vkey");
    fixture.public().save(&key).unwrap();
    let run = |key: &std::path::Path, json: bool| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_hangu-verify"));
        command.arg(fixture.dir()).arg("--key").arg(key);
        if json {
            command.arg("--json");
        }
        let output = command.output().unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (code, text) = run(&key, false);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.starts_with("完好 intact: hangu.example/test\n"),
        "{text}"
    );
    let (code, text) = run(&key, true);
    assert_eq!(code, 0);
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&report["ok"], &report["records"]),
        (&true.into(), &8.into())
    );
    assert_eq!(run(&fixture.dir().with_file_name("none"), false).0, 2);
    let segment = &fixture.segments()[0];
    let mut bytes = fs::read(segment).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(segment, bytes).unwrap();
    let (code, text) = run(&key, true);
    assert_eq!(code, 1);
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["findings"][0]["kind"], "frame");
}

#[test]
fn a_log_put_back_or_written_anew_with_its_own_key_is_found_by_a_checkpoint_kept_elsewhere() {
    let fixture = signed_log(3);
    let older = fixture.crashed();
    fixture.record(3);
    let note = fs::read_to_string(fixture.dir().join("checkpoint")).unwrap();
    let kept = Checkpoint::verify(&note, &fixture.public()).unwrap();
    let against = |dir| hangu_audit::verify_against(dir, &fixture.public(), Some(&kept)).unwrap();
    assert!(against(fixture.dir()).ok);
    // Put back: sound by itself, shorter than what was promised.
    assert!(older.verify().ok);
    assert_eq!(against(older.dir()).findings[0].kind, Kind::Truncated);
    // Written anew with the key: sound by itself, other records than were promised.
    let log = older.open();
    for _ in 0..4 {
        send(&log, b"{\"forged\":true}".to_vec(), Durability::Durable)
            .recv()
            .unwrap()
            .unwrap();
    }
    log.close().unwrap();
    assert!(older.verify().ok);
    let report = against(older.dir());
    assert_eq!(
        (report.findings[0].kind, report.findings[0].index),
        (Kind::Root, 6),
        "{report}"
    );
}
