//! The connections of a link: the one in use, the candidate that may replace it, and the spare.

use crate::id::{Generation, SessionId};
use crate::peer::connection::Connection;
use crate::peer::signaling_path::EarlyCandidates;
use crate::peer::spare::SpareSlot;
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

    /// Returns whether a connection has this session, or the one that was closed last.
    pub(crate) fn has_session(&self, session: Option<&SessionId>) -> bool {
        let closed = session.is_some() && self.last_closed_session.as_ref() == session;
        closed || self.newest_first().any(|connection| Some(&connection.session) == session)
    }

    /// Closes a connection that was taken out of here while the link goes on.
    pub(crate) fn close(&mut self, connection: Connection, context: &mut Context) {
        self.last_closed_session = Some(connection.session.clone());
        connection.close(context);
    }
}
