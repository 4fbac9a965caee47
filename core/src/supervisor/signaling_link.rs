//! The signaling link: dial, prove, keep, lose, wait, dial again; never dead for good.

use std::time::{Duration, Instant};

use crate::fault::{Fault, Link, Phase};
use crate::id::Generation;
use crate::output::{Event, LinkName, Output, Owner};
use crate::policy::{Health, Outcome, ProbeLog, RecoveryStep, Retry};
use crate::port::{Resumption, SignalingAction};
use crate::supervisor::Timer;
use crate::supervisor::desk::{Desk, SHORTEST_WAIT};
use crate::supervisor::outage::Outage;
use crate::supervisor::probes::Probes;

#[derive(Debug, Default)]
pub(super) struct SignalingLink {
    stage: Stage,
    pub(super) generation: Option<Generation>,
    pub(super) outage: Option<Outage>,
    resumption: Option<Resumption>,
    /// Tries since the last proven health.
    attempt: u32,
    /// Sockets dialed; picks the server in order.
    dialed: usize,
    previous_delay: Option<Duration>,
    up_since: Option<Instant>,
    ever_up: bool,
    /// Claims of a stream id that a ghost holds, since the socket opened.
    claims: u32,
    /// Whether we took another name on this socket.
    renamed: bool,
    probes: Probes,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Nothing is wished for.
    #[default]
    Idle,
    /// Until a network snapshot says that there is one.
    NoNetwork,
    /// Until the pause is over.
    Waiting,
    /// A socket is being opened.
    Dialing,
    /// A socket is open and owes a sign of life.
    Proving,
    /// A socket is open and answers.
    Up,
    /// Retries are spent; sleeps.
    Dormant,
}

impl SignalingLink {
    /// Begins, if nothing has begun.
    pub(super) fn want(&mut self, desk: &mut Desk) {
        if self.stage == Stage::Idle {
            self.outage = Some(Outage::new(Fault::NotConnected, Duration::ZERO, desk.now));
            self.dial(desk);
        }
    }

    /// Counts one more claim of a stream id that a ghost holds, and returns how many there were before.
    pub(super) fn next_claim(&mut self) -> u32 {
        let claims = self.claims;
        self.claims = claims.saturating_add(1);
        claims
    }

    /// Counts claims anew for another name, and returns whether this socket may take one; each takes one at most.
    pub(super) fn renames(&mut self) -> bool {
        // refusals of what was said under the old name may still be on their way
        let first = !std::mem::replace(&mut self.renamed, true);
        if first {
            self.claims = 0;
        }
        first
    }

    /// Returns whether the socket is open and has been proven.
    #[cfg(test)]
    pub(super) fn is_up(&self) -> bool {
        self.stage == Stage::Up
    }

    /// Returns whether anything was wished for.
    #[cfg(test)]
    pub(super) fn is_wanted(&self) -> bool {
        self.stage != Stage::Idle
    }

    /// Returns whether the link waits for a network.
    #[cfg(test)]
    pub(super) fn is_without_network(&self) -> bool {
        self.stage == Stage::NoNetwork
    }

    fn dial(&mut self, desk: &mut Desk) {
        if !desk.network_usable() {
            return self.pause_without_network(desk);
        }
        let generation = desk.generation();
        let servers = &desk.settings.servers;
        let Some(server) = servers.get(self.dialed % servers.len().max(1)).cloned() else {
            self.stage = Stage::Idle;
            return;
        };
        let limit = desk.signaling_limit(Phase::SignalingOpen, self.attempt);
        self.generation = Some(generation);
        self.stage = Stage::Dialing;
        self.dialed += 1;
        if let Some(outage) = &mut self.outage {
            outage.begin(RecoveryStep::ReconnectSignaling, desk.now);
            outage.pass_to(Owner::Dialing, desk.now);
        }
        // the transport keeps the limit; the margin covers one that does not
        desk.timers.set(Timer::Signaling, desk.now, limit + MARGIN);
        let resume = self.resumption.clone();
        desk.output(Output::Signaling(generation, SignalingAction::Open { server, limit, resume }));
    }

    /// Dials at once, unless so many dials came just before that this one must be a storm.
    fn dial_soon(&mut self, desk: &mut Desk) {
        let pause = desk.spend();
        if pause.is_zero() || !desk.network_usable() {
            return self.dial(desk);
        }
        self.stage = Stage::Waiting;
        desk.timers.set(Timer::Signaling, desk.now, pause);
    }

    /// Takes the open socket into use; the caller replays the wish.
    pub(super) fn opened(&mut self, resumption: Option<Resumption>, desk: &mut Desk) {
        desk.socket = self.generation;
        desk.own_route = resumption.as_ref().map(|told| told.route.clone());
        self.resumption = resumption;
        self.up_since = Some(desk.now);
        self.probes = Probes::default();
        self.claims = 0;
        self.renamed = false;
        desk.timers.clear(&Timer::Reseed);
        self.prove(Phase::SignalingPong, desk);
    }

