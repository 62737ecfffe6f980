//! Which files a path names.

use std::path::{Path, PathBuf};

use super::source::LoadError;

/// Returns the files of a path in the order in which they are read: the file itself; in a folder, the setup of the
/// Core Rule Set, then `*.conf` there and in `rules`; or what a `*` in the last part stands for, sorted.
///
/// # Errors
/// A path that names nothing.
pub fn expand(path: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
    if let Some((before, after)) = name.as_deref().and_then(|n| n.split_once('*')) {
        let folder = path.parent().unwrap_or(Path::new("."));
        return named(folder, |file| {
            file.len() >= before.len() + after.len()
                && file.starts_with(before)
                && file.ends_with(after)
        });
    }
    if !path.is_dir() {
        return match std::fs::metadata(path) {
            Ok(_) => Ok(vec![path.to_path_buf()]),
            Err(source) => Err(unreadable(path, source)),
        };
    }
    let setup = ["crs-setup.conf", "crs-setup.conf.example"]
        .map(|name| path.join(name))
        .into_iter()
        .find(|file| file.is_file());
    let mut files: Vec<PathBuf> = setup.iter().cloned().collect();
    let rules = path.join("rules");
    let folders = if rules.is_dir() {
        vec![path.to_path_buf(), rules]
    } else {
        vec![path.to_path_buf()]
    };
    for folder in folders {
        for file in named(&folder, |file| file.ends_with(".conf"))? {
            if !files.contains(&file) {
                files.push(file);
            }
        }
    }
    Ok(files)
}

fn named(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, LoadError> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|source| unreadable(folder, source))? {
        let path = entry.map_err(|source| unreadable(folder, source))?.path();
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
        if name.is_some_and(|name| wanted(&name)) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn unreadable(path: &Path, source: std::io::Error) -> LoadError {
    LoadError::Unreadable {
        file: path.to_path_buf(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_with_its_setup_first_and_a_star_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("rules")).unwrap();
        for name in [
            "crs-setup.conf.example",
            "a.conf",
            "rules/2.conf",
            "rules/1.conf",
            "rules/x.data",
        ] {
            std::fs::write(at(name), "").unwrap();
        }
        let all = expand(folder.path()).unwrap();
        let expected = [
            "crs-setup.conf.example",
            "a.conf",
            "rules/1.conf",
            "rules/2.conf",
        ]
        .map(at);
        assert_eq!(all, expected);
        assert_eq!(
            expand(&at("rules/*.conf")).unwrap(),
            [at("rules/1.conf"), at("rules/2.conf")]
        );
        assert!(expand(&at("missing.conf")).is_err());
    }
}
