//! Reads the files a configuration consists of and collects every mistake in them.

use std::fs;
use std::path::{Path, PathBuf};

use hangu_policy::{Said, said};

use super::file::File;
use super::mistake::{Mistake, nearest, unreadable};
use super::resolve::{self, Configuration};
use super::unit::both;

/// One file that was read.
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(super) file: File,
}

/// How deep `include` may nest.
const INCLUDE_DEPTH: usize = 8;

/// Reads a configuration and all it includes.
///
/// # Errors
/// Every mistake that was found, in the order of the files.
pub fn load(path: &Path) -> Result<Configuration, Vec<Mistake>> {
    let mut sources = Vec::new();
    let mut mistakes = Vec::new();
    read(path, 0, &mut sources, &mut mistakes);
    if sources.is_empty() {
        return Err(mistakes);
    }
    let configuration = resolve::resolve(path, &sources, &mut mistakes);
    if mistakes.is_empty() {
        Ok(configuration)
    } else {
        Err(mistakes)
    }
}

fn read(path: &Path, depth: usize, sources: &mut Vec<Source>, mistakes: &mut Vec<Mistake>) {
    if depth > INCLUDE_DEPTH {
        mistakes.push(Mistake::of_file(
            path,
            said!(
                "`include` nests deeper than {INCLUDE_DEPTH}",
                "`include` 嵌套超过 {INCLUDE_DEPTH} 层"
            ),
        ));
        return;
    }
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            mistakes.push(Mistake::of_file(path, unreadable(&error)));
            return;
        }
    };
    let file: File = match toml::from_str(&text) {
        Ok(file) => file,
        Err(error) => {
            mistakes.push(mistake_of(path, &text, &error));
            return;
        }
    };
    let included = file.include.clone();
    sources.push(Source {
        path: path.to_owned(),
        text,
        file,
    });
    let folder = path.parent().unwrap_or(Path::new("."));
    for name in included {
        read(&folder.join(name), depth + 1, sources, mistakes);
    }
}

/// Turns the parser's error into a mistake, with the nearest key where a key is unknown.
fn mistake_of(path: &Path, text: &str, error: &toml::de::Error) -> Mistake {
    let message = error.message().trim().replace('\n', " ");
    let told = match quoted_and_known(&message, "unknown field `") {
        Some((word, known)) => match nearest(word, known.iter().copied()) {
            Some(near) => said!(
                "unknown key `{word}`; did you mean `{near}`?",
                "没有名为 `{word}` 的键；是否应为 `{near}`？"
            ),
            None => said!(
                "unknown key `{word}`; known here: {known}",
                "没有名为 `{word}` 的键；此处可用：{known}";
                known = Said::list(&known)
            ),
        },
        None => told_by_toml(&message),
    };
    match error.span() {
        Some(span) => Mistake::at(path, text, &span, told),
        None => Mistake::of_file(path, told),
    }
}

/// What the parser says, in its English words and in Chinese.
pub fn told_by_toml(message: &str) -> Said {
    if let Some(said) = both(message) {
        return said;
    }
    let zh = if let Some((word, known)) = quoted_and_known(message, "unknown variant `") {
        let known: Vec<String> = known.iter().map(|known| format!("`{known}`")).collect();
        format!("不能取 `{word}`；应为 {}", known.join("、"))
    } else if let Some((word, known)) = quoted_and_known(message, "unknown field `") {
        let known: Vec<String> = known.iter().map(|known| format!("`{known}`")).collect();
        format!("没有名为 `{word}` 的键；此处可用：{}", known.join("、"))
    } else if let Some((word, _)) = quoted_and_known(message, "missing field `") {
        format!("缺少键 `{word}`")
    } else if let Some((found, wanted)) = found_and_wanted(message, "invalid type: ") {
        format!("类型不符：写的是 {found}，应为 {wanted}")
    } else if let Some((found, wanted)) = found_and_wanted(message, "invalid value: ") {
        format!("取值不符：写的是 {found}，应为 {wanted}")
    } else if message.starts_with("duplicate key") {
        "键写了两次".to_owned()
    } else {
        format!("TOML 的写法或取值有误：{message}")
    };
    Said {
        en: message.to_owned(),
        zh,
    }
}

/// The word behind a beginning, and the words in backticks behind it.
fn quoted_and_known<'m>(message: &'m str, beginning: &str) -> Option<(&'m str, Vec<&'m str>)> {
    let (word, known) = message.strip_prefix(beginning)?.split_once('`')?;
    Some((word, known.split('`').skip(1).step_by(2).collect()))
}

fn found_and_wanted<'m>(message: &'m str, beginning: &str) -> Option<(&'m str, &'m str)> {
    message.strip_prefix(beginning)?.split_once(", expected ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_parser_says_is_told_in_chinese() {
        for (en, zh) in [
            (
                "unknown variant `on`, expected one of `off`, `optional`",
                "不能取 `on`；应为 `off`、`optional`",
            ),
            (
                "unknown variant `on`, expected `off`",
                "不能取 `on`；应为 `off`",
            ),
            (
                "unknown field `a`, expected `b` or `c`",
                "没有名为 `a` 的键；此处可用：`b`、`c`",
            ),
            ("missing field `listen`", "缺少键 `listen`"),
            (
                "invalid type: string \"x\", expected u32",
                "类型不符：写的是 string \"x\"，应为 u32",
            ),
            (
                "invalid value: integer `0`, expected a nonzero u32",
                "取值不符：写的是 integer `0`，应为 a nonzero u32",
            ),
            ("duplicate key", "键写了两次"),
            ("something new", "TOML 的写法或取值有误：something new"),
        ] {
            let told = told_by_toml(en);
            assert_eq!((told.en.as_str(), told.zh.as_str()), (en, zh));
        }
    }
}
