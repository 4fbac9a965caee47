//! Stores every change of mail before anything that depends on it happens.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use rejoin_core::MailStore;
use rejoin_core::mail::{Address, MailChange};
use rejoin_core::port::StoreError;

use crate::entrance::{Order, Receipt};

/// A mail store, and what waits while it fails.
#[derive(Debug)]
pub(crate) struct Postbox {
    store: Option<Box<dyn MailStore>>,
    /// What could not be stored, in order.
    waiting: Vec<MailChange>,
    /// Whoever waits for that.
    receipts: Vec<Receipt>,
    /// Messages that the machine has not been told of: its numbers must not run ahead of the store's.
    held: VecDeque<Order>,
    try_again_at: Instant,
}

/// A disk that is full stays so for longer; somebody who has made room sees that it works again.
const TRY_AGAIN: Duration = Duration::from_secs(1);

impl Postbox {
    /// Creates a postbox over `store`; without one nothing is stored.
    pub(crate) fn new(store: Option<Box<dyn MailStore>>) -> Self {
        let (waiting, receipts, held) = (Vec::new(), Vec::new(), VecDeque::new());
        Self { store, waiting, receipts, held, try_again_at: Instant::now() }
    }

    /// Stores `changes`, or lets them wait behind what could not be stored before.
    ///
    /// # Errors
    /// Fails if the store has just begun to fail.
    pub(crate) fn keep(&mut self, changes: Vec<MailChange>) -> Result<(), StoreError> {
        let Some(store) = self.store.as_mut().filter(|_| !changes.is_empty()) else { return Ok(()) };
        if !self.waiting.is_empty() {
            changes.into_iter().for_each(|change| wait(&mut self.waiting, change));
            return Ok(());
        }
        store.apply(&changes).inspect_err(|_| {
            self.waiting = changes;
            self.try_again_at = Instant::now() + TRY_AGAIN;
        })
    }

    /// Returns whether something waits for a store that fails.
    pub(crate) fn is_behind(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Lets a message wait until the store works again.
    pub(crate) fn hold(&mut self, order: Order) {
        self.held.push_back(order);
    }

    /// Tells `receipt` as soon as everything is stored.
    pub(crate) fn promise(&mut self, receipt: Receipt) {
        if self.is_behind() {
            self.receipts.push(receipt);
        } else {
            // nobody has to wait for it
            let _ = receipt.send(Ok(()));
        }
    }

    /// Stores what waits, if it is time to try that, and returns the messages that waited behind it.
    pub(crate) fn catch_up(&mut self) -> VecDeque<Order> {
        let Some(store) = self.store.as_mut().filter(|_| !self.waiting.is_empty()) else {
            return VecDeque::new();
        };
        if Instant::now() < self.try_again_at {
            return VecDeque::new();
        }
        self.try_again_at = Instant::now() + TRY_AGAIN;
        if let Err(error) = store.apply(&self.waiting) {
            tracing::debug!(%error, "mail still cannot be stored");
            return VecDeque::new();
        }
        tracing::info!(changes = self.waiting.len(), "mail is stored again");
        self.waiting.clear();
        for receipt in self.receipts.drain(..) {
            let _ = receipt.send(Ok(()));
        }
        std::mem::take(&mut self.held)
    }
}

/// Adds a change to those that wait; a later state of a peer takes the place of an earlier one, or a disk that is
/// full for days would fill the memory too.
fn wait(waiting: &mut Vec<MailChange>, change: MailChange) {
    let recent = waiting.iter_mut().rev().take_while(|earlier| !forgets(earlier, &change));
    match recent.into_iter().find(|earlier| is_outdated(earlier, &change)) {
        Some(earlier) => *earlier = change,
        None => waiting.push(change),
    }
}

fn forgets(earlier: &MailChange, change: &MailChange) -> bool {
    matches!(earlier, MailChange::Forgotten { address } if Some(address) == whose(change))
}

fn is_outdated(earlier: &MailChange, change: &MailChange) -> bool {
    let states = matches!((earlier, change), (MailChange::Noted { .. }, MailChange::Noted { .. }));
    states && whose(earlier) == whose(change)
}

fn whose(change: &MailChange) -> Option<&Address> {
    match change {
        MailChange::Owner(_) => None,
        MailChange::Noted { address, .. }
        | MailChange::Kept { address, .. }
        | MailChange::Released { address, .. }
        | MailChange::Forgotten { address } => Some(address),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::sync::oneshot;
    use tokio::time::advance;

    use rejoin_core::delivery::Epoch;
    use rejoin_core::id::StreamId;
    use rejoin_core::mail::{Mailbag, Memory, PeerNote};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_could_not_be_stored_is_stored_later_and_in_order() {
        let (store, applied) = MoodyStore::failing();
        let mut postbox = Postbox::new(Some(Box::new(store)));
        assert!(postbox.keep(vec![noted("a", 1)]).is_err());
        let (receipt, stored) = oneshot::channel();
        postbox.promise(receipt);
        postbox.keep(vec![noted("b", 1), noted("a", 2), forgotten("a")]).unwrap();
        applied.lock().unwrap().fails = false;
        postbox.catch_up();
        assert!(postbox.is_behind());
        advance(TRY_AGAIN).await;
        postbox.catch_up();
        assert!(!postbox.is_behind());
        stored.await.unwrap().unwrap();
        assert_eq!(applied.lock().unwrap().changes, [noted("a", 2), noted("b", 1), forgotten("a")]);
    }

    #[test]
    fn a_peer_that_is_known_again_is_not_forgotten_after_that() {
        let mut waiting = vec![noted("a", 1), forgotten("a")];
        wait(&mut waiting, noted("a", 2));
        assert_eq!(waiting, [noted("a", 1), forgotten("a"), noted("a", 2)]);
    }

    fn address(stream: &str) -> Address {
        Address::Publisher { stream: StreamId(stream.into()) }
    }

    fn noted(stream: &str, newest: u64) -> MailChange {
        MailChange::Noted { address: address(stream), note: note(newest) }
    }

    fn note(newest: u64) -> PeerNote {
        PeerNote {
            identity: None,
            label: None,
            memory: Memory::Restarts,
            epoch: Epoch(1),
            newest,
            acknowledged: 0,
            received: None,
        }
    }

    fn forgotten(stream: &str) -> MailChange {
        MailChange::Forgotten { address: address(stream) }
    }

    #[derive(Debug)]
    struct Applied {
        changes: Vec<MailChange>,
        fails: bool,
    }

    #[derive(Debug)]
    struct MoodyStore(Arc<Mutex<Applied>>);

    impl MoodyStore {
        fn failing() -> (Self, Arc<Mutex<Applied>>) {
            let applied = Arc::new(Mutex::new(Applied { changes: Vec::new(), fails: true }));
            (Self(Arc::clone(&applied)), applied)
        }
    }

    impl MailStore for MoodyStore {
        fn load(&mut self) -> Result<Mailbag, StoreError> {
            Ok(Mailbag::default())
        }

        fn apply(&mut self, changes: &[MailChange]) -> Result<(), StoreError> {
            let mut applied = self.0.lock().unwrap();
            if applied.fails {
                return Err(StoreError("the disk is full".to_owned()));
            }
            applied.changes.extend_from_slice(changes);
            Ok(())
        }
    }
}
