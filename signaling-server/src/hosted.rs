//! The pure state machine of the server: who is connected, who publishes what, who sits where, who waits for whom.
//!
//! It knows sockets only by number and time only as an argument, and it hands every consequence back as an [`Effect`].

mod arrival;
mod forward;
#[cfg(test)]
mod invariants;
mod pending_plays;
mod reply;
mod rooms;
mod streams;
mod tombstones;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

pub use self::arrival::{Admission, AdmissionError, Arrival, Extension};
use self::pending_plays::PendingPlays;
use self::reply::Reply;
use self::rooms::Room;
use self::tombstones::{Tombstone, Tombstones};
use crate::close_reason::CloseReason;
use crate::metrics::CountedEvent;
use crate::options::Limits;
use crate::route::{Route, Secret};

/// Numbers the sockets of one server in the order in which they came; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// Asks the shell for something.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// Queue a text frame.
    Send {
        /// The socket to write to.
        to: ConnectionId,
        /// The frame.
        text: String,
    },
    /// Close a socket; the switchboard has forgotten it already.
    Close {
        /// The socket to close.
        connection: ConnectionId,
        /// What to tell it.
        close_reason: CloseReason,
    },
    /// Count something.
    Count(CountedEvent),
}

/// Counts what a switchboard holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Living sockets.
    pub sockets: usize,
    /// Claimed stream ids.
    pub streams: usize,
    /// Rooms with a member.
    pub rooms: usize,
    /// Plays that wait for their stream.
    pub pending_plays: usize,
    /// Closed sockets that can be resumed.
    pub tombstones: usize,
}

/// Connects sockets with one another as the hosted service does.
#[derive(Debug)]
pub struct HostedDialect {
    limits: Limits,
    connections: BTreeMap<ConnectionId, Route>,
    sockets: BTreeMap<Route, Socket>,
    /// Who publishes which stream id.
    streams: BTreeMap<String, Route>,
    rooms: BTreeMap<String, Room>,
    pending_plays: PendingPlays,
    tombstones: Tombstones,
    effects: Vec<Effect>,
}

/// What is known of the holder of a route.
#[derive(Debug)]
struct Socket {
    connection: ConnectionId,
    /// Present if the client knows how to resume.
    secret: Option<Secret>,
    stream: Option<String>,
    room: Option<String>,
    /// Whether this very connection sent `joinroom`; a resumed one may send it once more.
    joined: bool,
    /// Streams that it waits for.
    pending: BTreeSet<String>,
    malformed_in_a_row: u32,
}

impl HostedDialect {
    /// Makes a switchboard without any socket.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            connections: BTreeMap::new(),
            sockets: BTreeMap::new(),
            streams: BTreeMap::new(),
            rooms: BTreeMap::new(),
            pending_plays: PendingPlays::default(),
            tombstones: Tombstones::new(limits.tombstones, limits.resume_expiry),
            effects: Vec::new(),
        }
    }

    /// Forgets a socket that is gone, and frees its stream id; the others are not told.
    pub fn close(&mut self, connection: ConnectionId, now: Instant) {
        let Some(route) = self.connections.remove(&connection) else { return };
        let Some(socket) = self.sockets.remove(&route) else { return };
        let director = socket.room.as_ref().is_some_and(|room| self.leave(room, route));
        if let Some(stream) = &socket.stream {
            self.streams.remove(stream);
        }
        for stream in &socket.pending {
            self.pending_plays.remove(stream, route);
        }
        if let Some(secret) = socket.secret {
            let Socket { room, stream, .. } = socket;
            self.tombstones.insert(Tombstone { route, secret, room, director, stream, since: now });
        }
    }

    /// Counts what is there.
    pub fn counts(&self) -> Counts {
        Counts {
            sockets: self.sockets.len(),
            streams: self.streams.len(),
            rooms: self.rooms.len(),
            pending_plays: self.pending_plays.len(),
            tombstones: self.tombstones.len(),
        }
    }

    /// Returns the route of a living socket.
    pub fn route(&self, connection: ConnectionId) -> Option<Route> {
        self.connections.get(&connection).copied()
    }

    fn expel(&mut self, route: Route, close_reason: CloseReason, now: Instant) {
        let Some(connection) = self.sockets.get(&route).map(|socket| socket.connection) else { return };
        self.close(connection, now);
        self.effects.push(Effect::Close { connection, close_reason });
    }

    fn reply(&mut self, to: Route, reply: &Reply<'_>) {
        self.send(to, reply.text());
    }

    fn alert(&mut self, to: Route, message: &str) {
        self.reply(to, &Reply::Alert { message });
    }

    fn send(&mut self, to: Route, text: String) {
        if let Some(socket) = self.sockets.get(&to) {
            self.effects.push(Effect::Send { to: socket.connection, text });
        }
    }

    fn count(&mut self, event: CountedEvent) {
        self.effects.push(Effect::Count(event));
    }

    fn room_of(&self, route: Route) -> Option<&String> {
        self.sockets.get(&route)?.room.as_ref()
    }

    fn stream_of(&self, route: Route) -> Option<&String> {
        self.sockets.get(&route)?.stream.as_ref()
    }
}
