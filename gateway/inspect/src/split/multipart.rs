//! Multipart bodies: the headers of each part, and its content. Boundaries are strict: what is not where it belongs
//! is a fault, because two parsers would read two different forms.

use crate::text::{at, find, find_byte, rest, skip, span, trim};

/// One part of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part<'a> {
    /// Header lines as they stand.
    pub(crate) headers: Vec<&'a [u8]>,
    /// The name of the field.
    pub(crate) name: Vec<u8>,
    /// The name of the file, when there is one; both spellings if there are two.
    pub(crate) file_names: Vec<Vec<u8>>,
    /// The media type, lower case.
    pub(crate) media_type: Vec<u8>,
    /// The transfer encoding, lower case.
    pub(crate) transfer: Vec<u8>,
    /// What stands in it.
    pub(crate) content: &'a [u8],
    /// Says whether parsers would differ about its headers.
    pub(crate) ambiguous: bool,
}

/// Why a body is no multipart body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No boundary in the media type, or one that RFC 2046 does not allow.
    Boundary,
    /// The body does not begin or end with the boundary.
    Structure,
    /// More parts or headers than allowed.
    TooMany,
}

/// Takes the boundary out of a media type.
///
/// # Errors
///
/// [`Fault::Boundary`] when there is none, more than one, or one that is too long (RFC 2046, section 5.1.1).
pub(crate) fn boundary(content_type: &str) -> Result<Vec<u8>, Fault> {
    let mut found = parameters(content_type.as_bytes())
        .into_iter()
        .filter(|(name, _)| name.starts_with(b"boundary"));
    let (name, value) = found.next().ok_or(Fault::Boundary)?;
    let sound = name == b"boundary"
        && found.next().is_none()
        && !value.is_empty()
        && value.len() <= 70
        && value.iter().all(|b| b.is_ascii_graphic() || *b == b' ');
    sound.then_some(value).ok_or(Fault::Boundary)
}

/// Cuts a body into parts; `whole` demands the closing boundary.
///
/// # Errors
///
/// See [`Fault`].
pub(crate) fn parts<'a>(
    body: &'a [u8],
    boundary: &[u8],
    whole: bool,
    most: usize,
) -> Result<Vec<Part<'a>>, Fault> {
    let delimiter = [b"--", boundary].concat();
    let finder = memchr::memmem::Finder::new(&delimiter);
    let start = skip(body, 0, |b| matches!(b, b'\r' | b'\n'));
    if !rest(body, start).starts_with(&delimiter) {
        return Err(Fault::Structure);
    }
    let mut i = start + delimiter.len();
    let mut parts = Vec::new();
    loop {
        if rest(body, i).starts_with(b"--") {
            // An epilogue is read by nobody who follows the rules, and by some who do not.
            return if trim(rest(body, i + 2)).is_empty() {
                Ok(parts)
            } else {
                Err(Fault::Structure)
            };
        }
        let line = skip(body, i, |b| matches!(b, b' ' | b'\t'));
        let content_at = match (at(body, line), at(body, line + 1)) {
            (b'\r', b'\n') => line + 2,
            (b'\n', _) => line + 1,
            _ if line >= body.len() && !whole => return Ok(parts),
            _ => return Err(Fault::Structure),
        };
        let mut search = content_at;
        let (end, next) = loop {
            let Some(hit) = finder.find(rest(body, search)).map(|n| n + search) else {
                break (body.len(), None);
            };
            if hit > 0 && at(body, hit - 1) == b'\n' {
                let cut = if hit > 1 && at(body, hit - 2) == b'\r' {
                    hit - 2
                } else {
                    hit - 1
                };
                break (cut.max(content_at), Some(hit + delimiter.len()));
            }
            search = hit + 1;
        };
        if parts.len() >= most {
            return Err(Fault::TooMany);
        }
        parts.push(part(span(body, content_at, end))?);
        match next {
            Some(next) => i = next,
            None if whole => return Err(Fault::Structure),
            None => return Ok(parts),
        }
    }
}

