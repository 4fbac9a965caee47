//! What the application asks for.

use crate::delivery::absent::OutgoingMessage;
use crate::fault::Fault;
use crate::id::{Direction, PeerKey, StreamId};
use crate::input::{Command, Recipient};
use crate::message::{Payload, SignalingMessage};
use crate::output::Event;
use crate::peer::link::PeerLink;
use crate::policy::Policies;
use crate::session::ViewAll;
use crate::supervisor::Supervisor;
use crate::supervisor::internal_event::InternalEvent;
use crate::supervisor::settings::Membership;
use crate::supervisor::timers::Timer;

impl Supervisor {
    pub(super) fn command(&mut self, command: Command) {
        if self.left {
            return;
        }
        match command {
            Command::JoinRoom(room) => {
                self.intent.room = Some(room.clone());
                self.intent_changed(SignalingMessage::JoinRoom { room, claim: false, stream: None });
            }
            Command::Publish(stream) => {
                if self.intent.streams.insert(stream.clone()) {
                    self.intent_changed(SignalingMessage::Seed { stream });
                }
            }
            Command::View(stream) => {
                if self.intent.views.insert(stream.clone()) {
                    self.start_viewing(stream);
                }
            }
            Command::ViewRoom { except } => {
                self.intent.audience = Some(ViewAll { except });
                self.context.raise(InternalEvent::RecordChanged);
            }
            Command::Unview(stream) => {
                if self.intent.views.remove(&stream) {
                    self.stop_viewing(stream);
                }
            }
            Command::Send { to, payload } => self.send(&to, &payload),
            Command::Confirm { from, position } => self.confirm(&from, position),
            Command::Restart => self.restart(),
            Command::Leave => self.leave(),
            Command::SetPolicies(policies) => self.set_policies(policies),
        }
    }

    /// Dials if nothing has, or tells an open socket of one more intent.
    fn intent_changed(&mut self, message: SignalingMessage) {
        self.signaling.want(&mut self.context);
        if self.context.signaling.ready {
            match self.context.settings.membership {
                Membership::ServerListed => self.context.send_to_server(message),
                Membership::SelfAnnounced => self.intent.claim(&mut self.context),
            }
        }
        self.context.raise(InternalEvent::RecordChanged);
    }

    fn start_viewing(&mut self, stream: StreamId) {
        let key = PeerKey { peer: stream.0.clone(), direction: Direction::Viewing };
        self.context.raise(InternalEvent::RecordChanged);
        if let Some(link) = self.peers.link_mut(&key) {
            // the room has it already
            link.connectivity.remote.implicit = false;
            return self.context.timers.clear(&Timer::Gone(key));
        }
        let mut link = PeerLink::new(key.clone(), stream, None, &mut self.context);
        self.signaling.want(&mut self.context);
        link.connectivity.next_step(&mut self.context);
        self.peers.insert(link);
    }

    fn stop_viewing(&mut self, stream: StreamId) {
        let key = PeerKey { peer: stream.0, direction: Direction::Viewing };
        if let Some(link) = self.peers.link_mut(&key) {
            link.discard(&mut self.context);
        }
        self.part(&key);
        self.context.raise(InternalEvent::RecordChanged);
    }

    fn send(&mut self, to: &Recipient, payload: &Payload) {
        let chosen: Vec<PeerKey> =
            self.chosen(to).into_iter().map(|link| link.connectivity.remote.key.clone()).collect();
        let kept = self.keep_for_absent(to, payload);
        if chosen.is_empty() && kept == 0 {
            self.context.event(Event::Dropped { peer: None, messages: 1 });
        }
        for key in chosen {
            if let Some(link) = self.peers.link_mut(&key) {
                link.send(payload.clone(), &mut self.context);
            }
        }
    }

    /// Returns the links that a message for `to` takes.
    pub(super) fn chosen(&self, to: &Recipient) -> Vec<&PeerLink> {
        match to {
            Recipient::Everyone => self.each_once().collect(),
            Recipient::Labelled(labels) => {
                let labelled = self.peers.labelled(labels).into_iter();
                labelled.filter(|link| !self.is_second(link)).collect()
            }
            Recipient::Named(name) => self.peers.named(name, &self.context),
        }
    }

    /// Returns a link to every peer: one with a connection each way hears a broadcast once.
    fn each_once(&self) -> impl Iterator<Item = &PeerLink> {
        self.peers.values().filter(|link| !self.is_second(link))
    }

    fn is_second(&self, link: &PeerLink) -> bool {
        match (link.connectivity.remote.key.direction, link.identity()) {
            (Direction::Viewing, Some(identity)) => {
                let is_publisher = |key: &PeerKey| key.direction == Direction::Publishing;
                self.peers.by_identity(identity).any(is_publisher)
                    || self.context.absent.prefers(identity, &self.intent.streams, self.context.now)
            }
            (Direction::Viewing, None) | (Direction::Publishing, _) => false,
        }
    }

    /// Keeps a message for viewers that are not here, and returns for how many.
    fn keep_for_absent(&mut self, to: &Recipient, payload: &Payload) -> usize {
        self.forget_absent();
        let post = OutgoingMessage { to, payload, streams: &self.intent.streams, now: self.context.now };
        let here = |identity| self.peers.by_identity(identity).next().is_some();
        let kept = self.context.absent.send(&post, here);
        for (peer, messages) in &kept {
            if *messages > 0 {
                self.context.event(Event::Dropped { peer: Some(peer.clone()), messages: *messages });
            }
        }
        kept.len()
    }

    fn restart(&mut self) {
        let context = &mut self.context;
        self.signaling.restart(context);
        self.peers.for_each(|link| link.connectivity.repair_now(Fault::Requested, context));
    }

    fn leave(&mut self) {
        self.left = true;
        let keys: Vec<PeerKey> = self.peers.keys().cloned().collect();
        keys.iter().for_each(|key| _ = self.part(key));
        self.signaling.close(&mut self.context);
        self.context.timers.clear_all();
        self.context.event(Event::Left);
    }

    fn set_policies(&mut self, policies: Policies) {
        self.context.policies = policies;
        let context = &mut self.context;
        self.signaling.checkup_due(context);
        self.peers.for_each(|link| {
            link.check_health(context);
            link.connectivity.read_stats(context);
        });
    }
}
