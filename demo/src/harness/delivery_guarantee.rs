//! Which messages a fault may cost.

/// Which messages a kill or an outage may cost; every other loss is a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeliveryGuarantee {
    /// A killed process may lose what it held in memory, and its successor may receive the last messages again.
    #[default]
    WhileAlive,
    /// A killed process may lose only what it had not accepted, because everything else is on disk.
    Durable,
    /// Nothing is killed, but one side does not acknowledge.
    ///
    /// What was in transit when an outage began may be lost, and what was sent before the sender detected it.
    BestEffort,
}
