//! Where records and bundles are kept.

pub mod memory;
pub mod sqlite;

use super::bundle::BundleId;
use super::record::Sealed;

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process appended first.
    #[error("record {number} does not follow the last one kept; another process wrote meanwhile")]
    Conflict {
        /// Number that was to be appended.
        number: u64,
    },
    /// A bundle under a name that is not its content's, or a record that names no bundle kept.
    #[error("bundle `{0}` is not kept under its own name")]
    Bundle(BundleId),
    /// A store of a later version, or none of ours.
    #[error("the store has version {found}; this program knows version {known}")]
    Version {
        /// Version of the store.
        found: i64,
        /// Version that is known.
        known: i64,
    },
    /// The store is damaged.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The store cannot be used.
    #[error("cannot use the store `{path}`: {message}")]
    Unusable {
        /// File.
        path: String,
        /// What the system said.
        message: String,
    },
}

/// What a store holds at one moment.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Every record, in order of its number.
    pub records: Vec<Sealed>,
    /// Name of every bundle.
    pub bundles: Vec<BundleId>,
}

/// Keeps records and bundles. What was appended is never changed and survives the end of the process.
pub trait Store: Send {
    /// Appends the record that follows the last one, and a bundle if it is not kept yet, both or neither.
    ///
    /// # Errors
    ///
    /// After any error but [`StoreError::Conflict`] the record may be kept or not; whoever called must read
    /// again before appending more.
    fn append(
        &mut self,
        record: &Sealed,
        bundle: Option<(&BundleId, &[u8])>,
    ) -> Result<(), StoreError>;

    /// Reads everything but the content of bundles, as of one moment.
    ///
    /// # Errors
    ///
    /// A store that cannot be read.
    fn load(&mut self) -> Result<Loaded, StoreError>;

    /// Reads one bundle; `None` if there is none under this name.
    ///
    /// # Errors
    ///
    /// A store that cannot be read.
    fn bundle(&mut self, id: &BundleId) -> Result<Option<Vec<u8>>, StoreError>;
}
