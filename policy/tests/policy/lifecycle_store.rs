//! What every store promises, and what a store that was edited is answered.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use hangu_policy::lifecycle::record::{Broken, Sealed};
use hangu_policy::lifecycle::store::StoreError;
use hangu_policy::lifecycle::store::memory::MemoryStore;
use hangu_policy::lifecycle::store::sqlite::SqliteStore;
use hangu_policy::lifecycle::{
    Anchor, BundleId, ChangeId, Failed, Refused, Registry, Settings, Store,
};
use rusqlite::{Connection, params};

use crate::lifecycle_support::{
    HOUR, NOON, ann, founded_in, founding, key, live, numbered, open, public, signing,
};

/// Opens the same store again and again.
type Opener<'a> = &'a dyn Fn() -> Box<dyn Store>;

/// Runs one promise against both stores, with what opens each.
fn both(promise: impl Fn(Opener<'_>)) {
    let memory = MemoryStore::new();
    promise(&|| Box::new(memory.clone()));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.sqlite");
    promise(&|| Box::new(SqliteStore::open(&path).unwrap()));
}

/// A boxed store, so that one harness takes both.
struct Any(Box<dyn Store>);

impl Store for Any {
    fn append(
        &mut self,
        record: &Sealed,
        bundle: Option<(&BundleId, &[u8])>,
    ) -> Result<(), StoreError> {
        self.0.append(record, bundle)
    }

    fn load(&mut self) -> Result<hangu_policy::lifecycle::store::Loaded, StoreError> {
        self.0.load()
    }

    fn bundle(&mut self, id: &BundleId) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.bundle(id)
    }
}

fn sealed(number: u64) -> Sealed {
    Sealed {
        number,
        body: format!("body {number}").into_bytes(),
        signature: vec![7; 64],
    }
}

#[test]
fn a_store_gives_back_what_was_appended_after_it_was_opened_again() {
    both(|reopen| {
        let (id, body) = (numbered(1).id(), numbered(1).encode());
        let mut store = reopen();
        assert!(store.load().unwrap().records.is_empty());
        store.append(&sealed(1), Some((&id, &body))).unwrap();
        store.append(&sealed(2), None).unwrap();
        drop(store);
        let mut store = reopen();
        let loaded = store.load().unwrap();
        assert_eq!(loaded.records, [sealed(1), sealed(2)]);
        assert_eq!(loaded.bundles, [id]);
        assert_eq!(store.bundle(&id).unwrap(), Some(body));
        assert_eq!(store.bundle(&numbered(2).id()).unwrap(), None);
    });
}

#[test]
fn a_store_takes_only_the_record_that_follows() {
    both(|reopen| {
        let mut store = reopen();
        store.append(&sealed(1), None).unwrap();
        let (id, body) = (numbered(1).id(), numbered(1).encode());
        for number in [0, 1, 3, u64::MAX] {
            let refused = store.append(&sealed(number), Some((&id, &body)));
            assert!(
                matches!(refused, Err(StoreError::Conflict { number: named }) if named == number)
            );
        }
        let loaded = store.load().unwrap();
        assert_eq!(
            (loaded.records.len(), loaded.bundles.len()),
            (1, 0),
            "both or neither"
        );
    });
}

#[test]
fn a_bundle_kept_once_stays_as_it_was() {
    both(|reopen| {
        let mut store = reopen();
        let (id, body) = (numbered(1).id(), numbered(1).encode());
        store.append(&sealed(1), Some((&id, &body))).unwrap();
        store.append(&sealed(2), Some((&id, b"other"))).unwrap();
        assert_eq!(store.bundle(&id).unwrap(), Some(body));
    });
}

#[test]
fn a_second_handle_sees_what_the_first_appended() {
    both(|reopen| {
        let (mut one, mut other) = (reopen(), reopen());
        one.append(&sealed(1), None).unwrap();
        assert_eq!(other.load().unwrap().records, [sealed(1)]);
        other.append(&sealed(2), None).unwrap();
        assert!(one.append(&sealed(2), None).is_err());
        assert_eq!(one.load().unwrap().records.len(), 2);
    });
}

#[test]
fn a_registry_comes_back_as_it_was() {
    both(|reopen| {
        let der = key();
        let mut registry = founded_in(Any(reopen()), &der, Settings::default());
        live(&mut registry, &numbered(1));
        registry
            .emergency(&numbered(2), NOON + HOUR, &ann(), "fire", NOON)
            .unwrap();
        let changes: Vec<_> = registry.changes().cloned().collect();
        let anchor = registry.anchor();
        drop(registry);
        let again = Registry::open(
            Any(reopen()),
            signing(&der),
            &[],
            Settings::default(),
            Some(anchor),
        )
        .unwrap();
        assert_eq!(again.anchor(), anchor);
        assert_eq!(again.changes().cloned().collect::<Vec<_>>(), changes);
    });
}