    /// Asks for a sign of life, within the limit; what was asked for before counts.
    fn prove(&mut self, phase: Phase, desk: &mut Desk) {
        self.stage = Stage::Proving;
        if let Some(outage) = &mut self.outage {
            outage.pass_to(Owner::Verification, desk.now);
        }
        let waited = self.probes.unanswered_for(desk.now);
        self.ping(desk);
        let limit = desk.pong_limit(phase, self.probes.rtt).saturating_sub(waited);
        desk.timers.clear(&Timer::SignalingCheckup);
        desk.timers.set(Timer::Signaling, desk.now, limit);
    }

    fn ping(&mut self, desk: &mut Desk) {
        if let Some(generation) = desk.socket {
            self.probes.sent(desk.now);
            desk.signaling_doubted = true;
            desk.output(Output::Signaling(generation, SignalingAction::Ping));
        }
    }

    /// Notes that something arrived on the socket.
    pub(super) fn heard(&mut self, desk: &mut Desk) {
        self.probes.last_received = Some(desk.now);
    }

    /// Notes a pong: bytes went both ways.
    pub(super) fn pong(&mut self, desk: &mut Desk) {
        self.heard(desk);
        self.probes.answered_in_order(desk.now);
        desk.signaling_doubted = self.probes.log().iter().any(|probe| probe.answered_at.is_none());
        match self.stage {
            Stage::Proving => self.proven(desk),
            Stage::Up => self.checkup(desk),
            Stage::Idle | Stage::NoNetwork | Stage::Waiting | Stage::Dialing | Stage::Dormant => {}
        }
    }

    fn proven(&mut self, desk: &mut Desk) {
        self.stage = Stage::Up;
        desk.signaling_suspected = false;
        desk.signaling_proven = true;
        desk.timers.clear(&Timer::Signaling);
        if let Some(outage) = self.outage.take() {
            if self.ever_up {
                let recovery = outage.recovered(LinkName::Signaling, None, desk.now);
                desk.event(Event::Recovered(recovery));
            } else {
                let servers = &desk.settings.servers;
                let index = self.dialed.saturating_sub(1) % servers.len().max(1);
                let server = servers.get(index).map(ToString::to_string).unwrap_or_default();
                desk.event(Event::SignalingConnected { server });
            }
            self.ever_up = true;
        }
        self.checkup(desk);
    }

    fn checkup(&mut self, desk: &mut Desk) {
        let Some(up_since) = self.up_since else { return };
        let log = ProbeLog {
            probes: self.probes.log(),
            acknowledged_at: self.probes.acknowledged_at,
            last_received: self.probes.last_received,
            rtt: self.probes.rtt,
            ..ProbeLog::new(Link::Signaling, desk.settings.platform, up_since, desk.now)
        };
        let checkup = desk.policies.health.examine(&log);
        if checkup.health == Health::Dead {
            return self.lost(Fault::SignalingSilent, None, desk);
        }
        if checkup.probe {
            self.ping(desk);
        }
        desk.timers.set(Timer::SignalingCheckup, desk.now, checkup.again_in.max(SHORTEST_WAIT));
    }

    /// Lets the socket go and arranges for the next.
    pub(super) fn lost(&mut self, fault: Fault, retry_after: Option<Duration>, desk: &mut Desk) {
        let up_for = self.let_go(&fault, desk);
        if !desk.network_usable() {
            return self.pause_without_network(desk);
        }
        let retry = Retry {
            elapsed: self
                .outage
                .as_ref()
                .map_or(Duration::ZERO, |o| desk.now.saturating_duration_since(o.detected_at)),
            previous: self.previous_delay,
            up_for,
            retry_after,
            ..Retry::new(Link::Signaling, self.attempt, &fault)
        };
        match desk.pause(retry) {
            Some(pause) => {
                self.attempt = self.attempt.saturating_add(1);
                self.previous_delay = Some(pause);
                self.stage = Stage::Waiting;
                self.announce_repair(fault, pause, desk);
                desk.timers.set(Timer::Signaling, desk.now, pause);
            }
            None => self.sleep(fault, desk),
        }
    }

    /// Closes the socket, opens an outage, and returns for how long the socket had been up.
    fn let_go(&mut self, fault: &Fault, desk: &mut Desk) -> Option<Duration> {
        let up_since = self.up_since.take();
        if let Some(generation) = self.generation.take() {
            desk.output(Output::Signaling(generation, SignalingAction::Close));
        }
        desk.socket = None;
        desk.signaling_ready = false;
        for timer in [Timer::SignalingCheckup, Timer::RoomJoin, Timer::Reseed] {
            desk.timers.clear(&timer);
        }
        self.note_fault(fault, up_since.unwrap_or(desk.now), desk);
        let up_for = up_since.map(|since| desk.now.saturating_duration_since(since));
        let proven = desk.signaling_limit(Phase::ProvenHealth, self.attempt);
        if up_for.is_some_and(|up_for| up_for >= proven) {
            self.attempt = 0;
            self.previous_delay = None;
        }
        up_for
    }

