//! Descriptions of other clients: with media beside the data channel, or with a wrong fingerprint.

use rejoin_core::port::{PeerAction, PeerEvent};
use rejoin_core::sdp::Description;
use rejoin_core::{IceConnectionState, IceTransportPolicy};

use crate::pair::{Pair, Side, setup};
use crate::sending::echo;

#[tokio::test]
async fn offered_media_is_declined_and_the_channel_opens() {
    let mut pair = Pair::new();
    pair.create(setup);
    until_each_with(&mut pair, with_camera, |event| *event == PeerEvent::ChannelOpen).await;
    echo(&mut pair).await;
}

#[tokio::test]
async fn media_in_a_later_offer_leaves_the_channel_open() {
    let mut pair = Pair::open().await;
    for _ in 0..2 {
        pair.perform(Side::Offerer, PeerAction::RestartIce(IceTransportPolicy::All));
        let connected = PeerEvent::IceConnectionState(IceConnectionState::Connected);
        until_each_with(&mut pair, with_camera_added, |event| *event == connected).await;
        echo(&mut pair).await;
    }
}

#[tokio::test]
async fn an_offer_replaces_our_unanswered_offer() {
    let mut pair = Pair::open().await;
    // Both sides of a real pair never offer, so a third connection provides the offer.
    let mut other = Pair::new();
    other.create(setup);
    let mut offer = None;
    other
        .until(|_, event| {
            if let PeerEvent::LocalDescription(description) = event {
                offer = Some(description.clone());
            }
            offer.is_some()
        })
        .await;
    pair.perform(Side::Offerer, PeerAction::RestartIce(IceTransportPolicy::All));
    pair.perform(Side::Offerer, PeerAction::Accept(offer.expect("an offer was seen")));
    loop {
        let (side, event) = pair.next().await;
        assert!(!matches!(event, PeerEvent::Failed { .. }), "{side:?} {event:?}");
        if let (Side::Offerer, PeerEvent::LocalDescription(description)) = (side, event)
            && description.sdp_type == rejoin_core::sdp::SdpType::Answer
        {
            break;
        }
    }
}

#[tokio::test]
async fn a_wrong_fingerprint_fails_the_connection() {
    let mut pair = Pair::new();
    pair.create(setup);
    let reason = loop {
        match pair.next().await {
            (Side::Offerer, PeerEvent::LocalDescription(offer)) => {
                pair.perform(Side::Answerer, PeerAction::Accept(with_wrong_fingerprint(&offer)));
            }
            (_, PeerEvent::Failed { reason }) => break reason,
            (side, event) => {
                assert_ne!(event, PeerEvent::ChannelOpen);
                pair.carry(side, event);
            }
        }
    };
    assert!(reason.contains("the DTLS handshake failed"), "{reason}");
}

/// Carries everything, offers changed by `edit` and answers without the media that it added.
async fn until_each_with(
    pair: &mut Pair,
    edit: fn(&Description) -> Description,
    wanted: impl Fn(&PeerEvent) -> bool,
) {
    let mut missing = Side::BOTH.to_vec();
    while !missing.is_empty() {
        let (side, event) = pair.next().await;
        if wanted(&event) {
            missing.retain(|other| *other != side);
        }
        match (side, event) {
            (Side::Offerer, PeerEvent::LocalDescription(offer)) => {
                pair.perform(Side::Answerer, PeerAction::Accept(edit(&offer)));
            }
            (Side::Answerer, PeerEvent::LocalDescription(answer)) => {
                assert_eq!(answer.sdp.matches("m=video 0 ").count(), 1, "declined in {}", answer.sdp);
                pair.perform(Side::Offerer, PeerAction::Accept(without_camera(&answer)));
            }
            (_, PeerEvent::Failed { reason }) => panic!("{side:?} failed: {reason}"),
            (_, event) => pair.carry(side, event),
        }
    }
}

/// Puts media sections before the data channel, as a publisher with a camera does.
fn with_camera(offer: &Description) -> Description {
    let (session, channel) = offer.sdp.split_once("m=application").expect("a data channel");
    let session = session.replace("a=group:BUNDLE 0", "a=group:BUNDLE v a 0");
    Description { sdp: format!("{session}{}m=application{channel}", camera(channel)), ..offer.clone() }
}

/// Puts media sections after the data channel, as a publisher does that turns a camera on later.
fn with_camera_added(offer: &Description) -> Description {
    let session = offer.sdp.replace("a=group:BUNDLE 0", "a=group:BUNDLE 0 v a");
    Description { sdp: format!("{session}{}", camera(&offer.sdp)), ..offer.clone() }
}

fn camera(channel: &str) -> String {
    let transport: String = channel
        .split_inclusive("\r\n")
        .filter(|line| line.starts_with("a=ice-") || line.starts_with("a=setup"))
        .collect();
    let section = |kind: &str, mid: &str, codec: &str| {
        format!(
            "m={kind} 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n{transport}\
             a=mid:{mid}\r\na=sendonly\r\na=msid:camera {mid}\r\na=rtcp-mux\r\na=rtpmap:96 {codec}\r\n"
        )
    };
    section("video", "v", "VP8/90000") + &section("audio", "a", "opus/48000/2")
}

/// Removes the media sections from an answer, so that our own offerer accepts it.
fn without_camera(answer: &Description) -> Description {
    let mut sections = answer.sdp.split("m=");
    let session = sections.next().expect("a session part");
    let channel = sections.find(|section| section.starts_with("application")).expect("a data channel");
    Description { sdp: format!("{session}m={channel}"), ..answer.clone() }
}

fn with_wrong_fingerprint(offer: &Description) -> Description {
    let fingerprint = offer.fingerprint().expect("a fingerprint");
    let (algorithm, bytes) = fingerprint.split_once(' ').expect("an algorithm");
    let mirrored: String = bytes.chars().rev().collect();
    Description { sdp: offer.sdp.replace(fingerprint, &format!("{algorithm} {mirrored}")), ..offer.clone() }
}
