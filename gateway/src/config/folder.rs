//! Folders that stand for the files in them.

use std::path::{Path, PathBuf};
use std::{fs, io};

use hangu_policy::{Said, said};

/// The files that a path stands for: itself, or, where it is a folder, those in it (not below it) whose names end in
/// `.ending`, in the order of their names. Names that begin with a dot are left out, as editors and volume mounts have
/// them.
///
/// # Errors
/// A folder that cannot be read or has no such file. Whether a file can be read is not asked.
pub fn members(path: &Path, ending: &str) -> Result<Vec<PathBuf>, Said> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let folder = path.display();
    let found = listed(path, ending).map_err(|error| {
        said!(
            "the folder `{folder}` cannot be read: {error}",
            "文件夹 `{folder}` 无法读取：{error}"
        )
    })?;
    if found.is_empty() {
        return Err(said!(
            "the folder `{folder}` has no file `*.{ending}`",
            "文件夹 `{folder}` 中没有 `*.{ending}` 文件"
        ));
    }
    Ok(found)
}

fn listed(folder: &Path, ending: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path
            .file_name()
            .is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.extension().is_some_and(|is| is == ending) && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_stands_for_its_files_in_the_order_of_their_names() {
        let folder = tempfile::TempDir::new().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert!(
            members(folder.path(), "csv")
                .unwrap_err()
                .en
                .contains("has no file `*.csv`")
        );
        for name in ["20-tax.csv", "10-hr.csv", ".10-hr.csv", "notes.txt", "csv"] {
            fs::write(at(name), "").unwrap();
        }
        fs::create_dir(at("below.csv")).unwrap();
        fs::write(at("below.csv").join("x.csv"), "").unwrap();
        assert_eq!(
            members(folder.path(), "csv").unwrap(),
            [at("10-hr.csv"), at("20-tax.csv")]
        );
        assert_eq!(members(&at("none.csv"), "csv").unwrap(), [at("none.csv")]);
    }
}
