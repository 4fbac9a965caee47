//! Two nodes in virtual time: what they say travels, what they use breaks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rejoin_core::network::{DefaultRoute, Interface};
use rejoin_core::port::{PeerAction, PeerEvent, SignalingAction, SignalingEvent};
use rejoin_core::rng::Rng;
use rejoin_core::sdp::Description;
use rejoin_core::stats::Sample;
use rejoin_core::{
    ChannelMessage, Command, Event, Generation, IceConnectionState, Identity, Input, NetworkSnapshot, Output,
    Payload, Recipient, Settings, SignalingMessage, StreamId, Supervisor,
};

use crate::engine::{Connection, Id};
use crate::policies::policies;
use crate::server::{Node, Server};

/// From one node to the other or to the server.
const LATENCY: Duration = Duration::from_millis(20);
/// How often engines look at their paths.
const TICK: Duration = Duration::from_millis(200);
/// Faults come within this time, and messages a little longer.
const TROUBLE: Duration = Duration::from_secs(180);
/// What the slowest repair may take after the last fault: a dormant link's sleep.
const PEACE: Duration = Duration::from_secs(400);

/// What the two say to each other.
const MESSAGES: u64 = 40;

/// Something on its way.
#[derive(Debug)]
enum Arrival {
    /// At a machine.
    Machine(Node, Input),
    /// At the server.
    Server(Node, Generation, Up),
    /// The engines look at their paths.
    Tick,
    Trouble(Trouble),
    Heal(Trouble),
    Say(Node, u64),
    Deadline,
}

#[derive(Debug)]
enum Up {
    Open,
    Say(SignalingMessage),
    Ping,
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    /// Nothing passes between the two.
    Path,
    /// Nothing passes between a node and the server.
    Server(Node),
    /// The server restarts.
    Crash,
    /// A node moves to another network; what was bound to the old one is dead.
    Move(Node),
    /// A node loses its network and knows it.
    Lost(Node),
}

struct Machine {
    supervisor: Supervisor,
    network: u32,
    sockets: BTreeMap<Generation, u32>,
    received: Vec<String>,
}

pub(crate) struct World {
    start: Instant,
    now: Instant,
    dice: Rng,
    agenda: BTreeMap<(Instant, u64), Arrival>,
    numbered: u64,
    machines: Vec<Machine>,
    server: Server,
    server_up: bool,
    connections: BTreeMap<Id, Connection>,
    /// What is broken, and how often.
    broken: BTreeMap<Trouble, u32>,
    /// TCP keeps what cannot pass.
    stuck: Vec<Arrival>,
    dropped: u64,
    pub(crate) story: Vec<String>,
}

