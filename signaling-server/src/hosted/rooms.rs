//! Rooms: joining, leaving, the director's seat, and moving a guest: `joinroom` and `migrate`.

use super::HostedDialect;
use super::reply::{Reply, Roster, RosterEntry};
use crate::route::Route;

const NOT_DIRECTOR: &str = "only the director of a room can move its guests; join with claim first";
const NOT_A_GUEST: &str = "no such guest in your room; choose a UUID from the listing";

/// A room with at least one member.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// In order of arrival.
    pub(super) members: Vec<Route>,
    pub(super) director: Option<Route>,
}

impl HostedDialect {
    pub(super) fn join(&mut self, guest: Route, room: &str, claim: bool) {
        let Some(socket) = self.sockets.get_mut(&guest) else { return };
        // The hosted service ignores every joinroom of a socket but the first.
        if std::mem::replace(&mut socket.joined, true) {
            return;
        }
        let granted = match socket.room.clone() {
            // A resumed socket asks who is there; the others never saw it go.
            Some(current) if current == room => claim && self.take_seat(guest, room),
            Some(current) => {
                self.leave(&current, guest);
                self.enter(guest, room, claim)
            }
            None => self.enter(guest, room, claim),
        };
        let roster = self.roster(guest, room, claim.then_some(granted));
        self.reply(guest, &Reply::Listing(roster));
    }

    pub(super) fn migrate(&mut self, director: Route, room: &str, target: Option<Route>) {
        let Some(current) = self.room_of(director).cloned() else {
            return self.alert(director, NOT_DIRECTOR);
        };
        if self.rooms.get(&current).and_then(|room| room.director) != Some(director) {
            return self.alert(director, NOT_DIRECTOR);
        }
        let Some(guest) = target.filter(|target| self.room_of(*target) == Some(&current)) else {
            return self.alert(director, NOT_A_GUEST);
        };
        if room != current {
            self.leave(&current, guest);
            self.enter(guest, room, false);
        }
        let roster = self.roster(guest, room, None);
        self.reply(guest, &Reply::Transferred(roster));
    }

    /// Adds a socket that is in no room, tells the others, and returns whether it directs the room.
    pub(super) fn enter(&mut self, guest: Route, room: &str, claim: bool) -> bool {
        self.rooms.entry(room.to_owned()).or_default().members.push(guest);
        if let Some(socket) = self.sockets.get_mut(&guest) {
            socket.room = Some(room.to_owned());
        }
        let granted = claim && self.take_seat(guest, room);
        let stream = self.stream_of(guest).cloned();
        let director = granted.then_some(true);
        let reply = Reply::SomeoneJoined { route: guest, director, stream: stream.as_deref() };
        self.tell_others(room, guest, &reply);
        granted
    }

    /// Removes a member and returns whether it was the director; an empty room is gone.
    pub(super) fn leave(&mut self, room: &str, guest: Route) -> bool {
        if let Some(socket) = self.sockets.get_mut(&guest) {
            socket.room = None;
        }
        let Some(left) = self.rooms.get_mut(room) else { return false };
        left.members.retain(|member| *member != guest);
        let directed = left.director.take_if(|director| *director == guest).is_some();
        if left.members.is_empty() {
            self.rooms.remove(room);
        }
        directed
    }

    pub(super) fn tell_others(&mut self, room: &str, speaker: Route, reply: &Reply<'_>) {
        let Some(room) = self.rooms.get(room) else { return };
        let text = reply.text();
        let others: Vec<Route> = room.members.iter().copied().filter(|member| *member != speaker).collect();
        for other in others {
            self.send(other, text.clone());
        }
    }

    /// Makes a member the director unless the room has another one.
    fn take_seat(&mut self, guest: Route, room: &str) -> bool {
        let room = self.rooms.entry(room.to_owned()).or_default();
        *room.director.get_or_insert(guest) == guest
    }

    fn roster(&self, guest: Route, room: &str, claim: Option<bool>) -> Roster {
        let Some(room) = self.rooms.get(room) else {
            return Roster { list: Vec::new(), director: None, claim };
        };
        let others = room.members.iter().filter(|member| **member != guest);
        let list = others.map(|route| RosterEntry { route: *route, stream: self.stream_of(*route).cloned() });
        Roster { list: list.collect(), director: room.director.filter(|director| *director != guest), claim }
    }
}
