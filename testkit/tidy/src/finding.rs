//! A place where a rule is broken, and what mends it.

use std::fmt;

use crate::source::SourceFile;

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, from the root of the repository.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what mends it.
    pub remedy: String,
}

impl Finding {
    /// Creates a finding about a line, from 1.
    pub fn new(path: &str, line: usize, remedy: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, remedy: remedy.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.remedy)
    }
}

/// Which view of a source file a search reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Code, tests included.
    Code,
    /// Code outside tests.
    Product,
}

/// Finds the lines of `file` that contain one of `needles` as a word or the beginning of one.
pub fn words(file: &SourceFile, view: View, needles: &[&str], remedy: &str) -> Vec<Finding> {
    let text = match view {
        View::Code => &file.code,
        View::Product => &file.product,
    };
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        for needle in needles.iter().filter(|needle| begins_word(line, needle)) {
            findings.push(Finding::new(&file.path, number, format!("`{needle}`: {remedy}")));
        }
    }
    findings
}

/// Returns whether `needle` occurs in `line` where a word begins; a lifetime is one word with its quote.
pub fn begins_word(line: &str, needle: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_' || c == '\'';
    line.match_indices(needle).any(|(at, _)| !line[..at].ends_with(inside))
}

/// Lists findings, one per line, as a failing test shows them.
pub fn list(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("\n  {finding}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_begins_after_punctuation_only() {
        assert!(begins_word("let x = rand::random();", "rand::"));
        assert!(!begins_word("let x = operand::new();", "rand::"));
        assert!(!begins_word("&'static str", "static "));
    }

    #[test]
    fn a_list_names_file_line_and_remedy() {
        assert_eq!(list(&[Finding::new("a.rs", 3, "mend it")]), "\n  a.rs:3: mend it");
    }
}
