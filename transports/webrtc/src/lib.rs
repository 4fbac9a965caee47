//! Peer connections and data channels over the webrtc crate.
