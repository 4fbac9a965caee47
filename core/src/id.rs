//! Names: of processes, streams, rooms, addresses, sessions, links and incarnations.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ice::Role;

/// A random 128-bit name that a rejoin process keeps across reconnections and, when stored, restarts.
///
/// Shown and parsed as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Identity(pub u128);

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for Identity {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let hexadecimal = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match u128::from_str_radix(text, 16) {
            Ok(value) if hexadecimal => Ok(Self(value)),
            Ok(_) | Err(_) => Err(IdentityError(text.chars().take(40).collect())),
        }
    }
}

impl TryFrom<String> for Identity {
    type Error = IdentityError;

    fn try_from(text: String) -> Result<Self, IdentityError> {
        text.parse()
    }
}

impl From<Identity> for String {
    fn from(identity: Identity) -> Self {
        identity.to_string()
    }
}

/// Text that is not an [`Identity`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an identity; give 32 hexadecimal digits")]
pub struct IdentityError(String);

/// The name of a stream as people say it, without the password suffix that travels on the wire.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StreamId(pub Arc<str>);

/// The name of a room as people say it, unhashed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoomId(pub Arc<str>);

/// Where the signaling server finds a peer at the moment (its UUID); replaceable at any time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SignalingAddress(pub Arc<str>);

/// The name of one peer connection, chosen by its offerer; compared exactly.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(pub Arc<str>);

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for SignalingAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which way a peer link carries its stream, seen from here.
///
/// VDO.Ninja keeps the two directions between two peers as two separate peer connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// We publish a stream to the peer, so we offer.
    Publishing,
    /// We view the peer's stream, so we answer.
    Viewing,
}

impl Direction {
    /// Returns who writes the offer: the publisher does (VDO.Ninja wire).
    pub fn role(self) -> Role {
        match self {
            Self::Publishing => Role::Offerer,
            Self::Viewing => Role::Answerer,
        }
    }
}

/// A peer link for as long as it is wanted: who, and which way.
///
/// `peer` is the stream id when we view, and the first address when we publish.
/// It never changes; the identity that the peer announces is an attribute of the link.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PeerKey {
    /// The stream id (viewing) or the first address (publishing).
    pub peer: Arc<str>,
    /// Which way the stream flows.
    pub direction: Direction,
}

impl fmt::Display for PeerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.direction {
            Direction::Publishing => write!(f, "to {}", self.peer),
            Direction::Viewing => write!(f, "from {}", self.peer),
        }
    }
}

/// One incarnation of a socket or a peer connection, unique within a supervisor.
///
/// Because no two incarnations share a number, a connection can be adopted by another link
/// (its peer turned out to be known) without telling the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u32);

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_survives_its_text_form() {
        let identity = Identity(0x0123_4567_89ab_cdef);
        assert_eq!(identity.to_string().parse(), Ok(identity));
    }

    #[test]
    fn identity_refuses_signs_and_short_text() {
        assert!("+0000000000000000000000000000001".parse::<Identity>().is_err());
        assert!("12ab".parse::<Identity>().is_err());
    }
}
