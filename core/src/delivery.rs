//! Delivery between rejoin peers: what was accepted arrives once and in order, whatever happens to the connection.
//!
//! The sender numbers its messages within an [`Epoch`] and keeps each until the peer has acknowledged it;
//! on every new connection both sides say how far they have come, and the sender goes on from there.
//! The bounds of the [`Outbox`] are the only thing that can lose a message, and then both sides are told.

mod inbox;
mod outbox;

pub use inbox::{Arrival, Inbox};
pub use outbox::{Outbox, Outgoing};

/// One life of a sender: numbers start at 1 again in another epoch. Random, new in every process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// How far a receiver has come in a sender's epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The sender's epoch.
    pub epoch: Epoch,
    /// The number of the last message that arrived; 0 before the first.
    pub sequence: u64,
}

/// What a peer that delivers says of itself when a channel opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryHello {
    /// The epoch of what it sends.
    pub epoch: Epoch,
    /// How far it has come in what we send; `None` if it has received nothing of us.
    pub received: Option<Cursor>,
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;
    use crate::message::Payload;

    /// What happens to a pair of peers between two messages.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Send,
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
            let wire = VecDeque::new();
            Self { outbox, inbox, wire, sent: 0, heard: Vec::new(), missing: 0, dropped: 0 }
        }

        fn run(&mut self, step: Step) {
            match step {
                Step::Send => {
                    self.sent += 1;
                    self.dropped += self.outbox.push(Payload(self.sent.to_string().into()));
                }
                Step::Flush => {
                    while let Some(outgoing) = self.outbox.next_outgoing() {
                        self.wire.push_back(outgoing);
                    }
                }
                Step::Deliver(count) => {
                    for outgoing in self.wire.drain(..usize::from(count).min(self.wire.len())) {
                        let (arrival, text) = match &outgoing {
                            Outgoing::Message { sequence, payload } => {
                                (self.inbox.message(*sequence), Some(payload.0.parse::<u64>().unwrap()))
                            }
                            Outgoing::Gap { after, through } => (self.inbox.gap(*after, *through), None),
                        };
                        self.missing += arrival.missing;
                        if arrival.is_new {
                            self.heard.extend(text);
                        }
                    }
                }
                Step::Acknowledge => {
                    if let Some(cursor) = self.inbox.cursor() {
                        self.outbox.acknowledge(cursor.sequence);
                    }
                }
                Step::Rebuild => {
                    self.wire.clear();
                    self.outbox.resume(self.inbox.cursor());
                }
                Step::Refuse(count) => {
                    for _ in 0..count {
                        match self.wire.pop_back() {
                            Some(Outgoing::Message { sequence, .. }) => self.outbox.rewind(sequence),
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

        fn settle(&mut self) {
            for step in [Step::Rebuild, Step::Flush, Step::Deliver(u8::MAX), Step::Acknowledge] {
                self.run(step);
            }
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
}