fn part(bytes: &[u8]) -> Result<Part<'_>, Fault> {
    let mut part = Part {
        headers: Vec::new(),
        name: Vec::new(),
        file_names: Vec::new(),
        media_type: Vec::new(),
        transfer: Vec::new(),
        content: b"",
        ambiguous: false,
    };
    let mut i = 0;
    let mut dispositions = 0;
    loop {
        let end = find_byte(bytes, i, b'\n').unwrap_or(bytes.len());
        let line = span(bytes, i, end);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        i = end + 1;
        if line.is_empty() || end >= bytes.len() && find_byte(line, 0, b':').is_none() {
            part.content = if line.is_empty() {
                rest(bytes, i)
            } else {
                line
            };
            break;
        }
        if part.headers.len() >= 32 {
            return Err(Fault::TooMany);
        }
        part.ambiguous |=
            matches!(line.first(), Some(b' ' | b'\t')) || find_byte(line, 0, b':').is_none();
        part.headers.push(line);
        let colon = find_byte(line, 0, b':').unwrap_or(line.len());
        let value = trim(rest(line, colon + 1));
        match trim(span(line, 0, colon)).to_ascii_lowercase().as_slice() {
            b"content-disposition" => {
                dispositions += 1;
                let mut names = 0;
                for (name, value) in parameters(value) {
                    match name.as_slice() {
                        b"name" | b"name*" => {
                            names += 1;
                            part.name = value;
                        }
                        b"filename" => part.file_names.push(value),
                        b"filename*" => {
                            let text = value.splitn(3, |&b| b == b'\'').last().unwrap_or_default();
                            part.file_names.push(
                                crate::decode::percent::decode(
                                    text,
                                    crate::decode::percent::Plus::Literal,
                                )
                                .into_owned(),
                            );
                        }
                        _ => {}
                    }
                }
                part.ambiguous |= dispositions > 1 || names != 1 || part.file_names.len() > 2;
            }
            b"content-type" => {
                part.media_type = value
                    .split(|&b| b == b';')
                    .next()
                    .map(trim)
                    .unwrap_or_default()
                    .to_ascii_lowercase()
            }
            b"content-transfer-encoding" => part.transfer = value.to_ascii_lowercase(),
            _ => {}
        }
    }
    part.ambiguous |= dispositions == 0;
    Ok(part)
}

/// Reads `; name=value; name="value"` after the first word.
fn parameters(value: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut all = Vec::new();
    let mut i = find_byte(value, 0, b';').map_or(value.len(), |n| n + 1);
    while i < value.len() && all.len() < 16 {
        let equals = skip(value, i, |b| b != b'=' && b != b';');
        let name = trim(span(value, i, equals)).to_ascii_lowercase();
        if at(value, equals) != b'=' {
            i = equals + 1;
            continue;
        }
        let mut j = skip(value, equals + 1, |b| b == b' ');
        let mut text = Vec::new();
        if at(value, j) == b'"' {
            j += 1;
            while j < value.len() && at(value, j) != b'"' {
                // Only a quote is escaped in practice: browsers send Windows paths as they are.
                if at(value, j) == b'\\' && at(value, j + 1) == b'"' {
                    j += 1;
                }
                text.push(at(value, j));
                j += 1;
            }
            j = skip(value, j + 1, |b| b != b';');
        } else {
            let end = skip(value, j, |b| b != b';');
            text.extend_from_slice(trim(span(value, j, end)));
            j = end;
        }
        all.push((name, text));
        i = j + 1;
    }
    all
}

/// Says whether a part's content is text by what it says of itself and by what is in it.
pub(crate) fn is_text(part: &Part<'_>) -> bool {
    part.file_names.is_empty()
        && !part.media_type.starts_with(b"image/")
        && find(part.content, 0, b"\0").is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FORM: &[u8] = b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x;y.txt\"; filename*=UTF-8''%e4%b8%ad.txt\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n";

    #[test]
    fn parts_have_names_file_names_and_contents() {
        let parts = parts(FORM, b"b", true, 10).unwrap();
        assert_eq!(
            (parts[0].name.as_slice(), parts[0].content),
            (&b"a"[..], &b"1"[..])
        );
        assert_eq!(
            parts[1].file_names,
            ["x;y.txt".as_bytes().to_vec(), "中.txt".as_bytes().to_vec()]
        );
        assert_eq!(
            (parts[1].content, parts[1].ambiguous),
            (&b"hello"[..], false)
        );
    }

    #[test]
    fn a_body_that_parsers_would_read_differently_is_a_fault() {
        assert_eq!(
            parts(b"preamble\r\n--b\r\n\r\n--b--", b"b", true, 10),
            Err(Fault::Structure)
        );
        assert_eq!(
            parts(b"--b\r\n\r\nx", b"b", true, 10),
            Err(Fault::Structure)
        );
        assert_eq!(
            parts(b"--b\r\n\r\nx\r\n--b--\r\nmore", b"b", true, 10),
            Err(Fault::Structure)
        );
        assert_eq!(
            boundary("multipart/form-data; boundary=a; boundary=b"),
            Err(Fault::Boundary)
        );
        assert_eq!(boundary("multipart/form-data"), Err(Fault::Boundary));
        assert_eq!(
            boundary("multipart/form-data; boundary=\"a b\""),
            Ok(b"a b".to_vec())
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0..FORM.len()) {
            let _ = parts(&[b"--b\r\n", bytes.as_slice()].concat(), b"b", true, 5);
            let _ = parts(&FORM[..cut], b"b", false, 5);
            let _ = boundary(&String::from_utf8_lossy(&bytes));
        }
    }
}
