//! A portal: which of the three it is, what it holds, and what has arrived at it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use crate::records::Records;

/// Arrivals that are remembered (chosen: more than any test sends and looks at).
const REMEMBERED: usize = 1_024;

/// Changed records that are kept (chosen); beyond, changes are refused.
const CHANGES: usize = 4_096;

/// Which portal it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The public service site, department `portal`.
    Public,
    /// The data exchange, department `exchange`.
    Exchange,
    /// The staff system, department `hr`.
    Staff,
}

impl Kind {
    /// Its name in answers to tests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Exchange => "exchange",
            Self::Staff => "staff",
        }
    }
}

/// What a member of staff has changed of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// A new mobile number.
    pub mobile: Option<String>,
    /// A new address.
    pub address: Option<String>,
    /// A new mailbox.
    pub email: Option<String>,
}

/// A portal while it runs.
#[derive(Debug)]
pub struct Portal {
    kind: Kind,
    records: Arc<Records>,
    /// Guards the last arrivals, so that a test can say what never reached a portal.
    arrivals: Mutex<VecDeque<String>>,
    /// Guards the changes, which outlive the connection that made them.
    changes: Mutex<BTreeMap<u64, Change>>,
}

impl Portal {
    /// A portal over records.
    #[must_use]
    pub const fn new(kind: Kind, records: Arc<Records>) -> Self {
        Self {
            kind,
            records,
            arrivals: Mutex::new(VecDeque::new()),
            changes: Mutex::new(BTreeMap::new()),
        }
    }

    /// Which portal this is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// What it holds.
    #[must_use]
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// The records themselves, for an answer that outlives the request.
    #[must_use]
    pub fn shared_records(&self) -> Arc<Records> {
        Arc::clone(&self.records)
    }

    /// The last 1,024 requests that arrived, oldest first, as `METHOD target`; health checks are left out.
    #[must_use]
    pub fn arrivals(&self) -> Vec<String> {
        self.arrivals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }

    pub(crate) fn arrived(&self, line: String) {
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        if arrivals.len() == REMEMBERED {
            arrivals.pop_front();
        }
        arrivals.push_back(line);
    }

    pub(crate) fn change_of(&self, id: u64) -> Change {
        self.changes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned()
            .unwrap_or_default()
    }

    /// Keeps a change over what was changed before; false where there is no room for another person's.
    pub(crate) fn change(&self, id: u64, change: Change) -> bool {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        if changes.len() >= CHANGES && !changes.contains_key(&id) {
            return false;
        }
        let kept = changes.entry(id).or_default();
        kept.mobile = change.mobile.or(kept.mobile.take());
        kept.address = change.address.or(kept.address.take());
        kept.email = change.email.or(kept.email.take());
        true
    }
}
