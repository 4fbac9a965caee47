//! What the store knows of one peer, and what it must be told next.

use crate::delivery::Outbox;
use crate::mail::{Address, MailChange, PeerNote};

/// What the store was told last.
#[derive(Debug, Default)]
pub struct Saved {
    note: Option<PeerNote>,
    /// No message below this number is in the store.
    first: u64,
}

impl Saved {
    /// Creates what the store knows when it has just told it.
    pub fn restored(note: PeerNote, outbox: &Outbox) -> Self {
        let first = outbox.first();
        Self { note: Some(note), first }
    }

    /// Returns whether the store knows the peer.
    pub fn is_known(&self) -> bool {
        self.note.is_some()
    }

    /// Returns what the store knows of the peer.
    pub fn note(&self) -> Option<&PeerNote> {
        self.note.as_ref()
    }

    /// Returns what leads from what the store knows to `note` and what `outbox` keeps.
    pub fn changes(&mut self, address: &Address, note: PeerNote, outbox: &Outbox) -> Vec<MailChange> {
        let mut changes = Vec::new();
        let known = self.note.take();
        if known.as_ref().is_some_and(|known| known.epoch != note.epoch) {
            changes.push(MailChange::Forgotten { address: address.clone() });
            self.first = 0;
        }
        let known = known.filter(|known| known.epoch == note.epoch);
        let first = outbox.first();
        // what came back unsent lies before what the store has, what was accepted since lies behind it
        let newest = known.as_ref().map_or(0, |known| known.newest);
        let (back, new) = (outbox.kept(first..self.first), outbox.kept((newest + 1).max(first)..u64::MAX));
        for (sequence, payload) in back.chain(new) {
            let (address, payload) = (address.clone(), payload.clone());
            changes.push(MailChange::Kept { address, sequence, payload });
        }
        if known.is_some() && first > self.first {
            changes.push(MailChange::Released { address: address.clone(), before: first });
        }
        if known.as_ref() != Some(&note) {
            changes.push(MailChange::Noted { address: address.clone(), note: note.clone() });
        }
        (self.note, self.first) = (Some(note), first);
        changes
    }
}
