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
    let mut chunk = vec![0; READ];
    let mut out = Vec::with_capacity(READ);
    loop {
        let read = match input.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        redactor
            .feed(chunk.get(..read).unwrap_or_default(), &mut out)
            .map_err(unreadable)?;
        output.write_all(&out)?;
        if live {
            output.flush()?;
        }
        out.clear();
    }
    let summary = redactor.finish(&mut out).map_err(unreadable)?;
    output.write_all(&out)?;
    output.flush()?;
    Ok(summary)
}

fn unreadable(error: BodyError) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Media;

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
