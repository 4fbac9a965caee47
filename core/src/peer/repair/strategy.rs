//! What the recovery strategy is shown, and which of its answers are feasible.

use std::time::Duration;

use crate::fault::Fault;
use crate::ice::Role;
use crate::network::NetworkSnapshot;
use crate::peer::connections::Connections;
use crate::peer::health::LinkHealth;
use crate::peer::remote::RemotePeer;
use crate::peer::repair::Repair;
use crate::policy::{Quality, RecoveryContext, RecoveryStep};
use crate::supervisor::context::Context;

/// The parts of a link that a strategy is shown beside the outage.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Situation<'a> {
    pub(crate) remote: &'a RemotePeer,
    pub(crate) connections: &'a Connections,
    pub(crate) health: &'a LinkHealth,
    pub(crate) quality: Quality,
    pub(crate) channel_is_live: bool,
}

impl Repair {
    /// Calls `ask` with the outage, if one is open, as a strategy sees it.
    fn with_recovery_context<T>(
        &self,
        situation: Situation<'_>,
        context: &Context,
        ask: impl FnOnce(&RecoveryContext<'_>) -> T,
    ) -> Option<T> {
        let outage = self.outage.as_ref()?;
        let Situation { remote, connections, health, quality, channel_is_live } = situation;
        let unknown = NetworkSnapshot::default();
        let network = context.network.as_ref().unwrap_or(&unknown);
        let active = connections.active.as_ref();
        let silent_for = active.map(|one| one.liveness.probes.silent_for(health.up_since, context.now));
        Some(ask(&RecoveryContext {
            tried: &outage.tried,
            elapsed: context.now.saturating_duration_since(outage.detected_at),
            silent_for: silent_for.unwrap_or(Duration::MAX),
            bytes_in_flight: active.map_or(0, |active| active.liveness.bytes_outstanding()),
            ice: active.map(|active| active.ice),
            signaling_open: context.signaling.ready,
            channel_open: active.is_some_and(|active| active.channel_open),
            address_known: remote.address.is_some() || channel_is_live,
            relay_available: context.relay_available(),
            peer_restarts_ice: remote.is_rejoin().then_some(true),
            peer_hedges: connections.can_hedge(remote),
            spare: connections.spare_state(self.detected_at(), context),
            quality,
            rtt: active.and_then(|active| active.liveness.probes.rtt),
            ..RecoveryContext::new(remote.role(), &outage.fault, network)
        }))
    }

    /// Returns the strategy's next step, or the rebuild that replaces it where it is not feasible.
    pub(crate) fn choose_step(&self, situation: Situation<'_>, context: &Context) -> RecoveryStep {
        let Situation { remote, connections, channel_is_live, .. } = situation;
        let active = connections.active.as_ref();
        let step = self.with_recovery_context(situation, context, |recovery| {
            let first = *recovery.fault == Fault::NotConnected && recovery.tried.is_empty();
            if first && active.is_none() {
                RecoveryStep::RecreatePeerConnection
            } else {
                context.policies.recovery.next_step(recovery)
            }
        });
        let step = step.unwrap_or(RecoveryStep::Wait);
        let feasible = match step {
            // a missing connection can neither heal nor be restarted
            RecoveryStep::Wait => active.is_some(),
            // a foreign publisher does not know us by a new address, and would ignore the request;
            // over the channel alone, a restart cannot be answered
            RecoveryStep::RestartIce | RecoveryStep::RestartIceViaRelay => active.is_some_and(|active| {
                let known = remote.is_rejoin() || active.negotiation.is_known_by_address(context);
                let server = remote.is_reachable_by_server(context) || !channel_is_live;
                (remote.role() == Role::Offerer || known) && server
            }),
            RecoveryStep::MoveToSpare
            | RecoveryStep::RecreatePeerConnection
            | RecoveryStep::ReconnectSignaling
            | RecoveryStep::GiveUp => true,
        };
        if feasible { step } else { RecoveryStep::RecreatePeerConnection }
    }

    /// Returns how long `step`, which has begun, goes on alone before a new connection is built beside it.
    pub(crate) fn head_start(
        &self,
        step: RecoveryStep,
        situation: Situation<'_>,
        context: &Context,
    ) -> Option<Duration> {
        let Situation { remote, connections, .. } = situation;
        if !self.is_harmless(step, connections) || !connections.can_hedge(remote) {
            return None;
        }
        self.with_recovery_context(situation, context, |recovery| {
            context.policies.recovery.head_start(recovery, step)
        })
        .flatten()
    }
}
