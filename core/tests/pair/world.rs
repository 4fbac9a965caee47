//! Two nodes in virtual time: what they say travels, what they use breaks.

mod hearing;
mod machine;
mod paths;
mod sockets;
mod trouble;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rejoin_core::delivery::durable::Durability;
use rejoin_core::delivery::{Cursor, DeliveryFrame, Epoch};
use rejoin_core::network::{DefaultRoute, Interface};
use rejoin_core::output::{LinkName, Recovery};
use rejoin_core::policy::BackoffContext;
use rejoin_core::port::{PeerAction, PeerEvent, Resumption, SignalingAction, SignalingEvent};
use rejoin_core::rng::Rng;
use rejoin_core::sdp::Description;
use rejoin_core::stats::Sample;
use rejoin_core::{
    BackoffPolicy, ChannelMessage, Command, Event, Generation, IceConnectionState, Identity, Input,
    NetworkSnapshot, Output, Payload, PeerKey, Policies, Recipient, Settings, SignalingMessage, StreamId,
    Supervisor,
};

use crate::audit::{Audit, Ending};
use crate::engine::{Channel, Connection, Id, Room};
use crate::policies::policies;
use crate::script::{Burst, Climate, Disaster, Names, Repairs, Script, Trouble};
use crate::server::{Node, Server};
use crate::store::Store;
use crate::tally::Tally;
use hearing::{Cause, Confirmation};
use machine::{GENERATIONS, Machine, identity, machine};
use trouble::snapshot;

/// From a node to the server.
const LATENCY: Duration = Duration::from_millis(20);
/// How often engines look at their paths.
const TICK: Duration = Duration::from_millis(200);
/// What the slowest repair may take after the last fault: a dormant link's sleep.
const PEACE: Duration = Duration::from_secs(400);
/// Fair weather after which nothing more is to come: acknowledgements, repetitions and late frames are through.
const QUIET: Duration = Duration::from_secs(12);

/// Something on its way.
#[derive(Debug)]
enum Arrival {
    /// At a machine.
    Machine(Node, Input),
    /// At the server.
    Server(Node, Generation, Up),
    /// The engines look at their paths.
    Tick,
    /// A full channel is looked at.
    Room(Id),
    Trouble(Trouble, Duration),
    Heal(Trouble, Instant),
    /// So many messages, one after the other.
    Say(Burst),
    /// An application has made something of a message.
    Confirm(Node, Confirmation),
    Deadline,
}

#[derive(Debug)]
enum Up {
    Open(Option<Resumption>),
    Say(SignalingMessage),
    Ping,
    Close,
}

/// Longer lines of the story are cut.
const LONGEST_LINE: usize = 500;
/// Whether a world remembers what happened, which takes longer than what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Story {
    SentSignaling,
    Untold,
}

pub(crate) struct World {
    start: Instant,
    now: Instant,
    /// When the last disaster and the last burst have begun and ended.
    quiet_from: Instant,
    dice: Rng,
    climate: Climate,
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
    stores: [Store; 2],
    /// How far each node's application has come: it stores that with what it makes of a message.
    handled: [Option<Cursor>; 2],
    /// What each node says.
    audits: [Audit; 2],
    /// Since when the weather is fair, in ticks.
    fair_for: u32,
    /// The first thing that must not be.
    wrong: Option<String>,
    told: Story,
    pub(crate) story: Vec<String>,
    /// When the last fault was over.
    pub(crate) healed_at: Instant,
    /// When the two were last not connected.
    pub(crate) unsettled_at: Instant,
    /// When the last broken link was verified.
    whole_at: Instant,
    pub(crate) tally: Tally,
}

impl World {
    pub(crate) fn new(script: &Script, told: Story) -> Self {
        let start = Instant::now();
        let mut dice = Rng::new(script.seed);
        let machines = (0..2).map(|node| machine(node, dice.next_u64(), &script.climate, start)).collect();
        let mut world = Self {
            start,
            now: start,
            quiet_from: start,
            dice,
            climate: script.climate.clone(),
            agenda: BTreeMap::new(),
            numbered: 0,
            machines,
            server: Server::default(),
            server_up: true,
            connections: BTreeMap::new(),
            broken: BTreeMap::new(),
            stuck: Vec::new(),
            stores: Default::default(),
            handled: [None; 2],
            audits: Default::default(),
            fair_for: 0,
            wrong: None,
            told,
            story: Vec::new(),
            healed_at: start,
            unsettled_at: start,
            whole_at: start,
            tally: Tally::default(),
        };
        for node in 0..2 {
            world.declare_intent(node);
        }
        world.plan(TICK, Arrival::Tick);
        for Disaster { at, lasts, trouble } in &script.disasters {
            world.plan(*at, Arrival::Trouble(*trouble, *lasts));
            world.quiet_from = world.quiet_from.max(start + *at + *lasts);
        }
        for burst in &script.bursts {
            world.plan(burst.at, Arrival::Say(*burst));
            world.quiet_from = world.quiet_from.max(start + burst.at + burst.pace * burst.messages);
        }
        world
    }

    /// Returns how long after `moment` the last broken link was verified.
    pub(crate) fn whole_after(&self, moment: Duration) -> Duration {
        self.whole_at.saturating_duration_since(self.start + moment)
    }

