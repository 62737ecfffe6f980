//! One export as it streams past: marked for a recipient, or read.

use std::sync::Arc;

use super::hand::Hand;
use super::json::Values;
use super::table::Cells;
use super::workbook::Workbook;
use super::{Votes, Watermark, WatermarkKey};
use crate::body::{BodyError, Limits};
use crate::content::Content;
use crate::media::Media;
use crate::transcode::Transcode;
use crate::value::Charset;

/// A body in which no mark can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a body of this type carries no watermark; CSV, TSV, JSON, NDJSON and XLSX do")]
pub struct Unmarkable;

/// What was marked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marked {
    /// Cells that carry a bit, those with the same text counted each time. Fewer than about a hundred may not tell whom the
    /// copy was for, none never will.
    pub cells: u64,
}

/// Marks an export for a recipient. Its plain bytes go in, redacted before where they are.
#[derive(Debug)]
pub struct Marker(Stage);

/// Reads what the cells of a document carry.
#[derive(Debug)]
pub struct Evidence(Stage);

#[derive(Debug)]
struct Stage {
    charset: Option<Box<Transcode>>,
    shape: Shape,
    hand: Hand,
}

#[derive(Debug)]
enum Shape {
    Cells(Cells),
    Values(Values),
    Workbook(Box<Workbook>),
}

impl Marker {
    /// Starts an export.
    ///
    /// # Errors
    /// No mark can stand in such a body.
    pub fn new(mut mark: Watermark, content: &Content, limits: Limits) -> Result<Self, Unmarkable> {
        // Of other charsets, not every program knows the invisible character.
        mark.carriers.invisible &= match content {
            Content::Text(format) => match format.charset {
                Charset::Utf8 | Charset::Utf16Le | Charset::Utf16Be => true,
                Charset::Gb18030 | Charset::Big5 => false,
            },
            Content::Office => true,
            Content::Multipart(_) | Content::Protobuf(_) | Content::Grpc(..) => false,
        };
        let hand = Hand::Write { mark, written: 0 };
        Stage::new(hand, content, limits).map(Self)
    }

    /// Takes the next bytes and appends to `out` those that are marked.
    ///
    /// # Errors
    /// The bytes are not of the charset, or no archive, or they inflate beyond the limits.
    pub fn feed(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), BodyError> {
        self.0.feed(chunk, false, out)
    }

    /// Ends the export and appends the rest.
    ///
    /// # Errors
    /// As [`Self::feed`]; the archive is not complete.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<Marked, BodyError> {
        self.0.feed(&[], true, out)?;
        Ok(self.marked())
    }

    /// Returns what was marked so far.
    #[must_use]
    pub fn marked(&self) -> Marked {
        match &self.0.hand {
            Hand::Write { written, .. } => Marked { cells: *written },
            Hand::Read { .. } => Marked::default(),
        }
    }
}

impl Evidence {
    /// Starts a document that may carry marks of a key.
    ///
    /// # Errors
    /// No mark can stand in such a document.
    pub fn new(
        key: Arc<WatermarkKey>,
        content: &Content,
        limits: Limits,
    ) -> Result<Self, Unmarkable> {
        let votes = Votes::default();
        Stage::new(Hand::Read { key, votes }, content, limits).map(Self)
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// The bytes are not of the charset, or no archive, or they inflate beyond the limits.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), BodyError> {
        self.0.feed(chunk, false, &mut Vec::new())
    }

    /// Ends the document and returns what its cells say.
    ///
    /// # Errors
    /// As [`Self::feed`]; the archive is not complete.
    pub fn finish(mut self) -> Result<Votes, BodyError> {
        self.0.feed(&[], true, &mut Vec::new())?;
        Ok(match self.0.hand {
            Hand::Read { votes, .. } => votes,
            Hand::Write { .. } => Votes::default(),
        })
    }
}

impl Stage {
    fn new(hand: Hand, content: &Content, limits: Limits) -> Result<Self, Unmarkable> {
        let (shape, charset) = match content {
            Content::Text(format) => {
                let shape = match format.media {
                    Media::Csv => Shape::Cells(Cells::new(b',')),
                    Media::Tsv => Shape::Cells(Cells::new(b'\t')),
                    Media::Json | Media::Ndjson => Shape::Values(Values::new()),
                    Media::Text | Media::EventStream | Media::Form | Media::Markup => {
                        return Err(Unmarkable);
                    }
                };
                (shape, format.charset)
            }
            Content::Office => (
                Shape::Workbook(Box::new(Workbook::new(limits))),
                Charset::Utf8,
            ),
            Content::Multipart(_) | Content::Protobuf(_) | Content::Grpc(..) => {
                return Err(Unmarkable);
            }
        };
        Ok(Self {
            charset: Transcode::new(charset).map(Box::new),
            shape,
            hand,
        })
    }

    fn feed(&mut self, chunk: &[u8], last: bool, out: &mut Vec<u8>) -> Result<(), BodyError> {
        let Some(charset) = &mut self.charset else {
            return self.shape.feed(chunk, last, &mut self.hand, out);
        };
        let mut text = Vec::with_capacity(chunk.len());
        charset.decode(chunk, last, &mut text);
        let mut marked = Vec::with_capacity(text.len());
        self.shape.feed(&text, last, &mut self.hand, &mut marked)?;
        charset.encode(&marked, last, out);
        if charset.malformed {
            return Err(BodyError::Charset);
        }
        Ok(())
    }
}

impl Shape {
    fn feed(
        &mut self,
        chunk: &[u8],
        last: bool,
        hand: &mut Hand,
        out: &mut Vec<u8>,
    ) -> Result<(), BodyError> {
        match self {
            Self::Cells(cells) => {
                cells.feed(chunk, hand, out);
                if last {
                    cells.finish(hand, out);
                }
            }
            Self::Values(values) => {
                values.feed(chunk, hand, out);
                if last {
                    values.finish(hand, out);
                }
            }
            Self::Workbook(workbook) => {
                workbook.feed(chunk, hand, out)?;
                if last {
                    workbook.finish(out)?;
                }
            }
        }
        Ok(())
    }
}
