//! The one thread that writes: batches, segments, the tree file and checkpoints.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::Timestamp;
use crate::checkpoint::Checkpoint;
use crate::frame::{Commit, put_commit, put_record};
use crate::history::{self, HISTORY, LATEST};
use crate::key::SigningKey;
use crate::merkle::Frontier;
use crate::queue::{Ack, Batch, Committed, Durability, Failed, Health, Queue, Turn};
use crate::segment::{Header, Segment};
use crate::store::{Output, Store};
use crate::tree::{self, stored};

/// Bytes written at once at most, each ending with a commit marker (chosen: bounds the writer's memory).
const BATCH_BYTES: usize = 1024 * 1024;
/// How long buffered events are gathered (chosen: at most 200 wake-ups a second).
const GATHER: Duration = Duration::from_millis(5);
/// Checkpoints by number of records come at most this often: each costs four waits for the disk (chosen).
const CHECKPOINT_GAP: Duration = Duration::from_millis(500);
/// Room made ahead in a segment; writing into zeros spares the file system its journal at each sync (measured).
const ZEROED_AHEAD: u64 = 4 * 1024 * 1024;

/// When checkpoints are made and segments change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rhythm {
    pub(crate) segment_bytes: u64,
    pub(crate) checkpoint_every: Duration,
    pub(crate) checkpoint_records: u64,
}

/// A log open for writing; everything in it belongs to the writer's thread.
pub(crate) struct Writer {
    pub(crate) store: Box<dyn Store>,
    pub(crate) dir: PathBuf,
    pub(crate) key: SigningKey,
    pub(crate) clock: Box<dyn Fn() -> Timestamp + Send>,
    pub(crate) rhythm: Rhythm,
    pub(crate) frontier: Frontier,
    pub(crate) segment: Box<dyn Output>,
    /// Where the next frame goes.
    pub(crate) offset: u64,
    /// Up to where the segment is known to hold zeros.
    pub(crate) zeroed: u64,
    pub(crate) tree: Box<dyn Output>,
    pub(crate) history: Box<dyn Output>,
    pub(crate) history_end: u64,
    /// Records known to be on disk.
    pub(crate) durable: u64,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) checkpointed_at: Instant,
    pub(crate) frames: Vec<u8>,
    pub(crate) hashes: Vec<u8>,
}

impl Writer {
    /// Writes until the queue is closed or something fails; then every event left is answered with the failure.
    pub(crate) fn run(mut self, queue: &Arc<Queue>) {
        // If this thread should ever unwind, the queue must not go on taking events.
        let stopped = StopOnDrop(Arc::clone(queue));
        let end = self.serve(queue);
        let (health, failed) = match end {
            Ok(()) => (Health::Closed, Failed("it was closed".to_owned())),
            Err(e) => (Health::Failed(e.to_string()), Failed(e.to_string())),
        };
        for item in queue.stop(health).items {
            answer(item.ack, Err(failed.clone()));
        }
        drop(stopped);
    }

    fn serve(&mut self, queue: &Queue) -> io::Result<()> {
        let mut batch = Batch::default();
        loop {
            let due = (self.frontier.size() > self.checkpoint.size)
                .then(|| self.checkpointed_at + self.rhythm.checkpoint_every);
            match queue.take(GATHER, due, &mut batch) {
                Turn::Events => {
                    let recorded = self.record(&mut batch, queue);
                    batch.clear();
                    recorded?;
                }
                Turn::Due => {}
                Turn::Closed => {
                    self.sync()?;
                    if self.frontier.size() > self.checkpoint.size {
                        self.publish(queue)?;
                    }
                    // The room made ahead is given back; a crash before this leaves zeros, which readers pass over.
                    self.segment.set_len(self.offset)?;
                    return self.segment.sync();
                }
            }
            if self.checkpoint_is_due() {
                self.publish(queue)?;
            }
        }
    }

    /// Writes what was queued, in batches, and answers those who wait.
    fn record(&mut self, batch: &mut Batch, queue: &Queue) -> io::Result<()> {
        let cost = batch.cost();
        let mut waiting: Vec<(u64, Ack)> = Vec::new();
        let mut done: Vec<(u64, Ack)> = Vec::new();
        let sync = batch
            .items
            .iter()
            .any(|item| item.durability == Durability::Durable);
        let mut written = Ok(());
        let mut rest = batch.bytes.as_slice();
        for item in batch.items.drain(..) {
            let index = self.frontier.size();
            let (event, after) = rest.split_at_checked(item.length).unwrap_or_default();
            rest = after;
            if written.is_ok() {
                let leaf = put_record(&mut self.frames, index, event);
                self.frontier
                    .push(leaf, |hash| self.hashes.extend_from_slice(hash));
                if self.frames.len() >= BATCH_BYTES {
                    written = self.commit(queue, sync);
                }
            }
            match (item.ack, item.durability) {
                (Some(ack), Durability::Durable) => waiting.push((index, ack)),
                (Some(ack), Durability::Buffered) => done.push((index, ack)),
                (None, _) => {}
            }
        }
        let written = written.and_then(|()| self.commit(queue, sync));
        queue.release(cost, self.frontier.size());
        answer_all(done, &written);
        // An event that was only to be written must not wait for the disk, nor be lost to its failure.
        let synced = written.and_then(|()| if sync { self.sync() } else { Ok(()) });
        answer_all(waiting, &synced);
        synced
    }

