//! What an answer gives away, looked for while it passes.

use hangu_inspect::response::DEFAULT_LIMIT;
use hangu_inspect::{ResponseScan, Sensitivity, Verdict};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::config::{Inspect, InspectMode, InspectResponses};

/// An answer that is being read.
pub struct Leaks {
    scan: ResponseScan,
    /// The score from which it is withheld.
    withheld: Option<u32>,
}

/// Whether answers of a portal are asked for without a content coding, so that all of them can be read.
pub fn wants_plain(settings: &Inspect) -> bool {
    let all = matches!(
        settings.responses,
        InspectResponses::Observe | InspectResponses::Block
    );
    all && settings.mode != InspectMode::Off
}

/// Whether an answer that may have to be withheld came with a content coding, although it was asked for without.
pub fn is_coded(settings: &Inspect, headers: &HeaderMap) -> bool {
    let identity = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    let coded = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|value| !identity(value));
    wants_plain(settings) && coded
}

impl Leaks {
    /// Begins to read an answer, if the portal wants that of such an answer and it can be read.
    pub fn of(settings: &Inspect, status: StatusCode, headers: &HeaderMap) -> Option<Box<Self>> {
        let wanted = settings.mode != InspectMode::Off
            && match settings.responses {
                InspectResponses::Off => false,
                InspectResponses::Errors => status.as_u16() >= 400,
                InspectResponses::Observe | InspectResponses::Block => true,
            };
        if !wanted || headers.contains_key(CONTENT_ENCODING) {
            return None;
        }
        let media = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
        let scan = ResponseScan::new(status.as_u16(), media, Sensitivity::Default, DEFAULT_LIMIT)?;
        let blocks =
            settings.responses == InspectResponses::Block && settings.mode == InspectMode::Block;
        Some(Box::new(Self {
            scan,
            withheld: blocks.then_some(settings.threshold),
        }))
    }

    /// Reads on; true if the rest must not leave.
    pub fn feed(&mut self, bytes: &[u8]) -> bool {
        self.scan.feed(bytes);
        let verdict = self.scan.verdict();
        self.withheld
            .is_some_and(|threshold| verdict.blocks(threshold))
    }

    /// Whether it may be withheld.
    pub const fn withholds(&self) -> bool {
        self.withheld.is_some()
    }

    /// What was seen, if anything was.
    pub fn finish(self) -> Option<Box<Verdict>> {
        let verdict = self.scan.finish();
        (!verdict.findings.is_empty()).then(|| Box::new(verdict))
    }
}
