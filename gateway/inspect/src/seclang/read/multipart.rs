//! Multipart forms: fields, files and the headers of parts, and what is odd about them.

use std::borrow::Cow;

use crate::seclang::target::Collection;
use crate::seclang::texts::Texts;
use crate::seclang::values::Values;
use crate::split::multipart::{Fault, boundary, parts};
use crate::text::{find, trim};

/// Parts of one body, as many as the inspector reads by default.
const PARTS: usize = 256;

/// Reads a form into its collections.
///
/// # Errors
/// A body that does not follow its boundary: nothing of it is known then.
pub(super) fn read<'q>(
    values: &mut Values<'q>,
    texts: &mut Texts<'q>,
    content_type: &[u8],
    body: &'q [u8],
) -> Result<(), &'static str> {
    use Collection as C;
    let one = &b"1"[..];
    if find(content_type, 0, b"boundary=\"").is_some() {
        values.single(texts, C::MultipartBoundaryQuoted, one);
    }
    let declared = String::from_utf8_lossy(content_type);
    let read = boundary(&declared).and_then(|b| parts(body, &b, true, PARTS));
    let parts = match read {
        Ok(parts) => parts,
        Err(fault) => {
            values.single(texts, C::MultipartStrictError, one);
            return Err(match fault {
                Fault::Boundary => {
                    values.single(texts, C::MultipartBoundaryWhitespace, one);
                    "the multipart body has no boundary that could be used"
                }
                Fault::Structure => {
                    values.single(texts, C::MultipartUnmatchedBoundary, one);
                    "the multipart body does not follow its boundary"
                }
                Fault::TooMany => {
                    values.single(texts, C::MultipartFileLimitExceeded, one);
                    "the multipart body has too many parts"
                }
            });
        }
    };
    let mut size = 0;
    let (mut ambiguous, mut lines) = (false, false);
    for part in parts {
        ambiguous |= part.ambiguous;
        let name: Cow<'q, [u8]> = Cow::Owned(part.name);
        for header in &part.headers {
            let text = texts.add(Cow::Borrowed(header));
            values.add(C::MultipartPartHeaders, name.clone(), text);
            lines |= header.contains(&b'\r');
        }
        let label = texts.add(name.clone());
        values.add(C::MultipartName, Cow::Borrowed(b""), label);
        if part.file_names.is_empty() {
            let text = texts.add(Cow::Borrowed(part.content));
            values.add(C::ArgsPost, name.clone(), text);
            values.add(C::ArgsPostNames, name, label);
            continue;
        }
        size += part.content.len();
        let content = texts.add(Cow::Borrowed(part.content));
        let length = texts.add(Cow::Owned(part.content.len().to_string().into_bytes()));
        values.add(C::FilesTmpContent, name.clone(), content);
        values.add(C::FilesSizes, name.clone(), length);
        values.add(C::FilesNames, name.clone(), label);
        for file in part.file_names {
            let text = texts.add(Cow::Owned(trim(&file).to_vec()));
            values.add(C::Files, name.clone(), text);
            values.add(C::MultipartFilename, Cow::Borrowed(b""), text);
        }
    }
    values.single(texts, C::FilesCombinedSize, size.to_string().into_bytes());
    if ambiguous {
        values.single(texts, C::MultipartInvalidPart, one);
    }
    if lines {
        values.single(texts, C::MultipartLfLine, one);
    }
    if ambiguous || lines {
        values.single(texts, C::MultipartStrictError, one);
    }
    Ok(())
}
