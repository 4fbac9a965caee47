//! What one shell took, against what the other one printed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::shell::Shell;

/// One direction of the conversation.
pub(crate) struct Account {
    taken: Vec<u64>,
    /// What was printed, without what its position marks as a repetition.
    received: Vec<u64>,
    /// What was printed again: the kill came between the line and the note that it is printed.
    repeated: usize,
    /// The lives of the sender as the receiver saw them.
    epochs: usize,
    /// Messages that either side says are lost.
    lost: u64,
    everything_taken: bool,
}

impl Account {
    /// Reads what both have printed so far.
    pub(crate) fn new(sender: &Shell, receiver: &Shell) -> Self {
        let mut reached: BTreeMap<String, u64> = BTreeMap::new();
        let (mut received, mut repeated) = (Vec::new(), 0);
        for line in receiver.printed_events("received") {
            let position = &line["position"];
            let (epoch, sequence) =
                (position["epoch"].as_str().unwrap().to_owned(), position["sequence"].as_u64().unwrap());
            let reached = reached.entry(epoch).or_default();
            if sequence <= *reached {
                repeated += 1;
                continue;
            }
            *reached = sequence;
            received.push(line["data"].as_u64().unwrap());
        }
        let told = [sender.printed_events("dropped"), receiver.printed_events("missed")].concat();
        Self {
            taken: sender.taken(),
            received,
            repeated,
            epochs: reached.len(),
            lost: told.iter().map(|line| line["messages"].as_u64().unwrap()).sum(),
            everything_taken: sender.has_taken_everything(),
        }
    }

    /// Returns whether the last message has arrived.
    pub(crate) fn is_settled(&self) -> bool {
        self.everything_taken && self.taken.last() <= self.received.last()
    }

    /// Fails unless everything arrived once and in order.
    pub(crate) fn check(&self, kills: usize) {
        assert!(
            self.taken.len() > 20 * kills,
            "{} messages through {kills} kills prove little",
            self.taken.len()
        );
        let received: BTreeSet<u64> = self.received.iter().copied().collect();
        let lost: Vec<_> = self.taken.iter().filter(|number| !received.contains(number)).collect();
        assert!(lost.is_empty(), "taken and never printed: {lost:?}");
        // also no number twice under two positions
        let late: Vec<_> = self.received.windows(2).filter(|pair| pair[0] >= pair[1]).collect();
        assert!(late.is_empty(), "not in order: {late:?}");
        assert_eq!(
            (self.epochs, self.lost),
            (1, 0),
            "lives of the sender, and messages that somebody calls lost"
        );
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { taken, received, repeated, epochs, .. } = self;
        let (taken, received) = (taken.len(), received.len());
        write!(
            f,
            "{taken} taken, {received} received, {repeated} repeated at a known position, {epochs} epoch"
        )
    }
}
