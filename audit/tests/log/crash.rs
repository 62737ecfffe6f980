//! A writer that dies leaves a log that is opened again with everything it had acknowledged.

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::FileExt as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hangu_audit::{AppendError, Durability, LogOptions, OpenError};

use crate::fixture::{Fixture, frames, is_record, record, send};

#[test]
fn a_tail_torn_at_any_byte_is_cut_to_the_last_whole_record() {
    let fixture = Fixture::without_checkpoints();
    fixture.record(2);
    let log = fixture.open();
    for _ in 0..3 {
        record(&log);
    }
    let crashed = fixture.crashed();
    let path = crashed.segments().pop().unwrap();
    let bytes = fs::read(&path).unwrap();
    let ranges = frames(&bytes);
    let signed: usize = ranges[4].end;
    let end = ranges.last().unwrap().end;
    assert!(bytes[end..].iter().all(|&b| b == 0), "room is made ahead");
    for cut in signed..=end {
        let torn = crashed.crashed();
        let path = torn.segments().pop().unwrap();
        fs::write(&path, &bytes[..cut]).unwrap();
        let whole = ranges[1..]
            .iter()
            .filter(|r| r.end <= cut && is_record(&bytes[(*r).clone()]))
            .count();
        let report = torn.verify();
        assert!(report.ok, "cut at {cut}: {report}");
        let (log, recovered) = torn.try_open().unwrap();
        assert_eq!(recovered.size, whole as u64, "cut at {cut}");
        assert_eq!(recovered.unsigned_records, recovered.size - 2);
        assert_eq!(
            log.checkpoint().unwrap().size,
            recovered.size,
            "what was found is signed"
        );
        assert_eq!(record(&log), whole as u64);
        log.close().unwrap();
        let report = torn.verify();
        assert!(report.ok, "after {cut}: {report}");
        assert_eq!(
            (report.signed_records, report.torn_bytes),
            (whole as u64 + 1, 0)
        );
    }
}

#[test]
fn damage_before_something_that_was_on_disk_is_no_crash() {
    let fixture = Fixture::without_checkpoints();
    let log = fixture.open();
    for _ in 0..4 {
        record(&log);
    }
    let crashed = fixture.crashed();
    let path = crashed.segments().pop().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let second = frames(&bytes)
        .into_iter()
        .skip(1)
        .filter(|r| is_record(&bytes[r.clone()]))
        .nth(1)
        .unwrap();
    bytes[second.end - 1] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let refused = crashed.try_open().map(|_| ()).unwrap_err();
    assert!(
        matches!(&refused, OpenError::Damaged { offset, index: 1, .. } if *offset == second.start as u64),
        "{refused}"
    );
    assert!(!crashed.verify().ok);
    assert_eq!(fs::read(&path).unwrap(), bytes, "nothing is repaired");
}

#[test]
fn a_batch_that_never_reached_the_disk_before_one_that_did_is_a_torn_tail() {
    let fixture = Fixture::without_checkpoints();
    let log = fixture.open();
    record(&log);
    // Each waits until it is written, so each has a batch; neither was on disk when the other was written.
    for _ in 0..2 {
        send(&log, b"{}".to_vec(), Durability::Buffered)
            .recv()
            .unwrap()
            .unwrap();
    }
    let crashed = fixture.crashed();
    let path = crashed.segments().pop().unwrap();
    let bytes = fs::read(&path).unwrap();
    let third = frames(&bytes)[3].clone();
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&vec![0; third.len()], third.start as u64)
        .unwrap();
    let (log, recovered) = crashed.try_open().unwrap();
    assert_eq!(recovered.size, 1);
    assert!(recovered.torn_bytes > 0);
    log.close().unwrap();
    assert!(crashed.verify().ok);
}

#[test]
fn a_lost_or_damaged_tree_file_is_made_again() {
    let mut fixture = Fixture::without_checkpoints();
    fixture.options.segment_bytes = 1300;
    fixture.record(20);
    let tree = fixture.dir().join("tree");
    let sound = fs::read(&tree).unwrap();
    fs::remove_file(&tree).unwrap();
    fixture.record(0);
    assert_eq!(fs::read(&tree).unwrap(), sound);
    let mut bad = sound.clone();
    for byte in &mut bad {
        *byte ^= 0xFF;
    }
    fs::write(&tree, &bad).unwrap();
    fixture.record(0);
    assert_eq!(fs::read(&tree).unwrap(), sound);
    fs::write(&tree, &sound[..sound.len() / 2]).unwrap();
    fixture.record(1);
    assert!(hangu_audit::prove(fixture.dir(), 0, &fixture.public()).is_ok());
}

