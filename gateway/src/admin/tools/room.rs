//! Room for tools: who may work, how many at once, and for how long.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::Duration;

use axum::http::StatusCode;
use hangu_policy::analysis::patience::Patience;
use tokio::sync::Semaphore;

use crate::admin::context::blocking;
use crate::admin::problem::Problem;
use crate::clock;

/// Room for tools.
pub struct Room {
    /// Administrators whose tools work or wait; held for as long as it takes to look somebody up.
    asking: Mutex<BTreeSet<String>>,
    /// Tools that work at once: half of the processors, so that requests always have the others.
    work: Arc<Semaphore>,
    /// How long one may work, and how long it may wait before.
    within: Duration,
}

/// An administrator's turn; until it is dropped there is no other one.
pub struct Turn {
    room: Arc<Room>,
    caller: String,
}

impl Room {
    /// Room in which a tool may work for so long.
    pub fn new(within: Duration) -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self {
            asking: Mutex::default(),
            work: Arc::new(Semaphore::new((processors / 2).max(1))),
            within,
        }
    }

    /// Begins an administrator's turn.
    ///
    /// # Errors
    /// While another one lasts.
    pub fn turn(self: &Arc<Self>, caller: &str) -> Result<Turn, Problem> {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        if !asking.insert(caller.to_owned()) {
            return Err(self.busy(
                "you have asked a question that is not answered yet",
                "您的上一个查询尚未完成",
            ));
        }
        Ok(Turn {
            room: Arc::clone(self),
            caller: caller.to_owned(),
        })
    }

    fn busy(&self, en: &str, zh: &str) -> Problem {
        Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "tool-busy",
            "the tools are busy; try again later",
            "策略工具繁忙，请稍后再试",
        )
        .detail(en, zh)
        .retry_after(self.within.as_secs().max(1))
    }
}

impl Turn {
    /// Does the work off the console's threads, when there is room; it loses patience when its time is up or nobody
    /// waits for the answer any more.
    ///
    /// # Errors
    /// As `job`, and when there was no room in time.
    pub async fn work<T: Send + 'static>(
        self,
        job: impl FnOnce(&Patience<'_>) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let within = self.room.within;
        let room = Arc::clone(&self.room.work).acquire_owned();
        let room = match tokio::time::timeout(within, room).await {
            Ok(Ok(room)) => room,
            Ok(Err(error)) => return Err(Problem::failed(&error)),
            Err(_) => {
                return Err(self.room.busy(
                    "others ask questions that are not answered yet",
                    "其他管理员的查询尚未完成",
                ));
            }
        };
        let left = Arc::new(AtomicBool::new(false));
        let _waits = Waits(Arc::clone(&left));
        blocking(move || {
            // The thread cannot be stopped, so it is the one that keeps turn and room.
            let (_turn, _room) = (self, room);
            let begun = clock::monotonic();
            let over = || {
                left.load(Ordering::Relaxed) || clock::monotonic().saturating_sub(begun) >= within
            };
            job(&Patience::until(&over))
        })
        .await
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut asking = self
            .room
            .asking
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        asking.remove(&self.caller);
    }
}

/// Somebody waits for an answer.
struct Waits(Arc<AtomicBool>);

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_administrator_has_one_turn_at_a_time_and_another_after_it() {
        let room = Arc::new(Room::new(Duration::from_secs(1)));
        let turn = room.turn("u:chen").unwrap();
        assert_eq!(room.turn("u:chen").err().unwrap().reason(), "tool-busy");
        assert!(room.turn("u:qian").is_ok());
        drop(turn);
        assert!(room.turn("u:chen").is_ok());
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_loses_patience_and_keeps_its_turn_until_it_ends() {
        let room = Arc::new(Room::new(Duration::from_secs(60)));
        let (began, begun) = std::sync::mpsc::channel();
        let (ended, end) = std::sync::mpsc::channel();
        let turn = room.turn("u:chen").unwrap();
        let task = tokio::spawn(turn.work(move |patience| {
            began.send(()).unwrap();
            while !patience.is_lost() {
                std::thread::yield_now();
            }
            // Whoever reads this is not the one who waited.
            let _nobody = ended.send(());
            Ok(())
        }));
        let begun = tokio::task::spawn_blocking(move || begun.recv());
        begun.await.unwrap().unwrap();
        assert!(room.turn("u:chen").is_err());
        task.abort();
        let waited = Duration::from_secs(20);
        let end = tokio::task::spawn_blocking(move || end.recv_timeout(waited));
        assert_eq!(end.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn who_finds_no_room_in_time_is_told_when_to_come_back() {
        let room = Arc::new(Room::new(Duration::ZERO));
        let all = u32::try_from(room.work.available_permits()).unwrap();
        let _taken = room.work.acquire_many(all).await.unwrap();
        let turn = room.turn("u:chen").unwrap();
        let refused = turn.work(|_| Ok(())).await.unwrap_err();
        assert_eq!(refused.reason(), "tool-busy");
        assert!(room.turn("u:chen").is_ok());
    }
}
