//! The audit log: what a crash, a disk or somebody leaves of it.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use hangu_audit::event::Owned;
use hangu_audit::{
    Checkpoint, Durability, Log, LogOptions, Proof, Record, SigningKey, Timestamp, VerifyingKey,
    read, read_back, verify, verify_proof,
};

use crate::files::Folder;
use crate::input;

/// The log's name.
const ORIGIN: &str = "hangu.example/fuzz";

/// Records of the log that inputs alter.
const RECORDS: u64 = 5;

/// A number, then what takes the place of a file of a small log: 0, its segment; 1, the latest checkpoint; 2, the
/// history; 3, the tree. Or 4, the segment's frames behind its header, each a kind, a change of the index, a length and
/// as many bytes, with the checksums that belong there.
///
/// What was signed is never read as something else by who verifies, and what opens is whole.
pub fn log(data: &[u8]) {
    let (what, rest) = input::pick(data, &[0, 1, 2, 3, 4]);
    let whole = whole();
    let folder = Folder::new();
    for (name, bytes) in &whole.files {
        folder.write(name, bytes);
    }
    match what {
        0 => folder.write(&whole.segment().0, rest),
        1 => folder.write("checkpoint", rest),
        2 => folder.write("checkpoints.log", rest),
        3 => folder.write("tree", rest),
        _ => {
            let (name, bytes) = whole.segment();
            let header = bytes.get(..whole.header).unwrap_or_default();
            folder.write(name, &[header, &framed(rest)].concat())
        }
    };
    let key = key().public();
    let report = verify(folder.path(), &key);
    let records = read(folder.path(), 0, 100);
    drop(read_back(folder.path(), None, 3));
    drop(hangu_audit::prove(folder.path(), 2, &key));
    let signed = |records: &[Record]| {
        records.len() >= whole.records.len()
            && records
                .iter()
                .zip(&whole.records)
                .all(|(one, other)| one == other)
    };
    if let (Ok(report), Ok(records)) = (report, &records) {
        let same = signed(records);
        assert!(
            !report.ok || same,
            "what was altered is called whole: {records:?}"
        );
    }
    let Ok((log, recovered)) = open(&folder) else {
        return;
    };
    assert!(
        recovered.size >= RECORDS,
        "signed records are gone: {recovered:?}"
    );
    log.close().expect("a log that opens closes");
    let report = verify(folder.path(), &key).expect("a log that opens can be read");
    assert!(
        report.ok,
        "a log that was opened is not whole: {:?}",
        report.findings
    );
    let records = read(folder.path(), 0, 100).expect("a log that opens can be read");
    assert!(signed(&records), "signed records have changed: {records:?}");
}

/// A number, then: 0, an event; 1, a receipt; 2, a verifier's key; 3, a checkpoint.
pub fn text(data: &[u8]) {
    let (what, rest) = input::pick(data, &[0, 1, 2, 3]);
    let text = input::text(rest);
    match what {
        0 => {
            if let Ok(event) = Owned::parse(rest) {
                drop(event.decision_id().map(str::to_owned));
                let written = serde_json::to_vec(&event).expect("an event can be written");
                let again = Owned::parse(&written).expect("what was written can be read");
                assert_eq!(event, again, "an event reads back as it is written");
            }
        }
        1 => {
            if let Ok(proof) = text.parse::<Proof>() {
                assert_eq!(proof.to_string().parse::<Proof>().ok(), Some(proof.clone()));
                drop(verify_proof(&proof, b"{}", &key().public()));
            }
        }
        2 => {
            if let Ok(key) = text.parse::<VerifyingKey>() {
                assert_eq!(key.to_string().parse::<VerifyingKey>().ok(), Some(key));
            }
        }
        _ => {
            if let Ok(checkpoint) = Checkpoint::verify(&text, &key().public()) {
                assert_eq!(checkpoint.note(), text, "a note is taken as it stands");
            }
        }
    }
}

