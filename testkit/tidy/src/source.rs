//! A file and the views of it that rules read: code without prose, with and without tests.

use std::ops::Range;

use crate::source::prose::blank_prose;

mod prose;

/// A file; the views keep every byte's place, so that line numbers agree.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The path from the root of the repository.
    pub path: String,
    /// Everything.
    pub text: String,
    /// Rust: `text` with comments and literals blanked; else empty.
    pub code: String,
    /// Rust: `code` with tests blanked.
    pub product: String,
    /// Rust: `text` with tests blanked, for a parser.
    pub product_text: String,
    /// Rust: `code` with all but tests blanked.
    pub tests: String,
    /// The modules that this file declares for tests only, as paths without `.rs`.
    pub test_modules: Vec<String>,
}

impl SourceFile {
    /// Creates the views of a file.
    pub fn new(path: &str, text: &str) -> Self {
        let code = if path.ends_with(".rs") { blank_prose(text) } else { String::new() };
        let ranges =
            if is_test_path(path) { std::iter::once(0..code.len()).collect() } else { test_ranges(&code) };
        let (mut product, mut tests) = (code.clone().into_bytes(), blank(&code).into_bytes());
        let mut product_text = text.as_bytes()[..code.len()].to_vec();
        for range in &ranges {
            tests[range.clone()].copy_from_slice(&code.as_bytes()[range.clone()]);
            product[range.clone()].copy_from_slice(blank(&code[range.clone()]).as_bytes());
            let documented = with_documentation(text, range.start)..range.end;
            product_text[documented.clone()].copy_from_slice(blank(&code[documented]).as_bytes());
        }
        let test_modules = ranges.iter().filter_map(|range| declared_module(path, &code[range.clone()]));
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            test_modules: test_modules.collect(),
            product: String::from_utf8_lossy(&product).into_owned(),
            product_text: String::from_utf8_lossy(&product_text).into_owned(),
            tests: String::from_utf8_lossy(&tests).into_owned(),
            code,
        }
    }

    /// Turns all of the code into tests, for a file that a `#[cfg(test)] mod name;` elsewhere declares.
    pub fn become_test(&mut self) {
        self.product = blank(&self.code);
        self.product_text.clone_from(&self.product);
        self.tests.clone_from(&self.code);
    }

    /// Returns the file name without its ending.
    pub fn stem(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        name.split('.').next().unwrap_or(name)
    }

    /// Returns the first line, from 1, that contains `needle`, or 1.
    pub fn line_of(&self, needle: &str) -> usize {
        self.text.lines().position(|line| line.contains(needle)).map_or(1, |index| index + 1)
    }
}

fn is_test_path(path: &str) -> bool {
    path.split('/').any(|part| part == "tests" || part == "benches" || part == "tests.rs")
}

/// Returns `text` with every byte but line ends replaced by a space.
fn blank(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

/// Returns where items under `#[cfg(test)]` begin and end.
fn test_ranges(code: &str) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for attribute in ["#[cfg(test)]", "#[cfg(all(test"] {
        for (start, _) in code.match_indices(attribute) {
            ranges.push(start..start + item_length(&code[start..]));
        }
    }
    ranges
}

/// Returns where the documentation of the item at `start` begins: without the item a parser refuses it.
fn with_documentation(text: &str, start: usize) -> usize {
    let mut begin = text[..start].rfind('\n').map_or(0, |end| end + 1);
    while let Some(line) =
        text[..begin].lines().next_back().filter(|line| line.trim_start().starts_with("///"))
    {
        begin -= line.len() + 1;
    }
    begin.min(start)
}

/// Returns the length of an item with its attributes: to its closing brace, or to its semicolon.
fn item_length(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            b';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// Returns where the module that `item` declares lives, without `.rs`.
fn declared_module(path: &str, item: &str) -> Option<String> {
    let (_, name) = item.strip_suffix(';')?.rsplit_once("mod ")?;
    let stem = path.strip_suffix(".rs")?;
    let directory = stem.strip_suffix("/lib").or_else(|| stem.strip_suffix("/main")).unwrap_or(stem);
    Some(format!("{directory}/{}", name.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_for_tests_are_no_product() {
        let file =
            SourceFile::new("a/src/b.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\nfn c() {}");
        assert_eq!(file.product.split_whitespace().collect::<String>(), "fna(){}fnc(){}");
        assert!(file.tests.contains("fn b() {}") && !file.tests.contains("fn c"));
    }

    #[test]
    fn the_documentation_of_an_item_for_tests_goes_with_it() {
        let file =
            SourceFile::new("a/src/b.rs", "impl A {\n    /// Is.\n    #[cfg(test)]\n    fn a() {}\n}\n");
        assert_eq!(file.product_text.split_whitespace().collect::<String>(), "implA{}");
    }

    #[test]
    fn a_file_under_tests_is_all_test() {
        let file = SourceFile::new("a/tests/b.rs", "fn a() {}");
        assert_eq!((file.product.trim(), file.tests.as_str()), ("", "fn a() {}"));
    }

    #[test]
    fn declared_test_modules_are_found() {
        let file = SourceFile::new("a/src/b.rs", "#[cfg(test)]\nmod rig;\nmod other;");
        assert_eq!(file.test_modules, ["a/src/b/rig"]);
        assert_eq!(SourceFile::new("a/src/lib.rs", "#[cfg(test)] mod rig;").test_modules, ["a/src/rig"]);
    }
}
