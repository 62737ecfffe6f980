//! Runs that go beyond a cluster: addresses with colons, lines of travel documents, keys in PEM.

use crate::copy::Copy;
use crate::find::Hit;
use crate::kind::Kind;
use crate::mrz;
use crate::network;
use crate::scan::{Scan, Step};
use crate::secret::{self, Rest};
use crate::unit::is_cluster;

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
    pub(crate) fn step_document(
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
