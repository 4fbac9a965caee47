//! Messages that wait for a link to come back: bounded, oldest dropped first, order kept.

use std::collections::BTreeMap;

use crate::message::Payload;

/// Messages by their number in the order of `send`.
#[derive(Debug)]
pub(super) struct Held {
    messages: BTreeMap<u64, Payload>,
    bytes: usize,
    most_messages: usize,
    most_bytes: usize,
}

impl Held {
    pub(super) fn new(most_messages: usize, most_bytes: usize) -> Self {
        Self { messages: BTreeMap::new(), bytes: 0, most_messages, most_bytes }
    }

    /// Keeps a message and returns how many older ones had to go.
    pub(super) fn keep(&mut self, number: u64, payload: Payload) -> u64 {
        self.bytes += payload.len();
        if let Some(replaced) = self.messages.insert(number, payload) {
            self.bytes -= replaced.len();
        }
        let mut dropped = 0;
        while self.messages.len() > self.most_messages || self.bytes > self.most_bytes {
            let Some((_, oldest)) = self.messages.pop_first() else { break };
            self.bytes -= oldest.len();
            dropped += 1;
        }
        dropped
    }

    /// Takes the oldest message.
    pub(super) fn take(&mut self) -> Option<(u64, Payload)> {
        let (number, payload) = self.messages.pop_first()?;
        self.bytes -= payload.len();
        Some((number, payload))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(super) fn len(&self) -> u64 {
        self.messages.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_order_and_drops_the_oldest() {
        let mut held = Held::new(2, 100);
        assert_eq!(held.keep(3, Payload("3".into())), 0);
        assert_eq!(held.keep(1, Payload("1".into())), 0);
        assert_eq!(held.keep(2, Payload("2".into())), 1);
        assert_eq!(held.take().map(|(number, _)| number), Some(2));
        assert_eq!(held.take().map(|(number, _)| number), Some(3));
    }

    #[test]
    fn bytes_are_bounded_too() {
        let mut held = Held::new(100, 10);
        held.keep(1, Payload("123456".into()));
        assert_eq!(held.keep(2, Payload("123456".into())), 1);
        assert_eq!(held.len(), 1);
    }
}
