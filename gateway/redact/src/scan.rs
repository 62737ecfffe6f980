//! The pass over a body: 64 bytes at a time, stopping only where a value could be.

use std::sync::Arc;

use crate::bits::{Before, Bits, Stops, Wanted};
use crate::cluster::{self, Scratch};
use crate::context::Behind;
use crate::copy::{Change, Copy};
use crate::expect::Expect;
use crate::grid::Grid;
use crate::label::Rule;
use crate::level::Level;
use crate::media::Media;
use crate::names::Names;
use crate::rules::Rules;
use crate::run::{Barren, run_start};
use crate::secret::Rest;
use crate::sink::Sink;
use crate::syntax::Syntax;
use crate::unit::is_alnum;
use crate::value::{Charset, Letter};

/// What the pass knows between two buffers.
#[derive(Debug)]
pub(crate) struct Scan {
    pub(crate) rules: Arc<Rules>,
    pub(crate) syntax: Syntax,
    pub(crate) charset: Charset,
    pub(crate) stops: Stops,
    pub(crate) sink: Sink,
    /// The byte before the buffer belongs to a word that goes on.
    glued: bool,
    pub(crate) behind: Behind,
    /// A value is next whose field says what it is.
    pub(crate) expect: Option<Expect>,
    /// A secret is open that nothing stays of.
    pub(crate) rest: Option<Rest>,
    pub(crate) scratch: Scratch,
    pub(crate) names: Names,
    /// The place behind the colon that was passed last, and the label before it.
    pub(crate) said: Option<(usize, Option<Rule>)>,
    /// Where no address with colons is, and where no line of a travel document is.
    pub(crate) barren: Barren,
    pub(crate) lineless: Barren,
    pub(crate) grid: Grid,
    pub(crate) letters: Vec<Letter>,
    pub(crate) text: String,
}

/// What became of a place that could matter.
pub(crate) enum Step {
    /// Decided up to here.
    To { at: usize, glued: bool },
    /// Undecided from here on until more is known.
    Wait { from: usize },
    /// Nothing here, and nothing decided.
    Stay,
}

impl Scan {
    pub(crate) fn new(rules: Arc<Rules>, level: Level, media: Media) -> Self {
        let (syntax, wanted, marks) = match media {
            Media::Json => (Syntax::Json, Wanted::Quotes, *b"=<"),
            Media::Ndjson => (Syntax::Json, Wanted::QuotesAndLines, *b"=<"),
            Media::Text | Media::EventStream | Media::Csv | Media::Tsv => {
                (Syntax::Text, Wanted::Neither, *b"=<")
            }
            Media::Form => (Syntax::Form, Wanted::Neither, *b"=<"),
            Media::Markup => (Syntax::Markup, Wanted::Neither, *b"=>"),
        };
        let sink = Sink::new(Arc::clone(&rules), level, wanted == Wanted::Neither);
        Self {
            rules,
            sink,
            syntax,
            charset: Charset::Utf8,
            stops: Stops {
                escape: syntax.escapes().byte(),
                marks,
                wanted,
            },
            glued: false,
            behind: Behind::default(),
            expect: None,
            rest: None,
            scratch: Scratch::default(),
            names: Names::default(),
            said: None,
            barren: Barren::default(),
            lineless: Barren::default(),
            grid: Grid::default(),
            letters: Vec::new(),
            text: String::new(),
        }
    }

    /// Writes all of the buffer that is decided and returns where the undecided rest begins. The next buffer must
    /// begin with that rest; `last` says that there is none.
    pub(crate) fn run(&mut self, buffer: &[u8], last: bool, out: &mut Vec<u8>) -> usize {
        // What is copied at once may reach beyond the end.
        out.reserve(buffer.len() + 128);
        self.pass_over(last, Copy::new(buffer, out))
    }

    /// The same, keeping what is changed: places in the buffer, and in `out`.
    pub(crate) fn run_logged(
        &mut self,
        buffer: &[u8],
        last: bool,
        out: &mut Vec<u8>,
        changes: &mut Vec<Change>,
    ) -> usize {
        self.pass_over(last, Copy::new(buffer, out).logged(changes))
    }

    fn pass_over(&mut self, last: bool, mut copy: Copy<'_>) -> usize {
        self.said = None;
        self.barren = Barren::default();
        self.lineless = Barren::default();
        let from = self.pass(last, &mut copy);
        copy.upto(from);
        self.behind.pass(copy.buffer, from);
        from
    }

    /// Reads a whole text and returns what is changed of it; `out` is the text as it is then.
    pub(crate) fn changes(&mut self, text: &[u8], out: &mut Vec<u8>) -> Vec<Change> {
        self.said = None;
        self.barren = Barren::default();
        self.lineless = Barren::default();
        let mut changes = Vec::new();
        let mut copy = Copy::new(text, out).logged(&mut changes);
        let from = self.pass(true, &mut copy);
        copy.upto(from);
        changes
    }

