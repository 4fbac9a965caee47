//! A sender and a receiver, their stores, and the wire between them.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use crate::delivery::durability::Durability;
use crate::delivery::durable::{DeliveryKey, PeerRecord, PeerState, StoreChange};
use crate::delivery::link::{DeliveryLink, Next, Received};
use crate::delivery::outbox::Outbox;
use crate::delivery::{Cursor, DeliveryFrame, Epoch, LARGEST_SLICE, WhenFull};
use crate::id::{Generation, StreamId};
use crate::message::Payload;

/// What happens to a pair of peers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Send,
    /// A message of so many parts.
    SendLarge(u8),
    Flush,
    /// So many frames arrive on each side.
    Deliver(u8),
    /// The receiving application confirms all but the last few.
    Confirm(u8),
    /// The next deadline passes on both sides.
    Wait,
    /// A new connection opens, and the old one is lost with all that is in flight on it.
    Rebuild,
    /// The sender's channel was full: it returns the last frames.
    Refuse(u8),
    KillSender,
    KillReceiver,
    /// The sender is killed before the store has the message that it was accepting.
    KillWhileSending,
}

/// One side: its link, the frames that it has in flight, and its store.
struct End {
    link: DeliveryLink,
    wire: VecDeque<DeliveryFrame>,
    store: Store,
}

/// What survives a kill.
#[derive(Debug, Default)]
struct Store {
    state: Option<PeerState>,
    kept: BTreeMap<u64, Payload>,
}

pub(super) struct Pair {
    sender: End,
    receiver: End,
    durability: Durability,
    max_messages: usize,
    now: Instant,
    connection: Generation,
    processes: u64,
    /// How many messages the sending application has sent.
    pub(super) sent: u64,
    /// The messages that are stored, as the sending application knows.
    pub(super) accepted: Vec<u64>,
    pub(super) dropped: u64,
    /// The messages that the receiving application got and has not confirmed.
    unconfirmed: Vec<(Cursor, u64)>,
    /// The messages that it got for good.
    pub(super) arrived: Vec<u64>,
    pub(super) missed: u64,
}

impl Pair {
    pub(super) fn in_memory(max_messages: usize) -> Self {
        Self::new(Durability::InMemory, max_messages)
    }

    pub(super) fn durable(max_messages: usize) -> Self {
        Self::new(Durability::Durable, max_messages)
    }

    fn new(durability: Durability, max_messages: usize) -> Self {
        let end = |epoch| {
            let link = DeliveryLink::new(Outbox::new(Epoch(epoch), max_messages, usize::MAX), durability);
            End { link, wire: VecDeque::new(), store: Store::default() }
        };
        let mut pair = Self {
            sender: end(1),
            receiver: end(2),
            durability,
            max_messages,
            now: Instant::now(),
            connection: Generation(0),
            processes: 2,
            sent: 0,
            accepted: Vec::new(),
            dropped: 0,
            unconfirmed: Vec::new(),
            arrived: Vec::new(),
            missed: 0,
        };
        pair.run(Step::Rebuild);
        pair
    }

    pub(super) fn run(&mut self, step: Step) {
        match step {
            Step::Send => self.send(0),
            Step::SendLarge(parts) => self.send(usize::from(parts) * LARGEST_SLICE - 100),
            Step::Flush => {
                while let Some(next) = self.sender.link.next_frame(self.connection, self.now) {
                    let Next::Frame { frame, .. } = next else { panic!("{next:?} to a peer that delivers") };
                    self.sender.wire.push_back(frame);
                }
            }
            Step::Deliver(count) => self.deliver(count),
            Step::Confirm(but) => {
                let count = self.unconfirmed.len().saturating_sub(usize::from(but));
                for (position, number) in self.unconfirmed.drain(..count) {
                    self.receiver.link.confirm(position, self.now);
                    assert_eq!(self.receiver.link.received(), Some(position));
                    self.receiver.save(self.durability);
                    self.arrived.push(number);
                }
            }
            Step::Wait => self.wait(),
            Step::Rebuild => self.rebuild(),
            Step::Refuse(count) => {
                for _ in 0..count {
                    let Some(frame) = self.sender.wire.pop_back() else { break };
                    self.sender.link.on_unsent(&frame, self.now);
                }
            }
            Step::KillSender => {
                let fresh = self.fresh_outbox();
                self.sender.restart(fresh, self.durability);
                self.rebuild();
            }
            Step::KillReceiver => {
                self.unconfirmed.clear();
                let fresh = self.fresh_outbox();
                self.receiver.restart(fresh, self.durability);
                self.rebuild();
            }
            Step::KillWhileSending => {
                _ = self.sender.link.send(Payload("\"0 \"".into()), WhenFull::DropOldest).unwrap();
                self.run(Step::KillSender);
            }
        }
        self.sender.save(self.durability);
        self.receiver.save(self.durability);
    }

