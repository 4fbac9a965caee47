//! A link to a viewer belongs to one identity, and a store holds the messages of an identity once.

use std::collections::BTreeMap;

use super::*;
use crate::delivery::{DeliveryFrame, DeliveryHello, Epoch};
use crate::id::{SessionId, StreamId};
use crate::input::{Command, Recipient};
use crate::message::{ChannelMessage, Hello, Payload, RejoinHello, SignalingMessage, Token};
use crate::port::PeerAction;
use crate::sdp::SdpType;
use crate::supervisor::tests::words;

#[test]
fn a_hello_with_another_identity_ends_the_link() {
    let mut process = Process::publishing();
    let first = process.viewer(0);
    process.hello(first, 2, Some(Durability::Durable));
    let second = process.viewer(1);
    process.hello(second, 3, None);
    let ended = process.hello(second, 2, Some(Durability::Durable));
    assert!(closes(&ended, second));
    assert_eq!(numbered(&process.send()), [(first, 1)]);
}

#[test]
fn messages_for_an_absent_viewer_stay_out_of_the_link_of_another() {
    let mut process = Process::publishing();
    let first = process.viewer(0);
    process.hello(first, 2, Some(Durability::Durable));
    process.send();
    process.peer(first, PeerEvent::Received(ChannelMessage::Bye));
    let second = process.viewer(1);
    process.hello(second, 3, None);
    process.hello(second, 2, Some(Durability::Durable));
    assert_eq!(numbered(&process.send()), []);
    // the viewer asks again, and gets what waited for it
    let again = process.viewer(1);
    assert_eq!(numbered(&process.hello(again, 2, Some(Durability::Durable))), [(again, 1), (again, 2)]);
}

#[test]
fn a_late_hello_does_not_make_a_second_link_to_a_viewer() {
    let mut process = Process::publishing();
    let first = process.viewer(0);
    process.hello(first, 2, Some(Durability::Durable));
    let second = process.viewer(1);
    process.pong(second);
    let ended = process.hello(second, 2, Some(Durability::Durable));
    assert!(closes(&ended, second));
    assert_eq!(numbered(&process.send()), [(first, 1)]);
}

#[test]
fn a_publisher_is_not_taken_for_a_viewer_of_the_same_stream() {
    let mut process = Process::publishing();
    let viewer = process.viewer(0);
    process.hello(viewer, 2, Some(Durability::Durable));
    process.happen(Input::Command(Command::View(stream())));
    process.send();
    let publisher = process.publisher();
    process.hello(publisher, 2, Some(Durability::Durable));
    assert_eq!(process.machine.peers.keys().count(), 2);
    process.happen(Input::Command(Command::Unview(stream())));
    process.happen(Input::Command(Command::View(stream())));
}

/// A process with durable delivery, whose store is compared with it after every input.
struct Process {
    machine: Supervisor,
    disk: Disk,
    now: Instant,
    /// The connection that was created last.
    newest: Generation,
    pings: BTreeMap<Generation, Token>,
}

impl Process {
    /// Returns a process that publishes a stream and has signaling.
    fn publishing() -> Self {
        let now = Instant::now();
        let settings =
            Settings { durability: Durability::Durable, membership: Membership::ServerListed, ..settings(0) };
        let machine = Supervisor::new(settings, answers::policies(0), now);
        let (disk, newest) = (Disk::default(), Generation(0));
        let mut process = Self { machine, disk, now, newest, pings: BTreeMap::new() };
        process.happen(Input::Command(Command::Publish(stream())));
        let opened = SignalingEvent::Opened { resumption: None, resumed: false };
        process.happen(Input::Signaling(Generation(1), opened));
        process.happen(Input::Signaling(Generation(1), SignalingEvent::Pong));
        process
    }

