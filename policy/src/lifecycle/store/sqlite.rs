//! The store in one SQLite file.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior, params};

use super::{Loaded, Store, StoreError};
use crate::lifecycle::bundle::BundleId;
use crate::lifecycle::record::Sealed;

/// A store in one file that only its owner can read, with SQLite's log beside it.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    path: PathBuf,
}

/// Version of the tables, kept as `user_version`.
const VERSION: i64 = 1;

/// Tells our files from others: `hgpl`, kept as `application_id`.
const APPLICATION: i64 = 0x6867_706c;

/// How long another process may hold the file before an append fails; chosen.
const PATIENCE: Duration = Duration::from_secs(5);

/// What version 1 is made of. The triggers are for the careless; the signatures are for everybody else.
const TABLES: &str = "
CREATE TABLE bundle (
  id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 32),
  body BLOB NOT NULL
) STRICT;
CREATE TABLE record (
  number INTEGER PRIMARY KEY NOT NULL CHECK (number > 0),
  bundle BLOB REFERENCES bundle (id),
  body BLOB NOT NULL,
  signature BLOB NOT NULL CHECK (length(signature) = 64)
) STRICT;
CREATE TRIGGER record_stays BEFORE UPDATE ON record BEGIN SELECT RAISE(ABORT, 'records are never changed'); END;
CREATE TRIGGER record_remains BEFORE DELETE ON record BEGIN SELECT RAISE(ABORT, 'records are never removed'); END;
CREATE TRIGGER bundle_stays BEFORE UPDATE ON bundle BEGIN SELECT RAISE(ABORT, 'bundles are never changed'); END;
CREATE TRIGGER bundle_remains BEFORE DELETE ON bundle BEGIN SELECT RAISE(ABORT, 'bundles are never removed'); END;
";

impl SqliteStore {
    /// Opens the store in this file, or makes it.
    ///
    /// # Errors
    ///
    /// A file that cannot be opened or made, that is no store, of a later version, or damaged.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let unusable = |message: String| StoreError::Unusable {
            path: path.display().to_string(),
            message,
        };
        owned(path).map_err(|error| unusable(error.to_string()))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let connection = Connection::open_with_flags(path, flags)
            .map_err(|error| unusable(error.to_string()))?;
        let mut store = Self {
            connection,
            path: path.to_owned(),
        };
        store.prepare()?;
        Ok(store)
    }

    fn prepare(&mut self) -> Result<(), StoreError> {
        let result = self.connection.busy_timeout(PATIENCE);
        self.told(result)?;
        let result = self.connection.pragma_update(None, "trusted_schema", false);
        self.told(result)?;
        let result = self.connection.pragma_update(None, "foreign_keys", true);
        self.told(result)?;
        let result = self
            .connection
            .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0));
        if self.told(result)? != "wal" {
            return Err(self.unusable("its file system cannot keep a write-ahead log"));
        }
        // With FULL a committed transaction survives the loss of power, which NORMAL does not promise.
        let result = self.connection.pragma_update(None, "synchronous", "full");
        self.told(result)?;
        self.migrate()?;
        let result = self
            .connection
            .pragma_query_value(None, "quick_check", |row| row.get::<_, String>(0));
        let answer = self.told(result)?;
        if answer != "ok" {
            return Err(StoreError::Damaged(answer));
        }
        Ok(())
    }

    /// Brings the tables to the present version.
    fn migrate(&mut self) -> Result<(), StoreError> {
        let result = (|| {
            // Immediate: of two processes that make the store, one waits and then finds it made.
            let transaction = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            let number = |name| transaction.pragma_query_value(None, name, |row| row.get(0));
            let (version, application): (i64, i64) =
                (number("user_version")?, number("application_id")?);
            if version == VERSION && application == APPLICATION {
                return Ok(Ok(()));
            }
            let objects: i64 =
                transaction
                    .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
            if version != 0 || application != 0 || objects != 0 {
                return Ok(Err(version));
            }
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
            transaction.commit()?;
            Ok(Ok(()))
        })();
        self.told(result)?.map_err(|found| StoreError::Version {
            found,
            known: VERSION,
        })
    }

    fn unusable(&self, message: &str) -> StoreError {
        StoreError::Unusable {
            path: self.path.display().to_string(),
            message: message.to_owned(),
        }
    }

    fn told<T>(&self, result: rusqlite::Result<T>) -> Result<T, StoreError> {
        result.map_err(|error| match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
                StoreError::Damaged(error.to_string())
            }
            _ => self.unusable(&error.to_string()),
        })
    }
}

/// Makes the file if there is none, and keeps everybody but its owner out. SQLite gives its log the same
/// permissions.
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

impl Store for SqliteStore {
    fn append(
        &mut self,
        record: &Sealed,
        bundle: Option<(&BundleId, &[u8])>,
    ) -> Result<(), StoreError> {
        let number = i64::try_from(record.number).map_err(|_| StoreError::Conflict {
            number: record.number,
        })?;
        let result = (|| {
            let transaction = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            let last: i64 = transaction.query_row(
                "SELECT coalesce(max(number), 0) FROM record",
                [],
                |row| row.get(0),
            )?;
            if last.checked_add(1) != Some(number) {
                return Ok(false);
            }
            if let Some((id, body)) = bundle {
                transaction.execute(
                    "INSERT INTO bundle (id, body) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING",
                    params![id.bytes(), body],
                )?;
            }
            transaction.execute(
                "INSERT INTO record (number, bundle, body, signature) VALUES (?1, ?2, ?3, ?4)",
                params![
                    number,
                    bundle.map(|(id, _)| id.bytes()),
                    record.body,
                    record.signature
                ],
            )?;
            // A crash before this leaves the store as it was; after it, record and bundle are both kept.
            transaction.commit()?;
            Ok(true)
        })();
        if self.told(result)? {
            Ok(())
        } else {
            Err(StoreError::Conflict {
                number: record.number,
            })
        }
    }

    fn load(&mut self) -> Result<Loaded, StoreError> {
        let result = (|| {
            let transaction = self.connection.transaction()?;
            let mut records = transaction
                .prepare("SELECT number, body, signature FROM record ORDER BY number")?;
            let records = records.query_map([], |row| {
                Ok(Sealed {
                    number: u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0),
                    body: row.get(1)?,
                    signature: row.get(2)?,
                })
            })?;
            let records = records.collect::<rusqlite::Result<_>>()?;
            let mut bundles = transaction.prepare("SELECT id FROM bundle ORDER BY id")?;
            let bundles = bundles.query_map([], |row| row.get::<_, [u8; 32]>(0).map(Into::into))?;
            let bundles = bundles.collect::<rusqlite::Result<_>>()?;
            Ok(Loaded { records, bundles })
        })();
        self.told(result)
    }

    fn bundle(&mut self, id: &BundleId) -> Result<Option<Vec<u8>>, StoreError> {
        let result = self
            .connection
            .query_row(
                "SELECT body FROM bundle WHERE id = ?1",
                [id.bytes()],
                |row| row.get(0),
            )
            .optional();
        self.told(result)
    }
}
