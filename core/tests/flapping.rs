//! A link that is repaired and breaks at once: the retry budget paces its repairs, but never those of a moving host.

#[path = "scripts/policies.rs"]
#[allow(dead_code)]
mod policies;

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use rejoin_core::message::{ChannelMessage, Hello, RejoinHello};
use rejoin_core::network::{DefaultRoute, Interface};
use rejoin_core::port::{PeerAction, PeerEvent, SignalingAction, SignalingEvent};
use rejoin_core::sdp::{Description, SdpType};
use rejoin_core::{
    Command, Event, Generation, IceConnectionState, Identity, Input, NetworkSnapshot, Output, SessionId,
    Settings, SignalingAddress, SignalingMessage, StreamId, Supervisor,
};

/// What breaks the link as soon as it is verified.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble {
    ChannelCloses,
    NetworkSwitches,
}

/// Returns the pauses before the repairs of a link that breaks whenever it is up, in a minute in which nothing else
/// takes time.
fn pauses(trouble: Trouble) -> Vec<Duration> {
    let start = Instant::now();
    let mut now = start;
    let settings = Settings::new(Identity(1), "wss://one.test");
    let mut machine = Supervisor::new(settings, policies::policies(10), now);
    let mut inputs =
        VecDeque::from([Input::Network(network(0)), Input::Command(Command::View(StreamId("cam".into())))]);
    let (mut pauses, mut sessions, mut troubles, mut newest) = (Vec::new(), 0, 0, Generation(0));
    while now < start + Duration::from_secs(60) && pauses.len() < 2_000 {
        let input = inputs.pop_front().unwrap_or_else(|| {
            now = machine.next_timeout().map_or(now, |(at, _)| at.max(now));
            Input::Timeout
        });
        machine.handle_input(input, now);
        while let Some(output) = machine.poll_output() {
            match output {
                Output::Signaling(socket, SignalingAction::Send(SignalingMessage::Play { .. })) => {
                    sessions += 1;
                    inputs
                        .push_back(Input::Signaling(socket, SignalingEvent::Received(offer(sessions, "u"))));
                }
                Output::Signaling(socket, SignalingAction::Send(SignalingMessage::RestartIce { .. })) => {
                    let restart = offer(sessions, &format!("u{}", pauses.len()));
                    inputs.push_back(Input::Signaling(socket, SignalingEvent::Received(restart)));
                }
                Output::Signaling(socket, SignalingAction::Open { .. }) => {
                    let opened = SignalingEvent::Opened { resumption: None, resumed: false };
                    inputs.push_back(Input::Signaling(socket, opened));
                }
                Output::Signaling(socket, SignalingAction::Ping) => {
                    inputs.push_back(Input::Signaling(socket, SignalingEvent::Pong));
                }
                Output::Peer(connection, action) => {
                    newest = newest.max(connection);
                    inputs.extend(answers(action).into_iter().map(|event| Input::Peer(connection, event)));
                }
                Output::Event(Event::Connected(_) | Event::Recovered(_)) if newest > Generation(0) => {
                    troubles += 1;
                    inputs.push_back(match trouble {
                        Trouble::ChannelCloses => Input::Peer(newest, PeerEvent::ChannelClosed),
                        Trouble::NetworkSwitches => Input::Network(network(troubles)),
                    });
                }
                Output::Event(Event::Repairing { link, after, .. }) => {
                    let is_peer = link.kind() == rejoin_core::Link::Peer;
                    pauses.extend(is_peer.then_some(after));
                }
                _ => {}
            }
        }
    }
    pauses
}

/// Returns what an engine and a peer say that do everything at once.
fn answers(action: PeerAction) -> Vec<PeerEvent> {
    match action {
        PeerAction::Accept(_) => vec![
            PeerEvent::LocalDescription(description(SdpType::Answer, "v")),
            PeerEvent::IceConnectionState(IceConnectionState::Connected),
            PeerEvent::ChannelOpen,
        ],
        PeerAction::Send { message: ChannelMessage::Ping(token), .. } => {
            vec![PeerEvent::Received(ChannelMessage::Pong(token))]
        }
        PeerAction::Send { message: ChannelMessage::Hello(_), .. } => {
            let rejoin = RejoinHello { identity: Identity(2), address: None, delivery: None, spares: false };
            vec![PeerEvent::Received(ChannelMessage::Hello(Hello { label: None, rejoin: Some(rejoin) }))]
        }
        _ => Vec::new(),
    }
}

fn offer(number: u32, ufrag: &str) -> SignalingMessage {
    SignalingMessage::Description {
        address: Some(SignalingAddress("u1".into())),
        session: Some(SessionId(format!("s{number}").into())),
        stream: Some(StreamId("cam".into())),
        description: description(SdpType::Offer, ufrag),
    }
}

fn description(sdp_type: SdpType, ufrag: &str) -> Description {
    Description { sdp_type, sdp: format!("a=ice-ufrag:{ufrag}\r\na=fingerprint:f\r\n") }
}

fn network(number: usize) -> NetworkSnapshot {
    let interface = Interface { carrier: true, addresses: BTreeSet::from([[10, 0, 0, 1].into()]) };
    let name = |number: usize| format!("if{}", number % 2);
    NetworkSnapshot {
        interfaces: (0..2).map(|number| (name(number), interface.clone())).collect(),
        default_v4: Some(DefaultRoute { interface: name(number), source: None }),
        default_v6: None,
    }
}

#[test]
fn a_link_that_breaks_at_once_is_repaired_twice_a_second_at_most() {
    let pauses = pauses(Trouble::ChannelCloses);
    assert!(pauses[..64].iter().all(Duration::is_zero), "{pauses:?}");
    assert!((64..=65 + 2 * 60).contains(&pauses.len()), "{} repairs in a minute", pauses.len());
}

#[test]
fn a_network_that_switches_without_end_never_waits_for_the_budget() {
    let pauses = pauses(Trouble::NetworkSwitches);
    assert!(pauses.len() > 32 && pauses.iter().all(Duration::is_zero), "{pauses:?}");
}
