//! ICE restarts, which the channel survives.

use std::time::Duration;

use rejoin_core::port::{PeerAction, PeerEvent};
use rejoin_core::sdp::Description;
use rejoin_core::{IceConnectionState, IceTransportPolicy};

use crate::pair::{Pair, Side, description_message, setup, setup_with, text_message};
use crate::sending::echo;

const CONNECTED: PeerEvent = PeerEvent::IceConnectionState(IceConnectionState::Connected);

#[tokio::test]
async fn a_restart_keeps_the_channel() {
    let mut pair = Pair::open().await;
    for _ in 0..3 {
        echo(&mut pair).await;
        pair.perform(Side::Offerer, PeerAction::RestartIce(IceTransportPolicy::All));
        pair.until_each(|event| {
            assert!(!matches!(event, PeerEvent::ChannelClosed | PeerEvent::ChannelOpen), "{event:?}");
            *event == CONNECTED
        })
        .await;
    }
    echo(&mut pair).await;
}

#[tokio::test]
async fn a_restart_offers_new_credentials_and_no_old_candidates() {
    let mut pair = Pair::new();
    pair.create(setup);
    let mut offers = Vec::new();
    let mut keep = |side, event: &PeerEvent| {
        if let (Side::Offerer, PeerEvent::LocalDescription(offer)) = (side, event) {
            offers.push(offer.clone());
        }
        offers.len()
    };
    pair.until(|side, event| {
        keep(side, event);
        *event == PeerEvent::ChannelOpen
    })
    .await;
    pair.perform(Side::Offerer, PeerAction::RestartIce(IceTransportPolicy::All));
    pair.until(|side, event| keep(side, event) == 2).await;
    assert_ne!(offers[0].ice_ufrag(), offers[1].ice_ufrag());
    assert_eq!(offers[0].fingerprint(), offers[1].fingerprint());
    assert!(!offers[1].sdp.contains("a=candidate:"), "{}", offers[1].sdp);
}

#[tokio::test]
async fn the_old_path_carries_data_until_a_restart_is_answered() {
    let mut pair = Pair::open().await;
    pair.perform(Side::Offerer, PeerAction::RestartIce(IceTransportPolicy::All));
    let (side, offer) = loop {
        let (side, event) = pair.next().await;
        if let (Side::Offerer, PeerEvent::LocalDescription(_)) = (side, &event) {
            break (side, event);
        }
    };
    echo(&mut pair).await;
    pair.carry(side, offer);
    pair.until_each(|event| *event == CONNECTED).await;
    echo(&mut pair).await;
}

#[tokio::test]
async fn an_offer_over_the_channel_is_held_for_the_messages_behind_it() {
    let mut pair = Pair::open().await;
    pair.perform(Side::Offerer, PeerAction::RestartIce(IceTransportPolicy::All));
    let offer = description_of(&mut pair, Side::Offerer).await;

    send_and_follow(&mut pair, Side::Offerer, &offer).await;
    loop {
        match pair.next().await {
            (Side::Answerer, PeerEvent::Received(message)) if message == text_message("follows") => break,
            (Side::Answerer, event @ PeerEvent::LocalDescription(_)) => {
                panic!("answered too early: {event:?}")
            }
            (side, event) => pair.carry(side, event),
        }
    }

    pair.until_each(|event| *event == CONNECTED).await;
    echo(&mut pair).await;
}

#[tokio::test]
async fn an_answer_over_the_channel_is_held_for_the_messages_behind_it() {
    let mut pair = Pair::open().await;
    pair.perform(Side::Offerer, PeerAction::RestartIce(IceTransportPolicy::All));
    let offer = description_of(&mut pair, Side::Offerer).await;
    // Our answerer leaves the path when it answers, so a third connection provides the answer.
    let mut other = Pair::new();
    other.create(setup);
    other.perform(Side::Answerer, PeerAction::Accept(offer));
    let answer = description_of(&mut other, Side::Answerer).await;

    send_and_follow(&mut pair, Side::Answerer, &answer).await;
    loop {
        match pair.next().await {
            (Side::Offerer, PeerEvent::Received(message)) if message == text_message("follows") => break,
            (Side::Offerer, event @ PeerEvent::IceConnectionState(_)) => {
                panic!("applied too early: {event:?}")
            }
            (Side::Offerer | Side::Answerer, _) => {}
        }
    }
}

