//! Offer and answer: the descriptions, candidates and ICE restarts of one connection.

use std::time::Duration;

use rejoin_core::sdp::{Description, SdpType};
use rejoin_core::{IceCandidate, IceServer, IceTransportPolicy};
use rtc::peer_connection::configuration::RTCOfferOptions;
use tokio::time::Instant;
use webrtc::error::Error;
use webrtc::peer_connection::{PeerConnection, RTCSdpType, RTCSessionDescription};

use crate::candidates::{RemoteCandidates, incoming};
use crate::dns_cache::DnsCache;
use crate::sdp::{without_candidates, without_media};
use crate::settings;

/// How long a restart's description that arrived over the channel waits before it ends the path of that channel.
///
/// The peer's candidates come over the same channel: the first of the VDO.Ninja web app within 60 ms of the
/// description, and server-reflexive ones a round trip to the STUN server later.
const RESTART_HOLD: Duration = Duration::from_millis(200);

/// What an offer does to ICE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// Opens a connection.
    First,
    /// Gathers and checks again.
    RestartIce,
}

/// Whether the connection has a working path that a new description would end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    /// No pair works.
    Down,
    /// A pair works.
    Up,
    /// A pair works, and the description arrived over it.
    CarriedDescription,
}

/// Our offer without an answer.
enum LocalOffer {
    None,
    /// Sent, but not set: setting it ends the old path, and many peers answer over the channel while that is open.
    Held(RTCSessionDescription),
    /// Sent and set.
    Set,
}

/// The negotiation of one connection.
pub(crate) struct Negotiation {
    peer: Box<dyn PeerConnection>,
    dns: DnsCache,
    ice_servers: Vec<IceServer>,
    policy: IceTransportPolicy,
    remote: RemoteCandidates,
    local_offer: LocalOffer,
    /// The peer's description that would end the path over which its candidates still come, and until when it is held.
    held: Option<(Instant, Description)>,
}

impl Negotiation {
    /// Creates the negotiation of `peer`, which was built with `ice_servers` and `policy`.
    pub(crate) fn new(
        peer: Box<dyn PeerConnection>,
        dns: DnsCache,
        ice_servers: Vec<IceServer>,
        policy: IceTransportPolicy,
    ) -> Self {
        let (remote, local_offer, held) = (RemoteCandidates::default(), LocalOffer::None, None);
        Self { peer, dns, ice_servers, policy, remote, local_offer, held }
    }

    /// Returns the engine's connection.
    pub(crate) fn peer(&self) -> &dyn PeerConnection {
        self.peer.as_ref()
    }

    /// Returns until when the peer's description is held.
    pub(crate) fn held_until(&self) -> Option<Instant> {
        self.held.as_ref().map(|(until, _)| *until)
    }

    /// Creates an offer and returns it.
    pub(crate) async fn offer(&mut self, kind: Offer, path: Path) -> Result<Description, String> {
        let options = RTCOfferOptions { ice_restart: kind == Offer::RestartIce };
        let created = self.peer.create_offer(Some(options)).await;
        let offer = created.map_err(|error| failed("creating an offer", &error))?;
        let sdp = match kind {
            Offer::First => offer.sdp.clone(),
            Offer::RestartIce => without_candidates(&offer.sdp),
        };
        self.local_offer = match path {
            Path::Down => {
                self.set_local(offer, "setting our offer").await?;
                LocalOffer::Set
            }
            Path::Up | Path::CarriedDescription => LocalOffer::Held(offer),
        };
        Ok(Description { sdp_type: SdpType::Offer, sdp })
    }

    /// Withdraws an offer that has no answer, restarts ICE under `policy` and returns the offer.
    ///
    /// The caller has applied a held description before.
    pub(crate) async fn restart_ice(
        &mut self,
        policy: IceTransportPolicy,
        path: Path,
    ) -> Result<Description, String> {
        self.roll_back().await?;
        self.dns.look_up(&self.ice_servers).await;
        if policy != self.policy {
            let configuration = settings::configuration(&self.ice_servers, policy);
            let changed = self.peer.set_configuration(configuration).await;
            changed.map_err(|error| failed("changing the ICE transport policy", &error))?;
            self.policy = policy;
        }
        self.offer(Offer::RestartIce, path).await
    }

