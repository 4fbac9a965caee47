//! A look-up of links by something that each of them may have.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use crate::id::{Direction, PeerKey};

/// The links that have a value, in the order of their keys; a link may have a value several times.
#[derive(Debug)]
pub(crate) struct Lookup<T>(HashMap<T, BTreeMap<PeerKey, u8>>);

impl<T: Clone + Eq + Hash> Lookup<T> {
    /// Updates a link from the value that it `had` to the one that it `has`.
    pub(crate) fn update(&mut self, key: &PeerKey, had: &mut Option<T>, has: Option<&T>) {
        if had.as_ref() == has {
            return;
        }
        if let Some(old) = had.take()
            && let Some(keys) = self.0.get_mut(&old)
        {
            match keys.get_mut(key) {
                Some(times) if *times > 1 => *times -= 1,
                Some(_) | None => _ = keys.remove(key),
            }
            if keys.is_empty() {
                self.0.remove(&old);
            }
        }
        if let Some(new) = has {
            *self.0.entry(new.clone()).or_default().entry(key.clone()).or_default() += 1;
            *had = Some(new.clone());
        }
    }

    /// Returns the links that have `value`.
    pub(crate) fn all<'a>(&'a self, value: &T) -> impl Iterator<Item = &'a PeerKey> + use<'a, T> {
        self.0.get(value).into_iter().flat_map(BTreeMap::keys)
    }

    /// Returns the first link in this direction that has `value`.
    pub(crate) fn first(&self, value: &T, direction: Direction) -> Option<&PeerKey> {
        self.all(value).find(|key| key.direction == direction)
    }
}

impl<T> Default for Lookup<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_found_by_its_present_value_only() {
        let key = PeerKey { peer: "peer".into(), direction: Direction::Viewing };
        let (mut lookup, mut had) = (Lookup::default(), None);
        for value in [1, 2] {
            lookup.update(&key, &mut had, Some(&value));
            assert_eq!(lookup.first(&value, Direction::Viewing), Some(&key));
        }
        assert_eq!((lookup.all(&1).count(), lookup.first(&2, Direction::Publishing)), (0, None));
    }

    #[test]
    fn a_value_that_a_link_has_twice_is_found_until_it_has_neither() {
        let key = PeerKey { peer: "peer".into(), direction: Direction::Viewing };
        let (mut lookup, mut had) = (Lookup::default(), [None, None]);
        had.iter_mut().for_each(|had| lookup.update(&key, had, Some(&1)));
        for (had, links) in had.iter_mut().zip([1, 0]) {
            lookup.update(&key, had, None);
            assert_eq!(lookup.all(&1).count(), links);
        }
        assert!(lookup.0.is_empty());
    }
}
