//! Rules about manifests: which crate may depend on which, and what all of them inherit.

use std::collections::BTreeMap;

use toml::Value;

use crate::finding::Finding;
use crate::manifest::{Manifest, Need, is_inherited, manifests};
use crate::repository::Repository;

/// All that the decision core may build on.
const CORE_NEEDS: [&str; 3] = ["serde", "async-trait", "thiserror"];
/// Errors for people; libraries have enums.
const PROGRAMS_ONLY: [&str; 4] = ["anyhow", "miette", "eyre", "color-eyre"];
/// What every crate takes from the workspace.
const INHERITED: [&str; 4] = ["version", "edition", "rust-version", "license"];
/// Programs and test crates, which no registry needs.
const UNPUBLISHED: [&str; 3] = ["bin", "demo", "testkit"];

/// Finds dependencies of core beyond the three that it may have.
pub fn needless_core_dependencies(repository: &Repository) -> Vec<Finding> {
    let remedy = "core depends on serde, async-trait and thiserror at most; put this into another room";
    let forbidden = |name: &str, need| need == Need::Product && !CORE_NEEDS.contains(&name);
    dependencies_where(repository, |manifest, name, need| {
        (manifest.directory == "core" && forbidden(name, need)).then(|| remedy.to_owned())
    })
}

/// Finds dependencies between rooms against the direction of the architecture.
///
/// Tests may reach into other rooms, but nobody's into bin, and only the testkit's into the testkit.
pub fn reversed_arrows(repository: &Repository) -> Vec<Finding> {
    let crates = manifests(repository);
    let rooms: BTreeMap<String, &str> = crates
        .iter()
        .filter_map(|manifest| Some((manifest.name()?.to_owned(), manifest.directory)))
        .collect();
    dependencies_where(repository, |manifest, name, need| {
        let (from, to) = (manifest.directory, *rooms.get(name)?);
        let allowed = match need {
            Need::Product => may_depend(from, to),
            Need::Tests => may_test_with(from, to),
        };
        let remedy =
            "turn the dependency around (a trait in core?), or change the arrows in ARCHITECTURE.md first";
        (!allowed).then(|| format!("{from} must not depend on {to}; {remedy}"))
    })
}

/// Finds error crates for people outside programs: bin, the demonstration and the testkit.
pub fn errors_for_people_outside_programs(repository: &Repository) -> Vec<Finding> {
    dependencies_where(repository, |manifest, name, need| {
        let strange = need == Need::Product && PROGRAMS_ONLY.contains(&name);
        let outside = !UNPUBLISHED.contains(&room(manifest.directory));
        (strange && outside)
            .then(|| format!("`{name}` is for programs only; make a small enum that keeps its source"))
    })
}

/// Finds dependencies whose versions do not come from the workspace.
pub fn versions_outside_the_workspace(repository: &Repository) -> Vec<Finding> {
    let remedy = "name the version in [workspace.dependencies] and write `workspace = true` here";
    let mut findings = Vec::new();
    for manifest in manifests(repository) {
        let own = manifest.dependencies().into_iter().filter(|dependency| !dependency.inherited);
        findings.extend(own.map(|dependency| manifest.finding(&dependency.name, remedy)));
    }
    findings
}

/// Finds crates that do not take lints, edition, licence and the like from the workspace.
pub fn own_package_fields(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in manifests(repository) {
        let package = manifest.table.get("package").and_then(Value::as_table);
        let missing = INHERITED
            .into_iter()
            .filter(|key| !package.and_then(|package| package.get(*key)).is_some_and(is_inherited));
        findings.extend(missing.map(|key| manifest.finding(key, format!("write `{key}.workspace = true`"))));
        let publish = package.and_then(|package| package.get("publish"));
        if UNPUBLISHED.contains(&room(manifest.directory)) && publish != Some(&Value::Boolean(false)) {
            findings.push(manifest.finding("publish", "write `publish = false`"));
        }
        if !manifest.table.get("lints").is_some_and(is_inherited) {
            findings.push(manifest.finding("[lints]", "write `workspace = true` under `[lints]`"));
        }
    }
    findings
}

/// Finds dependencies for which `remedy` has something to say.
fn dependencies_where(
    repository: &Repository,
    remedy: impl Fn(&Manifest<'_>, &str, Need) -> Option<String>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in manifests(repository) {
        for dependency in manifest.dependencies() {
            if let Some(remedy) = remedy(&manifest, &dependency.name, dependency.need) {
                findings.push(manifest.finding(&dependency.name, remedy));
            }
        }
    }
    findings
}

/// The arrows of ARCHITECTURE.md.
fn may_depend(from: &str, to: &str) -> bool {
    match room(from) {
        "policies" | "transports" | "driver" | "sim" => to == "core",
        "config" => to == "core" || room(to) == "policies",
        "rejoin" => ["core", "driver", "config", "transports"].contains(&room(to)),
        "bin" => ["rejoin", "signaling-server", "demo"].contains(&room(to)),
        "testkit" => to != "bin",
        _ => false,
    }
}

