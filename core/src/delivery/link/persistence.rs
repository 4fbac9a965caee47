//! What outlives a delivery link: what its store must learn, and how it continues in another link or process.

use std::collections::BTreeMap;

use crate::delivery::durability::Durability;
use crate::delivery::durable::{DeliveryKey, PeerRecord, PeerState, PersistedState, StoreChange};
use crate::delivery::frame::Cursor;
use crate::delivery::inbox::Inbox;
use crate::delivery::link::DeliveryLink;
use crate::delivery::outbox::Outbox;
use crate::delivery::reassembly::Reassembly;
use crate::id::Identity;

impl DeliveryLink {
    /// Restores what a store has of a link; `outbox` is empty and names the bounds.
    pub(crate) fn restored(record: PeerRecord, outbox: Outbox) -> Self {
        let PeerRecord { delivery_key, state, kept } = record;
        let outbox = outbox.restored(&state, kept);
        let inbox = Inbox::restored(state.received);
        let persisted = PersistedState::restored(delivery_key, state, &outbox);
        Self { inbox, persisted, ..Self::new(outbox, Durability::Durable) }
    }

    /// Continues with a position that outlived another link to the same peer.
    pub(crate) fn replace_inbox(&mut self, inbox: Inbox) {
        self.inbox = inbox;
    }

    /// Returns what remains when the link has lost its connections for good.
    pub(crate) fn detached(self) -> Self {
        let (reassembly, epochs) = (Reassembly::default(), BTreeMap::new());
        Self { reassembly, epochs, acknowledge_at: None, acknowledgement_expected_at: None, ..self }
    }

    /// Returns what remains when the messages for the peer are given up.
    pub(crate) fn into_inbox(self) -> Inbox {
        self.inbox
    }

    /// Returns the key under which the store has this link; `None` if the store has nothing of it.
    pub(crate) fn stored_key(&self) -> Option<&DeliveryKey> {
        self.persisted.delivery_key()
    }

    /// Returns what the store knows of the peer.
    pub(crate) fn stored_state(&self) -> Option<&PeerState> {
        self.persisted.state()
    }

    /// Returns our position in what the peer sends; `None` before its first hello.
    pub(crate) fn received(&self) -> Option<Cursor> {
        self.inbox.cursor()
    }

    /// Returns whether the peer has ever announced delivery, to this process or to an earlier one.
    pub(crate) fn has_announced(&self) -> bool {
        self.durability.is_some() || self.stored_state().is_some()
    }

    /// Returns how long the peer keeps its position.
    pub(crate) fn peer_durability(&self) -> Durability {
        let stored = self.stored_state().map(|state| state.durability);
        self.durability.or(stored).unwrap_or_default()
    }

    /// Returns the changes that the store must learn, under `key` if it knows nothing of this link yet.
    ///
    /// `identity` and `label` are those of the peer; `None` leaves what is stored.
    pub(crate) fn changes(
        &mut self,
        key: &DeliveryKey,
        identity: Option<Identity>,
        label: Option<&str>,
    ) -> Vec<StoreChange> {
        let stored = self.stored_state();
        let state = PeerState {
            identity: identity.or_else(|| stored?.identity),
            label: label.map(str::to_owned).or_else(|| stored?.label.clone()),
            durability: self.peer_durability(),
            epoch: self.outbox.epoch(),
            newest: self.outbox.newest(),
            acknowledged: self.outbox.acked_through(),
            received: self.inbox.cursor(),
        };
        let key = self.stored_key().unwrap_or(key).clone();
        self.persisted.changes(&key, state, &mut self.outbox)
    }

    /// Makes the store forget this link; returns the change that does so, if the store has anything of it.
    pub(crate) fn discard(&mut self) -> Option<StoreChange> {
        let delivery_key = std::mem::take(&mut self.persisted).delivery_key().cloned()?;
        Some(StoreChange::Forgotten { delivery_key })
    }

    /// Returns the numbers of the messages that are kept for the peer.
    #[cfg(test)]
    pub(crate) fn kept_numbers(&self) -> Vec<u64> {
        self.outbox.kept(0..u64::MAX).map(|(sequence, _)| sequence).collect()
    }
}
