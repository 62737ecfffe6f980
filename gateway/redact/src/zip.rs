//! An archive read from front to back, entry by entry.
//!
//! Only what a document needs is read: entries stored or deflated, with their sizes ahead of them or behind. What the
//! directory at the end says does not matter: the archive that is written has one of its own ([`crate::zip_write`]).

use crc32fast::Hasher;
use flate2::{Decompress, FlushDecompress, Status};

use crate::part::PartError;

pub(crate) const LOCAL: [u8; 4] = *b"PK\x03\x04";
pub(crate) const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
pub(crate) const CENTRAL: [u8; 4] = *b"PK\x01\x02";
pub(crate) const END: [u8; 4] = *b"PK\x05\x06";

/// Entries of one archive: chosen, many times what a document has.
const ENTRIES_MAX: usize = 10_000;

/// The longest name, in bytes: chosen.
const NAME_MAX: usize = 1024;

/// What the reader comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// An entry begins.
    Begin(Entry),
    /// Its next bytes, inflated.
    Data(Vec<u8>),
    /// It ends, and its check sum is right.
    End,
}

/// What is known of an entry ahead of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// Time and date as they are written.
    pub(crate) stamp: [u8; 4],
}

/// Reads an archive.
#[derive(Debug)]
pub(crate) struct Reader {
    pending: Vec<u8>,
    place: Place,
    entries: usize,
    names: std::collections::HashSet<String>,
    /// Bytes of the archive read so far.
    pub(crate) coded: u64,
}

#[derive(Debug)]
enum Place {
    Header,
    Data(Box<Data>),
    /// Behind the last entry.
    Directory,
}

#[derive(Debug)]
struct Data {
    inflate: Option<Decompress>,
    /// Coded bytes that are left, where that is known.
    left: Option<u64>,
    /// Sum and sizes, where they stand ahead of the bytes.
    said: Option<(u32, u64, u64)>,
    sum: Hasher,
    coded: u64,
    plain: u64,
    ended: bool,
}

/// Bytes that are inflated at once: chosen.
const PIECE: usize = 32 * 1024;

impl Reader {
    pub(crate) fn new() -> Self {
        Self {
            pending: Vec::new(),
            place: Place::Header,
            entries: 0,
            names: std::collections::HashSet::new(),
            coded: 0,
        }
    }

    pub(crate) fn feed(&mut self, chunk: &[u8]) {
        self.coded += chunk.len() as u64;
        if !matches!(self.place, Place::Directory) {
            self.pending.extend_from_slice(chunk);
        }
    }

    /// Tells whether the archive came to its end.
    pub(crate) fn is_complete(&self) -> bool {
        matches!(self.place, Place::Directory)
    }

    /// Takes the next step; `None` where more bytes are needed.
    pub(crate) fn next(&mut self) -> Result<Option<Event>, PartError> {
        match &mut self.place {
            Place::Directory => {
                self.pending.clear();
                Ok(None)
            }
            Place::Header => self.header(),
            Place::Data(data) => {
                if !data.ended {
                    if let Some(bytes) = data.read(&mut self.pending)? {
                        return Ok(Some(Event::Data(bytes)));
                    }
                    if !data.ended {
                        return Ok(None);
                    }
                }
                if !data.check(&mut self.pending)? {
                    return Ok(None);
                }
                self.place = Place::Header;
                Ok(Some(Event::End))
            }
        }
    }

    fn header(&mut self) -> Result<Option<Event>, PartError> {
        let wrong = |why| Err(PartError::Archive(why));
        let Some(head) = self.pending.first_chunk::<4>() else {
            return Ok(None);
        };
        if *head == CENTRAL || *head == END {
            self.place = Place::Directory;
            return Ok(None);
        }
        if *head != LOCAL {
            return wrong("it is no archive, or something stands between its entries");
        }
        let Some(fixed) = self.pending.get(..30) else {
            return Ok(None);
        };
        let (flags, method) = (u16_at(fixed, 6), u16_at(fixed, 8));
        let (name_length, extra_length) = (
            usize::from(u16_at(fixed, 26)),
            usize::from(u16_at(fixed, 28)),
        );
        let length = 30 + name_length + extra_length;
        if flags & (1 | 1 << 6 | 1 << 13) != 0 {
            return wrong("it is encrypted");
        }
        if !matches!(method, 0 | 8) {
            return wrong("an entry is neither stored nor deflated");
        }
        if name_length == 0 || name_length > NAME_MAX {
            return wrong("the name of an entry is empty or too long");
        }
        if self.pending.len() < length {
            return Ok(None);
        }
        self.entries += 1;
        if self.entries > ENTRIES_MAX {
            return wrong("it has too many entries");
        }
        let name = self.pending.get(30..30 + name_length).unwrap_or_default();
        let Ok(name) = String::from_utf8(name.to_vec()) else {
            return wrong("the name of an entry is not UTF-8");
        };
        // Readers that take the first of two and readers that take the last would see other documents.
        if !self.names.insert(name.to_ascii_lowercase()) {
            return wrong("two entries have one name");
        }
        let behind = flags & 1 << 3 != 0;
        let extra = self
            .pending
            .get(30 + name_length..length)
            .unwrap_or_default();
        let (plain, coded) = sizes(self.pending.get(..30).unwrap_or_default(), extra);
        if behind && method == 0 {
            return wrong("a stored entry does not say how long it is");
        }
        let data = Data {
            inflate: (method == 8).then(|| Decompress::new(false)),
            left: (!behind).then_some(coded),
            said: (!behind).then(|| (u32_at(fixed_of(&self.pending), 14), coded, plain)),
            sum: Hasher::new(),
            coded: 0,
            plain: 0,
            ended: false,
        };
        let mut stamp = [0; 4];
        for (to, from) in stamp
            .iter_mut()
            .zip(fixed_of(&self.pending).iter().skip(10))
        {
            *to = *from;
        }
        self.place = Place::Data(Box::new(data));
        self.pending.drain(..length);
        Ok(Some(Event::Begin(Entry { name, stamp })))
    }
}

