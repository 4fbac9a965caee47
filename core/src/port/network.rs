//! The port that watches the host's interfaces and routes.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::network::NetworkSnapshot;

/// Watches the host's interfaces and routes.
#[async_trait]
pub trait NetworkMonitor: Debug + Send {
    /// Returns a snapshot at once and then after every possible change; it may repeat a snapshot. Cancel-safe.
    async fn next_snapshot(&mut self) -> NetworkSnapshot;
}
