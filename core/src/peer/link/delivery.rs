//! The side of delivery that a peer link does: it carries the frames and reports what they mean.

use crate::delivery::absent::AbsentState;
use crate::delivery::durable::{DeliveryKey, StoreChange};
use crate::delivery::link::{DeliveryLink, NewMessage, Next, Rejection};
use crate::delivery::{DeliveryFrame, LARGEST_MESSAGE, LARGEST_SLICE};
use crate::fault::Fault;
use crate::id::{Direction, Generation, StreamId};
use crate::message::{ChannelMessage, Payload};
use crate::output::{Event, Output, Warning};
use crate::peer::link::PeerLink;
use crate::port::PeerAction;
use crate::supervisor::context::Context;
use crate::supervisor::timers::Timer;

impl PeerLink {
    /// Returns the delivery state of a new link: what is kept of an absent publisher, or an empty state.
    ///
    /// The identity of a viewer is not known before its hello.
    pub(super) fn delivery_for(
        direction: Direction,
        stream: &StreamId,
        context: &mut Context,
    ) -> DeliveryLink {
        let absent = match direction {
            Direction::Viewing => context.absent.take(&DeliveryKey::Publisher { stream: stream.clone() }),
            Direction::Publishing => None,
        };
        match absent {
            Some(AbsentState::Link(link)) => link,
            Some(AbsentState::Position(inbox)) => {
                let mut link = DeliveryLink::new(context.outbox(), context.settings.durability);
                link.replace_inbox(inbox);
                link
            }
            None => DeliveryLink::new(context.outbox(), context.settings.durability),
        }
    }

    /// Sends a message, or keeps it while the path is broken or suspect.
    pub(crate) fn send(&mut self, payload: Payload, context: &mut Context) {
        let bytes = payload.len();
        match self.delivery.send(payload, context.settings.when_full) {
            Ok(dropped) => {
                self.report_dropped(dropped, context);
                self.flush(context);
            }
            Err(Rejection::TooLarge) => self.report_too_large(bytes, LARGEST_MESSAGE, context),
            Err(Rejection::Full) => self.report_dropped(1, context),
        }
    }

    fn report_too_large(&self, bytes: usize, limit: usize, context: &mut Context) {
        context.warn(Warning::TooLarge { bytes, limit });
        self.report_dropped(1, context);
    }

    pub(crate) fn report_dropped(&self, messages: u64, context: &mut Context) {
        if messages > 0 {
            context.event(Event::Dropped { peer: Some(self.connectivity.remote.key.clone()), messages });
        }
    }

    /// Returns whether the peer announced delivery on the connection in use.
    pub(crate) fn delivers(&self) -> bool {
        let active = self.connectivity.connections.active.as_ref();
        active.is_some_and(|active| self.delivery.delivers(active.generation))
    }

    /// Returns whether the channel accepts more, and half of either bound of the outbox is free.
    pub(crate) fn keeps_up(&self) -> bool {
        self.connectivity.connections.active.as_ref().is_none_or(|active| active.writable)
            && !self.delivery.is_half_full()
    }

    /// Continues delivery over a connection that has just become the one in use.
    ///
    /// A client without delivery that has taken the place of a rejoin peer is a foreign peer from here on.
    pub(crate) fn switch_delivery(&mut self) {
        if self.connectivity.remote.is_rejoin()
            && self.connectivity.connections.active.as_ref().is_some_and(|active| !active.is_rejoin)
        {
            self.connectivity.remote.hello.rejoin = None;
            self.delivery.forget_sender();
        }
        self.delivery.resume();
    }

    /// Sends the messages that wait, oldest first, if the path is believed to work.
    pub(crate) fn flush(&mut self, context: &mut Context) {
        // a path of poor quality still works
        let broken =
            self.connectivity.repair.outage.as_ref().is_some_and(|outage| outage.fault != Fault::QualityPoor);
        if broken || self.connectivity.health.suspect {
            return;
        }
        let active = self
            .connectivity
            .connections
            .active
            .as_ref()
            .filter(|active| active.channel_open && active.writable);
        let Some(generation) = active.map(|active| active.generation) else { return };
        while let Some(next) = self.delivery.next_frame(generation, context.now) {
            let (tag, message) = match next {
                Next::Frame { sequence, frame } => (sequence, ChannelMessage::Delivery(frame)),
                Next::Plain { sequence, payload } => (sequence, ChannelMessage::Application(payload)),
                Next::TooLarge { bytes } => {
                    self.report_too_large(bytes, LARGEST_SLICE, context);
                    continue;
                }
            };
            context.peer(generation, PeerAction::Send { tag, message });
        }
        self.schedule_delivery(context);
    }

