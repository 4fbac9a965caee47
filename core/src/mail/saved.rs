//! What the store knows of one peer, and what it must be told next.

use std::collections::BTreeSet;

use crate::delivery::Outbox;
use crate::mail::{Address, MailChange, PeerNote};

/// What the store was told last.
#[derive(Debug, Default)]
pub struct Saved {
    known: Option<(Address, PeerNote)>,
    /// The numbers of the messages that it has.
    numbers: BTreeSet<u64>,
}

impl Saved {
    /// Creates what the store knows when it has just told it.
    pub fn restored(address: Address, note: PeerNote, outbox: &Outbox) -> Self {
        let numbers = outbox.kept(0..u64::MAX).map(|(sequence, _)| sequence).collect();
        Self { known: Some((address, note)), numbers }
    }

    /// Returns the address under which the store knows the peer; it never changes.
    pub fn address(&self) -> Option<&Address> {
        self.known.as_ref().map(|(address, _)| address)
    }

    /// Returns what the store knows of the peer.
    pub fn note(&self) -> Option<&PeerNote> {
        self.known.as_ref().map(|(_, note)| note)
    }

    /// Returns what leads from what the store knows to `note` and what `outbox` keeps.
    pub fn changes(&mut self, address: &Address, note: PeerNote, outbox: &mut Outbox) -> Vec<MailChange> {
        let touched = outbox.take_touched();
        let touched = if self.known.is_some() { touched } else { 0..u64::MAX };
        let mut changes = self.release(address, outbox.first());
        let kept = outbox.kept(touched.clone()).map(|(sequence, _)| sequence);
        let stored = self.numbers.range(touched.start.min(touched.end)..touched.end).copied();
        let numbers: BTreeSet<u64> = kept.chain(stored).collect();
        for sequence in numbers {
            let address = address.clone();
            match outbox.kept(sequence..sequence.saturating_add(1)).next() {
                Some((_, payload)) => {
                    if self.numbers.insert(sequence) {
                        changes.push(MailChange::Kept { address, sequence, payload: payload.clone() });
                    }
                }
                None => {
                    self.numbers.remove(&sequence);
                    changes.push(MailChange::Released {
                        address,
                        numbers: sequence..sequence.saturating_add(1),
                    });
                }
            }
        }
        if self.note() != Some(&note) {
            changes.push(MailChange::Noted { address: address.clone(), note: note.clone() });
            self.known = Some((address.clone(), note));
        }
        changes
    }

    /// Releases everything before `first`, which is how messages go that were acknowledged or dropped.
    fn release(&mut self, address: &Address, first: u64) -> Vec<MailChange> {
        let Some(oldest) = self.numbers.first().copied().filter(|oldest| *oldest < first) else {
            return Vec::new();
        };
        self.numbers = self.numbers.split_off(&first);
        vec![MailChange::Released { address: address.clone(), numbers: oldest..first }]
    }
}
