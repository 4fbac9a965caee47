//! What every link works with: the time, the policies, the dice, the timers and the way out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::budget::RetryBudget;
use crate::delivery::{Epoch, Outbox};
use crate::fault::{Fault, Link, Phase};
use crate::ice::{IceTransportPolicy, Role};
use crate::id::{Generation, SignalingAddress};
use crate::message::SignalingMessage;
use crate::network::NetworkSnapshot;
use crate::output::{Event, Output, Warning};
use crate::policy::{BackoffContext, Policies, TimeoutContext};
use crate::port::{ConnectionSetup, PeerAction, SignalingAction};
use crate::rng::Rng;
use crate::rtt::Rtt;
use crate::supervisor::Settings;
use crate::supervisor::absent::AbsentPeers;
use crate::supervisor::timers::Timers;

#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) now: Instant,
    pub(crate) settings: Settings,
    pub(crate) policies: Policies,
    pub(crate) rng: Rng,
    pub(crate) timers: Timers,
    /// The last snapshot; `None` until the monitor speaks, which counts as usable.
    pub(crate) network: Option<NetworkSnapshot>,
    /// The signaling socket that takes messages.
    pub(crate) socket: Option<Generation>,
    /// Whether the wish has been replayed on it, so that peers can be asked for.
    pub(crate) signaling_ready: bool,
    /// The socket since which our signaling server finds us where it does.
    pub(crate) address_since: Option<Generation>,
    /// Where our signaling server finds us, if it said so.
    pub(crate) own_address: Option<SignalingAddress>,
    /// A peer link suspects the signaling link.
    pub(crate) signaling_suspect: bool,
    /// A peer is suspected, and the signaling link is to be asked in good time.
    pub(crate) signaling_probe_requested: bool,
    /// A ping on the signaling socket has not been answered yet.
    pub(crate) signaling_probe_outstanding: bool,
    /// The addresses to which a failed attempt has just said goodbye.
    pub(crate) farewells: Vec<SignalingAddress>,
    /// The signaling link has just given a sign of life that was asked for.
    pub(crate) signaling_proven: bool,
    /// What is worth storing has changed.
    pub(crate) record_changed: bool,
    /// The mail of peers that are not here.
    pub(crate) absent: AbsentPeers,
    budget: RetryBudget,
    outputs: VecDeque<Output>,
    generations: u32,
    /// Outboxes opened so far.
    outboxes: u64,
}

/// No policy may turn a wait into a busy loop.
pub(crate) const SHORTEST_WAIT: Duration = Duration::from_millis(10);

/// The longest `Retry-After` that is obeyed: a server cannot put a client to sleep for longer.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(300);

impl Context {
    pub(crate) fn new(settings: Settings, policies: Policies, now: Instant) -> Self {
        Self {
            now,
            rng: Rng::new(settings.seed),
            settings,
            policies,
            timers: Timers::default(),
            network: None,
            socket: None,
            signaling_ready: false,
            address_since: None,
            own_address: None,
            signaling_suspect: false,
            signaling_probe_requested: false,
            signaling_probe_outstanding: false,
            farewells: Vec::new(),
            signaling_proven: false,
            record_changed: false,
            absent: AbsentPeers::default(),
            budget: RetryBudget::default(),
            outputs: VecDeque::new(),
            generations: 0,
            outboxes: 0,
        }
    }

    pub(crate) fn generation(&mut self) -> Generation {
        self.generations += 1;
        Generation(self.generations)
    }

    /// Returns an empty outbox for a new link; its numbers begin again, so its epoch is another.
    pub(crate) fn outbox(&mut self) -> Outbox {
        let Settings { epoch, held_messages, held_bytes, .. } = self.settings;
        let epoch = Epoch(epoch.0.wrapping_add(self.outboxes));
        self.outboxes += 1;
        Outbox::new(epoch, held_messages, held_bytes)
    }

    pub(crate) fn network_usable(&self) -> bool {
        self.network.as_ref().is_none_or(NetworkSnapshot::is_usable)
    }

    /// Returns whether what is said to the server may get lost.
    pub(crate) fn signaling_in_doubt(&self) -> bool {
        !self.signaling_ready || self.signaling_suspect || self.signaling_probe_outstanding
    }

    // ---- the way out

    pub(crate) fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    pub(crate) fn warn(&mut self, warning: Warning) {
        self.event(Event::Warning(warning));
    }

