//! Parts of a body that cannot be read, and what becomes of them.

use std::fmt;

/// What becomes of a part that cannot be read: an image, a sealed archive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unreadable {
    /// The body fails.
    #[default]
    Refuse,
    /// It passes as it is, and is listed.
    Pass,
    /// Nothing stands in its place, and it is listed.
    Empty,
}

/// What is wrong with a part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// It is of a type that cannot be read.
    #[error("a part of the body, `{0}`, cannot be redacted")]
    Unreadable(String),
    /// The lines before it are longer than is read, or no header.
    #[error("the head of a part is malformed, or longer than {limit} bytes")]
    Head {
        /// The limit, in bytes.
        limit: usize,
    },
    /// Parts stand in parts in parts.
    #[error("the parts of the body are nested deeper than {limit}")]
    TooDeep {
        /// The limit.
        limit: u8,
    },
    /// The body ends before its parts do.
    #[error("the body ends before its last part does")]
    Truncated,
    /// The archive is not what it says, or uses what is not read: encryption, other methods than deflate, several disks.
    #[error("the archive cannot be read: {0}")]
    Archive(&'static str),
    /// A message of Protocol Buffers is not what it says.
    #[error("the message cannot be read: {0}")]
    Message(&'static str),
    /// More would have to be held than is allowed.
    #[error("a part of the body must be held whole and has more than {limit} bytes")]
    Held {
        /// The limit, in bytes.
        limit: usize,
    },
}

/// The parts that were not read, of which the first are named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unread {
    names: Vec<String>,
    count: u64,
}

/// Names that are kept: chosen.
const NAMES_MAX: usize = 8;

impl Unread {
    pub(crate) const NONE: &'static Self = &Self {
        names: Vec::new(),
        count: 0,
    };

    pub(crate) fn add(&mut self, name: String) {
        self.count += 1;
        if self.names.len() < NAMES_MAX {
            self.names.push(name);
        }
    }

    pub(crate) fn join(&mut self, other: &Self) {
        self.count += other.count;
        let room = NAMES_MAX - self.names.len();
        self.names.extend(other.names.iter().take(room).cloned());
    }

    /// Returns how many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns the types or names of the first of them, up to eight.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} unread: {}", self.count, self.names.join(", "))
    }
}
