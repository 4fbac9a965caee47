//! A scripted machine, and transports made of channels.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use rejoin_core::delivery::WhenFull;
use rejoin_core::delivery::durable::Durability;
use rejoin_core::output::{LinkName, OutagePhase, Peer, Recovery, Warning};
use rejoin_core::policy::{Outcome, RecoveryStep, Tried};
use rejoin_core::port::{PeerAction, PeerEvent, SignalingAction, SignalingEvent};
use rejoin_core::{
    DeliveryStore, Direction, Event, Fault, Generation, Identity, Input, NetworkMonitor, NetworkSnapshot,
    Output, Payload, PeerKey, PeerTransport, Recipient, SessionStore, Settings, SignalingTransport,
};

use super::{AppChannels, Driver, Machine, Ports};
use crate::command_queue::command_queue;
use crate::events;
use crate::handle::{Handle, Session};
use crate::store::{MemoryStore, SessionSaver};
use crate::store_writer::DeliveryWriter;
use crate::suspend_detector::SuspendDetector;

/// Returns the outputs for an input; it may move the deadline.
type Answer = Box<dyn FnMut(&Input, Instant, &mut Option<Instant>) -> Vec<Output> + Send>;

/// A machine whose outputs a test defines.
struct Script {
    inputs: UnboundedSender<Input>,
    answer: Answer,
    outputs: VecDeque<Output>,
    deadline: Option<Instant>,
    crowded: bool,
    when_full: WhenFull,
}

impl Machine for Script {
    fn handle_input(&mut self, input: Input, now: Instant) {
        self.crowded &= !matches!(input, Input::Peer(_, PeerEvent::Writable));
        self.outputs.extend((self.answer)(&input, now, &mut self.deadline));
        let _ = self.inputs.send(input);
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.deadline
    }

    fn can_accept(&self) -> bool {
        !self.crowded || self.when_full != WhenFull::Wait
    }

    fn refuses(&self, _: &Recipient, _: &Payload) -> Option<PeerKey> {
        (self.crowded && self.when_full == WhenFull::Refuse).then(|| peer().key)
    }
}

/// The environment of a driver under test.
pub(crate) struct Scene {
    pub(crate) store: Box<dyn SessionStore>,
    pub(crate) delivery_store: Option<Box<dyn DeliveryStore>>,
    pub(crate) suspend_detector: SuspendDetector,
    pub(crate) deadline: Option<Duration>,
    pub(crate) peers_flood: bool,
    /// The machine accepts no message until a peer is writable.
    pub(crate) crowded: bool,
    pub(crate) when_full: WhenFull,
}

impl Default for Scene {
    fn default() -> Self {
        let suspend_detector = SuspendDetector::new();
        let (deadline, peers_flood, crowded) = (None, false, false);
        let store = Box::new(MemoryStore::default());
        let when_full = WhenFull::Wait;
        Self { store, delivery_store: None, suspend_detector, deadline, peers_flood, crowded, when_full }
    }
}

/// The far ends of the driver's ports.
pub(crate) struct World {
    pub(crate) inputs: UnboundedReceiver<Input>,
    pub(crate) signaling: FarSide<SignalingAction, SignalingEvent>,
    pub(crate) peers: FarSide<PeerAction, PeerEvent>,
    pub(crate) network: UnboundedSender<NetworkSnapshot>,
}

/// The far side of a fake transport.
pub(crate) struct FarSide<A, E> {
    pub(crate) performed: UnboundedReceiver<(Generation, A)>,
    pub(crate) events: UnboundedSender<(Generation, E)>,
}

impl Scene {
    /// Starts a driver with a script that returns these outputs.
    pub(crate) fn start(
        self,
        mut answer: impl FnMut(&Input) -> Vec<Output> + Send + 'static,
    ) -> (Session, World) {
        self.start_timed(move |input, _, _| answer(input))
    }

