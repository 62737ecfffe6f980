//! What a response gives away: traces of errors, listings of folders, errors of databases, source code, files of the
//! system.
//!
//! A body is read as it streams past: each chunk is searched once, and nothing is kept but the last bytes, in case a
//! phrase goes on in the next. Compressed bodies are decoded by whoever streams them.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::Layers;
use crate::except::Exceptions;
use crate::inspector::Sensitivity;
use crate::rules;
use crate::text::{span, steps};
use crate::verdict::{Manner, Spot, Verdict};

mod signs;

use signs::{FAMILIES, Family, Kind};

/// Bytes that the longest phrase has; so many but one are carried from one chunk to the next.
const LONGEST: usize = 64;
/// Bytes of a body that are read, unless the caller says otherwise. Errors come early: what ends a page ends it.
pub const DEFAULT_LIMIT: usize = 1 << 20;

/// The phrases of all families in one automaton, and what each belongs to: family and place in it.
struct Phrases {
    automaton: AhoCorasick,
    owners: Vec<(usize, usize)>,
}

static PHRASES: LazyLock<Phrases> = LazyLock::new(Phrases::new);

impl Phrases {
    #[expect(
        clippy::expect_used,
        reason = "the phrases are constants that every test builds"
    )]
    fn new() -> Self {
        let mut owners = Vec::new();
        let mut phrases = Vec::new();
        for (f, family) in FAMILIES.iter().enumerate() {
            for (p, phrase) in family.phrases.iter().enumerate() {
                owners.push((f, p));
                phrases.push(*phrase);
            }
        }
        Self {
            automaton: AhoCorasick::builder()
                .kind(Some(AhoCorasickKind::DFA))
                .match_kind(MatchKind::Standard)
                .build(&phrases)
                .expect("constant phrases make an automaton"),
            owners,
        }
    }
}

/// A response being read.
pub struct ResponseScan {
    phrases: &'static Phrases,
    status: u16,
    kind: Kind,
    /// The phrases of each family that were seen, a bit for each.
    seen: [u32; FAMILIES.len()],
    carried: Vec<u8>,
    /// Where the first byte stands that is no white space.
    begin: Option<usize>,
    read: usize,
    limit: usize,
    verdict: Verdict,
}

impl ResponseScan {
    /// Begins to read a body, or says that this type of body gives nothing away that a phrase would show: `None` for
    /// pictures, archives, scripts and style sheets.
    ///
    /// `limit` is how many bytes are read; what follows passes unread.
    pub fn new(
        status: u16,
        content_type: Option<&str>,
        sensitivity: Sensitivity,
        limit: usize,
    ) -> Option<Self> {
        let media = content_type
            .unwrap_or("text/html")
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        let kind = match media.as_str() {
            "text/html" | "application/xhtml+xml" | "" => Kind::Page,
            "text/javascript" | "text/css" | "application/javascript" => return None,
            "application/octet-stream" | "application/x-httpd-php" => Kind::Plain,
            _ if media.ends_with("json") || media.ends_with("xml") => Kind::Data,
            _ if media.starts_with("text/") => Kind::Plain,
            _ => return None,
        };
        Some(Self {
            phrases: &PHRASES,
            status,
            kind,
            seen: [0; FAMILIES.len()],
            carried: Vec::with_capacity(LONGEST * 2),
            begin: None,
            read: 0,
            limit,
            verdict: Verdict::new(sensitivity, Exceptions::default()),
        })
    }

    /// Reads the next chunk; chunks may be cut anywhere.
    pub fn feed(&mut self, chunk: &[u8]) {
        let chunk = span(chunk, 0, self.limit.saturating_sub(self.read));
        if chunk.is_empty() {
            return;
        }
        let phrases = self.phrases;
        if self.begin.is_none() {
            let blank = |b: &u8| b.is_ascii_whitespace();
            self.begin = chunk
                .iter()
                .position(|b| !blank(b))
                .map(|at| self.read + at);
        }
        steps::count(chunk.len() + LONGEST);
        // Phrases that began in the last chunk and end in this one.
        let border = self.carried.len();
        let before = self.read - border;
        let mut joined = std::mem::take(&mut self.carried);
        joined.extend_from_slice(span(chunk, 0, LONGEST));
        for hit in phrases.automaton.find_overlapping_iter(&joined) {
            if hit.start() < border && hit.end() > border {
                self.hit(hit.pattern().as_usize(), &joined, hit.range(), before);
            }
        }
        for hit in phrases.automaton.find_overlapping_iter(chunk) {
            self.hit(hit.pattern().as_usize(), chunk, hit.range(), self.read);
        }
        if chunk.len() >= LONGEST {
            joined.clear();
            joined.extend_from_slice(span(chunk, chunk.len() - (LONGEST - 1), chunk.len()));
        } else {
            let surplus = joined.len().saturating_sub(LONGEST - 1);
            joined.drain(..surplus);
        }
        self.carried = joined;
        self.read = self.read.saturating_add(chunk.len());
    }

    /// Returns what was seen so far; a threshold of [`crate::inspector::THRESHOLD`] is meant for it, too.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// Ends the reading.
    pub fn finish(self) -> Verdict {
        self.verdict
    }

    /// Counts a phrase at `range` of `text`, which begins at `before` of the body.
    fn hit(&mut self, pattern: usize, text: &[u8], range: std::ops::Range<usize>, before: usize) {
        let Some(&(f, p)) = self.phrases.owners.get(pattern) else {
            return;
        };
        let Some(family) = FAMILIES.get(f) else {
            return;
        };
        let first = self.begin == Some(before + range.start);
        if !family.kinds.contains(&self.kind) || family.first && !first {
            return;
        }
        let Some(seen) = self.seen.get_mut(f) else {
            return;
        };
        let before = seen.count_ones();
        *seen |= 1 << p.min(31);
        let now = seen.count_ones();
        if now > before && now == family.needed {
            self.add(family, text, range.start, range.end);
        }
    }

