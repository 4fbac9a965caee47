//! The connections of a link: the one in use, the candidate that may replace it, and the spare.

mod signaling;
pub(crate) mod spare;

use std::time::{Duration, Instant};

use crate::fault::Fault;
use crate::ice::Role;
use crate::id::{Generation, SessionId};
use crate::message::{ChannelMessage, SignalingMessage};
use crate::peer::connection::Connection;
use crate::peer::early_candidates::EarlyCandidates;
use crate::peer::remote::RemotePeer;
use crate::peer::spare_slot::SpareSlot;
use crate::port::{ConnectionSetup, PeerAction};
use crate::supervisor::context::Context;

/// The connections of a link, and what is known about sessions that have no connection.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    /// The connection in use.
    pub(crate) active: Option<Connection>,
    /// The connection that replaces the active one once it is verified.
    pub(crate) candidate: Option<Connection>,
    /// The connection kept open for a failure of the active one.
    pub(crate) spare: SpareSlot,
    /// The peer's candidates that arrived before their offer.
    pub(crate) early_candidates: EarlyCandidates,
    /// The session of the connection that was closed last: signaling for it is late, not unexpected.
    pub(crate) last_closed_session: Option<SessionId>,
    /// The session of the newest connection that the peer has withdrawn: an offer for it is late.
    pub(crate) withdrawn: Option<SessionId>,
}

