//! What becomes of a frame: it is passed on, understood, or refused.

use std::time::Instant;

use super::reply::Reply;
use super::{ConnectionId, Effect, HostedDialect};
use crate::close_reason::CloseReason;
use crate::frame::{Forward, Frame, Malformed, Request};
use crate::metrics::CountedEvent;
use crate::route::Route;

/// How much of an unknown request is quoted back.
const QUOTED_CHARACTERS: usize = 40;

impl HostedDialect {
    /// Takes a text frame from a socket.
    ///
    /// Frames of unknown connections, which were closed or taken over a moment ago, have no effect.
    pub fn receive(&mut self, connection: ConnectionId, text: &str, now: Instant) -> Vec<Effect> {
        match Frame::read(text) {
            Ok(frame) => {
                if let Some(route) = self.route(connection) {
                    self.handle(route, frame, now);
                }
                std::mem::take(&mut self.effects)
            }
            Err(malformed) => self.refuse(connection, &malformed, now),
        }
    }

    /// Answers a frame that could not be read, and closes the socket after too many of them in a row.
    pub fn refuse(&mut self, connection: ConnectionId, malformed: &Malformed, now: Instant) -> Vec<Effect> {
        let Some(route) = self.route(connection) else { return Vec::new() };
        self.count(CountedEvent::Malformed);
        self.reply(route, &Reply::Error { message: &malformed.to_string() });
        let limit = self.limits.malformed_in_a_row;
        if let Some(socket) = self.sockets.get_mut(&route) {
            socket.malformed_in_a_row = socket.malformed_in_a_row.saturating_add(1);
            if socket.malformed_in_a_row >= limit {
                self.expel(route, CloseReason::Malformed(limit), now);
            }
        }
        std::mem::take(&mut self.effects)
    }

    fn handle(&mut self, sender: Route, frame: Frame<'_>, now: Instant) {
        if let Some(socket) = self.sockets.get_mut(&sender) {
            socket.malformed_in_a_row = 0;
        }
        match frame {
            Frame::Forward(relay) => self.pass_on(sender, &relay),
            Frame::Nowhere => self.count(CountedEvent::NoDestination),
            Frame::Unknown(request) => self.explain(sender, &request),
            Frame::Request(request) => {
                self.count(CountedEvent::Request);
                self.answer(sender, request, now);
            }
        }
    }

    fn pass_on(&mut self, sender: Route, relay: &Forward<'_>) {
        match relay.to.filter(|to| self.sockets.contains_key(to)) {
            Some(to) => {
                self.send(to, relay.signed_by(sender));
                self.count(CountedEvent::Forwarded);
            }
            None => self.count(CountedEvent::UnknownDestination),
        }
    }

    fn answer(&mut self, sender: Route, request: Request<'_>, now: Instant) {
        match request {
            Request::Seed { stream } => self.seed(sender, &stream),
            Request::Play { stream } => self.play(sender, &stream, now),
            Request::JoinRoom { room, claim } => self.join(sender, &room, claim),
            Request::Migrate { room, target } => self.migrate(sender, &room, target),
            // The web app pings after losing a peer and expects no answer.
            Request::Ping => {}
        }
    }

    fn explain(&mut self, sender: Route, request: &str) {
        self.count(CountedEvent::UnknownRequest);
        let quoted: String = request.chars().take(QUOTED_CHARACTERS).collect();
        let message = format!("unknown request {quoted:?}; known: seed, play, joinroom, migrate, ping");
        self.reply(sender, &Reply::Error { message: &message });
    }
}
