//! What a cell can carry: its text without any mark, and the same with one.

use std::borrow::Cow;

/// The other star: in every charset that is read here, and near enough to the first that nobody minds.
const SMALL_STAR: char = '\u{FE61}';

/// The full-width star, which some programs make of the first.
const WIDE_STAR: char = '\u{FF0A}';

/// A place where a line may break, which Chinese text has between all characters anyway.
const INVISIBLE: char = '\u{200B}';

/// Characters of a masked value, at most: more are running text, whose stars may be markup.
const MASKED_MAX: usize = 64;

/// Characters of a text with an invisible one, at most: chosen.
const TEXT_MAX: usize = 200;

/// The text of a cell as it is without marks; `None` where it is too short to tell it from others.
pub(super) fn unmarked(value: &str) -> Option<Cow<'_, str>> {
    let value = value.trim_matches(|ch: char| ch.is_whitespace() || ch == INVISIBLE);
    let marked = |ch| matches!(ch, SMALL_STAR | WIDE_STAR | INVISIBLE);
    let plain = if value.contains(marked) {
        let plain = value.chars().filter(|&ch| ch != INVISIBLE);
        let plain = plain.map(|ch| if marked(ch) { '*' } else { ch });
        Cow::Owned(plain.collect())
    } else {
        Cow::Borrowed(value)
    };
    plain.chars().nth(1).is_some().then_some(plain)
}

/// Tells whether a text without marks is a masked value: it has two stars together, or ends with one behind a Chinese
/// character, as a masked name does.
pub(super) fn is_masked(plain: &str) -> bool {
    let name = |plain: &str| {
        let before = plain.strip_suffix('*').and_then(|head| head.chars().last());
        before.is_some_and(is_han)
    };
    (plain.contains("**") || name(plain)) && plain.chars().nth(MASKED_MAX).is_none()
}

/// Tells whether stars are written in the other form.
pub(super) fn has_small_stars(value: &str) -> bool {
    value.contains(SMALL_STAR)
}

/// Writes stars in one form or the other; `None` where they are so already, or there are none.
pub(super) fn with_stars(raw: &str, small: bool) -> Option<String> {
    let (from, to) = if small {
        ("*", "\u{FE61}")
    } else {
        ("\u{FE61}", "*")
    };
    raw.contains(from).then(|| raw.replace(from, to))
}

/// Tells whether a text without marks can have an invisible character: it is Chinese, and no essay.
pub(super) fn is_prose(plain: &str) -> bool {
    plain.contains(is_han) && plain.chars().nth(TEXT_MAX).is_none()
}

/// Tells whether an invisible character stands behind the first Chinese one.
pub(super) fn has_invisible(value: &str) -> bool {
    behind_first(value).is_some_and(|at| tail(value, at).starts_with(INVISIBLE))
}

/// Puts an invisible character behind the first Chinese one, or takes it away; `None` where nothing changes.
pub(super) fn with_invisible(raw: &str, wanted: bool) -> Option<String> {
    let at = behind_first(raw)?;
    let (head, tail) = raw.split_at_checked(at)?;
    match (wanted, tail.starts_with(INVISIBLE)) {
        (true, false) => Some(format!("{head}{INVISIBLE}{tail}")),
        (false, true) => Some(format!("{head}{}", tail.trim_start_matches(INVISIBLE))),
        (true, true) | (false, false) => None,
    }
}

fn behind_first(text: &str) -> Option<usize> {
    let (at, ch) = text.char_indices().find(|&(_, ch)| is_han(ch))?;
    Some(at + ch.len_utf8())
}

fn tail(text: &str, at: usize) -> &str {
    text.get(at..).unwrap_or_default()
}

fn is_han(ch: char) -> bool {
    matches!(ch, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{20000}'..='\u{3FFFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_the_same_whatever_its_marks() {
        for text in [
            "138****8000",
            "138﹡﹡﹡﹡8000",
            " 138＊＊＊＊8000\u{3000}",
            "138*\u{200B}***8000",
        ] {
            assert_eq!(unmarked(text).unwrap(), "138****8000", "{text}");
        }
        assert_eq!(unmarked("张﹡").unwrap(), "张*");
        for text in ["", " ", "7", "\u{200B}张\u{200B}"] {
            assert_eq!(unmarked(text), None, "{text}");
        }
    }

    #[test]
    fn only_masked_values_have_stars_that_may_change() {
        for text in ["138****8000", "张*", "***", "1990-**-**", "欧阳**"] {
            assert!(is_masked(text), "{text}");
        }
        let essay = format!("**{}**", "bold ".repeat(20));
        for text in ["2*3", "*.txt", "10.1.2.*", "name*", "*张", &essay] {
            assert!(!is_masked(text), "{text}");
        }
    }

    #[test]
    fn a_mark_is_put_and_taken_away_again() {
        for text in ["张*", "a\\n张三", "138****8000 张"] {
            let small = with_stars(text, true);
            if let Some(small) = &small {
                assert!(has_small_stars(small));
                assert_eq!(with_stars(small, false).as_deref(), Some(text));
            }
            let invisible = with_invisible(text, true).unwrap();
            assert!(has_invisible(&invisible) && !has_invisible(text));
            assert_eq!(with_invisible(&invisible, false).as_deref(), Some(text));
            assert_eq!(with_invisible(&invisible, true), None);
        }
    }
}
