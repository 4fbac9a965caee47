//! Two delivery links joined by a wire that loses everything with its connection, in virtual time.

mod wire;

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::tests::wire::{Pair, Step};
use super::*;
use crate::delivery::durability::Durability;
use crate::delivery::durable::{DeliveryKey, StoreChange};
use crate::delivery::link::{DeliveryLink, Due, Next, Received, Rejection};
use crate::delivery::outbox::Outbox;
use crate::id::{Generation, StreamId};
use crate::message::Payload;

/// What happens to peers that keep nothing across restarts.
fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => Just(Step::Send),
        1 => (2u8..4).prop_map(Step::SendLarge),
        4 => Just(Step::Flush),
        4 => (1u8..8).prop_map(Step::Deliver),
        2 => Just(Step::Wait),
        1 => Just(Step::Rebuild),
        1 => (1u8..4).prop_map(Step::Refuse),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn everything_arrives_once_and_in_order(steps in prop::collection::vec(step(), 1..120)) {
        let mut pair = Pair::in_memory(usize::MAX);
        steps.into_iter().for_each(|step| pair.run(step));
        pair.settle();
        prop_assert_eq!(pair.arrived, (1..=pair.sent).collect::<Vec<_>>());
        prop_assert_eq!(pair.missed + pair.dropped, 0);
    }

    #[test]
    fn what_the_bound_drops_is_reported_on_both_sides(steps in prop::collection::vec(step(), 1..120)) {
        let mut pair = Pair::in_memory(3);
        steps.into_iter().for_each(|step| pair.run(step));
        pair.settle();
        prop_assert!(pair.arrived.is_sorted_by(|one, other| one < other));
        prop_assert_eq!(pair.arrived.len() as u64 + pair.missed, pair.sent);
        prop_assert!(pair.missed <= pair.dropped, "{} missed, {} dropped", pair.missed, pair.dropped);
    }
}

/// What happens to peers that keep their state in a store.
fn durable_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => Just(Step::Send),
        4 => Just(Step::Flush),
        4 => (1u8..8).prop_map(Step::Deliver),
        4 => (0u8..3).prop_map(Step::Confirm),
        2 => Just(Step::Wait),
        1 => Just(Step::Rebuild),
        1 => (1u8..4).prop_map(Step::Refuse),
        1 => Just(Step::KillSender),
        1 => Just(Step::KillReceiver),
        1 => Just(Step::KillWhileSending),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn kills_of_both_sides_lose_nothing_and_repeat_nothing(
        steps in prop::collection::vec(durable_step(), 1..120),
    ) {
        let mut pair = Pair::durable(usize::MAX);
        steps.into_iter().for_each(|step| pair.run(step));
        pair.settle();
        prop_assert_eq!(&pair.arrived, &pair.accepted);
        prop_assert_eq!(pair.missed, 0);
        prop_assert!(pair.stored_messages().is_empty());
    }

    #[test]
    fn what_the_bound_drops_stays_dropped_and_the_rest_in_order(
        steps in prop::collection::vec(durable_step(), 1..120),
    ) {
        let mut pair = Pair::durable(3);
        steps.into_iter().for_each(|step| pair.run(step));
        pair.settle();
        prop_assert!(pair.arrived.is_sorted_by(|one, other| one < other), "{:?}", pair.arrived);
        prop_assert!(pair.arrived.len() as u64 + pair.missed >= pair.accepted.len() as u64);
        prop_assert!(pair.arrived.ends_with(&pair.accepted[pair.accepted.len().saturating_sub(3)..]));
    }
}

#[test]
fn a_restarted_receiver_gets_what_was_not_acknowledged() {
    let mut pair = Pair::in_memory(usize::MAX);
    let before = [Step::Send, Step::Flush, Step::Deliver(1), Step::Wait, Step::Deliver(1), Step::Send];
    before.into_iter().for_each(|step| pair.run(step));
    pair.run(Step::KillReceiver);
    pair.settle();
    // the first was acknowledged by the process that was killed, so the numbers begin at 2 for the new one
    assert_eq!(pair.arrived, [1, 2]);
}

#[test]
fn a_message_that_the_channel_returned_is_stored_again() {
    let mut link = DeliveryLink::new(outbox(), Durability::Durable);
    let key = DeliveryKey::Publisher { stream: StreamId("cam".into()) };
    link.send(payload("1"), WhenFull::Wait).unwrap();
    link.send(payload("2"), WhenFull::Wait).unwrap();
    link.changes(&key, None, None);
    let (now, plain) = (Instant::now(), Generation(1));
    let Some(Next::Plain { sequence, payload }) = link.next_frame(plain, now) else { panic!("nothing") };
    let numbers = 1..2;
    let released = StoreChange::Released { delivery_key: key.clone(), numbers };
    assert_eq!(link.changes(&key, None, None), [released]);
    link.restore(sequence, payload.clone());
    let kept = StoreChange::Kept { delivery_key: key.clone(), sequence, payload };
    assert_eq!(link.changes(&key, None, None), [kept]);
}

#[test]
fn an_acknowledgement_waits_for_a_message_unless_it_is_about_many() {
    let (mut link, now) = (connected(), Instant::now());
    let mut due_after = |messages| {
        (1..=messages).for_each(|sequence| _ = link.on_frame(message(sequence), USED, now));
        link.poll_timeout().unwrap() - now
    };
    assert_eq!(due_after(255), Duration::from_millis(25));
    assert_eq!(due_after(256), Duration::ZERO);
    let due = link.on_timeout(now, Some(USED), Some(now));
    assert_eq!(due.acknowledgement, Some(DeliveryFrame::Acknowledgement { through: 256 }));
    assert_eq!(link.poll_timeout(), None);
}

