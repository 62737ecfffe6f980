//! Rows as each reference splits them.

use crate::rules::csv::{self, Blanks};
use crate::said::Said;
use crate::source::{Dialect, Mistake, Passage, Source, size};

/// A line of a rule file, taken apart.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(crate) number: u32,
    pub(crate) raw: &'a str,
    /// Texts with the byte where each begins.
    pub(crate) cells: Vec<(String, usize)>,
}

impl Line<'_> {
    pub(crate) fn mistake(&self, file: &str, offset: usize, message: Said, help: Said) -> Mistake {
        Passage::new(file, self.raw, self.number, 1).mistake(offset, message, help)
    }
}

/// Splits a rule file.
pub(crate) fn read<'a>(
    source: Source<'a>,
    dialect: Dialect,
    mistakes: &mut Vec<Mistake>,
) -> Vec<Line<'a>> {
    if dialect == Dialect::CasbinRs {
        return source
            .text
            .split('\n')
            .enumerate()
            .filter(|(_, raw)| !raw.trim().is_empty() && !raw.trim().starts_with('#'))
            .map(|(number, raw)| Line {
                number: size(number + 1),
                raw,
                cells: loose(raw),
            })
            .collect();
    }
    csv::read(source, Blanks::Keep, mistakes)
        .into_iter()
        .map(|row| Line {
            number: row.line,
            raw: row.raw,
            cells: row
                .cells
                .iter()
                .map(|cell| (cell.text.to_string(), cell.offset))
                .collect(),
        })
        .collect()
}

/// Fields as the crate finds them: blanks around each are dropped, a quote opens a field only at its start,
/// and what stands between a closing quote and the comma is a field of its own.
fn loose(raw: &str) -> Vec<(String, usize)> {
    let lead = raw.len() - raw.trim_start().len();
    let line = raw.trim();
    let mut cells = Vec::new();
    let (mut at, mut last_end) = (0, None);
    while at <= line.len() {
        let rest = line.get(at..).unwrap_or_default();
        let blanks = rest.len() - rest.trim_start().len();
        let behind = rest.get(blanks..).unwrap_or_default();
        let length = match behind.strip_prefix('"') {
            Some(inner) => blanks + 1 + inner.find('"').map_or(inner.len(), |quote| quote + 1),
            None => rest.find(',').unwrap_or(rest.len()),
        };
        let next = rest.chars().next().map_or(1, char::len_utf8);
        if length == 0 && last_end == Some(at) {
            at += next;
            continue;
        }
        let cell = rest.get(..length).unwrap_or_default();
        let start = cell.len() - cell.trim_start().len();
        let text = cell.trim();
        let inner = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        cells.push((inner.unwrap_or(text).to_owned(), lead + at + start));
        last_end = Some(at + length);
        at += if length == 0 { next } else { length };
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(line: &str) -> Vec<String> {
        loose(line).into_iter().map(|(text, _)| text).collect()
    }

    #[test]
    fn fields_are_found_as_the_crate_finds_them() {
        assert_eq!(fields("p, a , b"), ["p", "a", "b"]);
        assert_eq!(fields("a,,b,"), ["a", "", "b", ""]);
        assert_eq!(fields("a, \"b, c\", d"), ["a", "b, c", "d"]);
        assert_eq!(fields(","), ["", ""]);
        assert_eq!(fields("\" "), ["\""]);
        assert_eq!(fields("\"a\" , b"), ["a", "", "b"]);
        assert_eq!(fields("中,文"), ["中", "文"]);
    }
}