    fn note_fault(&mut self, fault: &Fault, up_since: Instant, desk: &mut Desk) {
        if let Some(outage) = &mut self.outage {
            outage.end_step(Outcome::Failed, desk.now);
            return;
        }
        let silent_for =
            if fault.is_silence() { self.probes.silent_for(up_since, desk.now) } else { Duration::ZERO };
        self.outage = Some(Outage::new(fault.clone(), silent_for, desk.now));
        desk.event(Event::Interrupted { link: LinkName::Signaling, fault: fault.clone(), silent_for });
    }

    fn announce_repair(&mut self, fault: Fault, after: Duration, desk: &mut Desk) {
        if let Some(outage) = &mut self.outage {
            outage.pass_to(Owner::Backoff, desk.now);
            let attempt = u32::try_from(outage.tried.len()).unwrap_or(u32::MAX);
            let step = RecoveryStep::ReconnectSignaling;
            desk.event(Event::Repairing { link: LinkName::Signaling, fault, step, attempt, after });
        }
    }

    fn sleep(&mut self, fault: Fault, desk: &mut Desk) {
        desk.event(Event::Dormant { link: LinkName::Signaling, fault });
        self.stage = Stage::Dormant;
        if let Some(outage) = &mut self.outage {
            outage.pass_to(Owner::Dormant, desk.now);
        }
        let sleep = desk.sleep(Link::Signaling);
        desk.timers.set(Timer::Signaling, desk.now, sleep);
    }

    fn pause_without_network(&mut self, desk: &mut Desk) {
        self.stage = Stage::NoNetwork;
        desk.timers.clear(&Timer::Signaling);
        if let Some(outage) = &mut self.outage {
            outage.pass_to(Owner::NoNetwork, desk.now);
        }
    }

    /// The current wait is over.
    pub(super) fn timeout(&mut self, desk: &mut Desk) {
        match self.stage {
            Stage::Waiting | Stage::Dormant => self.dial(desk),
            Stage::Dialing => self.lost(Fault::TimedOut(Phase::SignalingOpen), None, desk),
            Stage::Proving => self.lost(Fault::SignalingSilent, None, desk),
            Stage::Idle | Stage::NoNetwork | Stage::Up => {}
        }
    }

    /// The next checkup is due.
    pub(super) fn checkup_due(&mut self, desk: &mut Desk) {
        if self.stage == Stage::Up {
            self.checkup(desk);
        }
    }

    /// The network came back or moved: try at once, and trust no socket from before.
    pub(super) fn network_moved(&mut self, fault: &Fault, desk: &mut Desk) {
        self.attempt = 0;
        match self.stage {
            // a dial may hang on the old path
            Stage::NoNetwork | Stage::Waiting | Stage::Dormant | Stage::Dialing => self.dial_soon(desk),
            // a ping would cost its limit where a new socket costs four round trips
            Stage::Proving | Stage::Up => {
                self.let_go(fault, desk);
                self.dial_soon(desk);
            }
            Stage::Idle => {}
        }
    }

    /// A peer link suspects the socket: ask it for a sign of life.
    pub(super) fn suspected(&mut self, desk: &mut Desk) {
        if self.stage == Stage::Up {
            self.prove(Phase::SignalingDoubt, desk);
        }
        desk.signaling_suspected = false;
    }

    /// A peer is suspected: ask now, so that the answer is there, or overdue, when it is known to be dead.
    pub(super) fn sound(&mut self, desk: &mut Desk) {
        if self.stage == Stage::Up && !desk.signaling_doubted {
            self.ping(desk);
        }
    }

    /// The application asks for a repair now.
    pub(super) fn restart(&mut self, desk: &mut Desk) {
        self.attempt = 0;
        match self.stage {
            Stage::Waiting | Stage::Dormant => self.dial_soon(desk),
            Stage::Up => self.prove(Phase::SignalingDoubt, desk),
            Stage::Idle | Stage::NoNetwork | Stage::Dialing | Stage::Proving => {}
        }
    }

    /// Closes for good.
    pub(super) fn close(&mut self, desk: &mut Desk) {
        if let Some(generation) = self.generation.take() {
            desk.output(Output::Signaling(generation, SignalingAction::Close));
        }
        desk.socket = None;
        desk.signaling_ready = false;
        *self = Self::default();
    }
}

/// What a transport may take beyond its limit to report the end of a dial.
const MARGIN: Duration = Duration::from_secs(1);