fn may_test_with(from: &str, to: &str) -> bool {
    to != "bin" && (room(to) != "testkit" || room(from) == "testkit")
}

/// Returns the top directory of a crate.
fn room(directory: &str) -> &str {
    directory.split('/').next().unwrap_or(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, rest: &str) -> String {
        format!("[package]\nname = \"{name}\"\n{rest}")
    }

    /// The findings for a crate at `from` with `table`'s dependency on a crate at `to`.
    fn arrow(from: &str, table: &str, to: &str) -> usize {
        let source = package("source", &format!("[{table}]\ntarget.workspace = true\n"));
        let (from, to) = (format!("{from}/Cargo.toml"), format!("{to}/Cargo.toml"));
        let target = package("target", "");
        reversed_arrows(&Repository::from_files([(from.as_str(), source.as_str()), (&to, &target)])).len()
    }

    #[test]
    fn every_arrow_points_towards_core() {
        for (from, to) in [
            ("core", "policies/a"),
            ("policies/a", "policies/b"),
            ("policies/a", "config"),
            ("transports/a", "transports/b"),
            ("transports/a", "driver"),
            ("driver", "transports/a"),
            ("signaling-server", "core"),
            ("transports/a", "signaling-server"),
            ("config", "driver"),
            ("driver", "bin"),
            ("bin", "testkit/a"),
            ("bin", "core"),
            ("rejoin", "bin"),
            ("rejoin", "signaling-server"),
            ("driver", "rejoin"),
            ("demo", "core"),
            ("testkit/a", "bin"),
            ("attic", "core"),
        ] {
            assert_eq!(arrow(from, "dependencies", to), 1, "{from} -> {to}");
        }
    }

    #[test]
    fn the_drawn_arrows_are_free() {
        for (from, to) in [
            ("policies/a", "core"),
            ("transports/a", "core"),
            ("driver", "core"),
            ("sim", "core"),
            ("config", "policies/a"),
            ("rejoin", "driver"),
            ("rejoin", "config"),
            ("rejoin", "transports/a"),
            ("bin", "rejoin"),
            ("bin", "signaling-server"),
            ("bin", "demo"),
            ("testkit/a", "demo"),
            ("testkit/a", "driver"),
        ] {
            assert_eq!(arrow(from, "dependencies", to), 0, "{from} -> {to}");
        }
    }

    #[test]
    fn tests_reach_anything_but_bin_and_testkit() {
        assert_eq!(arrow("driver", "dev-dependencies", "transports/a"), 0);
        assert_eq!(arrow("driver", "dev-dependencies", "bin"), 1);
        assert_eq!(arrow("driver", "target.'cfg(unix)'.dev-dependencies", "testkit/a"), 1);
    }

    #[test]
    fn a_fourth_dependency_of_core_is_found() {
        let text = "[dependencies]\nserde.workspace = true\nbytes.workspace = true\n[dev-dependencies]\nproptest.workspace = true\n";
        let findings = needless_core_dependencies(&Repository::from_files([("core/Cargo.toml", text)]));
        assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn anyhow_in_a_library_is_found() {
        let text = "[dependencies]\nanyhow.workspace = true\n";
        let count = |path| errors_for_people_outside_programs(&Repository::from_files([(path, text)])).len();
        assert_eq!((count("driver/Cargo.toml"), count("bin/Cargo.toml")), (1, 0));
    }

    #[test]
    fn an_own_version_is_found() {
        let text =
            "[dependencies]\na = \"1\"\nb = { workspace = true, features = [] }\nc = { path = \"../c\" }\n";
        let findings = versions_outside_the_workspace(&Repository::from_files([("x/Cargo.toml", text)]));
        assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [2, 4]);
    }

    #[test]
    fn own_edition_and_missing_lints_are_found() {
        let inherited: String = INHERITED
            .iter()
            .filter(|key| **key != "edition")
            .map(|key| format!("{key}.workspace = true\n"))
            .collect();
        let text = package("x", &format!("{inherited}edition = \"2021\"\n"));
        let findings = own_package_fields(&Repository::from_files([("x/Cargo.toml", text.as_str())]));
        assert_eq!(findings.len(), 2, "{findings:?}");
    }

    #[test]
    fn a_test_crate_that_may_be_published_is_found() {
        let fields: String = INHERITED.iter().map(|key| format!("{key}.workspace = true\n")).collect();
        let found = |publish: &str| {
            let text = package("x", &format!("{fields}{publish}[lints]\nworkspace = true\n"));
            own_package_fields(&Repository::from_files([("testkit/x/Cargo.toml", text.as_str())])).len()
        };
        assert_eq!((found(""), found("publish = true\n"), found("publish = false\n")), (1, 1, 0));
    }
}