    pub(crate) fn output(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    pub(crate) fn next_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub(crate) fn peer(&mut self, generation: Generation, action: PeerAction) {
        self.outputs.push_back(Output::Peer(generation, action));
    }

    /// Sends a message to the server now; what finds no socket is said again when there is one.
    pub(crate) fn send_to_server(&mut self, message: SignalingMessage) {
        if let Some(socket) = self.socket {
            self.outputs.push_back(Output::Signaling(socket, SignalingAction::Send(message)));
        }
    }

    /// Says goodbye after a failed attempt, unless [`Self::take_back`] follows.
    pub(crate) fn send_bye(&mut self, address: Option<&SignalingAddress>) {
        if let Some(address) = address {
            self.farewells.push(address.clone());
            self.send_to_server(SignalingMessage::Bye { address: Some(address.clone()) });
        }
    }

    /// Takes back what [`Self::send_bye`] said and the transport has not seen.
    pub(crate) fn take_back(&mut self, farewell: &SignalingAddress) {
        let is_it = |output: &Output| {
            matches!(output, Output::Signaling(_, SignalingAction::Send(SignalingMessage::Bye { address }))
                if address.as_ref() == Some(farewell))
        };
        self.outputs.retain(|output| !is_it(output));
    }

    // ---- the questions

    pub(crate) fn limit(&self, wait: TimeoutContext) -> Duration {
        self.policies.timeout.limit(&wait).max(SHORTEST_WAIT)
    }

    pub(crate) fn signaling_limit(&self, phase: Phase, attempt: u32) -> Duration {
        self.limit(TimeoutContext {
            attempt,
            ..TimeoutContext::new(Link::Signaling, phase, self.settings.platform)
        })
    }

    /// Returns how long a pong of the signaling server may take.
    pub(crate) fn pong_limit(&self, phase: Phase, rtt: Option<Rtt>) -> Duration {
        self.limit(TimeoutContext {
            rtt,
            ..TimeoutContext::new(Link::Signaling, phase, self.settings.platform)
        })
    }

    pub(crate) fn peer_limit(&self, phase: Phase, role: Role, attempt: u32, rtt: Option<Rtt>) -> Duration {
        let wait = TimeoutContext::new(Link::Peer, phase, self.settings.platform);
        self.limit(TimeoutContext { role: Some(role), attempt, rtt, ..wait })
    }

    /// Returns the pause before a retry: the policy's, the server's and the budget's, the longest of them.
    pub(crate) fn pause(&mut self, retry: BackoffContext<'_>) -> Option<Duration> {
        let jitter = self.rng.unit();
        let policy = self.policies.backoff.delay(&BackoffContext { jitter, ..retry })?;
        let server = retry.retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER);
        Some(policy.max(server).max(self.spend()))
    }

    /// Spends a retry and returns the pause that the budget orders, mostly none.
    pub(crate) fn spend(&mut self) -> Duration {
        self.budget.take(self.now)
    }

    /// Returns how long a dormant link sleeps: the policy's time, a tenth earlier or later.
    pub(crate) fn sleep(&mut self, link: Link) -> Duration {
        let limit = self.limit(TimeoutContext::new(link, Phase::Dormant, self.settings.platform));
        limit.mul_f64(0.9 + 0.2 * self.rng.unit())
    }

    pub(crate) fn setup(&self, role: Role, policy: IceTransportPolicy, attempt: u32) -> ConnectionSetup {
        ConnectionSetup {
            role,
            ice_servers: self.settings.ice_servers.clone(),
            ice_transport_policy: policy,
            bind: self.settings.bind.clone(),
            interfaces: Vec::new(),
            ice_disconnected_timeout: self.peer_limit(Phase::IceDisconnectedTimeout, role, attempt, None),
            ice_failed_timeout: self.peer_limit(Phase::IceFailedTimeout, role, attempt, None),
            ice_checking_timeout: self.peer_limit(Phase::IceChecking, role, attempt, None),
        }
    }

    /// Returns whether a repair could lead over another path than the present one: a relay or another interface.
    pub(crate) fn other_path_exists(&self) -> bool {
        self.relay_available() || self.network.as_ref().is_some_and(|network| network.usable_interfaces() > 1)
    }

    pub(crate) fn relay_available(&self) -> bool {
        self.settings.ice_servers.iter().any(crate::ice::IceServer::relays)
    }
}

/// Returns the server's words at a length that a person reads.
pub(crate) fn unreachable(status: Option<u16>, reason: String) -> Fault {
    match status {
        Some(status) => Fault::SignalingUnreachable { reason: format!("HTTP {status}: {reason}") },
        None => Fault::SignalingUnreachable { reason },
    }
}
