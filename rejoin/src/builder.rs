//! The builder of a session: names what to connect to, and applies the whole configuration.

use std::sync::Arc;

#[cfg(feature = "profiles")]
use rejoin_config::{ConfigError, Configuration, Loader, Registry};
use rejoin_core::supervisor::Membership;
use rejoin_core::{
    DeliveryStore, Dialect, IceServer, Identity, NetworkMonitor, PeerTransport, Policies, SessionStore,
    SignalingTransport,
};
use rejoin_driver::Session;
#[cfg(feature = "hosted")]
use rejoin_vdo_ninja::{Hosted, HostedOptions};
#[cfg(feature = "self-host")]
use rejoin_vdo_ninja::{SelfHost, SelfHostOptions};
#[cfg(feature = "websocket")]
use rejoin_websocket::WebSocketOptions;

use crate::default_transport;
use crate::start_error::StartError;

/// Returns the builder of a session with the signaling server at `server`, a `ws://` or `wss://` URL.
///
/// Without further calls the session speaks the hosted dialect over a WebSocket, and uses the first profile.
pub fn connect(server: &str) -> SessionBuilder {
    SessionBuilder {
        session: rejoin_driver::connect(server),
        #[cfg(feature = "profiles")]
        configuration: None,
        policies: None,
        network: None,
        dialect: None,
        signaling: None,
        peers: None,
        #[cfg(feature = "websocket")]
        websocket: WebSocketOptions::default(),
    }
}

/// The builder of a [`Session`]: [`connect`] creates it and [`start`](Self::start) starts the session.
#[must_use = "the session does not run before start()"]
pub struct SessionBuilder {
    session: rejoin_driver::SessionBuilder,
    #[cfg(feature = "profiles")]
    configuration: Option<Configuration>,
    /// The policies that replace those of the configuration.
    policies: Option<Policies>,
    /// The monitor that replaces that of the configuration.
    network: Option<Box<dyn NetworkMonitor>>,
    dialect: Option<Arc<dyn Dialect>>,
    signaling: Option<Box<dyn SignalingTransport>>,
    peers: Option<Box<dyn PeerTransport>>,
    #[cfg(feature = "websocket")]
    websocket: WebSocketOptions,
}

/// The configuration: policies, network monitor, platform, ICE servers, outbox and spares.
#[cfg(feature = "profiles")]
impl SessionBuilder {
    /// Uses the built-in profile called `name`, in place of an earlier configuration.
    ///
    /// # Errors
    /// Fails if there is no such profile.
    pub fn profile(self, name: &str) -> Result<Self, ConfigError> {
        Ok(self.configuration(Loader::new(Registry::builtin()).profile(name).load()?))
    }

    /// Uses `configuration`, in place of an earlier one; every key of it applies.
    pub fn configuration(mut self, configuration: Configuration) -> Self {
        self.configuration = Some(configuration);
        self
    }

    /// Applies the configuration, or the first profile if there is none.
    fn configure(mut self) -> Result<Self, StartError> {
        let configuration = match self.configuration.take() {
            Some(configuration) => configuration,
            None => Loader::new(Registry::builtin()).load()?,
        };
        // Without `..`, so that a new key cannot be forgotten here. No code asks for the profile.
        let Configuration { profile: _, policies, network, platform, ice_servers, outbox, spare } =
            configuration;
        self.session = self
            .session
            .policies(policies)
            .network_monitor(network)
            .platform(platform)
            .outbox_limits(outbox.messages.get() as usize, outbox.bytes.get() as usize)
            .when_full(outbox.when_full)
            .spares(spare.keep);
        self.session = ice_servers.into_iter().fold(self.session, rejoin_driver::SessionBuilder::ice_server);
        Ok(self)
    }
}

#[cfg(not(feature = "profiles"))]
impl SessionBuilder {
    fn configure(self) -> Result<Self, StartError> {
        Ok(self)
    }
}

/// Server, room, streams and identity.
impl SessionBuilder {
    /// Adds another signaling server, which is tried after those before it.
    pub fn fallback_server(mut self, server: &str) -> Self {
        self.session = self.session.fallback_server(server);
        self
    }

    /// Joins a room at the start.
    pub fn room(mut self, room: &str) -> Self {
        self.session = self.session.room(room);
        self
    }

    /// Publishes a stream from the start.
    pub fn publish(mut self, stream: &str) -> Self {
        self.session = self.session.publish(stream);
        self
    }

    /// Views a stream from the start.
    pub fn view(mut self, stream: &str) -> Self {
        self.session = self.session.view(stream);
        self
    }

    /// Views every stream that the members of the room publish, except one stream if `except` names it.
    pub fn view_room(mut self, except: Option<&str>) -> Self {
        self.session = self.session.view_room(except);
        self
    }

    /// Sets the label that peers see.
    pub fn label(mut self, label: &str) -> Self {
        self.session = self.session.label(label);
        self
    }

