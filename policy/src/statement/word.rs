//! From a file to the words of its statements.

use crate::source::{Mistake, Passage, Source, brief, size};
use crate::{Said, said};

/// A word with its offset in the statement; a comma is a word.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) at: usize,
    pub(super) quoted: bool,
}

/// The statements of a file, each a passage that may run over several lines.
pub(super) fn passages(source: Source<'_>, mistakes: &mut Vec<Mistake>) -> Vec<Passage> {
    let mut found: Vec<Passage> = Vec::new();
    for (at, whole) in source.text.lines().enumerate() {
        let line = size(at + 1);
        let text = without_comment(whole).trim_end();
        if text.trim().is_empty() {
            continue;
        }
        let here = Passage::new(source.name, text, line, 1);
        let strange = |c: char| (c.is_control() && c != '\t') || c == '\u{feff}';
        if let Some(offset) = text.find(strange) {
            mistakes.push(here.mistake(
                offset,
                said!("control character in a statement", "断言中有控制字符"),
                said!("remove it", "请删除"),
            ));
            continue;
        }
        let start = text.len() - text.trim_start().len();
        if start == 0 {
            found.push(here);
            continue;
        }
        let column = size(text.chars().take_while(|c| c.is_whitespace()).count() + 1);
        match found.last_mut() {
            Some(begun) => {
                begun.append(" ", line, column.saturating_sub(1));
                begun.append(text.trim_start(), line, column);
            }
            None => mistakes.push(here.mistake(
                start,
                said!(
                    "a line that begins with a blank continues a statement, and there is none before it",
                    "以空格开头的行是上一条断言的续行，但之前没有断言",
                ),
                said!("begin the statement at the start of its line", "断言应从行首写起"),
            )),
        }
    }
    found
}

/// The line up to a `#` that stands behind a blank or at the start, and not inside quotes.
fn without_comment(line: &str) -> &str {
    let (mut quoted, mut blank) = (false, true);
    for (at, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' if blank && !quoted => return line.get(..at).unwrap_or_default(),
            _ => {}
        }
        blank = c.is_whitespace();
    }
    line
}

pub(super) fn words(passage: &Passage) -> Result<Vec<Word>, Mistake> {
    let text = passage.text.as_str();
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at + c.len_utf8()..).unwrap_or_default();
        let (word, length, quoted) = match c {
            _ if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            ',' => (",".to_owned(), 1, false),
            '"' => {
                let Some(inner) = rest.find('"') else {
                    return Err(passage.mistake(
                        at,
                        said!("the quoted name is not closed", "名称的引号没有闭合"),
                        said!("close it with `\"`", "请用 `\"` 闭合"),
                    ));
                };
                (
                    rest.get(..inner).unwrap_or_default().to_owned(),
                    inner + 2,
                    true,
                )
            }
            _ => {
                let whole = text.get(at..).unwrap_or_default();
                let length = whole
                    .find(|c: char| c.is_whitespace() || c == ',' || c == '"')
                    .unwrap_or(whole.len());
                (
                    whole.get(..length).unwrap_or_default().to_owned(),
                    length,
                    false,
                )
            }
        };
        if word.is_empty() {
            return Err(passage.mistake(
                at,
                said!("empty name", "名称为空"),
                said!("put a name between the quotes", "请在引号中写名称"),
            ));
        }
        words.push(Word {
            text: word,
            at,
            quoted,
        });
        at += length;
    }
    Ok(words)
}

/// What to write in place of an unknown word: the nearest known one if it can have been meant, or all of them.
pub(super) fn suggestion<'k>(word: &str, known: impl IntoIterator<Item = &'k str> + Clone) -> Said {
    const LISTED: usize = 12;
    if let Some(near) = nearest(word, known.clone()) {
        return near;
    }
    let known: Vec<&str> = known.into_iter().collect();
    let listed: Vec<String> = known
        .iter()
        .take(LISTED)
        .map(|word| format!("`{}`", brief(word)))
        .collect();
    let listed = Said::list(&listed);
    match known.len().checked_sub(LISTED) {
        None | Some(0) => said!("known are {listed}", "可用的有 {listed}"; listed = listed),
        Some(more) => said!(
            "known are {listed} and {more} more",
            "可用的有 {listed} 等，另有 {more} 个";
            listed = listed
        ),
    }
}

/// The known word that can have been meant, if one can.
pub(super) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<Said> {
    // A longer word is no slip of the pen, and comparing it would take its time.
    const LONGEST: usize = 200;
    if word.len() > LONGEST {
        return None;
    }
    let (_, near) = known
        .into_iter()
        .map(|known| (distance(word, known), known))
        .filter(|(distance, known)| *distance <= 1 + known.chars().count() / 3)
        .min_by_key(|(distance, _)| *distance)?;
    Some(said!("did you mean `{near}`?", "是否应为 `{near}`？"))
}

/// Levenshtein distance over characters.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, c) in one.chars().enumerate() {
        let (mut diagonal, mut left) = (at, at + 1);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, d) in row.iter_mut().skip(1).zip(&other) {
            let best = (diagonal + usize::from(c != *d))
                .min(left + 1)
                .min(*cell + 1);
            diagonal = *cell;
            *cell = best;
            left = best;
        }
    }
    row.last().copied().unwrap_or_default()
}
