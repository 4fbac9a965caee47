//! The open connections and the route of each.

use std::collections::BTreeMap;

use crate::dialect::ConnectionId;
use crate::route::{ResumeToken, Route, Secret};

/// Maps connections to routes, and routes to sockets.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    by_connection: BTreeMap<ConnectionId, Route>,
    by_route: BTreeMap<Route, Socket>,
}

/// The state of one route's connection.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) connection: ConnectionId,
    /// Present if the client supports resuming.
    pub(super) secret: Option<Secret>,
    /// Whether this connection has sent `joinroom`; a resumed connection may send it once more.
    pub(super) joined: bool,
    pub(super) malformed_in_a_row: u32,
}

impl Sockets {
    pub(super) fn insert(&mut self, connection: ConnectionId, route: Route, secret: Option<Secret>) {
        let socket = Socket { connection, secret, joined: false, malformed_in_a_row: 0 };
        self.by_route.insert(route, socket);
        self.by_connection.insert(connection, route);
    }

    /// Gives the route of an open connection to a new one and returns the old connection.
    ///
    /// Returns `None` if the route has no open connection or the secret is wrong.
    pub(super) fn replace(&mut self, token: &ResumeToken, connection: ConnectionId) -> Option<ConnectionId> {
        let socket = self.by_route.get(&token.route)?;
        let secret = socket.secret.filter(|secret| secret.matches(&token.secret))?;
        let replaced = socket.connection;
        self.by_connection.remove(&replaced);
        self.insert(connection, token.route, Some(secret));
        Some(replaced)
    }

    pub(super) fn remove(&mut self, connection: ConnectionId) -> Option<(Route, Socket)> {
        let route = self.by_connection.remove(&connection)?;
        Some((route, self.by_route.remove(&route)?))
    }

    /// Returns the route of an open connection and its socket.
    pub(super) fn open_mut(&mut self, connection: ConnectionId) -> Option<(Route, &mut Socket)> {
        let route = *self.by_connection.get(&connection)?;
        Some((route, self.by_route.get_mut(&route)?))
    }

    pub(super) fn socket(&self, route: Route) -> Option<&Socket> {
        self.by_route.get(&route)
    }

    pub(super) fn socket_mut(&mut self, route: Route) -> Option<&mut Socket> {
        self.by_route.get_mut(&route)
    }

    pub(super) fn len(&self) -> usize {
        self.by_route.len()
    }

    #[cfg(test)]
    pub(super) fn is_open(&self, connection: ConnectionId) -> bool {
        self.by_connection.contains_key(&connection)
    }

    #[cfg(test)]
    pub(super) fn is_consistent(&self) -> bool {
        let agrees = |(connection, route): (&ConnectionId, &Route)| {
            self.by_route.get(route).is_some_and(|socket| socket.connection == *connection)
        };
        self.by_connection.len() == self.by_route.len() && self.by_connection.iter().all(agrees)
    }
}