/// Frames as `audit/src/frame.rs` describes them.
fn framed(mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut index = 0_u64;
    while let [kind, step, length, behind @ ..] = rest {
        let (payload, behind) = behind.split_at(usize::from(*length).min(behind.len()));
        rest = behind;
        let mut body = index.to_le_bytes().to_vec();
        body.push(*kind);
        body.extend_from_slice(payload);
        index = index.wrapping_add(u64::from(*step));
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes();
        let sum = crc32c::crc32c_append(crc32c::crc32c(&length), &body);
        out.extend_from_slice(&length);
        out.extend_from_slice(&sum.to_le_bytes());
        out.extend_from_slice(&body);
    }
    out
}

/// A log that was closed as it should be.
struct Whole {
    files: Vec<(String, Vec<u8>)>,
    records: Vec<Record>,
    /// Bytes of its segment's header.
    header: usize,
}

impl Whole {
    fn segment(&self) -> &(String, Vec<u8>) {
        let is_segment = |(name, _): &&(String, Vec<u8>)| name.starts_with("segment-");
        self.files
            .iter()
            .find(is_segment)
            .expect("a log has a segment")
    }
}

fn whole() -> &'static Whole {
    static WHOLE: OnceLock<Whole> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let folder = Folder::new();
        let (log, _) = open(&folder).expect("an empty folder becomes a log");
        let (done, committed) = std::sync::mpsc::channel();
        for n in 0..RECORDS {
            let done = done.clone();
            let event = format!("{{\"n\":{n}}}").into_bytes();
            log.append(
                event,
                Durability::Durable,
                Some(Box::new(move |result| {
                    drop(done.send(result));
                })),
            )
            .expect("there is room");
            committed.recv().expect("an answer").expect("a record");
        }
        log.close().expect("it closes");
        let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(folder.path())
            .expect("the folder is there")
            .map(|entry| {
                let path: PathBuf = entry.expect("an entry").path();
                let name = path.file_name().unwrap_or_default();
                let bytes = fs::read(&path).unwrap_or_default();
                (name.to_string_lossy().into_owned(), bytes)
            })
            .collect();
        files.sort();
        let mut whole = Whole {
            files,
            records: read(folder.path(), 0, 100).expect("it can be read"),
            header: 0,
        };
        let length = whole
            .segment()
            .1
            .get(12..16)
            .and_then(|b| b.try_into().ok());
        whole.header = u32::from_le_bytes(length.expect("a header says its length")) as usize;
        whole
    })
}

fn open(folder: &Folder) -> Result<(Log, hangu_audit::Recovered), hangu_audit::OpenError> {
    let mut options = LogOptions::new(folder.path(), ORIGIN);
    options.checkpoint_every = Duration::from_secs(3600);
    options.checkpoint_records = u64::MAX;
    Log::open(&options, key(), || Timestamp(1_800_000_000_000))
}

/// The same key in every process, so that kept inputs stay what they were.
fn key() -> SigningKey {
    static PATH: OnceLock<(Folder, PathBuf)> = OnceLock::new();
    let (_, path) = PATH.get_or_init(|| {
        // RFC 8410 section 7: a private key of 32 bytes.
        let mut der = vec![
            0x30, 0x2E, 2, 1, 0, 0x30, 5, 6, 3, 0x2B, 0x65, 0x70, 4, 0x22, 4, 0x20,
        ];
        der.extend([7; 32]);
        let folder = Folder::new();
        let path = folder.write("key", &der);
        (folder, path)
    });
    SigningKey::load(path, ORIGIN).expect("the key can be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_that_inputs_alter_is_whole() {
        let whole = whole();
        assert_eq!(whole.records.len() as u64, RECORDS);
        assert!(whole.header > 20 && whole.segment().1.len() > whole.header);
        let folder = Folder::new();
        for (name, bytes) in &whole.files {
            folder.write(name, bytes);
        }
        assert!(verify(folder.path(), &key().public()).unwrap().ok);
    }

    #[test]
    fn every_file_that_inputs_alter_is_a_file_of_the_log() {
        let names: Vec<_> = whole()
            .files
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        for name in ["checkpoint", "checkpoints.log", "tree"] {
            assert!(names.contains(&name), "{names:?}");
        }
    }
}
