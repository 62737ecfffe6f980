//! Marks and exceptions in one SQLite file. What is written is never changed or removed.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::exception::{Step, Terms};
use super::mark::Mark;

/// The store.
#[derive(Debug)]
pub struct Store(Connection);

/// Version of the tables, kept as `user_version`.
const VERSION: i64 = 1;
/// Tells our files from others: `hgtr`, kept as `application_id`.
const APPLICATION: i64 = 0x6867_7472;
/// How long another process may hold the file before a write fails; chosen.
const PATIENCE: Duration = Duration::from_secs(5);

/// What version 1 is made of. `number` counts all three kinds together, so that one number says how much is known.
const TABLES: &str = "
CREATE TABLE entry (
  number INTEGER PRIMARY KEY NOT NULL CHECK (number > 0),
  kind TEXT NOT NULL CHECK (kind IN ('exception', 'step', 'mark')),
  exception INTEGER REFERENCES entry (number) CHECK ((exception IS NOT NULL) = (kind = 'step')),
  body TEXT NOT NULL
) STRICT;
CREATE TRIGGER entry_stays BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;
CREATE TRIGGER entry_remains BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'entries are never removed'); END;
";

/// Something that is kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// An exception as it was proposed; its number is the entry's.
    Exception(Box<Terms>),
    /// What happened to the exception with this number.
    Step(u64, Step),
    /// What somebody said of a finding.
    Mark(Mark),
}

/// Why a store did not do what it was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another process wrote meanwhile.
    #[error("another process wrote meanwhile")]
    Conflict,
    /// A later version, or none of ours.
    #[error("it has version {0}; this program knows version {VERSION}")]
    Version(i64),
    /// Something in it is not what was written.
    #[error("entry {0} is not what was written: {1}")]
    Damaged(i64, String),
    /// The file cannot be made.
    #[error("{0}")]
    File(#[from] std::io::Error),
    /// SQLite says no.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
}

impl Store {
    /// Opens the store in this file, or makes it.
    ///
    /// # Errors
    /// A file that cannot be opened or made, that is no store, of a later version, or damaged.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        owned(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        let _mode: String =
            connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
        // With FULL a committed transaction survives the loss of power, which NORMAL does not promise.
        connection.pragma_update(None, "synchronous", "full")?;
        let mut store = Self(connection);
        store.migrate()?;
        let check: String = store
            .0
            .pragma_query_value(None, "quick_check", |row| row.get(0))?;
        if check != "ok" {
            return Err(StoreError::Damaged(0, check));
        }
        Ok(store)
    }

    fn migrate(&mut self) -> Result<(), StoreError> {
        // Immediate: of two processes that make the store, one waits and then finds it made.
        let transaction = self
            .0
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let number = |name| transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let (version, application) = (number("user_version")?, number("application_id")?);
        if version == VERSION && application == APPLICATION {
            return Ok(());
        }
        let objects: i64 =
            transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if version != 0 || application != 0 || objects != 0 {
            return Err(StoreError::Version(version));
        }
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        transaction.commit()?;
        Ok(())
    }

    /// Reads every entry after a number, in order.
    ///
    /// # Errors
    /// A store that cannot be read, or an entry that is not what was written.
    pub fn after(&mut self, number: u64) -> Result<Vec<(u64, Entry)>, StoreError> {
        let number = i64::try_from(number).map_err(|_| StoreError::Conflict)?;
        let mut rows = self.0.prepare(
            "SELECT number, kind, exception, body FROM entry WHERE number > ?1 ORDER BY number",
        )?;
        let rows = rows.query_map([number], |row| {
            let kind: String = row.get(1)?;
            let body: String = row.get(3)?;
            Ok((
                row.get::<_, i64>(0)?,
                kind,
                row.get::<_, Option<i64>>(2)?,
                body,
            ))
        })?;
        let mut entries = Vec::new();
        for row in rows {
            let (number, kind, exception, body) = row?;
            let wrong =
                |error: &dyn std::fmt::Display| StoreError::Damaged(number, error.to_string());
            let positive = |number: i64| u64::try_from(number).map_err(|error| wrong(&error));
            let entry = match (kind.as_str(), exception) {
                ("exception", None) => Entry::Exception(Box::new(read(number, &body)?)),
                ("step", Some(exception)) => {
                    Entry::Step(positive(exception)?, read(number, &body)?)
                }
                ("mark", None) => Entry::Mark(read(number, &body)?),
                _ => return Err(wrong(&"its kind is unknown")),
            };
            entries.push((positive(number)?, entry));
        }
        Ok(entries)
    }

    /// Appends an entry after the one with this number, which has to be the last, and gives its number.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it is not. After any other error the entry may be kept or not: whoever called
    /// reads again.
    pub fn append(&mut self, last: u64, entry: &Entry) -> Result<u64, StoreError> {
        let (kind, exception, body) = match entry {
            Entry::Exception(terms) => ("exception", None, written(terms)?),
            Entry::Step(exception, step) => ("step", Some(*exception), written(step)?),
            Entry::Mark(mark) => ("mark", None, written(mark)?),
        };
        let signed = |number: u64| i64::try_from(number).map_err(|_| StoreError::Conflict);
        let exception = exception.map(signed).transpose()?;
        let transaction = self
            .0
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let kept: i64 =
            transaction.query_row("SELECT coalesce(max(number), 0) FROM entry", [], |row| {
                row.get(0)
            })?;
        if kept != signed(last)? {
            return Err(StoreError::Conflict);
        }
        let next = last.checked_add(1).ok_or(StoreError::Conflict)?;
        transaction.execute(
            "INSERT INTO entry (number, kind, exception, body) VALUES (?1, ?2, ?3, ?4)",
            params![signed(next)?, kind, exception, body],
        )?;
        // A crash before this leaves the store as it was.
        transaction.commit()?;
        Ok(next)
    }
}

