//! What a peer link carries for the application: sent in order, kept until it has arrived where the peer says so.

use std::time::Duration;

use crate::delivery::{
    Arrival, DeliveryHello, LARGEST_MESSAGE, LARGEST_SLICE, Outgoing, Part, Reassembly, WhenFull,
};
use crate::fault::Fault;
use crate::id::{Direction, Generation};
use crate::message::{ChannelMessage, Hello, Payload, RejoinHello, SignalingMessage, is_json};
use crate::output::{Event, Warning};
use crate::peer::connection::Connection;
use crate::peer::link::PeerLink;
use crate::peer::spares::Spares;
use crate::port::PeerAction;
use crate::supervisor::context::Context;
use crate::supervisor::timers::Timer;

/// How long an acknowledgement waits for a message that could carry it.
const ACKNOWLEDGEMENT_DELAY: Duration = Duration::from_millis(25);

/// How many messages are acknowledged without that delay: a sixteenth of what a sender keeps by default, which at full
/// speed would be full sooner.
const ACKNOWLEDGED_AT_ONCE: u64 = 256;

impl PeerLink {
    /// Sends a message, or keeps it while the path is broken or in doubt.
    pub(crate) fn send(&mut self, payload: Payload, context: &mut Context) {
        if payload.len() > LARGEST_MESSAGE {
            return self.report_too_large(payload.len(), LARGEST_MESSAGE, context);
        }
        match context.settings.when_full {
            WhenFull::Wait | WhenFull::DropOldest => {}
            WhenFull::Refuse if self.delivery.outbox.can_accept(payload.len()) => {}
            WhenFull::Refuse => return self.report_dropped(1, context),
        }
        let dropped = self.delivery.outbox.push(payload);
        self.report_dropped(dropped, context);
        self.flush(context);
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

    /// Returns whether the peer on the connection in use acknowledges what it gets.
    pub(crate) fn delivers(&self) -> bool {
        self.connectivity.connections.active.as_ref().is_some_and(|active| active.epoch.is_some())
    }

    /// Moves the mail to a connection that has taken the place of another, or of none.
    ///
    /// What had gone out over the old one since the peer's hello on the new one may be lost with it, so whatever is
    /// not acknowledged goes out again.
    /// What a rejoin peer could do is forgotten when another kind of client has taken its place.
    pub(crate) fn move_mail(&mut self) {
        if self.connectivity.remote.is_rejoin()
            && self.connectivity.connections.active.as_ref().is_some_and(|active| !active.is_rejoin)
        {
            self.connectivity.remote.hello.rejoin = None;
            self.delivery.inbox.forget();
            self.delivery.reassembly = Reassembly::default();
        }
        self.delivery.outbox.resume(None);
    }

    /// Sends what waits, oldest first, if the path is believed to work.
    pub(crate) fn flush(&mut self, context: &mut Context) {
        // what works badly still works
        let broken =
            self.connectivity.repair.outage.as_ref().is_some_and(|outage| outage.fault != Fault::QualityPoor);
        if broken || self.connectivity.health.suspect {
            return;
        }
        let delivers = self.delivers();
        let Some(active) = self
            .connectivity
            .connections
            .active
            .as_ref()
            .filter(|active| active.channel_open && active.writable)
        else {
            return;
        };
        let acknowledged = self.delivery.inbox.cursor().map_or(0, |cursor| cursor.sequence);
        while let Some(outgoing) = self.delivery.outbox.next_outgoing() {
            let (tag, message) = match outgoing {
                Outgoing::Message { sequence, payload } if delivers => {
                    context.timers.clear(&Timer::Acknowledgement(self.connectivity.remote.key.clone()));
                    self.delivery.inbox.told();
                    (sequence, ChannelMessage::Numbered { sequence, acknowledged, payload })
                }
                Outgoing::Message { sequence, payload } => {
                    self.delivery.outbox.close_connection(sequence);
                    (sequence, ChannelMessage::Application(payload))
                }
                Outgoing::Part(part) if delivers => {
                    context.timers.clear(&Timer::Acknowledgement(self.connectivity.remote.key.clone()));
                    self.delivery.inbox.told();
                    (part.sequence, ChannelMessage::Part { acknowledged, part })
                }
                // nobody there puts it together
                Outgoing::Part(Part { sequence, total, .. }) => {
                    self.delivery.outbox.close_connection(sequence);
                    self.report_too_large(total, LARGEST_SLICE, context);
                    continue;
                }
                Outgoing::Gap { after, through } if delivers => {
                    (after, ChannelMessage::Gap { after, through })
                }
                // nobody there understands it
                Outgoing::Gap { .. } => continue,
            };
            context.peer(active.generation, PeerAction::Send { tag, message });
        }
        self.expect_acknowledgement(context);
    }

    /// Takes back a message for which the channel had no room.
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
                let dropped = self.delivery.outbox.restore(tag, payload);
                self.report_dropped(dropped, context);
            }
            ChannelMessage::Numbered { sequence, .. } => self.delivery.outbox.rewind(sequence),
            ChannelMessage::Part { part, .. } => self.delivery.outbox.rewind_into(part.sequence, part.offset),
            ChannelMessage::Gap { after, .. } => self.delivery.outbox.rewind(after.saturating_add(1)),
            ChannelMessage::Acknowledged { .. } => self.owe_acknowledgement(context),
            // a ping that finds no room is a missed ping; the rest is repeated by whoever needs it
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