    fn declare_intent(&mut self, node: Node) {
        let network = (!self.is_broken(Trouble::Lost(node))).then_some(self.machines[node].network);
        self.happen(node, Input::Network(snapshot(network)));
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
        self.plan_at(self.now + after, arrival);
    }

    fn plan_at(&mut self, at: Instant, arrival: Arrival) {
        self.numbered += 1;
        self.agenda.insert((at, self.numbered), arrival);
    }

    /// Runs until everything is over and has been quiet, or there was peace enough for it, or something is wrong.
    pub(crate) fn run(&mut self) {
        let end = self.quiet_from + PEACE;
        let mut has_looked = false;
        // what has begun since the last look at the sky goes on
        while self.wrong.is_none() && !(has_looked && self.is_quiet()) {
            let awake = (0..2).filter(|node| !self.is_broken(Trouble::Sleep(*node)));
            let timeout = awake
                .filter_map(|node| self.machines[node].supervisor.next_timeout())
                .map(|(at, _)| at)
                .min();
            let next = self.agenda.keys().next().map(|(at, _)| *at);
            let Some(at) = timeout.into_iter().chain(next).min().filter(|at| *at <= end) else { break };
            self.now = self.now.max(at);
            let due = self.agenda.first_entry().filter(|entry| entry.key().0 <= self.now);
            let arrival = due.map_or(Arrival::Deadline, |entry| entry.remove());
            has_looked = matches!(arrival, Arrival::Tick);
            self.arrive(arrival);
        }
    }

    fn is_quiet(&self) -> bool {
        TICK * self.fair_for >= QUIET && self.now >= self.quiet_from + QUIET
    }

    fn arrive(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Machine(node, input) => self.happen(node, input),
            Arrival::Server(node, generation, up) => self.serve(node, generation, up),
            Arrival::Tick => {
                self.tick();
                self.look_at_the_sky();
                self.plan(TICK, Arrival::Tick);
            }
            Arrival::Room(id) => self.look_for_room(id),
            Arrival::Trouble(trouble, lasts) => self.trouble(trouble, lasts),
            Arrival::Heal(trouble, since) => self.heal(trouble, since),
            Arrival::Say(burst) => self.send_burst(burst),
            Arrival::Confirm(node, confirmation) => self.confirm(node, confirmation),
            Arrival::Deadline => {
                for node in 0..2 {
                    let due =
                        self.machines[node].supervisor.next_timeout().is_some_and(|(at, _)| at <= self.now);
                    if due && !self.is_broken(Trouble::Sleep(node)) {
                        self.happen(node, Input::Timeout);
                    }
                }
            }
        }
    }

    // ---- the machines

    fn happen(&mut self, node: Node, input: Input) {
        if self.is_broken(Trouble::Sleep(node)) {
            return self.machines[node].held.push(input);
        }
        if !is_quiet(&input) {
            self.log(node, || format!("> {input:?}"));
        }
        self.notice(node, &input);
        let Some(input) = self.inward(node, input) else { return };
        let cause = Cause::of(&input);
        let base = self.machines[node].base;
        let outward = |generation: Generation| Generation(generation.0 + base);
        let machine = &mut self.machines[node];
        machine.supervisor.handle_input(input, self.now);
        let mut outputs: Vec<Output> = std::iter::from_fn(|| machine.supervisor.poll_output()).collect();
        let dies = std::mem::take(&mut machine.is_dying);
        if dies {
            self.cut_short(node, &mut outputs);
        }
        for output in outputs {
            match output {
                Output::Signaling(generation, action) => self.socket(node, outward(generation), action),
                Output::Peer(generation, action) => self.peer((node, outward(generation)), action),
                Output::Persist(_) => {}
                Output::StoreDelivery(change) => self.stores[node].apply(change),
                Output::Event(event) => self.on_event(node, event, cause),
                other => unreachable!("{other:?}"),
            }
        }
        if dies {
            self.kill(node);
        }
    }

    /// A process that dies does not finish: what is kept is kept first, and what was dropped is known to the dice.
    fn cut_short(&mut self, node: Node, outputs: &mut Vec<Output>) {
        let is_sure = |output: &Output| {
            matches!(output, Output::StoreDelivery(_) | Output::Event(Event::Dropped { .. }))
        };
        outputs.sort_by_key(|output| !is_sure(output));
        let sure = outputs.iter().filter(|output| is_sure(output)).count();
        let left = self.roll((outputs.len() - sure) as u64 + 1) as usize;
        outputs.truncate(sure + left);
        self.log(node, || format!("dies after {left} things"));
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

    fn log(&mut self, node: Node, what: impl FnOnce() -> String) {
        if self.told == Story::SentSignaling {
            let at = self.now.duration_since(self.start).as_secs_f64();
            let what: String = what().replace("\\r\\n", " ").chars().take(LONGEST_LINE).collect();
            self.story.push(format!("{at:9.3} {} {what}", ["A", "B"][node]));
        }
    }
}

/// Returns whether there is no story in it.
fn is_quiet(input: &Input) -> bool {
    matches!(
        input,
        Input::Timeout
            | Input::Signaling(_, SignalingEvent::Pong)
            | Input::Peer(_, PeerEvent::Stats(_))
            | Input::Peer(
                _,
                PeerEvent::Received(
                    ChannelMessage::Pong(_)
                        | ChannelMessage::Ping(_)
                        | ChannelMessage::Delivery(DeliveryFrame::Acknowledgement { .. })
                )
            )
    )
}