/// A store in a file with some history, and the key it was signed with.
fn filled(folder: &Path) -> (PathBuf, Vec<u8>, Anchor) {
    let (path, der) = (folder.join("policy.sqlite"), key());
    let mut registry = founded_in(SqliteStore::open(&path).unwrap(), &der, Settings::default());
    live(&mut registry, &numbered(1));
    live(&mut registry, &numbered(2));
    let anchor = registry.anchor();
    (path, der, anchor)
}

/// What opening says after somebody edited the file by hand.
fn after(edit: impl Fn(&Connection)) -> Failed {
    let folder = tempfile::tempdir().unwrap();
    let (path, der, anchor) = filled(folder.path());
    {
        let connection = Connection::open(&path).unwrap();
        let guards = "DROP TRIGGER record_stays; DROP TRIGGER record_remains; DROP TRIGGER bundle_stays; DROP TRIGGER bundle_remains;";
        connection.execute_batch(guards).unwrap();
        connection
            .pragma_update(None, "foreign_keys", false)
            .unwrap();
        edit(&connection);
    }
    let store = SqliteStore::open(&path).unwrap();
    let opened = Registry::open(store, signing(&der), &[], Settings::default(), Some(anchor));
    opened.err().expect("an edited store opens")
}

fn run(connection: &Connection, statement: &str) {
    assert!(
        connection.execute(statement, []).unwrap() > 0,
        "{statement}"
    );
}

#[test]
fn an_edited_record_is_named() {
    let edited = after(|file| {
        run(
            file,
            "UPDATE record SET body = CAST(replace(CAST(body AS TEXT), 'bo', 'xo') AS BLOB) WHERE number = 4",
        );
    });
    assert!(matches!(
        edited,
        Failed::Broken {
            number: 4,
            source: Broken::Signature
        }
    ));
    assert_eq!(
        edited.to_string(),
        "record 4 of the policy store is broken: its signature is by no trusted key, or it was edited"
    );
}

#[test]
fn records_that_change_places_are_noticed() {
    let swapped = after(|file| {
        run(file, "UPDATE record SET number = 100 WHERE number = 3");
        run(file, "UPDATE record SET number = 3 WHERE number = 4");
        run(file, "UPDATE record SET number = 4 WHERE number = 100");
    });
    assert!(matches!(
        swapped,
        Failed::Broken {
            number: 3,
            source: Broken::Number
        }
    ));
}

#[test]
fn a_record_that_is_missing_is_noticed() {
    let hole = after(|file| run(file, "DELETE FROM record WHERE number = 3"));
    assert!(matches!(
        hole,
        Failed::Broken {
            number: 3,
            source: Broken::Number
        }
    ));
    let renumbered = after(|file| {
        run(file, "DELETE FROM record WHERE number = 3");
        run(
            file,
            "UPDATE record SET number = number - 1 WHERE number > 3",
        );
    });
    assert!(matches!(
        renumbered,
        Failed::Broken {
            number: 3,
            source: Broken::Number
        }
    ));
}

#[test]
fn a_store_that_was_set_back_is_noticed_by_what_was_noted_outside() {
    let shorter = after(|file| run(file, "DELETE FROM record WHERE number > 5"));
    assert!(
        matches!(shorter, Failed::SetBack { records: 10 }),
        "{shorter}"
    );
    let empty = after(|file| {
        run(file, "DELETE FROM record");
        run(file, "DELETE FROM bundle");
    });
    assert!(matches!(empty, Failed::SetBack { records: 10 }));
}

#[test]
fn bundles_that_are_missing_edited_or_added_are_noticed() {
    let missing = after(|file| run(file, "DELETE FROM bundle"));
    assert!(matches!(missing, Failed::Lost { number: 1, id } if id == founding().id()));
    let edited = after(|file| {
        run(
            file,
            "UPDATE bundle SET body = CAST(replace(CAST(body AS TEXT), 'u:p1', 'u:p9') AS BLOB)",
        );
    });
    assert!(matches!(edited, Failed::Lost { .. }));
    let added = after(|file| run(file, "INSERT INTO bundle VALUES (zeroblob(32), x'00')"));
    assert!(matches!(added, Failed::Store(StoreError::Bundle(_))));
}

