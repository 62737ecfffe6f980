//! Keys that the gateway makes for itself where there is none yet.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Reads a key file, or makes it: readable by its owner alone, whole or not there.
///
/// # Errors
/// When it can be neither read nor made.
pub fn load_or_make(
    path: &Path,
    make: impl FnOnce() -> Result<Vec<u8>, String>,
) -> Result<Vec<u8>, String> {
    match fs::read(path) {
        Ok(bytes) => return Ok(bytes),
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(format!("cannot be read: {error}"));
        }
        Err(_) => {}
    }
    let bytes = make()?;
    write_private(path, &bytes).map_err(|e| format!("cannot be written: {e}"))?;
    Ok(bytes)
}

/// Random bytes for a key.
///
/// # Errors
/// When the system gives none.
pub fn random(length: usize) -> Result<Vec<u8>, String> {
    let mut key = vec![0; length];
    aws_lc_rs::rand::fill(&mut key)
        .map_err(|_| "the operating system gives no random numbers".to_owned())?;
    Ok(key)
}

/// Writes a secret so that only its owner can read it.
///
/// # Errors
/// When the system refuses.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let temporary = path.with_extension("tmp");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    // A crash here leaves only the temporary file, which the next start overwrites.
    fs::rename(&temporary, path)
}
