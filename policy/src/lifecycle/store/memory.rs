//! A store that ends with the process: for tests, and for checking without writing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Loaded, Store, StoreError};
use crate::lifecycle::bundle::BundleId;
use crate::lifecycle::record::Sealed;

/// A store in memory. Clones are handles on the same store.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    /// Guards both lists, so that a reader sees a record together with its bundle.
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    records: Vec<Sealed>,
    bundles: BTreeMap<BundleId, Vec<u8>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn with<T>(&self, act: impl FnOnce(&mut Kept) -> T) -> T {
        act(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Store for MemoryStore {
    fn append(
        &mut self,
        record: &Sealed,
        bundle: Option<(&BundleId, &[u8])>,
    ) -> Result<(), StoreError> {
        self.with(|kept| {
            if record.number != (kept.records.len() as u64).saturating_add(1) {
                return Err(StoreError::Conflict {
                    number: record.number,
                });
            }
            if let Some((id, body)) = bundle {
                kept.bundles.entry(*id).or_insert_with(|| body.to_vec());
            }
            kept.records.push(record.clone());
            Ok(())
        })
    }

    fn load(&mut self) -> Result<Loaded, StoreError> {
        Ok(self.with(|kept| Loaded {
            records: kept.records.clone(),
            bundles: kept.bundles.keys().copied().collect(),
        }))
    }

    fn bundle(&mut self, id: &BundleId) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.with(|kept| kept.bundles.get(id).cloned()))
    }
}