    /// Reports what is not known to have arrived as lost, unless it outlives the link; called before the link ends.
    pub(crate) fn drop_mail(&mut self, context: &mut Context) {
        if self.delivery.persisted.delivery_key().is_some() {
            return;
        }
        let unknown = self.connectivity.repair.outage.is_some() || self.delivers();
        let lost = if unknown { self.delivery.outbox.len() } else { self.delivery.outbox.unsent() };
        self.report_dropped(lost, context);
    }

    // ---- what arrives

    /// A message of a peer that delivers.
    pub(crate) fn numbered(&mut self, generation: Generation, numbered: Numbered, context: &mut Context) {
        if !self.is_in_epoch(generation) {
            return;
        }
        let Numbered { sequence, acknowledged, payload } = numbered;
        self.has_come_to(acknowledged, context);
        self.complete(sequence, payload, context);
    }

    /// A part of a message of a peer that delivers.
    pub(crate) fn part(
        &mut self,
        generation: Generation,
        acknowledged: u64,
        part: &Part,
        context: &mut Context,
    ) {
        if !self.is_in_epoch(generation) {
            return;
        }
        self.has_come_to(acknowledged, context);
        if self.delivery.inbox.has(part.sequence) {
            return self.owe_acknowledgement(context);
        }
        match self.delivery.reassembly.add(generation, part) {
            Some(payload) if is_json(&payload.0) => self.complete(part.sequence, payload, context),
            // the peer's next number counts it as missed
            Some(_) => {
                let reason = "parts add up to no JSON value; update both peers".to_owned();
                context
                    .warn(Warning::MalformedMessage { peer: self.connectivity.remote.key.clone(), reason });
            }
            None => {}
        }
    }

    fn complete(&mut self, sequence: u64, payload: Payload, context: &mut Context) {
        let arrival = self.delivery.inbox.message(sequence);
        self.report_missing(arrival, context);
        if arrival.is_new {
            let position = self.delivery.inbox.position(sequence);
            context.event(Event::Received { from: self.peer(), payload, position });
        }
        self.owe_acknowledgement(context);
    }

    /// The peer had to drop messages.
    pub(crate) fn gap(&mut self, generation: Generation, after: u64, through: u64, context: &mut Context) {
        if self.is_in_epoch(generation) {
            self.delivery.reassembly.give_up(through);
            let arrival = self.delivery.inbox.gap(after, through);
            self.report_missing(arrival, context);
        }
    }

    /// The peer tells how far it has come.
    pub(crate) fn acknowledged(&mut self, through: u64, context: &mut Context) {
        if self.delivers() {
            self.has_come_to(through, context);
        }
    }

    /// Returns whether a connection carries the life of the peer that we are at, not an earlier one.
    fn is_in_epoch(&mut self, generation: Generation) -> bool {
        let at = self.delivery.inbox.cursor().map(|cursor| cursor.epoch);
        at.is_some()
            && self
                .connectivity
                .connections
                .by_generation_mut(generation)
                .is_some_and(|connection| connection.epoch == at)
    }

    fn report_missing(&self, arrival: Arrival, context: &mut Context) {
        if arrival.missing > 0 {
            context.event(Event::Missed { from: self.peer(), messages: arrival.missing });
        }
    }

