//! An archive written from front to back: every entry deflated, with its sizes behind it.

use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress, Status};

use crate::part::PartError;
use crate::zip::{CENTRAL, DESCRIPTOR, END, Entry, LOCAL};

/// Room that is made for deflated bytes at once: chosen.
const PIECE: usize = 32 * 1024;

/// Writes an archive.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    /// The directory so far.
    directory: Vec<u8>,
    count: u16,
    written: u64,
    open: Option<Box<Open>>,
}

#[derive(Debug)]
struct Open {
    entry: Entry,
    at: u64,
    deflate: Compress,
    sum: Hasher,
}

const TOO_LARGE: PartError = PartError::Archive("it is larger than 4 GiB");

impl Writer {
    /// Begins an entry; its sizes follow behind it.
    pub(crate) fn begin(&mut self, entry: Entry, out: &mut Vec<u8>) {
        let mut head = Vec::with_capacity(30 + entry.name.len());
        head.extend(LOCAL);
        head.extend(about(&entry));
        // Sum and sizes are not known yet.
        head.extend([0; 12]);
        head.extend(name_length(&entry).to_le_bytes());
        head.extend([0, 0]);
        head.extend(entry.name.as_bytes());
        self.open = Some(Box::new(Open {
            entry,
            at: self.written,
            deflate: Compress::new(Compression::fast(), false),
            sum: Hasher::new(),
        }));
        self.put(&head, out);
    }

    fn put(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(bytes);
        self.written += bytes.len() as u64;
    }

    /// Writes bytes of the entry that is open.
    pub(crate) fn data(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), PartError> {
        self.deflate(plain, FlushCompress::None, out)
    }

    fn deflate(
        &mut self,
        plain: &[u8],
        flush: FlushCompress,
        out: &mut Vec<u8>,
    ) -> Result<(), PartError> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        open.sum.update(plain);
        let before = out.len();
        deflate(&mut open.deflate, plain, flush, out)?;
        self.written += (out.len() - before) as u64;
        Ok(())
    }

    /// Ends the entry that is open.
    pub(crate) fn end(&mut self, out: &mut Vec<u8>) -> Result<(), PartError> {
        self.deflate(&[], FlushCompress::Finish, out)?;
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let size = |size: u64| u32::try_from(size).map_err(|_| TOO_LARGE);
        let mut sizes = Vec::with_capacity(12);
        sizes.extend(open.sum.finalize().to_le_bytes());
        sizes.extend(size(open.deflate.total_out())?.to_le_bytes());
        sizes.extend(size(open.deflate.total_in())?.to_le_bytes());
        self.put(&[&DESCRIPTOR[..], &sizes].concat(), out);
        self.directory.extend(CENTRAL);
        self.directory.extend(20_u16.to_le_bytes());
        self.directory.extend(about(&open.entry));
        self.directory.extend(&sizes);
        self.directory
            .extend(name_length(&open.entry).to_le_bytes());
        // No extra field, no comment, one disk, no attributes.
        self.directory.extend([0; 12]);
        self.directory.extend(size(open.at)?.to_le_bytes());
        self.directory.extend(open.entry.name.as_bytes());
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    /// Ends the archive.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), PartError> {
        let at = u32::try_from(self.written).map_err(|_| TOO_LARGE)?;
        let length = u32::try_from(self.directory.len()).map_err(|_| TOO_LARGE)?;
        let mut end = std::mem::take(&mut self.directory);
        end.extend(END);
        end.extend([0; 4]);
        end.extend(self.count.to_le_bytes());
        end.extend(self.count.to_le_bytes());
        end.extend(length.to_le_bytes());
        end.extend(at.to_le_bytes());
        end.extend([0; 2]);
        self.put(&end, out);
        Ok(())
    }
}

/// Version, flags, method and time of an entry: deflated, its sizes behind it, its name in UTF-8.
fn about(entry: &Entry) -> Vec<u8> {
    let mut about = Vec::with_capacity(10);
    about.extend(20_u16.to_le_bytes());
    about.extend((1_u16 << 3 | 1 << 11).to_le_bytes());
    about.extend(8_u16.to_le_bytes());
    about.extend(entry.stamp);
    about
}

/// The reader takes no name that is longer.
fn name_length(entry: &Entry) -> u16 {
    u16::try_from(entry.name.len()).unwrap_or(0)
}

/// Deflates bytes, all of them.
pub(crate) fn deflate(
    compress: &mut Compress,
    plain: &[u8],
    flush: FlushCompress,
    out: &mut Vec<u8>,
) -> Result<(), PartError> {
    let mut rest = plain;
    loop {
        out.reserve(PIECE);
        let (taken, had) = (compress.total_in(), out.len());
        let status = compress
            .compress_vec(rest, out, flush)
            .map_err(|_| PartError::Archive("an entry cannot be deflated"))?;
        let used = usize::try_from(compress.total_in() - taken).unwrap_or(0);
        rest = rest.get(used..).unwrap_or_default();
        let full = out.len() == out.capacity();
        let done = if matches!(flush, FlushCompress::Finish) {
            status == Status::StreamEnd
        } else {
            rest.is_empty() && !full
        };
        if done || (used == 0 && out.len() == had && !full) {
            return Ok(());
        }
    }
}
