//! What the engine and its sockets report to a connection's task.

use std::sync::Arc;

use rejoin_core::IceConnectionState;
use webrtc::data_channel::DataChannel;
use webrtc::peer_connection::RTCIceCandidateInit;

/// Something that happened in the engine.
pub(crate) enum EngineEvent {
    /// A local candidate was found.
    Candidate(RTCIceCandidateInit),
    /// ICE changed its state.
    Ice(IceConnectionState),
    /// The peer opened a data channel.
    DataChannel(Arc<dyn DataChannel>),
}
