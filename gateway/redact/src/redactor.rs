//! One body, chunk by chunk.

use std::borrow::Cow;
use std::sync::Arc;

use crate::cluster::BYTES_MAX;
use crate::deltas::Deltas;
use crate::kind::Summary;
use crate::level::Level;
use crate::media::{Format, Media};
use crate::original::Original;
use crate::own_stage::OwnStage;
use crate::path_stage::PathStage;
use crate::people::Person;
use crate::rules::Rules;
use crate::scan::Scan;
use crate::table::Table;
use crate::transcode::Transcode;
use crate::value::Charset;

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
    original: Option<Box<Original>>,
    charset: Option<Box<Transcode>>,
    deltas: Option<Box<Deltas>>,
    table: Option<Box<Table>>,
    paths: Option<Box<PathStage>>,
    own: Option<Box<OwnStage>>,
    scan: Scan,
    held: Vec<u8>,
    bytes_in: u64,
    bytes_out: u64,
}

impl Redactor {
    /// Starts a body in UTF-8 under the shipped rules.
    #[must_use]
    pub fn new(level: Level, media: Media) -> Self {
        Self::with(Rules::shipped(), level, Format::from(media))
    }

    /// Starts a body under an operator's rules.
    #[must_use]
    pub fn with(rules: Arc<Rules>, level: Level, format: Format) -> Self {
        let Format { media, charset } = format;
        let json = matches!(media, Media::Json | Media::Ndjson);
        let separator = match media {
            Media::Csv => Some(b','),
            Media::Tsv => Some(b'\t'),
            Media::Json
            | Media::Ndjson
            | Media::Text
            | Media::EventStream
            | Media::Form
            | Media::Markup => None,
        };
        let paths = json
            .then(|| PathStage::new(&rules, level, media == Media::Ndjson))
            .flatten();
        // Nothing stands ahead of the pass that changes the text.
        let alone = separator.is_none()
            && media != Media::EventStream
            && paths.is_none()
            && rules.own().is_empty();
        let original = (alone && charset == Charset::Gb18030).then(|| Box::new(Original::new()));
        Self {
            charset: Transcode::new(charset)
                .filter(|_| original.is_none())
                .map(Box::new),
            original,
            deltas: (media == Media::EventStream)
                .then(|| Box::new(Deltas::new(Arc::clone(&rules), level))),
            table: separator
                .map(|separator| Box::new(Table::new(Arc::clone(&rules), level, separator))),
            paths: paths.map(Box::new),
            own: (!rules.own().is_empty())
                .then(|| Box::new(OwnStage::new(Arc::clone(&rules), level, json))),
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
        let direct = self.charset.is_none() && self.table.is_none() && self.own.is_none();
        if let Some(original) = &mut self.original {
            original.feed(chunk, false, &mut self.scan, out);
        } else if direct && self.deltas.is_none() {
            self.scan(chunk, out);
        } else {
            self.through(chunk, false, out);
        }
        self.bytes_out += (out.len() - written) as u64;
    }

    /// Takes bytes through what stands ahead of the pass, and behind it.
    fn through(&mut self, chunk: &[u8], last: bool, out: &mut Vec<u8>) {
        let mut text = Vec::with_capacity(chunk.len());
        match &mut self.charset {
            Some(charset) => charset.decode(chunk, last, &mut text),
            None => text.extend_from_slice(chunk),
        }
        if let Some(deltas) = &mut self.deltas {
            let mut next = Vec::with_capacity(text.len());
            deltas.feed(&text, last, &mut next);
            text = next;
        }
        self.onward(text, last, out);
    }

    /// Takes text through what stands behind the pieces that events tell.
    fn onward(&mut self, mut text: Vec<u8>, last: bool, out: &mut Vec<u8>) {
        if let Some(table) = &mut self.table {
            let mut next = Vec::with_capacity(text.len());
            table.feed(&text, last, &mut next);
            text = next;
        }
        if let Some(paths) = &mut self.paths {
            let mut next = Vec::with_capacity(text.len());
            paths.feed(&text, last, &mut next);
            text = next;
        }
        if let Some(own) = &mut self.own {
            let mut next = Vec::with_capacity(text.len());
            own.feed(&text, last, &mut next);
            text = next;
        }
        let mut charset = self.charset.take();
        let mut redacted = Vec::with_capacity(text.len());
        self.scan(&text, &mut redacted);
        if last {
            let held = std::mem::take(&mut self.held);
            self.scan.run(&held, true, &mut redacted);
        }
        match &mut charset {
            Some(charset) => charset.encode(&redacted, last, out),
            None => out.extend_from_slice(&redacted),
        }
        self.charset = charset;
    }

    /// Lets go what is held of texts that server-sent events tell piece by piece, for a reader that must not wait longer:
    /// after it, a value that was begun may go on unmasked. Nothing happens to other bodies.
    pub fn release(&mut self, out: &mut Vec<u8>) {
        let Some(deltas) = &mut self.deltas else {
            return;
        };
        let mut text = Vec::new();
        deltas.release(&mut text);
        let written = out.len();
        self.onward(text, false, out);
        self.bytes_out += (out.len() - written) as u64;
    }

    /// Tells whether bytes were not of the charset, so that the output cannot be trusted.
    #[must_use]
    pub fn is_malformed(&self) -> bool {
        let charset = self.charset.as_ref();
        charset.is_some_and(|charset| charset.malformed)
            || self.original.as_ref().is_some_and(|body| body.malformed)
    }

    fn scan(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
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
    }

    /// Ends the body: appends what was held back and returns what was done.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Summary {
        let written = out.len();
        if let Some(original) = &mut self.original {
            original.feed(&[], true, &mut self.scan, out);
        } else {
            self.through(&[], true, out);
        }
        self.bytes_out += (out.len() - written) as u64;
        self.summary()
    }

    /// Returns what was done so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let (mut counts, mut masked) = (self.scan.sink.found, self.scan.sink.masked);
        if let Some(paths) = &self.paths {
            counts += paths.found;
            masked += paths.masked;
        }
        if let Some(own) = &self.own {
            counts += own.found;
            masked += own.masked;
        }
        if let Some(deltas) = &self.deltas {
            counts += deltas.found;
            masked += deltas.masked;
        }
        if let Some(table) = &self.table {
            counts += table.found;
            masked += table.masked;
        }
        Summary {
            counts,
            masked,
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
        }
    }

    /// Returns the people whom the body tells of so far, in no order that says anything; at most
    /// [`crate::PEOPLE_MAX`], and none where the rules have no key to tell them apart.
    #[must_use]
    pub fn people(&self) -> Vec<Person> {
        let people = self.scan.sink.people.as_ref();
        people.map_or_else(Vec::new, |people| people.told())
    }

    /// Returns how many bytes are held back: at most [`HELD_MAX`], more with a table, events or an operator's own patterns.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
            + self.original.as_ref().map_or(0, |original| original.held())
            + self.deltas.as_ref().map_or(0, |deltas| deltas.held())
            + self.paths.as_ref().map_or(0, |paths| paths.held())
            + self.own.as_ref().map_or(0, |own| own.held())
            + self.table.as_ref().map_or(0, |table| table.held())
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
