//! The pass over a body: 64 bytes at a time, stopping only where a value could be.

use std::cell::RefCell;
use std::sync::Arc;

use crate::action::{Action, Actions};
use crate::bits::{Before, Bits, Stops, Wanted};
use crate::cluster::{self, Cluster, Scratch, Unescaped};
use crate::context::{Behind, Tags, WINDOW, label_before};
use crate::copy::Copy;
use crate::field::Expect;
use crate::find::{After, Hit, find};
use crate::kind::{Counts, Kind};
use crate::label::Memo;
use crate::level::Level;
use crate::mask;
use crate::media::Media;
use crate::mrz;
use crate::network;
use crate::number::number;
use crate::rules::Rules;
use crate::secret::{self, Rest};
use crate::unit::{ALNUM, Escapes, MARK, SIGN, Unit, is_alnum, is_cluster, unit};
use crate::value::{Charset, Letter};

/// What the pass knows between two buffers.
#[derive(Debug)]
pub(crate) struct Scan {
    pub(crate) rules: Arc<Rules>,
    pub(crate) syntax: Syntax,
    pub(crate) charset: Charset,
    stops: Stops,
    pub(crate) sink: Sink,
    /// The byte before the buffer belongs to a word that goes on.
    glued: bool,
    pub(crate) behind: Behind,
    /// A value is next whose field says what it is.
    pub(crate) expect: Option<Expect>,
    /// A secret is open that nothing stays of.
    pub(crate) rest: Option<Rest>,
    scratch: Scratch,
    pub(crate) memo: RefCell<Memo>,
    pub(crate) letters: Vec<Letter>,
    pub(crate) text: String,
}

/// What becomes of values, and how many there were.
#[derive(Debug)]
pub(crate) struct Sink {
    rules: Arc<Rules>,
    pub(crate) actions: Actions,
    /// Within a JSON string, where stars may stand; outside, a number must stay a number.
    pub(crate) in_string: bool,
    pub(crate) found: Counts,
    pub(crate) masked: Counts,
}

/// How a format writes fields and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    Json,
    Text,
    Form,
    Markup,
}

impl Syntax {
    pub(crate) fn escapes(self) -> Escapes {
        match self {
            Self::Json | Self::Text => Escapes::Backslash,
            Self::Form => Escapes::Percent,
            Self::Markup => Escapes::Entity,
        }
    }

