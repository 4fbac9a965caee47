//! The place for a link's spare connection, and what is known about the next one.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::id::SessionId;
use crate::network::{Interface, NetworkSnapshot};
use crate::peer::connection::Connection;

/// The spare connection of a link, and what is known about the next one.
#[derive(Debug, Default)]
pub(crate) struct SpareSlot {
    pub(super) connection: Option<Connection>,
    /// The interfaces that it is bound to, as they were; empty if we have no other uplink than the one in use.
    pub(super) ties: BTreeMap<String, Interface>,
    /// The session of the offer for a spare that the publisher has announced.
    pub(super) announced: Option<SessionId>,
    /// When a spare lost its uplink.
    pub(super) lost_at: Option<Instant>,
    /// Whether the next stats of the active connection decide about a spare.
    pub(super) considered: bool,
}

impl SpareSlot {
    pub(crate) fn connection(&self) -> Option<&Connection> {
        self.connection.as_ref()
    }

    pub(crate) fn connection_mut(&mut self) -> Option<&mut Connection> {
        self.connection.as_mut()
    }

    /// Returns whether the spare has this session.
    pub(crate) fn has(&self, session: &SessionId) -> bool {
        self.connection.as_ref().is_some_and(|connection| connection.session == *session)
    }

    /// Returns whether an offer under this session is for a spare.
    pub(crate) fn awaits(&self, session: &SessionId) -> bool {
        self.announced.as_ref() == Some(session)
    }

    /// Returns whether the spare is open and has answered a ping.
    pub(super) fn is_ready(&self) -> bool {
        self.connection.as_ref().is_some_and(|spare| spare.looks_alive() && spare.liveness.answers_pings)
    }

    /// Returns whether an interface that it is bound to still has an address that it may be bound to.
    pub(super) fn is_tied_to(&self, network: &NetworkSnapshot) -> bool {
        self.ties.iter().any(|(name, was)| {
            let works = |one: &&Interface| one.carrier && !one.addresses.is_disjoint(&was.addresses);
            network.interfaces.get(name).filter(works).is_some()
        })
    }

    /// Takes the spare out, to be used from `now` on: no older answer says anything about its path.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Connection> {
        let mut spare = self.connection.take()?;
        *self = Self::default();
        spare.path_since = now;
        Some(spare)
    }
}
