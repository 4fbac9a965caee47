//! One peer connection's task: actions in, events out, and the engine in between.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use rejoin_core::port::{ConnectionSetup, Dialect, PeerAction, PeerEvent};
use rejoin_core::sdp::{Description, SdpType};
use rejoin_core::stats::Sample;
use rejoin_core::{IceCandidate, IceConnectionState, IceServer, IceTransportPolicy, Role};
use tokio::sync::{mpsc, watch};
use tokio::time;
use webrtc::data_channel::DataChannelEvent;
use webrtc::peer_connection::{PeerConnection, PeerConnectionBuilder, RTCSessionDescription, StatsSelector};
use webrtc::runtime::Runtime;

use crate::bind_addresses::BindAddresses;
use crate::callbacks::{Callbacks, Happening};
use crate::candidates::{RemoteCandidates, Section, incoming};
use crate::channel::{Channel, MOST_OUTSTANDING};
use crate::socket::engine_socket::Chaos;
use crate::dns_cache::Names;
use crate::negotiation::{self, Offer, failed};
use crate::socket::public_address_cache::Outside;
use crate::socket::stun_retry::Search;
use crate::runtime::HostRuntime;
use crate::settings;
use crate::stats;
use crate::transport::{Order, Teller};
use crate::socket::uplink::Uplink;

/// How long a restart that came over the channel waits before it ends the path under that channel.
///
/// Its candidates come the same way: the first of the VDO.Ninja web app within 60 ms of the description, and
/// those that a STUN server helps to find a round trip later.
const FAREWELL: Duration = Duration::from_millis(200);

/// What a connection has around it.
pub(crate) struct Surroundings {
    pub(crate) dialect: Arc<dyn Dialect>,
    pub(crate) names: Names,
    pub(crate) outside: Outside,
    pub(crate) chaos: Chaos,
    pub(crate) teller: Teller,
    /// Dropped at the very end, which is how a closing transport knows that we are done.
    pub(crate) alive: mpsc::Sender<()>,
}

/// Orders obeyed in a row, and events of the channel passed on together: enough to share a wake-up, and few beside
/// what else may wait meanwhile.
const MOST_AT_ONCE: usize = 64;

/// A peer connection and what we must remember beside it.
pub(crate) struct Connection {
    surroundings: Surroundings,
    runtime: Arc<HostRuntime>,
    closings: watch::Receiver<u64>,
    peer: Box<dyn PeerConnection>,
    happenings: mpsc::UnboundedReceiver<Happening>,
    channel: Channel,
    remote: RemoteCandidates,
    section: Section,
    answer_awaited: bool,
    /// A restart's offer that is not set before its answer comes: setting it ends the old path, and many peers
    /// answer over the channel while that is open.
    held_offer: Option<RTCSessionDescription>,
    /// The peer's description that ends the path over which its candidates are still coming, and when it may.
    held_description: Option<(time::Instant, Description)>,
    ice_servers: Vec<IceServer>,
    policy: IceTransportPolicy,
    ice_failure: Duration,
    ice: IceConnectionState,
    /// When a silent pair counts as failed.
    patience_ends: Option<time::Instant>,
}

impl Connection {
    /// Builds a connection, serves it until its door is dropped or something fails, and closes it.
    pub(crate) async fn run(
        surroundings: Surroundings,
        setup: ConnectionSetup,
        mut orders: mpsc::UnboundedReceiver<Order>,
    ) {
        let (teller, alive, role) = (surroundings.teller.clone(), surroundings.alive.clone(), setup.role);
        match Self::build(surroundings, setup).await {
            Ok(mut connection) => {
                match connection.serve(role, &mut orders).await {
                    Ok(()) => connection.channel.drained().await,
                    Err(reason) => teller.tell(PeerEvent::Failed { reason }).await,
                }
                connection.close().await;
            }
            Err(reason) => teller.tell(PeerEvent::Failed { reason }).await,
        }
        drop(alive);
    }

