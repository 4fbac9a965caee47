//! The peer at the other end of a link: its name, its stream, its address and what it said about itself.

use std::time::Duration;

use crate::fault::Phase;
use crate::ice::Role;
use crate::id::{PeerKey, SignalingAddress, StreamId};
use crate::message::{Hello, SignalingMessage};
use crate::output::LinkName;
use crate::peer::spares::Spares;
use crate::supervisor::context::Context;
use crate::supervisor::timers::Timer;

/// The peer of a link.
#[derive(Debug)]
pub(crate) struct RemotePeer {
    pub(crate) key: PeerKey,
    /// Whether no command names this peer, so that its link expires when it does not come back.
    pub(crate) implicit: bool,
    pub(crate) stream: StreamId,
    /// Where the signaling server finds it; `None` until known.
    pub(crate) address: Option<SignalingAddress>,
    /// What it said about itself last.
    pub(crate) hello: Hello,
}

impl RemotePeer {
    /// Returns our role in negotiations with it.
    pub(crate) fn role(&self) -> Role {
        self.key.direction.role()
    }

    /// Returns the name of its link.
    pub(crate) fn name(&self) -> LinkName {
        LinkName::Peer(self.key.clone())
    }

    /// Returns whether it runs rejoin.
    pub(crate) fn is_rejoin(&self) -> bool {
        self.hello.rejoin.is_some()
    }

    /// Returns whether both sides keep spare connections.
    pub(crate) fn keeps_spare(&self, context: &Context) -> bool {
        let theirs = self.hello.rejoin.as_ref().is_some_and(|rejoin| rejoin.spares);
        let ours = match context.settings.spares {
            Spares::Never => false,
            // whoever configures addresses to bind has chosen the uplink
            Spares::OtherUplink => context.settings.bind.is_empty(),
        };
        ours && theirs
    }

    /// Returns whether the server can forward a message to the peer.
    pub(crate) fn is_reachable_by_server(&self, context: &Context) -> bool {
        context.signaling.ready && (self.role() == Role::Answerer || self.address.is_some())
    }

    /// Sends signaling through the server, if the peer's address is known.
    pub(crate) fn send_to_server(&self, message: SignalingMessage, context: &mut Context) {
        if self.address.is_some() {
            context.send_to_server(message);
        }
    }

    /// Returns how long `phase` may take on this link.
    pub(crate) fn limit(&self, phase: Phase, context: &Context) -> Duration {
        context.peer_limit(phase, self.role(), 0, None)
    }

    /// Gives a peer that may be gone for good its time to come back.
    pub(crate) fn start_expiry(&self, context: &mut Context) {
        let phase = if self.is_rejoin() { Phase::RejoinPeerExpiry } else { Phase::PeerExpiry };
        let limit = self.limit(phase, context);
        context.timers.set(Timer::Gone(self.key.clone()), context.now, limit);
    }
}
