//! Publishing and asking for streams: `seed` and `play`.

use std::time::Instant;

use super::HostedDialect;
use super::reply::Reply;
use crate::close_reason::CloseReason;
use crate::metrics::CountedEvent;
use crate::route::Route;

/// Clients recognise these two by their words.
const IN_USE: &str = "Stream ID is already in use.";
const CANNOT_CHANGE: &str = "Stream ID cannot change on an existing connection.";

impl HostedDialect {
    pub(super) fn seed(&mut self, publisher: Route, stream: &str) {
        match self.stream_of(publisher) {
            // The web app seeds twice on its first connection.
            Some(current) if current == stream => return,
            Some(_) => return self.alert(publisher, CANNOT_CHANGE),
            None => {}
        }
        if !self.claim(publisher, stream) {
            return;
        }
        match self.room_of(publisher).cloned() {
            Some(room) => {
                let reply = Reply::VideoAddedToRoom { route: publisher, stream };
                self.tell_others(&room, publisher, &reply);
            }
            None => self.serve_pending_plays(publisher),
        }
    }

    pub(super) fn play(&mut self, viewer: Route, stream: &str, now: Instant) {
        let publisher = self.streams.get(stream).copied();
        if let Some(publisher) = publisher.filter(|publisher| self.share_a_room(*publisher, viewer)) {
            self.forget_play(viewer, stream);
            return self.reply(publisher, &Reply::OfferSdp { viewer });
        }
        let limit = self.limits.pending_plays;
        let Some(socket) = self.sockets.get_mut(&viewer) else { return };
        if socket.pending.contains(stream) {
            return;
        }
        if socket.pending.len() >= limit {
            return self.expel(viewer, CloseReason::TooManyPlays(limit), now);
        }
        socket.pending.insert(stream.to_owned());
        self.pending_plays.add(stream, viewer);
    }

    /// Takes a stream id for a socket that has none, or tells it that somebody else has it.
    pub(super) fn claim(&mut self, publisher: Route, stream: &str) -> bool {
        if self.streams.contains_key(stream) {
            self.count(CountedEvent::StreamConflict);
            self.alert(publisher, IN_USE);
            return false;
        }
        let Some(socket) = self.sockets.get_mut(&publisher) else { return false };
        socket.stream = Some(stream.to_owned());
        self.streams.insert(stream.to_owned(), publisher);
        true
    }

    /// Asks a publisher outside all rooms for an offer to everyone outside all rooms who waits for its stream.
    pub(super) fn serve_pending_plays(&mut self, publisher: Route) {
        let Some(stream) = self.stream_of(publisher).cloned() else { return };
        for viewer in self.pending_plays.of(&stream) {
            if self.room_of(viewer).is_none() {
                self.forget_play(viewer, &stream);
                self.reply(publisher, &Reply::OfferSdp { viewer });
            }
        }
    }

    fn forget_play(&mut self, viewer: Route, stream: &str) {
        if let Some(socket) = self.sockets.get_mut(&viewer)
            && socket.pending.remove(stream)
        {
            self.pending_plays.remove(stream, viewer);
        }
    }

    /// Whether two sockets are in the same room, or both in none.
    fn share_a_room(&self, one: Route, other: Route) -> bool {
        self.room_of(one) == self.room_of(other)
    }
}
