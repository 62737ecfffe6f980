//! Which portal, path and field carries which kind of personal data: learned from samples of passing answers. What is
//! kept is names of fields, kinds and counts; values are looked at once and forgotten.
//!
//! ```text
//! request ─► wants: one in a while, paths that are less known first ─► its answer is asked for uncoded
//! answer  ─► Sampling: a copy of up to 256 KiB ─► a thread of its own: fields ─► kinds ─► what is known
//! ```
//!
//! Nothing waits for it: a sample that finds the thread busy is dropped.

mod fields;
mod paths;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hangu_redact::{Kind, Level, Media, Rules};

/// The largest answer that is looked at, in bytes.
const LARGEST: usize = 256 << 10;
/// Time between two samples, in milliseconds. Chosen: a sample takes the thread some milliseconds at most.
const PACE: u64 = 200;
/// Time until it is asked again whether the next request is worth a sample, in milliseconds.
const AGAIN: u64 = 5;
/// Time until a path that is known is looked at again, in milliseconds.
const KNOWN_FOR: u64 = 60_000;
/// Samples of a path until it counts as known.
const ENOUGH: u32 = 3;
/// Samples that may wait.
const WAITING: usize = 16;
/// Paths whose samples are counted.
const MOST_PATHS: usize = 4_096;
/// Fields that are kept.
const MOST_FIELDS: usize = 20_000;

/// What is known, and how more is learned.
pub struct Discovery {
    /// When the next sample is due, in milliseconds since the epoch.
    next_ms: AtomicU64,
    known: Arc<Mutex<Known>>,
    samples: SyncSender<Sample>,
}

/// An answer on its way past.
pub struct Sampling {
    sample: Sample,
    whole: bool,
}

/// An answer that is looked at.
struct Sample {
    portal: String,
    path: String,
    media: Media,
    level: Option<Level>,
    rules: Arc<Rules>,
    at_ms: u64,
    body: Vec<u8>,
}

#[derive(Default)]
struct Known {
    fields: BTreeMap<Place, Seen>,
    more: bool,
    /// By portal and path: how many samples there were, and when the last was.
    paths: HashMap<(String, String), (u32, u64)>,
}

/// A kind in a field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The portal.
    pub portal: String,
    /// The path, with `{}` for what differs from request to request.
    pub path: String,
    /// The field: `$.data[].phone` in JSON, the name of the column in a table.
    pub field: String,
    /// The kind.
    pub kind: Kind,
}

/// What was seen of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Values in samples.
    pub values: u64,
    /// When first, in milliseconds since the epoch.
    pub first_ms: u64,
    /// When last.
    pub last_ms: u64,
    /// The least redaction that a sampled answer got; `None`: one went out as it was.
    pub least: Option<Level>,
}

impl Discovery {
    /// Starts the thread; it ends with this value.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start() -> std::io::Result<Self> {
        let (samples, waiting) = sync_channel(WAITING);
        let known = Arc::<Mutex<Known>>::default();
        let learned = Arc::clone(&known);
        std::thread::Builder::new()
            .name("hangu-discovery".to_owned())
            .spawn(move || learn(&learned, &waiting))?;
        Ok(Self {
            next_ms: AtomicU64::new(0),
            known,
            samples,
        })
    }

    /// Whether the answer to a request is worth looking at; then it should be asked for uncoded. One in a while is, and
    /// paths that are less known come first.
    pub fn wants(&self, portal: &str, path: &str, now_ms: u64) -> bool {
        let due = self.next_ms.load(Ordering::Relaxed);
        if now_ms < due {
            return false;
        }
        let taken = self.next_ms.compare_exchange(
            due,
            now_ms + AGAIN,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if taken.is_err() {
            return false;
        }
        let key = (portal.to_owned(), paths::template(path));
        let mut known = lock(&self.known);
        let enough = |(samples, last): &(u32, u64)| {
            *samples >= ENOUGH && now_ms.saturating_sub(*last) < KNOWN_FOR
        };
        if known.paths.get(&key).is_some_and(enough) {
            return false;
        }
        if known.paths.len() >= MOST_PATHS && !known.paths.contains_key(&key) {
            known
                .paths
                .retain(|_, (_, last)| now_ms.saturating_sub(*last) < KNOWN_FOR);
            if known.paths.len() >= MOST_PATHS {
                return false;
            }
        }
        let (samples, last) = known.paths.entry(key).or_default();
        *samples = samples.saturating_add(1);
        *last = now_ms;
        self.next_ms.store(now_ms + PACE, Ordering::Relaxed);
        true
    }

    /// Takes a sampled answer in, and looks at it when there is time.
    pub fn take(&self, sampling: Sampling) {
        if sampling.whole {
            // A busy thread has enough to learn from.
            let _busy = self.samples.try_send(sampling.sample);
        }
    }

    /// What is known, in order; and whether there was more than is kept.
    pub fn known(&self) -> (Vec<(Place, Seen)>, bool) {
        let known = lock(&self.known);
        let fields = known.fields.iter();
        (
            fields.map(|(place, seen)| (place.clone(), *seen)).collect(),
            known.more,
        )
    }
}

