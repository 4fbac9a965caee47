//! Two repairs at once: a mild one goes on beside a new connection, and whichever is verified first is kept.
//!
//! Only rejoin peers hedge, and both must keep the same connection, so the offerer decides.
//! The answerer waits while the offerer may still pick the other connection.
//! A side that keeps the old connection sends `withdraw` over it.

use std::time::{Duration, Instant};

use crate::fault::Fault;
use crate::ice::Role;
use crate::id::Generation;
use crate::peer::connection::Connection;
use crate::peer::connections::Connections;
use crate::peer::outage::Outage;
use crate::peer::remote::RemotePeer;
use crate::peer::repair::Repair;
use crate::policy::RecoveryStep;

/// How long the offerer's decision may take beyond two round trips: the delay of a busy peer.
const DECISION_DELAY: Duration = Duration::from_millis(500);

impl Repair {
    /// Returns whether two steps are under way.
    pub(crate) fn is_hedged(&self) -> bool {
        self.outage.as_ref().is_some_and(Outage::is_hedged)
    }

    /// Returns whether a step is under way on the active connection, with nothing beside it.
    pub(crate) fn goes_on_alone(&self, remote: &RemotePeer, connections: &Connections) -> bool {
        let Some(outage) = &self.outage else { return false };
        connections.candidate.is_none()
            && connections.can_hedge(remote)
            && outage.step().is_some_and(RecoveryStep::keeps_connection)
            && outage.state.is_in_progress()
    }

    /// Returns whether the active connection may still win; not if the peer, which began the repair, may want to
    /// leave a path that works.
    pub(crate) fn may_keep_active(&self, remote: &RemotePeer, connections: &Connections) -> bool {
        let ours = self
            .outage
            .as_ref()
            .is_some_and(|outage| outage.fault != Fault::PeerInitiatedRepair || outage.is_hedged());
        ours && connections.can_hedge(remote) && self.lacks_path()
    }

    /// Returns whether the answer to a ping is proof: the ping left after the fault, and at most an offer is on its
    /// way to replace the path.
    pub(crate) fn accepts(
        &self,
        generation: Generation,
        sent_at: Instant,
        remote: &RemotePeer,
        connections: &Connections,
    ) -> bool {
        // a candidate is younger than what broke, so any answer on it is proof
        let after = self.detected_at().is_some_and(|at| sent_at >= at);
        let newest = connections.newest_first().next().is_some_and(|one| one.generation == generation);
        (after || connections.is_candidate(generation))
            && (newest || self.may_keep_active(remote, connections))
    }

    /// Returns whether a new connection beside `step` cannot cost a path that works.
    ///
    /// An ICE restart breaks the path that it replaces, so a dead path only.
    pub(super) fn is_harmless(&self, step: RecoveryStep, connections: &Connections) -> bool {
        match step {
            RecoveryStep::Wait => true,
            RecoveryStep::RestartIce | RecoveryStep::RestartIceViaRelay => {
                let silent = self.outage.as_ref().is_some_and(|outage| outage.fault.is_silence());
                silent || connections.active.as_ref().is_some_and(|active| !active.ice.is_connected())
            }
            RecoveryStep::MoveToSpare
            | RecoveryStep::RecreatePeerConnection
            | RecoveryStep::ReconnectSignaling
            | RecoveryStep::GiveUp => false,
        }
    }

    /// Returns whether the offerer may have proof of the other connection: we have just answered its ping there.
    pub(crate) fn offerer_may_choose_other(
        &self,
        generation: Generation,
        remote: &RemotePeer,
        connections: &Connections,
        now: Instant,
    ) -> bool {
        let Some(outage) = self.outage.as_ref().filter(|_| remote.role() == Role::Answerer) else {
            return false;
        };
        let mut all = connections.newest_first();
        let other = all.find(|connection| connection.generation != generation);
        let answered_lately = |other: &Connection| {
            let liveness = &other.liveness;
            let round_trips = liveness.probes.rtt.map_or(Duration::ZERO, |rtt| rtt.smoothed * 2);
            liveness.answered_at.is_some_and(|at| {
                let since = now.saturating_duration_since(at);
                at >= outage.detected_at && since < DECISION_DELAY + round_trips
            })
        };
        other.filter(|other| remote.is_rejoin() && other.looks_alive()).is_some_and(answered_lately)
    }
}
