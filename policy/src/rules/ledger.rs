//! A digest of a sequence of rows that follows changes.
//!
//! The sequence is cut into chapters behind every row whose checksum ends in eight zero bits, so where
//! the cuts are depends on the rows alone and not on how they came together. A chapter's digest is the
//! SHA-256 of its rows, the whole is that of the chapters; a change computes one or two chapters anew, of
//! 256 rows on average. An author who writes rows without a cut makes changes slow, never the digest weak.

use std::sync::Arc;

use crate::revision::Fingerprint;
use crate::source::size;

/// The chapters of a sequence of rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    chapters: Arc<Vec<Chapter>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Chapter {
    rows: u32,
    /// `None` if its rows have changed.
    digest: Option<[u8; 32]>,
}

impl Ledger {
    /// A ledger over rows that were never looked at.
    pub(crate) fn new(rows: usize) -> Self {
        let whole = Chapter {
            rows: size(rows),
            digest: None,
        };
        Self {
            chapters: Arc::new(vec![whole]),
        }
    }

    /// Notes that a row now stands at this position.
    pub(crate) fn inserted(&mut self, position: u32) {
        let chapters = Arc::make_mut(&mut self.chapters);
        let mut start = 0_u32;
        for chapter in &mut *chapters {
            start = start.saturating_add(chapter.rows);
            if position <= start {
                chapter.rows += 1;
                chapter.digest = None;
                return;
            }
        }
        chapters.push(Chapter {
            rows: 1,
            digest: None,
        });
    }

    /// Notes that the row at this position is gone.
    pub(crate) fn removed(&mut self, position: u32) {
        let mut start = 0_u32;
        for chapter in Arc::make_mut(&mut self.chapters) {
            start = start.saturating_add(chapter.rows);
            if position < start {
                chapter.rows -= 1;
                chapter.digest = None;
                return;
            }
        }
    }

    /// Reads what has changed; `row` gives the text of the row at a position and a number that belongs
    /// to it.
    pub(crate) fn settle<'r>(&mut self, row: impl Fn(usize) -> (u32, &'r str)) {
        if self.chapters.iter().all(|chapter| chapter.digest.is_some()) {
            return;
        }
        let mut settled = Vec::with_capacity(self.chapters.len() + 1);
        let mut old = self.chapters.iter();
        let mut at = 0_usize;
        while let Some(chapter) = old.next() {
            let mut end = at + chapter.rows as usize;
            if chapter.digest.is_some() {
                settled.push(*chapter);
                at = end;
                continue;
            }
            let mut open = Open::default();
            loop {
                if at == end {
                    if open.rows == 0 {
                        break;
                    }
                    // The last row is no end of a chapter, so the next chapter goes on with this one.
                    let Some(next) = old.next() else { break };
                    end += next.rows as usize;
                    continue;
                }
                let (number, text) = row(at);
                at += 1;
                open.take(number, text);
                if is_end(text) {
                    settled.push(open.close());
                }
            }
            if open.rows > 0 {
                settled.push(open.close());
            }
        }
        self.chapters = Arc::new(settled);
    }

    /// Feeds what the rows are.
    pub(crate) fn feed(&self, into: &mut Fingerprint) {
        into.count(self.chapters.len());
        for chapter in &*self.chapters {
            into.count(chapter.rows as usize);
            into.bytes(chapter.digest.as_ref().map_or(&[], |digest| digest));
        }
    }
}

/// A chapter that is being read.
#[derive(Default)]
struct Open {
    rows: u32,
    /// Number, length and text of each row, so that no two sequences of rows give the same bytes.
    bytes: Vec<u8>,
}

impl Open {
    fn take(&mut self, number: u32, text: &str) {
        self.rows += 1;
        self.bytes.extend_from_slice(&number.to_le_bytes());
        self.bytes
            .extend_from_slice(&(text.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn close(&mut self) -> Chapter {
        let mut digest = Fingerprint::new();
        digest.bytes(&self.bytes);
        self.bytes.clear();
        Chapter {
            rows: std::mem::take(&mut self.rows),
            digest: Some(*digest.finish().bytes()),
        }
    }
}

/// Whether a chapter ends behind this row. The checksum is a part of what a revision is: it must give
/// the same everywhere and for ever.
fn is_end(text: &str) -> bool {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut sum = text.len() as u64;
    for chunk in text.as_bytes().chunks(8) {
        let mut word = [0; 8];
        for (to, from) in word.iter_mut().zip(chunk) {
            *to = *from;
        }
        sum = (sum ^ u64::from_le_bytes(word)).wrapping_mul(FACTOR);
        sum ^= sum >> 32;
    }
    sum & 0xff == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn revision(ledger: &Ledger) -> [u8; 32] {
        let mut whole = Fingerprint::new();
        ledger.feed(&mut whole);
        *whole.finish().bytes()
    }

    fn of(rows: &[String]) -> Ledger {
        let mut ledger = Ledger::new(rows.len());
        ledger.settle(|at| (0, &rows[at]));
        ledger
    }

    #[test]
    fn chapters_have_about_256_rows() {
        let rows: Vec<String> = (0..50_000).map(|row| format!("u:{row}\n/a/b\n")).collect();
        let chapters = of(&rows).chapters.len();
        assert!((120..280).contains(&chapters), "{chapters}");
    }

    #[test]
    fn where_chapters_end_never_changes() {
        let ends: Vec<u32> = (0..1_500)
            .filter(|row| is_end(&format!("row {row}\n")))
            .collect();
        assert_eq!(ends, ENDS);
    }

    const ENDS: &[u32] = &[1057, 1168, 1228, 1452];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn a_ledger_that_followed_changes_is_that_of_the_rows(
            first in 0_usize..3_000,
            steps in proptest::collection::vec(
                proptest::collection::vec((any::<bool>(), any::<prop::sample::Index>(), 0_u32..5_000), 1..4),
                0..60,
            ),
        ) {
            let mut rows: Vec<String> = (0..first).map(|row| format!("{row}")).collect();
            let mut ledger = of(&rows);
            for batch in steps {
                for (insert, at, text) in batch {
                    if insert {
                        let at = at.index(rows.len() + 1);
                        rows.insert(at, text.to_string());
                        ledger.inserted(size(at));
                    } else if !rows.is_empty() {
                        let at = at.index(rows.len());
                        rows.remove(at);
                        ledger.removed(size(at));
                    }
                }
                ledger.settle(|at| (0, &rows[at]));
            }
            prop_assert_eq!(&ledger.chapters, &of(&rows).chapters);
        }

        #[test]
        fn other_rows_give_another_digest(
            rows in proptest::collection::vec("[ab]{0,2}", 1..6),
            others in proptest::collection::vec("[ab]{0,2}", 1..6),
        ) {
            prop_assert_eq!(rows == others, revision(&of(&rows)) == revision(&of(&others)));
        }
    }
}
