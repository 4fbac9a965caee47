//! The hosted dialect: the server assigns UUIDs, lists rooms and asks publishers for offers.

mod frame;
#[cfg(test)]
mod invariants;
mod pending_plays;
mod reply;
mod rooms;
mod router;
mod sockets;
mod tombstones;

use std::time::Instant;

use self::frame::Frame;
use self::pending_plays::PendingPlays;
use self::reply::Reply;
use self::rooms::Rooms;
use self::router::Router;
use self::sockets::Sockets;
use self::tombstones::{Tombstone, Tombstones};
use crate::claims::Claims;
use crate::close_reason::CloseReason;
use crate::dialect::{
    Admission, AdmissionError, ConnectionId, Effect, NewConnection, ResumeRequest, ServerDialect,
};
use crate::frame::Malformed;
use crate::metrics::{CountedEvent, Counts};
use crate::options::Limits;
use crate::route::ResumeToken;

/// Connects clients as the hosted service does.
#[derive(Debug)]
pub struct HostedDialect {
    limits: Limits,
    router: Router,
    tombstones: Tombstones,
}

impl HostedDialect {
    /// Returns a state machine without connections.
    pub fn new(limits: Limits) -> Self {
        let router = Router {
            sockets: Sockets::default(),
            streams: Claims::new(),
            rooms: Rooms::default(),
            pending_plays: PendingPlays::new(limits.pending_plays),
            effects: Vec::new(),
        };
        Self { limits, router, tombstones: Tombstones::new(limits.tombstones, limits.resume_expiry) }
    }

    fn admit(&mut self, new: NewConnection, now: Instant) -> Result<Admission, AdmissionError> {
        let NewConnection { connection, route, secret, resume } = new;
        let token = match resume {
            Some(ResumeRequest::Resume(token)) => Some(token),
            Some(ResumeRequest::NewRoute) | None => None,
        };
        if let Some(token) = token
            && let Some(replaced) = self.router.sockets.replace(&token, connection)
        {
            let reason = CloseReason::ResumedElsewhere;
            self.router.effects.push(Effect::Close { connection: replaced, reason });
            self.router.count(CountedEvent::ResumedLiving);
            return Ok(Admission { route: token.route, token: Some(token), resumed: true });
        }
        if self.router.sockets.len() >= self.limits.sockets {
            return Err(AdmissionError::Full);
        }
        if let Some(token) = token
            && let Some(Tombstone { room, stream, .. }) = self.tombstones.take(&token, now)
        {
            self.router.sockets.insert(connection, token.route, Some(token.secret));
            self.router.restore(token.route, stream, room);
            self.router.count(CountedEvent::ResumedClosed);
            return Ok(Admission { route: token.route, token: Some(token), resumed: true });
        }
        if self.router.sockets.socket(route).is_some() || self.tombstones.contains(route) {
            return Err(AdmissionError::RouteTaken);
        }
        let secret = resume.map(|_| secret);
        self.router.sockets.insert(connection, route, secret);
        self.router.count(match token {
            Some(_) => CountedEvent::ResumeDenied,
            None => CountedEvent::OpenedFresh,
        });
        Ok(Admission { route, token: secret.map(|secret| ResumeToken { route, secret }), resumed: false })
    }

    fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.router.effects)
    }
}

impl ServerDialect for HostedDialect {
    fn open(&mut self, new: NewConnection, now: Instant) -> Result<(Admission, Vec<Effect>), AdmissionError> {
        let admission = self.admit(new, now)?;
        Ok((admission, self.take_effects()))
    }

    fn receive(&mut self, id: ConnectionId, text: Result<&str, Malformed>, now: Instant) -> Vec<Effect> {
        let Some((sender, socket)) = self.router.sockets.open_mut(id) else { return Vec::new() };
        let outcome = match text.and_then(Frame::parse) {
            Ok(frame) => {
                socket.malformed_in_a_row = 0;
                self.router.handle(sender, frame)
            }
            Err(malformed) => {
                socket.malformed_in_a_row = socket.malformed_in_a_row.saturating_add(1);
                let (in_a_row, limit) = (socket.malformed_in_a_row, self.limits.malformed_in_a_row);
                self.router.count(CountedEvent::Malformed);
                self.router.reply(sender, &Reply::Error { message: &malformed.to_string() });
                if in_a_row < limit { Ok(()) } else { Err(CloseReason::Malformed(limit)) }
            }
        };
        if let Err(reason) = outcome {
            self.close(id, now);
            self.router.effects.push(Effect::Close { connection: id, reason });
        }
        self.take_effects()
    }

    fn close(&mut self, id: ConnectionId, now: Instant) {
        let Some((route, socket)) = self.router.sockets.remove(id) else { return };
        let room = self.router.rooms.leave(route);
        let stream = self.router.streams.release(route);
        self.router.pending_plays.remove_viewer(route);
        if let Some(secret) = socket.secret {
            let token = ResumeToken { route, secret };
            self.tombstones.insert(Tombstone { token, room, stream, closed_at: now });
        }
    }

    fn counts(&self) -> Counts {
        Counts {
            sockets: self.router.sockets.len(),
            streams: self.router.streams.len(),
            rooms: self.router.rooms.len(),
            pending_plays: self.router.pending_plays.len(),
            tombstones: self.tombstones.len(),
        }
    }
}
