//! What every link works with: the time, the policies, the dice, the timers and the way out.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use crate::budget::RetryBudget;
use crate::delivery::Epoch;
use crate::delivery::absent::AbsentPeers;
use crate::delivery::outbox::Outbox;
use crate::fault::{Fault, Link, Phase};
use crate::ice::{IceTransportPolicy, Role};
use crate::id::{Generation, PeerKey, SignalingAddress};
use crate::message::SignalingMessage;
use crate::network::NetworkSnapshot;
use crate::output::{Event, Output, Warning};
use crate::policy::{BackoffContext, Policies, TimeoutContext};
use crate::port::{ConnectionSetup, PeerAction, SignalingAction};
use crate::rng::Rng;
use crate::rtt::Rtt;
use crate::supervisor::internal_event::InternalEvent;
use crate::supervisor::lookup::Lookup;
use crate::supervisor::settings::Settings;
use crate::supervisor::signaling_status::SignalingStatus;
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
    /// The signaling link, as peer links see it.
    pub(crate) signaling: SignalingStatus,
    /// The links by the address of their peer, as of the last settlement of the links.
    pub(crate) addresses: Lookup<SignalingAddress>,
    /// The mail of peers that are not here.
    pub(crate) absent: AbsentPeers,
    budget: RetryBudget,
    pending: Pending,
    issued: Issued,
}

/// What the inputs so far have led to and nobody has taken yet.
#[derive(Debug, Default)]
struct Pending {
    outputs: VecDeque<Output>,
    events: BTreeSet<InternalEvent>,
}

/// How many of each were created so far.
#[derive(Debug, Default)]
struct Issued {
    generations: u32,
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
            signaling: SignalingStatus::default(),
            addresses: Lookup::default(),
            absent: AbsentPeers::default(),
            budget: RetryBudget::default(),
            pending: Pending::default(),
            issued: Issued::default(),
        }
    }

    pub(crate) fn generation(&mut self) -> Generation {
        self.issued.generations += 1;
        Generation(self.issued.generations)
    }

    /// Returns an empty outbox for a new link; its numbers begin again, so its epoch is another.
    pub(crate) fn outbox(&mut self) -> Outbox {
        let Settings { epoch, held_messages, held_bytes, .. } = self.settings;
        let epoch = Epoch(epoch.0.wrapping_add(self.issued.outboxes));
        self.issued.outboxes += 1;
        Outbox::new(epoch, held_messages, held_bytes)
    }

    pub(crate) fn network_usable(&self) -> bool {
        self.network.as_ref().is_none_or(NetworkSnapshot::is_usable)
    }

    // ---- internal events

    /// Leaves something to be done at the end of this input.
    pub(crate) fn raise(&mut self, event: InternalEvent) {
        self.pending.events.insert(event);
    }

    /// Asks the signaling link for a sign of life, and regards it as suspect until then.
    pub(crate) fn suspect_signaling(&mut self) {
        self.signaling.is_suspect = true;
        self.raise(InternalEvent::SignalingSuspect);
    }

    /// Returns the next internal event.
    pub(crate) fn next_internal(&mut self) -> Option<InternalEvent> {
        self.pending.events.pop_first()
    }

    // ---- outputs

    pub(crate) fn event(&mut self, event: Event) {
        self.pending.outputs.push_back(Output::Event(event));
    }

    pub(crate) fn warn(&mut self, warning: Warning) {
        self.event(Event::Warning(warning));
    }

    pub(crate) fn output(&mut self, output: Output) {
        self.pending.outputs.push_back(output);
    }

    pub(crate) fn next_output(&mut self) -> Option<Output> {
        self.pending.outputs.pop_front()
    }

    pub(crate) fn peer(&mut self, generation: Generation, action: PeerAction) {
        self.pending.outputs.push_back(Output::Peer(generation, action));
    }

    /// Sends a message to the server now; what finds no socket is said again when there is one.
    pub(crate) fn send_to_server(&mut self, message: SignalingMessage) {
        if let Some(socket) = self.signaling.socket {
            self.pending.outputs.push_back(Output::Signaling(socket, SignalingAction::Send(message)));
        }
    }

    /// Sends a goodbye after a failed attempt, unless another link leads to the same peer: a goodbye ends both.
    pub(crate) fn send_bye(&mut self, link: &PeerKey, address: Option<&SignalingAddress>) {
        let Some(address) = address else { return };
        if self.addresses.all(address).all(|key| key == link) {
            self.send_to_server(SignalingMessage::Bye { address: Some(address.clone()) });
        }
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
