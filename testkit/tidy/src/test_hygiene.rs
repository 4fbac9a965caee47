//! Rules about tests and unfinished work: nothing pretends to be done, no test guesses.

use crate::finding::{Finding, View, begins_word, words};
use crate::repository::Repository;

/// Macros that stand for work that is not done.
const UNFINISHED: [&str; 3] = ["todo!(", "unimplemented!(", "dbg!("];
/// Calls that wait for the clock instead of for an event.
const SLEEPS: [&str; 2] = ["sleep(", "sleep_until("];

/// Finds ignored tests that do not say why.
pub fn ignored_without_reason(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in repository.rust() {
        for (number, (code, text)) in (1..).zip(file.code.lines().zip(file.text.lines())) {
            let attribute: String = code.split_whitespace().collect();
            let empty = attribute.contains("#[ignore=]") && text.contains("= \"\"");
            if attribute.contains("#[ignore]") || empty {
                let remedy = "say why on the line: `#[ignore = \"needs …\"]`";
                findings.push(Finding::new(&file.path, number, remedy));
            }
        }
    }
    findings
}

/// Finds macros that stand for work that is not done.
pub fn unfinished(repository: &Repository) -> Vec<Finding> {
    let remedy = "finish it or leave it out";
    repository.rust().flat_map(|file| words(file, View::Code, &UNFINISHED, remedy)).collect()
}

/// Finds tests that sleep and do not say why on the line.
pub fn sleeping_tests(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in repository.rust() {
        for (number, (code, text)) in (1..).zip(file.tests.lines().zip(file.text.lines())) {
            let sleeps =
                SLEEPS.iter().any(|call| begins_word(code, call) && !code.contains(&format!("fn {call}")));
            if sleeps && !ends_in_comment(code, text) {
                let remedy = "wait for the event, pause the clock, or say in a comment on the line why it must be time";
                findings.push(Finding::new(&file.path, number, remedy));
            }
        }
    }
    findings
}

/// Returns whether something is said after the code of a line.
fn ends_in_comment(code: &str, text: &str) -> bool {
    let rest = text.get(code.trim_end().len()..).unwrap_or_default();
    rest.trim_start().strip_prefix("//").is_some_and(|comment| !comment.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(rule: fn(&Repository) -> Vec<Finding>, path: &str, text: &str) -> usize {
        rule(&Repository::from_files([(path, text)])).len()
    }

    #[test]
    fn an_ignored_test_without_reason_is_found() {
        assert_eq!(count(ignored_without_reason, "a/src/b.rs", "#[ignore]\nfn a() {}"), 1);
        assert_eq!(count(ignored_without_reason, "a/src/b.rs", "#[ignore = \"\"]\nfn a() {}"), 1);
        assert_eq!(count(ignored_without_reason, "a/src/b.rs", "#[ignore = \"needs root\"]\nfn a() {}"), 0);
    }

    #[test]
    fn every_unfinished_macro_is_found() {
        for name in UNFINISHED {
            assert_eq!(count(unfinished, "a/src/b.rs", &format!("fn a() {{ {name}) }}")), 1, "{name}");
            assert_eq!(count(unfinished, "a/src/b.rs", &format!("// {name})")), 0, "{name}");
        }
    }

    #[test]
    fn a_sleep_without_reason_is_found_in_tests() {
        for call in SLEEPS {
            let text = format!("fn a() {{\n tokio::time::{call}x).await;\n}}");
            assert_eq!(count(sleeping_tests, "a/tests/b.rs", &text), 1, "{call}");
            assert_eq!(count(sleeping_tests, "a/src/b.rs", &text), 0, "{call}");
        }
    }

    #[test]
    fn a_sleep_with_a_reason_is_free() {
        let text = "thread::sleep(x); // the kernel has no event for this";
        assert_eq!(count(sleeping_tests, "a/tests/b.rs", text), 0);
        assert_eq!(count(sleeping_tests, "a/tests/b.rs", "thread::sleep(x); //"), 1);
    }
}