    /// Takes back a message that the full channel returned.
    pub(crate) fn unsent(
        &mut self,
        generation: Generation,
        tag: u64,
        message: ChannelMessage,
        context: &mut Context,
    ) {
        if let Some(connection) = self.connectivity.connections.by_generation_mut(generation) {
            connection.writable = false;
        }
        match message {
            ChannelMessage::Application(payload) => {
                let dropped = self.delivery.restore(tag, payload);
                self.report_dropped(dropped, context);
            }
            ChannelMessage::Delivery(frame) => {
                self.delivery.on_unsent(&frame, context.now);
                self.schedule_delivery(context);
            }
            // an unsent ping is a missed ping; the peer that needs one of the others repeats it
            ChannelMessage::Hello(_)
            | ChannelMessage::Ping(_)
            | ChannelMessage::Pong(_)
            | ChannelMessage::Bye
            | ChannelMessage::Signaling(_)
            | ChannelMessage::Ignored => {}
        }
    }

    pub(crate) fn writable(&mut self, generation: Generation, context: &mut Context) {
        if let Some(connection) = self.connectivity.connections.by_generation_mut(generation) {
            connection.writable = true;
        }
        self.flush(context);
    }

    /// Reports a frame of the peer to the application.
    pub(crate) fn on_frame(&mut self, frame: DeliveryFrame, generation: Generation, context: &mut Context) {
        let received = self.delivery.on_frame(frame, generation, context.now);
        if received.missed > 0 {
            context.event(Event::Missed { from: self.peer(), messages: received.missed });
        }
        if received.is_malformed {
            let reason = "parts add up to no JSON value; update both peers".to_owned();
            context.warn(Warning::MalformedMessage { peer: self.connectivity.remote.key.clone(), reason });
        }
        if let Some(NewMessage { payload, position }) = received.message {
            context.event(Event::Received { from: self.peer(), payload, position });
        }
        self.schedule_delivery(context);
    }

    /// A deadline of delivery has passed.
    pub(crate) fn delivery_due(&mut self, context: &mut Context) {
        let active = self.connectivity.connections.active.as_ref();
        let up_since = self.connectivity.repair.outage.is_none().then_some(self.connectivity.health.up_since);
        let in_use = active.map(|active| active.generation);
        let due = self.delivery.on_timeout(context.now, in_use, up_since);
        if let (Some(active), Some(acknowledgement)) = (active, due.acknowledgement) {
            active.send(ChannelMessage::Delivery(acknowledgement), context);
        }
        if due.unacknowledged > 0 {
            let peer = self.connectivity.remote.key.clone();
            context.warn(Warning::Unacknowledged { peer, messages: due.unacknowledged });
        }
        self.schedule_delivery(context);
    }

    /// Sets the timer of this link to the next deadline of delivery.
    pub(crate) fn schedule_delivery(&self, context: &mut Context) {
        let timer = Timer::Delivery(self.connectivity.remote.key.clone());
        match self.delivery.poll_timeout() {
            Some(at) => context.timers.set(timer, context.now, at.saturating_duration_since(context.now)),
            None => context.timers.clear(&timer),
        }
    }

    // ---- what outlives the link

    /// Returns the key of the peer; `None` for a viewer without an identity.
    pub(crate) fn delivery_key(&self) -> Option<DeliveryKey> {
        let stream = self.connectivity.remote.stream.clone();
        if let Some(delivery_key) = self.delivery.stored_key() {
            return Some(delivery_key.clone());
        }
        match self.connectivity.remote.key.direction {
            Direction::Viewing => Some(DeliveryKey::Publisher { stream }),
            Direction::Publishing => self.identity().map(|identity| DeliveryKey::Viewer { identity, stream }),
        }
    }

    /// Returns the changes that a store must learn: always about a publisher, about a viewer once it announced delivery.
    pub(crate) fn store_changes(&mut self) -> Vec<StoreChange> {
        let is_stored =
            self.connectivity.remote.key.direction == Direction::Viewing || self.delivery.has_announced();
        let Some(key) = self.delivery_key().filter(|_| is_stored) else { return Vec::new() };
        self.delivery.changes(&key, self.identity(), self.connectivity.remote.hello.label.as_deref())
    }

    /// Continues with what was kept while this viewer was absent.
    pub(crate) fn take_up(&mut self, absent: AbsentState) {
        match absent {
            AbsentState::Link(link) => self.delivery = link,
            AbsentState::Position(inbox) => self.delivery.replace_inbox(inbox),
        }
    }

    /// Makes the store forget this link, which ends.
    pub(crate) fn discard(&mut self, context: &mut Context) {
        if let Some(change) = self.delivery.discard() {
            context.output(Output::StoreDelivery(change));
        }
    }

    /// Reports the messages that may not have arrived as dropped, unless they outlive the link; called before it ends.
    pub(crate) fn report_undelivered(&self, context: &mut Context) {
        if self.delivery.stored_key().is_some() {
            return;
        }
        let unknown = self.connectivity.repair.outage.is_some() || self.delivers();
        let lost = if unknown { self.delivery.kept() } else { self.delivery.unsent() };
        self.report_dropped(lost, context);
    }
}
