//! The rule that every policy file is registered under its name and listed.

use crate::finding::Finding;
use crate::repository::Repository;

/// The traits that make a file a policy.
const TRAITS: [&str; 6] =
    ["BackoffPolicy", "TimeoutPolicy", "RecoveryStrategy", "HealthProbe", "QualityPolicy", "NetworkMonitor"];
const REGISTRY: &str = "config/src/builtin.rs";
const LIST: &str = "policies/README.md";

/// Finds policy files that profiles cannot name; without a registry there is nothing to find.
pub fn unregistered_policies(repository: &Repository) -> Vec<Finding> {
    let Some(registry) = repository.file(REGISTRY) else { return Vec::new() };
    let remedy = |name: &str| format!("register it as \"{name}\" in {REGISTRY}");
    policies(repository)
        .filter(|(_, name)| !registry.text.contains(&format!("\"{name}\"")))
        .map(|(path, name)| Finding::new(path, 1, remedy(name)))
        .collect()
}

/// Finds policy files without a row in the list of policies.
pub fn unlisted_policies(repository: &Repository) -> Vec<Finding> {
    let list = repository.file(LIST).map_or("", |file| file.text.as_str());
    let rows: Vec<&str> = list.lines().filter(|line| line.trim_start().starts_with('|')).collect();
    let listed = |name: &str| rows.iter().any(|row| row.contains(&format!("`{name}`")));
    policies(repository)
        .filter(|(_, name)| !listed(name))
        .map(|(path, name)| Finding::new(path, 1, format!("add a row with `{name}` to {LIST}")))
        .collect()
}

/// Returns path and name of every policy: the files directly under a family's `src` that implement one of the traits.
fn policies(repository: &Repository) -> impl Iterator<Item = (&str, &str)> {
    repository.rust_under("policies/").filter_map(|file| {
        let (_, name) = file.path.split_once("/src/")?;
        let name = name.strip_suffix(".rs")?;
        let answers = TRAITS.iter().any(|name| file.product.contains(&format!("{name} for ")));
        (answers && name != "lib" && !name.contains('/')).then_some((file.path.as_str(), name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = "impl BackoffPolicy for Fibonacci {}";
    const FILES: [(&str, &str); 5] = [
        ("policies/backoff/src/lib.rs", ""),
        ("policies/backoff/src/fibonacci.rs", POLICY),
        ("policies/backoff/src/fibonacci/table.rs", POLICY),
        ("policies/backoff/src/jitter.rs", "impl Jitter {}"),
        ("policies/backoff/tests/pace.rs", POLICY),
    ];

    fn paths(rule: fn(&Repository) -> Vec<Finding>, path: &str, text: &str) -> Vec<String> {
        let repository = Repository::from_files(FILES.into_iter().chain([(path, text)]));
        rule(&repository).into_iter().map(|finding| finding.path).collect()
    }

    #[test]
    fn a_policy_without_registration_is_found() {
        assert_eq!(paths(unregistered_policies, REGISTRY, "\"fibonacci_like\""), [FILES[1].0]);
        assert!(paths(unregistered_policies, REGISTRY, ".backoff::<Fibonacci>(\"fibonacci\")").is_empty());
    }

    #[test]
    fn a_policy_without_a_row_is_found() {
        assert_eq!(paths(unlisted_policies, LIST, "`fibonacci` is nice"), [FILES[1].0]);
        assert!(paths(unlisted_policies, LIST, "| `fibonacci` | 1, 1, 2, 3 |").is_empty());
    }

    #[test]
    fn every_trait_makes_a_policy() {
        for name in TRAITS {
            let text = format!("impl {name} for Patient {{}}");
            let repository = Repository::from_files([("policies/a/src/patient.rs", text.as_str())]);
            assert_eq!(unlisted_policies(&repository).len(), 1, "{name}");
        }
    }
}
