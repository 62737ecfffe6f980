//! The body of a request, by its type.

use std::borrow::Cow;

use super::head::{badly_encoded, decoded, pairs};
use super::{json, multipart, xml};
use crate::seclang::action::Processor;
use crate::seclang::ruleset::Options;
use crate::seclang::target::Collection;
use crate::seclang::texts::Texts;
use crate::seclang::values::Values;

/// Says who reads bodies of a type: those of the language, and JSON and XML by the types registered for them.
pub(crate) fn processor(content_type: &[u8]) -> Option<Processor> {
    let end = content_type
        .iter()
        .position(|b| matches!(b, b';' | b','))
        .unwrap_or(content_type.len());
    let media = crate::text::span(content_type, 0, end)
        .trim_ascii()
        .to_ascii_lowercase();
    match media.as_slice() {
        b"application/x-www-form-urlencoded" => Some(Processor::UrlEncoded),
        b"multipart/form-data" => Some(Processor::Multipart),
        _ if media.ends_with(b"/json") || media.ends_with(b"+json") => Some(Processor::Json),
        _ if media.ends_with(b"/xml") || media.ends_with(b"+xml") => Some(Processor::Xml),
        _ => None,
    }
}

/// Reads a body into its collections.
///
/// # Errors
/// Why it could not be read by its type.
pub(crate) fn read<'q>(
    values: &mut Values<'q>,
    texts: &mut Texts<'q>,
    processor: Option<Processor>,
    content_type: &[u8],
    body: &'q [u8],
    options: &Options,
) -> Result<(), &'static str> {
    use Collection as C;
    match processor {
        None => Ok(()),
        Some(Processor::UrlEncoded) => {
            if badly_encoded(body) {
                values.single(texts, C::UrlencodedError, &b"1"[..]);
            }
            let mut left = options.arguments;
            for (name, value) in pairs(body, options.separator) {
                left = left.checked_sub(1).ok_or("the form has too many fields")?;
                values.pair(
                    texts,
                    (C::ArgsPost, C::ArgsPostNames),
                    decoded(name),
                    decoded(value),
                );
            }
            Ok(())
        }
        Some(Processor::Multipart) => multipart::read(values, texts, content_type, body),
        Some(Processor::Json) => {
            let bounds = json::Bounds {
                depth: options.json_depth,
                values: options.arguments,
            };
            json::read(body, bounds, &mut |path, value| {
                values.pair(
                    texts,
                    (C::ArgsPost, C::ArgsPostNames),
                    Cow::Owned(path.to_vec()),
                    Cow::Owned(value),
                );
            })
        }
        Some(Processor::Xml) => {
            let document = xml::read(body, options.arguments)?;
            let text = texts.add(Cow::Owned(document.text));
            values.add(C::Xml, Cow::Borrowed(b"/*"), text);
            for attribute in document.attributes {
                let text = texts.add(Cow::Owned(attribute));
                values.add(C::Xml, Cow::Borrowed(b"//@*"), text);
            }
            Ok(())
        }
    }
}
