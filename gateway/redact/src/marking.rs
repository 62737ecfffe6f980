//! What happens to the plain bytes of a body: they are redacted, and then marked.

use crate::body::BodyError;
use crate::engine::Engine;
use crate::kind::Summary;
use crate::part::Unread;
use crate::people::Person;
use crate::watermark::{Marked, Marker};

/// An engine, a marker, or both.
#[derive(Debug)]
pub(crate) struct Marking {
    engine: Option<Engine>,
    marker: Option<Box<Marker>>,
    scratch: Vec<u8>,
}

impl Marking {
    pub(crate) fn new(engine: Option<Engine>, marker: Option<Marker>) -> Self {
        Self {
            engine,
            marker: marker.map(Box::new),
            scratch: Vec::new(),
        }
    }

    pub(crate) fn feed(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), BodyError> {
        match (&mut self.engine, &mut self.marker) {
            (Some(engine), None) => engine.feed(chunk, out),
            (Some(engine), Some(marker)) => {
                self.scratch.clear();
                engine.feed(chunk, &mut self.scratch)?;
                marker.feed(&self.scratch, out)
            }
            (None, Some(marker)) => marker.feed(chunk, out),
            (None, None) => {
                out.extend_from_slice(chunk);
                Ok(())
            }
        }
    }

    /// Lets go what is held of texts that events tell; no body of those is marked.
    pub(crate) fn release(&mut self, out: &mut Vec<u8>) {
        if let (Some(engine), None) = (&mut self.engine, &self.marker) {
            engine.release(out);
        }
    }

    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> Result<Summary, BodyError> {
        let Some(marker) = &mut self.marker else {
            let engine = self.engine.as_mut();
            return engine.map_or(Ok(Summary::default()), |engine| engine.finish(out));
        };
        let mut summary = Summary::default();
        if let Some(engine) = &mut self.engine {
            self.scratch.clear();
            summary = engine.finish(&mut self.scratch)?;
            marker.feed(&self.scratch, out)?;
        }
        marker.finish(out)?;
        Ok(summary)
    }

    /// What was marked so far; `None` where nothing is to be.
    pub(crate) fn marked(&self) -> Option<Marked> {
        self.marker.as_ref().map(|marker| marker.marked())
    }

    pub(crate) fn summary(&self) -> Summary {
        let engine = self.engine.as_ref();
        engine.map_or_else(Summary::default, Engine::summary)
    }

    pub(crate) fn people(&self) -> Vec<Person> {
        let engine = self.engine.as_ref();
        engine.map_or_else(Vec::new, Engine::people)
    }

    pub(crate) fn unread(&self) -> &Unread {
        self.engine.as_ref().map_or(Unread::NONE, Engine::unread)
    }
}