impl Connections {
    /// Returns the candidate and the active connection, newest first: a rebuilt one may have its predecessor's session.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Connection> {
        self.candidate.iter().chain(&self.active)
    }

    /// Returns the connection of this generation, the spare included.
    pub(crate) fn by_generation(&self, generation: Generation) -> Option<&Connection> {
        let mut all = self.newest_first().chain(self.spare.connection());
        all.find(|connection| connection.generation == generation)
    }

    /// Returns the connection of this generation, the spare included.
    pub(crate) fn by_generation_mut(&mut self, generation: Generation) -> Option<&mut Connection> {
        let mut all = self.candidate.iter_mut().chain(&mut self.active).chain(self.spare.connection_mut());
        all.find(|connection| connection.generation == generation)
    }

    /// Returns whether this generation is the candidate.
    pub(crate) fn is_candidate(&self, generation: Generation) -> bool {
        self.candidate.as_ref().is_some_and(|connection| connection.generation == generation)
    }

    /// Returns whether this generation is the spare.
    pub(crate) fn is_spare(&self, generation: Generation) -> bool {
        self.spare.connection().is_some_and(|spare| spare.generation == generation)
    }

    /// Closes a connection that was taken out of here while the link goes on.
    pub(crate) fn close(&mut self, connection: Connection, context: &mut Context) {
        self.last_closed_session = Some(connection.session.clone());
        connection.close(context);
    }

    /// Returns whether two connections may exist at once: the peer runs rejoin and there is an active one.
    pub(crate) fn can_hedge(&self, remote: &RemotePeer) -> bool {
        remote.is_rejoin() && self.active.is_some()
    }

    /// Returns for how long the active connection was silent, if `fault` was noticed by silence.
    pub(crate) fn silent_for(&self, fault: &Fault, up_since: Instant, now: Instant) -> Duration {
        let active = self.active.as_ref().filter(|_| fault.is_silence());
        active.map_or(Duration::ZERO, |active| active.liveness.probes.silent_for(up_since, now))
    }

    /// Pings the active connection, which looks alive, unless its path was pinged within `interval`.
    pub(crate) fn ask_active(&mut self, interval: Duration, context: &mut Context) {
        let Some(active) = self.active.as_mut().filter(|active| active.looks_alive()) else { return };
        let last = active.liveness.probes.log().last().map(|probe| probe.sent_at);
        let on_this_path = last.filter(|at| *at >= active.path_since);
        if on_this_path.is_none_or(|at| context.now.saturating_duration_since(at) >= interval) {
            active.ping(context);
        }
    }

    /// Returns whether the active connection looks alive.
    pub(crate) fn active_looks_alive(&self) -> bool {
        self.active.as_ref().is_some_and(Connection::looks_alive)
    }

    /// Returns whether the peer, in withdrawing `session`, has moved from the active connection to this one.
    pub(crate) fn replaces_active(&self, generation: Generation, session: &SessionId) -> bool {
        self.active.as_ref().is_some_and(|one| one.session == *session && one.generation != generation)
    }

    /// Sends signaling over the active channel.
    pub(crate) fn send_over_channel(&self, message: SignalingMessage, context: &mut Context) {
        if let Some(active) = &self.active {
            active.send(ChannelMessage::Signaling(message), context);
        }
    }

    /// Sends a rejoin peer over the active channel that our end of this session is closed.
    pub(crate) fn send_withdraw(&self, session: SessionId, remote: &RemotePeer, context: &mut Context) {
        if remote.is_rejoin() {
            self.send_over_channel(SignalingMessage::Withdraw { session }, context);
        }
    }

    /// Creates a connection beside the active one and returns its generation.
    pub(crate) fn create_candidate(
        &mut self,
        session: SessionId,
        setup: ConnectionSetup,
        context: &mut Context,
    ) -> Generation {
        let generation = context.generation();
        context.peer(generation, PeerAction::Create(setup));
        self.candidate = Some(Connection::new(generation, session, context.now));
        generation
    }

    /// Records that the data channel of a connection is open; returns whether there is such a connection.
    pub(crate) fn open_channel(&mut self, generation: Generation) -> bool {
        let connection = self.by_generation_mut(generation);
        connection.map(|connection| connection.channel_open = true).is_some()
    }

    /// Replaces the active connection by the candidate and closes it; a peer that may still use it is told if `withdraw`.
    pub(crate) fn promote_candidate(&mut self, withdraw: bool, remote: &RemotePeer, context: &mut Context) {
        let Some(old) = std::mem::replace(&mut self.active, self.candidate.take()) else { return };
        if withdraw {
            self.send_withdraw(old.session.clone(), remote, context);
        }
        self.close(old, context);
    }

    /// Closes the candidate and tells the peer, which may still use it, over the active channel.
    pub(crate) fn withdraw_candidate(&mut self, remote: &RemotePeer, context: &mut Context) {
        if let Some(candidate) = self.candidate.take() {
            self.send_withdraw(candidate.session.clone(), remote, context);
            self.close(candidate, context);
        }
    }

    /// Closes the candidate, and withdraws it if the channel is `live`.
    pub(crate) fn drop_candidate(&mut self, remote: &RemotePeer, live: bool, context: &mut Context) {
        if live {
            return self.withdraw_candidate(remote, context);
        }
        if let Some(candidate) = self.candidate.take() {
            self.close(candidate, context);
        }
    }

    /// Takes the active connection out and closes the spare, for a peer that keeps only one connection.
    pub(crate) fn take_active(&mut self, remote: &RemotePeer, context: &mut Context) -> Option<Connection> {
        let active = self.active.take();
        self.drop_spare(remote, false, context);
        active
    }

    /// Closes the active connection of a foreign peer, which keeps only one, so that it ends on both sides.
    pub(crate) fn leave_foreign_peer(&mut self, remote: &RemotePeer, context: &mut Context) {
        if remote.is_rejoin() {
            return;
        }
        let Some(active) = self.take_active(remote, context) else { return };
        match remote.role() {
            // a foreign viewer drops the old one when it sees a new session, and knows by this what to drop
            Role::Offerer => context.send_bye(&remote.key, remote.address.as_ref()),
            // a foreign publisher ignores a new `play` while it believes in the old one
            Role::Answerer => {
                context.send_to_server(SignalingMessage::Bye { address: remote.address.clone() })
            }
        }
        active.close(context);
    }

    /// Closes every connection.
    pub(crate) fn close_all(&mut self, remote: &RemotePeer, live: bool, context: &mut Context) {
        self.drop_spare(remote, live, context);
        for connection in [self.active.take(), self.candidate.take()].into_iter().flatten() {
            connection.close(context);
        }
    }
}
