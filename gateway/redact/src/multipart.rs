//! Bodies of several parts, each redacted by its own type (RFC 2046 section 5.1, RFC 7578).
//!
//! What is held is the head of a part, the start of what may be a delimiter, and the value of a form's field if its name
//! says what it is.

use memchr::memmem;

use crate::body::BodyError;
use crate::content::{Boundary, Content};
use crate::engine::{Engine, Setting};
use crate::kind::Summary;
use crate::label::Rule;
use crate::media::Media;
use crate::part::{PartError, Unread, Unreadable};
use crate::part_head::{HEAD_MAX, Head};
use crate::people::{PEOPLE_MAX, Person};
use crate::whole::{Tally, mask_value};

/// The longest value of a field that is looked at whole, in bytes.
const FIELD_MAX: usize = 1024;

/// Spaces that may stand behind a delimiter: chosen.
const PADDING_MAX: usize = 64;

/// Parts of one body.
#[derive(Debug)]
pub(crate) struct Multipart {
    setting: Setting,
    /// The boundary behind its two dashes.
    delimiter: Vec<u8>,
    pending: Vec<u8>,
    place: Place,
    /// A delimiter may stand at the very start of the body.
    begun: bool,
    summary: Summary,
    tally: Tally,
    unread: Unread,
    people: Vec<Person>,
}

#[derive(Debug)]
enum Place {
    /// Ahead of the first part, or behind the last.
    Outside(Engine),
    Head,
    Part(Part),
}

#[derive(Debug)]
enum Part {
    Engine(Engine),
    /// The field of a form whose name says what it is.
    Field {
        rule: Rule,
        value: Vec<u8>,
    },
    Pass,
    Empty,
}

/// What was found in the bytes that are there.
enum Found {
    /// A delimiter from the first place to the second; it may be the last one.
    Delimiter { from: usize, to: usize, last: bool },
    /// None before this place.
    None { until: usize },
}

impl Multipart {
    pub(crate) fn new(setting: &Setting, boundary: &Boundary) -> Self {
        Self {
            setting: Setting {
                depth: setting.depth + 1,
                ..setting.clone()
            },
            delimiter: [b"--", boundary.as_bytes()].concat(),
            pending: Vec::new(),
            place: Place::Outside(outside(setting)),
            begun: false,
            summary: Summary::default(),
            tally: Tally::default(),
            unread: Unread::default(),
            people: Vec::new(),
        }
    }

    pub(crate) fn unread(&self) -> &Unread {
        &self.unread
    }

    pub(crate) fn feed(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), BodyError> {
        self.pending.extend_from_slice(chunk);
        self.run(false, out)
    }

    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> Result<Summary, BodyError> {
        self.run(true, out)?;
        match &mut self.place {
            Place::Outside(engine) if self.begun => {
                engine.finish(out)?;
            }
            Place::Outside(_) | Place::Head | Place::Part(_) => {
                return Err(PartError::Truncated.into());
            }
        }
        Ok(self.summary())
    }

    /// What was done so far, in the part that is open as well.
    pub(crate) fn summary(&self) -> Summary {
        let mut summary = self.summary;
        summary.counts += self.tally.found;
        summary.masked += self.tally.masked;
        if let Place::Outside(engine) | Place::Part(Part::Engine(engine)) = &self.place {
            let open = engine.summary();
            summary.counts += open.counts;
            summary.masked += open.masked;
        }
        summary
    }

    /// Whom the parts tell of so far.
    pub(crate) fn people(&self) -> Vec<Person> {
        let mut people = self.people.clone();
        if let Place::Outside(engine) | Place::Part(Part::Engine(engine)) = &self.place {
            people.extend(engine.people());
        }
        people.sort_unstable();
        people.dedup();
        people.truncate(PEOPLE_MAX);
        people
    }

    fn add(&mut self, part: Summary) {
        self.summary.counts += part.counts;
        self.summary.masked += part.masked;
    }

