//! The health of a link: whether it was ever up, since when, and whether its path is suspect.

use std::time::Instant;

use crate::fault::Link;
use crate::id::PeerKey;
use crate::peer::connection::Connection;
use crate::policy::{Health, HealthContext};
use crate::port::PeerAction;
use crate::supervisor::context::{Context, SHORTEST_WAIT};
use crate::supervisor::internal_event::InternalEvent;
use crate::supervisor::timers::Timer;

/// The health of a link.
#[derive(Debug)]
pub(crate) struct LinkHealth {
    pub(crate) ever_up: bool,
    /// When the last repair was verified, or the link was created.
    pub(crate) up_since: Instant,
    /// Whether sending is paused because the health probe doubts the path.
    pub(crate) suspect: bool,
}

/// What a checkup found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checkup {
    /// Nothing that the link has to act on.
    Unchanged,
    /// The path is not suspect any more.
    Restored,
    /// The path is dead.
    Dead,
}

impl LinkHealth {
    /// Creates the health of a link that has not been up yet.
    pub(crate) fn new(now: Instant) -> Self {
        Self { ever_up: false, up_since: now, suspect: false }
    }

    /// Records that a repair was verified; returns whether the link was up before.
    pub(crate) fn on_verified(&mut self, now: Instant) -> bool {
        self.up_since = now;
        self.suspect = false;
        std::mem::replace(&mut self.ever_up, true)
    }

    /// Examines the active connection of a link that is up, probes it if the policy says so, and sets the next checkup.
    pub(crate) fn check(&mut self, active: &mut Connection, key: &PeerKey, context: &mut Context) -> Checkup {
        let liveness = &active.liveness;
        let log = HealthContext {
            probes: liveness.probes.log(),
            acknowledged_at: liveness.probes.acknowledged_at,
            last_received: liveness.probes.last_received,
            bytes_due: liveness.bytes_outstanding(),
            rtt: liveness.probes.rtt,
            ice: Some(active.ice),
            consented_since: liveness.consent.since,
            ..HealthContext::new(Link::Peer, context.settings.platform, self.up_since, context.now)
        };
        let checkup = context.policies.health.examine(&log);
        if liveness.answers_pings && log.unanswered().next().is_some() {
            active.read_consent(context);
        }
        if checkup.probe {
            if !active.liveness.answers_pings {
                // before the ping, whose own bytes are due until the next reading
                context.peer(active.generation, PeerAction::ReadStats);
            }
            active.ping(context);
        }
        let again_in = checkup.again_in.max(SHORTEST_WAIT);
        context.timers.set(Timer::Checkup(key.clone()), context.now, again_in);
        let was_suspect = std::mem::replace(&mut self.suspect, checkup.health == Health::Suspect);
        if self.suspect && !was_suspect {
            context.raise(InternalEvent::SignalingProbeRequested);
        }
        match checkup.health {
            Health::Alive if was_suspect => Checkup::Restored,
            Health::Alive | Health::Suspect => Checkup::Unchanged,
            Health::Dead => Checkup::Dead,
        }
    }
}
