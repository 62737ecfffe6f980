//! Where mistakes are collected, and values get their defaults.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hangu_policy::{Said, said};
use hangu_redact::Level;

use super::KeyPair;
use crate::config::at::At;
use crate::config::file;
use crate::config::folder::members;
use crate::config::load::Source;
use crate::config::mistake::Mistake;
use crate::config::unit::{Size, Time};

/// Collects mistakes with the file they are in.
pub(in crate::config) struct Desk<'a> {
    pub(super) source: &'a Source,
    pub(super) mistakes: &'a mut Vec<Mistake>,
}

impl Desk<'_> {
    pub(in crate::config) fn wrong(&mut self, span: &Range<usize>, message: Said) {
        self.mistakes.push(Mistake::at(
            &self.source.path,
            &self.source.text,
            span,
            message,
        ));
    }

    pub(in crate::config) fn wrong_file(&mut self, message: Said) {
        self.mistakes
            .push(Mistake::of_file(&self.source.path, message));
    }

    /// The file that is read.
    pub(in crate::config) fn named_in(&self) -> PathBuf {
        self.source.path.clone()
    }

    pub(in crate::config) fn path(&self, path: &Path) -> PathBuf {
        self.source
            .path
            .parent()
            .unwrap_or(Path::new("."))
            .join(path)
    }

    pub(in crate::config) fn file(&mut self, path: &At<PathBuf>) -> PathBuf {
        let whole = self.path(path);
        if !whole.is_file() {
            self.wrong(
                &path.span(),
                said!(
                    "`{}` is not a file that can be read",
                    "`{}` 不是可以读取的文件",
                    whole.display()
                ),
            );
        }
        whole
    }

    pub(super) fn files(&mut self, paths: &[At<PathBuf>]) -> Vec<PathBuf> {
        paths.iter().map(|path| self.file(path)).collect()
    }

    /// Files, and what stands in folders among them under names with this ending; the folders are noted.
    pub(super) fn files_or_folders(
        &mut self,
        paths: &[At<PathBuf>],
        ending: &str,
        folders: &mut Vec<PathBuf>,
    ) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for path in paths {
            let whole = self.path(path);
            if !whole.is_dir() {
                files.push(self.file(path));
                continue;
            }
            match members(&whole, ending) {
                Ok(found) => files.extend(found),
                Err(message) => self.wrong(&path.span(), message),
            }
            folders.push(whole);
        }
        files
    }

    pub(super) fn pair(&mut self, pair: &file::Certificate) -> KeyPair {
        KeyPair {
            chain: self.file(&pair.chain),
            key: self.file(&pair.key),
        }
    }

    pub(super) fn level(&mut self, text: &At<String>) -> Option<Level> {
        let level = text.parse().ok();
        if level.is_none() {
            self.wrong(
                &text.span(),
                said!(
                    "`{}` is no redaction level; write `L1`, `L2`, `L3` or `L4`",
                    "`{}` 不是脱敏级别；应为 `L1`、`L2`、`L3` 或 `L4`",
                    **text
                ),
            );
        }
        level
    }
}

pub(super) fn time(value: Option<Time>, default: Duration) -> Duration {
    value.map_or(default, |t| t.0)
}

pub(super) fn size(value: Option<Size>, default: usize) -> usize {
    value.map_or(default, |s| usize::try_from(s.0).unwrap_or(usize::MAX))
}

pub(super) const SECOND: Duration = Duration::from_secs(1);