    fn run(&mut self, last: bool, out: &mut Vec<u8>) -> Result<(), BodyError> {
        let pending = std::mem::take(&mut self.pending);
        let mut at = 0;
        loop {
            let rest = pending.get(at..).unwrap_or_default();
            if let Place::Head = self.place {
                let Some(length) = head_length(rest) else {
                    if rest.len() > HEAD_MAX {
                        return Err(PartError::Head { limit: HEAD_MAX }.into());
                    }
                    break;
                };
                self.begin_part(rest.get(..length).unwrap_or_default(), out)?;
                at += length;
                continue;
            }
            // Nothing stands before the first delimiter, or before one that follows a head at once.
            let fresh = at == 0 && !self.begun && self.is_ahead();
            match self.find(rest, fresh, last) {
                Found::Delimiter { from, to, last } => {
                    self.data(rest.get(..from).unwrap_or_default(), out)?;
                    self.end_part(out)?;
                    out.extend_from_slice(rest.get(from..to).unwrap_or_default());
                    at += to;
                    self.begun = true;
                    self.place = if last {
                        Place::Outside(outside(&self.setting))
                    } else {
                        Place::Head
                    };
                }
                Found::None { until } => {
                    self.data(rest.get(..until).unwrap_or_default(), out)?;
                    at += until;
                    break;
                }
            }
        }
        self.pending = pending.get(at..).unwrap_or_default().to_vec();
        Ok(())
    }

    fn is_ahead(&self) -> bool {
        matches!(self.place, Place::Outside(_)) && self.summary.bytes_in == 0
    }

    /// Looks for the next delimiter: a line that begins with it.
    fn find(&self, bytes: &[u8], fresh: bool, last: bool) -> Found {
        // Behind the last delimiter nothing is one.
        if self.begun && matches!(self.place, Place::Outside(_)) {
            return Found::None { until: bytes.len() };
        }
        let mut from = 0;
        while let Some(offset) =
            memmem::find(bytes.get(from..).unwrap_or_default(), &self.delimiter)
        {
            let place = from + offset;
            let after = place + self.delimiter.len();
            let begins = match bytes.get(..place) {
                Some([.., b'\r', b'\n']) => Some(place - 2),
                Some([.., b'\n']) => Some(place - 1),
                Some([]) if fresh => Some(place),
                _ => None,
            };
            from = after;
            let Some(begins) = begins else { continue };
            match line_end(bytes.get(after..).unwrap_or_default(), last) {
                Line::Next(length) => {
                    return Found::Delimiter {
                        from: begins,
                        to: after + length,
                        last: false,
                    };
                }
                Line::Last(length) => {
                    return Found::Delimiter {
                        from: begins,
                        to: after + length,
                        last: true,
                    };
                }
                Line::Open => return Found::None { until: begins },
                Line::Other => {}
            }
        }
        if last {
            return Found::None { until: bytes.len() };
        }
        // What may be the start of one: a line end and less than the delimiter behind it.
        let kept = self.delimiter.len() + 2;
        Found::None {
            until: bytes.len().saturating_sub(kept),
        }
    }

    fn begin_part(&mut self, head: &[u8], out: &mut Vec<u8>) -> Result<(), BodyError> {
        let head = Head::read(head)?;
        head.write(&self.setting, &mut self.tally, out);
        self.place = Place::Part(match self.part(&head) {
            Ok(part) => part,
            Err(PartError::Unreadable(what)) => match self.setting.unreadable {
                Unreadable::Refuse => return Err(PartError::Unreadable(what).into()),
                Unreadable::Pass => {
                    self.unread.add(what);
                    Part::Pass
                }
                Unreadable::Empty => {
                    self.unread.add(what);
                    Part::Empty
                }
            },
            Err(other) => return Err(other.into()),
        });
        Ok(())
    }

    fn part(&self, head: &Head) -> Result<Part, PartError> {
        let unreadable = || PartError::Unreadable(head.describe());
        if head.is_coded() {
            return Err(unreadable());
        }
        let content = match (head.content_type(), head.file_name()) {
            (None, None) => {
                let label = head.field().and_then(|name| {
                    let rule = self.setting.rules.labels().rule(name.as_bytes())?;
                    (!rule.is_other()).then_some(rule)
                });
                if let Some(rule) = label {
                    let value = Vec::new();
                    return Ok(Part::Field { rule, value });
                }
                Media::Text.into()
            }
            (None, Some(file)) => Content::from_file_name(file).ok_or_else(unreadable)?,
            (Some(kind), file) => match (Content::from_content_type(kind), file) {
                (Ok(content), _) => content,
                (Err(_), Some(file)) if kind.eq_ignore_ascii_case("application/octet-stream") => {
                    Content::from_file_name(file).ok_or_else(unreadable)?
                }
                (Err(_), _) => return Err(unreadable()),
            },
        };
        Ok(Part::Engine(Engine::new(&self.setting, content)?))
    }