fn fixed_of(pending: &[u8]) -> &[u8] {
    pending.get(..30).unwrap_or_default()
}

impl Data {
    /// Inflates the next bytes; `None` where there are none, or the entry has ended.
    fn read(&mut self, pending: &mut Vec<u8>) -> Result<Option<Vec<u8>>, PartError> {
        let wrong = || PartError::Archive("an entry is not deflated as it says");
        let most = self.left.map_or(pending.len(), |left| {
            usize::try_from(left).map_or(pending.len(), |left| left.min(pending.len()))
        });
        let input = pending.get(..most).unwrap_or_default();
        let Some(inflate) = &mut self.inflate else {
            let out = input.get(..most.min(PIECE)).unwrap_or_default().to_vec();
            self.take(out.len(), pending);
            self.note(&out);
            self.ended = self.left == Some(0);
            return Ok((!out.is_empty()).then_some(out));
        };
        let mut out = Vec::with_capacity(PIECE);
        let before = inflate.total_in();
        let status = inflate
            .decompress_vec(input, &mut out, FlushDecompress::None)
            .map_err(|_| wrong())?;
        let used = usize::try_from(inflate.total_in() - before).unwrap_or(0);
        self.take(used, pending);
        self.note(&out);
        match status {
            Status::StreamEnd => self.ended = true,
            Status::Ok | Status::BufError => {
                // All that belongs to it was read, and it goes on.
                if self.left == Some(0) && out.is_empty() {
                    return Err(wrong());
                }
            }
        }
        Ok((!out.is_empty()).then_some(out))
    }

    fn take(&mut self, used: usize, pending: &mut Vec<u8>) {
        pending.drain(..used.min(pending.len()));
        self.coded += used as u64;
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(used as u64);
        }
    }

    fn note(&mut self, plain: &[u8]) {
        self.sum.update(plain);
        self.plain += plain.len() as u64;
    }

    /// Compares sum and sizes with what is said of them; false where more bytes are needed.
    fn check(&mut self, pending: &mut Vec<u8>) -> Result<bool, PartError> {
        let wrong = PartError::Archive("an entry is not what its check sum says");
        let found = (self.sum.clone().finalize(), self.coded, self.plain);
        if let Some(said) = self.said {
            return if said == found { Ok(true) } else { Err(wrong) };
        }
        // The descriptor may begin with its mark, and its sizes may have eight bytes.
        let short = [&found.0.to_le_bytes()[..], &low(found.1), &low(found.2)].concat();
        let long = [
            &found.0.to_le_bytes()[..],
            &found.1.to_le_bytes(),
            &found.2.to_le_bytes(),
        ]
        .concat();
        let marked = |rest: &[u8]| [&DESCRIPTOR[..], rest].concat();
        let mut open = false;
        for form in [marked(&short), marked(&long), short.clone(), long.clone()] {
            if let Some(behind) = pending.strip_prefix(form.as_slice()) {
                // Sizes of eight bytes that begin like those of four: what follows tells.
                let next = [LOCAL, CENTRAL, END];
                let Some(next_head) = behind.first_chunk::<4>() else {
                    open = true;
                    continue;
                };
                if next.contains(next_head) {
                    pending.drain(..form.len());
                    return Ok(true);
                }
            } else {
                open |= form.starts_with(pending);
            }
        }
        if open { Ok(false) } else { Err(wrong) }
    }
}

/// The plain and the coded size of an entry; those beyond 32 bits stand in the extra field.
fn sizes(fixed: &[u8], extra: &[u8]) -> (u64, u64) {
    let (coded, plain) = (u32_at(fixed, 18), u32_at(fixed, 22));
    let mut rest = extra;
    while let Some((head, tail)) = rest.split_at_checked(4) {
        let length = usize::from(u16_at(head, 2));
        let Some((field, after)) = tail.split_at_checked(length) else {
            break;
        };
        if u16_at(head, 0) == 1 && plain == u32::MAX && coded == u32::MAX {
            return (u64_at(field, 0), u64_at(field, 8));
        }
        rest = after;
    }
    (u64::from(plain), u64::from(coded))
}

fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.first_chunk::<N>().copied().unwrap_or([0; N])
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes_at(bytes, at))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes_at(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes_at(bytes, at))
}

/// The lower four bytes of a size.
fn low(size: u64) -> [u8; 4] {
    bytes_at(&size.to_le_bytes(), 0)
}
