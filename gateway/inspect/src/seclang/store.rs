//! Collections that outlive an exchange: `ip`, `global`, `session`, `user`, `resource`.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use super::target::Collection;

/// Records kept in all; the one that was used longest ago makes room. Chosen.
const RECORDS: usize = 20_000;
/// Variables in one record. Chosen.
const VARIABLES: usize = 64;

/// One variable: what it holds, and when it ends, as time since 1970.
pub(super) type Entry = (Vec<u8>, Option<Duration>);

/// The variables of one record, by name in lower case.
pub(super) type Record = HashMap<Vec<u8>, Entry>;

/// Which collection, and which record of it.
type Key = (Collection, Vec<u8>);

/// All records.
#[derive(Debug)]
pub(super) struct Store {
    timeout: Duration,
    /// Guards the records for as long as one is copied in or out, so that each change is whole.
    records: Mutex<HashMap<Key, (Duration, Record)>>,
}

impl Store {
    /// Makes a store that forgets a record unused for `timeout` seconds.
    pub(super) fn new(timeout: u64) -> Self {
        Self {
            timeout: Duration::from_secs(timeout),
            records: Mutex::default(),
        }
    }

    /// Returns a record without what has ended.
    pub(super) fn open(&self, collection: Collection, key: &[u8], now: Duration) -> Record {
        let records = self
            .records
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let Some((used, record)) = records.get(&(collection, key.to_vec())) else {
            return Record::new();
        };
        if now.saturating_sub(*used) > self.timeout {
            return Record::new();
        }
        record
            .iter()
            .filter(|(_, (_, end))| end.is_none_or(|end| end > now))
            .map(|(name, entry)| (name.clone(), entry.clone()))
            .collect()
    }

    /// Changes one variable: numbers add up also when exchanges run at the same time.
    pub(super) fn change(
        &self,
        collection: Collection,
        key: &[u8],
        now: Duration,
        name: &[u8],
        change: impl FnOnce(Option<Entry>) -> Option<Entry>,
    ) {
        let mut records = self
            .records
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let place = (collection, key.to_vec());
        if records.len() >= RECORDS && !records.contains_key(&place) {
            let timeout = self.timeout;
            records.retain(|_, (used, _)| now.saturating_sub(*used) <= timeout);
            if records.len() >= RECORDS
                && let Some(oldest) = records
                    .iter()
                    .min_by_key(|(_, (used, _))| *used)
                    .map(|(place, _)| place.clone())
            {
                records.remove(&oldest);
            }
        }
        let (used, record) = records.entry(place).or_insert_with(|| (now, Record::new()));
        if now.saturating_sub(*used) > self.timeout {
            record.clear();
        }
        *used = now;
        let before = record
            .remove(name)
            .filter(|(_, end)| end.is_none_or(|end| end > now));
        if let Some(after) = change(before)
            && record.len() < VARIABLES
        {
            record.insert(name.to_vec(), after);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_variable_ends_when_it_should_and_a_record_when_unused() {
        let store = Store::new(100);
        store.change(Collection::Ip, b"a", at(0), b"n", |_| {
            Some((b"1".to_vec(), Some(at(10))))
        });
        store.change(Collection::Ip, b"a", at(1), b"m", |_| {
            Some((b"2".to_vec(), None))
        });
        assert_eq!(store.open(Collection::Ip, b"a", at(9)).len(), 2);
        assert_eq!(store.open(Collection::Ip, b"a", at(10)).len(), 1);
        assert_eq!(store.open(Collection::Ip, b"b", at(9)).len(), 0);
        assert_eq!(store.open(Collection::Global, b"a", at(9)).len(), 0);
        assert_eq!(store.open(Collection::Ip, b"a", at(102)).len(), 0);
    }

    #[test]
    fn records_stay_within_their_bound() {
        let store = Store::new(1_000_000);
        for n in 0..RECORDS as u64 + 50 {
            store.change(Collection::Ip, &n.to_be_bytes(), at(n), b"n", |_| {
                Some((Vec::new(), None))
            });
        }
        assert_eq!(store.records.lock().unwrap().len(), RECORDS);
        assert_eq!(
            store.open(Collection::Ip, &0u64.to_be_bytes(), at(1)).len(),
            0
        );
    }
}
