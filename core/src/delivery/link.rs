//! The delivery state of one peer link.

use crate::delivery::durable::PersistedState;
use crate::delivery::{Inbox, Outbox, Reassembly};

/// What a peer link sends and receives for the application.
#[derive(Debug)]
pub(crate) struct LinkDelivery {
    pub(crate) outbox: Outbox,
    pub(crate) inbox: Inbox,
    /// The state of this link that the store has; empty unless messages are durable.
    pub(crate) persisted: PersistedState,
    pub(crate) reassembly: Reassembly,
}
