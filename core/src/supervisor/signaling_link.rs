//! The signaling link: dial, prove, keep, lose, wait, dial again; never dead for good.

use std::time::{Duration, Instant};

use crate::fault::{Fault, Link, Phase};
use crate::id::Generation;
use crate::output::{Event, LinkName, OutagePhase, Output};
use crate::peer::outage::Outage;
use crate::peer::probes::Probes;
use crate::policy::{BackoffContext, Health, HealthContext, Outcome, RecoveryStep};
use crate::port::{Resumption, SignalingAction};
use crate::supervisor::context::{Context, SHORTEST_WAIT};
use crate::supervisor::internal_event::InternalEvent;
use crate::supervisor::timers::Timer;

#[derive(Debug, Default)]
pub(super) struct SignalingLink {
    state: SocketState,
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
enum SocketState {
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
    pub(super) fn want(&mut self, context: &mut Context) {
        if self.state == SocketState::Idle {
            self.outage = Some(Outage::new(Fault::NotConnected, Duration::ZERO, context.now));
            self.dial(context);
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
        self.state == SocketState::Up
    }

    /// Returns whether anything was wished for.
    #[cfg(test)]
    pub(super) fn is_wanted(&self) -> bool {
        self.state != SocketState::Idle
    }

    /// Returns whether the link waits for a network.
    #[cfg(test)]
    pub(super) fn is_without_network(&self) -> bool {
        self.state == SocketState::NoNetwork
    }

    fn dial(&mut self, context: &mut Context) {
        if !context.network_usable() {
            return self.pause_without_network(context);
        }
        let generation = context.generation();
        let servers = &context.settings.servers;
        let Some(server) = servers.get(self.dialed % servers.len().max(1)).cloned() else {
            self.state = SocketState::Idle;
            return;
        };
        let limit = context.signaling_limit(Phase::SignalingOpen, self.attempt);
        self.generation = Some(generation);
        self.state = SocketState::Dialing;
        self.dialed += 1;
        if let Some(outage) = &mut self.outage {
            outage.begin(RecoveryStep::ReconnectSignaling, context.now);
            outage.pass_to(OutagePhase::Dialing, context.now);
        }
        // the transport keeps the limit; the margin covers one that does not
        context.timers.set(Timer::Signaling, context.now, limit + MARGIN);
        let resume = self.resumption.clone();
        context.output(Output::Signaling(generation, SignalingAction::Open { server, limit, resume }));
    }

    /// Dials at once, unless so many dials came just before that this one must be a storm.
    fn dial_soon(&mut self, context: &mut Context) {
        let pause = context.spend();
        if pause.is_zero() || !context.network_usable() {
            return self.dial(context);
        }
        self.state = SocketState::Waiting;
        context.timers.set(Timer::Signaling, context.now, pause);
    }

    /// Takes the open socket into use; the caller replays the intent.
    pub(super) fn opened(&mut self, resumption: Option<Resumption>, context: &mut Context) {
        context.signaling.socket = self.generation;
        context.signaling.own_address = resumption.as_ref().map(|told| told.address.clone());
        self.resumption = resumption;
        self.up_since = Some(context.now);
        self.probes = Probes::default();
        self.claims = 0;
        self.renamed = false;
        context.timers.clear(&Timer::Reseed);
        self.prove(Phase::SignalingPong, context);
    }

    /// Asks for a sign of life, within the limit; what was asked for before counts.
    fn prove(&mut self, phase: Phase, context: &mut Context) {
        self.state = SocketState::Proving;
        if let Some(outage) = &mut self.outage {
            outage.pass_to(OutagePhase::Verification, context.now);
        }
        let waited = self.probes.unanswered_for(context.now);
        self.ping(context);
        let limit = context.pong_limit(phase, self.probes.rtt).saturating_sub(waited);
        context.timers.clear(&Timer::SignalingCheckup);
        context.timers.set(Timer::Signaling, context.now, limit);
    }

    fn ping(&mut self, context: &mut Context) {
        if let Some(generation) = context.signaling.socket {
            self.probes.sent(context.now);
            context.signaling.probe_outstanding = true;
            context.output(Output::Signaling(generation, SignalingAction::Ping));
        }
    }

    /// Notes that something arrived on the socket.
    pub(super) fn on_activity(&mut self, context: &mut Context) {
        self.probes.last_received = Some(context.now);
    }

    /// Notes a pong: bytes went both ways.
    pub(super) fn pong(&mut self, context: &mut Context) {
        self.on_activity(context);
        self.probes.answered_in_order(context.now);
        context.signaling.probe_outstanding =
            self.probes.log().iter().any(|probe| probe.answered_at.is_none());
        match self.state {
            SocketState::Proving => self.proven(context),
            SocketState::Up => self.checkup(context),
            SocketState::Idle
            | SocketState::NoNetwork
            | SocketState::Waiting
            | SocketState::Dialing
            | SocketState::Dormant => {}
        }
    }

    fn proven(&mut self, context: &mut Context) {
        self.state = SocketState::Up;
        context.signaling.is_suspect = false;
        context.raise(InternalEvent::SignalingProven);
        context.timers.clear(&Timer::Signaling);
        if let Some(outage) = self.outage.take() {
            if self.ever_up {
                let recovery = outage.recovered(LinkName::Signaling, None, context.now);
                context.event(Event::Recovered(recovery));
            } else {
                let servers = &context.settings.servers;
                let index = self.dialed.saturating_sub(1) % servers.len().max(1);
                let server = servers.get(index).map(ToString::to_string).unwrap_or_default();
                context.event(Event::SignalingConnected { server });
            }
            self.ever_up = true;
        }
        self.checkup(context);
    }

    fn checkup(&mut self, context: &mut Context) {
        let Some(up_since) = self.up_since else { return };
        let log = HealthContext {
            probes: self.probes.log(),
            acknowledged_at: self.probes.acknowledged_at,
            last_received: self.probes.last_received,
            rtt: self.probes.rtt,
            ..HealthContext::new(Link::Signaling, context.settings.platform, up_since, context.now)
        };
        let checkup = context.policies.health.examine(&log);
        if checkup.health == Health::Dead {
            return self.lost(Fault::SignalingSilent, None, context);
        }
        if checkup.probe {
            self.ping(context);
        }
        context.timers.set(Timer::SignalingCheckup, context.now, checkup.again_in.max(SHORTEST_WAIT));
    }

    /// Lets the socket go and arranges for the next.
    pub(super) fn lost(&mut self, fault: Fault, retry_after: Option<Duration>, context: &mut Context) {
        let up_for = self.close_connection(&fault, context);
        if !context.network_usable() {
            return self.pause_without_network(context);
        }
        let retry = BackoffContext {
            elapsed: self
                .outage
                .as_ref()
                .map_or(Duration::ZERO, |o| context.now.saturating_duration_since(o.detected_at)),
            previous: self.previous_delay,
            up_for,
            retry_after,
            ..BackoffContext::new(Link::Signaling, self.attempt, &fault)
        };
        match context.pause(retry) {
            Some(pause) => {
                self.attempt = self.attempt.saturating_add(1);
                self.previous_delay = Some(pause);
                self.state = SocketState::Waiting;
                self.announce_repair(fault, pause, context);
                context.timers.set(Timer::Signaling, context.now, pause);
            }
            None => self.sleep(fault, context),
        }
    }

    /// Closes the socket, opens an outage, and returns for how long the socket had been up.
    fn close_connection(&mut self, fault: &Fault, context: &mut Context) -> Option<Duration> {
        let up_since = self.up_since.take();
        if let Some(generation) = self.generation.take() {
            context.output(Output::Signaling(generation, SignalingAction::Close));
        }
        context.signaling.close();
        for timer in [Timer::SignalingCheckup, Timer::RoomJoin, Timer::Reseed] {
            context.timers.clear(&timer);
        }
        self.report_fault(fault, up_since.unwrap_or(context.now), context);
        let up_for = up_since.map(|since| context.now.saturating_duration_since(since));
        let proven = context.signaling_limit(Phase::StableAfter, self.attempt);
        if up_for.is_some_and(|up_for| up_for >= proven) {
            self.attempt = 0;
            self.previous_delay = None;
        }
        up_for
    }

    fn report_fault(&mut self, fault: &Fault, up_since: Instant, context: &mut Context) {
        if let Some(outage) = &mut self.outage {
            outage.end_step(Outcome::Failed, context.now);
            return;
        }
        let silent_for =
            if fault.is_silence() { self.probes.silent_for(up_since, context.now) } else { Duration::ZERO };
        self.outage = Some(Outage::new(fault.clone(), silent_for, context.now));
        context.event(Event::Interrupted { link: LinkName::Signaling, fault: fault.clone(), silent_for });
    }

    fn announce_repair(&mut self, fault: Fault, after: Duration, context: &mut Context) {
        if let Some(outage) = &mut self.outage {
            outage.pass_to(OutagePhase::Backoff, context.now);
            let attempt = u32::try_from(outage.tried.len()).unwrap_or(u32::MAX);
            let step = RecoveryStep::ReconnectSignaling;
            context.event(Event::Repairing { link: LinkName::Signaling, fault, step, attempt, after });
        }
    }

    fn sleep(&mut self, fault: Fault, context: &mut Context) {
        context.event(Event::Dormant { link: LinkName::Signaling, fault });
        self.state = SocketState::Dormant;
        if let Some(outage) = &mut self.outage {
            outage.pass_to(OutagePhase::Dormant, context.now);
        }
        let sleep = context.sleep(Link::Signaling);
        context.timers.set(Timer::Signaling, context.now, sleep);
    }

    fn pause_without_network(&mut self, context: &mut Context) {
        self.state = SocketState::NoNetwork;
        context.timers.clear(&Timer::Signaling);
        if let Some(outage) = &mut self.outage {
            outage.pass_to(OutagePhase::NoNetwork, context.now);
        }
    }

    /// The current wait is over.
    pub(super) fn timeout(&mut self, context: &mut Context) {
        match self.state {
            SocketState::Waiting | SocketState::Dormant => self.dial(context),
            SocketState::Dialing => self.lost(Fault::TimedOut(Phase::SignalingOpen), None, context),
            SocketState::Proving => self.lost(Fault::SignalingSilent, None, context),
            SocketState::Idle | SocketState::NoNetwork | SocketState::Up => {}
        }
    }

    /// The next checkup is due.
    pub(super) fn checkup_due(&mut self, context: &mut Context) {
        if self.state == SocketState::Up {
            self.checkup(context);
        }
    }

    /// The network came back or moved: try at once, and trust no socket from before.
    pub(super) fn network_moved(&mut self, fault: &Fault, context: &mut Context) {
        self.attempt = 0;
        match self.state {
            // a dial may hang on the old path
            SocketState::NoNetwork | SocketState::Waiting | SocketState::Dormant | SocketState::Dialing => {
                self.dial_soon(context)
            }
            // a ping would cost its limit where a new socket costs four round trips
            SocketState::Proving | SocketState::Up => {
                self.close_connection(fault, context);
                self.dial_soon(context);
            }
            SocketState::Idle => {}
        }
    }

    /// A peer link suspects the socket: ask it for a sign of life.
    pub(super) fn suspected(&mut self, context: &mut Context) {
        if self.state == SocketState::Up {
            self.prove(Phase::SignalingSuspectPong, context);
        }
        context.signaling.is_suspect = false;
    }

    /// A peer is suspected: ask now, so that the answer is there, or overdue, when it is known to be dead.
    pub(super) fn sound(&mut self, context: &mut Context) {
        if self.state == SocketState::Up && !context.signaling.probe_outstanding {
            self.ping(context);
        }
    }

    /// The application asks for a repair now.
    pub(super) fn restart(&mut self, context: &mut Context) {
        self.attempt = 0;
        match self.state {
            SocketState::Waiting | SocketState::Dormant => self.dial_soon(context),
            SocketState::Up => self.prove(Phase::SignalingSuspectPong, context),
            SocketState::Idle | SocketState::NoNetwork | SocketState::Dialing | SocketState::Proving => {}
        }
    }

    /// Closes for good.
    pub(super) fn close(&mut self, context: &mut Context) {
        if let Some(generation) = self.generation.take() {
            context.output(Output::Signaling(generation, SignalingAction::Close));
        }
        context.signaling.close();
        *self = Self::default();
    }
}

/// What a transport may take beyond its limit to report the end of a dial.
const MARGIN: Duration = Duration::from_secs(1);
