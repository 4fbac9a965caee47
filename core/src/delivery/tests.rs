//! A pair of peers under random trouble: what was accepted arrives once and in order, or is told as lost.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::id::Generation;
use crate::message::Payload;

/// What happens to a pair of peers between two messages.
#[derive(Clone, Copy, Debug)]
enum Step {
    Send,
    /// A message of so many parts.
    SendGiant(u8),
    Flush,
    Deliver(u8),
    Acknowledge,
    /// The connection is lost with all that was in flight, and a new one opens.
    Rebuild,
    /// The sender's buffer was full: the last messages come back.
    Refuse(u8),
    /// The receiver's process is killed and started again.
    Forget,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => Just(Step::Send),
        1 => (2u8..4).prop_map(Step::SendGiant),
        4 => Just(Step::Flush),
        4 => (1u8..8).prop_map(Step::Deliver),
        2 => Just(Step::Acknowledge),
        1 => Just(Step::Rebuild),
        1 => (1u8..4).prop_map(Step::Refuse),
    ]
}

struct Pair {
    outbox: Outbox,
    inbox: Inbox,
    reassembly: Reassembly,
    connection: u32,
    wire: VecDeque<Outgoing>,
    sent: u64,
    heard: Vec<u64>,
    missing: u64,
    dropped: u64,
}

impl Pair {
    fn new(most: usize) -> Self {
        let mut inbox = Inbox::default();
        inbox.introduced(Epoch(7));
        let outbox = Outbox::new(Epoch(7), most, usize::MAX);
        Self {
            outbox,
            inbox,
            reassembly: Reassembly::default(),
            connection: 0,
            wire: VecDeque::new(),
            sent: 0,
            heard: Vec::new(),
            missing: 0,
            dropped: 0,
        }
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Send => self.send(0),
            Step::SendGiant(parts) => self.send(usize::from(parts) * LARGEST_SLICE - 100),
            Step::Flush => {
                while let Some(outgoing) = self.outbox.next_outgoing() {
                    self.wire.push_back(outgoing);
                }
            }
            Step::Deliver(count) => {
                for _ in 0..count {
                    let Some(outgoing) = self.wire.pop_front() else { break };
                    self.arrive(outgoing);
                }
            }
            Step::Acknowledge => {
                if let Some(cursor) = self.inbox.cursor() {
                    self.outbox.acknowledge(cursor.sequence);
                }
            }
            Step::Rebuild => {
                self.wire.clear();
                self.connection += 1;
                self.outbox.resume(self.inbox.cursor());
            }
            Step::Refuse(count) => {
                for _ in 0..count {
                    match self.wire.pop_back() {
                        Some(Outgoing::Message { sequence, .. }) => self.outbox.rewind(sequence),
                        Some(Outgoing::Part(part)) => self.outbox.rewind_into(part.sequence, part.offset),
                        Some(Outgoing::Gap { after, .. }) => self.outbox.rewind(after + 1),
                        None => {}
                    }
                }
            }
            Step::Forget => {
                self.inbox = Inbox::default();
                self.inbox.introduced(Epoch(7));
                self.run(Step::Rebuild);
            }
        }
    }

    fn send(&mut self, padding: usize) {
        self.sent += 1;
        let text = format!("{} {}", self.sent, "x".repeat(padding));
        self.dropped += self.outbox.push(Payload(text.into()));
    }

    fn arrive(&mut self, outgoing: Outgoing) {
        let (arrival, payload) = match outgoing {
            Outgoing::Message { sequence, payload } => (self.inbox.message(sequence), payload),
            Outgoing::Part(part) if self.inbox.has(part.sequence) => return,
            Outgoing::Part(part) => match self.reassembly.add(Generation(self.connection), &part) {
                Some(payload) => (self.inbox.message(part.sequence), payload),
                None => return,
            },
            Outgoing::Gap { after, through } => {
                self.reassembly.give_up(through);
                self.missing += self.inbox.gap(after, through).missing;
                return;
            }
        };
        self.missing += arrival.missing;
        if arrival.is_new {
            let (number, _) = payload.0.split_once(' ').unwrap();
            self.heard.push(number.parse().unwrap());
        }
    }

    fn settle(&mut self) {
        self.run(Step::Rebuild);
        self.run(Step::Flush);
        while !self.wire.is_empty() {
            self.run(Step::Deliver(1));
        }
        self.run(Step::Acknowledge);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn everything_arrives_once_and_in_order(steps in prop::collection::vec(step(), 1..120)) {
        let mut pair = Pair::new(usize::MAX);
        steps.into_iter().for_each(|step| pair.run(step));
        pair.settle();
        prop_assert_eq!(pair.heard, (1..=pair.sent).collect::<Vec<_>>());
        prop_assert_eq!(pair.missing + pair.dropped, 0);
    }

    #[test]
    fn what_the_bound_drops_is_told_on_both_sides(steps in prop::collection::vec(step(), 1..120)) {
        let mut pair = Pair::new(3);
        steps.into_iter().for_each(|step| pair.run(step));
        pair.settle();
        prop_assert!(pair.heard.is_sorted_by(|one, other| one < other));
        prop_assert_eq!(pair.heard.len() as u64 + pair.missing, pair.sent);
        prop_assert!(pair.missing <= pair.dropped, "{} missing, {} dropped", pair.missing, pair.dropped);
    }
}

#[test]
fn a_restarted_receiver_gets_what_was_not_acknowledged() {
    let mut pair = Pair::new(usize::MAX);
    for step in [Step::Send, Step::Flush, Step::Deliver(1), Step::Acknowledge, Step::Send, Step::Forget] {
        pair.run(step);
    }
    pair.settle();
    // the first was acknowledged by the process that was killed, so the new one hears of a start at 2
    assert_eq!(pair.heard, [1, 2]);
}