    fn add(&mut self, family: &Family, text: &[u8], from: usize, to: usize) {
        // A page that speaks of errors is served with success; one that is an error says so.
        let manner = if family.spoken && self.status < 400 {
            Manner::Quoted
        } else {
            Manner::Meant
        };
        let rule = match family.rule {
            signs::Leak::Trace => &rules::LEAK_TRACE,
            signs::Leak::Database => &rules::LEAK_DATABASE,
            signs::Leak::Listing => &rules::LEAK_LISTING,
            signs::Leak::Source => &rules::LEAK_SOURCE,
            signs::Leak::File => &rules::LEAK_FILE,
        };
        self.verdict
            .add_in(manner, rule, Spot::Body, &Layers::default(), text, from, to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TRACE: &str = "<h1>HTTP Status 500</h1><pre>java.lang.NullPointerException\n\tat com.example.A.b(A.java:12)\n\tat org.apache.catalina.core.B.c(B.java:3)\n</pre>";

    fn rules_of(status: u16, media: &str, body: &str, size: usize) -> Vec<(&'static str, bool)> {
        let mut scan =
            ResponseScan::new(status, Some(media), Sensitivity::Default, DEFAULT_LIMIT).unwrap();
        for chunk in body.as_bytes().chunks(size) {
            scan.feed(chunk);
        }
        scan.finish()
            .findings
            .iter()
            .map(|finding| (finding.rule.as_str(), finding.quoted))
            .collect()
    }

    #[test]
    fn what_should_not_leave_is_seen_for_what_it_is() {
        for (status, media, body, rule) in [
            (500, "text/html", TRACE, "leak-trace"),
            (
                500,
                "text/plain",
                "Traceback (most recent call last):\n  File \"/app/a.py\", line 3, in <module>\n",
                "leak-trace",
            ),
            (
                500,
                "application/json",
                "{\"error\":\"You have an error in your SQL syntax; check the manual\"}",
                "leak-database",
            ),
            (
                200,
                "text/html",
                "<html><head><title>Index of /backup</title></head><body><a href=\"../\">Parent Directory</a>",
                "leak-listing",
            ),
            (
                200,
                "text/html",
                "\n<?php\n$db = new PDO('a');",
                "leak-source",
            ),
            (
                200,
                "text/plain",
                "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:",
                "leak-file",
            ),
            (
                200,
                "text/html",
                "; for 16-bit app support\r\n[fonts]\r\n",
                "leak-file",
            ),
        ] {
            for size in [1, 2, 7, 63, 64, 65, body.len()] {
                assert_eq!(
                    rules_of(status, media, body, size),
                    [(rule, false)],
                    "{body} in chunks of {size}"
                );
            }
        }
    }

    #[test]
    fn pages_that_speak_of_errors_are_not_errors() {
        for body in [
            "<p>The error <code>You have an error in your SQL syntax</code> means a missing quote.</p>",
            "<p>Index of names</p>",
            "<p>use &lt;?php to begin</p>",
            "<a href=\"/parent\">Parent Directory</a>",
            "at com.example.A",
        ] {
            let found = rules_of(200, "text/html", body, 16);
            assert!(found.iter().all(|(_, quoted)| *quoted), "{body}: {found:?}");
        }
        assert_eq!(rules_of(200, "text/html", "see <?php echo 1; ?>", 64), []);
        assert!(
            ResponseScan::new(200, Some("image/png"), Sensitivity::Default, 1).is_none()
                && ResponseScan::new(200, Some("text/css"), Sensitivity::Default, 1).is_none()
        );
    }

    #[test]
    fn no_more_is_read_than_was_asked_for_and_no_more_is_kept_than_a_phrase() {
        let mut scan = ResponseScan::new(500, None, Sensitivity::Default, 1000).unwrap();
        for _ in 0..100 {
            scan.feed(&[b'a'; 100]);
            assert!(scan.carried.len() < LONGEST);
        }
        scan.feed(TRACE.as_bytes());
        assert!(scan.finish().findings.is_empty());
    }

    #[test]
    fn every_phrase_fits_what_is_carried() {
        for family in FAMILIES {
            assert!(
                family.phrases.len() <= 32
                    && family.needed as usize <= family.phrases.len()
                    && family
                        .phrases
                        .iter()
                        .all(|p| (3..=LONGEST).contains(&p.len()))
            );
        }
    }

    proptest! {
        #[test]
        fn the_cuts_between_chunks_change_nothing(cuts in proptest::collection::vec(1_usize..90, 0..40)) {
            let body = format!("{}{TRACE}SQLSTATE[42000]{}", "x".repeat(70), "y".repeat(70));
            let mut scan = ResponseScan::new(500, None, Sensitivity::Default, DEFAULT_LIMIT).unwrap();
            let mut rest = body.as_bytes();
            for cut in cuts {
                let (chunk, after) = rest.split_at(cut.min(rest.len()));
                scan.feed(chunk);
                rest = after;
            }
            scan.feed(rest);
            let verdict = scan.finish();
            let found: Vec<_> = verdict.findings.iter().map(|f| f.rule.as_str()).collect();
            prop_assert_eq!(found, ["leak-trace", "leak-database"]);
        }
    }
}
