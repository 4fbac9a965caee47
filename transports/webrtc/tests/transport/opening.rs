//! How connections open, and what prevents it.

use std::time::{Duration, Instant};

use rejoin_core::port::{PeerAction, PeerEvent};
use rejoin_core::sdp::{Description, SdpType};
use rejoin_core::{IceCandidate, IceConnectionState};

use crate::pair::{Pair, Side, setup, setup_with};
use crate::sending::echo;

#[tokio::test]
async fn opens_and_carries_messages_both_ways() {
    let mut pair = Pair::open().await;
    echo(&mut pair).await;
}

#[tokio::test]
async fn opens_on_the_addresses_of_the_setup() {
    let mut pair = Pair::new();
    pair.create(|role| setup_with(role, |setup| setup.bind = vec!["127.0.0.1:0".to_owned()]));
    let mut seen = Vec::new();
    pair.until(|_, event| {
        if let PeerEvent::LocalCandidates(candidates) = event {
            seen.extend(candidates.iter().map(|candidate| candidate.candidate.clone()));
        }
        *event == PeerEvent::ChannelOpen
    })
    .await;
    assert!(!seen.is_empty() && seen.iter().all(|line| line.contains(" 127.0.0.1 ")), "{seen:?}");
}

#[tokio::test]
async fn candidates_carry_the_section_and_the_fragment() {
    let mut pair = Pair::new();
    pair.create(setup);
    let mut fragment = None;
    pair.until(|side, event| match (side, event) {
        (Side::Offerer, PeerEvent::LocalDescription(description)) => {
            fragment = description.ice_ufrag().map(str::to_owned);
            false
        }
        (Side::Offerer, PeerEvent::LocalCandidates(candidates)) => {
            let candidate = &candidates[0];
            assert_eq!(candidate.sdp_mid.as_deref(), Some("0"));
            assert_eq!(candidate.sdp_m_line_index, Some(0));
            assert_eq!(candidate.username_fragment, fragment);
            true
        }
        _ => false,
    })
    .await;
    assert!(fragment.is_some());
}

#[tokio::test]
async fn candidates_may_precede_the_description() {
    let mut pair = Pair::new();
    pair.create(setup);
    let mut held: Vec<(Side, PeerEvent)> = Vec::new();
    let mut open = 0;
    while open < 2 {
        let (side, event) = pair.next().await;
        match event {
            PeerEvent::LocalDescription(_) => held.push((side, event)),
            PeerEvent::LocalCandidates(_) => {
                pair.carry(side, event);
                for (side, description) in held.drain(..) {
                    pair.carry(side, description);
                }
            }
            PeerEvent::ChannelOpen => open += 1,
            _ => {}
        }
    }
}

#[tokio::test]
async fn malformed_candidates_are_ignored() {
    let mut pair = Pair::new();
    pair.create(setup);
    let garbage = [
        "",
        "candidate:",
        "nonsense",
        "candidate:1 1 udp 2130706431 not-an-address 9 typ host",
        "candidate:1 1 udp 2130706431 6f2f3b6e-6d0b-4d8b-9d4e-2f1c0a9b8c7d.local 50000 typ host",
        "candidate:1 1 udp 2130706431 192.0.2.77 99999999 typ host",
    ];
    let candidates: Vec<IceCandidate> = garbage
        .iter()
        .map(|line| IceCandidate { candidate: (*line).to_owned(), ..IceCandidate::default() })
        .collect();
    for side in Side::BOTH {
        pair.perform(side, PeerAction::AddCandidates(candidates.clone()));
    }
    pair.until_open().await;
    for side in Side::BOTH {
        pair.perform(side, PeerAction::AddCandidates(candidates.clone()));
    }
    echo(&mut pair).await;
}

#[tokio::test]
async fn a_malformed_description_fails_the_connection() {
    for (side, sdp_type) in [(Side::Answerer, SdpType::Offer), (Side::Offerer, SdpType::Answer)] {
        for sdp in ["", "garbage", "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"] {
            let mut pair = Pair::new();
            pair.create(setup);
            pair.perform(side, PeerAction::Accept(Description { sdp_type, sdp: sdp.to_owned() }));
            let reason = loop {
                let (from, event) = pair.next().await;
                if let (true, PeerEvent::Failed { reason }) = (from == side, event) {
                    break reason;
                }
            };
            assert!(reason.contains("the peer's"), "{reason}");
        }
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_bound_fails_the_connection() {
    let mut pair = Pair::new();
    pair.create(|role| setup_with(role, |setup| setup.bind = vec!["192.0.2.200:0".to_owned()]));
    let (_, event) = pair.next().await;
    let PeerEvent::Failed { reason } = event else { panic!("unexpected {event:?}") };
    assert!(reason.starts_with("creating a peer connection failed"), "{reason}");
}

#[tokio::test]
async fn a_repeated_answer_is_ignored() {
    let mut pair = Pair::new();
    pair.create(setup);
    let mut answer = None;
    let mut open = 0;
    pair.until(|side, event| {
        if let (Side::Answerer, PeerEvent::LocalDescription(description)) = (side, event) {
            answer = Some(description.clone());
        }
        open += usize::from(*event == PeerEvent::ChannelOpen);
        open == 2
    })
    .await;
    pair.perform(Side::Offerer, PeerAction::Accept(answer.expect("an answer was seen")));
    echo(&mut pair).await;
}

#[tokio::test]
async fn checks_without_an_answer_fail() {
    let mut pair = Pair::new();
    pair.answerer.faults().block_datagrams();
    pair.create(|role| {
        setup_with(role, |setup| {
            setup.ice_disconnected_timeout = Duration::from_millis(500);
            setup.ice_failed_timeout = Duration::from_millis(500);
            setup.ice_checking_timeout = Duration::from_secs(2);
        })
    });
    let start = Instant::now();
    pair.until_each(|event| *event == PeerEvent::IceConnectionState(IceConnectionState::Failed)).await;
    assert!(start.elapsed() >= Duration::from_millis(1900), "gave up after {:?}", start.elapsed());
}
