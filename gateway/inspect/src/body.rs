//! The body of a request: inflated, brought to UTF-8, cut by its media type.

use std::borrow::Cow;

use serde::Serialize;

use crate::classes::Classes;
use crate::coding::inflate;
use crate::decode::charset::to_utf8;
use crate::decode::percent::{self, Plus};
use crate::decode::{Layer, Layers};
use crate::detect::protocol::Lines;
use crate::inspector::{Inspector, Settings, pairs};
use crate::rules;
use crate::scan::Scan;
use crate::split::json::{self, Piece, Stop};
use crate::split::{query, xml};
use crate::text::{find, span, trim};
use crate::verdict::{Spot, Verdict};

pub(crate) mod parts;

/// JSON inside strings of JSON is opened this many times. Chosen.
const JSON_IN_JSON: usize = 3;

/// Whether a body is all there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// To its end.
    Whole,
    /// A bounded beginning; what follows was not kept.
    Truncated,
}

/// Why a body could not be read; whoever forwards it does so unread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "kebab-case", tag = "reason", content = "detail")]
pub enum Undecodable {
    /// Inflated, it is over the bound.
    #[error("the body inflates beyond its bound; send it uncompressed or in pieces")]
    TooLarge,
    /// A coding that is not known, or several.
    #[error("content coding `{0}` is not supported; send `gzip`, `deflate`, `br` or none")]
    UnknownCoding(String),
    /// The compressed data are damaged.
    #[error("the compressed body is damaged")]
    Corrupt,
    /// Nested deeper than allowed.
    #[error("the body is nested too deep")]
    TooDeep,
    /// More values or parts than allowed.
    #[error("the body has too many values")]
    TooMany,
    /// A character set that is not known, that hides ASCII, or that the bytes are not in.
    #[error("character set `{0}` is not supported or is not what was sent; send UTF-8")]
    Charset(String),
    /// Multipart without a boundary, or with parts that parsers would read differently.
    #[error("the multipart body does not follow its boundary")]
    Multipart,
}

impl Inspector {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// See [`Undecodable`]: nothing is known about such a body, and the route says whether it passes.
    pub fn body(
        &self,
        content_type: Option<&str>,
        content_encoding: Option<&str>,
        bytes: &[u8],
        complete: Completeness,
    ) -> Result<Verdict, Undecodable> {
        self.scan_body(content_type, content_encoding, bytes, complete, None)
            .map(|scan| scan.verdict)
    }

    /// Returns every form of every value in a body, as the detectors read it; see [`Inspector::values`].
    ///
    /// # Errors
    ///
    /// See [`Undecodable`].
    pub fn body_values(
        &self,
        content_type: Option<&str>,
        content_encoding: Option<&str>,
        bytes: &[u8],
    ) -> Result<Vec<Vec<u8>>, Undecodable> {
        let complete = Completeness::Whole;
        self.scan_body(
            content_type,
            content_encoding,
            bytes,
            complete,
            Some(Vec::new()),
        )
        .map(|scan| scan.seen.unwrap_or_default())
    }

    fn scan_body(
        &self,
        content_type: Option<&str>,
        content_encoding: Option<&str>,
        bytes: &[u8],
        complete: Completeness,
        seen: Option<Vec<Vec<u8>>>,
    ) -> Result<Scan<'_>, Undecodable> {
        let inflated = inflate(content_encoding, bytes, complete, &self.settings)?;
        let content_type = content_type.unwrap_or_default();
        let media_type = content_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        let text = decoded(content_type, &media_type, &inflated)?;
        let mut reading = Reading {
            scan: Scan::new(self, text.len()),
            settings: &self.settings,
            complete,
        };
        reading.scan.seen = seen;
        reading.by_type(&media_type, content_type, &text)?;
        Ok(reading.scan)
    }
}

/// Brings text to UTF-8; UTF-16 is told by its mark even where nothing is declared.
fn decoded<'a>(
    content_type: &str,
    media_type: &str,
    bytes: &'a [u8],
) -> Result<Cow<'a, [u8]>, Undecodable> {
    let textual = media_type.starts_with("text/")
        || media_type.contains("json")
        || media_type.contains("xml")
        || media_type.contains("urlencoded")
        || media_type.contains("javascript");
    if textual && (bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff")) {
        return Err(Undecodable::Charset("utf-16".into()));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let Some(declared) = content_type
        .to_ascii_lowercase()
        .split(';')
        .skip(1)
        .find_map(|p| {
            p.trim()
                .strip_prefix("charset=")
                .map(|c| c.trim_matches(['"', '\'', ' ']).to_owned())
        })
    else {
        return Ok(Cow::Borrowed(bytes));
    };
    to_utf8(bytes, &declared).map_err(Undecodable::Charset)
}

