//! Workbooks, documents and presentations in Office Open XML, read and written entry by entry.
//!
//! Everything streams but the sheets of a workbook and the strings that they share, which are held deflated until the end
//! of the archive: what a string is, the cells say that show it, and what a cell is, the head of its column, whose text is
//! a shared string again.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use crate::body::{BodyError, RATIO_FREE};
use crate::content::Content;
use crate::document::Document;
use crate::engine::{Engine, Setting};
use crate::kind::Summary;
use crate::media::Media;
use crate::part::{PartError, Unread, Unreadable};
use crate::shared::{Shared, Strings};
use crate::sheet::Sheet;
use crate::whole::Tally;
use crate::zip::{Entry, Event, Reader};
use crate::zip_write::{Writer, deflate};

/// Deflated bytes of sheets and strings that are held, at most: chosen.
const HELD_MAX: usize = 32 << 20;

/// Bytes that are inflated at once: chosen.
const PIECE: usize = 32 * 1024;

/// One archive.
#[derive(Debug)]
pub(crate) struct Office {
    setting: Setting,
    reader: Reader,
    writer: Writer,
    current: Current,
    sheets: Vec<Held>,
    strings: Vec<Held>,
    held: usize,
    inflated: u64,
    summary: Summary,
    tally: Tally,
    unread: Unread,
    scratch: Vec<u8>,
}

#[derive(Debug)]
enum Current {
    None,
    Engine(Engine),
    Document(Box<Document>),
    Held(Box<Held>, Box<Compress>, Holds),
    Pass,
    Empty,
}

/// What is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Sheet,
    Strings,
}

#[derive(Debug)]
struct Held {
    entry: Entry,
    deflated: Vec<u8>,
}

/// What an entry of an archive is.
#[derive(Debug, PartialEq, Eq)]
enum Role {
    Sheet,
    Strings,
    Document,
    Markup,
    /// An archive in the archive, or a text.
    Inner(Content),
    /// Nothing of a person can be in it.
    Plain,
    Unreadable,
}

impl Role {
    fn of(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", &name));
        let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
        if file.is_empty() {
            return Self::Plain;
        }
        match (folder, ending) {
            ("xl/worksheets", "xml") => Self::Sheet,
            ("xl", "xml") if file == "sharedstrings.xml" => Self::Strings,
            // What a pivot table remembers of its source says nowhere what it is.
            ("xl/pivotcache", "xml") if file.contains("records") => Self::Unreadable,
            ("word" | "ppt/slides" | "ppt/notesslides" | "ppt/comments" | "xl/drawings", "xml")
            | ("xl" | "xl/threadedcomments" | "xl/persons", "xml")
                if is_prose(file) =>
            {
                Self::Document
            }
            (_, "xml" | "rels" | "vml") => Self::Markup,
            ("xl/printersettings" | "word/printersettings", "bin") | (_, "odttf" | "fntdata") => {
                Self::Plain
            }
            _ => Content::from_file_name(file).map_or(Self::Unreadable, Self::Inner),
        }
    }
}

/// Tells whether a part has paragraphs of runs.
fn is_prose(file: &str) -> bool {
    [
        "document",
        "header",
        "footer",
        "footnotes",
        "endnotes",
        "comment",
        "slide",
        "notesslide",
        "drawing",
        "glossary",
        "modern",
    ]
    .iter()
    .any(|start| file.starts_with(start))
}

impl Office {
    pub(crate) fn new(setting: &Setting) -> Self {
        Self {
            setting: Setting {
                depth: setting.depth + 1,
                ..setting.clone()
            },
            reader: Reader::new(),
            writer: Writer::default(),
            current: Current::None,
            sheets: Vec::new(),
            strings: Vec::new(),
            held: 0,
            inflated: 0,
            summary: Summary::default(),
            tally: Tally::default(),
            unread: Unread::default(),
            scratch: Vec::new(),
        }
    }

    pub(crate) fn unread(&self) -> &Unread {
        &self.unread
    }

    pub(crate) fn feed(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), BodyError> {
        self.reader.feed(chunk);
        while let Some(event) = self.reader.next()? {
            match event {
                Event::Begin(entry) => self.begin(entry, out)?,
                Event::Data(data) => {
                    self.count(data.len())?;
                    self.data(&data, out)?;
                }
                Event::End => self.end(out)?,
            }
        }
        Ok(())
    }

    /// Counts inflated bytes against the limits.
    fn count(&mut self, bytes: usize) -> Result<(), BodyError> {
        self.inflated += bytes as u64;
        let limits = self.setting.limits;
        let by_ratio = self
            .reader
            .coded
            .saturating_mul(limits.max_inflated_ratio)
            .max(RATIO_FREE);
        let limit = by_ratio.min(limits.max_inflated_bytes);
        if self.inflated > limit {
            return Err(BodyError::TooLarge { limit });
        }
        Ok(())
    }

