//! README and the crate's front page show the example that is compiled and run.

#![allow(clippy::unwrap_used, reason = "a test")]

const EXAMPLE: &str = include_str!("../examples/echo.rs");

#[test]
fn the_readme_shows_the_example() {
    assert!(include_str!("../../README.md").contains(program()));
}

#[test]
fn the_front_page_shows_the_example() {
    let page = include_str!("../src/lib.rs");
    let lines = page.lines().map(|line| line.trim_start_matches("//!").strip_prefix(' ').unwrap_or_default());
    let text: String = lines.map(|line| format!("{line}\n")).collect();
    assert!(text.contains(program()), "{text}");
}

#[test]
fn the_example_has_twelve_lines_at_most() {
    assert!(program().lines().count() <= 12);
}

/// Returns the example without its documentation.
fn program() -> &'static str {
    EXAMPLE.split_once("\n\n").unwrap().1.trim_end()
}
