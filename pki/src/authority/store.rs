//! The state folder: whole files replaced atomically, lines appended durably, one writer at a time.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::AuthorityError;

const LOCK: &str = "lock";

/// A folder that only its owner can enter.
#[derive(Debug)]
pub(super) struct Folder {
    dir: PathBuf,
}

/// The right to change the folder; given back when dropped, or when the process dies.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Its owner: 0600.
    Secret,
    /// Whoever can enter the folder, and every copy of it: 0644.
    Public,
}

impl Folder {
    /// Creates the folder and its parents, or takes an existing one and closes it to others.
    pub(super) fn create(dir: &Path) -> Result<Self, AuthorityError> {
        let folder = Self {
            dir: dir.to_owned(),
        };
        let make = || {
            fault::point()?;
            DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
            fs::set_permissions(dir, fs::Permissions::from_mode(0o700))
        };
        make().map_err(|source| folder.io("", source))?;
        Ok(folder)
    }

    /// Takes a folder that holds an authority.
    pub(super) fn open(dir: &Path) -> Result<Self, AuthorityError> {
        let folder = Self {
            dir: dir.to_owned(),
        };
        if folder.contains(super::STATE) {
            Ok(folder)
        } else {
            Err(AuthorityError::Absent(dir.to_owned()))
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Waits until no other process changes or reads the folder. Operations are short, so waiting is short.
    pub(super) fn lock(&self) -> Result<Lock, AuthorityError> {
        self.locked(File::lock)
    }

    /// Waits until no other process changes the folder, to read it in one state.
    pub(super) fn lock_shared(&self) -> Result<Lock, AuthorityError> {
        self.locked(File::lock_shared)
    }

    fn locked(&self, take: impl Fn(&File) -> io::Result<()>) -> Result<Lock, AuthorityError> {
        let locked = || {
            fault::point()?;
            // A folder that came back from a backup may lack the file.
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .mode(0o600)
                .open(self.path(LOCK))?;
            take(&file)?;
            Ok(Lock { _file: file })
        };
        locked().map_err(|source| self.io(LOCK, source))
    }

    pub(super) fn read_text(&self, name: &str) -> Result<String, AuthorityError> {
        fs::read_to_string(self.path(name)).map_err(|source| self.io(name, source))
    }

    /// Reads a file that must not be readable by others.
    pub(super) fn read_secret(&self, name: &str) -> Result<Zeroizing<String>, AuthorityError> {
        let path = self.path(name);
        let mode = fs::metadata(&path)
            .map_err(|source| self.io(name, source))?
            .permissions()
            .mode()
            & 0o777;
        if mode & 0o077 != 0 {
            return Err(AuthorityError::Exposed { path, mode });
        }
        self.read_text(name).map(Zeroizing::new)
    }

    /// Reads what follows the first `offset` bytes of a file. A file that is not there is empty.
    pub(super) fn read_from(&self, name: &str, offset: u64) -> Result<Vec<u8>, AuthorityError> {
        let read = || {
            let mut file = match File::open(self.path(name)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                opened => opened?,
            };
            file.seek(SeekFrom::Start(offset))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(|source| self.io(name, source))
    }

    /// Replaces a file as a whole: after a crash it is the old one or the new one.
    pub(super) fn write(
        &self,
        _lock: &Lock,
        name: &str,
        bytes: &[u8],
        mode: Mode,
    ) -> Result<(), AuthorityError> {
        let temporary = self.path(&format!(".{name}.tmp"));
        let replace = || {
            fault::point()?;
            // Left behind by a crash: ours, since we hold the lock.
            match fs::remove_file(&temporary) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let bits = match mode {
                Mode::Secret => 0o600,
                Mode::Public => 0o644,
            };
            let mut file = OpenOptions::new()
                .create_new(true)
                .write(true)
                .mode(bits)
                .open(&temporary)?;
            fault::point()?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fault::point()?;
            fs::rename(&temporary, self.path(name))?;
            fault::point()?;
            self.sync()
        };
        replace().map_err(|source| self.io(name, source))
    }

    /// Cuts a file to `length` and appends `line`; it is on disk when this returns.
    pub(super) fn append(
        &self,
        _lock: &Lock,
        name: &str,
        length: u64,
        line: &[u8],
    ) -> Result<(), AuthorityError> {
        let append = || {
            fault::point()?;
            let mut file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .mode(0o600)
                .open(self.path(name))?;
            // Whatever stands after the last whole line was torn by a crash and never acknowledged.
            file.set_len(length)?;
            file.seek(SeekFrom::End(0))?;
            fault::point()?;
            file.write_all(line)?;
            fault::point()?;
            file.sync_all()?;
            fault::point()?;
            self.sync()
        };
        append().map_err(|source| self.io(name, source))
    }

    /// Makes renames and new files in the folder durable.
    fn sync(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }

    pub(super) fn damaged(&self, name: &str, fault: &str) -> AuthorityError {
        AuthorityError::Damaged {
            path: self.path(name),
            fault: fault.to_owned(),
        }
    }

    fn io(&self, name: &str, source: io::Error) -> AuthorityError {
        let path = if name.is_empty() {
            self.dir.clone()
        } else {
            self.path(name)
        };
        AuthorityError::Io { path, source }
    }
}

/// Where a test can make the disk fail or the process die; nothing at all elsewhere.
pub(super) mod fault {
    #[cfg(test)]
    thread_local! {
        static LEFT: std::cell::Cell<Option<usize>> = const { std::cell::Cell::new(None) };
    }

    /// Lets the next `count` points pass and fails all later ones, as a process does that is gone.
    #[cfg(test)]
    pub(crate) fn after(count: Option<usize>) {
        LEFT.set(count);
    }

    #[cfg(test)]
    pub(super) fn point() -> std::io::Result<()> {
        match LEFT.get() {
            None => Ok(()),
            Some(0) => Err(std::io::Error::other("injected")),
            Some(left) => {
                LEFT.set(Some(left - 1));
                Ok(())
            }
        }
    }

    #[cfg(not(test))]
    #[expect(clippy::unnecessary_wraps, reason = "in tests it fails")]
    pub(super) const fn point() -> std::io::Result<()> {
        Ok(())
    }
}
