//! Two peers whose processes are killed at random moments: a store is all that is left of them.

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;

use super::*;
use crate::delivery::{Inbox, Outbox, Outgoing};

const EPOCH: Epoch = Epoch(7);

/// What happens between two messages.
#[derive(Clone, Copy, Debug)]
enum Step {
    Send,
    Flush,
    Deliver(u8),
    /// The receiving application confirms all but the last few.
    Confirm(u8),
    Acknowledge,
    /// The connection is lost with all that was in flight, and a new one opens.
    Rebuild,
    /// The sender's buffer was full: the last messages come back.
    Refuse(u8),
    KillSender,
    KillReceiver,
    /// The sender is killed before the store has heard of the message that it was taking.
    KillWhileSending,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => Just(Step::Send),
        4 => Just(Step::Flush),
        4 => (1u8..8).prop_map(Step::Deliver),
        4 => (0u8..3).prop_map(Step::Confirm),
        2 => Just(Step::Acknowledge),
        1 => Just(Step::Rebuild),
        1 => (1u8..4).prop_map(Step::Refuse),
        1 => Just(Step::KillSender),
        1 => Just(Step::KillReceiver),
        1 => Just(Step::KillWhileSending),
    ]
}

/// What survives a kill.
#[derive(Debug, Default)]
struct Disk {
    note: Option<PeerState>,
    kept: BTreeMap<u64, Payload>,
}

