//! Rooms: their members and directors.

use std::collections::BTreeMap;

use crate::route::Route;

/// Maps rooms to members, and members to rooms; a client is in at most one room.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    by_name: BTreeMap<String, Room>,
    by_member: BTreeMap<Route, String>,
}

/// A room with at least one member.
#[derive(Debug, Default)]
struct Room {
    /// In order of arrival.
    members: Vec<Route>,
    director: Option<Route>,
}

/// The place in a room that a client has left.
#[derive(Debug)]
pub(super) struct LeftRoom {
    pub(super) name: String,
    /// Whether the client directed the room.
    pub(super) directed: bool,
}

impl Rooms {
    /// Adds a client that is in no room.
    pub(super) fn enter(&mut self, client: Route, name: &str) {
        self.by_name.entry(name.to_owned()).or_default().members.push(client);
        self.by_member.insert(client, name.to_owned());
    }

    /// Removes a client from its room, and the room if it is empty.
    pub(super) fn leave(&mut self, client: Route) -> Option<LeftRoom> {
        let name = self.by_member.remove(&client)?;
        let room = self.by_name.get_mut(&name)?;
        room.members.retain(|member| *member != client);
        let directed = room.director.take_if(|director| *director == client).is_some();
        if room.members.is_empty() {
            self.by_name.remove(&name);
        }
        Some(LeftRoom { name, directed })
    }

    /// Makes a member the director of its room, and returns `false` if the room has another one.
    pub(super) fn claim_director(&mut self, member: Route) -> bool {
        let name = self.by_member.get(&member);
        let room = name.and_then(|name| self.by_name.get_mut(name));
        room.is_some_and(|room| *room.director.get_or_insert(member) == member)
    }

    pub(super) fn room_of(&self, client: Route) -> Option<&str> {
        self.by_member.get(&client).map(String::as_str)
    }

    /// Returns the director of a client's room.
    pub(super) fn director_for(&self, client: Route) -> Option<Route> {
        self.by_name.get(self.by_member.get(&client)?)?.director
    }

    /// Returns the other members of a client's room in order of arrival.
    pub(super) fn others(&self, client: Route) -> Vec<Route> {
        let room = self.by_member.get(&client).and_then(|name| self.by_name.get(name));
        let members = room.map(|room| room.members.iter()).unwrap_or_default();
        members.copied().filter(|member| *member != client).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    #[cfg(test)]
    pub(super) fn is_consistent(&self, is_open: impl Fn(Route) -> bool) -> bool {
        let is_room_consistent = |(name, room): (&String, &Room)| {
            !room.members.is_empty()
                && room.members.iter().all(|member| self.by_member.get(member) == Some(name))
                && room.director.is_none_or(|director| room.members.contains(&director))
        };
        self.by_name.iter().all(is_room_consistent)
            && self.by_name.values().map(|room| room.members.len()).sum::<usize>() == self.by_member.len()
            && self.by_member.keys().all(|member| is_open(*member))
    }
}
