//! Who is at the two ends of a link: the hello that it sends and the one that it gets.

use crate::id::{Direction, Generation};
use crate::message::{ChannelMessage, Hello, RejoinHello, SignalingMessage};
use crate::peer::link::PeerLink;
use crate::peer::spares::Spares;
use crate::supervisor::context::Context;

impl PeerLink {
    /// Sends the peer our identity, our signaling address and our position in what it sends.
    pub(crate) fn announce(&self, generation: Generation, context: &mut Context) {
        // a viewer without an identity may belong to another link, with another epoch
        let settled = self.connectivity.remote.key.direction == Direction::Viewing
            || self.connectivity.remote.is_rejoin();
        let rejoin = RejoinHello {
            identity: context.settings.identity,
            address: context.signaling.own_address.clone(),
            delivery: settled.then(|| self.delivery.hello()),
            spares: context.settings.spares != Spares::Never,
        };
        let hello = Hello { label: context.settings.label.clone(), rejoin: Some(rejoin) };
        if let Some(connection) = self.connectivity.connections.by_generation(generation) {
            connection.send(ChannelMessage::Hello(hello), context);
        }
    }

    /// Sends a rejoin peer our new signaling address: over the channel if we know it, and through the server, which
    /// adds it to what it forwards.
    pub(crate) fn announce_address(&self, context: &mut Context) {
        let Some(active) =
            self.connectivity.connections.active.as_ref().filter(|_| self.connectivity.remote.is_rejoin())
        else {
            return;
        };
        if context.signaling.own_address.is_some() {
            self.announce(active.generation, context);
        }
        // the session tells the peer which link the address belongs to
        let (address, session) = (self.connectivity.remote.address.clone(), Some(active.session.clone()));
        let (sender, candidates) = (self.connectivity.remote.key.direction, Vec::new());
        if address.is_some() {
            context.send_to_server(SignalingMessage::Candidates { address, session, sender, candidates });
        }
    }

    /// Handles the hello of the peer, and continues delivery behind the position that it names.
    pub(crate) fn on_hello(&mut self, hello: Hello, generation: Generation) {
        if hello.label.is_some() {
            self.connectivity.remote.hello.label = hello.label;
        }
        let Some(rejoin) = hello.rejoin else { return };
        if rejoin.address.is_some() {
            self.connectivity.remote.address = rejoin.address.clone();
        }
        if let Some(connection) = self.connectivity.connections.by_generation_mut(generation) {
            connection.is_rejoin = true;
            if let Some(delivery) = rejoin.delivery {
                let connections = &self.connectivity.connections;
                self.delivery.retain_connections(|other| connections.by_generation(other).is_some());
                self.delivery.on_hello(delivery, generation);
            }
        }
        self.connectivity.remote.hello.rejoin = Some(rejoin);
    }
}
