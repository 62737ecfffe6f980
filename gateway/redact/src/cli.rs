//! The engine between a reader and a writer.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use crate::body::{BodyError, BodyRedactor, Limits};
use crate::coding::Coding;
use crate::content::Content;
use crate::kind::Summary;
use crate::level::Level;
use crate::part::Unreadable;
use crate::rules::Rules;
use crate::watermark::{
    Evidence, Marked, Marker, Match, Recipient, Unmarkable, Watermark, WatermarkKey,
};

/// What was read of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traced {
    /// Recipients that it names.
    pub named: usize,
    /// Different cells that can carry a mark.
    pub cells: usize,
}

/// One recipient that a document names, as it is written.
#[derive(Debug, serde::Serialize)]
struct Named<'n> {
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<&'n str>,
    number: u64,
    agreeing: usize,
    cells: usize,
    chance: f64,
}

/// Bytes asked for at once: chosen, past it larger reads gain nothing.
const READ: usize = 64 * 1024;

/// Redacts everything that `input` has, writing what is decided after each read.
///
/// # Errors
/// Reading or writing fails, or the bytes are not what the content says: of another charset, parts that cannot be read.
pub fn redact(
    rules: Arc<Rules>,
    level: Level,
    content: impl Into<Content>,
    mut input: impl Read,
    mut output: impl Write,
) -> io::Result<Summary> {
    let content = content.into();
    let live = content.is_live();
    let (coding, limits) = (Coding::Identity, Limits::default());
    let mut redactor = BodyRedactor::of(rules, level, content, coding, limits, Unreadable::Refuse);
    let mut out = Vec::with_capacity(READ);
    pieces(&mut input, |chunk| {
        redactor.feed(chunk, &mut out).map_err(unreadable)?;
        output.write_all(&out)?;
        if live {
            output.flush()?;
        }
        out.clear();
        Ok(())
    })?;
    let summary = redactor.finish(&mut out).map_err(unreadable)?;
    output.write_all(&out)?;
    output.flush()?;
    Ok(summary)
}

/// Marks everything that `input` has, which is not redacted.
///
/// # Errors
/// Reading or writing fails, no mark can stand in such a body, or its bytes are not what the content says.
pub fn mark(
    watermark: Watermark,
    content: &Content,
    mut input: impl Read,
    mut output: impl Write,
) -> io::Result<Marked> {
    let mut marker = Marker::new(watermark, content, Limits::default()).map_err(unmarkable)?;
    let mut out = Vec::with_capacity(READ);
    pieces(&mut input, |chunk| {
        marker.feed(chunk, &mut out).map_err(unreadable)?;
        output.write_all(&out)?;
        out.clear();
        Ok(())
    })?;
    let marked = marker.finish(&mut out).map_err(unreadable)?;
    output.write_all(&out)?;
    output.flush()?;
    Ok(marked)
}

/// Reads the marks of everything that `input` has and writes whom they name, the surest first, as one JSON object a line:
/// of `names` where they are given, and anybody's number where they are not. `most` is the chance of a wrong accusation
/// that is put up with.
///
/// # Errors
/// Reading or writing fails, no mark can stand in such a document, or its bytes are not what the content says.
pub fn trace(
    key: &Arc<WatermarkKey>,
    content: &Content,
    names: Option<&[String]>,
    most: f64,
    mut input: impl Read,
    mut output: impl Write,
) -> io::Result<Traced> {
    let mut evidence =
        Evidence::new(Arc::clone(key), content, Limits::default()).map_err(unmarkable)?;
    pieces(&mut input, |chunk| evidence.feed(chunk).map_err(unreadable))?;
    let votes = evidence.finish().map_err(unreadable)?;
    let mut suspects = Vec::new();
    let found: Vec<Match> = match names {
        Some(names) => {
            suspects.extend(names.iter().map(|name| (Recipient::named(key, name), name)));
            let recipients: Vec<Recipient> = suspects.iter().map(|&(found, _)| found).collect();
            votes.accuse(&recipients, most)
        }
        None => votes.read(most).into_iter().collect(),
    };
    for found in &found {
        let name = suspects.iter().find(|(known, _)| *known == found.recipient);
        let named = Named {
            recipient: name.map(|(_, name)| name.as_str()),
            number: found.recipient.number(),
            agreeing: found.agreeing,
            cells: found.cells,
            chance: found.chance,
        };
        let mut line = serde_json::to_vec(&named)?;
        line.push(b'\n');
        output.write_all(&line)?;
    }
    output.flush()?;
    Ok(Traced {
        named: found.len(),
        cells: votes.cells(),
    })
}

/// Hands on what a reader has, piece by piece.
fn pieces(input: &mut impl Read, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut chunk = vec![0; READ];
    loop {
        match input.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(read) => take(chunk.get(..read).unwrap_or_default())?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn unmarkable(error: Unmarkable) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, error)
}

fn unreadable(error: BodyError) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Media;

    #[test]
    fn a_marked_reader_names_its_recipient_and_another_nobody() {
        use crate::watermark::Carriers;
        let key = Arc::new(WatermarkKey::new(&[8; 32]).unwrap());
        let table: String = (0..100).map(|at| format!("{at},value {at}\n")).collect();
        let content = Content::from(Media::Csv);
        let watermark = Watermark {
            key: Arc::clone(&key),
            recipient: Recipient::named(&key, "u:bo"),
            carriers: Carriers::default(),
        };
        let mut marked = Vec::new();
        mark(watermark, &content, table.as_bytes(), &mut marked).unwrap();
        let names = ["u:al".to_owned(), "u:bo".to_owned()];
        let said = |document: &[u8], names| {
            let mut out = Vec::new();
            let traced = trace(&key, &content, names, 1e-6, document, &mut out).unwrap();
            (traced.named, String::from_utf8(out).unwrap())
        };
        let (named, line) = said(&marked, Some(&names[..]));
        assert_eq!(named, 1);
        assert!(
            line.starts_with("{\"recipient\":\"u:bo\",\"number\":"),
            "{line}"
        );
        let (named, line) = said(&marked, None);
        assert_eq!(named, 1);
        assert!(line.starts_with("{\"number\":"), "{line}");
        assert_eq!(said(table.as_bytes(), Some(&names[..])), (0, String::new()));
        assert_eq!(said(table.as_bytes(), None), (0, String::new()));
    }

    #[test]
    fn a_reader_is_redacted_into_a_writer() {
        let input = r#"{"phone":"13800138000"}"#.repeat(10_000);
        let mut output = Vec::new();
        let summary = redact(
            Rules::shipped(),
            Level::L2,
            Media::Json,
            input.as_bytes(),
            &mut output,
        )
        .unwrap();
        assert_eq!(
            String::from_utf8(output).unwrap(),
            input.replace("13800138000", "138****8000")
        );
        assert_eq!(
            (summary.masked.total(), summary.bytes_in),
            (10_000, input.len() as u64)
        );
    }
}
