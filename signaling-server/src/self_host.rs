//! The self-host dialect: clients name themselves, and the server forwards frames unchanged.
//!
//! The first frame binds a name to its socket; unlike the servers that it replaces, this one never lets the name change.

mod frame;
#[cfg(test)]
mod invariants;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde::Serialize;

use self::frame::{Frame, Request};
use crate::claims::{Claim, Claims};
use crate::close_reason::CloseReason;
use crate::dialect::{Admission, AdmissionError, ConnectionId, Effect, NewConnection, ServerDialect};
use crate::frame::Malformed;
use crate::metrics::{CountedEvent, Counts};
use crate::options::Limits;

/// Longest broadcast; the server sends a broadcast once per socket, and a `joinroom` with the longest names is a
/// quarter of this.
const BROADCAST_BYTES: usize = 4096;

/// Clients compare these three texts.
const NAME_TAKEN: &str = "uuid already in use";
const STREAM_TAKEN: &str = "sid already in use";
const STREAM_CANNOT_CHANGE: &str = "can't change sid";

/// No client compares this one, so it names the remedy.
const WRONG_SENDER: &str = "from is not who this socket said it is; keep to one name, or open another socket";

/// Connects clients as self-hosted servers that route frames do.
#[derive(Debug)]
pub struct SelfHostDialect {
    limits: Limits,
    sockets: BTreeMap<ConnectionId, Socket>,
    names: Claims<ConnectionId>,
    streams: Claims<ConnectionId>,
    /// The members of each room; those under `None` are outside all rooms.
    rooms: BTreeMap<Option<String>, BTreeSet<ConnectionId>>,
    effects: Vec<Effect>,
}

#[derive(Debug, Default)]
struct Socket {
    room: Option<String>,
    malformed_in_a_row: u32,
}

/// A frame of the server itself.
#[derive(Serialize)]
struct ErrorFrame<'a> {
    error: &'a str,
}

impl SelfHostDialect {
    /// Returns a state machine without connections.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            sockets: BTreeMap::new(),
            names: Claims::new(),
            streams: Claims::new(),
            rooms: BTreeMap::new(),
            effects: Vec::new(),
        }
    }

    fn handle(&mut self, sender: ConnectionId, frame: &Frame<'_>, text: &str) {
        let Some(name) = &frame.from else { return self.count(CountedEvent::MissingSender) };
        if !self.claim_name(sender, name) || !self.claim_request(sender, &frame.request) {
            return;
        }
        if frame.is_broadcast() && text.len() > BROADCAST_BYTES {
            let error = format!("a frame to everybody is longer than {BROADCAST_BYTES} bytes; name one UUID");
            return self.send_error(sender, &error);
        }
        let receivers = self.receivers(sender, frame);
        self.count(match (&frame.request, receivers.is_empty()) {
            (Request::None, true) => CountedEvent::UnknownDestination,
            (Request::None, false) => CountedEvent::Forwarded,
            _ => CountedEvent::Request,
        });
        self.effects.extend(receivers.into_iter().map(|to| Effect::Send { to, text: text.to_owned() }));
    }

    /// Returns whether a socket may send under this name; its first name is its own if no other socket has it.
    fn claim_name(&mut self, sender: ConnectionId, name: &str) -> bool {
        let (event, error) = match self.names.claim(name, sender) {
            Claim::Granted | Claim::Repeated => return true,
            Claim::HasAnother => (CountedEvent::WrongSender, WRONG_SENDER),
            Claim::Taken => (CountedEvent::NameConflict, NAME_TAKEN),
        };
        self.count(event);
        self.send_error(sender, error);
        false
    }

    /// Applies the room and the stream id that a request claims, and returns whether the sender has them.
    ///
    /// A client that joins with a stream id in use is in the room, and can view, until it claims again.
    fn claim_request(&mut self, sender: ConnectionId, request: &Request<'_>) -> bool {
        match request {
            Request::Seed { stream } => self.claim_stream(sender, stream),
            Request::JoinRoom { room, stream } => {
                self.enter(sender, room);
                stream.as_ref().is_none_or(|stream| self.claim_stream(sender, stream))
            }
            Request::Play { .. } | Request::Other | Request::None => true,
        }
    }

    fn claim_stream(&mut self, sender: ConnectionId, stream: &str) -> bool {
        match self.streams.claim(stream, sender) {
            Claim::Granted | Claim::Repeated => return true,
            Claim::HasAnother => self.send_error(sender, STREAM_CANNOT_CHANGE),
            Claim::Taken => {
                self.count(CountedEvent::StreamConflict);
                self.send_error(sender, STREAM_TAKEN);
            }
        }
        false
    }

    /// Moves a socket from its room into another one.
    fn enter(&mut self, connection: ConnectionId, room: &str) {
        let Some(socket) = self.sockets.get_mut(&connection) else { return };
        let room = Some(room.to_owned());
        let before = std::mem::replace(&mut socket.room, room.clone());
        self.leave(connection, &before);
        self.rooms.entry(room).or_default().insert(connection);
    }

    /// Removes a socket from a room, and the room if it is empty.
    fn leave(&mut self, connection: ConnectionId, room: &Option<String>) {
        if let Some(members) = self.rooms.get_mut(room) {
            members.remove(&connection);
            if members.is_empty() {
                self.rooms.remove(room);
            }
        }
    }

    /// Returns the addressees of a frame: of the other sockets in the sender's room, or outside all rooms with it,
    /// the named one, the publisher of the played stream, or all.
    fn receivers(&self, sender: ConnectionId, frame: &Frame<'_>) -> Vec<ConnectionId> {
        let Some(room) = self.sockets.get(&sender).and_then(|socket| self.rooms.get(&socket.room)) else {
            return Vec::new();
        };
        let addressee = frame.to.as_deref().map(|name| self.names.owner_of(name));
        let publisher = match &frame.request {
            Request::Play { stream } => Some(self.streams.owner_of(stream)),
            Request::Seed { .. } | Request::JoinRoom { .. } | Request::Other | Request::None => None,
        };
        let receives = |member: &ConnectionId| {
            *member != sender
                && addressee.is_none_or(|addressee| addressee == Some(*member))
                && publisher.is_none_or(|publisher| publisher == Some(*member))
        };
        room.iter().copied().filter(receives).collect()
    }

    fn send_error(&mut self, to: ConnectionId, error: &str) {
        // A string always serializes.
        let text = serde_json::to_string(&ErrorFrame { error }).unwrap_or_default();
        self.effects.push(Effect::Send { to, text });
    }

    fn count(&mut self, event: CountedEvent) {
        self.effects.push(Effect::Count(event));
    }
}