impl Disk {
    fn apply(&mut self, change: StoreChange) {
        match change {
            StoreChange::Identity(_) => {}
            StoreChange::Noted { note, .. } => self.note = Some(note),
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

struct Pair {
    outbox: Outbox,
    persisted: PersistedState,
    disk: Disk,
    inbox: Inbox,
    /// The receiver's disk.
    cursor: Option<Cursor>,
    wire: VecDeque<Outgoing>,
    /// Numbers whose store the sending application was told of.
    taken: Vec<u64>,
    next: u64,
    /// What the receiving application got and has not confirmed.
    unconfirmed: Vec<(Cursor, u64)>,
    /// What it got and keeps for good.
    heard: Vec<u64>,
    missing: u64,
    most: usize,
}

impl Pair {
    fn new(most: usize) -> Self {
        let mut inbox = Inbox::new(Durability::Durable);
        inbox.introduced(EPOCH);
        Self {
            outbox: Outbox::new(EPOCH, most, usize::MAX),
            persisted: PersistedState::default(),
            disk: Disk::default(),
            inbox,
            cursor: None,
            wire: VecDeque::new(),
            taken: Vec::new(),
            next: 1,
            unconfirmed: Vec::new(),
            heard: Vec::new(),
            missing: 0,
            most,
        }
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Send => {
                self.outbox.push(Payload(self.next.to_string().into()));
                self.save();
                self.taken.push(self.next);
                self.next += 1;
            }
            Step::Flush => self.wire.extend(std::iter::from_fn(|| self.outbox.next_outgoing())),
            Step::Deliver(count) => {
                for outgoing in self.wire.drain(..usize::from(count).min(self.wire.len())).collect::<Vec<_>>()
                {
                    self.deliver(&outgoing);
                }
            }
            Step::Confirm(but) => {
                let count = self.unconfirmed.len().saturating_sub(usize::from(but));
                for (position, number) in self.unconfirmed.drain(..count) {
                    assert!(self.inbox.confirm(position));
                    self.cursor = self.inbox.cursor();
                    self.heard.push(number);
                }
            }
            Step::Acknowledge => {
                if let Some(cursor) = self.inbox.cursor() {
                    self.outbox.acknowledge(cursor.sequence);
                    self.save();
                }
            }
            Step::Rebuild => {
                self.wire.clear();
                self.outbox.resume(self.inbox.cursor());
                self.save();
            }
            Step::Refuse(count) => {
                for _ in 0..count {
                    match self.wire.pop_back() {
                        Some(Outgoing::Message { sequence, .. }) => self.outbox.rewind(sequence),
                        Some(Outgoing::Gap { after, .. }) => self.outbox.rewind(after + 1),
                        Some(Outgoing::Part(part)) => panic!("{part:?} of a message that is small"),
                        None => {}
                    }
                }
            }
            Step::KillSender => {
                let fresh = Outbox::new(Epoch(99), self.most, usize::MAX);
                (self.outbox, self.persisted) = match &self.disk.note {
                    Some(note) => {
                        let kept = self.disk.kept.clone().into_iter().collect();
                        let outbox = fresh.restored(note, kept);
                        let persisted = PersistedState::restored(delivery_key(), note.clone(), &outbox);
                        (outbox, persisted)
                    }
                    // nothing was ever taken, so nobody has heard of this epoch
                    None => (Outbox::new(EPOCH, self.most, usize::MAX), PersistedState::default()),
                };
                self.run(Step::Rebuild);
            }
            Step::KillReceiver => {
                self.unconfirmed.clear();
                self.inbox = Inbox::restored(self.cursor);
                self.inbox.introduced(EPOCH);
                self.run(Step::Rebuild);
            }
            Step::KillWhileSending => {
                self.outbox.push(Payload("0".into()));
                self.run(Step::KillSender);
            }
        }
    }

    fn deliver(&mut self, outgoing: &Outgoing) {
        let arrival = match outgoing {
            Outgoing::Message { sequence, payload } => {
                let arrival = self.inbox.message(*sequence);
                if arrival.is_new {
                    let position = self.inbox.position(*sequence).unwrap();
                    self.unconfirmed.push((position, payload.0.parse().unwrap()));
                }
                arrival
            }
            Outgoing::Gap { after, through } => self.inbox.gap(*after, *through),
            Outgoing::Part(part) => panic!("{part:?} of a message that is small"),
        };
        self.missing += arrival.missing;
    }

    fn save(&mut self) {
        let note = PeerState {
            identity: None,
            label: None,
            durability: Durability::Durable,
            epoch: self.outbox.epoch(),
            newest: self.outbox.newest(),
            acknowledged: self.outbox.through(),
            received: None,
        };
        for change in self.persisted.changes(&delivery_key(), note, &mut self.outbox) {
            self.disk.apply(change);
        }
        let kept: Vec<_> = self.outbox.kept(0..u64::MAX).map(|(sequence, _)| sequence).collect();
        assert_eq!(self.disk.kept.keys().copied().collect::<Vec<_>>(), kept, "the disk knows something else");
    }

    fn settle(&mut self) {
        for step in [Step::Rebuild, Step::Flush, Step::Deliver(u8::MAX), Step::Confirm(0), Step::Acknowledge]
        {
            self.run(step);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn kills_of_both_sides_lose_nothing_and_repeat_nothing(steps in prop::collection::vec(step(), 1..120)) {
        let mut pair = Pair::new(usize::MAX);
        steps.into_iter().for_each(|step| pair.run(step));
        pair.settle();
        prop_assert_eq!(&pair.heard, &pair.taken);
        prop_assert_eq!(pair.missing, 0);
        prop_assert!(pair.disk.kept.is_empty());
    }

    #[test]
    fn what_the_bound_drops_stays_dropped_and_the_rest_in_order(steps in prop::collection::vec(step(), 1..120)) {
        let mut pair = Pair::new(3);
        steps.into_iter().for_each(|step| pair.run(step));
        pair.settle();
        prop_assert!(pair.heard.is_sorted_by(|one, other| one < other), "{:?}", pair.heard);
        prop_assert!(pair.heard.len() as u64 + pair.missing >= pair.taken.len() as u64);
        prop_assert!(pair.heard.ends_with(&pair.taken[pair.taken.len().saturating_sub(3)..]));
    }
}

fn delivery_key() -> DeliveryKey {
    DeliveryKey::Publisher { stream: StreamId("cam".into()) }
}

#[test]
fn what_came_back_unsent_is_stored_again() {
    let mut pair = Pair::new(usize::MAX);
    pair.run(Step::Send);
    pair.run(Step::Send);
    let Some(Outgoing::Message { sequence, payload }) = pair.outbox.next_outgoing() else {
        panic!("nothing")
    };
    pair.outbox.close_connection(sequence);
    pair.save();
    assert_eq!(pair.disk.kept.len(), 1);
    pair.outbox.restore(sequence, payload);
    pair.save();
    assert_eq!(pair.disk.kept.len(), 2);
}
