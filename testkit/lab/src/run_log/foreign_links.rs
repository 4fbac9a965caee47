//! The links of a peer of another stack, read from the events of `testkit/interop`.

use std::collections::BTreeSet;

use rejoin_demo::harness::Link;
use serde_json::Value;

/// The links of a foreign peer.
#[derive(Debug, Default)]
pub(super) struct ForeignLinks {
    socket: bool,
    connections: BTreeSet<u64>,
    channels: BTreeSet<u64>,
}

impl ForeignLinks {
    /// Takes an event in.
    ///
    /// # Errors
    /// With the text of the event if it reports an error.
    pub(super) fn on_event(&mut self, event: &Value) -> Result<(), String> {
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
        let mut links = ForeignLinks::default();
        let mut report = |event: &str, connection: u64| {
            links.on_event(&json!({"event": event, "connection": connection})).unwrap();
            (links.is_up(Link::Peer), links.connections())
        };
        assert_eq!(report("built", 1), (false, 1));
        assert_eq!(report("open", 1), (true, 1));
        assert_eq!(report("built", 2), (true, 2));
        assert_eq!(report("dropped", 1), (false, 1));
        assert_eq!(report("open", 2), (true, 1));
        assert_eq!(report("channel_closed", 2), (false, 1));
    }

    #[test]
    fn an_error_keeps_its_text() {
        let error = ForeignLinks::default().on_event(&json!({"event": "error", "text": "no such thing"}));
        assert_eq!(error, Err("no such thing".to_owned()));
    }
}