#[test]
fn a_message_carries_the_acknowledgement() {
    let (mut link, now) = (connected(), Instant::now());
    link.on_frame(message(1), USED, now);
    link.send(payload("1"), WhenFull::Wait).unwrap();
    let frame = DeliveryFrame::Message { sequence: 1, acknowledged: 1, payload: payload("1") };
    assert_eq!(link.next_frame(USED, now), Some(Next::Frame { sequence: 1, frame }));
    assert_eq!(link.on_timeout(now + Duration::from_millis(25), Some(USED), Some(now)), Due::default());
}

#[test]
fn an_outage_sends_no_acknowledgement() {
    let (mut link, now) = (connected(), Instant::now());
    link.on_frame(message(1), USED, now);
    assert_eq!(link.on_timeout(now + Duration::from_millis(25), Some(USED), None), Due::default());
}

#[test]
fn a_peer_that_acknowledges_nothing_is_reported_every_thirty_seconds() {
    let (mut link, start) = (connected(), Instant::now());
    link.send(payload("1"), WhenFull::Wait).unwrap();
    while link.next_frame(USED, start).is_some() {}
    for seconds in [30, 60] {
        let now = link.poll_timeout().unwrap();
        assert_eq!(now - start, Duration::from_secs(seconds));
        assert_eq!(link.on_timeout(now, Some(USED), Some(start)).unacknowledged, 1);
    }
    link.on_frame(DeliveryFrame::Acknowledgement { through: 1 }, USED, start);
    assert_eq!((link.poll_timeout(), link.kept()), (None, 0));
}

#[test]
fn frames_of_an_earlier_epoch_are_ignored() {
    let (mut link, now) = (connected(), Instant::now());
    link.send(payload("1"), WhenFull::Wait).unwrap();
    link.on_hello(hello(Epoch(8)), NEWER);
    // a repetition on the older connection
    link.on_hello(hello(Epoch(7)), USED);
    assert_eq!(link.on_frame(message(1), USED, now), Received::default());
    link.on_frame(DeliveryFrame::Acknowledgement { through: 1 }, USED, now);
    assert_eq!(link.kept(), 1);
    assert!(link.on_frame(message(1), NEWER, now).message.is_some());
}

#[test]
fn a_peer_without_delivery_gets_whole_messages_only() {
    let (mut link, now) = (DeliveryLink::new(outbox(), Durability::InMemory), Instant::now());
    let large = LARGEST_SLICE + 1;
    link.send(Payload("x".repeat(large).into()), WhenFull::Wait).unwrap();
    link.send(payload("2"), WhenFull::Wait).unwrap();
    assert_eq!(link.next_frame(USED, now), Some(Next::TooLarge { bytes: large }));
    assert_eq!(link.next_frame(USED, now), Some(Next::Plain { sequence: 2, payload: payload("2") }));
    assert_eq!((link.next_frame(USED, now), link.kept(), link.poll_timeout()), (None, 0, None));
}

#[test]
fn parts_that_add_up_to_no_json_are_malformed() {
    let (mut link, now) = (connected(), Instant::now());
    let part = Part { sequence: 1, total: 1, offset: 0, slice: "x".into() };
    let frame = DeliveryFrame::Part { acknowledged: 0, part };
    assert!(link.on_frame(frame, USED, now).is_malformed);
    assert_eq!(link.on_frame(message(2), USED, now).missed, 0, "the first number sets the start");
}

#[test]
fn what_is_too_large_or_has_no_room_is_rejected() {
    let mut link = DeliveryLink::new(Outbox::new(Epoch(1), 1, usize::MAX), Durability::InMemory);
    let large = Payload("x".repeat(LARGEST_MESSAGE + 1).into());
    assert_eq!(link.send(large, WhenFull::Wait), Err(Rejection::TooLarge));
    assert_eq!(link.send(payload("1"), WhenFull::Refuse), Ok(0));
    assert_eq!(link.send(payload("2"), WhenFull::Refuse), Err(Rejection::Full));
    assert_eq!(link.send(payload("3"), WhenFull::DropOldest), Ok(1));
}

#[test]
fn a_spare_shares_the_epoch_of_the_connection_in_use() {
    let mut link = connected();
    link.on_spare_hello(Some(hello(Epoch(9))), NEWER, USED);
    assert!(!link.delivers(NEWER));
    link.on_spare_hello(Some(hello(Epoch(7))), NEWER, USED);
    assert!(link.delivers(NEWER));
    link.retain_connections(|connection| connection == USED);
    assert!(!link.delivers(NEWER));
}

const USED: Generation = Generation(1);
const NEWER: Generation = Generation(2);

/// Returns a link whose peer announced epoch 7 on the connection in use.
fn connected() -> DeliveryLink {
    let mut link = DeliveryLink::new(outbox(), Durability::InMemory);
    link.on_hello(hello(Epoch(7)), USED);
    link
}

fn hello(epoch: Epoch) -> DeliveryHello {
    DeliveryHello { epoch, received: None, durability: Durability::InMemory }
}

fn message(sequence: u64) -> DeliveryFrame {
    DeliveryFrame::Message { sequence, acknowledged: 0, payload: payload("1") }
}

fn outbox() -> Outbox {
    Outbox::new(Epoch(1), 10, usize::MAX)
}

fn payload(text: &str) -> Payload {
    Payload(text.into())
}