    /// Applies the peer's description, or holds it while candidates follow over the path that it ends; returns our
    /// answer to an offer.
    ///
    /// The caller has applied a held description before.
    pub(crate) async fn accept(
        &mut self,
        description: Description,
        path: Path,
    ) -> Result<Option<Description>, String> {
        if path == Path::CarriedDescription && self.remote.is_restart(&description) {
            self.held = Some((Instant::now() + RESTART_HOLD, description));
            return Ok(None);
        }
        self.apply(description).await
    }

    /// Applies the description that is held, if there is one; returns our answer to an offer.
    pub(crate) async fn apply_held(&mut self) -> Result<Option<Description>, String> {
        match self.held.take() {
            Some((_, description)) => self.apply(description).await,
            None => Ok(None),
        }
    }

    /// Adds the peer's candidates, or holds those whose description is yet to come.
    pub(crate) async fn add_candidates(&mut self, candidates: Vec<IceCandidate>) {
        let awaited = self.held.is_some() || !matches!(self.local_offer, LocalOffer::None);
        let ready = self.remote.ready(candidates, awaited);
        self.add_ready(ready).await;
    }

    async fn apply(&mut self, description: Description) -> Result<Option<Description>, String> {
        let answer = match description.sdp_type {
            SdpType::Offer => {
                self.roll_back().await?;
                Some(self.answer(&description.sdp).await?)
            }
            SdpType::Answer => {
                match std::mem::replace(&mut self.local_offer, LocalOffer::None) {
                    LocalOffer::None => {
                        tracing::debug!("dropped an answer without an offer; it may have arrived twice");
                        return Ok(None);
                    }
                    LocalOffer::Held(offer) => self.set_local(offer, "setting our offer").await?,
                    LocalOffer::Set => {}
                }
                let answer = RTCSessionDescription::answer(description.sdp.clone());
                self.set_remote(answer, "answer").await?;
                None
            }
        };
        let ready = self.remote.on_description(&description);
        self.add_ready(ready).await;
        Ok(answer)
    }

    async fn answer(&self, offer: &str) -> Result<Description, String> {
        self.set_remote(RTCSessionDescription::offer(without_media(offer)), "offer").await?;
        let answer = self.peer.create_answer(None).await;
        let answer = answer.map_err(|error| failed("creating an answer", &error))?;
        let sdp = answer.sdp.clone();
        self.set_local(answer, "setting our answer").await?;
        Ok(Description { sdp_type: SdpType::Answer, sdp })
    }

    /// Withdraws our offer without an answer, if there is one, so that another can be made or the peer's be applied.
    async fn roll_back(&mut self) -> Result<(), String> {
        match std::mem::replace(&mut self.local_offer, LocalOffer::None) {
            LocalOffer::None | LocalOffer::Held(_) => Ok(()),
            LocalOffer::Set => {
                let mut rollback = RTCSessionDescription::default();
                rollback.sdp_type = RTCSdpType::Rollback;
                self.set_local(rollback, "rolling our offer back").await
            }
        }
    }

    async fn set_local(&self, description: RTCSessionDescription, step: &str) -> Result<(), String> {
        self.peer.set_local_description(description).await.map_err(|error| failed(step, &error))
    }

    async fn set_remote(
        &self,
        parsed: Result<RTCSessionDescription, Error>,
        kind: &str,
    ) -> Result<(), String> {
        let description = parsed.map_err(|error| failed(&format!("reading the peer's {kind}"), &error))?;
        let set = self.peer.set_remote_description(description).await;
        set.map_err(|error| failed(&format!("applying the peer's {kind}"), &error))
    }

    async fn add_ready(&self, candidates: Vec<IceCandidate>) {
        for candidate in candidates.into_iter().filter_map(incoming) {
            if let Err(error) = self.peer.add_ice_candidate(candidate).await {
                tracing::debug!(%error, "dropped a candidate of the peer");
            }
        }
    }
}

/// Returns the reason of a failed step.
pub(crate) fn failed(step: &str, error: &Error) -> String {
    format!("{step} failed: {error}")
}
