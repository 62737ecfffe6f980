//! Which bodies can be read, by their Content-Type.

use crate::value::Charset;

/// A format whose bodies can be redacted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Media {
    /// One JSON document.
    Json,
    /// JSON documents, one a line; finished lines leave at once.
    Ndjson,
    /// Any text; backslash escapes as in JSON and JavaScript are understood.
    Text,
    /// Server-sent events: text whose finished lines leave at once.
    EventStream,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// XML and HTML.
    Markup,
    /// Comma-separated values whose first line names the columns.
    Csv,
    /// The same, separated by tabs.
    Tsv,
}

/// Why a body cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// The characters are written in a way that is not known.
    #[error(
        "charset `{0}` cannot be redacted; `utf-8`, `us-ascii`, `gbk`, `gb18030`, `big5` and `utf-16` can"
    )]
    UnsupportedCharset(String),
    /// The format is not text that is understood here.
    #[error(
        "media type `{0}` cannot be redacted; JSON, NDJSON, text, XML, HTML, CSV, JavaScript, forms, multipart bodies, XLSX, DOCX and PPTX can"
    )]
    NotText(String),
}

/// A format and its charset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Format {
    /// The format.
    pub media: Media,
    /// How characters are written.
    pub charset: Charset,
}

impl From<Media> for Format {
    fn from(media: Media) -> Self {
        Self {
            media,
            charset: Charset::Utf8,
        }
    }
}

impl Format {
    /// Reads a Content-Type value.
    ///
    /// # Errors
    /// The type is not text understood here, or its charset is not, or it names two charsets that disagree.
    pub fn from_content_type(value: &str) -> Result<Self, MediaError> {
        let mut parts = value.split(';');
        let essence = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let media = Media::from_essence(&essence)
            .ok_or_else(|| MediaError::NotText(value.trim().to_owned()))?;
        let mut charset = None;
        for parameter in parts {
            let Some((name, label)) = parameter.split_once('=') else {
                continue;
            };
            if !name.trim().eq_ignore_ascii_case("charset") {
                continue;
            }
            let label = label.trim().trim_matches('"').trim();
            let wrong = || MediaError::UnsupportedCharset(label.to_owned());
            let named = charset_named(label).ok_or_else(wrong)?;
            if charset.is_some_and(|before| before != named) {
                return Err(wrong());
            }
            charset = Some(named);
        }
        Ok(Self {
            media,
            charset: charset.unwrap_or_default(),
        })
    }
}

fn charset_named(label: &str) -> Option<Charset> {
    match label.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" | "us-ascii" | "ascii" => Some(Charset::Utf8),
        "gb18030" | "gbk" | "gb2312" | "gb_2312-80" | "x-gbk" | "cp936" => Some(Charset::Gb18030),
        "big5" | "big5-hkscs" | "cn-big5" | "x-x-big5" => Some(Charset::Big5),
        "utf-16" | "utf-16le" => Some(Charset::Utf16Le),
        "utf-16be" => Some(Charset::Utf16Be),
        _ => None,
    }
}

impl Media {
    /// Reads a Content-Type value whose body is in UTF-8.
    ///
    /// # Errors
    /// The type is not text understood here, or its charset is another.
    pub fn from_content_type(value: &str) -> Result<Self, MediaError> {
        let format = Format::from_content_type(value)?;
        if format.charset == Charset::Utf8 {
            Ok(format.media)
        } else {
            Err(MediaError::UnsupportedCharset(value.trim().to_owned()))
        }
    }

    /// Tells whether a reader waits for each line, so that a coding around it must be flushed.
    #[must_use]
    pub fn is_live(self) -> bool {
        match self {
            Self::Ndjson | Self::EventStream => true,
            Self::Json | Self::Text | Self::Form | Self::Markup | Self::Csv | Self::Tsv => false,
        }
    }

    fn from_essence(essence: &str) -> Option<Self> {
        let (kind, subtype) = essence.split_once('/')?;
        if kind.is_empty() || subtype.is_empty() {
            return None;
        }
        match (kind, subtype) {
            ("text", "event-stream") => Some(Self::EventStream),
            ("application" | "text", "json" | "x-json") => Some(Self::Json),
            (
                "application" | "text",
                "x-ndjson" | "ndjson" | "jsonl" | "x-jsonl" | "jsonlines" | "x-jsonlines",
            ) => Some(Self::Ndjson),
            ("application", "json-seq") => Some(Self::Ndjson),
            ("application", "x-www-form-urlencoded") => Some(Self::Form),
            (
                "application",
                "javascript" | "x-javascript" | "ecmascript" | "yaml" | "x-yaml" | "toml",
            ) => Some(Self::Text),
            ("application" | "text", "xml" | "html") => Some(Self::Markup),
            ("application" | "text", "csv") => Some(Self::Csv),
            ("text", "tab-separated-values" | "tsv") => Some(Self::Tsv),
            (_, subtype) if subtype.ends_with("+json") => Some(Self::Json),
            (_, subtype) if subtype.ends_with("+xml") => Some(Self::Markup),
            (_, subtype) if subtype.ends_with("+yaml") => Some(Self::Text),
            ("text", _) => Some(Self::Text),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_choose_the_format() {
        let table = [
            ("application/json", Media::Json),
            ("Application/JSON ; charset=\"UTF-8\"", Media::Json),
            ("application/problem+json", Media::Json),
            ("application/x-ndjson", Media::Ndjson),
            ("text/plain; charset=us-ascii; format=flowed", Media::Text),
            ("text/html", Media::Markup),
            ("image/svg+xml", Media::Markup),
            ("application/xml", Media::Markup),
            ("text/csv; header=present", Media::Csv),
            ("text/tab-separated-values", Media::Tsv),
            ("application/javascript", Media::Text),
            ("text/event-stream", Media::EventStream),
            ("application/x-www-form-urlencoded", Media::Form),
        ];
        for (value, media) in table {
            assert_eq!(Media::from_content_type(value), Ok(media), "{value}");
        }
    }

    #[test]
    fn a_charset_that_is_not_understood_is_told_apart_from_a_format_that_is_not() {
        assert_eq!(
            Format::from_content_type("application/json; charset=utf-7"),
            Err(MediaError::UnsupportedCharset("utf-7".into()))
        );
        let format = Format::from_content_type("text/csv; charset=\"GBK\"").unwrap();
        assert_eq!(
            (format.media, format.charset),
            (Media::Csv, Charset::Gb18030)
        );
        assert_eq!(
            Media::from_content_type("text/plain; charset=utf-8; charset=gbk"),
            Err(MediaError::UnsupportedCharset("gbk".into()))
        );
        for value in [
            "image/png",
            "application/octet-stream",
            "",
            "json",
            "/",
            "multipart/form-data; boundary=x",
        ] {
            assert!(
                matches!(Media::from_content_type(value), Err(MediaError::NotText(_))),
                "{value}"
            );
        }
    }
}
