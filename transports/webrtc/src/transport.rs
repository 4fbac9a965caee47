//! The port's door: hands each action to its connection's task and gathers what the tasks have to tell.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use rejoin_core::Generation;
use rejoin_core::port::{ConnectionSetup, Dialect, PeerAction, PeerEvent, PeerTransport};
use tokio::sync::mpsc;

use crate::socket::engine_socket::Chaos;
use crate::connection::{Connection, Surroundings};
use crate::dns_cache::Names;
use crate::socket::public_address_cache::Outside;

/// How many events may wait for [`next_event`](PeerTransport::next_event), over all connections.
///
/// A full queue stops reading from the data channels, so a slow reader slows its peers down instead of
/// filling our memory; 1,024 is far more than a supervisor leaves unread in one turn.
const WAITING_EVENTS: usize = 1024;

/// Owns the peer connections, one task for each.
#[derive(Debug)]
pub struct WebRtcTransport {
    dialect: Arc<dyn Dialect>,
    chaos: Chaos,
    names: Names,
    outside: Outside,
    connections: BTreeMap<Generation, Tap>,
    incarnations: u64,
    found: mpsc::Receiver<Found>,
    events: mpsc::Sender<Found>,
    running: mpsc::Receiver<()>,
    alive: mpsc::Sender<()>,
}

/// A running connection, seen from the door; dropping it closes the connection.
#[derive(Debug)]
struct Tap {
    incarnation: u64,
    orders: mpsc::UnboundedSender<Order>,
    /// How many messages came back and were read about.
    returned: u64,
}

/// What reaches a connection's task through the door.
#[derive(Debug)]
pub(crate) enum Order {
    /// The machine wants something.
    Perform(PeerAction),
    /// The machine has read of so many messages that came back; whatever it sent before came before this.
    Noticed(u64),
}

/// An event on its way out.
#[derive(Debug)]
struct Found {
    generation: Generation,
    incarnation: u64,
    event: PeerEvent,
}

/// Tells the door what happened to one connection.
#[derive(Clone, Debug)]
pub(crate) struct Teller {
    generation: Generation,
    incarnation: u64,
    events: mpsc::Sender<Found>,
}

impl Teller {
    /// Tells `event`; waits where too many are unread.
    pub(crate) async fn tell(&self, event: PeerEvent) {
        let Self { generation, incarnation, .. } = *self;
        // Nobody is left to be told once the transport is dropped; the actions end then too.
        let _ = self.events.send(Found { generation, incarnation, event }).await;
    }

    /// Tells `events`, in order and no more than [`WAITING_EVENTS`], when there is room for all of them.
    pub(crate) async fn tell_all(&self, events: Vec<PeerEvent>) {
        let Self { generation, incarnation, .. } = *self;
        // As above.
        let Ok(room) = self.events.reserve_many(events.len()).await else { return };
        for (place, event) in room.zip(events) {
            place.send(Found { generation, incarnation, event });
        }
    }
}

impl WebRtcTransport {
    /// Creates a transport without connections, whose data channels speak `dialect`.
    ///
    /// Actions are performed on the tokio runtime that [`perform`](PeerTransport::perform) is called in.
    pub fn new(dialect: Arc<dyn Dialect>) -> Self {
        let (events, found) = mpsc::channel(WAITING_EVENTS);
        let (alive, running) = mpsc::channel(1);
        let chaos = Chaos::new();
        let connections = BTreeMap::new();
        let (names, outside) = (Names::default(), Outside::default());
        Self { dialect, chaos, names, outside, connections, incarnations: 0, found, events, running, alive }
    }

    /// Returns a handle that breaks this transport's connections on purpose.
    pub fn chaos(&self) -> Chaos {
        self.chaos.clone()
    }

    /// Closes every connection and waits until each has said goodbye and freed its sockets.
    ///
    /// Dropping the transport closes them too, but a process that ends at once cuts the goodbyes short.
    pub async fn close(self) {
        let Self { connections, found, alive, mut running, .. } = self;
        drop((connections, found, alive));
        while running.recv().await.is_some() {}
    }

    fn create(&mut self, generation: Generation, setup: ConnectionSetup) {
        self.incarnations += 1;
        let incarnation = self.incarnations;
        let (orders, inbox) = mpsc::unbounded_channel();
        let surroundings = Surroundings {
            dialect: Arc::clone(&self.dialect),
            names: self.names.clone(),
            outside: self.outside.clone(),
            chaos: self.chaos.clone(),
            teller: Teller { generation, incarnation, events: self.events.clone() },
            alive: self.alive.clone(),
        };
        self.connections.insert(generation, Tap { incarnation, orders, returned: 0 });
        tokio::spawn(Connection::run(surroundings, setup, inbox));
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
            PeerAction::RestartIce(_)
            | PeerAction::Accept(_)
            | PeerAction::AddCandidates(_)
            | PeerAction::Send { .. }
            | PeerAction::ReadStats => {
                if let Some(connection) = self.connections.get(&generation) {
                    // A task that has failed no longer listens; only `Close` is left for it.
                    let _ = connection.orders.send(Order::Perform(action));
                }
            }
        }
    }

    async fn next_event(&mut self) -> (Generation, PeerEvent) {
        while let Some(Found { generation, incarnation, event }) = self.found.recv().await {
            let Some(connection) = self.connections.get_mut(&generation) else { continue };
            if connection.incarnation != incarnation {
                continue;
            }
            if let PeerEvent::Unsent { .. } = event {
                connection.returned += 1;
                // As above.
                let _ = connection.orders.send(Order::Noticed(connection.returned));
            }
            return (generation, event);
        }
        // Not reached: we hold a sender ourselves.
        std::future::pending().await
    }
}
