//! The engine's callbacks, which run on its driver's task and so only pass events on.

use std::sync::Arc;

use async_trait::async_trait;
use rejoin_core::IceConnectionState;
use tokio::sync::mpsc::UnboundedSender;
use webrtc::data_channel::DataChannel;
use webrtc::peer_connection::{PeerConnectionEventHandler, RTCIceConnectionState, RTCPeerConnectionIceEvent};

use crate::engine_event::EngineEvent;
use crate::socket::progress::Progress;

/// Passes each callback on and returns at once: the driver can do nothing else while it waits for us.
///
/// Holds neither connection nor channel; either would keep itself alive through us for ever.
pub(crate) struct Callbacks {
    pub(crate) events: UnboundedSender<EngineEvent>,
    pub(crate) progress: Progress,
}

impl Callbacks {
    fn send(&self, event: EngineEvent) {
        // The receiver is gone once the connection is closed.
        let _ = self.events.send(event);
    }
}

#[async_trait]
impl PeerConnectionEventHandler for Callbacks {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        match event.candidate.to_json() {
            Ok(candidate) => self.send(EngineEvent::Candidate(candidate)),
            Err(error) => tracing::debug!(%error, "a local candidate could not be written"),
        }
    }

    async fn on_ice_connection_state_change(&self, state: RTCIceConnectionState) {
        if let Some(state) = ice_connection_state(state) {
            self.progress.on_ice_state(state);
            self.send(EngineEvent::Ice(state));
        }
    }

    async fn on_data_channel(&self, data_channel: Arc<dyn DataChannel>) {
        self.send(EngineEvent::DataChannel(data_channel));
    }
}

fn ice_connection_state(state: RTCIceConnectionState) -> Option<IceConnectionState> {
    match state {
        RTCIceConnectionState::New => Some(IceConnectionState::New),
        RTCIceConnectionState::Checking => Some(IceConnectionState::Checking),
        RTCIceConnectionState::Connected => Some(IceConnectionState::Connected),
        RTCIceConnectionState::Completed => Some(IceConnectionState::Completed),
        RTCIceConnectionState::Disconnected => Some(IceConnectionState::Disconnected),
        RTCIceConnectionState::Failed => Some(IceConnectionState::Failed),
        RTCIceConnectionState::Closed => Some(IceConnectionState::Closed),
        // The engine's placeholder; its states are non-exhaustive.
        _ => None,
    }
}
