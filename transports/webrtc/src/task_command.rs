//! What the transport sends to a connection's task.

use rejoin_core::port::PeerAction;

/// A command to the task of one connection.
#[derive(Debug)]
pub(crate) enum TaskCommand {
    /// Perform an action of the supervisor.
    Perform(PeerAction),
    /// The supervisor has read so many [`Unsent`](rejoin_core::port::PeerEvent::Unsent) events; every send before this
    /// command was made without knowing of a later one.
    UnsentRead(u64),
}
