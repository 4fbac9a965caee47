//! The link to one peer: connectivity with it, and what is delivered over it.

mod delivery;
mod hello;

use crate::delivery::link::DeliveryLink;
use crate::id::{Direction, Generation, Identity, PeerKey, SignalingAddress, StreamId};
use crate::message::{ChannelMessage, Hello};
use crate::output::{Event, Peer, Warning};
use crate::peer::connections::spare;
use crate::peer::connectivity::Connectivity;
use crate::peer::health::Checkup;
use crate::peer::outage::Outage;
use crate::peer::remote::RemotePeer;
use crate::port::PeerEvent;
use crate::stats::Sample;
use crate::supervisor::context::Context;

/// The link to one peer, from the first time it is wanted to its end.
#[derive(Debug)]
pub(crate) struct PeerLink {
    pub(crate) connectivity: Connectivity,
    pub(crate) delivery: DeliveryLink,
}

impl PeerLink {
    /// Creates the link to a peer to which there is no connection yet.
    pub(crate) fn new(
        key: PeerKey,
        stream: StreamId,
        address: Option<SignalingAddress>,
        context: &mut Context,
    ) -> Self {
        let delivery = Self::delivery_for(key.direction, &stream, context);
        let implicit = key.direction == Direction::Publishing;
        let remote = RemotePeer { key, implicit, stream, address, hello: Hello::default() };
        Self { connectivity: Connectivity::new(remote, context.now), delivery }
    }

    /// Returns the identity that the peer announced, or the one that the store knows.
    pub(crate) fn identity(&self) -> Option<Identity> {
        let before = self.delivery.stored_state().and_then(|state| state.identity);
        self.connectivity.remote.hello.rejoin.as_ref().map(|rejoin| rejoin.identity).or(before)
    }

    /// Returns the peer as events name it.
    pub(crate) fn peer(&self) -> Peer {
        let RemotePeer { key, hello, .. } = &self.connectivity.remote;
        Peer { key: key.clone(), identity: self.identity(), label: hello.label.clone() }
    }

    /// Returns whether `name` is this peer's key, address, identity or label.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        let RemotePeer { key, address, hello, .. } = &self.connectivity.remote;
        let is_address = address.as_ref().is_some_and(|address| &*address.0 == name);
        let is_identity = self.identity().is_some_and(|identity| identity.to_string() == name);
        &*key.peer == name || is_address || is_identity || hello.label.as_deref() == Some(name)
    }

    // ---- what the transport reports

    /// The data channel of a connection is open: our hello goes first.
    pub(crate) fn on_channel_open(&mut self, generation: Generation, context: &mut Context) {
        if self.connectivity.connections.open_channel(generation) {
            self.announce(generation, context);
            self.connectivity.on_channel_open(generation, context);
        }
    }

    /// Records a stats sample, which may prove a connection without pongs, and repairs a link of poor quality.
    pub(crate) fn on_stats(&mut self, generation: Generation, sample: Sample, context: &mut Context) {
        let Some(connection) = self.connectivity.connections.by_generation_mut(generation) else { return };
        let graded = connection.on_stats(sample, context.now);
        if self.connectivity.is_proven_without_pong(generation, context.now) {
            self.on_proof(generation, context);
        }
        if let Some(sample) = graded {
            self.connectivity.grade(generation, sample, context);
        }
    }

    /// Handles what the transport reports about the spare.
    pub(crate) fn on_spare_event(&mut self, generation: Generation, event: PeerEvent, context: &mut Context) {
        let in_use = self.connectivity.connections.active.as_ref().map(|active| active.generation);
        if let (PeerEvent::Received(ChannelMessage::Hello(hello)), Some(in_use)) = (&event, in_use) {
            let delivery = hello.rejoin.as_ref().and_then(|rejoin| rejoin.delivery);
            self.delivery.on_spare_hello(delivery, generation, in_use);
        }
        if self.connectivity.on_spare_event(generation, event, context) {
            self.announce(generation, context);
        }
    }

    // ---- health and proof

    /// The peer answered a ping: the link is healthy, or the outage ends.
    pub(crate) fn on_pong(&mut self, generation: Generation, number: u64, context: &mut Context) {
        let connection = self.connectivity.connections.by_generation_mut(generation);
        let answered = connection.and_then(|connection| connection.on_pong(number, context.now));
        let Some(sent_at) = answered else { return };
        if self.connectivity.is_up() {
            self.check_health(context);
        } else if self.connectivity.is_proof(generation, sent_at) {
            self.on_proof(generation, context);
        }
    }

    /// A connection has carried bytes both ways: the outage ends, unless the offerer may choose the other connection.
    fn on_proof(&mut self, generation: Generation, context: &mut Context) {
        if self.connectivity.awaits_offerer(generation, context.now) {
            return;
        }
        let is_new = self.connectivity.keep(generation, context);
        if is_new {
            self.switch_delivery();
        }
        if let Some(outage) = self.connectivity.repair.close(is_new, context.now) {
            self.on_recovered(outage, context);
        }
    }

    /// The outage is over: resume delivery, health checks, stats and the spare.
    fn on_recovered(&mut self, outage: Outage, context: &mut Context) {
        let Connectivity { remote, health, quality, .. } = &mut self.connectivity;
        context.timers.clear_peer(&remote.key);
        quality.reset(remote.name(), context);
        let (name, peer) = (remote.name(), remote.key.clone());
        if health.on_verified(context.now) {
            let recovery = outage.recovered(name, Some(self.peer()), context.now);
            context.event(Event::Recovered(recovery));
        } else {
            context.event(Event::Connected(self.peer()));
            if !self.delivers() {
                context.warn(Warning::BestEffort { peer: peer.clone() });
            }
        }
        self.delivery.on_verified(context.now);
        self.schedule_delivery(context);
        self.check_health(context);
        self.connectivity.read_stats(context);
        self.flush(context);
        spare::schedule(&peer, context);
    }

    /// Examines a link that is up, and opens an outage if it is dead.
    pub(crate) fn check_health(&mut self, context: &mut Context) {
        if self.connectivity.check_health(context) == Checkup::Restored {
            self.flush(context);
        }
    }

    /// The signaling link takes messages again.
    pub(crate) fn on_signaling_ready(&mut self, context: &mut Context) {
        if self.connectivity.is_up() {
            self.announce_address(context);
        } else {
            self.connectivity.on_signaling_ready(context);
        }
    }

    // ---- the end

    /// Says goodbye over the channels and closes everything.
    pub(crate) fn leave(&mut self, context: &mut Context) {
        for connection in self.connectivity.connections.newest_first() {
            connection.send(ChannelMessage::Bye, context);
        }
        self.close(context);
    }

    /// Closes every connection and clears every timer.
    pub(crate) fn close(&mut self, context: &mut Context) {
        self.report_undelivered(context);
        self.connectivity.close_connections(context);
        context.timers.clear_peer(&self.connectivity.remote.key);
    }

    /// Returns how many messages are held and how many samples are kept.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> (usize, usize) {
        (self.delivery.kept() as usize, self.connectivity.quality.kept())
    }
}
