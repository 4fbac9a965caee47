//! The links to peers, found by name, connection, session, address, identity or label at a cost that does not grow with
//! their number.

mod lookups;

use std::collections::{BTreeSet, HashMap};

use crate::delivery::durable::{DeliveryKey, Durability};
use crate::id::{Direction, Generation, Identity, PeerKey, SessionId, SignalingAddress};
use crate::peer::link::PeerLink;
use crate::supervisor::context::Context;
use crate::supervisor::internal_event::InternalEvent;
use crate::supervisor::peers::lookups::{Indexed, Lookups};

/// Peers served at once; strangers cannot make us open more connections than that.
pub(crate) const MOST_PEERS: usize = 512;

/// The links to peers.
///
/// The look-ups know a link as it was at the last [`settle`](Self::settle), which follows every input.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    links: HashMap<PeerKey, (PeerLink, Indexed)>,
    order: BTreeSet<PeerKey>,
    lookups: Lookups,
    /// Links that may have changed since the last settlement.
    dirty: Vec<PeerKey>,
}

impl Peers {
    pub(crate) fn link(&self, key: &PeerKey) -> Option<&PeerLink> {
        self.links.get(key).map(|(link, _)| link)
    }

    pub(crate) fn link_mut(&mut self, key: &PeerKey) -> Option<&mut PeerLink> {
        let (link, _) = self.links.get_mut(key)?;
        if self.dirty.last() != Some(key) {
            self.dirty.push(key.clone());
        }
        Some(link)
    }

    pub(crate) fn contains(&self, key: &PeerKey) -> bool {
        self.links.contains_key(key)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.links.len() >= MOST_PEERS
    }

    /// Adds a link under its key.
    pub(crate) fn insert(&mut self, link: PeerLink) {
        let key = link.connectivity.remote.key.clone();
        self.dirty.push(key.clone());
        self.order.insert(key.clone());
        self.links.insert(key, (link, Indexed::default()));
    }

    pub(crate) fn remove(&mut self, key: &PeerKey, context: &mut Context) -> Option<PeerLink> {
        let (link, indexed) = self.links.remove(key)?;
        self.order.remove(key);
        self.lookups.remove(key, indexed, &mut context.addresses);
        // a link that shares the identity may take over what was stored
        if let Some(identity) = link.identity() {
            self.dirty.extend(self.lookups.identities.all(&identity).cloned());
        }
        Some(link)
    }

    /// Returns the keys of all links, in order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &PeerKey> {
        self.order.iter()
    }

    /// Returns all links in the order of their keys.
    pub(crate) fn values(&self) -> impl Iterator<Item = &PeerLink> {
        self.order.iter().filter_map(|key| self.link(key))
    }

    /// Passes every link to `act`, in the order of their keys.
    pub(crate) fn for_each(&mut self, mut act: impl FnMut(&mut PeerLink)) {
        for key in &self.order {
            if let Some((link, _)) = self.links.get_mut(key) {
                act(link);
            }
        }
        self.dirty.extend(self.order.iter().cloned());
    }

    // ---- look-ups

    /// Returns the link that a connection belongs to.
    pub(crate) fn by_generation(&self, generation: Generation) -> Option<&PeerKey> {
        self.lookups.generations.all(&generation).next()
    }

    /// Returns the first link in this direction that has this session.
    pub(crate) fn by_session(&self, direction: Direction, session: &SessionId) -> Option<&PeerKey> {
        self.lookups.sessions.first(session, direction)
    }

    /// Returns the links to the peer with this identity.
    pub(crate) fn by_identity(&self, identity: Identity) -> impl Iterator<Item = &PeerKey> {
        self.lookups.identities.all(&identity)
    }

    /// Returns the links that go by this name.
    pub(crate) fn named(&self, name: &str, context: &Context) -> Vec<&PeerLink> {
        let directions = [Direction::Publishing, Direction::Viewing];
        let own = directions.map(|direction| PeerKey { peer: name.into(), direction });
        let identity = name.parse().ok();
        let keys = (own.iter())
            .chain(context.addresses.all(&SignalingAddress(name.into())))
            .chain(identity.iter().flat_map(|identity| self.lookups.identities.all(identity)))
            .chain(self.lookups.labels.all(&name.to_owned()));
        let keys: BTreeSet<&PeerKey> = keys.collect();
        keys.into_iter().filter_map(|key| self.link(key)).filter(|link| link.is_called(name)).collect()
    }

    /// Returns the links whose label is one of `labels`.
    pub(crate) fn labelled(&self, labels: &[String]) -> Vec<&PeerLink> {
        let keys: BTreeSet<&PeerKey> =
            labels.iter().flat_map(|label| self.lookups.labels.all(label)).collect();
        keys.into_iter().filter_map(|key| self.link(key)).collect()
    }

    /// Returns whether some connected peer keeps up, or none is connected.
    pub(crate) fn can_accept(&self) -> bool {
        self.lookups.connected == 0 || self.lookups.keeping_up > 0
    }

    // ---- settlement

    /// Updates the look-ups, and raises an event for every link that the delivery store may have to know.
    pub(crate) fn settle(&mut self, context: &mut Context) {
        for key in self.dirty.drain(..) {
            if let Some((link, indexed)) = self.links.get_mut(&key) {
                self.lookups.update(&key, indexed, link, &mut context.addresses);
                if context.settings.durability == Durability::Durable {
                    context.raise(InternalEvent::LinkChanged(key));
                }
            }
        }
    }

    /// Returns whether the store has a link under this key.
    pub(crate) fn is_stored(&self, delivery_key: &DeliveryKey) -> bool {
        self.lookups.stored.all(delivery_key).next().is_some()
    }

    /// Passes a link to `store`, which changes nothing about it but what the store knows.
    pub(crate) fn store<T>(&mut self, key: &PeerKey, store: impl FnOnce(&mut PeerLink) -> T) -> Option<T> {
        let (link, indexed) = self.links.get_mut(key)?;
        let stored = store(link);
        self.lookups.update_stored(key, indexed, link);
        Some(stored)
    }

    /// Returns the first link.
    #[cfg(test)]
    pub(crate) fn first_mut(&mut self) -> &mut PeerLink {
        let key = self.keys().next().cloned().unwrap();
        self.link_mut(&key).unwrap()
    }
}
