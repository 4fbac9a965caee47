//! The intent on servers that list nobody: names, streams and rooms are announced, and a ghost is outwaited.

use super::*;
use crate::id::{RoomId, SessionId, SignalingAddress, StreamId};
use crate::input::Command;
use crate::message::{AlertKind, Member, SignalingMessage};
use crate::port::{PeerAction, SignalingAction};

/// The retries of this seed's policies come a second apart and never end.
const SEED: u64 = 0;

/// A machine on an open and proven socket, and the time.
struct Client {
    machine: Supervisor,
    now: Instant,
    socket: Generation,
}

impl Client {
    /// Connects with a intent and returns what was said to the server.
    fn connect(intent: Vec<Command>) -> (Self, Vec<SignalingMessage>) {
        let now = Instant::now();
        let settings = Settings { membership: Membership::SelfAnnounced, ..settings(SEED) };
        let machine = Supervisor::new(settings, answers::policies(SEED), now);
        let mut client = Self { machine, now, socket: Generation(1) };
        for command in intent {
            client.happen(Input::Command(command));
        }
        let said = client.reopen();
        (client, said)
    }

    /// Gives the machine the socket that it asked for.
    fn reopen(&mut self) -> Vec<SignalingMessage> {
        let mut said = self.receive(SignalingEvent::Opened { resumption: None, resumed: false });
        said.extend(self.receive(SignalingEvent::Pong));
        said
    }

    fn receive(&mut self, event: SignalingEvent) -> Vec<SignalingMessage> {
        said(&self.happen(Input::Signaling(self.socket, event)))
    }

    fn refused(&mut self, kind: AlertKind) -> Vec<SignalingMessage> {
        self.receive(SignalingEvent::Received(SignalingMessage::Alert { kind, text: String::new() }))
    }

    fn happen(&mut self, input: Input) -> Vec<Output> {
        self.machine.handle_input(input, self.now);
        let outputs: Vec<Output> = std::iter::from_fn(|| self.machine.poll_output()).collect();
        for output in &outputs {
            if let Output::Signaling(generation, SignalingAction::Open { .. }) = output {
                self.socket = *generation;
            }
        }
        outputs
    }

    /// Lets the time come at which the claim is repeated.
    fn claim_again(&mut self) -> Vec<SignalingMessage> {
        let reseed = self.machine.context.timers.due(self.now + ms(60_000));
        let (at, _) = *reseed.iter().find(|(_, timer)| *timer == Timer::Reseed).unwrap();
        self.machine.context.timers.clear_all();
        self.machine.context.timers.set(Timer::Reseed, at, Duration::ZERO);
        self.now = at;
        said(&self.happen(Input::Timeout))
    }
}

#[test]
fn a_room_is_entered_with_the_stream_and_nothing_is_waited_for() {
    let (client, said) = Client::connect(vec![room(), publish("cam"), Command::View(stream("other"))]);
    assert_eq!(said, [join(Some("cam")), SignalingMessage::Play { stream: stream("other") }]);
    assert!(!client.machine.context.timers.is_set(&Timer::RoomJoin));
}

#[test]
fn a_viewer_outside_all_rooms_tells_its_name_even_if_it_misses_nothing() {
    let (mut client, said) = Client::connect(vec![Command::View(stream("cam"))]);
    assert_eq!(said.first(), Some(&SignalingMessage::Present));
    client.refused(AlertKind::UuidInUse);
    assert_eq!(client.claim_again(), [SignalingMessage::Present]);
}

#[test]
fn a_taken_name_or_stream_is_claimed_again_and_again() {
    let seed = SignalingMessage::Seed { stream: stream("cam") };
    for kind in [AlertKind::UuidInUse, AlertKind::StreamIdInUse] {
        for (intent, claim) in
            [(vec![publish("cam")], seed.clone()), (vec![room(), publish("cam")], join(Some("cam")))]
        {
            let (mut client, said) = Client::connect(intent);
            assert_eq!(said, std::slice::from_ref(&claim));
            for _ in 0..20 {
                client.refused(kind);
                client.refused(kind);
                assert_eq!(client.claim_again(), std::slice::from_ref(&claim));
            }
        }
    }
}

#[test]
fn members_offer_to_newcomers_and_leave_alone_whom_they_have() {
    let (mut client, _) = Client::connect(vec![room(), publish("cam")]);
    let newcomer = || {
        let member = Member { address: SignalingAddress("v".into()), stream: None };
        Input::Signaling(Generation(1), SignalingEvent::Received(SignalingMessage::Joined(member)))
    };
    assert_eq!(created(&client.happen(newcomer())), 1);
    let link = client.machine.peers.first_mut();
    link.connectivity.connections.active = link.connectivity.connections.candidate.take();
    link.connectivity.repair.outage = None;
    client.now += ms(60_000);
    assert_eq!(created(&client.happen(newcomer())), 0);
}

#[test]
fn who_views_the_room_takes_the_offers_of_its_members() {
    for (except, taken) in [(None, 1), (Some(stream("other")), 0)] {
        let (mut client, _) = Client::connect(vec![Command::ViewRoom { except }, room(), publish("cam")]);
        let greeting = words::offer(1, SessionId("s".into()), Some(stream("other")), 0);
        let greeting = Input::Signaling(Generation(1), SignalingEvent::Received(greeting));
        assert_eq!(created(&client.happen(greeting)), taken);
    }
}

#[test]
fn newcomers_to_nowhere_are_offered_nothing() {
    let (mut client, _) = Client::connect(vec![publish("cam")]);
    let member = Member { address: SignalingAddress("v".into()), stream: Some(stream("other")) };
    let seeded = SignalingEvent::Received(SignalingMessage::Joined(member));
    assert_eq!(created(&client.happen(Input::Signaling(Generation(1), seeded))), 0);
}

fn said(outputs: &[Output]) -> Vec<SignalingMessage> {
    let said = outputs.iter().filter_map(|output| match output {
        Output::Signaling(_, SignalingAction::Send(message)) => Some(message.clone()),
        _ => None,
    });
    said.collect()
}

fn created(outputs: &[Output]) -> usize {
    outputs.iter().filter(|output| matches!(output, Output::Peer(_, PeerAction::Create(_)))).count()
}

fn room() -> Command {
    Command::JoinRoom(RoomId("room".into()))
}

fn publish(name: &str) -> Command {
    Command::Publish(stream(name))
}

fn stream(name: &str) -> StreamId {
    StreamId(name.into())
}

fn join(name: Option<&str>) -> SignalingMessage {
    SignalingMessage::JoinRoom { room: RoomId("room".into()), claim: false, stream: name.map(stream) }
}