    pub(crate) fn tags(self) -> Tags {
        if self == Self::Markup {
            Tags::Skipped
        } else {
            Tags::Text
        }
    }
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
            Media::Json => (Syntax::Json, Wanted::Quotes, *b"<<"),
            Media::Ndjson => (Syntax::Json, Wanted::QuotesAndLines, *b"<<"),
            Media::Text | Media::EventStream | Media::Csv | Media::Tsv => {
                (Syntax::Text, Wanted::Neither, *b"=<")
            }
            Media::Form => (Syntax::Form, Wanted::Neither, *b"=<"),
            Media::Markup => (Syntax::Markup, Wanted::Neither, *b"=>"),
        };
        let sink = Sink {
            actions: rules.actions(level),
            rules: Arc::clone(&rules),
            in_string: wanted == Wanted::Neither,
            found: Counts::default(),
            masked: Counts::default(),
        };
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
            memo: RefCell::default(),
            letters: Vec::new(),
            text: String::new(),
        }
    }

    /// Writes all of the buffer that is decided and returns where the undecided rest begins. The next buffer must
    /// begin with that rest; `last` says that there is none.
    pub(crate) fn run(&mut self, buffer: &[u8], last: bool, out: &mut Vec<u8>) -> usize {
        out.reserve(buffer.len());
        let mut copy = Copy::new(buffer, out);
        let from = self.pass(last, &mut copy);
        copy.upto(from);
        self.behind.pass(buffer, from);
        from
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
            before = bits.before(&before);
            while events != 0 {
                let offset = events.trailing_zeros();
                events &= events - 1;
                let below = (1_u64 << offset) - 1;
                self.pass_quotes(quotes & below, lines & below);
                quotes &= !below;
                lines &= !below;
                let mut step = self.step(at, base + offset as usize, last, copy);
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

    fn is_glued(&self, buffer: &[u8], from: usize, to: usize) -> bool {
        if to > from {
            buffer.get(to - 1).is_some_and(|&byte| is_alnum(byte))
        } else {
            self.glued
        }
    }

    fn step(&mut self, floor: usize, place: usize, last: bool, copy: &mut Copy<'_>) -> Step {
        let buffer = copy.buffer;
        let escapes = self.syntax.escapes();
        let byte = buffer.get(place).copied().unwrap_or(0);
        match byte {
            b':' => {
                if self.may_expect(place, buffer) && self.expects_after(place, buffer) {
                    return Step::To {
                        at: place + 1,
                        glued: false,
                    };
                }
                return self.step_network(floor, place, last, copy);
            }
            b'=' | b'>' => {
                return if self.may_expect(place, buffer) && self.expects_after(place, buffer) {
                    Step::To {
                        at: place + 1,
                        glued: false,
                    }
                } else {
                    Step::Stay
                };
            }
            b'<' => return self.step_document(floor, place, last, copy),
            b'-' => {
                let (start, _) = cluster::start(buffer, floor, place, escapes);
                let dashes = buffer.get(start..=place).unwrap_or_default();
                if dashes.len() == 5 && dashes.iter().all(|&byte| byte == b'-') {
                    return self.step_key(start, last, copy);
                }
            }
            _ => {}
        }
        if byte == escapes.byte() || byte == 0xEF {
            if escapes.is_plain_break(buffer, place) {
                if matches!(buffer.get(place + 1..place + 3), Some([0xBC, 0x9A]))
                    && self.may_expect(place, buffer)
                    && self.expects_after(place, buffer)
                {
                    return Step::To {
                        at: place + 3,
                        glued: false,
                    };
                }
                return Step::To {
                    at: place + 1,
                    glued: false,
                };
            }
            match unit(buffer, place, escapes, last) {
                // No place in the run before it could matter, or the pass would have stopped there.
                Unit::Break { len } => {
                    return Step::To {
                        at: place + len.max(1),
                        glued: false,
                    };
                }
                Unit::Short | Unit::WideX { .. } | Unit::Char { .. } => {}
            }
        }
        let (start, seen) = cluster::start(buffer, floor, place, escapes);
        let glued = self.is_glued(buffer, floor, start);
        match cluster::cut(buffer, start, place, seen, escapes, last) {
            Cluster::Open => Step::Wait { from: start },
            Cluster::Plain { end, more, seen } => {
                if !more {
                    let step = self.neighbours(floor, start, end, last, copy);
                    if !matches!(step, Step::Stay) {
                        return step;
                    }
                }
                let text = buffer.get(start..end).unwrap_or_default();
                match self.mask(text, start, seen, glued, more, |at| start + at, copy) {
                    Some((at, glued)) => Step::To {
                        at: start + at,
                        glued,
                    },
                    None => Step::To {
                        at: end,
                        glued: false,
                    },
                }
            }
            Cluster::Escaped => self.step_escaped(start, glued, last, copy),
        }
    }

    /// Looks at runs that go beyond a cluster: addresses with colons, lines of travel documents.
    #[inline]
    fn neighbours(
        &mut self,
        floor: usize,
        start: usize,
        end: usize,
        last: bool,
        copy: &mut Copy<'_>,
    ) -> Step {
        let buffer = copy.buffer;
        let short = end - start <= 4;
        let step = match (
            buffer.get(end),
            start.checked_sub(1).and_then(|before| buffer.get(before)),
        ) {
            (Some(b':'), _) if short => self.step_network(floor, end, last, copy),
            (Some(b'<'), _) if end - start >= 6 => self.step_document(floor, end, last, copy),
            (_, Some(b':')) if short => self.step_network(floor, start - 1, last, copy),
            _ => Step::Stay,
        };
        if let Step::Wait { from } = step {
            // The cluster may begin before the run does.
            let from = from.min(start);
            return Step::Wait { from };
        }
        step
    }

    /// Tells whether a label could end at a mark; wrong at most in saying yes. Most marks end here.
    #[inline]
    fn may_expect(&self, place: usize, buffer: &[u8]) -> bool {
        let Some(before) = place
            .checked_sub(8)
            .and_then(|from| buffer.get(from..place))
        else {
            return true;
        };
        let labels = self.rules.labels();
        match before {
            // A key in JSON that stands in a string.
            [.., b'\\', b'"'] => true,
            // More of what may stand between a label and its mark: the label is further ahead.
            [.., b' ' | b'\'' | b'"' | b'*', b'"'] => true,
            [head @ .., b'"'] => {
                let escaped = matches!(head, [.., b'\\', b'u', _, _, _, _]);
                let next = buffer.get(place + 1).copied().unwrap_or(b' ');
                escaped
                    || matches!(next, b'[' | b' ' | b'\n' | b'\r') && labels.may_end(head)
                    || labels.may_end_unshaped(head)
            }
            [
                ..,
                b' ' | b'\t' | b'\n' | b'\'' | b'\\' | b'*' | b'.' | b'>' | 0x91,
            ] => true,
            [.., b'%', _, _] => true,
            _ if self.syntax == Syntax::Markup => true,
            _ => labels.may_end_unshaped(before),
        }
    }

    /// Decides about an address with colons around `place`.
    fn step_network(
        &mut self,
        floor: usize,
        place: usize,
        last: bool,
        copy: &mut Copy<'_>,
    ) -> Step {
        let buffer = copy.buffer;
        match self.behind.last(buffer, place) {
            Some(byte) if network::is_run(byte) => {}
            _ if buffer.get(place + 1) == Some(&b':') => {}
            _ => return Step::Stay,
        }
        let length = |bytes: &mut dyn Iterator<Item = &u8>| {
            bytes
                .take(network::RUN_MAX + 1)
                .take_while(|&&byte| network::is_run(byte))
                .count()
        };
        let start = place - length(&mut buffer.get(floor..place).unwrap_or_default().iter().rev());
        let end = place + length(&mut buffer.get(place..).unwrap_or_default().iter());
        if end - start > network::RUN_MAX {
            return Step::Stay;
        }
        if end == buffer.len() && !last {
            return Step::Wait { from: start };
        }
        let glued = |byte: u8| {
            is_cluster(byte) && byte != b'@' || byte == b':' || byte == self.stops.escape
        };
        if self.behind.last(buffer, start).is_some_and(glued)
            || buffer.get(end).copied().is_some_and(glued)
        {
            return Step::Stay;
        }
        let run = buffer.get(start..end).unwrap_or_default();
        let trimmed = run.len() - run.iter().rev().take_while(|&&byte| byte == b'.').count();
        let text = run
            .get(..trimmed)
            .and_then(|run| std::str::from_utf8(run).ok())
            .unwrap_or_default();
        let kind = if network::is_mac(text.as_bytes()) {
            Kind::Mac
        } else if network::is_ipv6(text) && self.sink.in_string {
            Kind::Ip
        } else {
            return Step::Stay;
        };
        self.sink.write(
            &Hit::word(kind, 0, trimmed),
            text.as_bytes(),
            &|at| start + at,
            copy,
        );
        Step::To {
            at: start + trimmed,
            glued: false,
        }
    }

    /// Decides about a line of a travel document around `place`.
    fn step_document(
        &mut self,
        floor: usize,
        place: usize,
        last: bool,
        copy: &mut Copy<'_>,
    ) -> Step {
        let buffer = copy.buffer;
        let length = |bytes: &mut dyn Iterator<Item = &u8>| {
            bytes
                .take(mrz::LINE_MAX + 1)
                .take_while(|&&byte| mrz::is_line(byte))
                .count()
        };
        let start = place - length(&mut buffer.get(floor..place).unwrap_or_default().iter().rev());
        let end = place + length(&mut buffer.get(place..).unwrap_or_default().iter());
        if end - start > mrz::LINE_MAX || start == place {
            return Step::Stay;
        }
        if end == buffer.len() && !last {
            return Step::Wait { from: start };
        }
        if self.behind.last(buffer, start).is_some_and(is_cluster) {
            return Step::Stay;
        }
        let line = buffer.get(start..end).unwrap_or_default();
        if !mrz::is_document(line) {
            return Step::Stay;
        }
        self.sink.write(
            &Hit::word(Kind::Mrz, 0, line.len()),
            line,
            &|at| start + at,
            copy,
        );
        Step::To {
            at: end,
            glued: false,
        }
    }

    /// Decides about five dashes at `start`: the first line of a private key in PEM.
    fn step_key(&mut self, start: usize, last: bool, copy: &mut Copy<'_>) -> Step {
        let text = copy.buffer.get(start..).unwrap_or_default();
        match secret::pem_begin(text) {
            Ok(length) => {
                let end = start + length;
                let after = text
                    .get(length..text.len().min(length + 3))
                    .unwrap_or_default();
                if after == b"***" {
                    return Step::To {
                        at: end + 3,
                        glued: false,
                    };
                }
                if after.len() < 3 && !last {
                    return Step::Wait { from: start };
                }
                self.sink
                    .write(&Hit::word(Kind::Secret, 0, 0), &[], &|_| end, copy);
                self.rest = Some(Rest::Pem {
                    dashes: 0,
                    closing: false,
                });
                Step::To {
                    at: end,
                    glued: false,
                }
            }
            Err(true) if !last => Step::Wait { from: start },
            Err(_) => Step::Stay,
        }
    }

    fn step_escaped(&mut self, start: usize, glued: bool, last: bool, copy: &mut Copy<'_>) -> Step {
        let mut scratch = std::mem::take(&mut self.scratch);
        let step = match cluster::unescape(
            copy.buffer,
            start,
            self.syntax.escapes(),
            last,
            &mut scratch,
        ) {
            Unescaped::Open => Step::Wait { from: start },
            Unescaped::Text { next, more } => {
                let place_of = |at: usize| scratch.places.get(at).copied().unwrap_or(next);
                match self.mask(
                    &scratch.text,
                    start,
                    ALNUM | MARK | SIGN,
                    glued,
                    more,
                    place_of,
                    copy,
                ) {
                    Some((at, glued)) => Step::To {
                        at: place_of(at),
                        glued,
                    },
                    None => Step::To {
                        at: next,
                        glued: false,
                    },
                }
            }
        };
        self.scratch = scratch;
        step
    }

    /// Masks what is in a cluster; returns where to go on where the cluster does.
    #[expect(
        clippy::too_many_arguments,
        reason = "a cluster is these facts, and only this function wants them all"
    )]
    fn mask(
        &mut self,
        text: &[u8],
        start: usize,
        seen: u8,
        glued: bool,
        more: bool,
        place_of: impl Fn(usize) -> usize,
        copy: &mut Copy<'_>,
    ) -> Option<(usize, bool)> {
        let email = self.sink.actions.get(Kind::Email);
        let after = if matches!(email, Action::Pass | Action::Local { .. }) {
            After::Sign
        } else {
            After::Domain
        };
        if !self.sink.in_string && !more && !glued && is_scaled_number(text) {
            if let Some(kind) = scaled_kind(text) {
                self.sink
                    .write(&Hit::word(kind, 0, text.len()), text, &place_of, copy);
            }
            return None;
        }
        let buffer = copy.buffer;
        let (rules, behind, tags, sink) = (
            &self.rules,
            &self.behind,
            self.syntax.tags(),
            &mut self.sink,
        );
        let label = |at: usize| {
            let mut room = [0; WINDOW];
            if at == 0 {
                return label_before(
                    behind.window(buffer, start, &mut room),
                    rules.labels(),
                    tags,
                );
            }
            // Within the cluster: what stands before the word, and before the cluster.
            let mut joined: Vec<u8> = behind.window(buffer, start, &mut room).to_vec();
            joined.extend_from_slice(text.get(..at).unwrap_or_default());
            let from = joined.len().saturating_sub(WINDOW);
            label_before(joined.get(from..).unwrap_or_default(), rules.labels(), tags)
        };
        let mut skip = 0;
        if seen & SIGN != 0 && !glued {
            let mut room = [0; WINDOW];
            if let Some(sign) =
                memchr::memchr(b'@', text).filter(|&sign| sign > 0 && !text.starts_with(b"***"))
                && secret::is_connection(behind.window(buffer, start, &mut room))
            {
                sink.write(&Hit::word(Kind::Secret, 0, sign), text, &place_of, copy);
                skip = sign;
            }
        }
        let mut open = false;
        let decided = find(
            text.get(skip..).unwrap_or_default(),
            seen,
            glued,
            more,
            after,
            &mut |at| label(skip + at),
            &mut |hit| {
                // A version in a number's place is no address.
                if hit.kind == Kind::Ip && !sink.in_string {
                    return;
                }
                let hit = Hit {
                    start: hit.start + skip,
                    first: hit.first + skip,
                    last: hit.last + skip,
                    end: hit.end + skip,
                    ..*hit
                };
                open |= hit.kind == Kind::Secret && hit.end == text.len();
                sink.write(&hit, text, &place_of, copy);
            },
        );
        if open && more {
            self.rest = Some(Rest::Token);
        }
        more.then_some((decided.at + skip, decided.glued))
    }
}

