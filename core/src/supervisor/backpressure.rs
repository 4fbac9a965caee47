//! Whether there is room for another message, and whether peers make some by acknowledging what they got.

use std::time::Duration;

use crate::delivery::WhenFull;
use crate::id::{Identity, PeerKey};
use crate::input::Recipient;
use crate::message::Payload;
use crate::output::Warning;
use crate::peer::link::PeerLink;
use crate::supervisor::Supervisor;
use crate::supervisor::absent::OutgoingMessage;
use crate::supervisor::context::Context;
use crate::supervisor::timers::Timer;

/// How long a peer may acknowledge nothing over a connection that works; the largest message takes as long
/// at 300 kbit/s.
const ACKNOWLEDGEMENT_LIMIT: Duration = Duration::from_secs(30);

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
                let crowded = chosen.find(|link| !link.delivery.outbox.can_accept(payload.len()));
                let absent = || self.context.absent.crowded(&self.post(to, payload), |who| self.is_here(who));
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

impl PeerLink {
    /// Returns whether the channel takes more, and half of either bound is free.
    pub(crate) fn keeps_up(&self) -> bool {
        self.connectivity.connections.active.as_ref().is_none_or(|active| active.writable)
            && !self.delivery.outbox.is_half_full()
    }

    /// Begins to wait for the peer's next acknowledgement, if it owes one.
    pub(crate) fn expect_acknowledgement(&self, context: &mut Context) {
        if self.delivers() && !self.delivery.outbox.is_empty() {
            let timer = Timer::Unacknowledged(self.connectivity.remote.key.clone());
            context.timers.set_if_unset(timer, context.now, ACKNOWLEDGEMENT_LIMIT);
        }
    }

    /// Notes how far the peer has come in what we send.
    pub(crate) fn has_come_to(&mut self, through: u64, context: &mut Context) {
        if self.delivery.outbox.acknowledge(through) {
            context.timers.clear(&Timer::Unacknowledged(self.connectivity.remote.key.clone()));
            self.expect_acknowledgement(context);
        }
    }

    /// The peer has acknowledged nothing for long: tells it unless an outage explains it, and waits on.
    pub(crate) fn unacknowledged(&mut self, context: &mut Context) {
        let up_for = context.now.saturating_duration_since(self.connectivity.health.up_since);
        let up = self.connectivity.repair.outage.is_none() && up_for >= ACKNOWLEDGEMENT_LIMIT;
        if up && self.delivers() && !self.delivery.outbox.is_empty() {
            let (peer, messages) = (self.connectivity.remote.key.clone(), self.delivery.outbox.len());
            context.warn(Warning::Unacknowledged { peer, messages });
        }
        self.expect_acknowledgement(context);
    }
}
