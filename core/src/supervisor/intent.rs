//! The wish: a room, streams to publish, streams to view, or all of a room's. The wish is remembered, never the steps.

use std::collections::BTreeSet;

use crate::id::{RoomId, StreamId};
use crate::message::SignalingMessage;
use crate::session::Audience;
use crate::supervisor::Attendance;
use crate::supervisor::desk::Desk;

#[derive(Debug, Default)]
pub(super) struct Intent {
    pub(super) room: Option<RoomId>,
    pub(super) streams: BTreeSet<StreamId>,
    pub(super) views: BTreeSet<StreamId>,
    pub(super) audience: Option<Audience>,
}

impl Intent {
    /// Claims what is ours: every published stream, and where we announce ourselves also our name and room.
    pub(super) fn claim(&self, desk: &mut Desk) {
        let mut streams = self.streams.iter().cloned();
        match (desk.settings.attendance, self.room.clone()) {
            (Attendance::Listed, Some(_) | None) => {}
            // the server takes our name from the first message, whatever that is
            (Attendance::Announced, None) if self.streams.is_empty() => desk.wish(SignalingMessage::Present),
            (Attendance::Announced, None) => {}
            (Attendance::Announced, Some(room)) => {
                desk.wish(SignalingMessage::JoinRoom { room, claim: false, stream: streams.next() });
            }
        }
        for stream in streams {
            desk.wish(SignalingMessage::Seed { stream });
        }
    }
}