    async fn build(surroundings: Surroundings, setup: ConnectionSetup) -> Result<Self, String> {
        surroundings.names.look_up(&setup.ice_servers).await;
        let (told, happenings) = mpsc::unbounded_channel();
        // a part of the host's addresses says nothing about its network
        let tied = !setup.interfaces.is_empty();
        let outside = if tied { Outside::default() } else { surroundings.outside.clone() };
        let search = Search::new(told.clone(), outside.clone());
        let (chaos, names) = (surroundings.chaos.clone(), surroundings.names.clone());
        let uplink = Uplink::by(&setup.interfaces);
        let runtime = Arc::new(HostRuntime::new(chaos, names, search.clone(), uplink));
        let peer = PeerConnectionBuilder::new()
            .with_configuration(settings::configuration(&setup.ice_servers, setup.ice_transport_policy))
            .with_setting_engine(settings::setting_engine(&setup))
            .with_handler(Arc::new(Callbacks { told, search }))
            .with_runtime(Arc::clone(&runtime) as Arc<dyn Runtime>)
            .with_udp_addrs(vec![BindAddresses::new(setup.bind, setup.interfaces, outside)])
            .with_data_channel_send_buffer_limit(MOST_OUTSTANDING)
            .build()
            .await
            .map_err(|error| failed("creating a peer connection", &error))?;
        let channel = Channel::new(Arc::clone(&surroundings.dialect));
        let closings = surroundings.chaos.closings();
        Ok(Self {
            surroundings,
            runtime,
            closings,
            peer: Box::new(peer),
            happenings,
            channel,
            remote: RemoteCandidates::default(),
            section: Section::default(),
            answer_awaited: false,
            held_offer: None,
            held_description: None,
            ice_servers: setup.ice_servers,
            policy: setup.ice_transport_policy,
            ice_failure: setup.ice_failure,
            ice: IceConnectionState::New,
            patience_ends: None,
        })
    }

