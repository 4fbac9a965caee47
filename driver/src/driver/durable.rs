//! The loop with a delivery store: no output leaves before its changes are stored.

use std::sync::{Arc, Mutex};

use tokio::time::{advance, timeout};

use rejoin_core::delivery::durable::{DeliveryKey, Snapshot, StoreChange};
use rejoin_core::id::StreamId;
use rejoin_core::port::PeerAction;
use rejoin_core::{DeliveryStore, Generation, Payload, Recipient};

use super::fakes::Scene;
use super::*;

#[tokio::test(start_paused = true)]
async fn a_message_is_stored_before_it_is_sent_and_before_send_returns() {
    let disk = Disk::default();
    let (session, mut world) =
        Scene { delivery_store: Some(Box::new(disk.clone())), ..Scene::default() }.start(sending);
    session.send(Recipient::Everyone, Payload("1".into())).await.unwrap();
    assert_eq!(disk.stored(), 1);
    assert!(world.peers.performed.try_recv().is_ok());
}

#[tokio::test(start_paused = true)]
async fn only_messages_wait_for_a_full_disk() {
    let disk = Disk::default();
    disk.0.lock().unwrap().is_full = true;
    let (mut session, mut world) =
        Scene { delivery_store: Some(Box::new(disk.clone())), ..Scene::default() }.start(sending);
    let message = || session.send(Recipient::Everyone, Payload("1".into()));
    assert!(timeout(Duration::from_millis(500), message()).await.is_err());
    // The machine has handled the first message; it does not see the next one.
    assert!(world.peers.performed.try_recv().is_ok());
    assert!(timeout(Duration::from_millis(100), message()).await.is_err());
    assert!(world.peers.performed.try_recv().is_err());
    session.restart().await.unwrap();

    disk.0.lock().unwrap().is_full = false;
    advance(Duration::from_secs(6)).await;
    session.send(Recipient::Everyone, Payload("1".into())).await.unwrap();
    assert_eq!(disk.stored(), 3);
    let Some(Event::Warning(warning)) = session.next_event().await else { panic!("no warning") };
    assert_eq!(warning.name(), "store_failed");
}

#[tokio::test(start_paused = true)]
async fn a_session_without_a_store_does_not_wait() {
    let (session, mut world) = Scene::default().start(sending);
    session.send(Recipient::Everyone, Payload("1".into())).await.unwrap();
    assert!(world.peers.performed.recv().await.is_some());
}

/// Sends every message at once, and returns the change to store after that.
fn sending(input: &Input) -> Vec<Output> {
    match input {
        Input::Command(Command::Send { payload, .. }) => {
            let delivery_key = DeliveryKey::Publisher { stream: StreamId("cam".into()) };
            let payload = payload.clone();
            vec![
                Output::Peer(Generation(1), PeerAction::ReadStats),
                Output::StoreDelivery(StoreChange::Kept { delivery_key, sequence: 1, payload }),
            ]
        }
        _ => Vec::new(),
    }
}

/// A delivery store that may be full.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<DiskState>>);

#[derive(Debug, Default)]
struct DiskState {
    stored: usize,
    is_full: bool,
}

impl Disk {
    fn stored(&self) -> usize {
        self.0.lock().unwrap().stored
    }
}

impl DeliveryStore for Disk {
    fn load(&mut self) -> Result<Snapshot, StoreError> {
        Ok(Snapshot::default())
    }

    fn apply(&mut self, changes: &[StoreChange]) -> Result<(), StoreError> {
        let mut state = self.0.lock().unwrap();
        if state.is_full {
            return Err(StoreError("the disk is full".to_owned()));
        }
        state.stored += changes.len();
        Ok(())
    }
}
