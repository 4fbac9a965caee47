//! The task of one peer connection: performs actions on the engine and reports events.

use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt as _;
use rejoin_core::port::{ConnectionSetup, Dialect, PeerAction, PeerEvent};
use rejoin_core::sdp::Description;
use rejoin_core::{IceConnectionState, Role};
use tokio::sync::{mpsc, watch};
use tokio::time;
use webrtc::data_channel::DataChannelEvent;
use webrtc::peer_connection::{PeerConnectionBuilder, StatsSelector};
use webrtc::runtime::Runtime;

use crate::bind_addresses::BindAddresses;
use crate::callbacks::Callbacks;
use crate::candidates::LocalSection;
use crate::channel::{Channel, MAX_OUTSTANDING};
use crate::dns_cache::DnsCache;
use crate::engine_event::EngineEvent;
use crate::event_sender::EventSender;
use crate::faults::FaultInjector;
use crate::ice::IceMonitor;
use crate::negotiation::{Negotiation, Offer, Path, failed};
use crate::runtime::{EngineRuntime, RuntimeParts};
use crate::settings;
use crate::socket::progress::Progress;
use crate::socket::public_address_cache::PublicAddressCache;
use crate::socket::stun_retry::StunContext;
use crate::stats;
use crate::task_command::TaskCommand;

/// How many commands run in a row, and how many events of the channel are sent together: enough to share a wake-up,
/// and few beside what else may wait meanwhile.
const MAX_BATCH: usize = 64;

/// What a connection gets from its transport.
pub(crate) struct ConnectionContext {
    pub(crate) dialect: Arc<dyn Dialect>,
    pub(crate) dns: DnsCache,
    pub(crate) public_addresses: PublicAddressCache,
    pub(crate) faults: FaultInjector,
    pub(crate) events: EventSender,
    /// Dropped at the very end, so that a closing transport knows when this task is done.
    pub(crate) alive: mpsc::Sender<()>,
}

/// A peer connection of the engine and the state beside it.
pub(crate) struct Connection {
    events: EventSender,
    engine_events: mpsc::UnboundedReceiver<EngineEvent>,
    channel_closes: watch::Receiver<u64>,
    runtime: Arc<EngineRuntime>,
    progress: Progress,
    negotiation: Negotiation,
    section: LocalSection,
    channel: Channel,
    ice: IceMonitor,
}

impl Connection {
    /// Builds a connection, serves it until its handle is dropped or something fails, and closes it.
    pub(crate) async fn run(
        context: ConnectionContext,
        setup: ConnectionSetup,
        mut commands: mpsc::UnboundedReceiver<TaskCommand>,
    ) {
        let (events, alive, role) = (context.events.clone(), context.alive.clone(), setup.role);
        match Self::build(context, setup).await {
            Ok(mut connection) => {
                match connection.serve(role, &mut commands).await {
                    Ok(()) => connection.channel.drained().await,
                    Err(reason) => events.send(PeerEvent::Failed { reason }).await,
                }
                connection.close().await;
            }
            Err(reason) => events.send(PeerEvent::Failed { reason }).await,
        }
        drop(alive);
    }

    async fn build(context: ConnectionContext, setup: ConnectionSetup) -> Result<Self, String> {
        let ConnectionContext { dialect, dns, public_addresses, faults, events, alive: _ } = context;
        dns.look_up(&setup.ice_servers).await;
        let binds_device = !setup.interfaces.is_empty();
        // Some of the host's addresses do not identify its network, so such a connection has a cache of its own.
        let public_addresses = if binds_device { PublicAddressCache::default() } else { public_addresses };
        let (sender, engine_events) = mpsc::unbounded_channel();
        let progress = Progress::default();
        let stun = StunContext {
            events: sender.clone(),
            progress: progress.clone(),
            public_addresses: public_addresses.clone(),
        };
        let channel_closes = faults.channel_closes();
        let runtime =
            Arc::new(EngineRuntime::new(RuntimeParts { faults, dns: dns.clone(), stun, binds_device }));
        let peer = PeerConnectionBuilder::new()
            .with_configuration(settings::configuration(&setup.ice_servers, setup.ice_transport_policy))
            .with_setting_engine(settings::setting_engine(&setup))
            .with_handler(Arc::new(Callbacks { events: sender, progress: progress.clone() }))
            .with_runtime(Arc::clone(&runtime) as Arc<dyn Runtime>)
            .with_udp_addrs(vec![BindAddresses::new(setup.bind, setup.interfaces, public_addresses)])
            .with_data_channel_send_buffer_limit(MAX_OUTSTANDING)
            .build()
            .await
            .map_err(|error| failed("creating a peer connection", &error))?;
        let negotiation =
            Negotiation::new(Box::new(peer), dns, setup.ice_servers, setup.ice_transport_policy);
        Ok(Self {
            events,
            engine_events,
            channel_closes,
            runtime,
            progress,
            negotiation,
            section: LocalSection::default(),
            channel: Channel::new(dialect),
            ice: IceMonitor::new(setup.ice_failed_timeout),
        })
    }

