//! The engine's callbacks, which run on its driver's task and so only pass things on.

use std::sync::Arc;

use async_trait::async_trait;
use rejoin_core::IceConnectionState;
use tokio::sync::mpsc::UnboundedSender;
use webrtc::data_channel::DataChannel;
use webrtc::peer_connection::{
    PeerConnectionEventHandler, RTCIceCandidateInit, RTCIceConnectionState, RTCPeerConnectionIceEvent,
};

use crate::socket::stun_retry::Search;

/// What the engine told us.
pub(crate) enum Happening {
    /// It found a local candidate.
    Candidate(RTCIceCandidateInit),
    /// ICE changed its state.
    Ice(IceConnectionState),
    /// The peer opened a data channel.
    DataChannel(Arc<dyn DataChannel>),
}

/// Passes each callback on and returns at once: the driver can do nothing else while it waits for us.
///
/// Holds neither connection nor channel; either would keep itself alive through us for ever.
pub(crate) struct Callbacks {
    pub(crate) told: UnboundedSender<Happening>,
    pub(crate) search: Search,
}

impl Callbacks {
    fn pass_on(&self, happening: Happening) {
        // Nobody listens any more once the connection is closed.
        let _ = self.told.send(happening);
    }
}

#[async_trait]
impl PeerConnectionEventHandler for Callbacks {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        match event.candidate.to_json() {
            Ok(candidate) => self.pass_on(Happening::Candidate(candidate)),
            Err(error) => tracing::debug!(%error, "a local candidate could not be written"),
        }
    }

    async fn on_ice_connection_state_change(&self, state: RTCIceConnectionState) {
        if let Some(state) = ice_connection_state(state) {
            self.search.observe(state);
            self.pass_on(Happening::Ice(state));
        }
    }

    async fn on_data_channel(&self, data_channel: Arc<dyn DataChannel>) {
        self.pass_on(Happening::DataChannel(data_channel));
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
