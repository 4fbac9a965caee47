//! What one part of the machine leaves for another to do at the end of an input.

use crate::id::PeerKey;

/// An event within the machine; those of an input are handled in this order, each once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum InternalEvent {
    /// The signaling link has given the sign of life that it was asked for.
    SignalingProven,
    /// A peer is suspect, so the signaling link is probed before it is needed.
    SignalingProbeRequested,
    /// A peer link suspects the signaling link.
    SignalingSuspect,
    /// The session record may have changed.
    RecordChanged,
    /// This link may have changed what the delivery store must know.
    LinkChanged(PeerKey),
}
