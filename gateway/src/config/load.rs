//! Reads the files a configuration consists of and collects every mistake in them.

use std::fs;
use std::path::{Path, PathBuf};

use super::file::File;
use super::mistake::{Mistake, nearest};
use super::resolve::{self, Configuration};

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
            format!("`include` nests deeper than {INCLUDE_DEPTH}"),
        ));
        return;
    }
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            mistakes.push(Mistake::of_file(path, format!("cannot be read: {error}")));
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
    let mut message = error.message().trim().replace('\n', " ");
    if let Some(rest) = message.strip_prefix("unknown field `")
        && let Some((word, known)) = rest.split_once('`')
    {
        let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        message = match nearest(word, known.iter().copied()) {
            Some(near) => format!("unknown key `{word}`; did you mean `{near}`?"),
            None => format!("unknown key `{word}`; known here: {}", known.join(", ")),
        };
    }
    match error.span() {
        Some(span) => Mistake::at(path, text, &span, message),
        None => Mistake::of_file(path, message),
    }
}
