//! What a crate's `Cargo.toml` says about itself and its dependencies.

use toml::{Table, Value};

use crate::finding::Finding;
use crate::repository::Repository;
use crate::source::SourceFile;

/// A crate's manifest.
#[derive(Clone, Debug)]
pub struct Manifest<'a> {
    /// The file.
    pub file: &'a SourceFile,
    /// The directory of the crate from the root of the repository.
    pub directory: &'a str,
    /// The content.
    pub table: Table,
}

/// When a dependency is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// By the crate itself or its build script.
    Product,
    /// By its tests only.
    Tests,
}

/// A line of a dependency table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The name of the crate.
    pub name: String,
    /// When it is needed.
    pub need: Need,
    /// Whether the workspace names its version, or it has none: tests may name a crate by path alone, so that packaging
    /// leaves it out where two crates test each other.
    pub inherited: bool,
}

const TABLES: [(&str, Need); 3] = [
    ("dependencies", Need::Product),
    ("build-dependencies", Need::Product),
    ("dev-dependencies", Need::Tests),
];

impl Manifest<'_> {
    /// Returns the name of the package.
    pub fn name(&self) -> Option<&str> {
        self.table.get("package")?.get("name")?.as_str()
    }

    /// Returns every dependency, those for one platform only included.
    pub fn dependencies(&self) -> Vec<Dependency> {
        let platforms = self.table.get("target").and_then(Value::as_table);
        let platforms = platforms.into_iter().flat_map(Table::values).filter_map(Value::as_table);
        let mut dependencies = Vec::new();
        for table in std::iter::once(&self.table).chain(platforms) {
            for (key, need) in TABLES {
                for (name, value) in table.get(key).and_then(Value::as_table).into_iter().flatten() {
                    let by_path = value.get("path").is_some() && value.get("version").is_none();
                    let inherited = is_inherited(value) || (need == Need::Tests && by_path);
                    dependencies.push(Dependency { name: name.clone(), need, inherited });
                }
            }
        }
        dependencies
    }

    /// Creates a finding at the line of a dependency.
    pub fn finding(&self, dependency: &str, remedy: impl Into<String>) -> Finding {
        let starts =
            |line: &str| line.strip_prefix(dependency).is_some_and(|rest| rest.starts_with([' ', '.', '=']));
        let line = self.file.text.lines().position(starts).map_or(1, |index| index + 1);
        Finding::new(&self.file.path, line, remedy)
    }
}

/// Returns whether a value is `{ workspace = true, … }`.
pub fn is_inherited(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

/// Returns the manifest of every crate below the root; one that cannot be parsed is Cargo's to refuse.
pub fn manifests(repository: &Repository) -> Vec<Manifest<'_>> {
    let parse = |file: &'_ SourceFile| file.text.parse::<Table>().ok();
    let crates = repository.files().filter_map(|file| Some((file, file.path.strip_suffix("/Cargo.toml")?)));
    crates.filter_map(|(file, directory)| Some(Manifest { file, directory, table: parse(file)? })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_of_every_table_are_seen() {
        let text = "[dependencies]\na.workspace = true\n[dev-dependencies]\nb = \"1\"\nd = { path = \"../d\" }\n\
                    [target.'cfg(unix)'.build-dependencies]\nc = { version = \"1\" }\n";
        let repository = Repository::from_files([("x/Cargo.toml", text)]);
        let seen = manifests(&repository)[0].dependencies();
        let dependency = |name: &str, need, inherited| Dependency { name: name.to_owned(), need, inherited };
        let expected = [
            dependency("a", Need::Product, true),
            dependency("b", Need::Tests, false),
            dependency("d", Need::Tests, true),
            dependency("c", Need::Product, false),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_finding_points_at_its_dependency() {
        let text = "[dependencies]\nab = \"1\"\na = \"1\"\n";
        let repository = Repository::from_files([("x/Cargo.toml", text)]);
        assert_eq!(manifests(&repository)[0].finding("a", "").line, 3);
    }
}
