//! Multipart bodies and the files in them.

use std::borrow::Cow;

use super::{Completeness, Reading, Undecodable};
use crate::decode::Layers;
use crate::detect::protocol::Lines;
use crate::rules;
use crate::split::json;
use crate::split::multipart::{self, Fault, Part};
use crate::text::{find, span, trim};
use crate::verdict::Spot;

impl Reading<'_> {
    pub(super) fn multipart(&mut self, content_type: &str, body: &[u8]) -> Result<(), Undecodable> {
        let fault = |fault| match fault {
            Fault::Boundary | Fault::Structure => Undecodable::Multipart,
            Fault::TooMany => Undecodable::TooMany,
        };
        let boundary = multipart::boundary(content_type).map_err(fault)?;
        for part in multipart::parts(
            body,
            &boundary,
            self.complete == Completeness::Whole,
            self.settings.parts,
        )
        .map_err(fault)?
        {
            self.part(&part)?;
        }
        Ok(())
    }

    fn part(&mut self, part: &Part<'_>) -> Result<(), Undecodable> {
        let spot = Spot::PartHeader(&part.name);
        if part.ambiguous {
            self.scan.verdict.add(
                &rules::PROTOCOL_HEADER,
                spot,
                &Layers::default(),
                part.headers.first().copied().unwrap_or_default(),
                0,
                80,
            );
        }
        self.scan.value(spot, &part.name, Lines::Single);
        for name in &part.file_names {
            self.scan.value(spot, name, Lines::Single);
            if runs_on_a_server(name) {
                self.scan.verdict.add(
                    &rules::UPLOAD_SCRIPT,
                    spot,
                    &Layers::default(),
                    name,
                    0,
                    name.len(),
                );
            }
        }
        for header in &part.headers {
            let known = header.len() >= 8
                && header
                    .get(..8)
                    .is_some_and(|start| start.eq_ignore_ascii_case(b"content-"));
            if !known {
                self.scan.value(spot, header, Lines::Single);
            }
        }
        let content = match part.transfer.as_slice() {
            b"base64" => {
                use base64::Engine as _;
                let packed: Vec<u8> = part
                    .content
                    .iter()
                    .copied()
                    .filter(|b| !b.is_ascii_whitespace())
                    .collect();
                Cow::Owned(
                    base64::engine::general_purpose::STANDARD
                        .decode(packed)
                        .map_err(|_| Undecodable::Corrupt)?,
                )
            }
            b"" | b"7bit" | b"8bit" | b"binary" => Cow::Borrowed(part.content),
            other => {
                return Err(Undecodable::UnknownCoding(
                    String::from_utf8_lossy(span(other, 0, 40)).into_owned(),
                ));
            }
        };
        if !multipart::is_text(part) {
            self.file(Spot::Part(&part.name), &content);
        } else if part.media_type.ends_with(b"json") {
            self.json(&content)?;
        } else if part.media_type.ends_with(b"xml") {
            self.xml(&content);
        } else {
            self.scan
                .value(Spot::Part(&part.name), &content, Lines::Allowed);
            if json::plausible(&content) {
                self.nested_json(&content)?;
            }
        }
        Ok(())
    }

    /// Reads an uploaded file for what a server or a browser would run; its text is nobody's query.
    pub(super) fn file(&mut self, spot: Spot<'_>, content: &[u8]) {
        const MARKS: [(&[u8], &rules::Rule); 15] = [
            (b"push graphic-context", &rules::CMD_INJECTION),
            (b"language=\"php\"", &rules::CODE_PHP),
            (b"invokertransformer", &rules::CODE_SERIALISED),
            (b"templatesimpl", &rules::CODE_SERIALISED),
            (b"jdbcrowsetimpl", &rules::CODE_SERIALISED),
            (b"javax.naming.", &rules::CODE_SERIALISED),
            (b"objectdataprovider", &rules::CODE_SERIALISED),
            (b"<?php", &rules::CODE_PHP),
            (b"<?=", &rules::CODE_PHP),
            (b"<%@", &rules::CODE_SERVER_PAGE),
            (b"<jsp:", &rules::CODE_SERVER_PAGE),
            (b"eval($_", &rules::CODE_PHP),
            (b"eval(request", &rules::CODE_SERVER_PAGE),
            (b"<!entity", &rules::XXE_ENTITY),
            (b"%eval request", &rules::CODE_SERVER_PAGE),
        ];
        let lower = content.to_ascii_lowercase();
        for (mark, rule) in MARKS {
            // A picture holds any three bytes by chance; a page goes on with text.
            if let Some(at) = find(&lower, 0, mark)
                && span(&lower, at, at + mark.len() + 12)
                    .iter()
                    .all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace())
            {
                self.scan
                    .verdict
                    .add(rule, spot, &Layers::default(), content, at, at + mark.len());
            }
        }
        // Objects of Java and of .NET as they travel: reading one makes the application load classes.
        const MAGIC: [&[u8]; 3] = [
            b"\xac\xed\x00\x05",
            b"\x00\x01\x00\x00\x00\xff\xff\xff\xff\x01",
            b"\x80\x04\x95",
        ];
        if let Some(magic) = MAGIC.iter().find(|magic| content.starts_with(magic)) {
            let object = magic.len() > 3 || find(&lower, 0, b"system").is_some();
            if object {
                self.scan.verdict.add(
                    &rules::CODE_SERIALISED,
                    spot,
                    &Layers::default(),
                    content,
                    0,
                    magic.len(),
                );
            }
        }
        const SHELLS: [&[u8]; 6] = [
            b"request.getparameter(",
            b"getruntime(",
            b"processbuilder",
            b"eval(",
            b"execute(",
            b"defineclass(",
        ];
        if let Some(page) = find(&lower, 0, b"<%")
            && let Some(at) = SHELLS.iter().find_map(|word| find(&lower, page, word))
        {
            self.scan.verdict.add(
                &rules::CODE_SERVER_PAGE,
                spot,
                &Layers::default(),
                content,
                at,
                at + 20,
            );
        }
        if (trim(&lower).starts_with(b"<svg") || trim(&lower).starts_with(b"<?xml"))
            && let Some(at) = find(&lower, 0, b"<script").or_else(|| find(&lower, 0, b" onload="))
        {
            self.scan.verdict.add(
                &rules::XSS_SCRIPT,
                spot,
                &Layers::default(),
                content,
                at,
                at + 8,
            );
        }
    }
}

/// `shell.php`, `shell.php.jpg`, `shell.jsp;.png`, `shell.php%00.png`.
pub(crate) fn runs_on_a_server(name: &[u8]) -> bool {
    const EXTENSIONS: [&[u8]; 24] = [
        b"php",
        b"php3",
        b"php4",
        b"php5",
        b"php7",
        b"phtml",
        b"pht",
        b"phar",
        b"phps",
        b"jsp",
        b"jspx",
        b"jspf",
        b"jsw",
        b"jsv",
        b"asp",
        b"aspx",
        b"ashx",
        b"asmx",
        b"ascx",
        b"cfm",
        b"cgi",
        b"shtml",
        b"htaccess",
        b"war",
    ];
    let lower = name.to_ascii_lowercase();
    let mut pieces = lower.split(|b| matches!(b, b'.' | b';' | b'%' | b':' | 0));
    let _stem = pieces.next();
    pieces.any(|piece| EXTENSIONS.contains(&trim(piece))) || lower.ends_with(b".user.ini")
}
