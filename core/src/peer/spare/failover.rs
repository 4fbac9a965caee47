//! The day on which the spare is needed: the link moves to it, and the other side follows.

use std::time::Duration;

use crate::fault::Fault;
use crate::id::{Generation, SessionId};
use crate::peer::connection::Connection;
use crate::peer::link::PeerLink;
use crate::peer::outage::Outage;
use crate::peer::spare::SpareSlot;
use crate::policy::RecoveryStep;
use crate::supervisor::Timer;
use crate::supervisor::context::Context;

/// How long a spare has to answer beyond four round trips, two of which pay for a lost ping: a busy peer's pause.
const PROOF: Duration = Duration::from_millis(250);

impl PeerLink {
    /// Moves to the spare, which has to answer soon.
    pub(crate) fn move_to_spare(&mut self, context: &mut Context) {
        let Some(spare) = self.take_spare(context) else { return self.recreate(context) };
        let rtt = spare.liveness.probes.rtt.map_or(Duration::ZERO, |rtt| rtt.smoothed);
        self.verify_spare(spare, context);
        context.timers.set(
            Timer::Repair(self.remote.key.clone()),
            context.now,
            PROOF.saturating_add(rtt.saturating_mul(4)),
        );
    }

    /// Returns whether the spare is being verified, in place of the connection in use.
    pub(crate) fn moves_to_spare(&self) -> bool {
        let step = self.repair.outage.as_ref().and_then(Outage::step);
        self.connections.candidate.is_some() && step == Some(RecoveryStep::MoveToSpare)
    }

    /// Returns whether the peer, in letting go of `session`, has moved from the connection in use to this one.
    pub(crate) fn moves_on(&self, generation: Generation, session: &SessionId) -> bool {
        self.connections
            .active
            .as_ref()
            .is_some_and(|one| one.session == *session && one.generation != generation)
    }

    /// Moves to the connection to which the peer has moved.
    pub(crate) fn follow(&mut self, generation: Generation, context: &mut Context) {
        self.open_outage(Fault::PeerInitiatedRepair, context);
        let spare = if self.connections.is_spare(generation) { self.take_spare(context) } else { None };
        match spare {
            Some(spare) => self.verify_spare(spare, context),
            None => self.verify(generation, context),
        }
        if let Some(active) = self.connections.active.take() {
            self.connections.close(active, context);
        }
    }

    fn take_spare(&mut self, context: &Context) -> Option<Connection> {
        let mut spare = self.connections.spare.connection.take()?;
        self.connections.spare = SpareSlot::default();
        // no older answer is about this day
        spare.path_since = context.now;
        Some(spare)
    }

    fn verify_spare(&mut self, spare: Connection, context: &mut Context) {
        let generation = spare.generation;
        self.drop_candidate(context);
        self.begin(RecoveryStep::MoveToSpare, context);
        self.connections.candidate = Some(spare);
        self.verify(generation, context);
    }
}
