//! The few things the writer asks of a file system, so that a test can make each of them fail.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

/// A place for files.
pub(crate) trait Store: Send {
    /// Opens a file for writing, made if it is missing.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Output>>;

    /// Puts a file in place whole and on disk: a crash leaves the old one or the new one.
    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
}

/// A file being written.
pub(crate) trait Output: Send {
    /// Writes all bytes at a place.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Cuts or extends the file.
    fn set_len(&mut self, length: u64) -> io::Result<()>;

    /// Returns when everything written is on disk.
    fn sync(&mut self) -> io::Result<()>;
}

/// The file system.
pub(crate) struct Disk;

impl Store for Disk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o640)
            .open(path)?;
        Ok(Box::new(file))
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut name = path.as_os_str().to_owned();
        name.push(UNFINISHED);
        let unfinished = Path::new(&name);
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o640)
            .open(unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        // A crash here leaves the unfinished file beside the old one; the next opening removes it.
        fs::rename(unfinished, path)?;
        if let Some(dir) = path.parent() {
            File::open(dir)?.sync_all()?;
        }
        Ok(())
    }
}

/// What the name of a file ends with until it is whole.
pub(crate) const UNFINISHED: &str = ".new";

impl Output for File {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn set_len(&mut self, length: u64) -> io::Result<()> {
        Self::set_len(self, length)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}
