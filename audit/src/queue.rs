//! The bounded queue between those who append and the one writer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::checkpoint::Checkpoint;
use crate::frame::MAX_RECORD;

/// When an event counts as recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Once it is written; on disk within a second. A crash of the process keeps it, a loss of power may not.
    Buffered,
    /// Once it is on disk.
    Durable,
}

/// An event that is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Its place, counted from zero.
    pub index: u64,
}

/// The log stopped before the event was recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit log has stopped: {0}")]
pub struct Failed(pub String);

/// Called once by the writer's thread, which it must not hold up.
pub type Ack = Box<dyn FnOnce(Result<Committed, Failed>) + Send>;

/// Why an event was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The queue is at its bound: refuse the request, or lose the event knowingly.
    #[error("the audit queue is full")]
    Full,
    /// The log has been closed or has failed; see [`crate::Log::health`].
    #[error("the audit log has stopped")]
    Stopped,
    /// The event is larger than a record may be; keep evidence elsewhere and record its hash.
    #[error("an event of {0} bytes is too large: at most {MAX_RECORD}")]
    TooLarge(usize),
}

/// Whether the log still records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It does.
    Running,
    /// It does not, and will not until it is opened anew.
    Failed(String),
    /// It was closed.
    Closed,
}

/// What is known of a queued event beside its bytes.
pub(crate) struct Item {
    pub(crate) length: usize,
    pub(crate) durability: Durability,
    pub(crate) ack: Option<Ack>,
}

/// Events on their way to the writer: their bytes one after the other, so that none needs an allocation of its own.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) bytes: Vec<u8>,
    pub(crate) items: Vec<Item>,
}

/// What an item costs beside its bytes (chosen: the item itself and what is called at its end).
const ITEM_COST: usize = 128;
/// Room that a batch keeps for the next one (chosen: what a busy second's gathering needs many times over).
const KEPT_ROOM: usize = 4 * 1024 * 1024;
/// So many queued bytes wake the writer even if nobody waits for the disk (chosen).
const WAKE_BYTES: usize = 512 * 1024;

impl Batch {
    /// What the batch counts towards the queue's bound.
    pub(crate) fn cost(&self) -> usize {
        self.bytes.len() + self.items.len() * ITEM_COST
    }

    /// Forgets the events and keeps the room, unless a burst had made it large.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.items.clear();
        self.bytes.shrink_to(KEPT_ROOM);
        self.items.shrink_to(KEPT_ROOM / ITEM_COST);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Writer {
    /// Nothing to do: any event wakes it.
    Idle,
    /// Gathering buffered events: only one that waits for the disk wakes it.
    Gathering,
    Busy,
}

struct State {
    batch: Batch,
    /// Cost of what is queued and of what the writer has taken and not finished.
    bytes: usize,
    queued: usize,
    durable: bool,
    writer: Writer,
    closing: bool,
    health: Health,
}

/// Shared by the handles and the writer.
pub(crate) struct Queue {
    /// Guards the items on their way to the writer: one short lock an event, and the writer takes them all at once.
    state: Mutex<State>,
    wake: Condvar,
    bound: usize,
    size: AtomicU64,
    /// Guards the latest checkpoint, which changes a few times a second.
    checkpoint: Mutex<Checkpoint>,
}

/// Why the writer was woken.
pub(crate) enum Turn {
    /// There are events.
    Events,
    /// Time for what was asked to happen at the deadline.
    Due,
    /// Nothing is left and nothing will come.
    Closed,
}

impl Queue {
    pub(crate) fn new(bound: usize, checkpoint: Checkpoint) -> Self {
        Self {
            state: Mutex::new(State {
                batch: Batch::default(),
                bytes: 0,
                queued: 0,
                durable: false,
                writer: Writer::Busy,
                closing: false,
                health: Health::Running,
            }),
            wake: Condvar::new(),
            bound,
            size: AtomicU64::new(checkpoint.size),
            checkpoint: Mutex::new(checkpoint),
        }
    }

    pub(crate) fn push(
        &self,
        event: &[u8],
        durability: Durability,
        ack: Option<Ack>,
    ) -> Result<(), AppendError> {
        if event.len() > MAX_RECORD {
            return Err(AppendError::TooLarge(event.len()));
        }
        let cost = event.len() + ITEM_COST;
        let mut state = self.lock();
        if state.closing || state.health != Health::Running {
            return Err(AppendError::Stopped);
        }
        if state.bytes + cost > self.bound {
            return Err(AppendError::Full);
        }
        let durable = durability == Durability::Durable;
        state.bytes += cost;
        state.queued += cost;
        state.durable |= durable;
        state.batch.bytes.extend_from_slice(event);
        state.batch.items.push(Item {
            length: event.len(),
            durability,
            ack,
        });
        let wake = match state.writer {
            Writer::Idle => true,
            Writer::Gathering => durable || state.queued >= WAKE_BYTES,
            Writer::Busy => false,
        };
        if wake {
            // Whoever comes next finds the writer on its way.
            state.writer = Writer::Busy;
        }
        drop(state);
        if wake {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Waits for events, gathering buffered ones for `gather`, and exchanges them for the empty `batch`; returns without
    /// any at `due`.
    pub(crate) fn take(&self, gather: Duration, due: Option<Instant>, batch: &mut Batch) -> Turn {
        let mut state = self.lock();
        let mut gathered_until = None;
        loop {
            let now = Instant::now();
            let full = state.durable || state.queued >= WAKE_BYTES || state.closing;
            if !state.batch.items.is_empty()
                && (full || gathered_until.is_some_and(|until| now >= until))
            {
                state.writer = Writer::Busy;
                state.durable = false;
                state.queued = 0;
                std::mem::swap(&mut state.batch, batch);
                return Turn::Events;
            }
            if state.closing {
                return Turn::Closed;
            }
            if due.is_some_and(|due| now >= due) && state.batch.items.is_empty() {
                state.writer = Writer::Busy;
                return Turn::Due;
            }
            let deadline = if state.batch.items.is_empty() {
                state.writer = Writer::Idle;
                due
            } else {
                state.writer = Writer::Gathering;
                Some(*gathered_until.get_or_insert(now + gather))
            };
            state = match deadline {
                Some(deadline) => {
                    let wait = deadline.saturating_duration_since(now);
                    self.wake
                        .wait_timeout(state, wait)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
                None => self
                    .wake
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Gives back the room of events that are written.
    pub(crate) fn release(&self, cost: usize, size: u64) {
        self.size.store(size, Ordering::Release);
        let mut state = self.lock();
        state.bytes = state.bytes.saturating_sub(cost);
    }

    /// Stops the queue and hands back what was in it.
    pub(crate) fn stop(&self, health: Health) -> Batch {
        let mut state = self.lock();
        if state.health == Health::Running {
            state.health = health;
        }
        std::mem::take(&mut state.batch)
    }

    pub(crate) fn close(&self) {
        self.lock().closing = true;
        self.wake.notify_one();
    }

    pub(crate) fn health(&self) -> Health {
        self.lock().health.clone()
    }

    pub(crate) fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    pub(crate) fn checkpoint(&self) -> Checkpoint {
        self.checkpoint
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn publish(&self, checkpoint: Checkpoint) {
        *self
            .checkpoint
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = checkpoint;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock, and a poisoned queue would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
