//! How a socket comes in: with a new route, or with the route of an earlier socket.

use std::collections::BTreeSet;
use std::time::Instant;

use super::{ConnectionId, Effect, HostedDialect, Socket, Tombstone};
use crate::close_reason::CloseReason;
use crate::metrics::CountedEvent;
use crate::route::{ResumeToken, Route, Secret};

/// Describes a socket that asks to come in; the caller throws the dice.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// Its number, never used before.
    pub connection: ConnectionId,
    /// A random route, used unless the socket resumes another one.
    pub route: Route,
    /// What the client said about resuming, if it knows of it.
    pub extension: Option<Extension>,
}

/// Carries what a client that knows how to resume brings.
#[derive(Clone, Copy, Debug)]
pub struct Extension {
    /// A random secret for a new route.
    pub secret: Secret,
    /// The route that it wants back.
    pub resume: Option<ResumeToken>,
}

/// Tells who a socket is from now on.
#[derive(Clone, Copy, Debug)]
pub struct Admission {
    /// Its name to the others.
    pub route: Route,
    /// What it needs to come back, if it knows how.
    pub pass: Option<ResumeToken>,
    /// Whether it took over an earlier socket's route.
    pub resumed: bool,
}

/// Says why a socket cannot come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdmissionError {
    /// All places are taken.
    #[error("server is full; try again later")]
    Full,
    /// The dice fell as they never should: the route lives, or can be resumed.
    #[error("route is taken; connect again")]
    RouteTaken,
}

impl HostedDialect {
    /// Lets a socket in.
    ///
    /// A wrong pass is no error: the socket gets a new route.
    pub fn open(
        &mut self,
        arrival: Arrival,
        now: Instant,
    ) -> Result<(Admission, Vec<Effect>), AdmissionError> {
        let admission = self.admit(arrival, now)?;
        Ok((admission, std::mem::take(&mut self.effects)))
    }

    fn admit(&mut self, arrival: Arrival, now: Instant) -> Result<Admission, AdmissionError> {
        let Arrival { connection, route, extension } = arrival;
        let resume = extension.and_then(|extension| extension.resume);
        if let Some(pass) = resume
            && self.take_over(connection, pass)
        {
            self.count(CountedEvent::ResumedLiving);
            return Ok(Admission { route: pass.route, pass: Some(pass), resumed: true });
        }
        if self.sockets.len() >= self.limits.sockets {
            return Err(AdmissionError::Full);
        }
        if let Some(pass) = resume
            && let Some(tombstone) = self.tombstones.open(&pass, now)
        {
            self.resume_closed(connection, tombstone);
            self.count(CountedEvent::ResumedClosed);
            return Ok(Admission { route: pass.route, pass: Some(pass), resumed: true });
        }
        if self.sockets.contains_key(&route) || self.tombstones.contains(route) {
            return Err(AdmissionError::RouteTaken);
        }
        let secret = extension.map(|extension| extension.secret);
        self.seat(connection, route, secret);
        self.count(if resume.is_some() { CountedEvent::ResumeDenied } else { CountedEvent::OpenedFresh });
        Ok(Admission { route, pass: secret.map(|secret| ResumeToken { route, secret }), resumed: false })
    }

    /// Puts a new connection into the place of a living one, with everything that belongs to it.
    fn take_over(&mut self, connection: ConnectionId, pass: ResumeToken) -> bool {
        let Some(socket) = self.sockets.get_mut(&pass.route) else { return false };
        if !socket.secret.is_some_and(|secret| secret.matches(&pass.secret)) {
            return false;
        }
        let before = std::mem::replace(&mut socket.connection, connection);
        socket.joined = false;
        socket.malformed_in_a_row = 0;
        self.connections.remove(&before);
        self.connections.insert(connection, pass.route);
        self.effects.push(Effect::Close { connection: before, close_reason: CloseReason::ResumedElsewhere });
        true
    }

    /// Gives a closed socket's route, room and stream to a new connection, as far as they are still free.
    fn resume_closed(&mut self, connection: ConnectionId, tombstone: Tombstone) {
        let Tombstone { route, secret, room, director, stream, .. } = tombstone;
        self.seat(connection, route, Some(secret));
        let claimed = stream.is_some_and(|stream| self.claim(route, &stream));
        match room {
            Some(room) => {
                self.enter(route, &room, director);
            }
            None if claimed => self.serve_pending_plays(route),
            None => {}
        }
    }

    fn seat(&mut self, connection: ConnectionId, route: Route, secret: Option<Secret>) {
        let socket = Socket {
            connection,
            secret,
            stream: None,
            room: None,
            joined: false,
            pending: BTreeSet::new(),
            malformed_in_a_row: 0,
        };
        self.sockets.insert(route, socket);
        self.connections.insert(connection, route);
    }
}