    /// Acknowledges within a moment, if there is anything to acknowledge, and at once if it is much.
    pub(crate) fn owe_acknowledgement(&self, context: &mut Context) {
        if self.delivery.inbox.cursor().is_none() {
            return;
        }
        let timer = Timer::Acknowledgement(self.connectivity.remote.key.clone());
        if self.delivery.inbox.untold() < ACKNOWLEDGED_AT_ONCE {
            context.timers.set_if_unset(timer, context.now, ACKNOWLEDGEMENT_DELAY);
        } else {
            context.timers.set(timer, context.now, Duration::ZERO);
        }
    }

    /// No message came by that could have carried the acknowledgement: send it alone.
    pub(crate) fn acknowledge(&mut self, context: &mut Context) {
        // in an outage the next hello says it
        if let (Some(active), Some(cursor), None) = (
            &self.connectivity.connections.active,
            self.delivery.inbox.cursor(),
            &self.connectivity.repair.outage,
        ) {
            active.send(ChannelMessage::Acknowledged { through: cursor.sequence }, context);
            self.delivery.inbox.told();
        }
    }

    // ---- who is who

    /// Tells the peer who we are, where our server finds us, and how far we have come.
    pub(crate) fn announce(&self, generation: Generation, context: &mut Context) {
        // a viewer that is not known yet may belong to another link, with another epoch
        let settled = self.connectivity.remote.key.direction == Direction::Viewing
            || self.connectivity.remote.is_rejoin();
        let (epoch, received) = (self.delivery.outbox.epoch(), self.delivery.inbox.cursor());
        let delivery = DeliveryHello { epoch, received, durability: context.settings.durability };
        let rejoin = RejoinHello {
            identity: context.settings.identity,
            address: context.signaling.own_address.clone(),
            delivery: settled.then_some(delivery),
            spares: context.settings.spares != Spares::Never,
        };
        let hello = Hello { label: context.settings.label.clone(), rejoin: Some(rejoin) };
        if let Some(connection) = self.connectivity.connections.by_generation(generation) {
            connection.send(ChannelMessage::Hello(hello), context);
        }
    }

    /// Lets a rejoin peer know that we are there again, and where: tells it, if we know that, and shows it.
    pub(crate) fn announce_address(&self, context: &mut Context) {
        let Some(active) =
            self.connectivity.connections.active.as_ref().filter(|_| self.connectivity.remote.is_rejoin())
        else {
            return;
        };
        if context.signaling.own_address.is_some() {
            self.announce(active.generation, context);
        }
        // the server puts our address on what it carries, and the session says whose it is
        let (address, session) = (self.connectivity.remote.address.clone(), Some(active.session.clone()));
        let (sender, candidates) = (self.connectivity.remote.key.direction, Vec::new());
        if address.is_some() {
            context.send_to_server(SignalingMessage::Candidates { address, session, sender, candidates });
        }
    }

    /// Notes who the peer says it is, and goes on from where it says it has come.
    pub(crate) fn introduced(&mut self, hello: Hello, generation: Generation) {
        if hello.label.is_some() {
            self.connectivity.remote.hello.label = hello.label;
        }
        let Some(rejoin) = hello.rejoin else { return };
        if let Some(connection) = self.connectivity.connections.by_generation_mut(generation) {
            connection.is_rejoin = true;
        }
        if rejoin.address.is_some() {
            self.connectivity.remote.address = rejoin.address.clone();
        }
        if let Some(delivery) = rejoin.delivery {
            self.on_hello(delivery, generation);
        }
        self.connectivity.remote.hello.rejoin = Some(rejoin);
    }

    fn on_hello(&mut self, delivery: DeliveryHello, generation: Generation) {
        // the last words of a life that another has followed
        let later = |known: &Connection| known.generation > generation && known.epoch.is_some();
        if self
            .connectivity
            .connections
            .newest_first()
            .any(|known| later(known) && known.epoch != Some(delivery.epoch))
        {
            return;
        }
        let Some(connection) = self.connectivity.connections.by_generation_mut(generation) else { return };
        let first_word = connection.epoch.replace(delivery.epoch) != Some(delivery.epoch);
        self.delivery.inbox.introduced(delivery.epoch);
        if first_word {
            self.delivery.outbox.resume(delivery.received);
        }
    }
}

/// A numbered message as it arrived.
#[derive(Debug)]
pub(crate) struct Numbered {
    pub(crate) sequence: u64,
    pub(crate) acknowledged: u64,
    pub(crate) payload: Payload,
}