    fn pass(&mut self, last: bool, copy: &mut Copy<'_>) -> usize {
        let buffer = copy.buffer;
        let mut at = 0;
        match self.resume(at, last, copy) {
            Step::Wait { from } => {
                self.glue(buffer, at, from);
                return from;
            }
            Step::To { at: to, glued } if to > 0 => {
                at = to;
                self.glued = glued;
            }
            Step::To { .. } | Step::Stay => {}
        }
        let mut base = at;
        let mut before = Before::default();
        while base < buffer.len() {
            let bits = Bits::read(buffer, base, self.stops);
            let (mut quotes, mut lines) = (bits.quote, bits.line);
            let mut events = bits.events(&before);
            let mut next = base + 64;
            let ahead = before;
            before = bits.before(&ahead);
            while events != 0 {
                let offset = events.trailing_zeros();
                events &= events - 1;
                let place = base + offset as usize;
                if self.is_punctuation(buffer, place) {
                    at = place + 1;
                    self.glued = false;
                    continue;
                }
                let below = (1_u64 << offset) - 1;
                self.pass_quotes(quotes & below, lines & below);
                quotes &= !below;
                lines &= !below;
                let word = || {
                    let (start, end) = bits.word_around(&ahead, offset)?;
                    let end = base + end - 64;
                    let rest = if end < base + 64 {
                        0
                    } else {
                        word_rest(buffer, end)
                    };
                    Some(((base + start).checked_sub(64)?, end + rest))
                };
                let mut step = match self.step_fast(at, place, word, copy) {
                    Some(step) => step,
                    None => self.step(at, place, last, copy),
                };
                if let Step::To { at: to, .. } = step
                    && (self.expect.is_some() || self.rest.is_some())
                {
                    match self.resume(to, last, copy) {
                        Step::Stay => {}
                        // What stands between a field and its value is decided, and no part of either.
                        Step::To { at: end, .. } if end == to => {}
                        done @ (Step::To { .. } | Step::Wait { .. }) => {
                            at = to;
                            self.glued = false;
                            step = done;
                        }
                    }
                }
                match step {
                    Step::Stay => {}
                    Step::Wait { from } => {
                        self.glue(buffer, at, from);
                        return from;
                    }
                    Step::To { at: to, glued } => {
                        at = to;
                        self.glued = glued;
                        // Quotes that the step went past were escaped, or belong to a whole string.
                        let above = if to < base + 64 {
                            u64::MAX << (to.saturating_sub(base))
                        } else {
                            0
                        };
                        events &= above;
                        quotes &= above;
                        lines &= above;
                        if to >= base + 64 {
                            next = to;
                            before = Before::default();
                        }
                    }
                }
            }
            self.pass_quotes(quotes, lines);
            base = next;
        }
        let from = if last {
            buffer.len()
        } else {
            let open = cluster::start(buffer, at, buffer.len(), self.syntax.escapes()).0;
            open.min(run_start(buffer, at, buffer.len()))
        };
        self.glue(buffer, at, from);
        from
    }

    /// Tells whether at a place stands a full-width form that ends every value and no label: `，` most of all.
    #[inline(always)]
    fn is_punctuation(&self, buffer: &[u8], place: usize) -> bool {
        let colon = [0xBC, 0x9A];
        buffer.get(place) == Some(&0xEF)
            && self.syntax.escapes().is_plain_break(buffer, place)
            && buffer.get(place + 1..place + 3) != Some(&colon)
    }

    fn pass_quotes(&mut self, quotes: u64, lines: u64) {
        let counted = match lines.checked_ilog2() {
            // A document ends with its line, whatever is wrong with it.
            Some(line) => {
                self.sink.in_string = false;
                quotes & !(u64::MAX >> (63 - line))
            }
            None => quotes,
        };
        self.sink.in_string ^= counted.count_ones() % 2 == 1;
    }

    /// Keeps what must be known about the byte before `to`, after everything up to `from` is decided.
    fn glue(&mut self, buffer: &[u8], from: usize, to: usize) {
        self.glued = self.is_glued(buffer, from, to);
    }

    pub(crate) fn is_glued(&self, buffer: &[u8], from: usize, to: usize) -> bool {
        if to > from {
            buffer.get(to - 1).is_some_and(|&byte| is_alnum(byte))
        } else {
            self.glued
        }
    }
}

/// Letters and digits in a row from a place on, as far as any value that is one word goes.
#[inline]
fn word_rest(buffer: &[u8], from: usize) -> usize {
    let rest = buffer.get(from..).unwrap_or_default().iter();
    rest.take(WORD_MAX)
        .take_while(|&&byte| is_alnum(byte))
        .count()
}

/// More than any value has that is one word: where as many follow, the word is looked at as a cluster.
const WORD_MAX: usize = 40;
