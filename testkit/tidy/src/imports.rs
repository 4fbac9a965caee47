//! The rule that the files of a crate do not import each other in a circle.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::finding::Finding;
use crate::modules::{Module, Modules};
use crate::repository::Repository;

/// Which file imports which, with the line of the first import.
type Imports<'a> = BTreeMap<&'a str, BTreeMap<&'a str, usize>>;

/// Finds circles of imports among the files of the crate in `directory`; one finding for each, with its shortest form.
///
/// An import is a `use` item or a path in code that leads to another file of the crate, re-exports followed.
/// Declaring a module, and re-exporting a name that the file does not use itself, is not an import.
pub fn circles(repository: &Repository, directory: &str) -> Vec<Finding> {
    let modules = Modules::read(repository, directory);
    let imports = imports(&modules);
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for start in imports.keys() {
        if seen.contains(start) {
            continue;
        }
        let members: BTreeSet<&str> = reachable(&imports, start)
            .into_iter()
            .filter(|other| reachable(&imports, other).contains(start))
            .collect();
        seen.extend(members.iter().copied());
        let shortest =
            members.iter().filter_map(|member| shortest_circle(&imports, member)).min_by_key(Vec::len);
        if let Some(circle) = shortest {
            findings.push(finding(&imports, &circle, members.len(), directory));
        }
    }
    findings
}

fn finding(imports: &Imports<'_>, circle: &[&str], members: usize, directory: &str) -> Finding {
    let short = |path: &str| path.strip_prefix(&format!("{directory}/src/")).unwrap_or(path).to_owned();
    let line = match circle {
        [first, second, ..] => imports[first][second],
        _ => 1,
    };
    let chain: Vec<String> = circle.iter().map(|path| short(path)).collect();
    let remedy = format!(
        "{members} files import each other in a circle, shortest {}; move what they share into a file that imports neither",
        chain.join(" -> ")
    );
    Finding::new(circle[0], line, remedy)
}

fn imports<'a>(modules: &'a Modules<'a>) -> Imports<'a> {
    let paths: BTreeMap<&[String], &str> =
        modules.iter().map(|(path, module)| (path, module.file.path.as_str())).collect();
    modules.iter().map(|(path, module)| (paths[path], imports_of(modules, &paths, path, module))).collect()
}

fn imports_of<'a>(
    modules: &'a Modules<'a>,
    files: &BTreeMap<&[String], &'a str>,
    from: &[String],
    module: &Module<'a>,
) -> BTreeMap<&'a str, usize> {
    let references = &module.references;
    let used =
        references.imports.iter().filter(|import| !import.is_reexport || references.uses(&import.name));
    let used = used.map(|import| (import.line, &import.path));
    let all = used.chain(references.paths.iter().map(|(line, path)| (*line, path)));
    let mut found = BTreeMap::new();
    for (line, path) in all {
        let Some(target) = modules.resolve(from, path).filter(|target| *target != from) else { continue };
        found.entry(files[target]).or_insert(line);
    }
    found
}

/// Returns the files that `start` imports, directly or not.
fn reachable<'a>(imports: &Imports<'a>, start: &'a str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut waiting: Vec<&str> = vec![start];
    while let Some(file) = waiting.pop() {
        let next = imports.get(file).into_iter().flat_map(BTreeMap::keys);
        waiting.extend(next.copied().filter(|next| found.insert(*next)));
    }
    found
}

/// Returns the shortest way from `start` back to it, both ends included.
fn shortest_circle<'a>(imports: &Imports<'a>, start: &'a str) -> Option<Vec<&'a str>> {
    let mut waiting = VecDeque::from([vec![start]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = waiting.pop_front() {
        for next in imports.get(way.last()?).into_iter().flat_map(BTreeMap::keys) {
            let longer = [way.as_slice(), &[*next]].concat();
            if *next == start {
                return Some(longer);
            }
            if seen.insert(*next) {
                waiting.push_back(longer);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let repository = Repository::from_files(files.iter().copied());
        circles(&repository, "a").iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_parent_that_uses_a_child_that_uses_the_parent_is_a_circle() {
        let findings = found(&[
            ("a/src/lib.rs", "mod b;"),
            ("a/src/b.rs", "mod c;\nuse c::C;\npub struct B(C);"),
            ("a/src/b/c.rs", "pub struct C;\nfn f(_: super::B) {}"),
        ]);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].starts_with("a/src/b.rs:2: 2 files"), "{findings:?}");
        assert!(findings[0].contains("shortest b.rs -> b/c.rs -> b.rs;"), "{findings:?}");
    }

    #[test]
    fn a_circle_through_a_reexport_is_found() {
        let findings = found(&[
            ("a/src/lib.rs", "mod b;\nmod c;\npub use b::B;"),
            ("a/src/b.rs", "use crate::c::C;\npub struct B;"),
            ("a/src/c.rs", "use crate::B;\npub struct C;"),
        ]);
        assert_eq!(findings.len(), 1, "{findings:?}");
    }

    #[test]
    fn the_shortest_of_two_circles_is_shown() {
        let findings = found(&[
            ("a/src/b.rs", "use crate::c::C; use crate::d::D;"),
            ("a/src/c.rs", "use crate::d::D;"),
            ("a/src/d.rs", "fn f() { crate::b::g() }"),
        ]);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].contains("3 files"), "{findings:?}");
        assert!(findings[0].contains("shortest b.rs -> d.rs -> b.rs;"), "{findings:?}");
    }

    #[test]
    fn declarations_reexports_and_tests_are_not_imports() {
        let findings = found(&[
            ("a/src/lib.rs", "mod b;"),
            (
                "a/src/b.rs",
                "mod c;\nmod d;\npub use c::C;\npub struct B;\n#[cfg(test)]\nmod tests { use super::c::C; }",
            ),
            ("a/src/b/c.rs", "use super::B;\npub struct C;"),
            ("a/src/b/d.rs", "use super::{B, C};\n#[cfg(test)]\nmod rig;"),
            ("a/src/b/d/rig.rs", "use crate::b::B;"),
        ]);
        assert!(findings.is_empty(), "{findings:?}");
    }
}
