//! Answers requests and forwards frames between clients.

use super::frame::{Forward, Frame, Request};
use super::pending_plays::PendingPlays;
use super::reply::{Listing, ListingEntry, Reply};
use super::rooms::{LeftRoom, Rooms};
use super::sockets::Sockets;
use crate::claims::{Claim, Claims};
use crate::close_reason::CloseReason;
use crate::dialect::Effect;
use crate::metrics::CountedEvent;
use crate::route::Route;

/// Clients compare these two texts.
const STREAM_TAKEN: &str = "Stream ID is already in use.";
const STREAM_CANNOT_CHANGE: &str = "Stream ID cannot change on an existing connection.";

const NOT_DIRECTOR: &str = "only the director of a room can move its guests; join with claim first";
const NOT_A_GUEST: &str = "no such guest in your room; choose a UUID from the listing";

/// How many characters of an unknown request are quoted in the answer.
const QUOTED_CHARACTERS: usize = 40;

/// The open clients, their streams, rooms and pending plays, and the frames to send.
#[derive(Debug)]
pub(super) struct Router {
    pub(super) sockets: Sockets,
    pub(super) streams: Claims<Route>,
    pub(super) rooms: Rooms,
    pub(super) pending_plays: PendingPlays,
    pub(super) effects: Vec<Effect>,
}

impl Router {
    /// Processes a frame of an open client; `Err` means that its connection must be closed.
    pub(super) fn handle(&mut self, sender: Route, frame: Frame<'_>) -> Result<(), CloseReason> {
        match frame {
            Frame::Forward(forward) => self.forward(sender, &forward),
            Frame::NoDestination => self.count(CountedEvent::NoDestination),
            Frame::Unknown(request) => self.reject_request(sender, &request),
            Frame::Request(request) => {
                self.count(CountedEvent::Request);
                match request {
                    Request::Seed { stream } => self.seed(sender, &stream),
                    Request::Play { stream } => return self.play(sender, &stream),
                    Request::JoinRoom { room, claim } => self.join(sender, &room, claim),
                    Request::Migrate { room, target } => self.migrate(sender, &room, target),
                    // The web app pings after losing a peer and expects no answer.
                    Request::Ping => {}
                }
            }
        }
        Ok(())
    }

    /// Claims a stream id, and alerts the client unless the claim is granted or repeated.
    pub(super) fn claim(&mut self, publisher: Route, stream: &str) -> Claim {
        let claim = self.streams.claim(stream, publisher);
        match claim {
            Claim::Granted | Claim::Repeated => {}
            Claim::HasAnother => self.alert(publisher, STREAM_CANNOT_CHANGE),
            Claim::Taken => {
                self.count(CountedEvent::StreamConflict);
                self.alert(publisher, STREAM_TAKEN);
            }
        }
        claim
    }

    /// Gives a resumed client its stream and its room again, as far as they are still free.
    pub(super) fn restore(&mut self, client: Route, stream: Option<String>, room: Option<LeftRoom>) {
        let claim = stream.map(|stream| self.claim(client, &stream));
        if let Some(LeftRoom { name, directed }) = room {
            self.enter(client, &name, directed);
        } else if claim == Some(Claim::Granted) {
            self.serve_pending_plays(client);
        }
    }

    pub(super) fn reply(&mut self, to: Route, reply: &Reply<'_>) {
        self.send(to, reply.text());
    }

    pub(super) fn count(&mut self, event: CountedEvent) {
        self.effects.push(Effect::Count(event));
    }

    fn forward(&mut self, sender: Route, forward: &Forward<'_>) {
        match forward.to.filter(|to| self.sockets.socket(*to).is_some()) {
            Some(to) => {
                self.send(to, forward.text_from(sender));
                self.count(CountedEvent::Forwarded);
            }
            None => self.count(CountedEvent::UnknownDestination),
        }
    }

    fn seed(&mut self, publisher: Route, stream: &str) {
        // The web app seeds twice on its first connection; the repetition is not announced.
        if self.claim(publisher, stream) != Claim::Granted {
            return;
        }
        match self.rooms.room_of(publisher) {
            Some(_) => self.send_to_others(publisher, &Reply::VideoAddedToRoom { route: publisher, stream }),
            None => self.serve_pending_plays(publisher),
        }
    }

