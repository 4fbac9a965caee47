//! The port that watches the host's interfaces and addresses.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::network::NetworkSnapshot;

/// Watches the host's interfaces and addresses.
#[async_trait]
pub trait NetworkMonitor: Debug + Send {
    /// Yields a snapshot at once and then after every possible change; may repeat itself. Cancel-safe.
    async fn next_snapshot(&mut self) -> NetworkSnapshot;
}