impl Sampling {
    /// An answer that is about to pass, redacted at a level afterwards.
    pub fn new(
        portal: &str,
        path: &str,
        media: Media,
        level: Option<Level>,
        rules: Arc<Rules>,
        at_ms: u64,
    ) -> Self {
        Self {
            sample: Sample {
                portal: portal.to_owned(),
                path: paths::template(path),
                media,
                level,
                rules,
                at_ms,
                body: Vec::new(),
            },
            whole: true,
        }
    }

    /// Copies what passes, before redaction.
    pub fn feed(&mut self, bytes: &[u8]) {
        let body = &mut self.sample.body;
        if body.len() + bytes.len() > LARGEST {
            self.whole = false;
            *body = Vec::new();
        } else if self.whole {
            body.extend_from_slice(bytes);
        }
    }
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

fn learn(known: &Mutex<Known>, waiting: &Receiver<Sample>) {
    while let Ok(sample) = waiting.recv() {
        let found = fields::found(&sample.rules, sample.media, &sample.body);
        let mut known = lock(known);
        for ((field, kind), values) in found {
            let place = Place {
                portal: sample.portal.clone(),
                path: sample.path.clone(),
                field,
                kind,
            };
            if known.fields.len() >= MOST_FIELDS && !known.fields.contains_key(&place) {
                known.more = true;
                continue;
            }
            let seen = known.fields.entry(place).or_insert(Seen {
                values: 0,
                first_ms: sample.at_ms,
                last_ms: sample.at_ms,
                least: sample.level,
            });
            seen.values = seen.values.saturating_add(values);
            seen.last_ms = seen.last_ms.max(sample.at_ms);
            seen.least = seen.least.min(sample.level);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn sampled(discovery: &Discovery, path: &str, level: Option<Level>, body: &str, now: u64) {
        let rules = Rules::shipped();
        let mut sampling = Sampling::new("staff", path, Media::Json, level, rules, now);
        for piece in body.as_bytes().chunks(7) {
            sampling.feed(piece);
        }
        discovery.take(sampling);
    }

    fn until(
        discovery: &Discovery,
        enough: impl Fn(&[(Place, Seen)]) -> bool,
    ) -> Vec<(Place, Seen)> {
        let begun = Instant::now();
        loop {
            let (known, _) = discovery.known();
            if enough(&known) {
                return known;
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "{known:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn what_passes_is_known_by_field_and_kind_and_no_value_is_kept() {
        let discovery = Discovery::start().unwrap();
        let body = r#"{"data":[{"phone":"13800138000"},{"phone":"13900139000"}]}"#;
        sampled(&discovery, "/people/7", Some(Level::L3), body, 5);
        sampled(&discovery, "/people/8", None, body, 9);
        let known = until(&discovery, |known| {
            known.iter().any(|(_, seen)| seen.values == 4)
        });
        let (place, seen) = &known[0];
        assert_eq!(
            (&*place.path, &*place.field, place.kind),
            ("/people/{}", "$.data[].phone", Kind::Mobile)
        );
        assert_eq!((seen.first_ms, seen.last_ms, seen.least), (5, 9, None));
        assert!(!format!("{known:?}").contains("13800138000"));
    }

    #[test]
    fn a_sample_is_wanted_once_in_a_while_and_of_what_is_known_less_often() {
        let discovery = Discovery::start().unwrap();
        assert!(discovery.wants("staff", "/a/1", 1_000));
        assert!(!discovery.wants("staff", "/b", 1_100), "too soon");
        for n in 1..u64::from(ENOUGH) {
            assert!(discovery.wants("staff", &format!("/a/{n}"), 1_000 + n * PACE));
        }
        let later = 1_000 + 10 * PACE;
        assert!(!discovery.wants("staff", "/a/9", later), "known");
        assert!(
            !discovery.wants("staff", "/b", later + 1),
            "asked a moment ago"
        );
        assert!(discovery.wants("staff", "/b", later + AGAIN));
        assert!(discovery.wants("staff", "/a/9", later + KNOWN_FOR));
    }

    #[test]
    fn an_answer_that_is_too_large_is_not_looked_at() {
        let discovery = Discovery::start().unwrap();
        let large = format!(
            "{{\"phone\":\"13800138000\",\"x\":\"{}\"}}",
            "y".repeat(LARGEST)
        );
        sampled(&discovery, "/large", None, &large, 1);
        sampled(&discovery, "/small", None, r#"{"phone":"13800138000"}"#, 2);
        let known = until(&discovery, |known| !known.is_empty());
        assert!(
            known.iter().all(|(place, _)| place.path == "/small"),
            "{known:?}"
        );
    }
}