    /// Sets our identity towards rejoin peers; by default the stored identity, or a random one if none is stored.
    pub fn identity(mut self, identity: Identity) -> Self {
        self.session = self.session.identity(identity);
        self
    }

    /// Sets the seed of the state machine's random numbers, to replay a run; random by default.
    pub fn seed(mut self, seed: u64) -> Self {
        self.session = self.session.seed(seed);
        self
    }

    /// Adds a STUN or TURN server to those of the configuration.
    pub fn ice_server(mut self, server: IceServer) -> Self {
        self.session = self.session.ice_server(server);
        self
    }

    /// Adds an `address:port` that peer connections bind; by default they bind every interface.
    pub fn bind_address(mut self, address: &str) -> Self {
        self.session = self.session.bind_address(address);
        self
    }

    /// Sets the store of the session record, such as a [`FileStore`](crate::FileStore); by default the process's memory.
    pub fn session_store(mut self, store: Box<dyn SessionStore>) -> Self {
        self.session = self.session.session_store(store);
        self
    }

    /// Sets the store of undelivered messages, such as a [`RedbDeliveryStore`](crate::RedbDeliveryStore).
    ///
    /// With a store, confirm each message after processing it: [`Handle::confirm`](crate::Handle::confirm).
    pub fn delivery_store(mut self, store: Box<dyn DeliveryStore>) -> Self {
        self.session = self.session.delivery_store(store);
        self
    }
}

/// Parts that replace the built-in ones.
impl SessionBuilder {
    /// Replaces the policies of the configuration.
    pub fn policies(mut self, policies: Policies) -> Self {
        self.policies = Some(policies);
        self
    }

    /// Replaces the network monitor of the configuration.
    pub fn network_monitor(mut self, network: Box<dyn NetworkMonitor>) -> Self {
        self.network = Some(network);
        self
    }

    /// Speaks the hosted dialect of VDO.Ninja, with a password other than the default one.
    #[cfg(feature = "hosted")]
    pub fn hosted(self, options: &HostedOptions) -> Self {
        self.dialect(Arc::new(Hosted::new(options)), Membership::ServerListed)
    }

    /// Speaks the dialect of VDO.Ninja servers that people run themselves.
    #[cfg(feature = "self-host")]
    pub fn self_host(self, options: SelfHostOptions) -> Self {
        self.dialect(Arc::new(SelfHost::new(options)), Membership::SelfAnnounced)
    }

    /// Speaks `dialect`, with servers and peers that follow `membership`.
    pub fn dialect(mut self, dialect: Arc<dyn Dialect>, membership: Membership) -> Self {
        self.session = self.session.membership(membership);
        self.dialect = Some(dialect);
        self
    }

    /// Sets the options of the built-in signaling transport.
    #[cfg(feature = "websocket")]
    pub fn websocket(mut self, options: WebSocketOptions) -> Self {
        self.websocket = options;
        self
    }

    /// Replaces the signaling transport.
    pub fn signaling_transport(mut self, transport: Box<dyn SignalingTransport>) -> Self {
        self.signaling = Some(transport);
        self
    }

    /// Replaces the peer transport.
    pub fn peer_transport(mut self, transport: Box<dyn PeerTransport>) -> Self {
        self.peers = Some(transport);
        self
    }
}

impl SessionBuilder {
    /// Starts the session in a task of the current tokio runtime.
    ///
    /// # Errors
    /// Fails if a transport is missing, the certificate authorities cannot be read, or the driver cannot start
    /// ([`rejoin_driver::StartError`]).
    pub fn start(self) -> Result<Session, StartError> {
        Ok(self.build()?.start()?)
    }

    /// Applies the configuration and adds the transports.
    fn build(self) -> Result<rejoin_driver::SessionBuilder, StartError> {
        let configured = self.configure()?;
        let dialect = configured.dialect.or_else(default_transport::dialect);
        let signaling = match configured.signaling {
            Some(signaling) => Some(signaling),
            #[cfg(feature = "websocket")]
            None => default_transport::signaling(dialect.as_ref(), configured.websocket)?,
            #[cfg(not(feature = "websocket"))]
            None => None,
        };
        let peers = configured.peers.or_else(|| default_transport::peers(dialect.as_ref()));
        let signaling = signaling.ok_or(StartError::NoSignalingTransport)?;
        let peers = peers.ok_or(StartError::NoPeerTransport)?;
        let mut session = configured.session.transports(signaling, peers);
        if let Some(policies) = configured.policies {
            session = session.policies(policies);
        }
        if let Some(network) = configured.network {
            session = session.network_monitor(network);
        }
        Ok(session)
    }
}

#[cfg(test)]
#[cfg(all(feature = "profiles", feature = "websocket", feature = "webrtc", feature = "hosted"))]
mod tests;
