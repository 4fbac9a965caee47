//! The rule that names which were given up stay away, and that kept ones are defined in the glossary.

use std::sync::LazyLock;

use toml::{Table, Value};

use crate::finding::Finding;
use crate::repository::Repository;
use crate::source::SourceFile;
use crate::vocabulary::files_at;

/// Which names were given up where.
static RENAMES: LazyLock<Table> =
    LazyLock::new(|| include_str!("../renames.toml").parse().unwrap_or_default());
/// What begins the declaration of a type.
const TYPES: [&str; 4] = ["struct", "enum", "trait", "type"];
/// Where our words are defined.
const GLOSSARY: &str = "docs/glossary.md";
/// Places that name old keys on purpose: what refuses them, what tells users of the change, and this crate.
const NAME_OLD_KEYS: [&str; 5] =
    ["CHANGELOG.md", GLOSSARY, "config/src/renamed_keys.rs", "config/tests/messages.rs", "testkit/tidy/"];

/// Finds names in the files at `place`, a directory or a file, that were given up there.
pub fn old_names(repository: &Repository, place: &str) -> Vec<Finding> {
    find(&RENAMES, repository, place)
}

/// Finds names that are kept against the list and that the glossary does not define.
pub fn undefined_kept_names(repository: &Repository) -> Vec<Finding> {
    undefined(&RENAMES, repository)
}

fn find(renames: &Table, repository: &Repository, place: &str) -> Vec<Finding> {
    let given_up = |kind: &str| entries(renames.get(place).and_then(|place| place.get(kind)));
    let (files, types, functions) = (given_up("files"), given_up("types"), given_up("functions"));
    let (names, flags, keys) = (given_up("names"), given_up("flags"), entries(renames.get("keys")));
    let mut findings = Vec::new();
    for file in files_at(repository, place) {
        let mut add = |line, (old, new): &(&str, &str)| {
            findings.push(Finding::new(&file.path, line, format!("`{old}` was given up; call it `{new}`")));
        };
        files.iter().filter(|(old, _)| is_at(file, place, old)).for_each(|entry| add(1, entry));
        for (number, line) in (1..).zip(file.code.lines()) {
            let found: Vec<&str> = identifiers(line).collect();
            for pair in found.windows(2) {
                let declared = if TYPES.contains(&pair[0]) { &types } else { &functions };
                let declares = TYPES.contains(&pair[0]) || pair[0] == "fn";
                declared.iter().filter(|(old, _)| declares && *old == pair[1]).for_each(|it| add(number, it));
            }
            names.iter().filter(|(old, _)| found.contains(old)).for_each(|entry| add(number, entry));
        }
        let names_keys = NAME_OLD_KEYS.iter().any(|path| file.path.starts_with(path));
        for (number, line) in (1..).zip(file.text.lines()) {
            let typed: Vec<&str> = if flags.is_empty() { Vec::new() } else { words(line).collect() };
            flags.iter().filter(|(old, _)| typed.contains(old)).for_each(|entry| add(number, entry));
            let written =
                |old: &str| !names_keys && line.contains(old) && identifiers(line).any(|name| name == old);
            keys.iter().filter(|(old, _)| written(old)).for_each(|entry| add(number, entry));
        }
    }
    findings
}

fn undefined(renames: &Table, repository: &Repository) -> Vec<Finding> {
    let glossary = repository.file(GLOSSARY).map_or("", |file| file.text.as_str());
    let kept = renames
        .values()
        .filter_map(|place| place.get("kept")?.as_array())
        .flatten()
        .filter_map(Value::as_str);
    let undefined = kept.filter(|name| !glossary.contains(&format!("`{name}`")));
    undefined
        .map(|name| Finding::new(GLOSSARY, 1, format!("say what `{name}` is and why it is kept")))
        .collect()
}

/// Returns the old and new names of a table.
fn entries(table: Option<&Value>) -> Vec<(&str, &str)> {
    let table = table.and_then(Value::as_table).into_iter().flatten();
    table.filter_map(|(old, new)| Some((old.as_str(), new.as_str()?))).collect()
}

/// Returns whether a source file below `place` has the path `old` at its end, or is in the directory of that name.
fn is_at(file: &SourceFile, place: &str, old: &str) -> bool {
    let Some(path) = file.path.strip_prefix(place).filter(|path| path.starts_with("/src/")) else {
        return false;
    };
    path.ends_with(&format!("/{old}")) || path.contains(&format!("/{}/", old.trim_end_matches(".rs")))
}

fn identifiers(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|name| !name.is_empty())
}

/// Returns the words of a line as a command line has them, with their dashes.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "[a.files]\n'old.rs' = 'new.rs'\n[a.types]\nOld = 'New'\n[a.functions]\nold = 'new'\n\
                         [a.names]\nolden = 'newer'\n[a.flags]\n'--old' = '--new'\n[keys]\nold_key = 'new_key'\n\
                         [b]\nkept = ['Ghost']\n";

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let table: Table = TABLE.parse().unwrap();
        find(&table, &Repository::from_files([(path, text)]), "a")
            .iter()
            .map(|finding| finding.line)
            .collect()
    }

    #[test]
    fn an_old_file_or_its_directory_is_found() {
        for path in ["a/src/old.rs", "a/src/b/old.rs", "a/src/old/c.rs"] {
            assert_eq!(lines(path, ""), [1], "{path}");
        }
        assert!(lines("a/tests/old.rs", "").is_empty() && lines("a/src/bold.rs", "").is_empty());
    }

    #[test]
    fn an_old_type_or_function_is_found_where_it_is_declared() {
        for kind in TYPES {
            assert_eq!(lines("a/src/b.rs", &format!("\npub(crate) {kind} Old<T> {{}}")), [2], "{kind}");
        }
        assert_eq!(lines("a/src/b.rs", "async fn old<T>() {}"), [1]);
        assert!(lines("a/src/b.rs", "use x::Old; fn older() { y.old() } // struct Old").is_empty());
    }

    #[test]
    fn an_old_name_is_found_wherever_code_uses_it() {
        assert_eq!(lines("a/src/b.rs", "x.olden = 5;\n// olden\nfn is_olden() {}"), [1]);
    }

    #[test]
    fn an_old_option_is_found_in_any_text() {
        assert_eq!(lines("a/b.sh", "run --old 5\nrun --older 5"), [1]);
    }

    #[test]
    fn an_old_key_is_found_everywhere_but_where_it_is_refused() {
        assert_eq!(lines("a/b.toml", "old_key = 5"), [1]);
        let table: Table = TABLE.parse().unwrap();
        for path in NAME_OLD_KEYS {
            let path = if path.ends_with('/') { format!("{path}b.md") } else { path.to_owned() };
            let repository = Repository::from_files([(path.as_str(), "old_key")]);
            assert!(find(&table, &repository, path.split('/').next().unwrap()).is_empty(), "{path}");
        }
    }

    #[test]
    fn a_kept_name_without_a_definition_is_found() {
        let table: Table = TABLE.parse().unwrap();
        let count = |text: &str| undefined(&table, &Repository::from_files([(GLOSSARY, text)])).len();
        assert_eq!((count("Ghost"), count("- `Ghost`: a claim that the server still holds.")), (1, 0));
    }

    #[test]
    fn every_row_names_a_place_of_the_rule() {
        let rule = crate::crate_rule::CRATE_RULES.iter().find(|rule| rule.name == "renames").unwrap();
        for place in RENAMES.keys().filter(|place| *place != "keys") {
            assert!(rule.crates.contains(&place.as_str()), "{place}");
        }
        assert!(RENAMES.len() > 10);
    }
}
