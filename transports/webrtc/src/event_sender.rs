//! The queue of events from the connections' tasks to the transport.

use rejoin_core::Generation;
use rejoin_core::port::PeerEvent;
use tokio::sync::mpsc;

/// An event of one connection.
#[derive(Debug)]
pub(crate) struct QueuedEvent {
    pub(crate) generation: Generation,
    /// Tells connections of one generation apart.
    pub(crate) incarnation: u64,
    pub(crate) event: PeerEvent,
}

/// Sends the events of one connection.
#[derive(Clone, Debug)]
pub(crate) struct EventSender {
    pub(crate) generation: Generation,
    pub(crate) incarnation: u64,
    pub(crate) queue: mpsc::Sender<QueuedEvent>,
}

impl EventSender {
    /// Sends `event`; waits while the queue is full.
    pub(crate) async fn send(&self, event: PeerEvent) {
        // The receiver is gone once the transport is dropped; the actions end then too.
        let _ = self.queue.send(self.queued(event)).await;
    }

    /// Sends `events`, in order and no more than the queue holds, when there is room for all of them.
    pub(crate) async fn send_all(&self, events: Vec<PeerEvent>) {
        // As above.
        let Ok(permits) = self.queue.reserve_many(events.len()).await else { return };
        for (permit, event) in permits.zip(events) {
            permit.send(self.queued(event));
        }
    }

    fn queued(&self, event: PeerEvent) -> QueuedEvent {
        QueuedEvent { generation: self.generation, incarnation: self.incarnation, event }
    }
}
