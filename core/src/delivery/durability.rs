//! How long a side keeps its delivery state.

/// How long a side keeps the messages that it accepted and the position that it reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// As long as its process runs.
    #[default]
    InMemory,
    /// Across restarts.
    Durable,
}