    /// Works until the door is dropped (`Ok`) or something fails (`Err`).
    async fn serve(&mut self, role: Role, orders: &mut mpsc::UnboundedReceiver<Order>) -> Result<(), String> {
        if role == Role::Offerer {
            let created = self.peer.create_data_channel(self.channel.label(), None).await;
            self.channel.adopt(created.map_err(|error| failed("creating the data channel", &error))?);
            self.offer(Offer::First).await?;
        }
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.obey(order, orders).await?,
                    None => return Ok(()),
                },
                Some(happening) = self.happenings.recv() => self.absorb(happening).await,
                event = self.channel.next() => match event {
                    Some(event) => self.hear(event).await,
                    None => return Err(self.why_stopped()),
                },
                () = self.runtime.stopped() => return Err(self.why_stopped()),
                () = self.channel.room() => {
                    self.channel.welcome();
                    self.emit(PeerEvent::Writable).await;
                }
                () = until(self.patience_ends) => {
                    self.tell_ice(IceConnectionState::Failed).await;
                }
                () = until(self.held_description.as_ref().map(|(end, _)| *end)) => {
                    self.accept_held().await?;
                    self.runtime.nudge();
                }
                Ok(()) = self.closings.changed() => self.channel.break_off().await,
            }
        }
    }

    /// Obeys an order and those that wait behind it, so that the engine has to look only once.
    async fn obey(
        &mut self,
        first: Order,
        orders: &mut mpsc::UnboundedReceiver<Order>,
    ) -> Result<(), String> {
        let (mut next, mut left) = (Some(first), MOST_AT_ONCE);
        while let Some(order) = next {
            match order {
                Order::Perform(action) => self.perform(action).await?,
                Order::Noticed(returned) => self.channel.noticed(returned),
            }
            left -= 1;
            next = if left > 0 { orders.try_recv().ok() } else { None };
        }
        self.runtime.nudge();
        Ok(())
    }

    /// Passes on what the channel says, with what it has said already.
    async fn hear(&mut self, first: DataChannelEvent) {
        let (mut events, mut next) = (Vec::with_capacity(MOST_AT_ONCE), Some(first));
        while let Some(event) = next {
            events.extend(self.channel.absorb(event));
            let more = events.len() < MOST_AT_ONCE;
            // that the engine has stopped it says again
            next = if more { self.channel.next().now_or_never().flatten() } else { None };
        }
        if events.contains(&PeerEvent::ChannelOpen) {
            self.runtime.opened();
        }
        self.surroundings.teller.tell_all(events).await;
    }

    /// Returns why the engine's driver, which says nothing itself, most likely ended.
    fn why_stopped(&self) -> String {
        let cause = match (self.channel.has_opened(), self.ice.is_connected()) {
            (false, true) => "the DTLS handshake failed",
            (true, _) | (false, false) => "no address could be bound",
        };
        format!("the engine stopped, most likely because {cause}; build a new connection")
    }

    async fn perform(&mut self, action: PeerAction) -> Result<(), String> {
        match action {
            PeerAction::RestartIce(policy) => self.restart_ice(policy).await,
            PeerAction::Accept(description) => self.accept(description).await,
            PeerAction::AddCandidates(candidates) => {
                let awaited = self.answer_awaited || self.held_description.is_some();
                let ready = self.remote.sort(candidates, awaited);
                self.add_candidates(ready).await;
                Ok(())
            }
            PeerAction::Send { tag, message } => {
                if let Some(event) = self.channel.send(tag, message).await {
                    self.emit(event).await;
                }
                Ok(())
            }
            PeerAction::ReadStats => {
                let (at, outstanding) = (Instant::now(), self.channel.outstanding().await);
                let report = self.peer.get_stats(at, StatsSelector::None).await;
                let local = self.runtime.local();
                let sample = Sample { local, ..stats::sample(at, &report, outstanding) };
                self.emit(PeerEvent::Stats(sample)).await;
                Ok(())
            }
            // The door does both itself.
            PeerAction::Create(_) | PeerAction::Close => Ok(()),
        }
    }

    async fn offer(&mut self, kind: Offer) -> Result<(), String> {
        let (offer, description) = negotiation::offer(self.peer.as_ref(), kind).await?;
        if self.ice.is_connected() {
            self.held_offer = Some(offer);
        } else {
            negotiation::set_offer(self.peer.as_ref(), offer).await?;
        }
        self.answer_awaited = true;
        self.tell_description(description).await;
        Ok(())
    }

    async fn restart_ice(&mut self, policy: IceTransportPolicy) -> Result<(), String> {
        self.accept_held().await?;
        self.take_offer_back().await?;
        self.surroundings.names.look_up(&self.ice_servers).await;
        if policy != self.policy {
            let configuration = settings::configuration(&self.ice_servers, policy);
            let changed = self.peer.set_configuration(configuration).await;
            changed.map_err(|error| failed("changing the ICE transport policy", &error))?;
            self.policy = policy;
        }
        self.offer(Offer::RestartIce).await
    }

    async fn accept(&mut self, description: Description) -> Result<(), String> {
        self.accept_held().await?;
        let restarts = self.ice.is_connected() && self.remote.is_new(&description);
        if restarts && self.channel.brought(&description) {
            self.held_description = Some((time::Instant::now() + FAREWELL, description));
            return Ok(());
        }
        self.apply(description).await
    }

    async fn accept_held(&mut self) -> Result<(), String> {
        match self.held_description.take() {
            Some((_, description)) => self.apply(description).await,
            None => Ok(()),
        }
    }

    async fn apply(&mut self, description: Description) -> Result<(), String> {
        match description.sdp_type {
            SdpType::Offer => {
                self.take_offer_back().await?;
                let answer = negotiation::answer(self.peer.as_ref(), &description.sdp).await?;
                self.tell_description(answer).await;
            }
            SdpType::Answer if self.answer_awaited => {
                if let Some(offer) = self.held_offer.take() {
                    negotiation::set_offer(self.peer.as_ref(), offer).await?;
                }
                negotiation::accept_answer(self.peer.as_ref(), &description.sdp).await?;
                self.answer_awaited = false;
            }
            SdpType::Answer => {
                tracing::debug!("an answer that nobody waits for was dropped; it may have come twice");
                return Ok(());
            }
        }
        let ready = self.remote.described(&description);
        self.add_candidates(ready).await;
        Ok(())
    }

    /// Forgets our unanswered offer, if there is one.
    async fn take_offer_back(&mut self) -> Result<(), String> {
        if self.answer_awaited && self.held_offer.take().is_none() {
            negotiation::roll_back(self.peer.as_ref()).await?;
        }
        self.answer_awaited = false;
        Ok(())
    }

    async fn add_candidates(&self, candidates: Vec<IceCandidate>) {
        for candidate in candidates.into_iter().filter_map(incoming) {
            if let Err(error) = self.peer.add_ice_candidate(candidate).await {
                tracing::debug!(%error, "dropped a candidate of the peer's");
            }
        }
    }

    /// Takes what the engine told, with all that is there already, so that candidates travel together.
    async fn absorb(&mut self, first: Happening) {
        let mut candidates = Vec::new();
        let mut next = Some(first);
        while let Some(happening) = next {
            match happening {
                Happening::Candidate(candidate) => candidates.extend(self.section.outgoing(candidate)),
                Happening::Ice(state) => self.tell_ice(state).await,
                Happening::DataChannel(data_channel) => self.channel.adopt(data_channel),
            }
            next = self.happenings.try_recv().ok();
        }
        if !candidates.is_empty() {
            self.emit(PeerEvent::LocalCandidates(candidates)).await;
        }
    }

    async fn tell_ice(&mut self, state: IceConnectionState) {
        if self.ice == state {
            return;
        }
        self.ice = state;
        let silent = state == IceConnectionState::Disconnected;
        self.patience_ends = silent.then(|| time::Instant::now() + self.ice_failure);
        self.emit(PeerEvent::IceConnectionState(state)).await;
    }

    async fn tell_description(&mut self, description: Description) {
        self.section = Section::of(&description);
        self.emit(PeerEvent::LocalDescription(description)).await;
    }

    async fn emit(&self, event: PeerEvent) {
        self.surroundings.teller.tell(event).await;
    }

    /// Closes the engine's connection, which otherwise keeps its task and sockets for ever.
    async fn close(self) {
        self.runtime.leave();
        if let Err(error) = self.peer.close().await {
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