    /// Ends the batch and seals the segment if it is full.
    fn commit(&mut self, queue: &Queue, sync: bool) -> io::Result<()> {
        if self.frames.is_empty() {
            return Ok(());
        }
        self.end_batch(sync)?;
        if self.offset >= self.rhythm.segment_bytes {
            self.next_segment(queue)?;
        }
        Ok(())
    }

    /// Puts a commit marker after what was framed and writes it; `sync` says that somebody waits for the disk.
    pub(crate) fn end_batch(&mut self, sync: bool) -> io::Result<()> {
        let commit = Commit {
            size: self.frontier.size(),
            durable: self.durable,
            root: self.frontier.root(),
        };
        put_commit(&mut self.frames, &commit);
        let end = self.offset + self.frames.len() as u64;
        if end > self.zeroed && sync {
            // Zeros first: a crash between the two writes leaves zeros, which readers pass over.
            let ahead = end + ZEROED_AHEAD.min(self.rhythm.segment_bytes);
            let from = self.zeroed.max(self.offset);
            let zeros = vec![0; usize::try_from(ahead - from).unwrap_or(0)];
            self.segment.write_at(&zeros, from)?;
            self.zeroed = ahead;
        }
        self.zeroed = self.zeroed.max(end);
        self.segment.write_at(&self.frames, self.offset)?;
        self.offset = end;
        self.frames.clear();
        let before = stored(self.frontier.size()) * 32 - self.hashes.len() as u64;
        self.tree.write_at(&self.hashes, before)?;
        self.hashes.clear();
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.durable < self.frontier.size() {
            // Never tried twice: after a failed sync nobody knows what is on disk.
            self.segment.sync()?;
            self.durable = self.frontier.size();
        }
        Ok(())
    }

    fn checkpoint_is_due(&self) -> bool {
        let new = self.frontier.size() - self.checkpoint.size;
        let age = self.checkpointed_at.elapsed();
        new > 0
            && (age >= self.rhythm.checkpoint_every
                || (new >= self.rhythm.checkpoint_records && age >= CHECKPOINT_GAP))
    }

    fn publish(&mut self, queue: &Queue) -> io::Result<()> {
        self.publish_checkpoint()?;
        queue.publish(self.checkpoint.clone());
        Ok(())
    }

    /// Signs the tree as it is, after everything in it is on disk.
    pub(crate) fn publish_checkpoint(&mut self) -> io::Result<()> {
        self.sync()?;
        let checkpoint = Checkpoint::sign(
            &self.key,
            self.frontier.size(),
            self.frontier.root(),
            (self.clock)(),
        );
        let entry = history::entry(&checkpoint);
        self.history.write_at(&entry, self.history_end)?;
        self.history.sync()?;
        self.history_end += entry.len() as u64;
        // A crash here leaves the history one ahead of the latest; opening the log makes them the same.
        self.store
            .replace(&self.dir.join(LATEST), checkpoint.note().as_bytes())?;
        self.checkpoint = checkpoint;
        self.checkpointed_at = Instant::now();
        Ok(())
    }

    /// Seals the segment and begins the next.
    fn next_segment(&mut self, queue: &Queue) -> io::Result<()> {
        if self.frontier.size() > self.checkpoint.size {
            self.publish(queue)?;
        }
        self.segment.set_len(self.offset)?;
        self.segment.sync()?;
        self.tree.sync()?;
        // A crash here leaves the log without room at its end; opening it goes on in the sealed segment.
        let header = header(&self.key, &self.frontier, &self.checkpoint);
        let next = Segment::named(&self.dir, self.frontier.size());
        self.store.replace(&next.path, &header)?;
        self.segment = self.store.open(&next.path)?;
        self.offset = header.len() as u64;
        self.zeroed = self.offset;
        Ok(())
    }
}

/// The header of a segment that begins where `checkpoint` ends.
pub(crate) fn header(key: &SigningKey, frontier: &Frontier, checkpoint: &Checkpoint) -> Vec<u8> {
    Header {
        key_id: key.note_id(),
        origin: key.name().to_owned(),
        frontier: frontier.clone(),
        note: checkpoint.note().to_owned(),
    }
    .encode()
}

/// Opens the files that every writer has beside its segment.
pub(crate) fn side_files(
    store: &dyn Store,
    dir: &std::path::Path,
) -> io::Result<(Box<dyn Output>, Box<dyn Output>)> {
    Ok((
        store.open(&dir.join(tree::NAME))?,
        store.open(&dir.join(HISTORY))?,
    ))
}

fn answer_all(acks: Vec<(u64, Ack)>, result: &io::Result<()>) {
    for (index, ack) in acks {
        ack(match result {
            Ok(()) => Ok(Committed { index }),
            Err(e) => Err(Failed(e.to_string())),
        });
    }
}

fn answer(ack: Option<Ack>, result: Result<Committed, Failed>) {
    if let Some(ack) = ack {
        ack(result);
    }
}

struct StopOnDrop(Arc<Queue>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        let why = "the writer's thread ended unexpectedly";
        for item in self.0.stop(Health::Failed(why.to_owned())).items {
            answer(item.ack, Err(Failed(why.to_owned())));
        }
    }
}
