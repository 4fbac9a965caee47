//! Rules that hold crate by crate, so that a new rule can be switched on for those that obey it.

use crate::finding::Finding;
use crate::repository::Repository;
use crate::{imports, renames, type_size, vocabulary};

/// A rule about one crate at a time.
#[derive(Clone, Copy, Debug)]
pub struct CrateRule {
    /// The name for the command line.
    pub name: &'static str,
    /// Finds where the crate in a directory breaks the rule.
    pub check: fn(&Repository, &str) -> Vec<Finding>,
    /// The directories of the crates that the rule is about.
    pub crates: &'static [&'static str],
    /// Those of them that do not obey the rule yet.
    pub pending: &'static [&'static str],
}

/// The crates that hold state.
const STATEFUL: [&str; 8] = [
    "core",
    "driver",
    "embed",
    "rejoin",
    "signaling-server",
    "transports/vdo-ninja",
    "transports/webrtc",
    "transports/websocket",
];

/// Everything that people read.
const EVERYTHING: [&str; 26] = [
    ".ci",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "Cargo.toml",
    "README.md",
    "SECURITY.md",
    "bin",
    "config",
    "core",
    "demo",
    "docs",
    "driver",
    "embed",
    "policies",
    "rejoin",
    "signaling-server",
    "testkit/bench",
    "testkit/conformance",
    "testkit/fuzz",
    "testkit/interop",
    "testkit/lab",
    "testkit/tidy",
    "transports/handshake",
    "transports/vdo-ninja",
    "transports/webrtc",
    "transports/websocket",
];

/// Every rule that holds crate by crate.
pub const CRATE_RULES: [CrateRule; 5] = [
    CrateRule { name: "fields", check: type_size::crowded_structs, crates: &STATEFUL, pending: &[] },
    CrateRule { name: "impls", check: type_size::scattered_impls, crates: &STATEFUL, pending: &["core"] },
    CrateRule {
        name: "circles",
        check: imports::circles,
        crates: &[
            "core",
            "transports/vdo-ninja",
            "transports/webrtc",
            "transports/websocket",
            "signaling-server",
            "demo",
            "testkit/lab",
            "bin",
        ],
        pending: &[],
    },
    CrateRule { name: "words", check: vocabulary::banned_words, crates: &EVERYTHING, pending: &[] },
    CrateRule { name: "renames", check: renames::old_names, crates: &EVERYTHING, pending: &[] },
];

impl CrateRule {
    /// Returns the findings in crates that must obey, and one for each pending crate that obeys already.
    pub fn findings(&self, repository: &Repository) -> Vec<Finding> {
        let (pending, obeying): (Vec<&str>, Vec<&str>) =
            self.crates.iter().partition(|directory| self.pending.contains(directory));
        let broken = obeying.into_iter().flat_map(|directory| (self.check)(repository, directory));
        let obeyed = pending.into_iter().filter(|directory| (self.check)(repository, directory).is_empty());
        let remedy = format!("the crate obeys the rule `{}`; remove it from `pending`", self.name);
        broken.chain(obeyed.map(|directory| Finding::new(directory, 1, remedy.clone()))).collect()
    }

    /// Returns the findings in all crates, pending or not.
    pub fn all_findings(&self, repository: &Repository) -> Vec<Finding> {
        self.crates.iter().flat_map(|directory| (self.check)(repository, directory)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: CrateRule = CrateRule {
        name: "circles",
        check: |repository, directory| {
            let files = repository.rust_under(directory).filter(|file| file.text.contains("bad"));
            files.map(|file| Finding::new(&file.path, 1, "")).collect()
        },
        crates: &["a", "b"],
        pending: &["b"],
    };

    fn paths(a: &str, b: &str) -> Vec<String> {
        let repository = Repository::from_files([("a/c.rs", a), ("b/c.rs", b)]);
        RULE.findings(&repository).into_iter().map(|finding| finding.path).collect()
    }

    #[test]
    fn only_crates_that_are_not_pending_must_obey() {
        assert!(paths("good", "bad").is_empty());
        assert_eq!(paths("bad", "bad"), ["a/c.rs"]);
    }

    #[test]
    fn a_pending_crate_that_obeys_is_found() {
        assert_eq!(paths("good", "good"), ["b"]);
    }

    #[test]
    fn pending_crates_are_among_those_of_the_rule() {
        for rule in CRATE_RULES {
            assert!(rule.pending.iter().all(|directory| rule.crates.contains(directory)), "{}", rule.name);
        }
    }
}
