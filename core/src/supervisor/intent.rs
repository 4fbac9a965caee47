//! The intent: a room, streams to publish, streams to view, or all of a room's. The intent is remembered, never the steps.

use std::collections::BTreeSet;

use crate::id::{RoomId, StreamId};
use crate::message::SignalingMessage;
use crate::session::ViewAll;
use crate::supervisor::context::Context;
use crate::supervisor::settings::Membership;

#[derive(Debug, Default)]
pub(super) struct Intent {
    pub(super) room: Option<RoomId>,
    pub(super) streams: BTreeSet<StreamId>,
    pub(super) views: BTreeSet<StreamId>,
    pub(super) audience: Option<ViewAll>,
}

impl Intent {
    /// Claims what is ours: every published stream, and where we announce ourselves also our name and room.
    pub(super) fn claim(&self, context: &mut Context) {
        let mut streams = self.streams.iter().cloned();
        match (context.settings.membership, self.room.clone()) {
            (Membership::ServerListed, Some(_) | None) => {}
            // the server takes our name from the first message, whatever that is
            (Membership::SelfAnnounced, None) if self.streams.is_empty() => {
                context.send_to_server(SignalingMessage::Present)
            }
            (Membership::SelfAnnounced, None) => {}
            (Membership::SelfAnnounced, Some(room)) => {
                context.send_to_server(SignalingMessage::JoinRoom {
                    room,
                    claim: false,
                    stream: streams.next(),
                });
            }
        }
        for stream in streams {
            context.send_to_server(SignalingMessage::Seed { stream });
        }
    }
}
