//! What a frame claims before it is passed on: a name, a stream id, a place in a room.

use super::frame::Request;
use super::{ConnectionId, SelfHostDialect};
use crate::metrics::CountedEvent;

/// Clients recognise these three by their words.
const NAME_IN_USE: &str = "uuid already in use";
const STREAM_IN_USE: &str = "sid already in use";
const CANNOT_CHANGE: &str = "can't change sid";

/// No client knows this one, so it names the remedy.
const FORGED: &str = "from is not who this socket said it is; keep to one name, or open another socket";

impl SelfHostDialect {
    /// Returns whether a socket is who it says it is; the first name that it gives is its own if it is free.
    pub(super) fn recognise(&mut self, speaker: ConnectionId, name: &str) -> bool {
        let Some(socket) = self.sockets.get_mut(&speaker) else { return false };
        let refusal = match &socket.name {
            Some(bound) if bound == name => return true,
            Some(_) => (CountedEvent::Forged, FORGED),
            None if self.names.contains_key(name) => (CountedEvent::NameConflict, NAME_IN_USE),
            None => {
                socket.name = Some(name.to_owned());
                self.names.insert(name.to_owned(), speaker);
                return true;
            }
        };
        self.count(refusal.0);
        self.complain(speaker, refusal.1);
        false
    }

    /// Gives a socket the place and the stream id that its request claims; returns whether it has them.
    ///
    /// Who comes into a room under a stream id that is still taken is in it, and can view, until it claims again.
    pub(super) fn grant(&mut self, speaker: ConnectionId, request: &Request<'_>) -> bool {
        match request {
            Request::Seed { stream } => self.claim(speaker, stream),
            Request::JoinRoom { room, stream } => {
                self.enter(speaker, room);
                stream.as_ref().is_none_or(|stream| self.claim(speaker, stream))
            }
            Request::Play { .. } | Request::Other | Request::None => true,
        }
    }

    fn claim(&mut self, speaker: ConnectionId, stream: &str) -> bool {
        let Some(socket) = self.sockets.get_mut(&speaker) else { return false };
        match &socket.stream {
            Some(current) if current == stream => return true,
            Some(_) => self.complain(speaker, CANNOT_CHANGE),
            None if self.streams.contains_key(stream) => {
                self.count(CountedEvent::StreamConflict);
                self.complain(speaker, STREAM_IN_USE);
            }
            None => {
                socket.stream = Some(stream.to_owned());
                self.streams.insert(stream.to_owned(), speaker);
                return true;
            }
        }
        false
    }

    /// Moves a socket into a room, out of the one where it was.
    fn enter(&mut self, guest: ConnectionId, room: &str) {
        let Some(socket) = self.sockets.get_mut(&guest) else { return };
        let room = Some(room.to_owned());
        let before = std::mem::replace(&mut socket.room, room.clone());
        self.leave(guest, &before);
        self.rooms.entry(room).or_default().insert(guest);
    }

    /// Takes a socket out of a room; an empty room is gone.
    pub(super) fn leave(&mut self, guest: ConnectionId, room: &Option<String>) {
        if let Some(members) = self.rooms.get_mut(room) {
            members.remove(&guest);
            if members.is_empty() {
                self.rooms.remove(room);
            }
        }
    }
}
