//! Rules about documents, and about words that no file may contain.

use crate::finding::Finding;
use crate::repository::Repository;

/// What a visitor looks for first.
const DOCUMENTS: [&str; 6] =
    ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"];
/// Directories that exist on somebody's machine; split, so that this file does not contain them.
const MACHINE_PATHS: [&str; 5] = [
    concat!("/", "tmp/"),
    concat!("/", "work/"),
    concat!("/", "root/"),
    concat!("/", "home/"),
    concat!("/", "Users/"),
];
/// Words whose full stop ends no sentence.
const ABBREVIATIONS: [&str; 5] = ["e.g", "i.e", "etc", "vs", "St"];

/// Finds documents that are missing.
pub fn missing_documents(repository: &Repository) -> Vec<Finding> {
    let missing = DOCUMENTS.into_iter().filter(|path| repository.file(path).is_none());
    missing.map(|path| Finding::new(path, 1, "write it")).collect()
}

/// Finds paths that exist on somebody's machine only.
pub fn machine_paths(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in repository.files() {
        for (number, line) in (1..).zip(file.text.lines()) {
            for path in MACHINE_PATHS.into_iter().filter(|path| begins_path(line, path)) {
                let remedy =
                    format!("`{path}` is on somebody's machine; use a relative path, or tempfile in tests");
                findings.push(Finding::new(&file.path, number, remedy));
            }
        }
    }
    findings
}

/// Finds lines of documents with more than one sentence.
pub fn crowded_lines(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in repository.files().filter(|file| file.path.ends_with(".md")) {
        let mut fenced = false;
        for (number, line) in (1..).zip(file.text.lines()) {
            fenced ^= line.trim_start().starts_with("```");
            let prose = !fenced && !line.trim_start().starts_with('|');
            if prose && sentence_begins_inside(line) {
                findings.push(Finding::new(&file.path, number, "begin every sentence on a line of its own"));
            }
        }
    }
    findings
}

/// Returns whether `path` occurs where a path begins, not in the middle of a longer one.
fn begins_path(line: &str, path: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || "_-./}".contains(c);
    line.match_indices(path).any(|(at, _)| !line[..at].ends_with(inside))
}

fn sentence_begins_inside(line: &str) -> bool {
    line.match_indices(". ").any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + 2..]);
        let word = before.rsplit([' ', '(']).next().unwrap_or_default();
        let counts = !word.is_empty() && !word.bytes().all(|byte| byte.is_ascii_digit());
        counts && !ABBREVIATIONS.contains(&word) && after.starts_with(|c: char| c.is_uppercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(rule: fn(&Repository) -> Vec<Finding>, path: &str, text: &str) -> Vec<usize> {
        rule(&Repository::from_files([(path, text)])).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_missing_document_is_found() {
        for document in DOCUMENTS {
            let others = DOCUMENTS.into_iter().filter(|path| *path != document).map(|path| (path, ""));
            let findings = missing_documents(&Repository::from_files(others));
            assert_eq!(findings.iter().map(|finding| finding.path.as_str()).collect::<Vec<_>>(), [document]);
        }
    }

    #[test]
    fn every_machine_path_is_found() {
        for path in MACHINE_PATHS {
            assert_eq!(lines(machine_paths, "a.sh", &format!("\ncp a \"{path}b\"")), [2], "{path}");
        }
    }

    #[test]
    fn paths_inside_longer_ones_are_free() {
        for path in MACHINE_PATHS {
            assert!(
                lines(machine_paths, "a.md", &format!("https://example.org{path}a")).is_empty(),
                "{path}"
            );
        }
        assert!(lines(machine_paths, "a.rs", "/proc/self/net /etc/resolv.conf").is_empty());
    }

    #[test]
    fn a_second_sentence_on_a_line_is_found() {
        assert_eq!(lines(crowded_lines, "a.md", "One here.\nOne `here`. Two there."), [2]);
    }

    #[test]
    fn numbers_abbreviations_tables_and_code_are_free() {
        let text = "1. One.\nSee e.g. Rust.\n| A. B. |\n```\na b. C d.\n```\n";
        assert!(lines(crowded_lines, "a.md", text).is_empty());
    }
}