impl Sink {
    /// Counts a value, masked if its action does not pass it.
    pub(crate) fn add(&mut self, kind: Kind) -> Action {
        let action = self.actions.get(kind);
        self.found.add(kind);
        if action != Action::Pass {
            self.masked.add(kind);
        }
        action
    }

    /// Counts a value and writes what its action leaves of it.
    fn write(
        &mut self,
        hit: &Hit,
        text: &[u8],
        place_of: &impl Fn(usize) -> usize,
        copy: &mut Copy<'_>,
    ) {
        let action = self.add(hit.kind);
        match action {
            Action::Pass => {}
            _ if !self.in_string && text.get(hit.start..hit.end).is_some_and(is_number) => {
                self.write_number(action, hit, text, place_of, copy);
            }
            Action::Keep { head, tail }
                if hit.end - hit.start > usize::from(head) + usize::from(tail) =>
            {
                let from = (hit.start + usize::from(head)).min(hit.first);
                let to = hit
                    .end
                    .saturating_sub(usize::from(tail))
                    .max(hit.last)
                    .max(from);
                copy.replace(place_of(from), place_of(to), b'*', to - from);
            }
            Action::Local { head } if hit.first < hit.end => {
                let from = (hit.start + usize::from(head)).min(hit.first);
                copy.replace(place_of(from), place_of(hit.first), b'*', 3);
            }
            Action::Drop => copy.replace(place_of(hit.start), place_of(hit.end), b'*', 3),
            other @ (Action::Keep { .. }
            | Action::Hide { .. }
            | Action::Line { .. }
            | Action::Local { .. }
            | Action::Surname
            | Action::Hidden
            | Action::District
            | Action::City
            | Action::Groups { .. }
            | Action::Digits { .. }
            | Action::Round { .. }
            | Action::Band
            | Action::Shift
            | Action::Token
            | Action::Encrypt
            | Action::Null
            | Action::Remove) => {
                let chars: Vec<char> = text
                    .get(hit.start..hit.end)
                    .unwrap_or_default()
                    .iter()
                    .map(|&byte| char::from(byte))
                    .collect();
                let edits = match self.rules.keyed(other, hit.kind, &chars) {
                    Some(edits) => edits,
                    // Stands behind its province, which belongs to it.
                    None => mask::apply(without_province(other, hit.kind), &chars),
                };
                for edit in edits {
                    let from = place_of(hit.start + edit.at);
                    copy.put(from, place_of(hit.start + edit.at + edit.over), &edit.put);
                }
            }
        }
    }