    fn play(&mut self, viewer: Route, stream: &str) -> Result<(), CloseReason> {
        // A play reaches a publisher in the same room, or outside all rooms if the viewer is outside as well.
        let is_near = |publisher: &Route| self.rooms.room_of(*publisher) == self.rooms.room_of(viewer);
        let Some(publisher) = self.streams.owner_of(stream).filter(is_near) else {
            return self.pending_plays.insert(stream, viewer);
        };
        self.pending_plays.remove(stream, viewer);
        self.reply(publisher, &Reply::OfferSdp { viewer });
        Ok(())
    }

    /// Asks a publisher outside all rooms for an offer to each viewer outside all rooms that waits for its stream.
    fn serve_pending_plays(&mut self, publisher: Route) {
        let Some(stream) = self.streams.name_of(publisher).map(str::to_owned) else { return };
        for viewer in self.pending_plays.viewers(&stream) {
            if self.rooms.room_of(viewer).is_none() {
                self.pending_plays.remove(&stream, viewer);
                self.reply(publisher, &Reply::OfferSdp { viewer });
            }
        }
    }

    fn join(&mut self, client: Route, room: &str, claim: bool) {
        let Some(socket) = self.sockets.socket_mut(client) else { return };
        // The hosted service ignores every joinroom of a socket but the first.
        if std::mem::replace(&mut socket.joined, true) {
            return;
        }
        let directs = if self.rooms.room_of(client) == Some(room) {
            // A resumed client asks for the listing; the other members never saw it leave.
            claim && self.rooms.claim_director(client)
        } else {
            self.rooms.leave(client);
            self.enter(client, room, claim)
        };
        let listing = self.listing(client, claim.then_some(directs));
        self.reply(client, &Reply::Listing(listing));
    }

    fn migrate(&mut self, director: Route, room: &str, target: Option<Route>) {
        if self.rooms.director_for(director) != Some(director) {
            return self.alert(director, NOT_DIRECTOR);
        }
        let current = self.rooms.room_of(director);
        let Some(guest) = target.filter(|target| self.rooms.room_of(*target) == current) else {
            return self.alert(director, NOT_A_GUEST);
        };
        if current != Some(room) {
            self.rooms.leave(guest);
            self.enter(guest, room, false);
        }
        let listing = self.listing(guest, None);
        self.reply(guest, &Reply::Transferred(listing));
    }

    /// Adds a client that is in no room, announces it, and returns whether it directs the room.
    fn enter(&mut self, client: Route, room: &str, claim: bool) -> bool {
        self.rooms.enter(client, room);
        let directs = claim && self.rooms.claim_director(client);
        let stream = self.streams.name_of(client).map(str::to_owned);
        let director = directs.then_some(true);
        self.send_to_others(
            client,
            &Reply::SomeoneJoined { route: client, director, stream: stream.as_deref() },
        );
        directs
    }

    fn listing(&self, client: Route, claim: Option<bool>) -> Listing {
        let entry = |route| ListingEntry { route, stream: self.streams.name_of(route).map(str::to_owned) };
        let list = self.rooms.others(client).into_iter().map(entry).collect();
        let director = self.rooms.director_for(client).filter(|director| *director != client);
        Listing { list, director, claim }
    }

    fn reject_request(&mut self, sender: Route, request: &str) {
        self.count(CountedEvent::UnknownRequest);
        let quoted: String = request.chars().take(QUOTED_CHARACTERS).collect();
        let message = format!("unknown request {quoted:?}; known: seed, play, joinroom, migrate, ping");
        self.reply(sender, &Reply::Error { message: &message });
    }

    fn alert(&mut self, to: Route, message: &str) {
        self.reply(to, &Reply::Alert { message });
    }

    /// Sends a reply to the other members of a client's room.
    fn send_to_others(&mut self, client: Route, reply: &Reply<'_>) {
        let text = reply.text();
        for other in self.rooms.others(client) {
            self.send(other, text.clone());
        }
    }

    fn send(&mut self, to: Route, text: String) {
        if let Some(socket) = self.sockets.socket(to) {
            self.effects.push(Effect::Send { to: socket.connection, text });
        }
    }
}
