//! Builds a session out of a sentence.

use std::sync::Arc;

use tracing::Instrument as _;

use rejoin_core::delivery::{Epoch, WhenFull};
use rejoin_core::id::{RoomId, StreamId};
use rejoin_core::mail::{Mailbag, Memory};
use rejoin_core::session::Audience;
use rejoin_core::supervisor::{Attendance, Spares};
use rejoin_core::{
    IceServer, Identity, MailStore, NetworkMonitor, PeerTransport, Platform, Policies, SessionStore,
    Settings, SignalingTransport,
};

use crate::driver::Ends;
use crate::entrance::entrance;
use crate::events;
use crate::handle::{Handle, Session};
use crate::plan::{Plan, Wish};
use crate::store::MemoryStore;

/// Begins a session with a signaling server, a `ws://` or `wss://` URL.
pub fn connect(server: &str) -> SessionBuilder {
    SessionBuilder {
        servers: vec![server.into()],
        attendance: Attendance::Listed,
        identity: None,
        label: None,
        platform: None,
        ice_servers: Vec::new(),
        bind: Vec::new(),
        held: None,
        when_full: WhenFull::Wait,
        spares: Spares::Never,
        seed: None,
        wish: Wish::default(),
        policies: None,
        transports: None,
        network: None,
        store: Box::new(MemoryStore::default()),
        mail: None,
    }
}

/// What a session will be; made by [`connect`], and started by [`start`](Self::start).
#[must_use = "a session does nothing before start()"]
pub struct SessionBuilder {
    servers: Vec<Arc<str>>,
    attendance: Attendance,
    identity: Option<Identity>,
    label: Option<String>,
    platform: Option<Platform>,
    ice_servers: Vec<IceServer>,
    bind: Vec<String>,
    held: Option<(usize, usize)>,
    when_full: WhenFull,
    spares: Spares,
    seed: Option<u64>,
    wish: Wish,
    policies: Option<Policies>,
    transports: Option<(Box<dyn SignalingTransport>, Box<dyn PeerTransport>)>,
    network: Option<Box<dyn NetworkMonitor>>,
    store: Box<dyn SessionStore>,
    mail: Option<Box<dyn MailStore>>,
}

/// Why a session cannot start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A server's URL has no WebSocket scheme.
    #[error("\"{0}\" is no signaling server; give a ws:// or wss:// URL")]
    NoServer(String),
    /// No policies were given.
    #[error("no policies were given; add them with with_policies()")]
    NoPolicies,
    /// No transports were given.
    #[error("no transports were given; add them with over()")]
    NoTransports,
    /// The mail that an earlier process kept cannot be read.
    #[error("the kept mail cannot be used: {0}")]
    NoMail(String),
    /// There is no tokio runtime here.
    #[error("no tokio runtime is running here; call start() inside of one")]
    NoRuntime,
    /// The host gave no randomness.
    #[error(
        "the host has no randomness ({0}); choose an identity with as_identity() and a seed with seeded()"
    )]
    NoRandomness(String),
}

impl SessionBuilder {
    /// Adds another signaling server, tried after those before it.
    pub fn or(mut self, server: &str) -> Self {
        self.servers.push(server.into());
        self
    }

    /// Sets how the servers know who is there, which is a matter of the dialect; by default they list it.
    pub fn with_attendance(mut self, attendance: Attendance) -> Self {
        self.attendance = attendance;
        self
    }

    /// Sets who we are to rejoin peers; by default what the store remembers, and else a random identity.
    pub fn as_identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Sets the label that peers see.
    pub fn labelled(mut self, label: &str) -> Self {
        self.label = Some(label.to_owned());
        self
    }

    /// Publishes a stream from the start.
    pub fn publishing(mut self, stream: &str) -> Self {
        self.wish.publish(StreamId(stream.into()));
        self
    }

    /// Views a stream from the start.
    pub fn viewing(mut self, stream: &str) -> Self {
        self.wish.view(StreamId(stream.into()));
        self
    }

    /// Views whatever the members of the room publish, but for one stream if there is one to leave out.
    ///
    /// What leaves and does not come back in its time is let go.
    pub fn viewing_room(mut self, except: Option<&str>) -> Self {
        self.wish.audience = Some(Audience { except: except.map(|stream| StreamId(stream.into())) });
        self
    }

    /// Enters a room at the start.
    pub fn in_room(mut self, room: &str) -> Self {
        self.wish.room = Some(RoomId(room.into()));
        self
    }

    /// Sets whose timeouts apply; by default those of the platform that this program was built for.
    pub fn on_platform(mut self, platform: Platform) -> Self {
        self.platform = Some(platform);
        self
    }

    /// Adds a STUN or TURN server.
    pub fn through_ice_server(mut self, server: IceServer) -> Self {
        self.ice_servers.push(server);
        self
    }