fn written(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Damaged(0, error.to_string()))
}

fn read<T: DeserializeOwned>(number: i64, body: &str) -> Result<T, StoreError> {
    serde_json::from_str(body).map_err(|error| StoreError::Damaged(number, error.to_string()))
}

/// Makes the file if there is none, and keeps everybody but its owner out. SQLite gives its log the same permissions.
fn owned(path: &Path) -> std::io::Result<()> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let known = fs::symlink_metadata(path)?;
            // A link is not followed here and refused when the store is opened.
            if known.is_file() && known.permissions().mode() & 0o077 != 0 {
                fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
            }
            Ok(())
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::super::mark::Verdict;
    use super::*;

    fn mark(event: u64) -> Entry {
        Entry::Mark(Mark {
            event,
            rule: "sqli-union".to_owned(),
            portal: "staff".to_owned(),
            mark: Verdict::FalsePositive,
            note: String::new(),
            by: "u:chen".to_owned(),
            at_ms: 7,
        })
    }

    #[test]
    fn what_is_appended_is_read_by_another_process_and_nobody_overtakes_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("triage.db");
        let mut one = Store::open(&path).unwrap();
        assert_eq!(one.append(0, &mark(1)).unwrap(), 1);
        let mut other = Store::open(&path).unwrap();
        assert_eq!(other.after(0).unwrap(), [(1, mark(1))]);
        assert_eq!(other.append(1, &mark(2)).unwrap(), 2);
        assert!(matches!(one.append(1, &mark(3)), Err(StoreError::Conflict)));
        assert_eq!(one.after(1).unwrap(), [(2, mark(2))]);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn nothing_is_changed_or_removed_and_what_was_changed_otherwise_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("triage.db");
        let mut store = Store::open(&path).unwrap();
        store.append(0, &mark(1)).unwrap();
        assert!(store.0.execute("DELETE FROM entry", []).is_err());
        assert!(store.0.execute("UPDATE entry SET body = '{}'", []).is_err());
        store.0.execute("DROP TRIGGER entry_stays", []).unwrap();
        store.0.execute("UPDATE entry SET body = '{}'", []).unwrap();
        assert!(matches!(store.after(0), Err(StoreError::Damaged(1, _))));
    }

    #[test]
    fn what_is_no_store_of_ours_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("triage.db");
        fs::write(
            &path,
            "no database, whatever its name says, and long enough to be one",
        )
        .unwrap();
        assert!(Store::open(&path).is_err());
        fs::remove_file(&path).unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute("CREATE TABLE t (a)", []).unwrap();
        drop(other);
        assert!(matches!(Store::open(&path), Err(StoreError::Version(0))));
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), &path).unwrap();
        assert!(Store::open(&path).is_err());
    }
}
