//! How far a connection has come, as far as the interceptors of its sockets need to know.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rejoin_core::IceConnectionState;

/// Shared by the task, the callbacks and the sockets of one connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    channel_opened: AtomicBool,
    gathering_useless: AtomicBool,
}

impl Progress {
    /// Records that the data channel is open.
    pub(crate) fn on_channel_open(&self) {
        self.0.channel_opened.store(true, Ordering::Release);
    }

    /// Returns whether the data channel has opened; SCTP then retransmits what is lost.
    pub(crate) fn has_channel_opened(&self) -> bool {
        self.0.channel_opened.load(Ordering::Acquire)
    }

    /// Records the state of ICE.
    pub(crate) fn on_ice_state(&self, state: IceConnectionState) {
        let useless = match state {
            IceConnectionState::New | IceConnectionState::Checking | IceConnectionState::Disconnected => {
                false
            }
            IceConnectionState::Connected
            | IceConnectionState::Completed
            | IceConnectionState::Failed
            | IceConnectionState::Closed => true,
        };
        self.0.gathering_useless.store(useless, Ordering::Release);
    }

    /// Returns whether ICE can use another local candidate.
    pub(crate) fn needs_candidates(&self) -> bool {
        !self.0.gathering_useless.load(Ordering::Acquire)
    }
}