struct Reading<'i> {
    scan: Scan<'i>,
    settings: &'i Settings,
    complete: Completeness,
}

impl Reading<'_> {
    fn by_type(
        &mut self,
        media_type: &str,
        content_type: &str,
        text: &[u8],
    ) -> Result<(), Undecodable> {
        match media_type {
            "application/x-www-form-urlencoded" => {
                self.form(text)?;
                // A form type in front of JSON or XML is a bypass, or a careless client.
                if matches!(trim(text).first(), Some(b'{' | b'[' | b'<')) {
                    self.sniffed(text)?;
                }
                Ok(())
            }
            "multipart/form-data" | "multipart/mixed" | "multipart/related" => {
                self.multipart(content_type, text)
            }
            _ if media_type.ends_with("json")
                || media_type == "application/x-ndjson"
                || media_type == "application/json-seq" =>
            {
                self.json(text)
            }
            _ if media_type.ends_with("xml") && trim(text).starts_with(b"<") => {
                self.xml(text);
                Ok(())
            }
            _ if media_type.starts_with("image/")
                || media_type.starts_with("video/")
                || media_type.starts_with("audio/")
                || media_type.starts_with("font/") =>
            {
                self.file(Spot::Body, text);
                Ok(())
            }
            _ => self.sniffed(text),
        }
    }

    /// Reads a body that says nothing useful of itself.
    fn sniffed(&mut self, text: &[u8]) -> Result<(), Undecodable> {
        if is_binary(text) {
            self.file(Spot::Body, text);
            return Ok(());
        }
        match trim(text).first() {
            Some(b'{' | b'[') => self.json(text),
            Some(b'<') => {
                // Markup nobody declared may be a page's as well as a document's.
                self.xml(text);
                self.scan.value(Spot::Body, text, Lines::Allowed);
                Ok(())
            }
            _ if looks_like_form(text) => self.form(text),
            _ => {
                self.scan.value(Spot::Body, text, Lines::Allowed);
                Ok(())
            }
        }
    }

    fn form(&mut self, text: &[u8]) -> Result<(), Undecodable> {
        if memchr::memchr_iter(b'&', text).count() > self.settings.values {
            return Err(Undecodable::TooMany);
        }
        // Programs that send their own format under the type of forms: read all the same, since servers might.
        let controls = text
            .iter()
            .filter(|b| **b < 0x20 && !b.is_ascii_whitespace());
        let lines = if controls.take(2).count() == 2 {
            Lines::Binary
        } else {
            Lines::Allowed
        };
        pairs(&mut self.scan, text, Spot::FormName, Spot::Form, lines);
        // Values of a form are often JSON themselves.
        let begins = |raw: &[u8]| matches!(raw.first(), Some(b'{' | b'[' | b'%' | b'+' | ..=b' '));
        for (_, raw) in query::raw_pairs(text).filter(|(_, raw)| begins(raw)) {
            let value = percent::decode(raw, Plus::Space);
            if json::plausible(&value) {
                self.nested_json(&value)?;
            }
        }
        Ok(())
    }

    fn json(&mut self, text: &[u8]) -> Result<(), Undecodable> {
        match self.json_text(text, &Layers::default(), JSON_IN_JSON) {
            Ok(()) => Ok(()),
            Err(Stop::TooDeep) => Err(Undecodable::TooDeep),
            Err(Stop::TooMany) => Err(Undecodable::TooMany),
            Err(Stop::Malformed(at)) => {
                if self.complete == Completeness::Whole {
                    self.scan.verdict.add(
                        &rules::PROTOCOL_BODY,
                        Spot::Body,
                        &Layers::default(),
                        text,
                        at,
                        at + 1,
                    );
                }
                // Lenient parsers read on; so the rest is read as what it would be there: text.
                self.scan
                    .value(Spot::Body, crate::text::rest(text, at), Lines::Allowed);
                Ok(())
            }
        }
    }

    fn json_text(&mut self, text: &[u8], layers: &Layers, nested: usize) -> Result<(), Stop> {
        let mut inner = Vec::new();
        let scan = &mut self.scan;
        let outcome = json::read(
            text,
            self.settings.depth,
            self.settings.values,
            &mut |piece, pointer, value| {
                scan.value_under(Spot::Json(pointer), value, Lines::Allowed, layers);
                if piece == Piece::Key && value.first() == Some(&b'$') {
                    operator(scan, pointer, value, layers);
                }
                if let Some(rule) = names_a_class(piece, pointer, value) {
                    let spot = Spot::Json(pointer);
                    scan.verdict.add(rule, spot, layers, value, 0, value.len());
                }
                if piece == Piece::Value && nested > 0 && json::plausible(value) {
                    inner.push(value.to_vec());
                }
            },
        );
        for text in inner {
            match self.json_text(&text, &layers.with(Layer::Json), nested - 1) {
                Err(stop @ (Stop::TooDeep | Stop::TooMany)) => return Err(stop),
                // A string that only looks like JSON has been read as text already.
                Ok(()) | Err(Stop::Malformed(_)) => {}
            }
        }
        outcome
    }

    /// Reads JSON that stands in a field; what only looks like JSON has been read as text already.
    fn nested_json(&mut self, text: &[u8]) -> Result<(), Undecodable> {
        match self.json_text(text, &Layers::default().with(Layer::Json), 1) {
            Err(Stop::TooDeep) => Err(Undecodable::TooDeep),
            Err(Stop::TooMany) => Err(Undecodable::TooMany),
            Err(Stop::Malformed(_)) | Ok(()) => Ok(()),
        }
    }

    fn xml(&mut self, text: &[u8]) {
        if let Some(at) = xml::doctype(text).filter(|&at| !xml::is_public(text, at)) {
            self.scan.verdict.add(
                &rules::XXE_ENTITY,
                Spot::Body,
                &Layers::default(),
                text,
                at,
                at + 60,
            );
        }
        if let Some(at) = find(text, 0, b"XInclude").or_else(|| find(text, 0, b"xi:include")) {
            self.scan.verdict.add(
                &rules::XML_INCLUDE,
                Spot::Body,
                &Layers::default(),
                text,
                at,
                at + 10,
            );
        }
        let scan = &mut self.scan;
        xml::read(text, self.settings.values, &mut |element, value| {
            scan.value(Spot::Xml(element), value, Lines::Allowed)
        });
    }
}

