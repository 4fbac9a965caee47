//! Builds a session from the arguments.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use rejoin::supervisor::Membership;
use rejoin::{
    ClientId, Dialect, FaultInjector, Hosted, HostedOptions, IceServer, Password, SelfHost, SelfHostOptions,
    Session, SessionBuilder, StreamId, WebRtcTransport, WebSocketOptions, room_id, stream_id,
};

use crate::cli::config::ConfigArgs;
use crate::cli::connection::{ConnectionArgs, DialectName};
use crate::config_args;
use crate::durable::DurableMessages;
use crate::history::Recorder;
use crate::ice_server::{self, Credentials};
use crate::session_file::SessionFile;

/// A session that is ready to start.
pub(crate) struct PreparedSession {
    builder: SessionBuilder,
    faults: FaultInjector,
    /// The ids of the streams that the session will view.
    pub(crate) views: Vec<String>,
    /// Whether undelivered messages survive the process.
    pub(crate) is_durable: bool,
    /// Whether the delivery store knows a peer, so that messages can be sent before a peer connects.
    pub(crate) has_known_peers: bool,
    /// Whether any STUN or TURN server is configured.
    pub(crate) has_ice_server: bool,
    /// The recorder of incidents, if the session has a file.
    pub(crate) recorder: Option<Recorder>,
}

impl PreparedSession {
    /// Builds a session from the arguments.
    ///
    /// # Errors
    /// Fails if an argument or the configuration is invalid.
    pub(crate) async fn new(connection: &ConnectionArgs, config: &ConfigArgs) -> Result<Self> {
        let mut configuration = config_args::configuration(config)?;
        configuration.ice_servers.extend(ice_servers(connection)?);
        configuration.platform = connection.platform.unwrap_or(configuration.platform);
        let has_ice_server = !configuration.ice_servers.is_empty();

        let (dialect, membership) = dialect(connection)?;
        let peers = WebRtcTransport::new(Arc::clone(&dialect));
        let faults = peers.faults();

        let mut servers = connection.servers.iter();
        let Some(first) = servers.next() else { bail!("no signaling server; give --server URL") };
        let mut builder = rejoin::connect(first)
            .configuration(configuration)
            .dialect(dialect, membership)
            .websocket(WebSocketOptions {
                ca_file: connection.ca_file.clone(),
                ..WebSocketOptions::default()
            })
            .peer_transport(Box::new(peers));
        builder = servers.fold(builder, |builder, server| builder.fallback_server(server));
        if let Some(identity) = connection.identity {
            builder = builder.identity(identity);
        }
        if let Some(label) = &connection.label {
            builder = builder.label(label);
        }
        let mut session_file = match &connection.session {
            Some(path) => SessionFile::open(path).await,
            None => SessionFile::default(),
        };
        let (mut builder, views) = add_intent(builder, connection, &mut session_file).await?;
        let mut has_known_peers = false;
        if let Some(directory) = &connection.durable {
            let durable = DurableMessages::open(directory).context("--durable cannot be used")?;
            let pushed = connection.push.as_deref().and_then(|stream| stream_id(stream).ok());
            let published = session_file.streams().cloned().chain(pushed);
            let viewed = views.iter().map(|stream| StreamId(stream.as_str().into()));
            has_known_peers = durable.has_peer_of_any(published.chain(viewed));
            builder = builder.delivery_store(Box::new(durable.store));
        }
        let recorder = session_file.recorder.take();
        if let Some(store) = session_file.store {
            builder = builder.session_store(Box::new(store));
        }
        let is_durable = connection.durable.is_some();
        Ok(Self { builder, faults, views, is_durable, has_known_peers, has_ice_server, recorder })
    }

    /// Views every stream of the room, except one stream if `except` names it.
    pub(crate) fn view_room(mut self, except: Option<&str>) -> Self {
        self.builder = self.builder.view_room(except);
        self
    }

