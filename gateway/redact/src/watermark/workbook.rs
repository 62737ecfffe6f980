//! Texts of the cells of a workbook, in an archive that is written anew as it streams past.

use std::collections::HashSet;

use super::hand::Hand;
use crate::body::{BodyError, Limits, RATIO_FREE};
use crate::part::PartError;
use crate::runs::{Token, Tokens, attribute, name};
use crate::unit::Escapes;
use crate::value::{Charset, letters};
use crate::zip::{Event, Reader};
use crate::zip_write::Writer;

/// Names of columns that are remembered, at most (ECMA-376: columns of a sheet), of all sheets together.
const HEADS_MAX: usize = 16_384;

/// One archive.
#[derive(Debug)]
pub(super) struct Workbook {
    reader: Reader,
    writer: Writer,
    part: Part,
    /// The strings that first rows show: what programs look for.
    heads: HashSet<u32>,
    inflated: u64,
    limits: Limits,
    scratch: Vec<u8>,
}

/// What an entry is.
#[derive(Debug)]
enum Part {
    Other,
    Texts(Box<Texts>),
}

/// An entry whose elements `t` are texts of cells: the strings that sheets share, or a sheet with its own.
#[derive(Debug, Default)]
struct Texts {
    tokens: Tokens,
    state: State,
}

#[derive(Debug, Default)]
struct State {
    is_sheet: bool,
    /// The number of the string that is read, plus one; of the row, in a sheet.
    number: u32,
    /// In a text with several styles, or its reading.
    runs: bool,
    /// What the text that follows is.
    inside: Inside,
    /// The cell that is read shows a shared string.
    shared: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Inside {
    #[default]
    Nothing,
    Text,
    Value,
}

impl Workbook {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            reader: Reader::new(),
            writer: Writer::default(),
            part: Part::Other,
            heads: HashSet::new(),
            inflated: 0,
            limits,
            scratch: Vec::new(),
        }
    }

    pub(super) fn feed(
        &mut self,
        chunk: &[u8],
        hand: &mut Hand,
        out: &mut Vec<u8>,
    ) -> Result<(), BodyError> {
        self.reader.feed(chunk);
        while let Some(event) = self.reader.next()? {
            match event {
                Event::Begin(entry) => {
                    let name = entry.name.to_ascii_lowercase();
                    let is_sheet = name.starts_with("xl/worksheets/") && name.ends_with(".xml");
                    self.part = if is_sheet || name == "xl/sharedstrings.xml" {
                        let mut texts = Box::<Texts>::default();
                        texts.state.is_sheet = is_sheet;
                        Part::Texts(texts)
                    } else {
                        Part::Other
                    };
                    self.writer.begin(entry, out);
                }
                Event::Data(data) => {
                    self.count(data.len())?;
                    self.data(&data, false, hand, out)?;
                }
                Event::End => {
                    self.data(&[], true, hand, out)?;
                    self.writer.end(out)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), BodyError> {
        if !self.reader.is_complete() {
            return Err(PartError::Truncated.into());
        }
        Ok(self.writer.finish(out)?)
    }

    /// Counts inflated bytes against the limits.
    fn count(&mut self, bytes: usize) -> Result<(), BodyError> {
        self.inflated += bytes as u64;
        let by_ratio = self
            .reader
            .coded
            .saturating_mul(self.limits.max_inflated_ratio)
            .max(RATIO_FREE);
        let limit = by_ratio.min(self.limits.max_inflated_bytes);
        if self.inflated > limit {
            return Err(BodyError::TooLarge { limit });
        }
        Ok(())
    }

    fn data(
        &mut self,
        data: &[u8],
        last: bool,
        hand: &mut Hand,
        out: &mut Vec<u8>,
    ) -> Result<(), PartError> {
        let Part::Texts(texts) = &mut self.part else {
            return self.writer.data(data, out);
        };
        let Texts { tokens, state } = texts.as_mut();
        let (heads, scratch) = (&mut self.heads, &mut self.scratch);
        scratch.clear();
        tokens.feed(data, last, &mut |token| {
            state.take(token, heads, hand, scratch);
            Ok(())
        })?;
        self.writer.data(scratch, out)
    }
}

impl State {
    fn take(
        &mut self,
        token: &Token<'_>,
        heads: &mut HashSet<u32>,
        hand: &mut Hand,
        out: &mut Vec<u8>,
    ) {
        match token {
            Token::Tag(tag) => {
                self.tag(tag);
                out.extend_from_slice(tag);
            }
            Token::Text(text) => {
                let marked = self.text(text, heads, hand);
                out.extend_from_slice(marked.as_deref().unwrap_or(text));
            }
        }
    }

    fn tag(&mut self, tag: &[u8]) {
        let opens = !tag.ends_with(b"/>");
        match (name(tag), self.is_sheet) {
            ((b"t", closes), _) => self.inside = Inside::of(!closes && opens, Inside::Text),
            ((b"v", closes), true) => self.inside = Inside::of(!closes && opens, Inside::Value),
            ((b"r" | b"rPh", closes), _) => self.runs = !closes && opens,
            ((b"row", false), true) | ((b"si", false), false) => {
                self.number = self.number.saturating_add(1);
                self.runs = false;
            }
            ((b"c", false), true) => self.shared = attribute(tag, b"t") == Some(b"s"),
            _ => {}
        }
    }

    fn text(&self, raw: &[u8], heads: &mut HashSet<u32>, hand: &mut Hand) -> Option<Vec<u8>> {
        match self.inside {
            Inside::Nothing => None,
            Inside::Value => {
                if self.shared && self.number == 1 && heads.len() < HEADS_MAX {
                    let number = std::str::from_utf8(raw).ok()?.trim().parse().ok()?;
                    heads.insert(number);
                }
                None
            }
            Inside::Text => {
                let head = if self.is_sheet {
                    self.number <= 1
                } else {
                    heads.contains(&self.number.saturating_sub(1))
                };
                if self.runs || head {
                    return None;
                }
                let raw = std::str::from_utf8(raw).ok()?;
                let text = decoded(raw);
                let changed = hand.text(&text, raw)?;
                Some(changed.into_bytes())
            }
        }
    }
}

impl Inside {
    fn of(opens: bool, inside: Self) -> Self {
        if opens { inside } else { Self::Nothing }
    }
}

/// The text of an element, entities undone.
fn decoded(raw: &str) -> String {
    if !raw.contains('&') {
        return raw.to_owned();
    }
    let mut found = Vec::new();
    let (bytes, escapes) = (raw.as_bytes(), Escapes::Entity);
    letters(bytes, 0, bytes.len(), escapes, Charset::Utf8, &mut found);
    found.iter().map(|letter| letter.ch).collect()
}
