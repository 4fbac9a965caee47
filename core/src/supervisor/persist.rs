//! The delivery state that outlives the process: the store learns of every change before anything depends on it.

use std::time::Duration;

use crate::delivery::Cursor;
use crate::delivery::absent::Awaited;
use crate::delivery::durable::{Durability, PeerRecord};
use crate::delivery::link::DeliveryLink;
use crate::fault::Phase;
use crate::ice::Role;
use crate::id::PeerKey;
use crate::output::{Event, Output};
use crate::peer::link::PeerLink;
use crate::supervisor::Supervisor;

/// A peer that has two links to us has both again within this time, however long we wait for it.
const BOTH_LINKS_TIMEOUT: Duration = Duration::from_secs(60);

impl Supervisor {
    /// Restores what an earlier process kept; call it before any input.
    ///
    /// Messages for these peers are kept until they are back.
    pub fn restore(&mut self, peers: Vec<PeerRecord>) {
        let limit = self.context.peer_limit(Phase::RejoinPeerExpiry, Role::Offerer, 0, None);
        let now = self.context.now;
        let awaited = Awaited { preferred_until: now + BOTH_LINKS_TIMEOUT.min(limit), until: now + limit };
        for record in peers {
            let delivery_key = record.delivery_key.clone();
            let link = DeliveryLink::restored(record, self.context.outbox());
            self.context.absent.restore(delivery_key, link, awaited);
        }
        self.forget_absent();
    }

    /// Tells the store what it does not know yet of a link.
    pub(crate) fn store_link(&mut self, key: &PeerKey) {
        let Some(link) = self.peers.link(key) else { return };
        let is_new = link.delivery.stored_key().is_none();
        if is_new && link.delivery_key().is_some_and(|delivery_key| self.peers.is_stored(&delivery_key)) {
            return;
        }
        let changes = self.peers.store(key, PeerLink::store_changes);
        for change in changes.into_iter().flatten() {
            self.context.output(Output::StoreDelivery(change));
        }
    }

    /// Tells the store what it does not know yet of absent peers.
    pub(crate) fn store_absent(&mut self) {
        if self.context.settings.durability == Durability::Durable {
            for change in self.context.absent.changes() {
                self.context.output(Output::StoreDelivery(change));
            }
        }
    }

    /// Gives up the messages of absent peers that are too many or that have forgotten us; called when a message is sent
    /// or a peer leaves.
    pub(crate) fn forget_absent(&mut self) {
        for forgotten in self.context.absent.forget(self.context.now) {
            self.context.output(Output::StoreDelivery(forgotten.change));
            if forgotten.messages > 0 {
                let peer = Some(forgotten.peer);
                self.context.event(Event::Dropped { peer, messages: forgotten.messages });
            }
        }
    }

    /// The application has the message at `position` and all before it.
    pub(crate) fn confirm(&mut self, from: &PeerKey, position: Cursor) {
        let context = &mut self.context;
        match self.peers.link_mut(from) {
            Some(link) => {
                link.delivery.confirm(position, context.now);
                link.schedule_delivery(context);
            }
            None => context.absent.confirm(position, context.now),
        }
    }
}