    /// Works until the handle is dropped (`Ok`) or something fails (`Err`).
    async fn serve(
        &mut self,
        role: Role,
        commands: &mut mpsc::UnboundedReceiver<TaskCommand>,
    ) -> Result<(), String> {
        if role == Role::Offerer {
            let created = self.negotiation.peer().create_data_channel(self.channel.label(), None).await;
            self.channel.adopt(created.map_err(|error| failed("creating the data channel", &error))?);
            let offer = self.negotiation.offer(Offer::First, self.path()).await?;
            self.send_description(Some(offer)).await;
        }
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => self.run_commands(command, commands).await?,
                    None => return Ok(()),
                },
                Some(event) = self.engine_events.recv() => self.on_engine_events(event).await,
                event = self.channel.next_event() => match event {
                    Some(event) => self.on_channel_events(event).await,
                    None => return Err(self.stop_reason()),
                },
                () = self.runtime.stopped() => return Err(self.stop_reason()),
                () = self.channel.writable() => {
                    self.channel.accept_again();
                    self.events.send(PeerEvent::Writable).await;
                }
                () = until(self.ice.failed_at()) => self.on_ice_state(IceConnectionState::Failed).await,
                () = until(self.negotiation.held_until()) => {
                    self.apply_held().await?;
                    self.runtime.waker().wake();
                }
                Ok(()) = self.channel_closes.changed() => self.channel.inject_close().await,
            }
        }
    }

    /// Runs a command and those that wait behind it, so that the engine is woken only once.
    async fn run_commands(
        &mut self,
        first: TaskCommand,
        commands: &mut mpsc::UnboundedReceiver<TaskCommand>,
    ) -> Result<(), String> {
        let (mut next, mut left) = (Some(first), MAX_BATCH);
        while let Some(command) = next {
            match command {
                TaskCommand::Perform(action) => self.perform(action).await?,
                TaskCommand::UnsentRead(count) => self.channel.on_unsent_read(count),
            }
            left -= 1;
            next = if left > 0 { commands.try_recv().ok() } else { None };
        }
        self.runtime.waker().wake();
        Ok(())
    }

    async fn perform(&mut self, action: PeerAction) -> Result<(), String> {
        match action {
            PeerAction::RestartIce(policy) => {
                self.apply_held().await?;
                let offer = self.negotiation.restart_ice(policy, self.path()).await?;
                self.send_description(Some(offer)).await;
            }
            PeerAction::Accept(description) => {
                self.apply_held().await?;
                let path = match self.path() {
                    Path::Up if self.channel.last_delivered(&description) => Path::CarriedDescription,
                    path => path,
                };
                let answer = self.negotiation.accept(description, path).await?;
                self.send_description(answer).await;
            }
            PeerAction::AddCandidates(candidates) => self.negotiation.add_candidates(candidates).await,
            PeerAction::Send { tag, message } => {
                if let Some(event) = self.channel.send(tag, message).await {
                    self.events.send(event).await;
                }
            }
            PeerAction::ReadStats => {
                let (at, outstanding) = (Instant::now(), self.channel.outstanding().await);
                let report = self.negotiation.peer().get_stats(at, StatsSelector::None).await;
                let sample = stats::sample(at, self.runtime.uplink().local(), &report, outstanding);
                self.events.send(PeerEvent::Stats(sample)).await;
            }
            // The transport performs these two itself.
            PeerAction::Create(_) | PeerAction::Close => {}
            unknown => tracing::warn!(?unknown, "ignored an action of a newer core"),
        }
        Ok(())
    }

    /// Handles an event of the channel, with those that wait behind it.
    async fn on_channel_events(&mut self, first: DataChannelEvent) {
        let (mut events, mut next) = (Vec::with_capacity(MAX_BATCH), Some(first));
        while let Some(event) = next {
            events.extend(self.channel.on_event(event));
            let more = events.len() < MAX_BATCH;
            // An engine that has stopped reports it again.
            next = if more { self.channel.next_event().now_or_never().flatten() } else { None };
        }
        if events.contains(&PeerEvent::ChannelOpen) {
            self.progress.on_channel_open();
        }
        self.events.send_all(events).await;
    }

    /// Handles an event of the engine, with those that wait behind it, so that candidates travel together.
    async fn on_engine_events(&mut self, first: EngineEvent) {
        let (mut candidates, mut next) = (Vec::new(), Some(first));
        while let Some(event) = next {
            match event {
                EngineEvent::Candidate(candidate) => candidates.extend(self.section.outgoing(candidate)),
                EngineEvent::Ice(state) => self.on_ice_state(state).await,
                EngineEvent::DataChannel(data_channel) => self.channel.adopt(data_channel),
            }
            next = self.engine_events.try_recv().ok();
        }
        if !candidates.is_empty() {
            self.events.send(PeerEvent::LocalCandidates(candidates)).await;
        }
    }

    async fn on_ice_state(&mut self, state: IceConnectionState) {
        if self.ice.on_state(state) {
            self.events.send(PeerEvent::IceConnectionState(state)).await;
        }
    }

    async fn apply_held(&mut self) -> Result<(), String> {
        let answer = self.negotiation.apply_held().await?;
        self.send_description(answer).await;
        Ok(())
    }

    async fn send_description(&mut self, description: Option<Description>) {
        if let Some(description) = description {
            self.section = LocalSection::of(&description);
            self.events.send(PeerEvent::LocalDescription(description)).await;
        }
    }

    fn path(&self) -> Path {
        if self.ice.is_connected() { Path::Up } else { Path::Down }
    }

    /// Returns the likely reason why the engine's driver, which reports none, has stopped.
    fn stop_reason(&self) -> String {
        let cause = match (self.channel.has_opened(), self.ice.is_connected()) {
            (false, true) => "the DTLS handshake failed",
            (true, _) | (false, false) => "no address could be bound",
        };
        format!("the engine stopped, most likely because {cause}; build a new connection")
    }

    /// Closes the engine's connection, which otherwise keeps its task and sockets for ever.
    async fn close(self) {
        self.runtime.waker().end();
        if let Err(error) = self.negotiation.peer().close().await {
            tracing::debug!(%error, "a connection did not close cleanly");
        }
    }
}

async fn until(deadline: Option<time::Instant>) {
    match deadline {
        Some(deadline) => time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
