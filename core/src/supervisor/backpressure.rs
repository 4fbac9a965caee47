//! Whether there is room for another message, and whether peers make some by acknowledging what they got.

use crate::delivery::WhenFull;
use crate::delivery::absent::OutgoingMessage;
use crate::id::{Identity, PeerKey};
use crate::input::Recipient;
use crate::message::Payload;
use crate::supervisor::Supervisor;

impl Supervisor {
    /// Returns whether another message is welcome: some connected peer keeps up, or none is connected.
    ///
    /// A full channel gives back what it is handed, so whoever sends waits for the channel and not only for the outbox.
    /// The fastest peer sets the pace; slower ones lose their oldest messages and are told.
    /// A peer that is away slows nobody down either, and nothing does unless messages are to wait.
    pub fn can_accept(&self) -> bool {
        match self.context.settings.when_full {
            WhenFull::Wait => self.peers.can_accept(),
            WhenFull::DropOldest | WhenFull::Refuse => true,
        }
    }

    /// Returns a peer for which a message would be refused, if there is one.
    pub fn refuses(&self, to: &Recipient, payload: &Payload) -> Option<PeerKey> {
        match self.context.settings.when_full {
            WhenFull::Wait | WhenFull::DropOldest => None,
            WhenFull::Refuse => {
                let mut chosen = self.chosen(to).into_iter();
                let crowded = chosen.find(|link| !link.delivery.can_accept(payload.len()));
                let absent =
                    || self.context.absent.full_peer(&self.post(to, payload), |who| self.is_here(who));
                crowded.map(|link| link.connectivity.remote.key.clone()).or_else(absent)
            }
        }
    }

    fn post<'a>(&'a self, to: &'a Recipient, payload: &'a Payload) -> OutgoingMessage<'a> {
        OutgoingMessage { to, payload, streams: &self.intent.streams, now: self.context.now }
    }

    fn is_here(&self, identity: Identity) -> bool {
        self.peers.by_identity(identity).next().is_some()
    }
}