    fn send(&mut self, padding: usize) {
        self.sent += 1;
        let text = format!("\"{} {}\"", self.sent, "x".repeat(padding));
        self.dropped += self.sender.link.send(Payload(text.into()), WhenFull::DropOldest).unwrap();
        self.sender.save(self.durability);
        self.accepted.push(self.sent);
    }

    fn deliver(&mut self, count: u8) {
        for _ in 0..count {
            if let Some(frame) = self.sender.wire.pop_front() {
                let received = self.receiver.link.on_frame(frame, self.connection, self.now);
                self.receive(received);
            }
            if let Some(frame) = self.receiver.wire.pop_front() {
                let received = self.sender.link.on_frame(frame, self.connection, self.now);
                assert_eq!(received, Received::default());
            }
        }
    }

    fn receive(&mut self, received: Received) {
        assert!(!received.is_malformed);
        self.missed += received.missed;
        let Some(message) = received.message else { return };
        let (number, _) = message.payload.0[1..].split_once(' ').unwrap();
        let number = number.parse().unwrap();
        match self.durability {
            Durability::InMemory => self.arrived.push(number),
            Durability::Durable => self.unconfirmed.push((message.position.unwrap(), number)),
        }
    }

    fn wait(&mut self) {
        let deadlines = [self.sender.link.poll_timeout(), self.receiver.link.poll_timeout()];
        self.now = deadlines.into_iter().flatten().min().map_or(self.now, |at| at.max(self.now));
        for end in [&mut self.sender, &mut self.receiver] {
            let due = end.link.on_timeout(self.now, Some(self.connection), Some(self.now));
            end.wire.extend(due.acknowledgement);
            assert_ne!(end.link.poll_timeout(), Some(self.now), "a deadline that passed is still there");
        }
    }

    fn rebuild(&mut self) {
        self.connection.0 += 1;
        let (ours, theirs) = (self.sender.link.hello(), self.receiver.link.hello());
        for (end, hello) in [(&mut self.sender, theirs), (&mut self.receiver, ours)] {
            end.wire.clear();
            end.link.on_hello(hello, self.connection);
            end.link.retain_connections(|connection| connection == self.connection);
            end.link.resume();
            end.link.on_verified(self.now);
        }
    }

    fn fresh_outbox(&mut self) -> Outbox {
        self.processes += 1;
        Outbox::new(Epoch(self.processes), self.max_messages, usize::MAX)
    }

    /// Lets everything arrive.
    pub(super) fn settle(&mut self) {
        self.run(Step::Rebuild);
        for _ in 0..3 {
            for step in [Step::Flush, Step::Deliver(u8::MAX), Step::Confirm(0), Step::Wait] {
                self.run(step);
            }
        }
        self.run(Step::Deliver(u8::MAX));
    }

    pub(super) fn stored_messages(&self) -> Vec<u64> {
        self.sender.store.kept.keys().copied().collect()
    }
}

impl End {
    /// Kills the process and starts the next one.
    fn restart(&mut self, fresh: Outbox, durability: Durability) {
        self.link = match &self.store.state {
            Some(state) => {
                let kept = self.store.kept.clone().into_iter().collect();
                DeliveryLink::restored(PeerRecord { delivery_key: key(), state: state.clone(), kept }, fresh)
            }
            None => DeliveryLink::new(fresh, durability),
        };
    }

    fn save(&mut self, durability: Durability) {
        if durability == Durability::InMemory {
            return;
        }
        for change in self.link.changes(&key(), None, None) {
            self.store.apply(change);
        }
        assert_eq!(self.store.kept.keys().copied().collect::<Vec<_>>(), self.link.kept_numbers());
    }
}

impl Store {
    fn apply(&mut self, change: StoreChange) {
        match change {
            StoreChange::Identity(_) => {}
            StoreChange::StateChanged { state, .. } => self.state = Some(state),
            StoreChange::Kept { sequence, payload, .. } => {
                assert_eq!(self.kept.insert(sequence, payload), None, "{sequence} is stored twice");
            }
            StoreChange::Released { numbers, .. } => {
                self.kept.retain(|sequence, _| !numbers.contains(sequence))
            }
            StoreChange::Forgotten { .. } => *self = Self::default(),
        }
    }
}

fn key() -> DeliveryKey {
    DeliveryKey::Publisher { stream: StreamId("cam".into()) }
}
