//! The intent to view a whole room: whatever its members publish is viewed while they are there.

use crate::id::{Direction, PeerKey, SignalingAddress, StreamId};
use crate::message::Member;
use crate::output::Warning;
use crate::peer::link::PeerLink;
use crate::supervisor::Supervisor;
use crate::supervisor::intent::Intent;
use crate::supervisor::internal_event::InternalEvent;
use crate::supervisor::peers::MOST_PEERS;
use crate::supervisor::settings::Membership;

impl Intent {
    /// Returns whether we view `stream` although nobody named it.
    fn views_by_room(&self, stream: &StreamId) -> bool {
        let wanted = self.audience.as_ref().is_some_and(|audience| audience.except.as_ref() != Some(stream));
        wanted && self.room.is_some() && !self.streams.contains(stream)
    }
}

impl PeerLink {
    /// Returns whether it waits for a publisher that nobody named.
    pub(crate) fn awaits_member(&self) -> bool {
        self.connectivity.remote.implicit
            && self.connectivity.remote.key.direction == Direction::Viewing
            && self.connectivity.repair.outage.is_some()
    }
}

impl Supervisor {
    /// Asks for what a member publishes, if it is wanted and not viewed yet; returns whether it did.
    pub(crate) fn view_member(&mut self, member: &Member) -> bool {
        let Some(stream) = &member.stream else { return false };
        let Some(mut link) = self.unnamed_link(stream, Some(&member.address)) else { return false };
        link.connectivity.next_step(&mut self.context);
        self.peers.insert(link);
        true
    }

    /// Makes a link for an offer that nobody asked for, which is how members greet a newcomer that gets no listing.
    pub(crate) fn view_greeter(
        &mut self,
        stream: Option<&StreamId>,
        address: Option<&SignalingAddress>,
    ) -> Option<PeerKey> {
        if self.context.settings.membership == Membership::ServerListed {
            return None;
        }
        let link = self.unnamed_link(stream?, address)?;
        let key = link.connectivity.remote.key.clone();
        self.peers.insert(link);
        Some(key)
    }

    fn unnamed_link(&mut self, stream: &StreamId, address: Option<&SignalingAddress>) -> Option<PeerLink> {
        let key = PeerKey { peer: stream.0.clone(), direction: Direction::Viewing };
        if !self.intent.views_by_room(stream) || self.peers.contains(&key) {
            return None;
        }
        if self.peers.is_full() {
            let text =
                format!("{MOST_PEERS} peers are served already; a further stream of the room is not viewed");
            self.context.warn(Warning::ServerAlert { text });
            return None;
        }
        let mut link = PeerLink::new(key, stream.clone(), address.cloned(), &mut self.context);
        link.connectivity.remote.implicit = true;
        link.connectivity.remote.start_expiry(&mut self.context);
        self.context.raise(InternalEvent::RecordChanged);
        Some(link)
    }

    /// Gives the time to come back anew: a publisher was asked for, or is there, only from here on.
    pub(crate) fn await_members_anew(&mut self) {
        for link in self.peers.values().filter(|link| link.awaits_member()) {
            link.connectivity.remote.start_expiry(&mut self.context);
        }
    }

    /// Returns whether a link whose time is over waits on: without signaling nobody could come back.
    pub(crate) fn waits_on(&self, link: &PeerLink) -> bool {
        link.awaits_member() && !self.context.signaling.ready
    }
}
