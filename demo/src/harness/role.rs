//! Which process is meant, and the numbered messages that it sends.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One of the two peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The peer that publishes the stream.
    Publisher,
    /// The peer that views the stream.
    Viewer,
}

impl Role {
    /// Both roles, in order.
    pub const BOTH: [Self; 2] = [Self::Publisher, Self::Viewer];

    /// Returns the other role.
    pub fn other(self) -> Self {
        match self {
            Self::Publisher => Self::Viewer,
            Self::Viewer => Self::Publisher,
        }
    }

    /// Returns the word for tables and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Publisher => "publisher",
            Self::Viewer => "viewer",
        }
    }
}

/// One process of a role; every start of a role is a process of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProcessId {
    /// The role of the process.
    pub role: Role,
    /// The number of the start, from 1.
    pub number: u32,
}

/// A message with which the harness counts what is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberedMessage {
    /// The process that sent it.
    pub sender: ProcessId,
    /// Its number among the messages of that process, from 1.
    pub number: u64,
}

impl NumberedMessage {
    /// Returns the payload, which is also the line that `rejoin join --format jsonl` reads.
    pub fn to_json(self) -> Value {
        json!({"sender": self.sender.role.name(), "process": self.sender.number, "number": self.number})
    }

    /// Reads a received payload; `None` if the harness did not write it.
    pub fn from_json(data: &Value) -> Option<Self> {
        let role = Role::BOTH.into_iter().find(|role| data["sender"] == role.name())?;
        let number = u32::try_from(data["process"].as_u64()?).ok()?;
        Some(Self { sender: ProcessId { role, number }, number: data["number"].as_u64()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_survives_its_json() {
        let sender = ProcessId { role: Role::Viewer, number: 3 };
        let message = NumberedMessage { sender, number: 7 };
        assert_eq!(NumberedMessage::from_json(&message.to_json()), Some(message));
        assert_eq!(NumberedMessage::from_json(&json!({"sender": "nobody", "process": 1, "number": 1})), None);
    }
}