    fn begin(&mut self, entry: Entry, out: &mut Vec<u8>) -> Result<(), BodyError> {
        let role = Role::of(&entry.name);
        let hold = |entry: Entry, kind| {
            let held = Held {
                entry,
                deflated: Vec::new(),
            };
            let deflate = Compress::new(Compression::fast(), false);
            Current::Held(Box::new(held), Box::new(deflate), kind)
        };
        self.current = match role {
            Role::Sheet => hold(entry, Holds::Sheet),
            Role::Strings => hold(entry, Holds::Strings),
            Role::Document => {
                self.writer.begin(entry, out);
                Current::Document(Box::new(Document::new(&self.setting)))
            }
            Role::Markup => {
                self.writer.begin(entry, out);
                Current::Engine(Engine::text(&self.setting, Media::Markup.into()))
            }
            Role::Inner(content) => {
                self.writer.begin(entry, out);
                Current::Engine(Engine::new(&self.setting, content)?)
            }
            Role::Plain => {
                self.writer.begin(entry, out);
                Current::Pass
            }
            Role::Unreadable => {
                let ending = entry.name.rsplit_once('.').map_or("", |(_, ending)| ending);
                let ending: String = ending.chars().filter(char::is_ascii_alphanumeric).collect();
                let what = format!("an embedded .{ending}");
                let current = match self.setting.unreadable {
                    Unreadable::Refuse => return Err(PartError::Unreadable(what).into()),
                    Unreadable::Pass => Current::Pass,
                    Unreadable::Empty => Current::Empty,
                };
                self.unread.add(what);
                self.writer.begin(entry, out);
                current
            }
        };
        Ok(())
    }

    fn data(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), BodyError> {
        self.scratch.clear();
        match &mut self.current {
            Current::Engine(engine) => engine.feed(data, &mut self.scratch)?,
            Current::Document(document) => {
                document.feed(data, false, &mut self.tally, &mut self.scratch)?;
            }
            Current::Held(held, compress, _) => {
                let before = held.deflated.len();
                deflate(compress, data, FlushCompress::None, &mut held.deflated)?;
                self.held += held.deflated.len() - before;
                if self.held > HELD_MAX {
                    return Err(PartError::Held { limit: HELD_MAX }.into());
                }
                return Ok(());
            }
            Current::Pass => self.scratch.extend_from_slice(data),
            Current::Empty | Current::None => {}
        }
        Ok(self.writer.data(&self.scratch, out)?)
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), BodyError> {
        self.scratch.clear();
        match std::mem::replace(&mut self.current, Current::None) {
            Current::Engine(mut engine) => {
                let ended = engine.finish(&mut self.scratch)?;
                self.summary.counts += ended.counts;
                self.summary.masked += ended.masked;
                self.unread.join(engine.unread());
            }
            Current::Document(mut document) => {
                document.feed(&[], true, &mut self.tally, &mut self.scratch)?;
            }
            Current::Held(mut held, mut compress, kind) => {
                let finish = FlushCompress::Finish;
                deflate(&mut compress, &[], finish, &mut held.deflated)?;
                match kind {
                    Holds::Sheet => self.sheets.push(*held),
                    Holds::Strings => self.strings.push(*held),
                }
                return Ok(());
            }
            Current::Pass | Current::Empty | Current::None => {}
        }
        self.writer.data(&self.scratch, out)?;
        Ok(self.writer.end(out)?)
    }

    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> Result<Summary, BodyError> {
        if !self.reader.is_complete() || !matches!(self.current, Current::None) {
            return Err(PartError::Truncated.into());
        }
        self.workbook(out)?;
        self.writer.finish(out)?;
        Ok(self.summary())
    }

    /// What was done so far.
    pub(crate) fn summary(&self) -> Summary {
        let mut summary = self.summary;
        summary.counts += self.tally.found;
        summary.masked += self.tally.masked;
        summary
    }

    /// Writes the sheets that were held, and then the strings by what the sheets say of them.
    fn workbook(&mut self, out: &mut Vec<u8>) -> Result<(), PartError> {
        let mut shared = Shared::default();
        for held in &self.strings {
            let mut strings = Strings::default();
            inflate(&held.deflated, |piece, last| {
                strings.learn(piece, last, &self.setting, &mut shared)
            })?;
        }
        for held in std::mem::take(&mut self.sheets) {
            self.writer.begin(held.entry, out);
            let mut sheet = Sheet::new(&self.setting);
            inflate(&held.deflated, |piece, last| {
                self.scratch.clear();
                sheet.feed(piece, last, &mut shared, &mut self.tally, &mut self.scratch)?;
                self.writer.data(&self.scratch, out)
            })?;
            self.writer.end(out)?;
        }
        for held in std::mem::take(&mut self.strings) {
            self.writer.begin(held.entry, out);
            let mut strings = Strings::default();
            inflate(&held.deflated, |piece, last| {
                self.scratch.clear();
                let Self {
                    setting,
                    tally,
                    scratch,
                    ..
                } = self;
                strings.write(piece, last, setting, &shared, tally, scratch)?;
                self.writer.data(&self.scratch, out)
            })?;
            self.writer.end(out)?;
        }
        Ok(())
    }
}

/// Inflates what was held, piece by piece; the last call is told.
fn inflate(
    deflated: &[u8],
    mut take: impl FnMut(&[u8], bool) -> Result<(), PartError>,
) -> Result<(), PartError> {
    let mut inflate = Decompress::new(false);
    let mut rest = deflated;
    let mut piece = Vec::with_capacity(PIECE);
    loop {
        piece.clear();
        let before = inflate.total_in();
        let status = inflate
            .decompress_vec(rest, &mut piece, FlushDecompress::None)
            .map_err(|_| PartError::Archive("what was held cannot be inflated"))?;
        let used = usize::try_from(inflate.total_in() - before).unwrap_or(0);
        rest = rest.get(used..).unwrap_or_default();
        let ended = status == Status::StreamEnd;
        if !ended && used == 0 && piece.is_empty() {
            return Err(PartError::Archive("what was held cannot be inflated"));
        }
        take(&piece, ended)?;
        if ended {
            return Ok(());
        }
    }
}