    fn happen(&mut self, input: Input) -> Vec<Output> {
        self.machine.handle_input(input, self.now);
        let outputs: Vec<Output> = std::iter::from_fn(|| self.machine.poll_output()).collect();
        self.disk.check(&self.machine, &outputs).unwrap();
        for output in &outputs {
            match output {
                Output::Peer(generation, PeerAction::Create(_)) => self.newest = *generation,
                Output::Peer(generation, PeerAction::Send { message: ChannelMessage::Ping(token), .. }) => {
                    _ = self.pings.insert(*generation, token.clone())
                }
                _ => {}
            }
        }
        outputs
    }

    fn server(&mut self, message: SignalingMessage) {
        self.happen(Input::Signaling(Generation(1), SignalingEvent::Received(message)));
    }

    fn peer(&mut self, generation: Generation, event: PeerEvent) -> Vec<Output> {
        self.happen(Input::Peer(generation, event))
    }

    /// Connects a viewer that has not said hello.
    fn viewer(&mut self, number: u8) -> Generation {
        let address = words::address(number);
        self.server(SignalingMessage::OfferRequested { address: address.clone(), stream: Some(stream()) });
        let connection = self.newest;
        self.peer(connection, PeerEvent::LocalDescription(words::describe(SdpType::Offer, 9, 0)));
        let links = || self.machine.peers.values();
        let found = links().find_map(|link| link.connectivity.connections.by_generation(connection));
        let session = found.map(|found| found.session.clone());
        self.server(SignalingMessage::Description {
            address: Some(address),
            session,
            stream: None,
            description: words::describe(SdpType::Answer, number, 0),
        });
        self.connect(connection)
    }

    /// Connects the publisher of the stream, which has not said hello.
    fn publisher(&mut self) -> Generation {
        self.server(words::offer(3, SessionId("p".into()), Some(stream()), 0));
        let connection = self.newest;
        self.peer(connection, PeerEvent::LocalDescription(words::describe(SdpType::Answer, 9, 0)));
        self.connect(connection)
    }

    fn connect(&mut self, connection: Generation) -> Generation {
        self.peer(connection, PeerEvent::IceConnectionState(crate::ice::IceConnectionState::Connected));
        self.peer(connection, PeerEvent::ChannelOpen);
        connection
    }

    /// Lets the peer say hello and answer the last ping.
    fn hello(
        &mut self,
        connection: Generation,
        identity: u128,
        durability: Option<Durability>,
    ) -> Vec<Output> {
        let delivery = durability.map(|durability| DeliveryHello {
            epoch: Epoch(identity as u64),
            received: None,
            durability,
        });
        let rejoin = RejoinHello { identity: Identity(identity), address: None, delivery, spares: false };
        let hello = ChannelMessage::Hello(Hello { label: None, rejoin: Some(rejoin) });
        let mut outputs = self.peer(connection, PeerEvent::Received(hello));
        outputs.extend(self.pong(connection));
        outputs
    }

    fn pong(&mut self, connection: Generation) -> Vec<Output> {
        let Some(token) = self.pings.get(&connection).cloned() else { return Vec::new() };
        self.peer(connection, PeerEvent::Received(ChannelMessage::Pong(token)))
    }

    fn send(&mut self) -> Vec<Output> {
        let payload = Payload("1".into());
        self.happen(Input::Command(Command::Send { to: Recipient::Everyone, payload }))
    }
}

fn closes(outputs: &[Output], connection: Generation) -> bool {
    outputs.iter().any(|output| matches!(output, Output::Peer(one, PeerAction::Close) if *one == connection))
}

/// Returns the numbered messages among the outputs.
fn numbered(outputs: &[Output]) -> Vec<(Generation, u64)> {
    let numbered = outputs.iter().filter_map(|output| match output {
        Output::Peer(
            generation,
            PeerAction::Send {
                message: ChannelMessage::Delivery(DeliveryFrame::Message { sequence, .. }),
                ..
            },
        ) => Some((*generation, *sequence)),
        _ => None,
    });
    numbered.collect()
}

fn stream() -> StreamId {
    StreamId("s0".into())
}
