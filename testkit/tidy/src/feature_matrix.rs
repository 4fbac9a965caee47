//! Rules about the page of features: every claim names its test, and every test that it names exists.

use crate::finding::{Finding, begins_word};
use crate::repository::Repository;

/// Where claims and their tests stand side by side.
const PAGE: &str = "docs/features.md";
/// What a row says that has no test.
const UNTESTED: &str = "not yet tested";

/// Finds tests that the page of features names and that do not exist.
///
/// A test is `path::function`, or the path of a script; both from the root of the repository.
pub fn imagined_tests(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in lines(repository) {
        for test in named(line).filter(|test| !exists(repository, test)) {
            findings.push(Finding::new(
                PAGE,
                number,
                format!("`{test}` does not exist; name a test that does"),
            ));
        }
    }
    findings
}

/// Finds rows of the page of features that neither name a test nor admit that there is none.
pub fn unproven_claims(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    let page: Vec<_> = lines(repository).collect();
    for (at, (number, line)) in page.iter().enumerate() {
        let is_header = page.get(at + 1).is_some_and(|(_, next)| is_rule(next));
        let is_claim = line.starts_with('|') && !is_header && !is_rule(line);
        if is_claim && named(line).next().is_none() && !line.contains(UNTESTED) {
            let remedy = format!("name the test that proves it, or say \"{UNTESTED}\"");
            findings.push(Finding::new(PAGE, *number, remedy));
        }
    }
    findings
}

fn lines(repository: &Repository) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(repository.file(PAGE).map_or("", |page| page.text.as_str()).lines())
}

/// Returns the tests that a line names: what stands between backticks and is the path of a file.
fn named(line: &str) -> impl Iterator<Item = &str> {
    let is_file = |span: &&str| span.rsplit_once('/').is_some_and(|(_, name)| name.contains('.'));
    line.split('`').skip(1).step_by(2).filter(is_file)
}

fn exists(repository: &Repository, test: &str) -> bool {
    let Some((path, name)) = test.split_once("::") else { return repository.file(test).is_some() };
    let function = format!("fn {name}(");
    repository.file(path).is_some_and(|file| file.code.lines().any(|line| begins_word(line, &function)))
}

/// Returns whether a line of a table divides its header from its rows.
fn is_rule(line: &str) -> bool {
    line.starts_with("|-") || line.starts_with("|:")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(rule: fn(&Repository) -> Vec<Finding>, page: &str) -> usize {
        let files = [(PAGE, page), ("a/tests/b.rs", "fn heals() {}\n// fn breaks() {}"), ("a/cut.txt", "")];
        rule(&Repository::from_files(files)).len()
    }

    #[test]
    fn a_test_that_exists_is_no_finding() {
        assert_eq!(
            count(imagined_tests, "`a/tests/b.rs::heals` and `a/cut.txt` of `a/tests`, and `--view`"),
            0
        );
    }

    #[test]
    fn a_test_that_is_imagined_is_found() {
        for test in ["a/tests/b.rs::breaks", "a/tests/b.rs::heal", "a/c.rs::heals", "a/mend.txt"] {
            assert_eq!(count(imagined_tests, &format!("It works: `{test}`.")), 1, "{test}");
        }
    }

    #[test]
    fn a_row_without_a_test_is_found() {
        let page = "# Page\n| what | test |\n|---|---|\n| heals | `a/cut.txt` |\n| flies | |\n| swims | not yet tested |\n";
        assert_eq!(count(unproven_claims, page), 1);
    }
}
