//! The builder of a [`Session`].

use std::fmt;
use std::sync::Arc;

use tracing::Instrument as _;

use rejoin_core::delivery::durable::{Durability, Snapshot};
use rejoin_core::delivery::{Epoch, WhenFull};
use rejoin_core::id::{RoomId, StreamId};
use rejoin_core::session::ViewAll;
use rejoin_core::supervisor::{Membership, Spares};
use rejoin_core::{
    DeliveryStore, IceServer, Identity, NetworkMonitor, PeerTransport, Platform, Policies, SessionStore,
    Settings, SignalingTransport,
};

use crate::command_queue::command_queue;
use crate::driver::AppChannels;
use crate::events;
use crate::handle::{Handle, Session};
use crate::startup::{InitialIntent, Startup};
use crate::store::MemoryStore;

/// Returns the builder of a session with the signaling server at `server`, a `ws://` or `wss://` URL.
pub fn connect(server: &str) -> SessionBuilder {
    SessionBuilder {
        settings: Settings::new(Identity(0), server),
        identity: None,
        seed: None,
        intent: InitialIntent::default(),
        policies: None,
        transports: None,
        network: None,
        store: Box::new(MemoryStore::default()),
        delivery_store: None,
    }
}

/// The builder of a [`Session`]: [`connect`] creates it and [`start`](Self::start) starts the session.
#[must_use = "the session does not run before start()"]
pub struct SessionBuilder {
    /// The settings of the state machine; `start` fills in identity, seed, epoch and durability.
    settings: Settings,
    identity: Option<Identity>,
    seed: Option<u64>,
    intent: InitialIntent,
    policies: Option<Policies>,
    transports: Option<(Box<dyn SignalingTransport>, Box<dyn PeerTransport>)>,
    network: Option<Box<dyn NetworkMonitor>>,
    store: Box<dyn SessionStore>,
    delivery_store: Option<Box<dyn DeliveryStore>>,
}

/// Shows what the session would start with, except for transports and stores.
impl fmt::Debug for SessionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionBuilder")
            .field("settings", &self.settings)
            .field("policies", &self.policies)
            .field("network", &self.network)
            .finish_non_exhaustive()
    }
}

/// The reason why a session cannot start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The URL of a server has no WebSocket scheme.
    #[error("\"{0}\" is not the URL of a signaling server; give a ws:// or wss:// URL")]
    InvalidServer(String),
    /// The builder has no policies.
    #[error("no policies were given; add them with policies()")]
    NoPolicies,
    /// The builder has no transports.
    #[error("no transports were given; add them with transports()")]
    NoTransports,
    /// The delivery store cannot be loaded.
    #[error("the delivery store cannot be used: {0}")]
    DeliveryStore(String),
    /// The calling thread is not inside a tokio runtime.
    #[error("no tokio runtime is running here; call start() inside of one")]
    NoRuntime,
    /// The operating system returned no random bytes.
    #[error("the host has no randomness ({0}); choose an identity with identity() and a seed with seed()")]
    NoRandomness(String),
}

impl SessionBuilder {
    /// Adds another signaling server, which is tried after those before it.
    pub fn fallback_server(mut self, server: &str) -> Self {
        self.settings.servers.push(server.into());
        self
    }

    /// Sets how a client learns which peers are present, which depends on the dialect; by default the server lists them.
    pub fn membership(mut self, membership: Membership) -> Self {
        self.settings.membership = membership;
        self
    }

    /// Sets our identity towards rejoin peers; by default the stored identity, or a random one if none is stored.
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Sets the label that peers see.
    pub fn label(mut self, label: &str) -> Self {
        self.settings.label = Some(label.to_owned());
        self
    }

    /// Publishes a stream from the start.
    pub fn publish(mut self, stream: &str) -> Self {
        self.intent.publish(StreamId(stream.into()));
        self
    }

    /// Views a stream from the start.
    pub fn view(mut self, stream: &str) -> Self {
        self.intent.view(StreamId(stream.into()));
        self
    }

    /// Views every stream that the members of the room publish, except one stream if `except` names it.
    ///
    /// A stream that ends and does not return within its expiry is dropped.
    pub fn view_room(mut self, except: Option<&str>) -> Self {
        self.intent.view_all = Some(ViewAll { except: except.map(|stream| StreamId(stream.into())) });
        self
    }

    /// Joins a room at the start.
    pub fn room(mut self, room: &str) -> Self {
        self.intent.room = Some(RoomId(room.into()));
        self
    }

    /// Sets the platform whose timeouts apply; by default the platform that this program was built for.
    pub fn platform(mut self, platform: Platform) -> Self {
        self.settings.platform = platform;
        self
    }

    /// Adds a STUN or TURN server.
    pub fn ice_server(mut self, server: IceServer) -> Self {
        self.settings.ice_servers.push(server);
        self
    }

    /// Adds an `address:port` that peer connections bind; by default they bind every interface.
    pub fn bind_address(mut self, address: &str) -> Self {
        self.settings.bind.push(address.to_owned());
        self
    }

