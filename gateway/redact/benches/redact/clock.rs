//! Processor time.

use std::time::{Duration, Instant};

/// Linux counts processor time in ticks of some milliseconds: shorter runs would measure those.
const LEAST: Duration = Duration::from_secs(2);

/// Does something with a body of `size` bytes again and again, and returns megabytes per second.
pub(crate) fn rate(size: usize, mut pass: impl FnMut()) -> f64 {
    let mut passes = 0;
    let clock = Clock::start();
    while clock.wall.elapsed() < LEAST {
        pass();
        passes += 1;
    }
    (passes * size) as f64 / clock.seconds() / 1e6
}

/// Processor time of this thread where Linux tells it, which a busy machine does not distort; else the time that passed.
struct Clock {
    processor: Option<u64>,
    wall: Instant,
}

impl Clock {
    fn start() -> Self {
        Self {
            processor: Self::nanoseconds(),
            wall: Instant::now(),
        }
    }

    fn nanoseconds() -> Option<u64> {
        std::fs::read_to_string("/proc/thread-self/schedstat")
            .ok()?
            .split(' ')
            .next()?
            .parse()
            .ok()
    }

    fn seconds(&self) -> f64 {
        match (self.processor, Self::nanoseconds()) {
            (Some(from), Some(to)) => (to - from) as f64 / 1e9,
            _ => self.wall.elapsed().as_secs_f64(),
        }
    }
}