    /// Starts a driver with a script that reads the time and moves its deadline.
    pub(crate) fn start_timed(
        self,
        answer: impl FnMut(&Input, Instant, &mut Option<Instant>) -> Vec<Output> + Send + 'static,
    ) -> (Session, World) {
        let (input_sender, inputs) = unbounded_channel();
        let (network, snapshots) = unbounded_channel();
        let (near_signaling, signaling) = transport();
        let (near_peers, peers) = transport();
        let deadline = self.deadline.map(|after| tokio::time::Instant::now().into_std() + after);
        let machine = Script {
            inputs: input_sender,
            answer: Box::new(answer),
            outputs: VecDeque::new(),
            deadline,
            crowded: self.crowded,
            when_full: self.when_full,
        };
        let durability =
            if self.delivery_store.is_some() { Durability::Durable } else { Durability::InMemory };
        let ports = Ports {
            signaling: Box::new(near_signaling),
            peers: if self.peers_flood { Box::new(Flood) } else { Box::new(near_peers) },
            network: Some(Box::new(FakeMonitor(snapshots))),
            session_saver: SessionSaver::spawn(self.store),
            delivery_writer: DeliveryWriter::new(self.delivery_store),
            suspend_detector: self.suspend_detector,
        };
        let (commands, receiver) = command_queue(&Settings {
            durability,
            when_full: self.when_full,
            ..Settings::new(Identity(1), "")
        });
        let (sender, events) = events::channel(durability);
        let app = AppChannels { commands: receiver, events: sender };
        let driver = Driver::new(machine, ports, app);
        tokio::spawn(driver.run(std::iter::empty()));
        (Session::new(Handle::new(commands), events), World { inputs, signaling, peers, network })
    }
}

/// A transport that passes its actions to a test.
pub(crate) struct FakeTransport<A, E> {
    performed: UnboundedSender<(Generation, A)>,
    events: UnboundedReceiver<(Generation, E)>,
}

pub(crate) fn transport<A, E>() -> (FakeTransport<A, E>, FarSide<A, E>) {
    let ((performed_sender, performed), (events, events_receiver)) =
        (unbounded_channel(), unbounded_channel());
    (FakeTransport { performed: performed_sender, events: events_receiver }, FarSide { performed, events })
}

#[async_trait]
impl SignalingTransport for FakeTransport<SignalingAction, SignalingEvent> {
    fn perform(&mut self, generation: Generation, action: SignalingAction) {
        let _ = self.performed.send((generation, action));
    }

    async fn next_event(&mut self) -> (Generation, SignalingEvent) {
        next_of(&mut self.events).await
    }
}

#[async_trait]
impl PeerTransport for FakeTransport<PeerAction, PeerEvent> {
    fn perform(&mut self, generation: Generation, action: PeerAction) {
        let _ = self.performed.send((generation, action));
    }

    async fn next_event(&mut self) -> (Generation, PeerEvent) {
        next_of(&mut self.events).await
    }
}

/// A peer transport that always has an event.
struct Flood;

#[async_trait]
impl PeerTransport for Flood {
    fn perform(&mut self, _: Generation, _: PeerAction) {}

    async fn next_event(&mut self) -> (Generation, PeerEvent) {
        (Generation(1), PeerEvent::Writable)
    }
}

#[derive(Debug)]
struct FakeMonitor(UnboundedReceiver<NetworkSnapshot>);

#[async_trait]
impl NetworkMonitor for FakeMonitor {
    async fn next_snapshot(&mut self) -> NetworkSnapshot {
        next_of(&mut self.0).await
    }
}

async fn next_of<T>(receiver: &mut UnboundedReceiver<T>) -> T {
    match receiver.recv().await {
        Some(item) => item,
        None => std::future::pending().await,
    }
}

/// A name that must not appear in a log above DEBUG.
pub(crate) const STREAM: &str = "quiet_stream";

fn peer() -> Peer {
    let key = PeerKey { peer: STREAM.into(), direction: Direction::Viewing };
    Peer { key, identity: None, label: Some("quiet_stream_label".to_owned()) }
}

fn link() -> LinkName {
    LinkName::Peer(peer().key)
}

pub(crate) fn received(text: &str) -> Event {
    Event::Received { from: peer(), payload: Payload(text.into()), position: None }
}

pub(crate) fn connected() -> Event {
    Event::Connected(peer())
}

pub(crate) fn repairing() -> Event {
    let (step, fault) = (RecoveryStep::RestartIce, Fault::IceDisconnected);
    Event::Repairing { link: link(), step, fault, attempt: 0, after: Duration::ZERO }
}

pub(crate) fn interrupted() -> Event {
    Event::Interrupted { link: link(), fault: Fault::IceDisconnected, silent_for: Duration::from_secs(1) }
}

pub(crate) fn recovered() -> Event {
    let took = Duration::from_secs(2);
    Event::Recovered(Recovery {
        link: link(),
        peer: Some(peer()),
        fault: Fault::IceDisconnected,
        tried: vec![Tried { step: RecoveryStep::RestartIce, outcome: Outcome::Verified, took }],
        outage: Duration::from_secs(3),
        timeline: vec![(OutagePhase::Detection, Duration::from_secs(1)), (OutagePhase::IceChecking, took)],
    })
}

pub(crate) fn unexpected_offer() -> Event {
    Event::Warning(Warning::UnexpectedOffer { stream: Some(STREAM.to_owned()) })
}
