//! Being known: the wish is replayed, the room answers, and a ghost that holds our name is outwaited.

use crate::fault::{Fault, Link, Phase};
use crate::id::{Direction, PeerKey, Route};
use crate::message::{Member, SignalingMessage};
use crate::output::{Event, Warning};
use crate::policy::Retry;
use crate::supervisor::outage::Progress;
use crate::supervisor::{Attendance, Supervisor, Timer};

impl Supervisor {
    /// Replays the wish in the wire's order: the room, and after its listing, if there is one, streams and views.
    pub(super) fn replay_wish(&mut self, resumed: bool) {
        let announced = self.desk.settings.attendance == Attendance::Announced;
        if !resumed && !announced {
            self.desk.route_since = self.desk.socket;
        }
        match (self.desk.settings.attendance, self.intent.room.clone()) {
            // who views a room must hear who came meanwhile, even if the server knows us
            (Attendance::Listed, Some(room)) if !resumed || self.intent.audience.is_some() => {
                self.desk.wish(SignalingMessage::JoinRoom { room, claim: false, stream: None });
                let limit = self.desk.signaling_limit(Phase::RoomJoin, 0);
                self.desk.timers.set(Timer::RoomJoin, self.desk.now, limit);
            }
            (Attendance::Listed, Some(_) | None) | (Attendance::Announced, None) => self.wish_replayed(),
            (Attendance::Announced, Some(room)) => {
                self.wish_replayed();
                self.desk.event(Event::RoomJoined { room });
            }
        }
    }

    pub(super) fn listed(&mut self, members: Vec<Member>) {
        if let Some(room) = self.intent.room.clone() {
            self.desk.event(Event::RoomJoined { room });
        }
        self.wish_replayed();
        for member in members {
            // what awaits an offer has just asked for it
            match viewed(&member).and_then(|key| self.peers.get_mut(&key)) {
                Some(link) if link.progress() == Some(Progress::AwaitingOffer) => {
                    link.route = Some(member.route);
                }
                Some(_) | None => self.joined(member),
            }
        }
    }

    pub(super) fn joined(&mut self, member: Member) {
        self.offer_to_newcomer(&member.route);
        if self.view_member(&member) {
            return;
        }
        if let Some(link) = viewed(&member).and_then(|key| self.peers.get_mut(&key)) {
            link.stream_appeared(member.route, &mut self.desk);
            if link.awaits_member() {
                link.start_patience(&mut self.desk);
            }
        }
    }

    /// Where nobody lists a room, its members offer to whoever enters.
    ///
    /// One that has lost only its socket enters again as well: a living link stays as it is, and a rejoin peer
    /// asks by itself for what it misses.
    fn offer_to_newcomer(&mut self, route: &Route) {
        let unasked = self.desk.settings.attendance == Attendance::Announced && self.intent.room.is_some();
        let link = self.find(Direction::Publishing, None, Some(route)).and_then(|key| self.peers.get(&key));
        if unasked && link.is_none_or(|link| link.outage.is_some() && !link.is_rejoin()) {
            self.offer_requested(route.clone(), None);
        }
    }

    /// The name is most often held by a ghost of ourselves: claim it again and again, never give up.
    ///
    /// A server that never misses a dead socket keeps the ghost for ever.
    /// So when the retries are spent, who names itself takes another name.
    pub(super) fn outwait_ghost(&mut self, fault: Fault) {
        if self.desk.timers.is_set(&Timer::Reseed) {
            // a server may refuse every message of one claim
            return;
        }
        let attempt = self.signaling.next_claim();
        let pause = self.desk.pause(Retry::new(Link::Signaling, attempt, &fault));
        let ours_to_choose =
            fault == Fault::UuidInUse && self.desk.settings.attendance == Attendance::Announced;
        if pause.is_none() && ours_to_choose && self.signaling.renames() {
            return self.rename();
        }
        let pause = pause.unwrap_or_else(|| self.desk.sleep(Link::Signaling));
        self.desk.timers.set(Timer::Reseed, self.desk.now, pause);
    }

    /// Goes on under another name: nothing said under the old one was taken, so all that is open is said again.
    fn rename(&mut self) {
        self.desk.wish(SignalingMessage::Rename);
        self.desk.route_since = self.desk.socket;
        self.desk.warn(Warning::Renamed);
        self.wish_replayed();
    }
}

/// Returns the link over which we would view what a member publishes.
fn viewed(member: &Member) -> Option<PeerKey> {
    let peer = member.stream.as_ref()?.0.clone();
    Some(PeerKey { peer, direction: Direction::Viewing })
}
