//! The lines before a part: its type, how it is coded, the field of a form that it is.

use crate::engine::Setting;
use crate::header;
use crate::part::PartError;
use crate::whole::Tally;

/// The longest head that is read, in bytes: chosen.
pub(crate) const HEAD_MAX: usize = 16 * 1024;

/// The head of a part.
#[derive(Debug)]
pub(crate) struct Head<'h> {
    bytes: &'h [u8],
    content_type: Option<String>,
    coding: Option<String>,
    field: Option<String>,
    file: Option<String>,
}

impl<'h> Head<'h> {
    /// Reads lines up to and with the empty one.
    pub(crate) fn read(bytes: &'h [u8]) -> Result<Self, PartError> {
        let wrong = PartError::Head { limit: HEAD_MAX };
        let mut head = Self {
            bytes,
            content_type: None,
            coding: None,
            field: None,
            file: None,
        };
        if bytes.len() > HEAD_MAX {
            return Err(wrong);
        }
        for line in unfolded(bytes) {
            let (name, value) = line.split_once(':').ok_or_else(|| wrong.clone())?;
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            // Readers that take the first of two and readers that take the last would disagree.
            let set = |slot: &mut Option<String>| match slot {
                Some(before) if before != value => Err(wrong.clone()),
                _ => {
                    *slot = Some(value.to_owned());
                    Ok(())
                }
            };
            match name.as_str() {
                "content-type" => set(&mut head.content_type)?,
                "content-transfer-encoding" | "content-encoding" => set(&mut head.coding)?,
                "content-disposition" => {
                    head.field = parameter(value, "name");
                    head.file =
                        parameter(value, "filename").or_else(|| parameter(value, "filename*"));
                }
                _ => {}
            }
        }
        Ok(head)
    }

    pub(crate) fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// The name of the form's field.
    pub(crate) fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    pub(crate) fn file_name(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// Tells whether the bytes of the part stand for others.
    pub(crate) fn is_coded(&self) -> bool {
        self.coding.as_ref().is_some_and(|coding| {
            !["7bit", "8bit", "binary", "identity"]
                .iter()
                .any(|plain| plain.eq_ignore_ascii_case(coding))
        })
    }

    /// What the part says it is, for events: its type, never its name.
    pub(crate) fn describe(&self) -> String {
        let kind = self.content_type().unwrap_or("application/octet-stream");
        let essence = kind.split(';').next().unwrap_or_default().trim();
        let name: String = essence
            .chars()
            .filter(|ch| ch.is_ascii_graphic())
            .take(80)
            .collect();
        match &self.coding {
            Some(coding) if self.is_coded() => {
                let coding: String = coding
                    .chars()
                    .filter(char::is_ascii_graphic)
                    .take(20)
                    .collect();
                format!("{name} in {coding}")
            }
            _ => name,
        }
    }

    /// Writes the lines with what is personal in them masked: names of files.
    pub(crate) fn write(&self, setting: &Setting, tally: &mut Tally, out: &mut Vec<u8>) {
        for line in self.bytes.split_inclusive(|&byte| byte == b'\n') {
            let colon = memchr::memchr(b':', line).map_or(0, |at| at + 1);
            let (name, value) = line.split_at_checked(colon).unwrap_or((b"", line));
            let text = std::str::from_utf8(name.strip_suffix(b":").unwrap_or(name));
            out.extend_from_slice(name);
            let masked = header::value(
                &setting.rules,
                setting.level,
                text.unwrap_or_default(),
                value,
                tally,
            );
            out.extend_from_slice(&masked);
        }
    }
}

/// Lines with their continuations joined, up to the empty one.
fn unfolded(bytes: &[u8]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in String::from_utf8_lossy(bytes).lines() {
        match (line.starts_with([' ', '\t']), lines.last_mut()) {
            (true, Some(last)) => last.push_str(line),
            _ if line.is_empty() => {}
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

/// A parameter of a header, without its quotes.
fn parameter(value: &str, wanted: &str) -> Option<String> {
    let mut quoted = false;
    let mut escaped = false;
    value
        .split(|ch| {
            let was = escaped;
            escaped = ch == '\\' && !was;
            quoted ^= ch == '"' && !was;
            ch == ';' && !quoted
        })
        .skip(1)
        .find_map(|parameter| {
            let (name, text) = parameter.split_once('=')?;
            let text = text.trim();
            let text = text
                .strip_prefix('"')
                .and_then(|text| text.strip_suffix('"'))
                .unwrap_or(text);
            name.trim()
                .eq_ignore_ascii_case(wanted)
                .then(|| text.to_owned())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_a_part_says_what_it_is() {
        let head = Head::read(
            b"Content-Disposition: form-data; name=\"xm\";\r\n filename=\"a;b.csv\"\r\ncontent-type: text/csv\r\n\r\n",
        )
        .unwrap();
        assert_eq!(
            (head.field(), head.file_name(), head.content_type()),
            (Some("xm"), Some("a;b.csv"), Some("text/csv"))
        );
        let coded = Head::read(b"Content-Transfer-Encoding: base64\n\n").unwrap();
        assert!(coded.is_coded());
        assert!(Head::read(b"no header\r\n\r\n").is_err());
        assert!(Head::read(b"Content-Type: a/b\nContent-Type: c/d\n\n").is_err());
    }
}
