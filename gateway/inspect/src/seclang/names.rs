//! The variables of a transaction that rules name: each has a slot, so that reading one is no search.

use std::collections::{HashMap, HashSet};

use super::target::Collection;

/// Names of TX and their slots. The first ten are the groups that an expression captured.
#[derive(Debug)]
pub(super) struct Names {
    slots: HashMap<String, usize>,
    names: Vec<String>,
    mentioned: HashSet<Collection>,
}

/// How many groups are kept, the whole match included.
pub(super) const GROUPS: usize = 10;

impl Default for Names {
    fn default() -> Self {
        let names: Vec<String> = (0..GROUPS).map(|n| n.to_string()).collect();
        Self {
            slots: names.iter().cloned().zip(0..).collect(),
            names,
            mentioned: HashSet::new(),
        }
    }
}

impl Names {
    /// Returns the slot of a name, a new one if need be.
    pub(super) fn slot(&mut self, name: &str) -> usize {
        let name = name.to_ascii_lowercase();
        if let Some(&slot) = self.slots.get(&name) {
            return slot;
        }
        let slot = self.names.len();
        self.slots.insert(name.clone(), slot);
        self.names.push(name);
        slot
    }

    /// Returns the slot of a name that was made during a transaction, if rules name it too.
    pub(super) fn known(&self, name: &str) -> Option<usize> {
        self.slots.get(name).copied()
    }

    /// Returns the name of a slot, in lower case.
    pub(super) fn name(&self, slot: usize) -> &str {
        self.names.get(slot).map_or("", String::as_str)
    }

    /// Notes that a rule looks at a collection.
    pub(super) fn mention(&mut self, collection: Collection) {
        self.mentioned.insert(collection);
    }

    /// Says whether any rule looks at a collection.
    pub(super) fn mentions(&self, collection: Collection) -> bool {
        self.mentioned.contains(&collection)
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }
}
