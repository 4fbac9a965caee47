//! Which repairs can work at all in an incident; facts about WebRTC that every strategy shares.

use std::time::Duration;

use rejoin_core::policy::{Outcome, RecoveryContext, Spare};
use rejoin_core::{Fault, IceConnectionState, Link, Phase, RecoveryStep, Role};

/// Returns whether all that is left is to wait for the peer: a publisher cannot call a viewer without its route.
pub(crate) fn must_wait(incident: &RecoveryContext<'_>) -> bool {
    incident.role == Role::Offerer && !incident.address_known
}

/// Returns the step that every strategy takes, where there is one: a dead socket is replaced, and a spare is used.
pub(crate) fn foregone(incident: &RecoveryContext<'_>) -> Option<RecoveryStep> {
    match incident.link {
        Link::Signaling => Some(RecoveryStep::ReconnectSignaling),
        Link::Peer => with_spare(incident),
    }
}

/// Returns what a spare connection makes the best beginning, whatever else the strategy would do.
///
/// To move to an open connection takes one round trip.
/// And where it was the spare that lost its uplink, the connection in use goes on by another.
fn with_spare(incident: &RecoveryContext<'_>) -> Option<RecoveryStep> {
    let untouched = *incident.fault == Fault::NetworkSwitched && incident.tried.is_empty();
    match incident.spare {
        Spare::Ready => is_of_the_path(incident.fault).then_some(RecoveryStep::MoveToSpare),
        Spare::Lost => untouched.then_some(RecoveryStep::Wait),
        Spare::None => None,
    }
}

/// Returns whether the fault is about one path or one connection, so that another may be untouched by it.
fn is_of_the_path(fault: &Fault) -> bool {
    match fault {
        Fault::IceDisconnected
        | Fault::IceFailed
        | Fault::ProbeUnanswered
        | Fault::NetworkSwitched
        | Fault::QualityPoor
        | Fault::DataChannelClosed
        | Fault::ConnectionDied { .. } => true,
        // The peer is gone or decides, or everything stood still, or something new is asked for.
        _ => false,
    }
}

/// Returns whether the connection is beyond any repair, so that only a new one helps.
pub(crate) fn is_lost(incident: &RecoveryContext<'_>) -> bool {
    // Without a route an answerer cannot even ask for a restart, but a new `play` finds the peer.
    let unreachable = incident.role == Role::Answerer && !incident.address_known;
    let closed = incident.ice == Some(IceConnectionState::Closed) || !incident.channel_open;
    unreachable || closed || loses_connection(incident.fault)
}

/// Returns whether nothing passes on the path, so that an ICE restart breaks nothing that works.
pub(crate) fn path_is_dead(incident: &RecoveryContext<'_>) -> bool {
    incident.fault.is_silence() || incident.ice.is_some_and(|ice| !ice.is_connected())
}

/// Returns whether so many rebuilds have failed since signaling was last examined; never for 0.
pub(crate) fn signaling_is_due(incident: &RecoveryContext<'_>, rebuilds: u32) -> bool {
    let since = incident.tried.iter().rev();
    let since = since.take_while(|tried| tried.step != RecoveryStep::ReconnectSignaling);
    let failed = since.filter(|tried| tried.step == RecoveryStep::RecreatePeerConnection).count();
    rebuilds != 0 && u32::try_from(failed).is_ok_and(|failed| failed >= rebuilds)
}

/// Returns whether an ICE restart could bring the data channel back.
///
/// ICE revives a path, not an association: SCTP that retransmitted into a dead path sleeps for up to 32 s
/// after the path is back, or for ever, so a rebuild beats a restart once data was in flight for `stale_after`.
pub(crate) fn restart_may_help(incident: &RecoveryContext<'_>, stale_after: Duration) -> bool {
    let stale = incident.bytes_in_flight > 0 && incident.silent_for > stale_after;
    let refused = incident.peer_restarts_ice == Some(false);
    !stale && !refused && !is_lost(incident) && !connected_in_vain(incident)
}

/// Returns whether the fault may heal by itself, so that a grace is worth its time.
pub(crate) fn may_heal(fault: &Fault) -> bool {
    match fault {
        Fault::IceDisconnected => true,
        // Detection was patient already, or waiting changes nothing.
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
        // Faults of the signaling link, and faults that are younger than this file: a grace does no harm.
        _ => true,
    }
}

/// Returns whether the fault takes DTLS or SCTP with it, which no ICE restart revives.
fn loses_connection(fault: &Fault) -> bool {
    match fault {
        Fault::PeerLeft
        | Fault::DataChannelClosed
        | Fault::ConnectionDied { .. }
        | Fault::FingerprintChanged
        | Fault::NotConnected => true,
        // These phases belong to the building of a connection: there is nothing to restart yet.
        Fault::TimedOut(phase) => {
            matches!(phase, Phase::Gathering | Phase::OfferAnswer | Phase::DataChannelOpen)
        }
        _ => false,
    }
}

/// Returns whether the path came back and yet no bytes went both ways, as over a dead association.
fn connected_in_vain(incident: &RecoveryContext<'_>) -> bool {
    incident.tried.iter().any(|tried| tried.outcome == Outcome::Unverified && tried.step.keeps_connection())
}
