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

/// Creates an offer that is yet to be set, and returns it with how it travels.
pub(crate) async fn offer(
    peer: &dyn PeerConnection,
    offer: Offer,
) -> Result<(RTCSessionDescription, Description), String> {
    let options = RTCOfferOptions { ice_restart: offer == Offer::RestartIce };
    let created =
        peer.create_offer(Some(options)).await.map_err(|error| failed("creating an offer", &error))?;
    let sdp = match offer {
        Offer::First => created.sdp.clone(),
        Offer::RestartIce => without_candidates(&created.sdp),
    };
    Ok((created, Description { sdp_type: SdpType::Offer, sdp }))
}

/// Sets our offer, which begins gathering and, in a restart, ends the old path.
pub(crate) async fn set_offer(peer: &dyn PeerConnection, offer: RTCSessionDescription) -> Result<(), String> {
    peer.set_local_description(offer).await.map_err(|error| failed("setting our offer", &error))
}

/// Applies the peer's offer and returns our answer.
pub(crate) async fn answer(peer: &dyn PeerConnection, sdp: &str) -> Result<Description, String> {
    let offer = RTCSessionDescription::offer(without_media(sdp))
        .map_err(|error| failed("reading the peer's offer", &error))?;
    peer.set_remote_description(offer).await.map_err(|error| failed("applying the peer's offer", &error))?;
    let answer = peer.create_answer(None).await.map_err(|error| failed("creating an answer", &error))?;
    let sdp = answer.sdp.clone();
    peer.set_local_description(answer).await.map_err(|error| failed("setting our answer", &error))?;
    Ok(Description { sdp_type: SdpType::Answer, sdp })
}

/// Applies the peer's answer to our offer.
pub(crate) async fn accept_answer(peer: &dyn PeerConnection, sdp: &str) -> Result<(), String> {
    let answer = RTCSessionDescription::answer(sdp.to_owned())
        .map_err(|error| failed("reading the peer's answer", &error))?;
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

/// Makes the media sections of an offer inactive.
///
/// The engine knows no codec and declines them; but where one announces a track without its sources, as
/// simulcast does, it would fail the whole answer.
fn without_media(sdp: &str) -> String {
    let mut fate = Fate::Kept;
    let mut changed = String::with_capacity(sdp.len());
    for line in sdp.split_inclusive('\n') {
        if line.starts_with("m=") {
            fate = if line.starts_with("m=application") { Fate::Kept } else { Fate::Media };
        }
        if fate == Fate::Media && line.starts_with("a=") {
            fate = Fate::Inactive;
            changed.push_str("a=inactive\r\n");
        }
        if fate != Fate::Inactive || !announces_media(line) {
            changed.push_str(line);
        }
    }
    changed
}

/// What becomes of the section that a line belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Kept,
    Media,
    Inactive,
}

fn announces_media(line: &str) -> bool {
    const TRACKS: [&str; 4] = ["a=msid:", "a=ssrc", "a=rid:", "a=simulcast:"];
    const DIRECTIONS: [&str; 4] = ["a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive"];
    TRACKS.iter().any(|track| line.starts_with(track)) || DIRECTIONS.contains(&line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_becomes_inactive_and_the_channel_stays() {
        let channel = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=sendrecv\r\na=mid:d\r\n";
        let video = "v=0\r\na=sendrecv\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\n";
        let tracks = "a=msid:camera v\r\na=ssrc:1 cname:c\r\na=rid:hi send\r\na=simulcast:send hi\r\n";
        let sdp = format!("{video}a=mid:v\r\na=sendonly\r\n{tracks}{channel}");
        let expected = format!("{video}a=inactive\r\na=mid:v\r\n{channel}");
        assert_eq!(without_media(&sdp), expected);
    }

    #[test]
    fn a_restart_carries_no_old_candidates() {
        let sdp = "v=0\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\na=mid:0\r\na=end-of-candidates\r\n";
        assert_eq!(without_candidates(sdp), "v=0\r\na=mid:0\r\n");
    }
}
