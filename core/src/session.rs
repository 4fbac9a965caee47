//! What outlives a process: who we are and what we wish for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{Identity, PeerKey, RoomId, SessionId, StreamId};

/// The state worth storing. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// Who we are.
    pub identity: Identity,
    /// The room that we want to be in.
    pub room: Option<RoomId>,
    /// The streams that we publish.
    pub streams: Vec<StreamId>,
    /// The streams that we view.
    pub views: Vec<StreamId>,
    /// Peers that we know.
    pub peers: Vec<PeerRecord>,
}

/// A peer that we know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerRecord {
    /// The link.
    pub key: PeerKey,
    /// Who it said it is.
    pub identity: Option<Identity>,
    /// Its last session.
    pub session: Option<SessionId>,
}

impl SessionRecord {
    /// Creates the record of a process that wishes for nothing yet.
    pub fn new(identity: Identity) -> Self {
        Self { identity, room: None, streams: Vec::new(), views: Vec::new(), peers: Vec::new() }
    }

    /// Returns the known identities by link.
    pub fn identities(&self) -> BTreeMap<&PeerKey, Identity> {
        self.peers.iter().filter_map(|peer| Some((&peer.key, peer.identity?))).collect()
    }
}
