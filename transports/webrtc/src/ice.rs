//! The state of ICE, and when a silent pair counts as failed.

use std::time::Duration;

use rejoin_core::IceConnectionState;
use tokio::time::Instant;

/// Follows the ICE state of one connection.
///
/// The engine has one timeout for giving up checks and for giving up a silent pair; this has the second one.
#[derive(Debug)]
pub(crate) struct IceMonitor {
    state: IceConnectionState,
    failed_timeout: Duration,
    failed_at: Option<Instant>,
}

impl IceMonitor {
    /// Creates a monitor for which a pair has failed `failed_timeout` after it went silent.
    pub(crate) fn new(failed_timeout: Duration) -> Self {
        Self { state: IceConnectionState::New, failed_timeout, failed_at: None }
    }

    /// Records `state`; returns whether it is a change.
    pub(crate) fn on_state(&mut self, state: IceConnectionState) -> bool {
        if self.state == state {
            return false;
        }
        self.state = state;
        let silent = state == IceConnectionState::Disconnected;
        self.failed_at = silent.then(|| Instant::now() + self.failed_timeout);
        true
    }

    /// Returns whether a pair works.
    pub(crate) fn is_connected(&self) -> bool {
        self.state.is_connected()
    }

    /// Returns when the pair counts as failed, unless the state changes before.
    pub(crate) fn failed_at(&self) -> Option<Instant> {
        self.failed_at
    }
}
