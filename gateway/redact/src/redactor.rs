//! One body, chunk by chunk.

use std::borrow::Cow;
use std::sync::Arc;

use crate::cluster::BYTES_MAX;
use crate::kind::Summary;
use crate::level::Level;
use crate::media::Media;
use crate::rules::Rules;
use crate::scan::Scan;

/// The most that is held back between two chunks, in bytes.
pub const HELD_MAX: usize = 4096;

/// What is read behind the held bytes to decide them: more than the longest cluster.
const BRIDGE: usize = 2 * HELD_MAX;

const _: () = assert!(
    BYTES_MAX + 64 < HELD_MAX,
    "an open cluster must fit into what may be held"
);

/// Redacts one body as it streams past.
#[derive(Debug)]
pub struct Redactor {
    scan: Scan,
    held: Vec<u8>,
    bytes_in: u64,
    bytes_out: u64,
}

impl Redactor {
    /// Starts a body under the shipped rules.
    #[must_use]
    pub fn new(level: Level, media: Media) -> Self {
        Self::with(Rules::shipped(), level, media)
    }

    /// Starts a body under an operator's rules.
    #[must_use]
    pub fn with(rules: Arc<Rules>, level: Level, media: Media) -> Self {
        Self {
            scan: Scan::new(rules, level, media),
            held: Vec::new(),
            bytes_in: 0,
            bytes_out: 0,
        }
    }

    /// Takes the next bytes and appends to `out` everything that they decide.
    pub fn feed(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let written = out.len();
        self.bytes_in += chunk.len() as u64;
        let mut rest = chunk;
        if !self.held.is_empty() {
            let (bridge, after) = chunk.split_at_checked(BRIDGE).unwrap_or((chunk, &[]));
            let behind = self.held.len();
            self.held.extend_from_slice(bridge);
            let decided = self.scan.run(&self.held, false, out);
            if after.is_empty() {
                self.held.drain(..decided);
                rest = &[];
            } else {
                // What is undecided now began within this chunk.
                rest = chunk
                    .get(decided.saturating_sub(behind)..)
                    .unwrap_or_default();
                self.held.clear();
            }
        }
        if !rest.is_empty() {
            let decided = self.scan.run(rest, false, out);
            self.held
                .extend_from_slice(rest.get(decided..).unwrap_or_default());
        }
        self.bytes_out += (out.len() - written) as u64;
    }

    /// Ends the body: appends what was held back and returns what was done.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Summary {
        let written = out.len();
        let held = std::mem::take(&mut self.held);
        self.scan.run(&held, true, out);
        self.bytes_out += (out.len() - written) as u64;
        self.summary()
    }

    /// Returns what was done so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary {
            counts: self.scan.sink.found,
            masked: self.scan.sink.masked,
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
        }
    }

    /// Returns how many bytes are held back, at most [`HELD_MAX`].
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }
}

/// Masks the values in a line of text: for logs, events and screens.
#[must_use]
pub fn mask_str(level: Level, text: &str) -> Cow<'_, str> {
    let mut redactor = Redactor::new(level, Media::Text);
    let mut out = Vec::new();
    redactor.feed(text.as_bytes(), &mut out);
    if redactor.finish(&mut out).masked.total() == 0 {
        return Cow::Borrowed(text);
    }
    // Whole characters are replaced by ASCII, so the text stays UTF-8.
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_values_is_not_copied() {
        assert!(matches!(
            mask_str(Level::L4, "订单 20261122-001 已受理"),
            Cow::Borrowed(_)
        ));
        assert_eq!(
            mask_str(Level::L2, "张三 １３８００１３８０００，已受理"),
            "张三 １３８****８０００，已受理"
        );
    }
}