    /// Sets the seed of the state machine's random numbers.
    pub(crate) fn seed(mut self, seed: u64) -> Self {
        self.builder = self.builder.seed(seed);
        self
    }

    /// Starts the session; the fault injector breaks its connections.
    ///
    /// # Errors
    /// Fails as [`SessionBuilder::start`] does.
    pub(crate) fn start(self) -> Result<(Session, FaultInjector)> {
        let session = self.builder.start().context("the session cannot start")?;
        Ok((session, self.faults))
    }
}

/// Adds room and streams, under the names that every VDO.Ninja client derives from the arguments.
async fn add_intent(
    mut builder: SessionBuilder,
    connection: &ConnectionArgs,
    session_file: &mut SessionFile,
) -> Result<(SessionBuilder, Vec<String>)> {
    let ConnectionArgs { room, push, views, .. } = connection;
    if room.is_none() && push.is_none() && views.is_empty() && !session_file.has_intent() {
        let remedy = "give --push STREAM to publish, --view STREAM to view, or --room ROOM to join one";
        match (session_file.failure(), &connection.session) {
            (Some(failure), _) => bail!("nothing to do, and {failure}; or {remedy}"),
            (None, Some(file)) => bail!("nothing to do: {} holds no session; {remedy}", file.display()),
            (None, None) => bail!("nothing to do; {remedy}"),
        }
    }
    if let Some(argument) = room {
        let name = room_id(argument).context("--room cannot be used")?;
        warn_of_change("room", argument, &name.0);
        builder = builder.room(&name.0);
    }
    if let Some(argument) = push {
        let name = stream_id(argument).context("--push cannot be used")?;
        warn_of_change("stream", argument, &name.0);
        session_file.replace_streams(&name).await;
        builder = builder.publish(&name.0);
    }
    let mut names: Vec<String> = session_file.views().map(|stream| stream.0.to_string()).collect();
    for argument in views {
        let name = stream_id(argument).context("--view cannot be used")?;
        warn_of_change("stream", argument, &name.0);
        builder = builder.view(&name.0);
        names.push(name.0.to_string());
    }
    Ok((builder, names))
}

fn warn_of_change(kind: &str, argument: &str, name: &str) {
    if argument != name {
        tracing::warn!("{kind} \"{argument}\" is called \"{name}\" by every VDO.Ninja client, and here too");
    }
}

/// Returns the dialect of the server, and how its clients learn which peers are present.
fn dialect(connection: &ConnectionArgs) -> Result<(Arc<dyn Dialect>, Membership)> {
    let (password, salt) = (password(connection)?, connection.salt.clone());
    Ok(match connection.dialect {
        DialectName::Hosted => {
            (Arc::new(Hosted::new(&HostedOptions { password, salt })), Membership::ServerListed)
        }
        DialectName::SelfHost => {
            let from = ClientId::random().context("cannot use the self-host dialect")?;
            (Arc::new(SelfHost::new(SelfHostOptions { password, salt, from })), Membership::SelfAnnounced)
        }
    })
}

fn ice_servers(connection: &ConnectionArgs) -> Result<Vec<IceServer>> {
    let credentials = Credentials {
        username: connection.ice_username.as_deref(),
        credential: connection.ice_credential.as_deref(),
    };
    let servers = connection.ice_servers.iter().map(|text| ice_server::parse(text, credentials));
    servers.collect::<Result<_>>().context("--ice-server cannot be used")
}

fn password(connection: &ConnectionArgs) -> Result<Password> {
    match (&connection.password, &connection.password_file) {
        (Some(password), _) => Ok(Password::from(password.as_str())),
        (None, Some(file)) => read_password(file),
        (None, None) => Ok(Password::default()),
    }
}

fn read_password(file: &Path) -> Result<Password> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{} cannot be read; check its name and permissions", file.display()))?;
    let line = text.lines().next().unwrap_or_default();
    if line.trim().is_empty() {
        bail!("the first line of {} holds no password; write it there", file.display())
    }
    Ok(Password::from(line))
}
