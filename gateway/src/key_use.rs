//! When each API key was last used, over a restart: keys that nobody uses any more can be found and taken away.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hangu_identity::api_key::ApiKeys;
use jiff::Timestamp;

use crate::gateway::Gateway;

/// The file's name in the state folder.
pub const FILE: &str = "api-keys-used.json";
/// The least time between two writes. Chosen: nobody asks to the minute whether a key is still in use.
const EVERY: Duration = Duration::from_secs(60);

/// The last use of each key, by the key's name.
pub type Uses = BTreeMap<String, Timestamp>;

/// Keeps when keys were last used.
#[derive(Debug)]
pub struct KeyUse {
    path: PathBuf,
    /// Guards what is known and the file alike; taken once a minute.
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    uses: Uses,
    /// Whether there is something that the file does not say.
    unwritten: bool,
}

/// What is kept in a file; nothing where there is none.
///
/// # Errors
/// When it cannot be read, or is not what was written.
pub fn read(path: &Path) -> io::Result<Uses> {
    match fs::read(path) {
        Ok(text) => Ok(serde_json::from_slice(&text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Uses::new()),
        Err(error) => Err(error),
    }
}

fn merge(into: &mut Uses, from: impl IntoIterator<Item = (String, Timestamp)>) -> bool {
    let mut newer = false;
    for (name, at) in from {
        let last = into.entry(name).or_insert(Timestamp::MIN);
        newer |= *last < at;
        *last = at.max(*last);
    }
    newer
}

impl KeyUse {
    /// Begins with what the file says. One that cannot be read is begun anew with a warning: no decision rests on it.
    pub fn open(path: PathBuf) -> Self {
        let uses = read(&path).unwrap_or_else(|error| {
            tracing::warn!(%error, path = %path.display(), "the last uses of API keys could not be read");
            Uses::new()
        });
        Self {
            path,
            known: Mutex::new(Known {
                uses,
                unwritten: false,
            }),
        }
    }

    /// Notes when these keys were last used; what was known of others stays.
    pub fn note(&self, keys: &ApiKeys) {
        let seen = keys.last_used();
        let seen = seen.into_iter().map(|(name, at)| (name.to_owned(), at));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let newer = merge(&mut known.uses, seen);
        known.unwritten |= newer;
    }

    /// Writes what is new, if anything is. Another process may have written as well while one takes over from the
    /// other; the later use counts.
    ///
    /// # Errors
    /// When it cannot be written; it stays to be written.
    pub fn write(&self) -> io::Result<()> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.unwritten {
            return Ok(());
        }
        if let Ok(written) = read(&self.path) {
            merge(&mut known.uses, written);
        }
        let temporary = self.path.with_extension("tmp");
        let mut file = File::create(&temporary)?;
        file.write_all(&serde_json::to_vec_pretty(&known.uses)?)?;
        file.sync_all()?;
        // A crash before this leaves the old file in place.
        fs::rename(&temporary, &self.path)?;
        known.unwritten = false;
        Ok(())
    }
}

/// Notes and writes what the keys in force say: at the end, and every minute before.
pub fn settle(gateway: &Gateway) {
    if let Some(keys) = &gateway.snapshot.load().identities.api_keys {
        gateway.key_use.note(keys);
    }
    if let Err(error) = gateway.key_use.write() {
        tracing::warn!(%error, "the last uses of API keys could not be written");
    }
}

/// Settles every minute until the process ends.
pub async fn keep(gateway: Arc<Gateway>) {
    loop {
        tokio::time::sleep(EVERY).await;
        let gateway = Arc::clone(&gateway);
        // A disk that hangs must not hold a thread that carries traffic.
        let _settled = tokio::task::spawn_blocking(move || settle(&gateway)).await;
    }
}

#[cfg(test)]
mod tests {
    use hangu_identity::api_key::{Pepper, generate};
    use hangu_identity::caller::CallerFile;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn keys(name: &str) -> (ApiKeys, String) {
        let pepper = Pepper::new(&[7; 32]).unwrap();
        let caller: CallerFile =
            serde_json::from_value(serde_json::json!({ "id": "svc:a", "kind": "service" }))
                .unwrap();
        let (key, record) = generate(name, caller, None, &pepper, at(0)).unwrap();
        (ApiKeys::new(pepper, vec![record]).unwrap(), key.to_string())
    }

    #[test]
    fn the_last_use_is_kept_over_a_restart_and_never_goes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let (keys, key) = keys("report");
        let first = KeyUse::open(path.clone());
        first.note(&keys);
        first.write().unwrap();
        assert!(!path.exists(), "nothing was used, nothing is written");
        keys.verify(&key, at(100)).unwrap();
        first.note(&keys);
        first.write().unwrap();
        let report = |uses: &Uses| uses.get("report").copied();
        assert_eq!(report(&read(&path).unwrap()), Some(at(100)));

        // Another process was later; this one knows another key besides.
        let later = KeyUse::open(path.clone());
        keys.verify(&key, at(300)).unwrap();
        later.note(&keys);
        later.write().unwrap();
        let (others, other) = self::keys("other");
        others.verify(&other, at(200)).unwrap();
        first.note(&others);
        first.write().unwrap();
        let kept = read(&path).unwrap();
        assert_eq!(
            (report(&kept), kept.get("other").copied()),
            (Some(at(300)), Some(at(200)))
        );
    }

    #[test]
    fn what_cannot_be_read_is_begun_anew_and_what_cannot_be_written_is_kept_for_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        fs::write(&path, "{ torn").unwrap();
        assert!(read(&path).is_err());
        let (keys, key) = keys("report");
        keys.verify(&key, at(9)).unwrap();
        let uses = KeyUse::open(path.clone());
        uses.note(&keys);
        fs::create_dir(path.with_extension("tmp")).unwrap();
        assert!(uses.write().is_err());
        fs::remove_dir(path.with_extension("tmp")).unwrap();
        uses.write().unwrap();
        assert_eq!(read(&path).unwrap().len(), 1);
    }
}
