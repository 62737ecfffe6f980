//! A text for people, in the languages that they read.

/// A text in English and in Chinese; made by [`said!`](crate::said!), so that no text has one of them only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// In English: lower case, no full stop.
    pub en: String,
    /// In Chinese, with full-width punctuation.
    pub zh: String,
}

impl Said {
    /// Names that are the same in both languages, one behind the other: `a, b` and `a、b`.
    pub fn list<N: AsRef<str>>(names: &[N]) -> Self {
        let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
        Self {
            en: names.join(", "),
            zh: names.join("、"),
        }
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.en.is_empty() && self.zh.is_empty()
    }

    /// This and what follows from it, as `what is wrong; what would be right`.
    #[must_use]
    pub fn then(mut self, more: &Self) -> Self {
        if !more.is_empty() {
            self.en.push_str("; ");
            self.en.push_str(&more.en);
            self.zh.push('；');
            self.zh.push_str(&more.zh);
        }
        self
    }
}

/// Says something in English and in Chinese: two formats over the same arguments, and behind a `;` what is itself
/// said in both.
///
/// It does not compile where the Chinese text holds no Chinese, leaves out something that the English one quotes in
/// backticks, or has half-width punctuation.
///
/// ```
/// use hangu_policy::{Said, said};
///
/// let name = "ops";
/// let what: Said = said!("role", "角色");
/// let told = said!("there is no {what} `{name}`", "没有{what} `{name}`"; what = what);
/// assert_eq!(told.en, "there is no role `ops`");
/// assert_eq!(told.zh, "没有角色 `ops`");
/// ```
///
/// ```compile_fail
/// hangu_policy::said!("unknown key `rate`", "未知的键");
/// ```
#[macro_export]
macro_rules! said {
    ($en:literal, $zh:literal $(, $arg:expr)* $(,)?) => {{
        const _: () = $crate::said::check($en, $zh);
        $crate::Said {
            en: ::std::format!($en $(, $arg)*),
            zh: ::std::format!($zh $(, $arg)*),
        }
    }};
    ($en:literal, $zh:literal $(, $arg:expr)*; $($name:ident = $told:expr),+ $(,)?) => {{
        const _: () = $crate::said::check($en, $zh);
        $crate::Said {
            en: ::std::format!($en $(, $arg)* $(, $name = $told.en)+),
            zh: ::std::format!($zh $(, $arg)* $(, $name = $told.zh)+),
        }
    }};
}

/// Refuses to compile where the Chinese text is not one.
#[doc(hidden)]
pub const fn check(en: &str, zh: &str) {
    assert!(
        has_chinese(zh),
        "the Chinese text holds no Chinese character"
    );
    assert!(
        quotes_all_of(en, zh),
        "the Chinese text leaves out something that the English one quotes"
    );
    assert!(
        is_full_width(zh),
        "the Chinese text has half-width punctuation"
    );
}

/// The bytes of a text one by one; 0 behind the last.
const fn byte(text: &str, at: usize) -> u8 {
    let bytes = text.as_bytes();
    match bytes.split_at_checked(at) {
        Some((_, [first, ..])) => *first,
        Some((_, [])) | None => 0,
    }
}

/// Whether a text holds a character of U+4000 to U+9FFF, by the first byte of its UTF-8.
const fn has_chinese(text: &str) -> bool {
    let mut at = 0;
    while at < text.len() {
        if matches!(byte(text, at), 0xE4..=0xE9) {
            return true;
        }
        at += 1;
    }
    false
}

/// Whether each piece in backticks of one text stands in the other.
const fn quotes_all_of(one: &str, other: &str) -> bool {
    let mut at = 0;
    while at < one.len() {
        if byte(one, at) != b'`' {
            at += 1;
            continue;
        }
        let mut end = at + 1;
        while end < one.len() && byte(one, end) != b'`' {
            end += 1;
        }
        if !holds(other, one, at, end) {
            return false;
        }
        at = end + 1;
    }
    true
}

/// Whether a text holds the bytes `start..=end` of another.
const fn holds(text: &str, of: &str, start: usize, end: usize) -> bool {
    let mut at = 0;
    while at < text.len() {
        let mut same = 0;
        while start + same <= end && byte(text, at + same) == byte(of, start + same) {
            same += 1;
        }
        if start + same > end {
            return true;
        }
        at += 1;
    }
    false
}

/// Whether what stands outside of backticks and placeholders has the punctuation of Chinese.
const fn is_full_width(text: &str) -> bool {
    let (mut at, mut quoted, mut placed) = (0, false, false);
    while at < text.len() {
        let before = if at == 0 { 0 } else { byte(text, at - 1) };
        match byte(text, at) {
            b'`' => quoted = !quoted,
            b'{' if !quoted => placed = true,
            b'}' if !quoted => placed = false,
            b',' | b';' | b'!' | b'?' if !quoted && !placed => return false,
            b':' | b'(' | b')' if !quoted && !placed && (before >= 0x80 || before == b'`') => {
                return false;
            }
            _ => {}
        }
        at += 1;
    }
    !quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_chinese_if_it_holds_a_chinese_character() {
        for (text, chinese) in [
            ("写成 `a`", true),
            ("一", true),
            ("龥", true),
            ("`a`", false),
            ("，。", false),
            ("é – ±", false),
            ("", false),
        ] {
            assert_eq!(has_chinese(text), chinese, "{text}");
        }
    }

    #[test]
    fn what_one_language_quotes_the_other_quotes_too() {
        for (en, zh, all) in [
            ("write `a` or `b`", "写 `b` 或 `a`", true),
            ("write `a`", "写 a", false),
            ("write `a`", "写 `ab`", false),
            ("write `a`", "写 `a", false),
            ("a quote", "引用 `a`", true),
            ("`{}` -> `{}`", "`{}` 到 `{}`", true),
        ] {
            assert_eq!(quotes_all_of(en, zh), all, "{en} {zh}");
        }
    }

    #[test]
    fn punctuation_is_full_width_outside_of_quotes() {
        for (text, full) in [
            ("未知，见 {}:{}；写成 `a, b`", true),
            ("出错：{error:?}", true),
            ("未知, 见", false),
            ("未知;见", false),
            ("未知:见", false),
            ("`a`: 未知", false),
            ("是否(例)", false),
            ("是否?", false),
            ("未闭合 `a", false),
        ] {
            assert_eq!(is_full_width(text), full, "{text}");
        }
    }

    #[test]
    fn what_would_be_right_follows_in_both_languages() {
        let wrong = said!("`{}` is twice", "`{}` 重复", "a");
        let whole = wrong.clone().then(&said!("remove it", "请删除"));
        assert_eq!(
            (whole.en.as_str(), whole.zh.as_str()),
            ("`a` is twice; remove it", "`a` 重复；请删除")
        );
        assert_eq!(wrong.clone().then(&Said::default()), wrong);
    }
}
