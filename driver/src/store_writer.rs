//! Stores every change of the delivery state before the driver performs an output that depends on it.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use rejoin_core::DeliveryStore;
use rejoin_core::delivery::durable::{DeliveryKey, StoreChange};
use rejoin_core::port::StoreError;

use crate::command_queue::{Completion, QueuedCommand};

/// A delivery store, and the changes, callers and messages that wait while it fails.
#[derive(Debug)]
pub(crate) struct DeliveryWriter {
    store: Option<Box<dyn DeliveryStore>>,
    /// The changes that the store has not taken, in order.
    pending: Vec<StoreChange>,
    /// The callers that wait for these changes.
    completions: Vec<Completion>,
    /// Messages that the machine has not seen: its numbers must not run ahead of the store's.
    held: VecDeque<QueuedCommand>,
    retry_at: Instant,
}

/// A full disk usually stays full for longer; a user who makes room sees the effect within this time.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

impl DeliveryWriter {
    /// Creates a writer to `store`; without a store it drops every change.
    pub(crate) fn new(store: Option<Box<dyn DeliveryStore>>) -> Self {
        let (pending, completions, held) = (Vec::new(), Vec::new(), VecDeque::new());
        Self { store, pending, completions, held, retry_at: Instant::now() }
    }

    /// Stores `changes`, or queues them behind the pending ones.
    ///
    /// # Errors
    /// Fails if the store accepted every change before and refuses these.
    pub(crate) fn store(&mut self, changes: Vec<StoreChange>) -> Result<(), StoreError> {
        let Some(store) = self.store.as_mut().filter(|_| !changes.is_empty()) else { return Ok(()) };
        if !self.pending.is_empty() {
            changes.into_iter().for_each(|change| enqueue(&mut self.pending, change));
            return Ok(());
        }
        store.apply(&changes).inspect_err(|_| {
            self.pending = changes;
            self.retry_at = Instant::now() + RETRY_INTERVAL;
        })
    }

    /// Returns whether changes are pending because the store fails.
    pub(crate) fn is_behind(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Holds a message back until the store works again.
    pub(crate) fn hold(&mut self, message: QueuedCommand) {
        self.held.push_back(message);
    }

    /// Completes `completion` as soon as every change is stored.
    pub(crate) fn complete_when_stored(&mut self, completion: Completion) {
        if self.is_behind() {
            self.completions.push(completion);
        } else {
            // The caller may have stopped waiting.
            let _ = completion.send(Ok(()));
        }
    }

    /// Retries the pending changes if it is time to, and returns the messages that were held back.
    pub(crate) fn retry(&mut self) -> VecDeque<QueuedCommand> {
        let Some(store) = self.store.as_mut().filter(|_| !self.pending.is_empty()) else {
            return VecDeque::new();
        };
        if Instant::now() < self.retry_at {
            return VecDeque::new();
        }
        self.retry_at = Instant::now() + RETRY_INTERVAL;
        if let Err(error) = store.apply(&self.pending) {
            tracing::debug!(%error, "the delivery store still fails");
            return VecDeque::new();
        }
        tracing::info!(changes = self.pending.len(), "the delivery store works again");
        self.pending.clear();
        for completion in self.completions.drain(..) {
            let _ = completion.send(Ok(()));
        }
        std::mem::take(&mut self.held)
    }
}

/// Adds a change to the pending ones; a later state of a peer replaces an earlier one, so that a disk that is full for
/// days does not fill the memory.
fn enqueue(pending: &mut Vec<StoreChange>, change: StoreChange) {
    let recent = pending.iter_mut().rev().take_while(|earlier| !forgets(earlier, &change));
    match recent.into_iter().find(|earlier| is_superseded(earlier, &change)) {
        Some(earlier) => *earlier = change,
        None => pending.push(change),
    }
}

fn forgets(earlier: &StoreChange, change: &StoreChange) -> bool {
    matches!(earlier, StoreChange::Forgotten { delivery_key } if Some(delivery_key) == address_of(change))
}

fn is_superseded(earlier: &StoreChange, change: &StoreChange) -> bool {
    let states =
        matches!((earlier, change), (StoreChange::StateChanged { .. }, StoreChange::StateChanged { .. }));
    states && address_of(earlier) == address_of(change)
}

fn address_of(change: &StoreChange) -> Option<&DeliveryKey> {
    match change {
        StoreChange::Identity(_) => None,
        StoreChange::StateChanged { delivery_key, .. }
        | StoreChange::Kept { delivery_key, .. }
        | StoreChange::Released { delivery_key, .. }
        | StoreChange::Forgotten { delivery_key } => Some(delivery_key),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::sync::oneshot;
    use tokio::time::advance;

    use rejoin_core::delivery::Epoch;
    use rejoin_core::delivery::durable::{Durability, PeerState, Snapshot};
    use rejoin_core::id::StreamId;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn refused_changes_are_stored_later_and_in_order() {
        let (store, applied) = FlakyStore::failing();
        let mut writer = DeliveryWriter::new(Some(Box::new(store)));
        assert!(writer.store(vec![changed("a", 1)]).is_err());
        let (completion, stored) = oneshot::channel();
        writer.complete_when_stored(completion);
        writer.store(vec![changed("b", 1), changed("a", 2), forgotten("a")]).unwrap();
        applied.lock().unwrap().fails = false;
        writer.retry();
        assert!(writer.is_behind());
        advance(RETRY_INTERVAL).await;
        writer.retry();
        assert!(!writer.is_behind());
        stored.await.unwrap().unwrap();
        assert_eq!(applied.lock().unwrap().changes, [changed("a", 2), changed("b", 1), forgotten("a")]);
    }

    #[test]
    fn a_state_after_a_forgotten_peer_stays_behind_it() {
        let mut pending = vec![changed("a", 1), forgotten("a")];
        enqueue(&mut pending, changed("a", 2));
        assert_eq!(pending, [changed("a", 1), forgotten("a"), changed("a", 2)]);
    }

    fn delivery_key(stream: &str) -> DeliveryKey {
        DeliveryKey::Publisher { stream: StreamId(stream.into()) }
    }

    fn changed(stream: &str, newest: u64) -> StoreChange {
        StoreChange::StateChanged { delivery_key: delivery_key(stream), state: peer_state(newest) }
    }

    fn peer_state(newest: u64) -> PeerState {
        PeerState {
            identity: None,
            label: None,
            durability: Durability::Durable,
            epoch: Epoch(1),
            newest,
            acknowledged: 0,
            received: None,
        }
    }

    fn forgotten(stream: &str) -> StoreChange {
        StoreChange::Forgotten { delivery_key: delivery_key(stream) }
    }

    #[derive(Debug)]
    struct Applied {
        changes: Vec<StoreChange>,
        fails: bool,
    }

    #[derive(Debug)]
    struct FlakyStore(Arc<Mutex<Applied>>);

    impl FlakyStore {
        fn failing() -> (Self, Arc<Mutex<Applied>>) {
            let applied = Arc::new(Mutex::new(Applied { changes: Vec::new(), fails: true }));
            (Self(Arc::clone(&applied)), applied)
        }
    }

    impl DeliveryStore for FlakyStore {
        fn load(&mut self) -> Result<Snapshot, StoreError> {
            Ok(Snapshot::default())
        }

        fn apply(&mut self, changes: &[StoreChange]) -> Result<(), StoreError> {
            let mut applied = self.0.lock().unwrap();
            if applied.fails {
                return Err(StoreError("the disk is full".to_owned()));
            }
            applied.changes.extend_from_slice(changes);
            Ok(())
        }
    }
}