fn machine(node: Node, seed: u64, now: Instant) -> Machine {
    let settings = Settings {
        seed: seed * 2 + node as u64,
        ..Settings::new(Identity(node as u128 + 10), "wss://one.test")
    };
    let supervisor = Supervisor::new(settings, policies(10), now);
    Machine { supervisor, network: 0, sockets: BTreeMap::new(), received: Vec::new() }
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let start = Instant::now();
        let mut world = Self {
            start,
            now: start,
            dice: Rng::new(seed),
            agenda: BTreeMap::new(),
            numbered: 0,
            machines: (0..2).map(|node| machine(node, seed, start)).collect(),
            server: Server::default(),
            server_up: true,
            connections: BTreeMap::new(),
            broken: BTreeMap::new(),
            stuck: Vec::new(),
            dropped: 0,
            story: Vec::new(),
        };
        for node in 0..2 {
            world.wish(node);
        }
        world.plan(TICK, Arrival::Tick);
        for _ in 0..=world.roll(6) {
            world.plan_trouble();
        }
        for number in 1..=MESSAGES {
            let at = Duration::from_millis(world.roll(TROUBLE.as_millis() as u64 + 20_000));
            let node = world.roll(2) as Node;
            world.plan(at, Arrival::Say(node, number));
        }
        world
    }

    fn wish(&mut self, node: Node) {
        self.happen(node, Input::Network(snapshot(Some(self.machines[node].network))));
        let stream = StreamId("cam".into());
        self.happen(
            node,
            Input::Command(if node == 0 { Command::Publish(stream) } else { Command::View(stream) }),
        );
    }

    fn plan_trouble(&mut self) {
        let node = self.roll(2) as Node;
        let trouble = match self.roll(6) {
            0 => Trouble::Path,
            1 => Trouble::Server(node),
            2 => Trouble::Crash,
            3 => Trouble::Move(node),
            4 => Trouble::Lost(node),
            _ => Trouble::Path,
        };
        let at = Duration::from_millis(5_000 + self.roll(TROUBLE.as_millis() as u64 - 65_000));
        let lasts = Duration::from_millis(200 + self.roll(60_000));
        self.plan(at, Arrival::Trouble(trouble));
        self.plan(at + lasts, Arrival::Heal(trouble));
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.dice.next_u64() % sides
    }

    fn plan(&mut self, after: Duration, arrival: Arrival) {
        self.numbered += 1;
        self.agenda.insert((self.now + after, self.numbered), arrival);
    }

    pub(crate) fn run(&mut self) {
        let end = self.start + TROUBLE + PEACE;
        loop {
            let timeout =
                self.machines.iter().filter_map(|one| one.supervisor.next_timeout()).map(|(at, _)| at).min();
            let next = self.agenda.keys().next().map(|(at, _)| *at);
            let Some(at) = timeout.into_iter().chain(next).min().filter(|at| *at <= end) else { break };
            self.now = self.now.max(at);
            let due = self.agenda.first_entry().filter(|entry| entry.key().0 <= self.now);
            let arrival = due.map_or(Arrival::Deadline, |entry| entry.remove());
            self.arrive(arrival);
        }
    }

    fn arrive(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Machine(node, input) => self.happen(node, input),
            Arrival::Server(node, generation, up) => self.serve(node, generation, up),
            Arrival::Tick => {
                self.tick();
                self.plan(TICK, Arrival::Tick);
            }
            Arrival::Trouble(trouble) => self.trouble(trouble),
            Arrival::Heal(trouble) => self.heal(trouble),
            Arrival::Say(node, number) => {
                let payload = Payload(format!("{node}-{number}").into());
                self.happen(node, Input::Command(Command::Send { to: Recipient::Everyone, payload }));
            }
            Arrival::Deadline => {
                for node in 0..2 {
                    let due =
                        self.machines[node].supervisor.next_timeout().is_some_and(|(at, _)| at <= self.now);
                    if due {
                        self.happen(node, Input::Timeout);
                    }
                }
            }
        }
    }

    // ---- the machines

    fn happen(&mut self, node: Node, input: Input) {
        let quiet = matches!(
            &input,
            Input::Timeout
                | Input::Signaling(_, SignalingEvent::Pong)
                | Input::Peer(_, PeerEvent::Stats(_))
                | Input::Peer(
                    _,
                    PeerEvent::Received(
                        ChannelMessage::Pong(_)
                            | ChannelMessage::Ping(_)
                            | ChannelMessage::Acknowledged { .. }
                    )
                )
        );
        if !quiet {
            self.tell(node, &format!("> {input:?}"));
        }
        self.machines[node].supervisor.handle_input(input, self.now);
        while let Some(output) = self.machines[node].supervisor.poll_output() {
            match output {
                Output::Signaling(generation, action) => self.socket(node, generation, action),
                Output::Peer(generation, action) => self.peer((node, generation), action),
                Output::Persist(_) => {}
                Output::Event(event) => {
                    self.tell(node, &format!("  = {event:?}"));
                    match event {
                        Event::Received { payload, .. } => {
                            self.machines[node].received.push(payload.0.to_string());
                        }
                        Event::Dropped { messages, .. } | Event::Missed { messages, .. } => {
                            self.dropped += messages
                        }
                        _ => {}
                    }
                }
            }
        }
    }

    fn tell(&mut self, node: Node, what: &str) {
        let at = self.now.duration_since(self.start).as_secs_f64();
        self.story.push(format!("{at:9.3} {} {}", ["A", "B"][node], what.replace("\\r\\n", " ")));
    }

    fn socket(&mut self, node: Node, generation: Generation, action: SignalingAction) {
        let up = match action {
            SignalingAction::Open { limit, .. } => {
                let network = self.machines[node].network;
                self.machines[node].sockets.insert(generation, network);
                let closed = SignalingEvent::Closed {
                    opened: false,
                    code: None,
                    status: None,
                    retry_after: None,
                    reason: "no answer".to_owned(),
                };
                if self.reaches_server(node, generation) && self.server_up {
                    Up::Open
                } else {
                    return self.plan(limit, Arrival::Machine(node, Input::Signaling(generation, closed)));
                }
            }
            SignalingAction::Send(message) => {
                self.tell(node, &format!("  {generation} {message:?}"));
                Up::Say(message)
            }
            SignalingAction::Ping => Up::Ping,
            SignalingAction::Close => Up::Close,
        };
        self.carry(Arrival::Server(node, generation, up));
    }

    fn reaches_server(&self, node: Node, generation: Generation) -> bool {
        let machine = &self.machines[node];
        let bound = machine.sockets.get(&generation) == Some(&machine.network);
        bound && !self.is_broken(Trouble::Server(node)) && !self.is_broken(Trouble::Lost(node))
    }

    /// Lets a message travel between a node and the server, or get stuck.
    fn carry(&mut self, arrival: Arrival) {
        let (node, generation) = match &arrival {
            Arrival::Server(node, generation, _) => (*node, *generation),
            Arrival::Machine(node, Input::Signaling(generation, _)) => (*node, *generation),
            _ => return,
        };
        if self.reaches_server(node, generation) {
            self.plan(LATENCY, arrival);
        } else {
            self.stuck.push(arrival);
        }
    }

    fn serve(&mut self, node: Node, generation: Generation, up: Up) {
        if !self.server_up {
            return;
        }
        let down = match up {
            Up::Open => vec![self.server.opens(node, generation)],
            Up::Say(message) => self.server.hears(node, generation, message),
            Up::Ping if self.server.knows(node, generation) => vec![(node, generation, SignalingEvent::Pong)],
            Up::Ping => Vec::new(),
            Up::Close => {
                self.server.closes(node, generation);
                Vec::new()
            }
        };
        for (node, generation, event) in down {
            self.carry(Arrival::Machine(node, Input::Signaling(generation, event)));
        }
    }

    // ---- the engines

    fn peer(&mut self, id: Id, action: PeerAction) {
        let network = self.machines[id.0].network;
        if !matches!(action, PeerAction::Send { .. } | PeerAction::ReadStats) {
            self.tell(id.0, &format!("  {} {action:?}", id.1));
        }
        if let PeerAction::Create(setup) = &action {
            self.connections.insert(id, Connection::new(self.now, network));
            if setup.role == rejoin_core::Role::Answerer {
                return;
            }
        }
        let now = self.now;
        let Some(connection) = self.connections.get_mut(&id) else { return };
        match action {
            PeerAction::Create(_) | PeerAction::RestartIce(_) => {
                let offer = connection.offer(id);
                self.described(id, offer);
            }
            PeerAction::Accept(description) => {
                connection.heard_at = now;
                if let Some(answer) = connection.accept(id, &description, network) {
                    self.described(id, answer);
                }
            }
            PeerAction::Send { message, .. } => connection.queue.push(message),
            PeerAction::ReadStats => {
                let sample = sample(now, connection.queue.len() as u64);
                self.plan(
                    Duration::ZERO,
                    Arrival::Machine(id.0, Input::Peer(id.1, PeerEvent::Stats(sample))),
                );
            }
            PeerAction::Close => self.close(id),
            PeerAction::AddCandidates(_) => {}
        }
        self.pump(id);
    }

    fn described(&mut self, id: Id, description: Description) {
        let event = PeerEvent::LocalDescription(description);
        self.plan(Duration::from_millis(2), Arrival::Machine(id.0, Input::Peer(id.1, event)));
    }

    fn close(&mut self, id: Id) {
        self.pump(id);
        let other = self.other_end(id);
        self.connections.remove(&id);
        if let Some(other) = other {
            self.plan(LATENCY, Arrival::Machine(other.0, Input::Peer(other.1, PeerEvent::ChannelClosed)));
        }
    }

    /// Returns the other end, if the path to it works.
    fn other_end(&self, id: Id) -> Option<Id> {
        let connection = self.connections.get(&id)?;
        let (other, _) = connection.remote?;
        let far = self.connections.get(&other)?;
        let bound = connection.bound_to == self.machines[id.0].network
            && far.bound_to == self.machines[other.0].network;
        let lost = (0..2).any(|node| self.is_broken(Trouble::Lost(node)));
        let works = bound && !lost && !self.is_broken(Trouble::Path) && connection.fits(id, far, other);
        works.then_some(other)
    }

    /// Delivers what is queued, if it can be.
    fn pump(&mut self, id: Id) {
        let Some(other) = self.other_end(id) else { return };
        let Some(connection) = self.connections.get_mut(&id).filter(|one| one.channel_open) else { return };
        for message in std::mem::take(&mut connection.queue) {
            let event = PeerEvent::Received(message);
            self.plan(LATENCY, Arrival::Machine(other.0, Input::Peer(other.1, event)));
        }
    }

    fn tick(&mut self) {
        let ids: Vec<Id> = self.connections.keys().copied().collect();
        for id in ids {
            let works = self.other_end(id).is_some();
            let now = self.now;
            let Some(connection) = self.connections.get_mut(&id) else { continue };
            let silent = now.duration_since(connection.heard_at);
            let mut events = Vec::new();
            let ice = match connection.ice {
                IceConnectionState::Failed => IceConnectionState::Failed,
                _ if works => IceConnectionState::Connected,
                IceConnectionState::Connected if silent > Duration::from_secs(5) => {
                    IceConnectionState::Disconnected
                }
                IceConnectionState::Checking | IceConnectionState::Disconnected
                    if silent > Duration::from_secs(30) =>
                {
                    IceConnectionState::Failed
                }
                ice => ice,
            };
            if works {
                connection.heard_at = now;
            }
            if ice != connection.ice {
                connection.ice = ice;
                events.push(PeerEvent::IceConnectionState(ice));
            }
            if works && !connection.channel_open {
                connection.channel_open = true;
                events.push(PeerEvent::ChannelOpen);
            }
            for event in events {
                self.happen(id.0, Input::Peer(id.1, event));
            }
            self.pump(id);
        }
    }

    // ---- trouble

    fn is_broken(&self, trouble: Trouble) -> bool {
        self.broken.get(&trouble).is_some_and(|times| *times > 0)
    }

    fn trouble(&mut self, trouble: Trouble) {
        self.story.push(format!("{:9.3} ! {trouble:?}", self.now.duration_since(self.start).as_secs_f64()));
        *self.broken.entry(trouble).or_default() += 1;
        match trouble {
            Trouble::Path | Trouble::Server(_) => {}
            Trouble::Crash => {
                self.server_up = false;
                for (node, generation) in self.server.crash() {
                    self.carry(Arrival::Machine(node, Input::Signaling(generation, broken_off())));
                }
            }
            Trouble::Move(node) => {
                self.machines[node].network += 1;
                let input = Input::Network(snapshot(Some(self.machines[node].network)));
                self.happen(node, input);
            }
            Trouble::Lost(node) => self.happen(node, Input::Network(snapshot(None))),
        }
    }

    fn heal(&mut self, trouble: Trouble) {
        self.story.push(format!("{:9.3} . {trouble:?}", self.now.duration_since(self.start).as_secs_f64()));
        let times = self.broken.entry(trouble).or_default();
        *times -= 1;
        let healed = *times == 0;
        match trouble {
            Trouble::Crash if healed => self.server_up = true,
            Trouble::Lost(node) if healed => {
                let input = Input::Network(snapshot(Some(self.machines[node].network)));
                self.happen(node, input);
            }
            _ => {}
        }
        for arrival in std::mem::take(&mut self.stuck) {
            self.carry(arrival);
        }
    }

    // ---- the verdict

    pub(crate) fn verdict(&self) -> Result<(), String> {
        if self.connections.len() != 2 {
            return Err(format!("{} connections are left", self.connections.len()));
        }
        if self.connections.keys().any(|id| self.other_end(*id).is_none()) {
            return Err("they are not connected to each other".to_owned());
        }
        for node in 0..2 {
            let mut seen = BTreeSet::new();
            if let Some(twice) =
                self.machines[node].received.iter().find(|text| !seen.insert((*text).clone()))
            {
                return Err(format!("{twice} came twice"));
            }
        }
        let received: usize = self.machines.iter().map(|one| one.received.len()).sum();
        let missing = MESSAGES.saturating_sub(received as u64);
        // what was under way when a link was given up may have arrived although it is told dropped
        if missing > self.dropped {
            return Err(format!("{missing} messages are missing, {} were told dropped", self.dropped));
        }
        Ok(())
    }
}

fn broken_off() -> SignalingEvent {
    SignalingEvent::Closed {
        opened: true,
        code: Some(1006),
        status: None,
        retry_after: None,
        reason: "reset".to_owned(),
    }
}

fn snapshot(network: Option<u32>) -> NetworkSnapshot {
    let name = |number| format!("if{number}");
    let interface = Interface { carrier: true, addresses: BTreeSet::from([[10, 0, 0, 1].into()]) };
    NetworkSnapshot {
        interfaces: network.map(|number| (name(number), interface)).into_iter().collect(),
        default_v4: network.map(|number| DefaultRoute { interface: name(number), source: None }),
        default_v6: None,
    }
}

fn sample(at: Instant, bytes_outstanding: u64) -> Sample {
    Sample {
        at,
        rtt: None,
        packets_received: 0,
        packets_lost: 0,
        bytes_sent: 0,
        bytes_received: 0,
        bytes_outstanding,
        probes_sent: 0,
        probes_answered: 0,
    }
}
