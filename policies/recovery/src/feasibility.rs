//! Which repairs can work in an incident: facts about WebRTC that every strategy shares.

use std::time::Duration;

use rejoin_core::policy::{Outcome, RecoveryContext, Spare};
use rejoin_core::{Fault, IceConnectionState, Link, Phase, RecoveryStep, Role};

/// Returns whether rejoin can only wait for the peer: a publisher cannot call a viewer without its route.
pub(crate) fn must_wait(context: &RecoveryContext<'_>) -> bool {
    context.role == Role::Offerer && !context.address_known
}

/// Returns the step that is the same for every strategy, if there is one: replace a dead socket, or use a spare.
pub(crate) fn common_step(context: &RecoveryContext<'_>) -> Option<RecoveryStep> {
    match context.link {
        Link::Signaling => Some(RecoveryStep::ReconnectSignaling),
        Link::Peer => with_spare(context),
    }
}

/// Returns the step that a spare connection makes the best one.
///
/// A move to an open connection takes one round trip.
/// If the spare lost its uplink, the active connection still works over another.
fn with_spare(context: &RecoveryContext<'_>) -> Option<RecoveryStep> {
    let untouched = *context.fault == Fault::NetworkSwitched && context.tried.is_empty();
    match context.spare {
        Spare::Ready => is_of_the_path(context.fault).then_some(RecoveryStep::MoveToSpare),
        Spare::Lost => untouched.then_some(RecoveryStep::Wait),
        Spare::None => None,
    }
}

/// Returns whether the fault affects one path or one connection only.
fn is_of_the_path(fault: &Fault) -> bool {
    match fault {
        Fault::IceDisconnected
        | Fault::IceFailed
        | Fault::ProbeUnanswered
        | Fault::NetworkSwitched
        | Fault::QualityPoor
        | Fault::DataChannelClosed
        | Fault::ConnectionDied { .. } => true,
        // The peer left or decides, the host was suspended, or the application asked for a new connection.
        _ => false,
    }
}

/// Returns whether only a new connection can help.
pub(crate) fn is_lost(context: &RecoveryContext<'_>) -> bool {
    // Without a route an answerer cannot even ask for a restart, but a new `play` finds the peer.
    let unreachable = context.role == Role::Answerer && !context.address_known;
    let closed = context.ice == Some(IceConnectionState::Closed) || !context.channel_open;
    unreachable || closed || loses_connection(context.fault)
}

/// Returns whether the path carries no packets, so that an ICE restart breaks no working path.
pub(crate) fn path_is_dead(context: &RecoveryContext<'_>) -> bool {
    context.fault.is_silence() || context.ice.is_some_and(|ice| !ice.is_connected())
}

/// Returns whether `rebuilds` rebuilds have failed since signaling was last checked; never for 0.
pub(crate) fn signaling_is_due(context: &RecoveryContext<'_>, rebuilds: u32) -> bool {
    let since = context.tried.iter().rev();
    let since = since.take_while(|tried| tried.step != RecoveryStep::ReconnectSignaling);
    let failed = since.filter(|tried| tried.step == RecoveryStep::RecreatePeerConnection).count();
    rebuilds != 0 && u32::try_from(failed).is_ok_and(|failed| failed >= rebuilds)
}

/// Returns whether an ICE restart could bring the data channel back.
///
/// ICE repairs a path, not an association: after retransmissions into a dead path SCTP waits for up to 32 s once the
/// path is back, or closes, so a rebuild is faster than a restart once data is unacknowledged for `stale_after`.
pub(crate) fn restart_may_help(context: &RecoveryContext<'_>, stale_after: Duration) -> bool {
    let stale = context.bytes_in_flight > 0 && context.silent_for > stale_after;
    let refused = context.peer_restarts_ice == Some(false);
    !stale && !refused && !is_lost(context) && !restart_was_unverified(context)
}

/// Returns whether the fault may heal by itself, so that waiting makes sense.
pub(crate) fn may_heal(fault: &Fault) -> bool {
    match fault {
        Fault::IceDisconnected => true,
        // The detection has already waited, or waiting changes nothing.
        Fault::NotConnected
        | Fault::IceFailed
        | Fault::ProbeUnanswered
        | Fault::TimedOut(_)
        | Fault::NetworkLost
        | Fault::NetworkSwitched
        | Fault::Suspended(_)
        | Fault::PeerInitiatedRepair
        | Fault::QualityPoor
        | Fault::Requested
        | Fault::PeerLeft
        | Fault::DataChannelClosed
        | Fault::ConnectionDied { .. }
        | Fault::FingerprintChanged => false,
        // Faults of the signaling link, and faults that this crate does not know: waiting does no harm.
        _ => true,
    }
}

/// Returns whether the fault ends DTLS or SCTP, which an ICE restart cannot restore.
fn loses_connection(fault: &Fault) -> bool {
    match fault {
        Fault::PeerLeft
        | Fault::DataChannelClosed
        | Fault::ConnectionDied { .. }
        | Fault::FingerprintChanged
        | Fault::NotConnected => true,
        // In these phases the connection is still being built, so there is nothing to restart.
        Fault::TimedOut(phase) => {
            matches!(phase, Phase::Gathering | Phase::OfferAnswer | Phase::DataChannelOpen)
        }
        _ => false,
    }
}

/// Returns whether the path came back and no bytes went both ways, as over a dead association.
fn restart_was_unverified(context: &RecoveryContext<'_>) -> bool {
    context.tried.iter().any(|tried| tried.outcome == Outcome::Unverified && tried.step.keeps_connection())
}
