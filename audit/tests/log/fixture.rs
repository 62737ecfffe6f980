//! A log in a directory of its own, and ways to bend it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use hangu_audit::{
    Committed, Durability, Failed, Log, LogOptions, OpenError, Recovered, Report, SigningKey,
    Timestamp, VerifyingKey,
};
use tempfile::TempDir;

pub(crate) const ORIGIN: &str = "hangu.example/test";

pub(crate) struct Fixture {
    root: TempDir,
    pub(crate) options: LogOptions,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        SigningKey::generate(ORIGIN)
            .unwrap()
            .save(&root.path().join("key"))
            .unwrap();
        let options = LogOptions::new(root.path().join("log"), ORIGIN);
        Self { root, options }
    }

    /// Checkpoints only at the end, so that a copy of the directory is what a crash leaves.
    pub(crate) fn without_checkpoints() -> Self {
        let mut fixture = Self::new();
        fixture.options.checkpoint_every = Duration::from_secs(3600);
        fixture.options.checkpoint_records = u64::MAX;
        fixture
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.options.dir
    }

    pub(crate) fn key(&self) -> SigningKey {
        SigningKey::load(&self.root.path().join("key"), ORIGIN).unwrap()
    }

    pub(crate) fn public(&self) -> VerifyingKey {
        self.key().public()
    }

    pub(crate) fn try_open(&self) -> Result<(Log, Recovered), OpenError> {
        Log::open(&self.options, self.key(), || Timestamp(1_700_000_000_000))
    }

    pub(crate) fn open(&self) -> Log {
        self.try_open().unwrap().0
    }

    /// Opens, records `n` events, each in a batch of its own, and closes.
    pub(crate) fn record(&self, n: usize) {
        let log = self.open();
        for _ in 0..n {
            record(&log);
        }
        log.close().unwrap();
    }

    pub(crate) fn verify(&self) -> Report {
        hangu_audit::verify(self.dir(), &self.public()).unwrap()
    }

    /// A copy of the directory as it is now, which is what a kill leaves.
    pub(crate) fn crashed(&self) -> Self {
        let copy = Self {
            root: tempfile::tempdir().unwrap(),
            options: self.options.clone(),
        };
        let dir = copy.root.path().join("log");
        fs::create_dir(&dir).unwrap();
        for path in self.files() {
            fs::copy(&path, dir.join(path.file_name().unwrap())).unwrap();
        }
        fs::copy(self.root.path().join("key"), copy.root.path().join("key")).unwrap();
        Self {
            options: LogOptions {
                dir,
                ..self.options.clone()
            },
            ..copy
        }
    }

    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = fs::read_dir(self.dir())
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect();
        files.sort();
        files
    }

    pub(crate) fn segments(&self) -> Vec<PathBuf> {
        let mut files = self.files();
        files.retain(|path| {
            path.extension().is_some_and(|e| e == "log") && name(path).starts_with("segment-")
        });
        files
    }
}

pub(crate) fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// Records one event and waits until it is on disk.
pub(crate) fn record(log: &Log) -> u64 {
    let event = format!("{{\"n\":{}}}", log.size()).into_bytes();
    send(log, event, Durability::Durable)
        .recv()
        .unwrap()
        .unwrap()
        .index
}

pub(crate) fn send(
    log: &Log,
    event: Vec<u8>,
    durability: Durability,
) -> mpsc::Receiver<Result<Committed, Failed>> {
    let (tell, told) = mpsc::channel();
    log.append(
        event,
        durability,
        Some(Box::new(move |result| drop(tell.send(result)))),
    )
    .unwrap();
    told
}

/// The frames of a segment's bytes, as ranges; the header is the first.
pub(crate) fn frames(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let mut ranges = Vec::new();
    let mut at = number(12);
    ranges.push(0..at);
    while at + 8 <= bytes.len() && number(at) > 0 {
        let end = at + 8 + number(at);
        ranges.push(at..end);
        at = end;
    }
    ranges
}

pub(crate) fn is_record(frame: &[u8]) -> bool {
    frame[16] == 0
}

/// Makes a frame's checksum right again, as an attacker without the key can.
pub(crate) fn reseal(frame: &mut [u8]) {
    let sum = crc32c::crc32c_append(crc32c::crc32c(&frame[..4]), &frame[8..]);
    frame[4..8].copy_from_slice(&sum.to_le_bytes());
}
