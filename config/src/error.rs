//! The errors of a configuration: the layer, the key, and how to fix it.

use std::io;
use std::path::PathBuf;

use crate::renamed_keys;

/// A mistake in a configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file could not be read.
    #[error("{} cannot be read ({source}); check its name and its permissions", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A page is not valid TOML.
    #[error("line {line} of {layer} is not valid TOML: {problem}")]
    Malformed {
        /// The page.
        layer: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// An assignment lacks its key or its value.
    #[error("--set \"{key}\" assigns nothing; write it as key=value, such as backoff.use=constant")]
    Unassigned {
        /// What was given in place of an assignment.
        key: String,
    },
    /// An unknown key.
    #[error("{key} in {layer}: there is no such key; {}", suggestion(key, known))]
    UnknownKey {
        /// Where it was found.
        layer: String,
        /// The key.
        key: String,
        /// The keys that could stand in its place.
        known: Vec<String>,
    },
    /// An unknown name.
    #[error("{key} in {layer}: no {what} is called \"{name}\"; {}", suggestion(name, known))]
    UnknownName {
        /// Where it was found.
        layer: String,
        /// The key that holds it.
        key: String,
        /// What it should name.
        what: String,
        /// The name.
        name: String,
        /// The known names.
        known: Vec<String>,
    },
    /// A value that does not fit its key.
    #[error("{key} in {layer}: {problem}")]
    Invalid {
        /// Where it was found.
        layer: String,
        /// The key.
        key: String,
        /// What is wrong and how to fix it.
        problem: String,
    },
}

/// Lists the known names, after the one that the last level of `name` probably means.
fn suggestion(name: &str, known: &[String]) -> String {
    let name = name.rsplit('.').next().unwrap_or(name);
    let distance = |candidate: &String| strsim::damerau_levenshtein(name, candidate);
    // At most a third of the letters may differ; beyond that it is another word.
    let close = |candidate: &&String| distance(candidate) <= (candidate.chars().count() / 3).max(1);
    let renamed = renamed_keys::new_name(name).and_then(|new| known.iter().find(|known| *known == new));
    let meant = renamed.or_else(|| known.iter().filter(close).min_by_key(|candidate| distance(candidate)));
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    meant.map_or_else(
        || format!("known: {known}"),
        |meant| format!("did you mean \"{meant}\"? known: {known}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn suggests_the_closest_name() {
        let text = suggestion("exponental", &known(&["constant", "exponential"]));
        assert_eq!(text, "did you mean \"exponential\"? known: constant, exponential");
    }

    #[test]
    fn suggests_the_new_name_of_a_renamed_key_where_it_is_known() {
        let text = suggestion("network.netlink.window", &known(&["debounce", "windows"]));
        assert_eq!(text, "did you mean \"debounce\"? known: debounce, windows");
        assert_eq!(suggestion("window", &known(&["interval"])), "known: interval");
    }

    #[test]
    fn suggests_nothing_for_another_word() {
        assert_eq!(suggestion("banana", &known(&["constant"])), "known: constant");
    }

    #[test]
    fn looks_at_the_last_level_of_a_key() {
        assert_eq!(
            suggestion("backoff.exponential.bas", &known(&["base"])),
            "did you mean \"base\"? known: base"
        );
    }
}