/// Sends `description` over the channel, has the other side accept it, and sends a message after it.
async fn send_and_follow(pair: &mut Pair, from: Side, description: &Description) {
    let message = description_message(description.sdp_type, &description.sdp);
    pair.perform(from, PeerAction::Send { tag: 1, message: message.clone() });
    let received = PeerEvent::Received(message);
    while pair.next().await != (from.other(), received.clone()) {}
    pair.perform(from.other(), PeerAction::Accept(description.clone()));
    pair.send(from, 2, "follows");
}

/// Returns the next description of one side, which is not carried over.
async fn description_of(pair: &mut Pair, wanted: Side) -> Description {
    loop {
        if let (side, PeerEvent::LocalDescription(description)) = pair.next().await
            && side == wanted
        {
            return description;
        }
    }
}

#[tokio::test]
async fn a_restart_may_be_repeated_before_its_answer() {
    let mut pair = Pair::open().await;
    pair.perform(Side::Offerer, PeerAction::RestartIce(IceTransportPolicy::All));
    loop {
        // The first offer is lost.
        if let (Side::Offerer, PeerEvent::LocalDescription(_)) = pair.next().await {
            break;
        }
    }
    pair.perform(Side::Offerer, PeerAction::RestartIce(IceTransportPolicy::All));
    pair.until_each(|event| *event == CONNECTED).await;
    echo(&mut pair).await;
}

#[tokio::test]
async fn a_restart_may_come_before_the_first_answer() {
    let mut pair = Pair::new();
    pair.create(setup);
    pair.perform(Side::Offerer, PeerAction::RestartIce(IceTransportPolicy::All));
    let mut offers = 0;
    loop {
        let (side, event) = pair.next().await;
        match (side, &event) {
            (Side::Offerer, PeerEvent::LocalDescription(_)) => {
                offers += 1;
                // The first offer is lost.
                if offers == 1 {
                    continue;
                }
            }
            (_, PeerEvent::ChannelOpen) => break,
            _ => {}
        }
        pair.carry(side, event);
    }
    assert_eq!(offers, 2);
}

#[tokio::test]
async fn a_restart_may_change_the_policy() {
    let mut pair = Pair::open().await;
    // Without a relay no candidate is gathered, so the change shows as an absence of candidates.
    pair.perform(Side::Offerer, PeerAction::RestartIce(IceTransportPolicy::Relay));
    let mut relayed = Vec::new();
    pair.until(|side, event| {
        if let (Side::Offerer, PeerEvent::LocalCandidates(candidates)) = (side, event) {
            relayed.extend(candidates.clone());
        }
        side == Side::Answerer && matches!(event, PeerEvent::LocalCandidates(_))
    })
    .await;
    assert_eq!(relayed, []);
    pair.perform(Side::Offerer, PeerAction::RestartIce(IceTransportPolicy::All));
    pair.until_each(|event| *event == CONNECTED).await;
    echo(&mut pair).await;
}

#[tokio::test]
async fn a_restart_revives_a_failed_connection() {
    let mut pair = Pair::new();
    pair.create(|role| {
        setup_with(role, |setup| {
            setup.ice_disconnected_timeout = Duration::from_millis(800);
            setup.ice_failed_timeout = Duration::from_millis(800);
            setup.ice_checking_timeout = Duration::from_millis(1600);
        })
    });
    pair.until_open().await;
    pair.answerer.faults().block_datagrams();
    pair.until_each(|event| *event == PeerEvent::IceConnectionState(IceConnectionState::Failed)).await;
    pair.answerer.faults().unblock_datagrams();
    pair.perform(Side::Offerer, PeerAction::RestartIce(IceTransportPolicy::All));
    pair.until_each(|event| *event == CONNECTED).await;
    echo(&mut pair).await;
}
