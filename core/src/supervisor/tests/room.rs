//! What the ways to meet a full outbox mean for whoever sends.

use super::*;
use crate::delivery::durable::Durability;
use crate::delivery::{DeliveryFrame, DeliveryHello, Epoch, WhenFull};
use crate::id::StreamId;
use crate::input::{Command, Recipient};
use crate::message::Payload;

#[test]
fn to_wait_is_to_have_no_room_when_half_is_taken() {
    let mut machine = connected(WhenFull::Wait);
    assert!(machine.can_accept());
    assert_eq!(send(&mut machine, 2), 0);
    assert!(!machine.can_accept());
    assert_eq!(machine.refuses(&Recipient::Everyone, &message()), None);
}

#[test]
fn to_drop_the_oldest_is_to_have_room_always() {
    let mut machine = connected(WhenFull::DropOldest);
    assert_eq!(send(&mut machine, 9), 5);
    assert!(machine.can_accept());
    assert_eq!(machine.refuses(&Recipient::Everyone, &message()), None);
    assert_eq!(kept(&machine), MOST);
}

#[test]
fn to_refuse_is_to_keep_what_is_there() {
    let mut machine = connected(WhenFull::Refuse);
    assert_eq!(send(&mut machine, MOST - 1), 0);
    assert_eq!(machine.refuses(&Recipient::Everyone, &message()), None);
    assert_eq!(send(&mut machine, 1), 0);
    let full = machine.refuses(&Recipient::Everyone, &message());
    assert_eq!(full, machine.peers.keys().next().cloned());
    assert!(machine.can_accept());
    // whoever does not ask is told
    assert_eq!(send(&mut machine, 1), 1);
    let link = machine.peers.first_mut();
    let hello = DeliveryHello { epoch: Epoch(1), received: None, durability: Durability::InMemory };
    link.delivery.on_hello(hello, Generation(1));
    let acknowledgement = DeliveryFrame::Acknowledgement { through: MOST as u64 };
    link.delivery.on_frame(acknowledgement, Generation(1), Instant::now());
    assert_eq!(link.delivery.kept(), 0, "the oldest are kept");
    assert_eq!(machine.refuses(&Recipient::Everyone, &message()), None);
}

#[test]
fn bytes_are_refused_as_well_and_other_peers_are_not() {
    let machine = connected(WhenFull::Refuse);
    let large = Payload("x".repeat(101).into());
    assert!(machine.refuses(&Recipient::Everyone, &large).is_some());
    assert_eq!(machine.refuses(&Recipient::Named("somebody".to_owned()), &large), None);
}

const MOST: usize = 4;

/// Returns a machine with a link that is up, and whose peer gets nothing.
fn connected(when_full: WhenFull) -> Supervisor {
    let bounds =
        Settings { held_messages: MOST, held_bytes: 100, ..Settings::new(Identity(1), "wss://a.test") };
    let start = Instant::now();
    let mut machine = Supervisor::new(Settings { when_full, ..bounds }, answers::policies(1), start);
    machine.handle_input(Input::Command(Command::View(StreamId("cam".into()))), start);
    let link = machine.peers.first_mut();
    (link.connectivity.health.ever_up, link.connectivity.repair.outage) = (true, None);
    machine.peers.settle(&mut machine.context);
    machine
}

/// Sends messages and returns how many were told lost.
fn send(machine: &mut Supervisor, messages: usize) -> u64 {
    for _ in 0..messages {
        let command = Command::Send { to: Recipient::Everyone, payload: message() };
        machine.handle_input(Input::Command(command), Instant::now());
    }
    let told = std::iter::from_fn(|| machine.poll_output());
    told.map(|output| if let Output::Event(Event::Dropped { messages, .. }) = output { messages } else { 0 })
        .sum()
}

fn kept(machine: &Supervisor) -> usize {
    machine.peers.values().map(|link| link.kept().0).sum()
}

fn message() -> Payload {
    Payload("1".into())
}
