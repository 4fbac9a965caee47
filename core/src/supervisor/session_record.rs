//! What is worth storing, and when it is stored.

use crate::id::PeerKey;
use crate::output::Output;
use crate::session::SessionRecord;
use crate::supervisor::Supervisor;

impl Supervisor {
    /// Returns what is worth storing.
    pub fn record(&self) -> SessionRecord {
        SessionRecord {
            identity: self.context.settings.identity,
            room: self.intent.room.clone(),
            audience: self.intent.audience.clone(),
            streams: self.intent.streams.iter().cloned().collect(),
            views: self.intent.views.iter().cloned().collect(),
            viewers: self.known_viewers.records(),
        }
    }

    /// Returns the names of the peer links that are up or wanted.
    pub fn links(&self) -> Vec<PeerKey> {
        self.peers.keys().cloned().collect()
    }

    /// Wants the record stored, if it differs from the last one.
    pub(super) fn persist(&mut self) {
        let record = self.record();
        if self.persisted.as_ref() != Some(&record) {
            self.context.output(Output::Persist(record.clone()));
            self.persisted = Some(record);
        }
    }
}
