//! From what was typed to a running session: wish, policies, transports.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use rejoin_core::supervisor::Membership;
use rejoin_core::{Dialect, IceServer, StreamId};
use rejoin_driver::{Session, SessionBuilder};
use rejoin_vdo_ninja::{
    ClientId, Hosted, HostedOptions, Password, SelfHost, SelfHostOptions, room_id, stream_id,
};
use rejoin_webrtc::{FaultInjector, WebRtcTransport};
use rejoin_websocket::{WebSocketOptions, WebSocketTransport};

use crate::choice;
use crate::cli::{ChoiceArgs, ConnectionArgs, DialectName};
use crate::history::Recorder;
use crate::ice_server::{self, Credentials};
use crate::mail::Mail;
use crate::memory::Memory;

/// A session that is ready to start.
pub(crate) struct Plan {
    builder: SessionBuilder,
    faults: FaultInjector,
    /// The streams that will be viewed, as they travel.
    pub(crate) views: Vec<String>,
    /// Whether messages outlive the process.
    pub(crate) is_durable: bool,
    /// Whether an earlier process has left somebody to whom can be sent before anybody is connected.
    pub(crate) remembers_peers: bool,
    /// Whether any STUN or TURN server is known.
    pub(crate) has_ice_server: bool,
    /// What keeps the incidents, if anything does.
    pub(crate) recorder: Option<Recorder>,
}

impl Plan {
    /// Makes a plan of what was typed; what is wrong with that is the error.
    pub(crate) async fn new(connection: &ConnectionArgs, chosen: &ChoiceArgs) -> Result<Self> {
        let configuration = choice::configuration(chosen)?;
        let (mut ice_servers, outbox) = (configuration.ice_servers, configuration.outbox);
        ice_servers.extend(typed_ice_servers(connection)?);

        let (dialect, membership) = dialect(connection)?;
        let options = WebSocketOptions { ca_file: connection.ca_file.clone(), ..WebSocketOptions::default() };
        let signaling = WebSocketTransport::new(Arc::clone(&dialect), options)
            .context("the certificate authorities cannot be used")?;
        let peers = WebRtcTransport::new(dialect);
        let faults = peers.faults();

        let mut servers = connection.servers.iter();
        let Some(first) = servers.next() else { bail!("no signaling server; give --server URL") };
        let mut builder = rejoin_driver::connect(first)
            .membership(membership)
            .policies(configuration.policies)
            .network_monitor(configuration.network)
            .outbox_limits(outbox.messages.get() as usize, outbox.bytes.get() as usize)
            .when_full(outbox.when_full)
            .spares(configuration.spare.keep)
            .platform(connection.platform.unwrap_or(configuration.platform))
            .transports(Box::new(signaling), Box::new(peers));
        builder = servers.fold(builder, |builder, server| builder.fallback_server(server));
        if let Some(identity) = connection.identity {
            builder = builder.identity(identity);
        }
        if let Some(label) = &connection.label {
            builder = builder.label(label);
        }
        let has_ice_server = !ice_servers.is_empty();
        builder = ice_servers.into_iter().fold(builder, SessionBuilder::ice_server);
        let mut memory = match &connection.remember {
            Some(file) => Memory::open(file).await,
            None => Memory::default(),
        };
        let (mut builder, views) = wish(builder, connection, &mut memory).await?;
        let mut remembers_peers = false;
        if let Some(directory) = &connection.durable {
            let mail = Mail::open(directory).context("--durable cannot be used")?;
            let published =
                memory.streams().cloned().chain(connection.push.as_deref().and_then(|s| stream_id(s).ok()));
            let viewed = views.iter().map(|stream| StreamId(stream.as_str().into()));
            remembers_peers = mail.knows_any(published.chain(viewed));
            builder = builder.delivery_store(Box::new(mail.store));
        }
        let recorder = memory.recorder.take();
        if let Some(store) = memory.store {
            builder = builder.session_store(Box::new(store));
        }
        let is_durable = connection.durable.is_some();
        Ok(Self { builder, faults, views, is_durable, remembers_peers, has_ice_server, recorder })
    }

    /// Adds the wish to view the whole room, but for one stream if there is one to leave out.
    pub(crate) fn viewing_room(mut self, except: Option<&str>) -> Self {
        self.builder = self.builder.view_room(except);
        self
    }

    /// Sets the seed of the machine's dice.
    pub(crate) fn seed(mut self, seed: u64) -> Self {
        self.builder = self.builder.seed(seed);
        self
    }

    /// Starts the session; the second part breaks its connections on purpose.
    pub(crate) fn start(self) -> Result<(Session, FaultInjector)> {
        let session = self.builder.start().context("the session cannot start")?;
        Ok((session, self.faults))
    }
}

/// Adds room and streams under the names that every client makes of them.
async fn wish(
    mut builder: SessionBuilder,
    connection: &ConnectionArgs,
    memory: &mut Memory,
) -> Result<(SessionBuilder, Vec<String>)> {
    let ConnectionArgs { room, push, views, .. } = connection;
    if room.is_none() && push.is_none() && views.is_empty() && !memory.holds_a_wish() {
        let remedy = "give --push STREAM to publish, --view STREAM to view, or --room ROOM to be in one";
        match (memory.trouble(), &connection.remember) {
            (Some(trouble), _) => bail!("nothing to do, and {trouble}; or {remedy}"),
            (None, Some(file)) => bail!("nothing to do: {} remembers nothing; {remedy}", file.display()),
            (None, None) => bail!("nothing to do; {remedy}"),
        }
    }
    if let Some(typed) = room {
        let name = room_id(typed).context("--room cannot be used")?;
        tell_of_change("room", typed, &name.0);
        builder = builder.room(&name.0);
    }
    if let Some(typed) = push {
        let name = stream_id(typed).context("--push cannot be used")?;
        tell_of_change("stream", typed, &name.0);
        memory.publish_instead(&name).await;
        builder = builder.publish(&name.0);
    }
    let mut names: Vec<String> = memory.views().map(|stream| stream.0.to_string()).collect();
    for typed in views {
        let name = stream_id(typed).context("--view cannot be used")?;
        tell_of_change("stream", typed, &name.0);
        builder = builder.view(&name.0);
        names.push(name.0.to_string());
    }
    Ok((builder, names))
}

fn tell_of_change(kind: &str, typed: &str, name: &str) {
    if typed != name {
        tracing::warn!("{kind} \"{typed}\" is called \"{name}\" by every VDO.Ninja client, and here too");
    }
}

/// Returns what the server speaks, and how servers of that kind know who is there.
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

fn typed_ice_servers(connection: &ConnectionArgs) -> Result<Vec<IceServer>> {
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