    /// Writes what an action leaves of a number outside strings: a number.
    fn write_number(
        &mut self,
        action: Action,
        hit: &Hit,
        text: &[u8],
        place_of: &impl Fn(usize) -> usize,
        copy: &mut Copy<'_>,
    ) {
        // Stars would break the document, zeros in front are no JSON number, and `-0` is read as a fraction.
        let start = if text.get(..hit.start) == Some(b"-") {
            0
        } else {
            hit.start
        };
        if action == Action::Null {
            copy.put(
                place_of(start),
                place_of(hit.end),
                &mask::Put::Text("null".to_owned()),
            );
        } else {
            copy.replace(place_of(start), place_of(hit.end), b'0', 1);
        }
    }
}

fn without_province(action: Action, kind: Kind) -> Action {
    if let (Action::Keep { head, tail }, Kind::Plate) = (action, kind) {
        let head = head.saturating_sub(1);
        return Action::Keep { head, tail };
    }
    action
}

/// Where a run begins at the end of a buffer that may be an address with colons or a line of a document.
fn run_start(buffer: &[u8], floor: usize, end: usize) -> usize {
    let before = buffer.get(floor..end).unwrap_or_default();
    let length = |is: fn(u8) -> bool, least: u8, most: usize| {
        let count = before
            .iter()
            .rev()
            .take(most)
            .take_while(|&&byte| is(byte))
            .count();
        let run = before.get(before.len() - count..).unwrap_or_default();
        if run.contains(&least) { count } else { 0 }
    };
    end - length(network::is_run, b':', network::RUN_MAX + 1).max(length(
        mrz::is_line,
        b'<',
        mrz::LINE_MAX + 1,
    ))
}

/// Tells whether a cluster has only characters of JSON numbers.
fn is_number(text: &[u8]) -> bool {
    text.iter()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'))
}

/// Tells whether a cluster outside strings is a number with a fraction or an exponent.
fn is_scaled_number(text: &[u8]) -> bool {
    text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) && is_number(text)
}

/// The kind of the whole number that `13800138000.0` or `1.3800138e10` stands for.
fn scaled_kind(text: &[u8]) -> Option<Kind> {
    let text = std::str::from_utf8(text).ok()?.trim_start_matches('-');
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let places = usize::try_from(exponent)
        .ok()
        .filter(|&places| places <= 20)?;
    let kept = fraction.trim_end_matches('0');
    if kept.len() > places {
        return None;
    }
    let digits = format!("{whole}{kept}{:0<fill$}", "", fill = places - kept.len());
    let digits = digits.trim_start_matches('0');
    number(digits.as_bytes(), 0, digits.len()).map(|hit| hit.kind)
}
