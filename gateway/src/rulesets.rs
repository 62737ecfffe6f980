//! Rules in SecLang that portals name: loaded once, kept over a reload that does not touch their files.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use hangu_inspect::seclang::{LoadError, RuleSet, Source, expand};
use hangu_policy::said;

use crate::config::{Mistake, RuleEffect, RuleSource, unusable};

/// Rules by name.
#[derive(Debug, Default)]
pub struct RuleSets(Vec<Loaded>);

#[derive(Debug)]
struct Loaded {
    source: RuleSource,
    /// What the files were like: rules, and the phrase lists beside them.
    files: Vec<(PathBuf, u64, Option<SystemTime>)>,
    rules: Arc<RuleSet>,
}

impl RuleSets {
    /// Loads what is declared. What has not changed since `before` is kept, with what its rules have stored.
    pub fn load(
        declared: &[RuleSource],
        before: Option<&Self>,
        mistakes: &mut Vec<Mistake>,
    ) -> Self {
        let loaded = declared.iter().filter_map(|source| {
            load(source, before)
                .map_err(|error| mistakes.push(mistake(source, &error)))
                .ok()
        });
        Self(loaded.collect())
    }

    /// The rules with these names and this effect, in this order.
    pub fn named(&self, names: &[String], effect: RuleEffect) -> Vec<Arc<RuleSet>> {
        let find = |name: &String| self.0.iter().find(|loaded| loaded.source.name == *name);
        let found = names.iter().filter_map(find);
        let found = found.filter(|loaded| loaded.source.effect == effect);
        found.map(|loaded| Arc::clone(&loaded.rules)).collect()
    }

    /// The files that they were read from.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.0
            .iter()
            .flat_map(|loaded| loaded.files.iter().map(|(path, _, _)| path))
    }
}

fn load(source: &RuleSource, before: Option<&RuleSets>) -> Result<Loaded, LoadError> {
    let mut files: Vec<PathBuf> = Vec::new();
    for path in &source.paths {
        files.extend(expand(path)?);
    }
    let mut folders: Vec<PathBuf> = files
        .iter()
        .filter_map(|file| file.parent().map(PathBuf::from))
        .collect();
    folders.sort();
    folders.dedup();
    for folder in folders {
        files.extend(expand(&folder.join("*.data")).unwrap_or_default());
    }
    let seen = |path: PathBuf| {
        let known = fs::metadata(&path).ok();
        let length = known.as_ref().map_or(0, fs::Metadata::len);
        (path, length, known.and_then(|known| known.modified().ok()))
    };
    let files: Vec<_> = files.into_iter().map(seen).collect();
    let kept = before.and_then(|before| {
        let same = |loaded: &&Loaded| loaded.source == *source && loaded.files == files;
        before.0.iter().find(same)
    });
    let rules = match kept {
        Some(kept) => Arc::clone(&kept.rules),
        None => {
            let paths: Vec<_> = source.paths.iter().cloned().map(Source::Path).collect();
            Arc::new(RuleSet::load(&paths)?)
        }
    };
    Ok(Loaded {
        source: source.clone(),
        files,
        rules,
    })
}

fn mistake(source: &RuleSource, error: &LoadError) -> Mistake {
    match error {
        LoadError::Refused { at, message } => Mistake::placed(
            at.file.to_path_buf(),
            (at.line, at.column),
            unusable(message),
        ),
        LoadError::Unreadable { .. } => Mistake::of_file(
            &source.named_in,
            said!(
                "rules `{}`: {error}",
                "规则 `{}` 不可用：{error}",
                source.name
            ),
        ),
    }
}