/// `{"@type":"java.net.URL"}` and `{"constructor":{"prototype":…}}`: what makes a reader of JSON load a class or change
/// every object. Types of documents (`Person`, `type.googleapis.com/…`) are no classes.
fn names_a_class(piece: Piece, pointer: &str, value: &[u8]) -> Option<&'static rules::Rule> {
    if piece == Piece::Key {
        return (value == b"prototype" && pointer.contains("constructor"))
            .then_some(&rules::CODE_PROTOTYPE);
    }
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'$' | b'_' | b';');
    let class = pointer.ends_with("/@type")
        && value.iter().filter(|b| **b == b'.').count() >= 2
        && value.iter().all(plain);
    class.then_some(&rules::CODE_SERIALISED)
}

/// `{"password":{"$ne":""}}`.
fn operator(scan: &mut Scan<'_>, pointer: &str, key: &[u8], layers: &Layers) {
    if matches!(
        key,
        b"$ne"
            | b"$gt"
            | b"$gte"
            | b"$lt"
            | b"$lte"
            | b"$in"
            | b"$nin"
            | b"$regex"
            | b"$where"
            | b"$exists"
            | b"$or"
            | b"$and"
            | b"$not"
            | b"$expr"
            | b"$function"
            | b"$func"
            | b"$eq"
    ) {
        scan.verdict.add(
            &rules::NOSQL_OPERATOR,
            Spot::Json(pointer),
            layers,
            key,
            0,
            key.len(),
        );
    }
}

fn looks_like_form(text: &[u8]) -> bool {
    let name = text
        .iter()
        .position(|&b| b == b'=')
        .map(|n| span(text, 0, n))
        .unwrap_or_default();
    !name.is_empty()
        && name.len() < 64
        && name.iter().all(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'[' | b']' | b'%')
        })
}

fn is_binary(text: &[u8]) -> bool {
    let start = span(text, 0, 1024);
    Classes::of(start).any(Classes::NUL)
        || start
            .iter()
            .filter(|b| **b < 0x20 && !b.is_ascii_whitespace())
            .count()
            > start.len() / 20
}