#[test]
fn a_rightly_signed_record_whose_step_is_not_allowed_does_not_open() {
    use hangu_policy::lifecycle::record::{Record, Step};
    let folder = tempfile::tempdir().unwrap();
    let (path, der, anchor) = filled(folder.path());
    let mut store = SqliteStore::open(&path).unwrap();
    // Somebody who holds the key approves a change of their own, past the registry.
    let mut registry = open(SqliteStore::open(&path).unwrap(), &der).unwrap();
    let id = registry.draft(&numbered(3), &ann(), "x", NOON).unwrap();
    let head = registry.anchor();
    let record = Record {
        version: 1,
        number: head.records + 1,
        previous: head.hash,
        at_ms: NOON,
        change: id,
        by: ann(),
        reason: "mine".to_owned(),
        step: Step::Promoted,
    };
    let body = serde_json::to_vec(&record).unwrap();
    let message = [&b"hangu policy record v1\0"[..], &body].concat();
    let pair = aws_lc_rs::signature::Ed25519KeyPair::from_pkcs8(&der).unwrap();
    let signature = pair.sign(&message).as_ref().to_vec();
    let number = record.number;
    store
        .append(
            &Sealed {
                number,
                body,
                signature,
            },
            None,
        )
        .unwrap();
    let opened = Registry::open(store, signing(&der), &[], Settings::default(), Some(anchor));
    assert!(matches!(
        opened.err().unwrap(),
        Failed::Illegal { number: named, source: Refused::Stage { .. } } if named == number
    ));
}

#[test]
fn a_store_signed_by_an_earlier_key_opens_with_its_public_half_only() {
    let folder = tempfile::tempdir().unwrap();
    let (path, old, _) = filled(folder.path());
    let new = key();
    let opened = open(SqliteStore::open(&path).unwrap(), &new);
    assert!(matches!(
        opened.err().unwrap(),
        Failed::Broken {
            number: 1,
            source: Broken::Signature
        }
    ));
    let store = SqliteStore::open(&path).unwrap();
    let settings = Settings::default();
    let mut registry =
        Registry::open(store, signing(&new), &[public(&old)], settings, None).unwrap();
    registry.draft(&numbered(5), &ann(), "x", NOON).unwrap();
    let store = SqliteStore::open(&path).unwrap();
    let settings = Settings::default();
    Registry::open(store, signing(&new), &[public(&old)], settings, None).unwrap();
}

#[test]
fn the_file_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (path, der, _) = filled(folder.path());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut registry = open(SqliteStore::open(&path).unwrap(), &der).unwrap();
    registry.draft(&numbered(4), &ann(), "x", NOON).unwrap();
    for name in ["policy.sqlite", "policy.sqlite-wal", "policy.sqlite-shm"] {
        assert_eq!(mode(&folder.path().join(name)), 0o600, "{name}");
    }
}

#[test]
fn the_file_is_set_up_to_survive_the_loss_of_power() {
    let folder = tempfile::tempdir().unwrap();
    let (path, ..) = filled(folder.path());
    let file = Connection::open(&path).unwrap();
    let text = |name| {
        file.pragma_query_value(None, name, |row| row.get::<_, String>(0))
            .unwrap()
    };
    let number = |name| {
        file.pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!(
        (text("journal_mode").as_str(), number("user_version")),
        ("wal", 1)
    );
    let removed = file.execute("DELETE FROM record WHERE number = 1", []);
    assert!(removed.unwrap_err().to_string().contains("never removed"));
}

#[test]
fn what_is_no_store_of_ours_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.sqlite");
    let file = Connection::open(&path).unwrap();
    file.execute_batch("CREATE TABLE other (x)").unwrap();
    assert!(matches!(
        SqliteStore::open(&path).unwrap_err(),
        StoreError::Version { found: 0, known: 1 }
    ));
    let (later, ..) = filled(folder.path());
    Connection::open(&later)
        .unwrap()
        .pragma_update(None, "user_version", 2)
        .unwrap();
    assert_eq!(
        SqliteStore::open(&later).unwrap_err().to_string(),
        "the store has version 2; this program knows version 1"
    );
    let garbage = folder.path().join("garbage");
    std::fs::write(&garbage, [0x5a; 8192]).unwrap();
    assert!(matches!(
        SqliteStore::open(&garbage).unwrap_err(),
        StoreError::Damaged(_)
    ));
    let link = folder.path().join("link");
    symlink(&path, &link).unwrap();
    assert!(matches!(
        SqliteStore::open(&link).unwrap_err(),
        StoreError::Unusable { .. }
    ));
    assert!(SqliteStore::open(&folder.path().join("no/such/folder")).is_err());
}

