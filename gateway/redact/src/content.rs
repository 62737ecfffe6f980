//! What a body is, by its Content-Type: text of one format, parts of several, a document in an archive.

use std::sync::Arc;

use crate::coding::Coding;
use crate::media::{Format, Media, MediaError};
use crate::proto::MessageType;

/// What a body is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// One text.
    Text(Format),
    /// Parts, each of its own type (RFC 2046 section 5.1).
    Multipart(Boundary),
    /// A workbook, document or presentation in Office Open XML: XLSX, DOCX, PPTX.
    Office,
    /// One message of Protocol Buffers.
    Protobuf(MessageType),
    /// Messages of gRPC or gRPC-Web, in the coding that `grpc-encoding` names: identity, gzip or deflate.
    Grpc(MessageType, Coding),
}

/// What stands between the parts of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary(Arc<[u8]>);

/// The longest boundary, in bytes (RFC 2046 section 5.1.1).
const BOUNDARY_MAX: usize = 70;

impl Boundary {
    /// Takes the characters behind the two dashes; `None` where there are none, or too many, or others than allowed.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
        let right = (1..=BOUNDARY_MAX).contains(&text.len())
            && text.bytes().all(allowed)
            && !text.ends_with(' ');
        right.then(|| Self(Arc::from(text.as_bytes())))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Format> for Content {
    fn from(format: Format) -> Self {
        Self::Text(format)
    }
}

impl From<Media> for Content {
    fn from(media: Media) -> Self {
        Self::Text(media.into())
    }
}

impl Content {
    /// Reads a Content-Type value.
    ///
    /// # Errors
    /// The type is none that is understood here, or its charset is not, or it has no boundary, two or a wrong one.
    pub fn from_content_type(value: &str) -> Result<Self, MediaError> {
        let essence = value.split(';').next().unwrap_or_default().trim();
        let other = || MediaError::NotText(value.trim().to_owned());
        if essence
            .get(..10)
            .is_some_and(|head| head.eq_ignore_ascii_case("multipart/"))
        {
            let mut found = None;
            for parameter in parameters(value) {
                let (name, text) = parameter.split_once('=').unwrap_or((parameter, ""));
                if !name.trim().eq_ignore_ascii_case("boundary") {
                    continue;
                }
                let text = text.trim();
                let text = text
                    .strip_prefix('"')
                    .and_then(|text| text.strip_suffix('"'))
                    .unwrap_or(text);
                let boundary = Boundary::new(text).ok_or_else(other)?;
                // Readers that take the first and readers that take the last would see other parts.
                if found.is_some_and(|before| before != boundary) {
                    return Err(other());
                }
                found = Some(boundary);
            }
            return found.map(Self::Multipart).ok_or_else(other);
        }
        if is_office(essence) {
            return Ok(Self::Office);
        }
        Format::from_content_type(value).map(Self::Text)
    }

    /// Reads a Content-Type value of Protocol Buffers, whose body is a message of this type; `None` for any other. `coding`
    /// is what `grpc-encoding` says of it.
    #[must_use]
    pub fn of_message(value: &str, of: &MessageType, coding: Coding) -> Option<Self> {
        let essence = value.split(';').next().unwrap_or_default().trim();
        Some(match essence.to_ascii_lowercase().as_str() {
            "application/x-protobuf"
            | "application/protobuf"
            | "application/vnd.google.protobuf"
            | "application/x-google-protobuf" => Self::Protobuf(of.clone()),
            "application/grpc"
            | "application/grpc+proto"
            | "application/grpc-web"
            | "application/grpc-web+proto" => Self::Grpc(of.clone(), coding),
            _ => return None,
        })
    }

    /// Guesses from the name of a file, where its type says nothing.
    #[must_use]
    pub fn from_file_name(name: &str) -> Option<Self> {
        let ending = name.rsplit_once('.')?.1.to_ascii_lowercase();
        Some(match ending.as_str() {
            "json" => Media::Json.into(),
            "jsonl" | "ndjson" => Media::Ndjson.into(),
            "csv" => Media::Csv.into(),
            "tsv" => Media::Tsv.into(),
            "xml" | "html" | "htm" => Media::Markup.into(),
            "txt" | "log" | "md" | "yaml" | "yml" | "sql" => Media::Text.into(),
            "xlsx" | "docx" | "pptx" | "xlsm" | "docm" => Self::Office,
            _ => return None,
        })
    }

    /// Tells whether a reader waits for each line, so that a coding around it must be flushed.
    #[must_use]
    pub fn is_live(&self) -> bool {
        match self {
            Self::Text(format) => format.media.is_live(),
            Self::Multipart(_) | Self::Office | Self::Protobuf(_) => false,
            Self::Grpc(..) => true,
        }
    }
}

/// The parameters behind a type, of which a quoted one may contain semicolons.
fn parameters(value: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    value
        .split(move |ch| {
            quoted ^= ch == '"';
            ch == ';' && !quoted
        })
        .skip(1)
}

fn is_office(essence: &str) -> bool {
    let essence = essence.to_ascii_lowercase();
    essence.starts_with("application/vnd.openxmlformats-officedocument.")
        || matches!(
            essence.as_str(),
            "application/vnd.ms-excel.sheet.macroenabled.12"
                | "application/vnd.ms-word.document.macroenabled.12"
                | "application/vnd.ms-powerpoint.presentation.macroenabled.12"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_says_what_a_body_is() {
        let multipart = |text| Content::Multipart(Boundary::new(text).unwrap());
        for (value, content) in [
            ("text/csv", Media::Csv.into()),
            ("multipart/form-data; boundary=x1", multipart("x1")),
            (
                "Multipart/Mixed; a=\"b;boundary=q\"; BOUNDARY=\"x 1\"",
                multipart("x 1"),
            ),
            (
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                Content::Office,
            ),
        ] {
            assert_eq!(Content::from_content_type(value), Ok(content), "{value}");
        }
        for value in [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=a; boundary=b",
            "multipart/form-data; boundary=\"a\u{e9}\"",
            "multipart/mixed; boundary=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "image/png",
            "application/zip",
        ] {
            assert!(Content::from_content_type(value).is_err(), "{value}");
        }
    }
}