    /// Sets how many messages, and how many bytes of messages, are kept for one peer until it has received them.
    pub fn outbox_limits(mut self, messages: usize, bytes: usize) -> Self {
        (self.settings.held_messages, self.settings.held_bytes) = (messages, bytes);
        self
    }

    /// Sets what happens to a message that exceeds these limits; by default `send` waits.
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.settings.when_full = when_full;
        self
    }

    /// Sets with which peers a spare connection is kept over another uplink; by default with none.
    pub fn spares(mut self, spares: Spares) -> Self {
        self.settings.spares = spares;
        self
    }

    /// Sets the seed of the state machine's random numbers, to replay a run; random by default.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sets the policies.
    pub fn policies(mut self, policies: Policies) -> Self {
        self.policies = Some(policies);
        self
    }

    /// Sets the monitor of the host's network; without one, only the links themselves report faults.
    pub fn network_monitor(mut self, network: Box<dyn NetworkMonitor>) -> Self {
        self.network = Some(network);
        self
    }

    /// Sets the store of the session record; by default a [`MemoryStore`], which ends with the process.
    ///
    /// A session takes the stored identity unless [`identity`](Self::identity) was called, and the stored room unless
    /// [`room`](Self::room) was called. It adds the stored streams to those of the builder.
    /// It takes the stored intent to view the whole room with that room, unless [`view_room`](Self::view_room) was called.
    /// Viewers with an identity keep their names.
    pub fn session_store(mut self, store: Box<dyn SessionStore>) -> Self {
        self.store = store;
        self
    }

    /// Sets the store of undelivered messages; without one, a process that ends loses what it has not delivered.
    ///
    /// With a store [`Handle::send`] returns when the message is stored, and a received message is acknowledged after
    /// [`Handle::confirm`]. A process can then be killed at any moment without losing or repeating a message.
    /// A session takes the store's identity unless the session store has one or [`identity`](Self::identity) was called,
    /// because peers know us by it.
    pub fn delivery_store(mut self, store: Box<dyn DeliveryStore>) -> Self {
        self.delivery_store = Some(store);
        self
    }

    /// Sets the transports.
    pub fn transports(
        mut self,
        signaling: Box<dyn SignalingTransport>,
        peers: Box<dyn PeerTransport>,
    ) -> Self {
        self.transports = Some((signaling, peers));
        self
    }

    /// Starts the session in a task of the current tokio runtime.
    ///
    /// # Errors
    /// Fails if policies or transports are missing, a server URL is invalid, the delivery store cannot be loaded,
    /// there is no tokio runtime, or the host has no randomness.
    pub fn start(self) -> Result<Session, StartError> {
        let startup = self.startup()?;
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| StartError::NoRuntime)?;
        let confirm_log = startup.delivery_store.as_ref().and_then(|store| store.confirm_log());
        let (commands, receiver) = command_queue(&startup.settings);
        let (sender, events) = events::channel(startup.settings.durability);
        runtime.spawn(startup.run(AppChannels { commands: receiver, events: sender }).in_current_span());
        Ok(Session::new(Handle::new(commands).with_confirm_log(confirm_log), events))
    }

    /// Returns the settings with which the session would start.
    ///
    /// [`start`](Self::start) fills in identity, seed and epoch, which are placeholders here.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    fn startup(self) -> Result<Startup, StartError> {
        let is_websocket = |server: &Arc<str>| server.starts_with("ws://") || server.starts_with("wss://");
        if let Some(server) = self.settings.servers.iter().find(|server| !is_websocket(server)) {
            return Err(StartError::InvalidServer(server.to_string()));
        }
        let policies = self.policies.ok_or(StartError::NoPolicies)?;
        let (signaling, peers) = self.transports.ok_or(StartError::NoTransports)?;

        let mut delivery_store = self.delivery_store;
        let snapshot = match &mut delivery_store {
            Some(store) => store.load().map_err(|error| StartError::DeliveryStore(error.0))?,
            None => Snapshot::default(),
        };
        let identity = self.identity.or(snapshot.identity);
        let mut settings = self.settings;
        settings.identity = identity.map_or_else(random_identity, Ok)?;
        settings.durability =
            if delivery_store.is_some() { Durability::Durable } else { Durability::InMemory };
        settings.seed = self.seed.map_or_else(random, Ok)?;
        settings.epoch = Epoch(random()?);
        let (chosen_identity, intent, network, store) =
            (self.identity, self.intent, self.network, self.store);
        Ok(Startup {
            settings,
            chosen_identity,
            intent,
            policies,
            signaling,
            peers,
            network,
            store,
            delivery_store,
            snapshot,
        })
    }
}

fn random() -> Result<u64, StartError> {
    getrandom::u64().map_err(|error| StartError::NoRandomness(error.to_string()))
}

fn random_identity() -> Result<Identity, StartError> {
    Ok(Identity(u128::from(random()?) << 64 | u128::from(random()?)))
}

#[cfg(test)]
mod fakes;
#[cfg(test)]
mod tests;
