//! Two nodes in virtual time: what they say travels, what they use breaks.

mod paths;
mod sockets;
mod trouble;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rejoin_core::delivery::Epoch;
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
use trouble::{Trouble, snapshot};

/// From one node to the other or to the server.
const LATENCY: Duration = Duration::from_millis(20);
/// How often engines look at their paths.
const TICK: Duration = Duration::from_millis(200);
/// Faults come within this time, and messages a little longer.
const TROUBLE: Duration = Duration::from_secs(180);
/// What the slowest repair may take after the last fault: a dormant link's sleep.
const PEACE: Duration = Duration::from_secs(400);

/// The backoff's ceiling, an attempt that fails and one that does not.
const LONGEST_WAIT: Duration = Duration::from_secs(50);

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

struct Machine {
    supervisor: Supervisor,
    network: u32,
    sockets: BTreeMap<Generation, u32>,
    received: Vec<String>,
    /// What the generations of this process are counted from: no two processes share one in this world.
    base: u32,
}

/// More generations than any process gets to.
const GENERATIONS: u32 = 1_000;

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
    killed: bool,
    pub(crate) story: Vec<String>,
    /// When the last fault was over.
    pub(crate) healed_at: Instant,
    /// When the two were last not connected.
    pub(crate) unsettled_at: Instant,
}

fn machine(node: Node, seed: u64, now: Instant) -> Machine {
    let settings = Settings {
        seed: seed * 2 + node as u64,
        epoch: Epoch(seed),
        ..Settings::new(Identity(node as u128 + 10), "wss://one.test")
    };
    let supervisor = Supervisor::new(settings, policies(10), now);
    Machine { supervisor, network: 0, sockets: BTreeMap::new(), received: Vec::new(), base: 0 }
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
            killed: false,
            story: Vec::new(),
            healed_at: start,
            unsettled_at: start,
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
        let Some(input) = self.inward(node, input) else { return };
        let base = self.machines[node].base;
        let outward = |generation: Generation| Generation(generation.0 + base);
        self.machines[node].supervisor.handle_input(input, self.now);
        while let Some(output) = self.machines[node].supervisor.poll_output() {
            match output {
                Output::Signaling(generation, action) => self.socket(node, outward(generation), action),
                Output::Peer(generation, action) => self.peer((node, outward(generation)), action),
                Output::Persist(_) | Output::Keep(_) => {}
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

    /// Returns the input with the generation that the process knows, unless it is an earlier process's.
    fn inward(&self, node: Node, input: Input) -> Option<Input> {
        let base = self.machines[node].base;
        let inward = |generation: Generation| generation.0.checked_sub(base).map(Generation);
        Some(match input {
            Input::Signaling(generation, event) => Input::Signaling(inward(generation)?, event),
            Input::Peer(generation, event) => Input::Peer(inward(generation)?, event),
            other => other,
        })
    }

    fn tell(&mut self, node: Node, what: &str) {
        let at = self.now.duration_since(self.start).as_secs_f64();
        self.story.push(format!("{at:9.3} {} {}", ["A", "B"][node], what.replace("\\r\\n", " ")));
    }

    // ---- the verdict

    pub(crate) fn verdict(&self) -> Result<(), String> {
        let waited = self.unsettled_at.saturating_duration_since(self.healed_at);
        if waited > LONGEST_WAIT {
            return Err(format!("they found each other {waited:?} after the last fault was over"));
        }
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
        // a killed process takes with it what it had accepted
        if missing > self.dropped && !self.killed {
            return Err(format!("{missing} messages are missing, {} were told dropped", self.dropped));
        }
        Ok(())
    }
}