#[test]
fn no_byte_of_the_file_can_be_turned_without_a_refusal_or_the_same_record() {
    let folder = tempfile::tempdir().unwrap();
    let (path, der, anchor) = filled(folder.path());
    Connection::open(&path)
        .unwrap()
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE;")
        .unwrap();
    let whole = std::fs::read(&path).unwrap();
    let before: Vec<_> = open(SqliteStore::open(&path).unwrap(), &der)
        .unwrap()
        .changes()
        .cloned()
        .collect();
    let mut refused = 0;
    for at in (0..whole.len()).step_by(211) {
        let copy = folder.path().join(format!("copy-{at}"));
        let mut bytes = whole.clone();
        bytes[at] ^= 0x41;
        std::fs::write(&copy, bytes).unwrap();
        let opened = SqliteStore::open(&copy)
            .map_err(Failed::from)
            .and_then(|store| {
                Registry::open(store, signing(&der), &[], Settings::default(), Some(anchor))
            });
        match opened {
            Ok(registry) => assert_eq!(registry.changes().cloned().collect::<Vec<_>>(), before),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 0);
}

const FILE: &str = "HANGU_TEST_POLICY_STORE";

/// Starts this test of this program again, as a process that can be killed.
fn child(test: &str, file: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(FILE, file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Lines that the child wrote itself.
fn said(child: &mut Child) -> impl Iterator<Item = String> {
    BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix("said ").map(str::to_owned))
}

fn say(what: &str) {
    println!("\nsaid {what}");
    std::io::stdout().flush().unwrap();
}

#[test]
#[ignore = "a process that the next tests start and kill"]
fn a_process_that_appends_without_end() {
    let Some(path) = std::env::var_os(FILE) else {
        return;
    };
    let der = std::fs::read(Path::new(&path).with_extension("key")).unwrap();
    let mut registry = open(SqliteStore::open(Path::new(&path)).unwrap(), &der).unwrap();
    for number in 0.. {
        let bundle = numbered(1000 + number);
        let id = registry.draft(&bundle, &ann(), "x", NOON).unwrap();
        registry.withdraw(id, &ann(), "x", NOON).unwrap();
        say(&registry.anchor().records.to_string());
    }
}

#[test]
#[ignore = "a process that the next tests start and kill"]
fn a_process_that_stops_within_a_transaction() {
    let Some(path) = std::env::var_os(FILE) else {
        return;
    };
    let file = Connection::open(&path).unwrap();
    // A cache of one page puts the transaction's pages into the log before it is committed.
    file.execute_batch("PRAGMA cache_size = 1; BEGIN IMMEDIATE;")
        .unwrap();
    for number in 0..200_u32 {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&number.to_le_bytes());
        file.execute(
            "INSERT INTO bundle VALUES (?1, zeroblob(5000))",
            params![id],
        )
        .unwrap();
    }
    file.execute(
        "INSERT INTO record VALUES (11, NULL, x'00', zeroblob(64))",
        [],
    )
    .unwrap();
    say("within");
    std::thread::sleep(std::time::Duration::from_secs(600));
}

#[test]
fn everything_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let (path, der, _) = filled(folder.path());
    std::fs::write(path.with_extension("key"), &der).unwrap();
    for round in 0..6 {
        let mut process = child("lifecycle_store::a_process_that_appends_without_end", &path);
        let mut acknowledged = 0;
        for line in said(&mut process).take(3 + 5 * round) {
            acknowledged = line.parse().unwrap();
        }
        process.kill().unwrap();
        process.wait().unwrap();
        let registry = open(SqliteStore::open(&path).unwrap(), &der).unwrap();
        assert!(acknowledged > 0 && registry.anchor().records >= acknowledged);
        assert_eq!(registry.live().unwrap().id, ChangeId(3));
    }
}

#[test]
fn a_transaction_cut_by_kill_9_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (path, der, anchor) = filled(folder.path());
    let mut process = child(
        "lifecycle_store::a_process_that_stops_within_a_transaction",
        &path,
    );
    assert_eq!(said(&mut process).next().as_deref(), Some("within"));
    let log = std::fs::metadata(folder.path().join("policy.sqlite-wal"))
        .unwrap()
        .len();
    assert!(log > 500_000, "the transaction has reached the log: {log}");
    process.kill().unwrap();
    process.wait().unwrap();
    let mut registry = open(SqliteStore::open(&path).unwrap(), &der).unwrap();
    assert_eq!(registry.anchor(), anchor);
    registry.draft(&numbered(5), &ann(), "x", NOON).unwrap();
}
