//! Rules about files: how they open, how long they are, what they are called.

use crate::finding::{Finding, View, begins_word, words};
use crate::repository::Repository;

/// Longer files are split by idea.
const MOST_LINES: usize = 400;
/// Names that say nothing about what is inside.
const DRAWERS: [&str; 7] = ["util", "utils", "helper", "helpers", "common", "misc", "types"];
/// Words that begin an item with logic or shape of its own.
const ITEMS: [&str; 9] =
    ["fn ", "impl ", "impl<", "struct ", "enum ", "trait ", "const ", "static ", "macro_rules!"];

/// Finds Rust files that do not open with `//!`.
pub fn without_opening_line(repository: &Repository) -> Vec<Finding> {
    let silent = repository.rust().filter(|file| !file.text.starts_with("//!"));
    silent
        .map(|file| Finding::new(&file.path, 1, "open with `//!` and one sentence: what this file is"))
        .collect()
}

/// Finds Rust files of more than 400 lines.
pub fn too_long(repository: &Repository) -> Vec<Finding> {
    let count = |text: &str| text.lines().count();
    let long = repository.rust().filter(|file| count(&file.text) > MOST_LINES);
    let remedy = |lines| format!("{lines} lines; split by idea until every file has at most {MOST_LINES}");
    long.map(|file| Finding::new(&file.path, MOST_LINES + 1, remedy(count(&file.text)))).collect()
}

/// Finds modules in `mod.rs`.
pub fn hidden_in_mod_rs(repository: &Repository) -> Vec<Finding> {
    let hidden = repository.rust().filter(|file| file.stem() == "mod");
    hidden.map(|file| Finding::new(&file.path, 1, "move `foo/mod.rs` to `foo.rs`")).collect()
}

/// Finds files, directories and modules with names that fit anything.
pub fn drawers(repository: &Repository) -> Vec<Finding> {
    const REMEDY: &str = "name it after the one idea inside, and split it if there are two";
    let mut findings = Vec::new();
    for file in repository.rust() {
        let parts = file.path.split('/').map(|part| part.strip_suffix(".rs").unwrap_or(part));
        if parts.clone().any(|part| DRAWERS.contains(&part)) {
            findings.push(Finding::new(&file.path, 1, REMEDY));
        }
        let inline: Vec<String> = DRAWERS.iter().map(|name| format!("mod {name} ")).collect();
        let inline: Vec<&str> = inline.iter().map(String::as_str).collect();
        findings.extend(words(file, View::Code, &inline, REMEDY));
    }
    findings
}

/// Finds items in `lib.rs` that are more than documentation, modules and exports.
pub fn logic_in_lib_rs(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in repository.rust().filter(|file| file.path.ends_with("src/lib.rs")) {
        for (number, line) in (1..).zip(file.product.lines()) {
            if ITEMS.iter().any(|item| begins_word(line, item)) {
                let remedy = "lib.rs holds documentation, modules and exports; move this into a module";
                findings.push(Finding::new(&file.path, number, remedy));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(rule: fn(&Repository) -> Vec<Finding>, path: &str, text: &str) -> Vec<usize> {
        rule(&Repository::from_files([(path, text)])).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_file_without_an_opening_line_is_found() {
        assert_eq!(lines(without_opening_line, "a/src/b.rs", "// A.\nfn a() {}"), [1]);
        assert!(lines(without_opening_line, "a/src/b.rs", "//! A.\nfn a() {}").is_empty());
    }

    #[test]
    fn line_401_is_one_too_many() {
        assert_eq!(lines(too_long, "a/src/b.rs", &"\n".repeat(401)), [401]);
        assert!(lines(too_long, "a/src/b.rs", &"\n".repeat(400)).is_empty());
    }

    #[test]
    fn mod_rs_is_found() {
        assert_eq!(lines(hidden_in_mod_rs, "a/src/b/mod.rs", ""), [1]);
        assert!(lines(hidden_in_mod_rs, "a/src/modern.rs", "").is_empty());
    }

    #[test]
    fn drawers_are_found_as_file_directory_and_module() {
        assert_eq!(lines(drawers, "a/src/utils.rs", ""), [1]);
        assert_eq!(lines(drawers, "a/src/common/b.rs", ""), [1]);
        assert_eq!(lines(drawers, "a/src/b.rs", "\nmod misc {}"), [2]);
        assert!(lines(drawers, "a/src/commonplace.rs", "mod types_of_weather {}").is_empty());
    }

    #[test]
    fn logic_in_lib_rs_is_found_and_tests_are_not() {
        let text = "//! A fn .\nmod a;\npub use a::{\n    b,\n};\n#[cfg(test)]\nmod tests { fn t() {} }\n";
        assert!(lines(logic_in_lib_rs, "a/src/lib.rs", text).is_empty());
        assert_eq!(lines(logic_in_lib_rs, "a/src/lib.rs", "mod a;\npub fn b() {}\nimpl<T> C<T> {}"), [2, 3]);
        assert!(lines(logic_in_lib_rs, "a/src/b.rs", "pub fn b() {}").is_empty());
    }
}