    fn data(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), BodyError> {
        self.summary.bytes_in += bytes.len() as u64;
        match &mut self.place {
            Place::Outside(engine) | Place::Part(Part::Engine(engine)) => engine.feed(bytes, out),
            Place::Part(Part::Field { value, .. }) => {
                value.extend_from_slice(bytes);
                if value.len() > FIELD_MAX {
                    let value = std::mem::take(value);
                    let mut engine = outside(&self.setting);
                    engine.feed(&value, out)?;
                    self.place = Place::Part(Part::Engine(engine));
                }
                Ok(())
            }
            Place::Part(Part::Pass) => {
                out.extend_from_slice(bytes);
                Ok(())
            }
            Place::Part(Part::Empty) | Place::Head => Ok(()),
        }
    }

    /// Ends what stands before a delimiter.
    fn end_part(&mut self, out: &mut Vec<u8>) -> Result<(), BodyError> {
        let ended = match std::mem::replace(&mut self.place, Place::Head) {
            Place::Outside(mut engine) | Place::Part(Part::Engine(mut engine)) => {
                let ended = engine.finish(out)?;
                self.unread.join(engine.unread());
                self.people.extend(engine.people());
                ended
            }
            Place::Part(Part::Field { rule, value }) => {
                let Setting { rules, level, .. } = &self.setting;
                let masked = std::str::from_utf8(&value)
                    .ok()
                    .and_then(|text| mask_value(rules, *level, rule, text, &mut self.tally));
                if let Some(masked) = masked {
                    out.extend_from_slice(masked.as_bytes());
                    Summary::default()
                } else {
                    let mut engine = outside(&self.setting);
                    engine.feed(&value, out)?;
                    let ended = engine.finish(out)?;
                    self.people.extend(engine.people());
                    ended
                }
            }
            Place::Head | Place::Part(Part::Pass | Part::Empty) => Summary::default(),
        };
        self.add(ended);
        self.people.truncate(PEOPLE_MAX);
        Ok(())
    }
}

/// What text between parts, and text of no other type, goes through.
fn outside(setting: &Setting) -> Engine {
    Engine::text(setting, Media::Text.into())
}

/// Length of the head of a part with the empty line that ends it.
fn head_length(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [b'\n', ..] => return Some(1),
        [b'\r', b'\n', ..] => return Some(2),
        _ => {}
    }
    let mut from = 0;
    while let Some(offset) = memchr::memchr(b'\n', bytes.get(from..)?) {
        let next = from + offset + 1;
        match bytes.get(next..)? {
            [b'\n', ..] => return Some(next + 1),
            [b'\r', b'\n', ..] => return Some(next + 2),
            _ => from = next,
        }
    }
    None
}

/// What stands behind a delimiter.
enum Line {
    /// A part, behind so many bytes.
    Next(usize),
    /// Nothing that counts: it was the last, with so many bytes.
    Last(usize),
    /// More of the line must be known.
    Open,
    /// No delimiter after all.
    Other,
}

fn line_end(bytes: &[u8], last: bool) -> Line {
    match bytes {
        [b'-', b'-', ..] => return Line::Last(2),
        [b'-'] | [] if !last => return Line::Open,
        _ => {}
    }
    let blanks = bytes
        .iter()
        .take(PADDING_MAX)
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    match bytes.get(blanks..).unwrap_or_default() {
        [b'\n', ..] => Line::Next(blanks + 1),
        [b'\r', b'\n', ..] => Line::Next(blanks + 2),
        [] | [b'\r'] if blanks < PADDING_MAX && !last => Line::Open,
        _ => Line::Other,
    }
}
