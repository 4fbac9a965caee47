//! The pure state machine of the self-host dialect: repeats frames, as they came, to those whom they concern.
//!
//! A socket is who its first frame says it is; unlike the servers that it stands for, it lets nobody change that later.

mod claims;
mod frame;
#[cfg(test)]
mod invariants;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use self::frame::{Frame, Request};
use crate::close_reason::CloseReason;
use crate::frame::Malformed;
use crate::hosted::{Admission, AdmissionError, Arrival, ConnectionId, Counts, Effect};
use crate::metrics::CountedEvent;
use crate::options::Limits;

/// Longest frame to everybody; a `joinroom` with the longest names is a quarter of this, and one frame becomes
/// as many as there are sockets.
const BROADCAST_BYTES: usize = 4096;

/// Connects sockets with one another as routing self-hosted servers do.
#[derive(Debug)]
pub struct SelfHostDialect {
    limits: Limits,
    sockets: BTreeMap<ConnectionId, Socket>,
    /// Who calls itself what.
    names: BTreeMap<String, ConnectionId>,
    /// Who publishes which stream id.
    streams: BTreeMap<String, ConnectionId>,
    /// Who hears whom: the members of each room, and under `None` everybody outside all rooms.
    rooms: BTreeMap<Option<String>, BTreeSet<ConnectionId>>,
    effects: Vec<Effect>,
}

/// What is known of a socket.
#[derive(Debug, Default)]
struct Socket {
    /// The `from` of its first frame.
    name: Option<String>,
    stream: Option<String>,
    room: Option<String>,
    malformed_in_a_row: u32,
}

/// What the server itself says; clients know these by the words.
#[derive(Serialize)]
struct Complaint<'a> {
    error: &'a str,
}

impl SelfHostDialect {
    /// Makes a repeater without any socket.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            sockets: BTreeMap::new(),
            names: BTreeMap::new(),
            streams: BTreeMap::new(),
            rooms: BTreeMap::new(),
            effects: Vec::new(),
        }
    }

    /// Lets a socket in; there is nothing to resume, since clients keep their names by themselves.
    pub fn open(&mut self, arrival: Arrival) -> Result<(Admission, Vec<Effect>), AdmissionError> {
        if self.sockets.len() >= self.limits.sockets {
            return Err(AdmissionError::Full);
        }
        self.sockets.insert(arrival.connection, Socket::default());
        self.rooms.entry(None).or_default().insert(arrival.connection);
        let admission = Admission { route: arrival.route, pass: None, resumed: false };
        Ok((admission, vec![Effect::Count(CountedEvent::OpenedFresh)]))
    }

    /// Takes a text frame from a socket; frames of sockets that were closed a moment ago have no effect.
    pub fn receive(&mut self, connection: ConnectionId, text: &str) -> Vec<Effect> {
        match Frame::read(text) {
            Ok(frame) => {
                if let Some(socket) = self.sockets.get_mut(&connection) {
                    socket.malformed_in_a_row = 0;
                    self.hear(connection, &frame, text);
                }
                std::mem::take(&mut self.effects)
            }
            Err(malformed) => self.refuse(connection, &malformed),
        }
    }

    /// Answers a frame that could not be read, and closes the socket after too many of them in a row.
    pub fn refuse(&mut self, connection: ConnectionId, malformed: &Malformed) -> Vec<Effect> {
        let limit = self.limits.malformed_in_a_row;
        let Some(socket) = self.sockets.get_mut(&connection) else { return Vec::new() };
        socket.malformed_in_a_row = socket.malformed_in_a_row.saturating_add(1);
        let is_enough = socket.malformed_in_a_row >= limit;
        self.count(CountedEvent::Malformed);
        self.complain(connection, &malformed.to_string());
        if is_enough {
            self.close(connection);
            self.effects.push(Effect::Close { connection, close_reason: CloseReason::Malformed(limit) });
        }
        std::mem::take(&mut self.effects)
    }

    /// Forgets a socket that is gone, and frees its name and stream id; the others are not told.
    pub fn close(&mut self, connection: ConnectionId) {
        let Some(socket) = self.sockets.remove(&connection) else { return };
        self.leave(connection, &socket.room);
        if let Some(name) = socket.name {
            self.names.remove(&name);
        }
        if let Some(stream) = socket.stream {
            self.streams.remove(&stream);
        }
    }

    /// Counts what is there.
    pub fn counts(&self) -> Counts {
        Counts {
            sockets: self.sockets.len(),
            streams: self.streams.len(),
            rooms: self.rooms.len() - usize::from(self.rooms.contains_key(&None)),
            pending_plays: 0,
            tombstones: 0,
        }
    }

    fn hear(&mut self, speaker: ConnectionId, frame: &Frame<'_>, text: &str) {
        let Some(name) = &frame.from else { return self.count(CountedEvent::Unsigned) };
        if !self.recognise(speaker, name) || !self.grant(speaker, &frame.request) {
            return;
        }
        if frame.is_for_everybody() && text.len() > BROADCAST_BYTES {
            let words = format!("a frame to everybody is longer than {BROADCAST_BYTES} bytes; name one UUID");
            return self.complain(speaker, &words);
        }
        let listeners = self.listeners(speaker, frame);
        self.count(match (&frame.request, listeners.is_empty()) {
            (Request::None, true) => CountedEvent::UnknownDestination,
            (Request::None, false) => CountedEvent::Forwarded,
            _ => CountedEvent::Request,
        });
        let sent = listeners.into_iter().map(|to| Effect::Send { to, text: text.to_owned() });
        self.effects.extend(sent);
    }

    /// Returns whom a frame concerns among those in the speaker's room, or outside all rooms with it.
    fn listeners(&self, speaker: ConnectionId, frame: &Frame<'_>) -> Vec<ConnectionId> {
        let Some(room) = self.sockets.get(&speaker).and_then(|socket| self.rooms.get(&socket.room)) else {
            return Vec::new();
        };
        let addressee = frame.to.as_deref().map(|name| self.names.get(name));
        let publisher = match &frame.request {
            Request::Play { stream } => Some(self.streams.get(stream.as_ref())),
            Request::Seed { .. } | Request::JoinRoom { .. } | Request::Other | Request::None => None,
        };
        let concerns = |listener: &&ConnectionId| {
            **listener != speaker
                && addressee.is_none_or(|addressee| addressee == Some(*listener))
                && publisher.is_none_or(|publisher| publisher == Some(*listener))
        };
        room.iter().filter(concerns).copied().collect()
    }

    fn complain(&mut self, to: ConnectionId, error: &str) {
        // A string always has a JSON spelling.
        let text = serde_json::to_string(&Complaint { error }).unwrap_or_default();
        self.effects.push(Effect::Send { to, text });
    }

    fn count(&mut self, event: CountedEvent) {
        self.effects.push(Effect::Count(event));
    }
}
