//! Reads a model file as written: sections of `key = value`.

use crate::said;
use crate::source::{Mistake, Passage, Source, size};

/// One `key = value` of a model file.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) section: String,
    pub(crate) key: String,
    /// Points at the key.
    pub(crate) name: Passage,
    pub(crate) value: Passage,
}

/// Splits a model file into definitions.
pub(crate) fn read(source: Source<'_>, mistakes: &mut Vec<Mistake>) -> Vec<Definition> {
    let mut definitions: Vec<Definition> = Vec::new();
    let mut section = String::new();
    let mut continued = false;
    for (number, raw) in source.text.lines().enumerate() {
        let number = size(number + 1);
        let at = |offset: usize| {
            let before = raw.get(..offset).unwrap_or_default();
            size(before.chars().count()) + 1
        };
        let whole = Passage::new(source.name, raw, number, 1);
        if let Some(bad) = raw.find(|c: char| c.is_control() && c != '\t') {
            mistakes.push(whole.mistake(
                bad,
                said!("control character in a model", "模型中有控制字符"),
                said!("remove it", "请删除"),
            ));
            continue;
        }
        let line = match without_comment(raw) {
            Ok(line) => line,
            Err(offset) => {
                mistakes.push(whole.mistake(
                    offset,
                    said!(
                        "`#` begins a comment even inside quotes, so this text would be cut off",
                        "`#` 即使在引号内也是注释的开头，这段文本会被截断"
                    ),
                    said!(
                        "leave `#` out of texts in the model",
                        "模型的文本中不要用 `#`"
                    ),
                ));
                continue;
            }
        };
        let trimmed = line.trim();
        let indent = line.len() - line.trim_start().len();
        if trimmed.is_empty() {
            if !std::mem::take(&mut continued) || raw.trim().is_empty() {
                continue;
            }
            mistakes.push(whole.mistake(
                0,
                said!("comment inside a continued line", "续行中间有注释"),
                said!(
                    "put comments before or after it",
                    "请把注释放在它之前或之后"
                ),
            ));
            continue;
        }
        if !continued && trimmed.starts_with('[') {
            match trimmed
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
            {
                Some(name) => name.trim().clone_into(&mut section),
                None => mistakes.push(whole.mistake(
                    indent,
                    said!("section header is not closed", "段名的括号没有闭合"),
                    said!("write `[section]`", "写成 `[section]`"),
                )),
            }
            continue;
        }
        let (body, goes_on) = match trimmed.strip_suffix('\\') {
            Some(body) => (body.trim_end(), true),
            None => (trimmed, false),
        };
        if std::mem::replace(&mut continued, goes_on) {
            if let Some(last) = definitions.last_mut() {
                // The references glue the pieces together without a blank.
                last.value.append(body, number, at(indent));
            }
            continue;
        }
        let Some((key, value)) = body.split_once('=') else {
            continued = false;
            mistakes.push(whole.mistake(
                indent,
                said!("`{body}` defines nothing", "`{body}` 没有定义任何内容"),
                said!("write `key = value`", "写成 `key = value`"),
            ));
            continue;
        };
        let start = indent + key.len() + 1 + (value.len() - value.trim_start().len());
        definitions.push(Definition {
            section: section.clone(),
            key: key.trim().to_owned(),
            name: Passage::new(source.name, key.trim(), number, at(indent)),
            value: Passage::new(source.name, value.trim(), number, at(start)),
        });
    }
    definitions
}

/// Cuts a comment off. The error is the offset of a `#` inside quotes.
fn without_comment(line: &str) -> Result<&str, usize> {
    if line.trim_start().starts_with(['#', ';']) {
        return Ok("");
    }
    let Some(hash) = line.find('#') else {
        return Ok(line);
    };
    let before = line.get(..hash).unwrap_or_default();
    let open = |quote: char| before.matches(quote).count() % 2 == 1;
    if open('"') || open('\'') {
        Err(hash)
    } else {
        Ok(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::said::Said;

    fn model(text: &str) -> (Vec<Definition>, Vec<Mistake>) {
        let mut mistakes = Vec::new();
        let definitions = read(Source { name: "m", text }, &mut mistakes);
        (definitions, mistakes)
    }

    #[test]
    fn continued_lines_are_one_value_with_their_own_positions() {
        let (definitions, mistakes) = model("[matchers]\nm = a && \\\n  b # note\n");
        assert!(mistakes.is_empty());
        assert_eq!(definitions[0].value.text, "a &&b");
        let at = definitions[0]
            .value
            .mistake(4, Said::default(), Said::default());
        assert_eq!((at.line, at.column), (3, 3));
    }

    #[test]
    fn a_hash_inside_quotes_is_refused() {
        let (_, mistakes) = model("[matchers]\nm = r.obj == \"/a#b\"\n");
        assert_eq!((mistakes[0].line, mistakes[0].column), (2, 17));
    }

    #[test]
    fn lines_that_define_nothing_are_refused() {
        assert_eq!(model("[a\nb\n").1.len(), 2);
    }
}
