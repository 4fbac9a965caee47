//! Being known: the intent is replayed, the room answers, and a ghost that holds our name is outwaited.

use crate::fault::{Fault, Link, Phase};
use crate::id::{Direction, PeerKey, SignalingAddress};
use crate::message::{Member, SignalingMessage};
use crate::output::{Event, Warning};
use crate::peer::repair_state::RepairState;
use crate::policy::BackoffContext;
use crate::supervisor::Supervisor;
use crate::supervisor::settings::Membership;
use crate::supervisor::timers::Timer;

impl Supervisor {
    /// Replays the intent in the wire's order: the room, and after its listing, if there is one, streams and views.
    pub(super) fn replay_intent(&mut self, resumed: bool) {
        let announced = self.context.settings.membership == Membership::SelfAnnounced;
        if !resumed && !announced {
            self.context.signaling.address_since = self.context.signaling.socket;
        }
        match (self.context.settings.membership, self.intent.room.clone()) {
            // who views a room must hear who came meanwhile, even if the server knows us
            (Membership::ServerListed, Some(room)) if !resumed || self.intent.audience.is_some() => {
                self.context.send_to_server(SignalingMessage::JoinRoom { room, claim: false, stream: None });
                let limit = self.context.signaling_limit(Phase::RoomJoin, 0);
                self.context.timers.set(Timer::RoomJoin, self.context.now, limit);
            }
            (Membership::ServerListed, Some(_) | None) | (Membership::SelfAnnounced, None) => {
                self.intent_replayed()
            }
            (Membership::SelfAnnounced, Some(room)) => {
                self.intent_replayed();
                self.context.event(Event::RoomJoined { room });
            }
        }
    }

    pub(super) fn listed(&mut self, members: Vec<Member>) {
        if let Some(room) = self.intent.room.clone() {
            self.context.event(Event::RoomJoined { room });
        }
        self.intent_replayed();
        for member in members {
            self.peers.settle(&mut self.context);
            // what awaits an offer has just asked for it
            match viewed(&member).and_then(|key| self.peers.link_mut(&key)) {
                Some(link) if link.connectivity.repair.state() == Some(RepairState::AwaitingOffer) => {
                    link.connectivity.remote.address = Some(member.address);
                }
                Some(_) | None => self.joined(member),
            }
        }
    }

    pub(super) fn joined(&mut self, member: Member) {
        self.offer_to_newcomer(&member.address);
        if self.view_member(&member) {
            return;
        }
        if let Some(link) = viewed(&member).and_then(|key| self.peers.link_mut(&key)) {
            link.connectivity.on_stream_appeared(member.address, &mut self.context);
            if link.awaits_member() {
                link.connectivity.remote.start_expiry(&mut self.context);
            }
        }
    }

    /// Where nobody lists a room, its members offer to whoever enters.
    ///
    /// One that has lost only its socket enters again as well: a living link stays as it is, and a rejoin peer
    /// asks by itself for what it misses.
    fn offer_to_newcomer(&mut self, address: &SignalingAddress) {
        let unasked =
            self.context.settings.membership == Membership::SelfAnnounced && self.intent.room.is_some();
        let link =
            self.find(Direction::Publishing, None, Some(address)).and_then(|key| self.peers.link(&key));
        if unasked
            && link.is_none_or(|link| {
                link.connectivity.repair.outage.is_some() && !link.connectivity.remote.is_rejoin()
            })
        {
            self.offer_requested(address.clone(), None);
        }
    }

    /// The name is most often held by a ghost of ourselves: claim it again and again, never give up.
    ///
    /// A server that never misses a dead socket keeps the ghost for ever.
    /// So when the retries are spent, who names itself takes another name.
    pub(super) fn retry_claim(&mut self, fault: Fault) {
        if self.context.timers.is_set(&Timer::Reseed) {
            // a server may refuse every message of one claim
            return;
        }
        let attempt = self.signaling.next_claim();
        let pause = self.context.pause(BackoffContext::new(Link::Signaling, attempt, &fault));
        let ours_to_choose =
            fault == Fault::UuidInUse && self.context.settings.membership == Membership::SelfAnnounced;
        if pause.is_none() && ours_to_choose && self.signaling.renames() {
            return self.rename();
        }
        let pause = pause.unwrap_or_else(|| self.context.sleep(Link::Signaling));
        self.context.timers.set(Timer::Reseed, self.context.now, pause);
    }

    /// Goes on under another name: nothing said under the old one was taken, so all that is open is said again.
    fn rename(&mut self) {
        self.context.send_to_server(SignalingMessage::Rename);
        self.context.signaling.address_since = self.context.signaling.socket;
        self.context.warn(Warning::Renamed);
        self.intent_replayed();
    }
}

/// Returns the link over which we would view what a member publishes.
fn viewed(member: &Member) -> Option<PeerKey> {
    let peer = member.stream.as_ref()?.0.clone();
    Some(PeerKey { peer, direction: Direction::Viewing })
}
