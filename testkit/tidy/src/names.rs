//! Rules about names of types and functions.

use crate::finding::{Finding, View, words};
use crate::repository::Repository;

/// Endings that say that something is there and not what it is.
const EMPTY_ENDINGS: [&str; 12] = [
    "Manager", "Handler", "Service", "Util", "Utils", "Helper", "Helpers", "Impl", "Data", "Info",
    "Managers", "Handlers",
];
const KINDS: [&str; 5] = ["struct ", "enum ", "trait ", "union ", "type "];

/// Finds public types whose names end in a word that fits anything.
pub fn empty_type_names(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in repository.rust() {
        for (number, line) in (1..).zip(file.product.lines()) {
            let ending = declared_type(line)
                .and_then(|name| EMPTY_ENDINGS.into_iter().find(|ending| name.ends_with(ending)));
            if let Some(ending) = ending {
                let remedy = format!("a type is a noun that could be drawn; find one without `{ending}`");
                findings.push(Finding::new(&file.path, number, remedy));
            }
        }
    }
    findings
}

/// Finds functions called `get_` something.
pub fn getters_called_get(repository: &Repository) -> Vec<Finding> {
    let remedy = "name a getter after what it returns";
    repository.rust().flat_map(|file| words(file, View::Code, &["fn get_"], remedy)).collect()
}

/// Returns the name of the public type that a line declares.
///
/// Private mirrors of a wire may keep the wire's words.
fn declared_type(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("pub")?;
    let declaration = match rest.strip_prefix('(') {
        Some(visibility) => visibility.split_once(')')?.1,
        None => rest,
    };
    let declaration = declaration.trim_start();
    let name = KINDS.iter().find_map(|kind| declaration.strip_prefix(kind))?;
    name.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(rule: fn(&Repository) -> Vec<Finding>, text: &str) -> usize {
        rule(&Repository::from_files([("a/src/b.rs", text)])).len()
    }

    #[test]
    fn every_empty_ending_is_found() {
        for ending in EMPTY_ENDINGS {
            assert_eq!(count(empty_type_names, &format!("pub struct Peer{ending}<T> {{}}")), 1, "{ending}");
        }
    }

    #[test]
    fn every_kind_of_type_is_found() {
        for kind in KINDS {
            assert_eq!(count(empty_type_names, &format!("pub(crate) {kind}PeerManager;")), 1, "{kind}");
        }
    }

    #[test]
    fn uses_and_longer_words_are_free() {
        assert_eq!(
            count(
                empty_type_names,
                "pub use x::PeerHandler;\nimpl y::Handler for B {}\npub struct Metadata;"
            ),
            0
        );
    }

    #[test]
    fn a_get_is_found() {
        assert_eq!(count(getters_called_get, "pub fn get_peer() {}"), 1);
        assert_eq!(count(getters_called_get, "fn gather() { map.get_mut(); }"), 0);
    }
}
