//! Offers and answers: what the engine is asked to do for each description.

use rejoin_core::sdp::{Description, SdpType};
use rtc::peer_connection::configuration::RTCOfferOptions;
use webrtc::error::Error;
use webrtc::peer_connection::{PeerConnection, RTCSdpType, RTCSessionDescription};

/// What an offer does to ICE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// Opens a connection.
    First,
    /// Gathers and checks anew.
    RestartIce,
}

/// Creates an offer, sets it and returns it as it travels.
pub(crate) async fn offer(peer: &dyn PeerConnection, offer: Offer) -> Result<Description, String> {
    let options = RTCOfferOptions { ice_restart: offer == Offer::RestartIce };
    let description =
        peer.create_offer(Some(options)).await.map_err(|error| failed("creating an offer", &error))?;
    let mut sdp = description.sdp.clone();
    peer.set_local_description(description).await.map_err(|error| failed("setting our offer", &error))?;
    if offer == Offer::RestartIce {
        sdp = without_candidates(&sdp);
    }
    Ok(Description { sdp_type: SdpType::Offer, sdp })
}

/// Applies the peer's offer and returns our answer.
pub(crate) async fn answer(peer: &dyn PeerConnection, sdp: String) -> Result<Description, String> {
    let offer =
        RTCSessionDescription::offer(sdp).map_err(|error| failed("reading the peer's offer", &error))?;
    peer.set_remote_description(offer).await.map_err(|error| failed("applying the peer's offer", &error))?;
    let answer = peer.create_answer(None).await.map_err(|error| failed("creating an answer", &error))?;
    let sdp = answer.sdp.clone();
    peer.set_local_description(answer).await.map_err(|error| failed("setting our answer", &error))?;
    Ok(Description { sdp_type: SdpType::Answer, sdp })
}

/// Applies the peer's answer to our offer.
pub(crate) async fn accept_answer(peer: &dyn PeerConnection, sdp: String) -> Result<(), String> {
    let answer =
        RTCSessionDescription::answer(sdp).map_err(|error| failed("reading the peer's answer", &error))?;
    peer.set_remote_description(answer).await.map_err(|error| failed("applying the peer's answer", &error))
}

/// Takes our unanswered offer back, so that the peer's can be applied.
pub(crate) async fn roll_back(peer: &dyn PeerConnection) -> Result<(), String> {
    let mut rollback = RTCSessionDescription::default();
    rollback.sdp_type = RTCSdpType::Rollback;
    peer.set_local_description(rollback).await.map_err(|error| failed("taking our offer back", &error))
}

/// Returns the reason of a failed step.
pub(crate) fn failed(step: &str, error: &Error) -> String {
    format!("{step} failed: {error}")
}

/// Leaves the candidates of the last generation out of a restart's offer; the new ones travel by themselves.
fn without_candidates(sdp: &str) -> String {
    let obsolete =
        |line: &&str| !line.starts_with("a=candidate:") && !line.starts_with("a=end-of-candidates");
    sdp.split_inclusive('\n').filter(obsolete).collect()
}
