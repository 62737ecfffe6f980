//! What was recorded, read with `hangu audit show`.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Hangu;

/// How long an event may take to its segment.
const PATIENCE: Duration = Duration::from_secs(5);

/// The events of a folder, oldest first.
///
/// # Panics
/// Where the folder is no log.
#[must_use]
pub fn read(folder: &Path) -> Vec<Value> {
    let folder = folder.to_str().expect("temporary folders have plain names");
    let shown = Hangu::run(&["audit", "show", folder]);
    assert_eq!(shown.status, Some(0), "hangu said: {}", shown.complaint);
    shown.lines()
}

/// The first event that fits, waited for.
///
/// # Panics
/// Where none comes within five seconds; with those that came.
pub async fn wait(folder: &Path, fits: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let events = read(folder);
        if let Some(event) = events.iter().find(|e| fits(e)) {
            return event.clone();
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "no such event among {events:#?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