    /// Adds an `address:port` that peer connections bind; by default they bind every interface.
    pub fn binding(mut self, address: &str) -> Self {
        self.bind.push(address.to_owned());
        self
    }

    /// Sets how many messages, and how many bytes of them, are held for one peer until it has them.
    pub fn holding(mut self, messages: usize, bytes: usize) -> Self {
        self.held = Some((messages, bytes));
        self
    }

    /// Sets what happens to a message for which that leaves no room; by default sending waits.
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.when_full = when_full;
        self
    }

    /// Sets with whom a spare connection is kept, open over another uplink; by default with nobody.
    pub fn sparing(mut self, spares: Spares) -> Self {
        self.spares = spares;
        self
    }

    /// Sets the seed of the machine's dice, to replay a run; random by default.
    pub fn seeded(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sets the policies.
    pub fn with_policies(mut self, policies: Policies) -> Self {
        self.policies = Some(policies);
        self
    }

    /// Sets what watches the host's network; by default nothing does, and only links tell of trouble.
    pub fn watching(mut self, network: Box<dyn NetworkMonitor>) -> Self {
        self.network = Some(network);
        self
    }

    /// Sets what keeps the session across processes; by default memory, which does not.
    ///
    /// A remembered identity is taken over unless [`as_identity`](Self::as_identity) chose one,
    /// a remembered room unless [`in_room`](Self::in_room) chose one, and remembered streams in addition to the chosen.
    /// Whether the room is viewed is remembered with it, and unless [`viewing_room`](Self::viewing_room) says otherwise.
    /// Viewers with an identity keep the names that they had.
    pub fn remembering_in(mut self, store: Box<dyn SessionStore>) -> Self {
        self.store = store;
        self
    }

    /// Sets what keeps messages across processes, by default nothing: who is killed loses what was not sent.
    ///
    /// [`Handle::send`] then returns when the message is stored, and what is received is acknowledged when
    /// [`Handle::confirm`] says so: a process that is killed at any moment loses nothing and repeats nothing.
    /// The store's identity is taken over unless the session store remembers one or
    /// [`as_identity`](Self::as_identity) chose one; peers know us by it.
    pub fn keeping_mail_in(mut self, store: Box<dyn MailStore>) -> Self {
        self.mail = Some(store);
        self
    }

    /// Sets the transports.
    pub fn over(mut self, signaling: Box<dyn SignalingTransport>, peers: Box<dyn PeerTransport>) -> Self {
        self.transports = Some((signaling, peers));
        self
    }

    /// Starts the session in a task of its own.
    pub fn start(self) -> Result<Session, StartError> {
        let plan = self.plan()?;
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| StartError::NoRuntime)?;
        let receipts = plan.mail_store.as_ref().and_then(|store| store.receipts());
        let (entrance, exit) = entrance(&plan.settings);
        let (sender, events) = events::channel(plan.settings.memory);
        runtime.spawn(plan.run(Ends { exit, events: sender }).in_current_span());
        Ok(Session::new(Handle::new(entrance).noting_in(receipts), events))
    }

    fn plan(self) -> Result<Plan, StartError> {
        let scheme = |server: &Arc<str>| server.starts_with("ws://") || server.starts_with("wss://");
        if let Some(server) = self.servers.iter().find(|server| !scheme(server)) {
            return Err(StartError::NoServer(server.to_string()));
        }
        let policies = self.policies.ok_or(StartError::NoPolicies)?;
        let (signaling, peers) = self.transports.ok_or(StartError::NoTransports)?;

        let mut mail_store = self.mail;
        let mailbag = match &mut mail_store {
            Some(store) => store.load().map_err(|error| StartError::NoMail(error.0))?,
            None => Mailbag::default(),
        };
        let identity = self.identity.or(mailbag.owner);
        let mut settings = Settings::new(identity.map_or_else(random_identity, Ok)?, "");
        settings.servers = self.servers;
        settings.attendance = self.attendance;
        settings.label = self.label;
        settings.platform = self.platform.unwrap_or(settings.platform);
        settings.ice_servers = self.ice_servers;
        settings.bind = self.bind;
        if let Some((messages, bytes)) = self.held {
            (settings.held_messages, settings.held_bytes) = (messages, bytes);
        }
        settings.memory = if mail_store.is_some() { Memory::Restarts } else { Memory::Process };
        settings.when_full = self.when_full;
        settings.spares = self.spares;
        settings.seed = self.seed.map_or_else(random, Ok)?;
        settings.epoch = Epoch(random()?);
        let (chosen, wish, network, store) = (self.identity, self.wish, self.network, self.store);
        Ok(Plan { settings, chosen, wish, policies, signaling, peers, network, store, mail_store, mailbag })
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
