//! Names that have one owner each, where an owner has at most one name.

use std::collections::BTreeMap;

/// Maps names to owners and back.
#[derive(Debug)]
pub(crate) struct Claims<K> {
    by_name: BTreeMap<String, K>,
    by_owner: BTreeMap<K, String>,
}

/// The result of claiming a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    Granted,
    /// The claimant had this name already.
    Repeated,
    /// The claimant has another name.
    HasAnother,
    /// The name has another owner.
    Taken,
}

impl<K: Copy + Ord> Claims<K> {
    pub(crate) fn new() -> Self {
        Self { by_name: BTreeMap::new(), by_owner: BTreeMap::new() }
    }

    pub(crate) fn claim(&mut self, name: &str, owner: K) -> Claim {
        match self.by_owner.get(&owner) {
            Some(current) if current == name => Claim::Repeated,
            Some(_) => Claim::HasAnother,
            None if self.by_name.contains_key(name) => Claim::Taken,
            None => {
                self.by_name.insert(name.to_owned(), owner);
                self.by_owner.insert(owner, name.to_owned());
                Claim::Granted
            }
        }
    }

    /// Frees the name of an owner and returns it.
    pub(crate) fn release(&mut self, owner: K) -> Option<String> {
        let name = self.by_owner.remove(&owner)?;
        self.by_name.remove(&name);
        Some(name)
    }

    pub(crate) fn owner_of(&self, name: &str) -> Option<K> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn name_of(&self, owner: K) -> Option<&str> {
        self.by_owner.get(&owner).map(String::as_str)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether both maps agree and `is_owner` holds for every owner.
    #[cfg(test)]
    pub(crate) fn is_consistent(&self, is_owner: impl Fn(&K) -> bool) -> bool {
        self.by_name.len() == self.by_owner.len()
            && self
                .by_owner
                .iter()
                .all(|(owner, name)| is_owner(owner) && self.by_name.get(name) == Some(owner))
    }
}
