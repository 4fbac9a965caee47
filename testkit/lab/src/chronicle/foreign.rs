//! What a foreign peer tells of its links, in the words of `testkit/interop`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::incident::Link;

/// The links of a foreign peer.
#[derive(Debug, Default)]
pub(super) struct Links {
    socket: bool,
    connections: BTreeSet<u64>,
    channels: BTreeSet<u64>,
}

impl Links {
    /// Takes in an event.
    ///
    /// # Errors
    /// With the words of the peer if it is one that must not happen.
    pub(super) fn absorb(&mut self, event: &Value) -> Result<(), String> {
        let connection = event["connection"].as_u64().unwrap_or_default();
        match event["event"].as_str().unwrap_or_default() {
            "socket" => self.socket = event["state"] == "open",
            "built" => {
                self.connections.insert(connection);
            }
            "open" => {
                self.channels.insert(connection);
            }
            "channel_closed" => {
                self.channels.remove(&connection);
            }
            "dropped" => {
                self.channels.remove(&connection);
                self.connections.remove(&connection);
            }
            "error" | "alert" => return Err(event["text"].as_str().unwrap_or_default().to_owned()),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn is_up(&self, link: Link) -> bool {
        match link {
            Link::Signaling => self.socket,
            Link::Peer => !self.channels.is_empty(),
        }
    }

    /// Returns how many peer connections it has.
    pub(super) fn connections(&self) -> usize {
        self.connections.len()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_peer_link_is_up_while_any_connection_has_an_open_channel() {
        let mut links = Links::default();
        let mut tell = |event: &str, connection: u64| {
            links.absorb(&json!({"event": event, "connection": connection})).unwrap();
            (links.is_up(Link::Peer), links.connections())
        };
        assert_eq!(tell("built", 1), (false, 1));
        assert_eq!(tell("open", 1), (true, 1));
        assert_eq!(tell("built", 2), (true, 2));
        assert_eq!(tell("dropped", 1), (false, 1));
        assert_eq!(tell("open", 2), (true, 1));
        assert_eq!(tell("channel_closed", 2), (false, 1));
    }

    #[test]
    fn an_error_is_told_in_its_words() {
        let told = Links::default().absorb(&json!({"event": "error", "text": "no such thing"}));
        assert_eq!(told, Err("no such thing".to_owned()));
    }
}
