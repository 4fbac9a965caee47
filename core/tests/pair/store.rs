//! A mail store that outlives the processes of its node.

use std::collections::BTreeMap;

use rejoin_core::Payload;
use rejoin_core::mail::{Address, MailChange, MailRecord, PeerNote};

/// By peer: what is known of it, and what is kept for it.
#[derive(Debug, Default)]
pub(crate) struct Store(BTreeMap<Address, (Option<PeerNote>, BTreeMap<u64, Payload>)>);

impl Store {
    pub(crate) fn apply(&mut self, change: MailChange) {
        match change {
            MailChange::Owner(_) => {}
            MailChange::Noted { address, note } => self.0.entry(address).or_default().0 = Some(note),
            MailChange::Kept { address, sequence, payload } => {
                self.0.entry(address).or_default().1.insert(sequence, payload);
            }
            MailChange::Released { address, numbers } => {
                self.0.entry(address).or_default().1.retain(|sequence, _| !numbers.contains(sequence));
            }
            MailChange::Forgotten { address } => drop(self.0.remove(&address)),
        }
    }

    /// Returns what a new process is given.
    pub(crate) fn mail(&self) -> Vec<MailRecord> {
        let known = self.0.iter().filter_map(|(address, (note, kept))| Some((address, note.as_ref()?, kept)));
        known
            .map(|(address, note, kept)| MailRecord {
                address: address.clone(),
                note: note.clone(),
                kept: kept.iter().map(|(sequence, payload)| (*sequence, payload.clone())).collect(),
            })
            .collect()
    }
}
