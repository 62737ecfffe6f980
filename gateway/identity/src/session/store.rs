//! All sessions of the gateway: starting, finding and ending them.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
    atomic::Ordering,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{
    HANDLE_LENGTH, JournalError, Key, Session, SessionId, SessionInfo, SessionJournal,
    SessionRefusal,
    journal::{Durability, Log, Record, Sharing},
    key_of,
    live::Live,
};
use crate::{caller::Caller, random};

/// How long sessions last and how many there may be, as written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct SessionLimitsFile {
    /// Longest time between two requests. Defaults to 30 min.
    #[schemars(with = "String")]
    pub idle: SignedDuration,
    /// Longest time since signing in, whatever happens in between. Defaults to 12 h.
    #[schemars(with = "String")]
    pub absolute: SignedDuration,
    /// Most sessions of one caller; one more ends the one that was idle longest. Defaults to 10.
    pub per_caller: usize,
    /// Most sessions in all; beyond, signing in is refused. Defaults to 1,000,000.
    pub total: usize,
}

impl Default for SessionLimitsFile {
    fn default() -> Self {
        Self {
            idle: SignedDuration::from_mins(30),
            absolute: SignedDuration::from_hours(12),
            per_caller: 10,
            total: 1_000_000,
        }
    }
}

/// Why sessions cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum SessionSetupError {
    /// A limit that must be positive is not.
    #[error("`{0}` must be more than nothing")]
    NotPositive(&'static str),
    /// Idle sessions would outlive the absolute limit.
    #[error("`idle` is longer than `absolute`")]
    Order,
    /// What is on disk cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Why a session was not started.
#[derive(Debug, thiserror::Error)]
pub enum SessionStartError {
    /// There are as many sessions as there may be.
    #[error("there are as many sessions as there may be")]
    Full,
    /// The session to be replaced is not there any more.
    #[error("the session has ended")]
    Ended,
    /// No random bytes.
    #[error("no random bytes can be had")]
    Random,
    /// It could not be written down.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// All sessions of this gateway.
pub struct Sessions {
    limits: SessionLimitsFile,
    // Guards the tables. Requests only read; starting and ending write. Never held while writing to disk.
    live: RwLock<Live>,
    // Guards the journal's order, and makes changes one at a time. Taken before `live`, never after.
    log: Mutex<Log>,
}

impl Sessions {
    /// Sessions without a past, or with the one the journal tells.
    ///
    /// # Errors
    ///
    /// When the limits make no sense, or the journal cannot be written.
    pub fn open(
        limits: SessionLimitsFile,
        journal: impl SessionJournal + 'static,
        past: Vec<Record>,
        now: Timestamp,
    ) -> Result<Self, SessionSetupError> {
        for (name, positive) in [
            ("idle", limits.idle.is_positive()),
            ("absolute", limits.absolute.is_positive()),
            ("per-caller", limits.per_caller > 0),
            ("total", limits.total > 0),
        ] {
            if !positive {
                return Err(SessionSetupError::NotPositive(name));
            }
        }
        if limits.idle > limits.absolute {
            return Err(SessionSetupError::Order);
        }
        let mut live = Live::default();
        let lines = past.len();
        for record in past {
            live.replay(record, &limits);
        }
        let sessions = Self {
            limits,
            live: RwLock::new(live),
            log: Mutex::new(Log::new(Box::new(journal), lines)),
        };
        sessions.sweep(now)?;
        Ok(sessions)
    }

    /// Starts a session after signing in. Its id is always new: `previous`, the cookie the browser came with, is never
    /// adopted, and if it was a session it ends here.
    ///
    /// # Errors
    ///
    /// When there are too many sessions, or the session could not be written down.
    pub fn start(
        &self,
        caller: Arc<Caller>,
        previous: Option<&str>,
        certificate: Option<[u8; 32]>,
        now: Timestamp,
    ) -> Result<SessionId, SessionStartError> {
        let previous = previous.and_then(key_of);
        self.replace(previous, now, |_| Some((caller, now, certificate)))
    }

    /// Gives a session a new id, and a new caller if stepping up changed it. The time since signing in goes on.
    ///
    /// # Errors
    ///
    /// When the session has ended, or the change could not be written down.
    pub fn rotate(
        &self,
        id: &str,
        caller: Option<Arc<Caller>>,
        now: Timestamp,
    ) -> Result<SessionId, SessionStartError> {
        let key = key_of(id).ok_or(SessionStartError::Ended)?;
        self.replace(Some(key), now, |old| {
            let old = old.filter(|session| session.is_live(now))?;
            Some((
                caller.unwrap_or_else(|| Arc::clone(&old.caller)),
                old.started,
                old.certificate,
            ))
        })
    }

    /// The session that a cookie opens, used at this moment.
    ///
    /// # Errors
    ///
    /// When there is none, it has ended, or it belongs to another certificate.
    pub fn find(
        &self,
        id: &str,
        certificate: Option<&[u8; 32]>,
        now: Timestamp,
    ) -> Result<Arc<Session>, SessionRefusal> {
        let key = key_of(id).ok_or(SessionRefusal::Malformed)?;
        let session = self
            .read()
            .sessions
            .get(&key)
            .map(Arc::clone)
            .ok_or(SessionRefusal::Ended)?;
        session.check(now)?;
        if session.certificate.is_some() && session.certificate.as_ref() != certificate {
            return Err(SessionRefusal::OtherCertificate);
        }
        session.seen.fetch_max(now.as_second(), Ordering::Relaxed);
        self.note_use(&session, now);
        Ok(session)
    }

    /// Ends a session: signing out. Whether there was one.
    ///
    /// It ends at once; the return says that it also stays ended after a restart.
    ///
    /// # Errors
    ///
    /// When that could not be written down.
    pub fn end(&self, id: &str, now: Timestamp) -> Result<bool, JournalError> {
        let Some(key) = key_of(id) else {
            return Ok(false);
        };
        Ok(self.end_keys(&[key], now)? == 1)
    }

    /// Ends the sessions whose handle begins with this text of at least 16 characters. How many there were.
    ///
    /// # Errors
    ///
    /// When that could not be written down.
    pub fn end_handle(&self, handle: &str, now: Timestamp) -> Result<usize, JournalError> {
        if handle.len() < HANDLE_LENGTH {
            return Ok(0);
        }
        self.end_where(now, |session| session.handle() == handle)
    }

    /// Ends all sessions of a caller. How many there were.
    ///
    /// # Errors
    ///
    /// When that could not be written down.
    pub fn end_caller(&self, caller: &str, now: Timestamp) -> Result<usize, JournalError> {
        let keys = self
            .read()
            .of_caller
            .get(caller)
            .cloned()
            .unwrap_or_default();
        self.end_keys(&keys, now)
    }

    /// Ends every session that a question is answered with yes for: of identities that were taken out, say.
    ///
    /// # Errors
    ///
    /// When that could not be written down.
    pub fn end_where(
        &self,
        now: Timestamp,
        ends: impl Fn(&Session) -> bool,
    ) -> Result<usize, JournalError> {
        let keys: Vec<Key> = self
            .read()
            .sessions
            .values()
            .filter(|s| ends(s))
            .map(|s| s.key)
            .collect();
        self.end_keys(&keys, now)
    }

    /// Takes out sessions whose time is over, and shortens the journal when most of it is past. How many ended.
    ///
    /// # Errors
    ///
    /// When the journal could not be shortened.
    pub fn sweep(&self, now: Timestamp) -> Result<usize, JournalError> {
        let mut log = self.lock_log();
        let mut live = self.write();
        let over: Vec<Key> = live
            .sessions
            .values()
            .filter(|s| !s.is_live(now))
            .map(|s| s.key)
            .collect();
        over.iter().for_each(|key| live.remove(key));
        drop(live);
        self.compact(&mut log)?;
        Ok(over.len())
    }

    /// Takes over what another process wrote into the same journal since it was read: while an old gateway finishes
    /// its connections beside a new one, each must know the sign-outs of the other. How many sessions came or went.
    ///
    /// Both must have said [`Sessions::share`] before.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub fn catch_up(&self, now: Timestamp) -> Result<usize, JournalError> {
        let mut log = self.lock_log();
        let mut told = Live::default();
        let records = log.read_again()?;
        let ended: Vec<Key> = records.iter().filter_map(Record::ended).collect();
        for record in records {
            told.replay(record, &self.limits);
        }
        let mut live = self.write();
        let before = live.sessions.len();
        ended.iter().for_each(|key| live.remove(key));
        let mut changes = before - live.sessions.len();
        for (key, session) in told.sessions {
            if session.is_live(now) && !live.sessions.contains_key(&key) {
                live.insert(session);
                changes += 1;
            }
        }
        Ok(changes)
    }

    /// Says whether another process uses the journal too. Meanwhile it is not rewritten, since the other would go on
    /// writing into the file that was replaced.
    pub fn share(&self, sharing: Sharing) {
        self.lock_log().share(sharing);
    }

    /// The live sessions, of one caller or all, last used first.
    pub fn list(&self, caller: Option<&str>, now: Timestamp) -> Vec<SessionInfo> {
        let live = self.read();
        let wanted = |session: &&Arc<Session>| {
            session.is_live(now) && caller.is_none_or(|id| session.caller.id == id)
        };
        let mut list: Vec<SessionInfo> = live
            .sessions
            .values()
            .filter(wanted)
            .map(|session| session.info())
            .collect();
        list.sort_by(|a, b| b.seen.cmp(&a.seen).then_with(|| a.handle.cmp(&b.handle)));
        list
    }

    /// Number of sessions, those included that nobody has noticed the end of.
    pub fn len(&self) -> usize {
        self.read().sessions.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends `old`, if it is there, and starts what `make` says in its place, in one step.
    fn replace(
        &self,
        old: Option<Key>,
        now: Timestamp,
        make: impl FnOnce(Option<&Session>) -> Option<(Arc<Caller>, Timestamp, Option<[u8; 32]>)>,
    ) -> Result<SessionId, SessionStartError> {
        let random = Zeroizing::new(random::bytes::<32>().map_err(|_| SessionStartError::Random)?);
        let id = SessionId(Zeroizing::new(URL_SAFE_NO_PAD.encode(*random)));
        let key = key_of(id.as_str()).ok_or(SessionStartError::Random)?;

        let mut log = self.lock_log();
        let mut live = self.write();
        let previous = old.and_then(|old| live.sessions.get(&old).map(Arc::clone));
        let (caller, started, certificate) =
            make(previous.as_deref()).ok_or(SessionStartError::Ended)?;
        let mut gone: Vec<Key> = previous.iter().map(|session| session.key).collect();
        gone.iter().for_each(|key| live.remove(key));
        gone.extend(
            live.make_room(&caller.id, &self.limits, now)
                .ok_or(SessionStartError::Full)?,
        );
        let session = Arc::new(Session::new(
            key,
            caller,
            started,
            certificate,
            now,
            &self.limits,
        ));
        let opened = session.record();
        live.insert(session);
        drop(live);

        // Ends and start go out in one write. A crash before it leaves the old sessions as they were and the new id
        // unknown to everybody; nobody was answered yet.
        let durability = if gone.is_empty() {
            Durability::Buffered
        } else {
            Durability::OnDisk
        };
        let records: Vec<Record> = gone
            .into_iter()
            .map(|key| Record::end(&key, now))
            .chain([opened])
            .collect();
        if let Err(error) = log.append(&records, durability) {
            self.write().remove(&key);
            return Err(error.into());
        }
        self.compact(&mut log)?;
        Ok(id)
    }

    /// Ends sessions in memory, then on disk: a crash between the two brings them back, but nobody was told yet that
    /// they had ended.
    fn end_keys(&self, keys: &[Key], now: Timestamp) -> Result<usize, JournalError> {
        let mut live = self.write();
        let ended: Vec<Record> = keys
            .iter()
            .filter(|key| live.sessions.contains_key(*key))
            .map(|key| Record::end(key, now))
            .collect();
        keys.iter().for_each(|key| live.remove(key));
        drop(live);
        if !ended.is_empty() {
            let mut log = self.lock_log();
            log.append(&ended, Durability::OnDisk)?;
            self.compact(&mut log)?;
        }
        Ok(ended.len())
    }

    /// Writes the last use down four times in an idle limit, so that a restart ends no session that is in use.
    ///
    /// What is lost here (the journal is busy, or the disk is full) only makes a session look idle for longer.
    fn note_use(&self, session: &Session, now: Timestamp) {
        let written = session.seen_written.load(Ordering::Relaxed);
        let step = (self.limits.idle.as_secs() / 4).max(1);
        if now.as_second().saturating_sub(written) < step {
            return;
        }
        if let Ok(mut log) = self.log.try_lock()
            && log
                .append(&[Record::seen(&session.key, now)], Durability::Buffered)
                .is_ok()
        {
            session
                .seen_written
                .fetch_max(now.as_second(), Ordering::Relaxed);
        }
    }

    /// Rewrites the journal when most of it speaks of sessions that are no more.
    fn compact(&self, log: &mut Log) -> Result<(), JournalError> {
        if !log.is_worth_compacting(self.len()) {
            return Ok(());
        }
        let records: Vec<Record> = self
            .read()
            .sessions
            .values()
            .map(|session| session.record())
            .collect();
        log.replace(&records)
    }

    fn read(&self) -> RwLockReadGuard<'_, Live> {
        self.live.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Live> {
        self.live.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sessions")
            .field("limits", &self.limits)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
