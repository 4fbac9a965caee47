//! The files of a repository, read once.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::source::SourceFile;

/// The files of a repository, sorted by path.
#[derive(Clone, Debug)]
pub struct Repository {
    files: Vec<SourceFile>,
}

/// What building and installing leave behind.
const SKIPPED: [&str; 3] = ["target", ".git", "node_modules"];
/// What rules read; of other files they know the path only.
const READ: [&str; 4] = ["rs", "toml", "md", "sh"];

impl Repository {
    /// Reads the repository that this crate belongs to.
    pub fn read() -> io::Result<Self> {
        Self::read_from(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
    }

    /// Reads the repository at `root`.
    pub fn read_from(root: &Path) -> io::Result<Self> {
        let (mut files, mut waiting) = (Vec::new(), vec![PathBuf::new()]);
        while let Some(directory) = waiting.pop() {
            for entry in fs::read_dir(root.join(&directory))? {
                let entry = entry?;
                let name = entry.file_name();
                let path = directory.join(&name);
                let kind = entry.file_type()?;
                if kind.is_dir() && !SKIPPED.iter().any(|skipped| name == *skipped) {
                    waiting.push(path);
                } else if kind.is_file() {
                    let text = if is_read(&path) { fs::read_to_string(entry.path())? } else { String::new() };
                    files.push((path.to_string_lossy().replace('\\', "/"), text));
                }
            }
        }
        Ok(Self::from_files(files.iter().map(|(path, text)| (path.as_str(), text.as_str()))))
    }

    /// Creates a repository from paths and texts.
    pub fn from_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut files: Vec<_> = files.into_iter().map(|(path, text)| SourceFile::new(path, text)).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let modules: Vec<String> = files.iter().flat_map(|file| file.test_modules.clone()).collect();
        let is_under = |path: &str, module: &str| {
            path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        };
        for file in &mut files {
            if modules.iter().any(|module| is_under(&file.path, module)) {
                file.become_test();
            }
        }
        Self { files }
    }

    /// Returns every file.
    pub fn files(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter()
    }

    /// Returns the file at `path`.
    pub fn file(&self, path: &str) -> Option<&SourceFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Returns every Rust file.
    pub fn rust(&self) -> impl Iterator<Item = &SourceFile> {
        self.rust_under("")
    }

    /// Returns every Rust file whose path begins with `prefix`.
    pub fn rust_under(&self, prefix: &str) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(move |file| file.path.starts_with(prefix) && file.path.ends_with(".rs"))
    }
}

fn is_read(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    path.starts_with(".ci") || ending.is_some_and(|ending| READ.contains(&ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_declared_for_tests_is_all_test() {
        let files = [("a/src/lib.rs", "#[cfg(test)]\nmod rig;"), ("a/src/rig.rs", "fn a() {}")];
        let repository = Repository::from_files(files);
        assert_eq!(repository.file("a/src/rig.rs").unwrap().product.trim(), "");
    }
}
