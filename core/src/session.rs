//! What outlives a process: who we are, what we intent for, and what we call our viewers.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{Identity, RoomId, StreamId};

/// The state worth storing. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// Who we are.
    pub identity: Identity,
    /// The room that we want to be in.
    pub room: Option<RoomId>,
    /// The intent to view that room, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<ViewAll>,
    /// The streams that we publish.
    pub streams: Vec<StreamId>,
    /// The streams that we view.
    pub views: Vec<StreamId>,
    /// The rejoin peers that view us or did; who came last is last.
    #[serde(default)]
    pub viewers: Vec<ViewerRecord>,
}

/// The intent to view a whole room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewAll {
    /// The one stream that is not wanted.
    pub except: Option<StreamId>,
}

/// A viewer, and the name by which the application knows it.
///
/// A link to a viewer is named after its first address, which may be another whenever the viewer comes back.
/// By this record it keeps its name after it left, and after our own restart.
/// A link to a publisher needs no record: it is named after the stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewerRecord {
    /// The name of its link.
    pub name: Arc<str>,
    /// Who it said it is.
    pub identity: Identity,
    /// The stream of ours that it views.
    pub stream: StreamId,
}

impl SessionRecord {
    /// Creates the record of a process that has no intent yet.
    pub fn new(identity: Identity) -> Self {
        let (streams, views, viewers) = (Vec::new(), Vec::new(), Vec::new());
        Self { identity, room: None, audience: None, streams, views, viewers }
    }
}