#[test]
fn a_checkpoint_that_only_reached_the_history_is_taken_over() {
    let fixture = Fixture::new();
    fixture.record(2);
    let older = fs::read(fixture.dir().join("checkpoint")).unwrap();
    fixture.record(2);
    let newer = fs::read(fixture.dir().join("checkpoint")).unwrap();
    fs::write(fixture.dir().join("checkpoint"), older).unwrap();
    let mut history = OpenOptions::new()
        .append(true)
        .open(fixture.dir().join("checkpoints.log"))
        .unwrap();
    history.write_all(b"hangu.example/test\n9").unwrap();
    fs::write(fixture.dir().join("checkpoint.new"), b"half").unwrap();
    fixture.record(0);
    assert_eq!(fs::read(fixture.dir().join("checkpoint")).unwrap(), newer);
    assert!(!fixture.dir().join("checkpoint.new").exists());
    assert!(fixture.verify().ok);
}

#[test]
fn a_directory_has_one_writer() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let other = log.clone();
    assert!(matches!(fixture.try_open(), Err(OpenError::InUse(_))));
    log.close().unwrap();
    assert_eq!(
        other.append(Vec::new(), Durability::Buffered, None),
        Err(AppendError::Stopped)
    );
    fixture.open().close().unwrap();
}

const CHILD: &str = "HANGU_AUDIT_CRASH_CHILD";

/// The victim: only does something when the test below starts it.
#[test]
fn victim_of_the_kill() {
    let Ok(root) = std::env::var(CHILD) else {
        return;
    };
    let root = std::path::PathBuf::from(root);
    let mut options = LogOptions::new(root.join("log"), "hangu.example/test");
    options.segment_bytes = 256 * 1024;
    let key = hangu_audit::SigningKey::load(&root.join("key"), "hangu.example/test").unwrap();
    let (log, _) = hangu_audit::Log::open(&options, key, || hangu_audit::Timestamp(0)).unwrap();
    let out = Arc::new(Mutex::new(std::io::stdout()));
    std::thread::scope(|scope| {
        for producer in 0..16 {
            let (log, out) = (log.clone(), Arc::clone(&out));
            scope.spawn(move || {
                for n in 0u64.. {
                    let body = format!(
                        "{{\"producer\":{producer},\"n\":{n},\"pad\":\"{}\"}}",
                        "x".repeat(400)
                    );
                    let durability = if n % 4 == 0 {
                        Durability::Durable
                    } else {
                        Durability::Buffered
                    };
                    let told = send(&log, body.into_bytes(), durability);
                    let index = told.recv().unwrap().unwrap().index;
                    // Telling the parent is the acknowledgement that must hold.
                    writeln!(out.lock().unwrap(), "ack {index} {producer} {n}").unwrap();
                }
            });
        }
    });
}

#[test]
fn everything_acknowledged_survives_a_kill() {
    let fixture = Fixture::new();
    let root = fixture.dir().parent().unwrap().to_owned();
    let mut expected: Vec<(u64, String)> = Vec::new();
    for round in 0..8u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["crash::victim_of_the_kill", "--exact", "--nocapture"])
            .env(CHILD, &root)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            let mut acks = Vec::new();
            // A last line may be cut by the kill.
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let Some(rest) = line.strip_prefix("ack ") else {
                    continue;
                };
                let [index, producer, n] = rest.split(' ').collect::<Vec<_>>()[..] else {
                    continue;
                };
                let (Ok(index), Ok(_)) = (index.parse::<u64>(), n.parse::<u64>()) else {
                    continue;
                };
                acks.push((index, format!("{{\"producer\":{producer},\"n\":{n},")));
            }
            acks.pop();
            acks
        });
        std::thread::sleep(Duration::from_millis(150 + 70 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        expected.extend(reader.join().unwrap());

        let report = fixture.verify();
        assert!(report.ok, "round {round}: {report}");
        let records = hangu_audit::read(fixture.dir(), 0, usize::MAX).unwrap();
        for (i, record) in records.iter().enumerate() {
            assert_eq!(record.index, i as u64);
        }
        for (index, begins) in &expected {
            let record = records
                .get(usize::try_from(*index).unwrap())
                .unwrap_or_else(|| panic!("{index} of {}", records.len()));
            assert!(
                record.event.starts_with(begins.as_bytes()),
                "record {index} is not what was acknowledged"
            );
        }
    }
    assert!(expected.len() > 100, "{} acknowledged", expected.len());
    fixture.record(1);
    assert!(fixture.verify().ok);
}