impl ServerDialect for SelfHostDialect {
    /// Admits a connection; clients keep their own names, so there is nothing to resume.
    fn open(&mut self, new: NewConnection, _: Instant) -> Result<(Admission, Vec<Effect>), AdmissionError> {
        if self.sockets.len() >= self.limits.sockets {
            return Err(AdmissionError::Full);
        }
        self.sockets.insert(new.connection, Socket::default());
        self.rooms.entry(None).or_default().insert(new.connection);
        let admission = Admission { route: new.route, token: None, resumed: false };
        Ok((admission, vec![Effect::Count(CountedEvent::OpenedFresh)]))
    }

    fn receive(&mut self, id: ConnectionId, text: Result<&str, Malformed>, now: Instant) -> Vec<Effect> {
        let Some(socket) = self.sockets.get_mut(&id) else { return Vec::new() };
        match text.and_then(|text| Ok((text, Frame::parse(text)?))) {
            Ok((text, frame)) => {
                socket.malformed_in_a_row = 0;
                self.handle(id, &frame, text);
            }
            Err(malformed) => {
                socket.malformed_in_a_row = socket.malformed_in_a_row.saturating_add(1);
                let (in_a_row, limit) = (socket.malformed_in_a_row, self.limits.malformed_in_a_row);
                self.count(CountedEvent::Malformed);
                self.send_error(id, &malformed.to_string());
                if in_a_row >= limit {
                    self.close(id, now);
                    self.effects
                        .push(Effect::Close { connection: id, reason: CloseReason::Malformed(limit) });
                }
            }
        }
        std::mem::take(&mut self.effects)
    }

    fn close(&mut self, id: ConnectionId, _: Instant) {
        let Some(socket) = self.sockets.remove(&id) else { return };
        self.leave(id, &socket.room);
        self.names.release(id);
        self.streams.release(id);
    }

    fn counts(&self) -> Counts {
        Counts {
            sockets: self.sockets.len(),
            streams: self.streams.len(),
            rooms: self.rooms.len() - usize::from(self.rooms.contains_key(&None)),
            pending_plays: 0,
            tombstones: 0,
        }
    }
}
