//! The tables of live sessions, by id and by caller.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use jiff::Timestamp;

use super::{Key, Session, SessionLimitsFile, journal::Record};

#[derive(Debug, Default)]
pub(super) struct Live {
    pub(super) sessions: HashMap<Key, Arc<Session>>,
    pub(super) of_caller: HashMap<String, Vec<Key>>,
}

impl Live {
    pub(super) fn insert(&mut self, session: Arc<Session>) {
        self.of_caller
            .entry(session.caller.id.clone())
            .or_default()
            .push(session.key);
        self.sessions.insert(session.key, session);
    }

    pub(super) fn remove(&mut self, key: &Key) {
        let Some(session) = self.sessions.remove(key) else {
            return;
        };
        session.ended.store(true, Ordering::Release);
        if let Some(keys) = self.of_caller.get_mut(&session.caller.id) {
            keys.retain(|other| other != key);
            if keys.is_empty() {
                self.of_caller.remove(&session.caller.id);
            }
        }
    }

    /// Ends what must end so that `caller` may have one session more, or nothing if there is no room at all.
    pub(super) fn make_room(
        &mut self,
        caller: &str,
        limits: &SessionLimitsFile,
        now: Timestamp,
    ) -> Option<Vec<Key>> {
        let mut gone = Vec::new();
        while self
            .of_caller
            .get(caller)
            .is_some_and(|keys| keys.len() >= limits.per_caller)
        {
            let keys = self.of_caller.get(caller)?;
            let idle_longest = keys
                .iter()
                .min_by_key(|key| self.sessions.get(*key).map(|session| session.seen()));
            let key = *idle_longest?;
            self.remove(&key);
            gone.push(key);
        }
        if self.sessions.len() >= limits.total {
            let over: Vec<Key> = self
                .sessions
                .values()
                .filter(|s| !s.is_live(now))
                .map(|s| s.key)
                .collect();
            over.iter().for_each(|key| self.remove(key));
        }
        (self.sessions.len() < limits.total).then_some(gone)
    }

    pub(super) fn replay(&mut self, record: Record, limits: &SessionLimitsFile) {
        match record {
            Record::Open {
                key,
                caller,
                started,
                seen,
                certificate,
            } => {
                let session = Session::new(
                    key.0,
                    Arc::new(caller),
                    started,
                    certificate.map(|c| c.0),
                    seen,
                    limits,
                );
                self.insert(Arc::new(session));
            }
            Record::Seen { key, at } => {
                if let Some(session) = self.sessions.get(&key.0) {
                    session.seen.fetch_max(at.as_second(), Ordering::Relaxed);
                    session
                        .seen_written
                        .fetch_max(at.as_second(), Ordering::Relaxed);
                }
            }
            Record::End { key, .. } => self.remove(&key.0),
        }
    }
}
