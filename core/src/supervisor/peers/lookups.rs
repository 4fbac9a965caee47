//! The look-ups of links by what they have.

use crate::delivery::durable::DeliveryKey;
use crate::id::{Generation, Identity, PeerKey, SessionId, SignalingAddress};
use crate::peer::link::PeerLink;
use crate::supervisor::lookup::Lookup;

/// The look-ups, and counts of the links with a property.
#[derive(Debug, Default)]
pub(crate) struct Lookups {
    pub(crate) generations: Lookup<Generation>,
    pub(crate) sessions: Lookup<SessionId>,
    pub(crate) identities: Lookup<Identity>,
    /// Links without a label are found under "".
    pub(crate) labels: Lookup<String>,
    /// Links that the delivery store has.
    pub(crate) stored: Lookup<DeliveryKey>,
    /// How many links are connected.
    pub(crate) connected: usize,
    /// How many connected links keep up with what we send.
    pub(crate) keeping_up: usize,
}

/// What the look-ups hold of one link.
#[derive(Debug, Default)]
pub(crate) struct Indexed {
    /// Of the candidate, the active connection and the spare.
    generations: [Option<Generation>; 3],
    /// Of the candidate, the active connection and the one that was closed last.
    sessions: [Option<SessionId>; 3],
    address: Option<SignalingAddress>,
    identity: Option<Identity>,
    label: Option<String>,
    stored: Option<DeliveryKey>,
    is_connected: bool,
    keeps_up: bool,
}

impl Lookups {
    /// Brings what is `indexed` of a link up to date.
    pub(crate) fn update(
        &mut self,
        key: &PeerKey,
        indexed: &mut Indexed,
        link: &PeerLink,
        addresses: &mut Lookup<SignalingAddress>,
    ) {
        let (candidate, active) =
            (link.connectivity.connections.candidate.as_ref(), link.connectivity.connections.active.as_ref());
        let generations = [candidate, active, link.connectivity.connections.spare.connection()]
            .map(|one| one.map(|one| one.generation));
        if indexed.generations != generations {
            for (had, has) in indexed.generations.iter_mut().zip(&generations) {
                self.generations.update(key, had, has.as_ref());
            }
        }
        let last = link.connectivity.connections.last_closed_session.as_ref();
        let sessions = [candidate.map(|one| &one.session), active.map(|one| &one.session), last];
        if indexed.sessions.each_ref().map(Option::as_ref) != sessions {
            for (had, has) in indexed.sessions.iter_mut().zip(sessions) {
                self.sessions.update(key, had, has);
            }
        }
        addresses.update(key, &mut indexed.address, link.connectivity.remote.address.as_ref());
        self.identities.update(key, &mut indexed.identity, link.identity().as_ref());
        let label = link.connectivity.remote.hello.label.as_deref().unwrap_or_default();
        if indexed.label.as_deref() != Some(label) {
            self.labels.update(key, &mut indexed.label, Some(&label.to_owned()));
        }
        self.update_stored(key, indexed, link);
        let is_connected = link.connectivity.health.ever_up && link.connectivity.repair.outage.is_none();
        self.count(indexed, is_connected, is_connected && link.keeps_up());
    }

    /// Brings the key under which the store has a link up to date.
    pub(crate) fn update_stored(&mut self, key: &PeerKey, indexed: &mut Indexed, link: &PeerLink) {
        self.stored.update(key, &mut indexed.stored, link.delivery.stored_key());
    }

    /// Removes what is `indexed` of a link.
    pub(crate) fn remove(
        &mut self,
        key: &PeerKey,
        mut indexed: Indexed,
        addresses: &mut Lookup<SignalingAddress>,
    ) {
        for generation in &mut indexed.generations {
            self.generations.update(key, generation, None);
        }
        for session in &mut indexed.sessions {
            self.sessions.update(key, session, None);
        }
        addresses.update(key, &mut indexed.address, None);
        self.identities.update(key, &mut indexed.identity, None);
        self.labels.update(key, &mut indexed.label, None);
        self.stored.update(key, &mut indexed.stored, None);
        self.count(&mut indexed, false, false);
    }

    fn count(&mut self, indexed: &mut Indexed, is_connected: bool, keeps_up: bool) {
        let was_connected = std::mem::replace(&mut indexed.is_connected, is_connected);
        self.connected = self.connected + usize::from(is_connected) - usize::from(was_connected);
        let kept_up = std::mem::replace(&mut indexed.keeps_up, keeps_up);
        self.keeping_up = self.keeping_up + usize::from(keeps_up) - usize::from(kept_up);
    }
}
