//! The wish: a room, streams to publish, streams to view. The wish is remembered, never the steps.

use std::collections::BTreeSet;

use crate::id::{RoomId, StreamId};
use crate::message::SignalingMessage;
use crate::supervisor::desk::Desk;

#[derive(Debug, Default)]
pub(super) struct Intent {
    pub(super) room: Option<RoomId>,
    pub(super) streams: BTreeSet<StreamId>,
    pub(super) views: BTreeSet<StreamId>,
}

impl Intent {
    /// Claims every published stream.
    pub(super) fn seed(&self, desk: &mut Desk) {
        for stream in &self.streams {
            desk.wish(SignalingMessage::Seed { stream: stream.clone() });
        }
    }
}
