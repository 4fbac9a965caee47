//! The port's implementation: passes each action to its connection's task and collects the events of all tasks.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use rejoin_core::Generation;
use rejoin_core::port::{ConnectionSetup, Dialect, PeerAction, PeerEvent, PeerTransport};
use tokio::sync::mpsc;

use crate::connection::{Connection, ConnectionContext};
use crate::dns_cache::DnsCache;
use crate::event_sender::{EventSender, QueuedEvent};
use crate::faults::FaultInjector;
use crate::socket::public_address_cache::PublicAddressCache;
use crate::task_command::TaskCommand;

/// How many events may wait for [`next_event`](PeerTransport::next_event), over all connections.
///
/// A full queue stops reading from the data channels, so a slow reader slows its peers down instead of
/// filling our memory; 1,024 is far more than a supervisor leaves unread in one turn.
const MAX_QUEUED_EVENTS: usize = 1024;

/// Owns the peer connections, one task for each.
#[derive(Debug)]
pub struct WebRtcTransport {
    dialect: Arc<dyn Dialect>,
    faults: FaultInjector,
    dns: DnsCache,
    public_addresses: PublicAddressCache,
    connections: BTreeMap<Generation, ConnectionHandle>,
    incarnations: u64,
    events: mpsc::Receiver<QueuedEvent>,
    event_queue: mpsc::Sender<QueuedEvent>,
    running: mpsc::Receiver<()>,
    alive: mpsc::Sender<()>,
}

/// The handle of a running connection; dropping it closes the connection.
#[derive(Debug)]
struct ConnectionHandle {
    incarnation: u64,
    commands: mpsc::UnboundedSender<TaskCommand>,
    /// How many `Unsent` events were read.
    unsent_read: u64,
}

impl WebRtcTransport {
    /// Creates a transport without connections, whose data channels use `dialect`.
    ///
    /// Connections run on the tokio runtime that [`perform`](PeerTransport::perform) is called in.
    pub fn new(dialect: Arc<dyn Dialect>) -> Self {
        let (event_queue, events) = mpsc::channel(MAX_QUEUED_EVENTS);
        let (alive, running) = mpsc::channel(1);
        Self {
            dialect,
            faults: FaultInjector::new(),
            dns: DnsCache::default(),
            public_addresses: PublicAddressCache::default(),
            connections: BTreeMap::new(),
            incarnations: 0,
            events,
            event_queue,
            running,
            alive,
        }
    }

    /// Returns a handle that injects faults below this transport's connections.
    pub fn faults(&self) -> FaultInjector {
        self.faults.clone()
    }

    /// Closes every connection and waits until each has sent its last packets and freed its sockets.
    ///
    /// Dropping the transport closes them too, but a process that ends at once may cut the last packets off.
    pub async fn close(self) {
        let Self { connections, events, alive, mut running, .. } = self;
        drop((connections, events, alive));
        while running.recv().await.is_some() {}
    }

    fn create(&mut self, generation: Generation, setup: ConnectionSetup) {
        self.incarnations += 1;
        let incarnation = self.incarnations;
        let (commands, receiver) = mpsc::unbounded_channel();
        let context = ConnectionContext {
            dialect: Arc::clone(&self.dialect),
            dns: self.dns.clone(),
            public_addresses: self.public_addresses.clone(),
            faults: self.faults.clone(),
            events: EventSender { generation, incarnation, queue: self.event_queue.clone() },
            alive: self.alive.clone(),
        };
        self.connections.insert(generation, ConnectionHandle { incarnation, commands, unsent_read: 0 });
        tokio::spawn(Connection::run(context, setup, receiver));
    }
}

#[async_trait]
impl PeerTransport for WebRtcTransport {
    fn perform(&mut self, generation: Generation, action: PeerAction) {
        match action {
            PeerAction::Create(setup) => self.create(generation, setup),
            PeerAction::Close => {
                self.connections.remove(&generation);
            }
            action => {
                if let Some(connection) = self.connections.get(&generation) {
                    // A task that has failed no longer receives; only `Close` is left for it.
                    let _ = connection.commands.send(TaskCommand::Perform(action));
                }
            }
        }
    }

    async fn next_event(&mut self) -> (Generation, PeerEvent) {
        while let Some(QueuedEvent { generation, incarnation, event }) = self.events.recv().await {
            let Some(connection) = self.connections.get_mut(&generation) else { continue };
            if connection.incarnation != incarnation {
                continue;
            }
            if let PeerEvent::Unsent { .. } = event {
                connection.unsent_read += 1;
                // As above.
                let _ = connection.commands.send(TaskCommand::UnsentRead(connection.unsent_read));
            }
            return (generation, event);
        }
        // Not reached: we hold a sender ourselves.
        std::future::pending().await
    }
}
