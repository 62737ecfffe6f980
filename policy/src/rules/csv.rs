//! Reads rule files: one row a line, fields joined by commas, RFC 4180 quoting.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::source::{Mistake, Passage, Source, brief, size};
use crate::{Said, said};

/// A field with the column where its text begins, counted in bytes from 0.
#[derive(Debug, Clone)]
pub(crate) struct Cell<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) offset: usize,
}

/// A row as written.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    pub(crate) line: u32,
    pub(crate) raw: &'a str,
    pub(crate) cells: SmallVec<[Cell<'a>; 10]>,
}

impl Row<'_> {
    /// A mistake at an offset in this line.
    pub(crate) fn mistake(&self, file: &str, offset: usize, message: Said, help: Said) -> Mistake {
        Passage::new(file, self.raw, self.line, 1).mistake(offset, message, help)
    }
}

/// What a blank behind a field means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blanks {
    /// A mistake, since the references read it differently.
    Refuse,
    /// A part of the field, as in Go.
    Keep,
}

/// Reads every row; lines with mistakes are reported and left out.
pub(crate) fn read<'a>(
    source: Source<'a>,
    blanks: Blanks,
    mistakes: &mut Vec<Mistake>,
) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for (number, raw) in source.text.lines().enumerate() {
        match row(raw, size(number + 1), blanks) {
            Ok(found) => rows.extend(found),
            Err(fault) => mistakes.push(fault.mistake(source.name, raw, size(number + 1))),
        }
    }
    rows
}

/// Reads one line; `None` if it is blank or a comment.
pub(crate) fn row(raw: &str, line: u32, blanks: Blanks) -> Result<Option<Row<'_>>, Fault> {
    if is_blank(raw) {
        return Ok(None);
    }
    let mut cells = SmallVec::new();
    split(raw, blanks, &mut cells)?;
    Ok(Some(Row { line, raw, cells }))
}

/// Whether a line holds no row: it is blank or a comment.
pub(crate) fn is_blank(raw: &str) -> bool {
    let written = raw.trim();
    written.is_empty() || written.starts_with('#')
}

/// What is wrong with a line, and at which of its bytes.
#[derive(Debug)]
pub(crate) struct Fault {
    offset: usize,
    message: Said,
    help: Said,
}

impl Fault {
    /// The mistake that this is at a place.
    pub(crate) fn mistake(self, file: &str, raw: &str, line: u32) -> Mistake {
        Passage::new(file, raw, line, 1).mistake(self.offset, self.message, self.help)
    }
}

fn split<'a>(
    raw: &'a str,
    blanks: Blanks,
    cells: &mut SmallVec<[Cell<'a>; 10]>,
) -> Result<(), Fault> {
    let body = raw.trim_end();
    if let Some(offset) = body.find(|c: char| (c.is_control() && c != '\t') || c == '\u{feff}') {
        return Err(Fault {
            offset,
            message: said!("control character in a rule", "规则中有控制字符"),
            help: said!("remove it", "请删除"),
        });
    }
    let mut at = 0;
    loop {
        let rest = body.get(at..).unwrap_or_default();
        let start = at + (rest.len() - rest.trim_start().len());
        let field = body.get(start..).unwrap_or_default();
        let (text, length) = if let Some(inner) = field.strip_prefix('"') {
            let (text, length) = quoted(inner).ok_or_else(|| Fault {
                offset: start,
                message: said!(
                    "the quoted field is not closed on its line",
                    "字段的引号在本行没有闭合"
                ),
                help: said!(
                    "close it; write `\"\"` for a quote inside",
                    "请闭合引号；字段内的引号写成 `\"\"`"
                ),
            })?;
            (text, length + 1)
        } else {
            let length = field.find(',').unwrap_or(field.len());
            let text = field.get(..length).unwrap_or_default();
            if let Some(quote) = text.find('"') {
                return Err(Fault {
                    offset: start + quote,
                    message: said!(
                        "a quote inside a field that is not quoted",
                        "字段没有用引号括起，中间却有引号"
                    ),
                    help: said!("quote the whole field", "请用引号括起整个字段"),
                });
            }
            if blanks == Blanks::Refuse && text.trim_end() != text {
                return Err(Fault {
                    offset: start + text.trim_end().len(),
                    message: said!(
                        "blank behind `{}`, which one reference keeps and the other drops",
                        "`{}` 后有空格，一个参照引擎会保留，另一个会去掉",
                        brief(text.trim_end())
                    ),
                    help: said!("remove it", "请删除"),
                });
            }
            (Cow::Borrowed(text), length)
        };
        cells.push(Cell {
            text,
            offset: start,
        });
        at = start + length;
        match body.get(at..).and_then(|rest| rest.chars().next()) {
            None => return Ok(()),
            Some(',') => at += 1,
            Some(_) => {
                return Err(Fault {
                    offset: at,
                    message: said!("text behind a quoted field", "带引号的字段之后还有内容"),
                    help: said!(
                        "put a comma or the end of the line here",
                        "此处应为逗号或行尾"
                    ),
                });
            }
        }
    }
}

/// Text of a quoted field and its length with the closing quote.
fn quoted(inner: &str) -> Option<(Cow<'_, str>, usize)> {
    let mut at = 0;
    let mut doubled = false;
    loop {
        at += inner.get(at..)?.find('"')?;
        if inner
            .get(at + 1..)
            .is_some_and(|rest| rest.starts_with('"'))
        {
            doubled = true;
            at += 2;
            continue;
        }
        let text = inner.get(..at)?;
        let text = if doubled {
            Cow::Owned(text.replace("\"\"", "\""))
        } else {
            Cow::Borrowed(text)
        };
        return Some((text, at + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(line: &str) -> Result<Vec<String>, u32> {
        let mut mistakes = Vec::new();
        let rows = read(
            Source {
                name: "r",
                text: line,
            },
            Blanks::Refuse,
            &mut mistakes,
        );
        match mistakes.first() {
            Some(mistake) => Err(mistake.column),
            None => Ok(rows[0]
                .cells
                .iter()
                .map(|cell| cell.text.to_string())
                .collect()),
        }
    }

    #[test]
    fn quoting_is_that_of_rfc_4180() {
        assert_eq!(fields(r#"p, "a, b" , c"#), Err(10));
        assert_eq!(fields(r#"p, "a, b",c,"#).unwrap(), ["p", "a, b", "c", ""]);
        assert_eq!(fields(r#"p, "say ""hi""" "#).unwrap(), ["p", r#"say "hi""#]);
        assert_eq!(fields("p, \"a"), Err(4));
        assert_eq!(fields("p, a\"b"), Err(5));
    }

    #[test]
    fn a_trailing_blank_in_a_field_is_refused_and_one_at_the_end_of_the_line_is_not() {
        assert_eq!(fields("p, read   , x"), Err(8));
        assert_eq!(fields("p, read   \r").unwrap(), ["p", "read"]);
    }

    #[test]
    fn control_characters_and_byte_order_marks_are_refused() {
        assert_eq!(fields("p, a\u{0}"), Err(5));
        assert_eq!(fields("\u{feff}p, a"), Err(1));
    }
}
