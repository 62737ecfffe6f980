//! Runs that go beyond a cluster: addresses with colons, lines of travel documents, keys in PEM.

use crate::copy::Copy;
use crate::find::Hit;
use crate::kind::Kind;
use crate::mrz;
use crate::network;
use crate::scan::{Scan, Step};
use crate::secret::{self, Rest};
use crate::unit::{Unit, is_alnum, is_cluster, unit};

/// A run in which no address was found: from the place that nothing before is looked at, up to its end.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Barren {
    floor: usize,
    until: usize,
}

impl Barren {
    fn holds(self, floor: usize, place: usize) -> bool {
        self.floor == floor && place < self.until
    }
}

impl Scan {
    /// Decides about an address with colons around `place`.
    pub(crate) fn step_network(
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
        // Every colon of a run asks about the whole run, and hears the same.
        if self.barren.holds(floor, place) {
            return Step::Stay;
        }
        let length = |bytes: &mut dyn Iterator<Item = &u8>| {
            bytes
                .take(network::RUN_MAX + 1)
                .take_while(|&&byte| network::is_run(byte))
                .count()
        };
        let start = place - length(&mut buffer.get(floor..place).unwrap_or_default().iter().rev());
        let end = place + length(&mut buffer.get(place..).unwrap_or_default().iter());
        if end - start <= network::RUN_MAX && end == buffer.len() && !last {
            return Step::Wait { from: start };
        }
        let escapes = self.syntax.escapes();
        let behind = match unit(buffer, end, escapes, last) {
            Unit::Short if end - start <= network::RUN_MAX => return Step::Wait { from: start },
            Unit::Char { byte, .. } => Some(byte),
            Unit::WideX { .. } => Some(b'X'),
            Unit::Short | Unit::Break { .. } => None,
        };
        let found = if end - start > network::RUN_MAX {
            None
        } else {
            self.address_in(buffer, floor, (start, end), behind)
        };
        let Some((kind, from, to)) = found else {
            self.barren = Barren { floor, until: end };
            return Step::Stay;
        };
        let text = buffer.get(from..to).unwrap_or_default();
        self.sink
            .write(&Hit::word(kind, 0, text.len()), text, &|at| from + at, copy);
        Step::To {
            at: to,
            glued: false,
        }
    }

    /// Finds the address that a run is, but for the punctuation around it; `behind` is the character that follows.
    fn address_in(
        &self,
        buffer: &[u8],
        floor: usize,
        (start, end): (usize, usize),
        behind: Option<u8>,
    ) -> Option<(Kind, usize, usize)> {
        let run = buffer.get(start..end)?;
        let before = self.behind.last(buffer, start);
        let word = self.is_glued(buffer, floor, start);
        let colon = memchr::memchr(b':', run)?;
        // A label may end with what looks like a first group: `node:fe80::1`.
        let head = match (run.get(colon + 1), colon, word) {
            (_, 0, _) if before.is_some_and(|byte| byte.is_ascii_hexdigit() || byte == b'*') => {
                return None;
            }
            (Some(b':'), _, true) => return None,
            (Some(b':'), _, false) => 0,
            (_, 0, _) | (_, _, true) => colon + 1,
            (_, _, false) => 0,
        };
        let dots = run.iter().rev().take_while(|&&byte| byte == b'.').count();
        let tail = match run.get(..run.len() - dots)? {
            [.., b':', b':'] => dots,
            [.., b':'] => dots + 1,
            _ => dots,
        };
        let marked = |byte: Option<u8>| matches!(byte, Some(b'*' | b'_'));
        // What a mask left of an address is no address.
        let goes_on = tail == 0 && behind.is_some_and(is_alnum);
        if head == 0 && marked(before) || marked(behind) || goes_on {
            return None;
        }
        let (from, to) = (start + head, end.checked_sub(tail)?);
        let text = std::str::from_utf8(buffer.get(from..to)?).ok()?;
        let kind = if network::is_mac(text.as_bytes()) {
            Kind::Mac
        } else if network::is_ipv6(text) && self.sink.in_string {
            Kind::Ip
        } else {
            return None;
        };
        Some((kind, from, to))
    }

    /// Decides about a line of a travel document around `place`.
    pub(crate) fn step_document(
        &mut self,
        floor: usize,
        place: usize,
        last: bool,
        copy: &mut Copy<'_>,
    ) -> Step {
        let buffer = copy.buffer;
        if self.lineless.holds(floor, place) {
            return Step::Stay;
        }
        let length = |bytes: &mut dyn Iterator<Item = &u8>| {
            bytes
                .take(mrz::LINE_MAX + 1)
                .take_while(|&&byte| mrz::is_line(byte))
                .count()
        };
        let start = place - length(&mut buffer.get(floor..place).unwrap_or_default().iter().rev());
        let end = place + length(&mut buffer.get(place..).unwrap_or_default().iter());
        if end - start <= mrz::LINE_MAX && start < place && end == buffer.len() && !last {
            return Step::Wait { from: start };
        }
        let line = buffer.get(start..end).unwrap_or_default();
        if start == place
            || self.behind.last(buffer, start).is_some_and(is_cluster)
            || !mrz::is_document(line)
        {
            self.lineless = Barren { floor, until: end };
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
    pub(crate) fn step_key(&mut self, start: usize, last: bool, copy: &mut Copy<'_>) -> Step {
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
}

/// Where a run begins at the end of a buffer that may be an address with colons or a line of a document.
pub(crate) fn run_start(buffer: &[u8], floor: usize, end: usize) -> usize {
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
