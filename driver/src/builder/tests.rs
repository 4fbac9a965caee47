//! The sentence, with fake transports around the real machine.

use std::time::Duration;

use rejoin_core::output::Warning;
use rejoin_core::port::{SignalingAction, SignalingEvent};
use rejoin_core::session::{Audience, SessionRecord, ViewerRecord};
use rejoin_core::{Event, SignalingMessage};

use super::fakes::idle_policies;
use super::*;
use crate::driver::fakes::transport;
use crate::store::fakes::{FullStore, HangingStore};

#[test]
fn names_what_is_missing() {
    let refusal = |builder: SessionBuilder| builder.start().unwrap_err();
    assert_eq!(refusal(connect("http://host")), StartError::NoServer("http://host".to_owned()));
    assert_eq!(refusal(connect("ws://host")), StartError::NoPolicies);
    assert_eq!(refusal(connect("ws://host").with_policies(idle_policies())), StartError::NoTransports);
    assert_eq!(refusal(complete()), StartError::NoRuntime);
}

#[tokio::test(start_paused = true)]
async fn starts_and_leaves() {
    let mut session = complete().publishing("cam1").viewing("cam2").in_room("studio").start().unwrap();
    session.leave().await;
    while let Some(event) = session.next_event().await {
        if let Event::Left = event {
            return;
        }
    }
    panic!("the session ended without a word");
}

#[tokio::test(start_paused = true)]
async fn starts_without_a_store_that_fails() {
    let mut session = complete().remembering_in(Box::new(FullStore)).start().unwrap();
    let event = session.next_event().await;
    assert!(matches!(event, Some(Event::Warning(Warning::StoreFailed { .. }))), "{event:?}");
}

#[tokio::test(start_paused = true)]
async fn starts_without_a_store_that_hangs() {
    let mut session = complete().remembering_in(Box::new(HangingStore)).start().unwrap();
    let event = tokio::time::timeout(Duration::from_secs(3), session.next_event()).await.unwrap();
    assert!(matches!(event, Some(Event::Warning(Warning::StoreFailed { .. }))), "{event:?}");
}

#[tokio::test(start_paused = true)]
async fn a_remembered_stream_is_published_again() {
    let ((signaling, mut server), (peers, _)) = (transport(), transport());
    let _session = complete()
        .over(Box::new(signaling), Box::new(peers))
        .remembering_in(Box::new(MemoryStore::holding(record(None, &["old"], &[]))))
        .start()
        .unwrap();
    let (generation, action) = server.performed.recv().await.unwrap();
    assert!(matches!(action, SignalingAction::Open { .. }), "{action:?}");
    server.events.send((generation, SignalingEvent::Opened { resumption: None, resumed: false })).unwrap();
    let seed = SignalingAction::Send(SignalingMessage::Seed { stream: StreamId("old".into()) });
    while server.performed.recv().await.unwrap() != (generation, seed.clone()) {}
}

#[test]
fn remembered_streams_join_the_chosen_ones() {
    let mut builder = connect("ws://host").publishing("new").viewing("same");
    builder.wish.take_over(record(None, &["old"], &["same", "other"]));
    let wish: Vec<String> = builder.wish.into_commands().map(|command| format!("{command:?}")).collect();
    let named = |command, stream| format!("{command}(StreamId({stream:?}))");
    let expected =
        [named("Publish", "new"), named("Publish", "old"), named("View", "same"), named("View", "other")];
    assert_eq!(wish, expected);
}

#[test]
fn a_chosen_room_beats_the_remembered_one() {
    let mut builder = connect("ws://host").in_room("here");
    builder.wish.take_over(record(Some("there"), &[], &[]));
    assert_eq!(builder.wish.room, Some(RoomId("here".into())));
}

#[test]
fn a_remembered_room_is_viewed_again() {
    let viewed = |builder: SessionBuilder| {
        let mut wish = builder.wish;
        let audience = Some(Audience { except: Some(StreamId("ours".into())) });
        wish.take_over(SessionRecord { audience, ..record(Some("there"), &[], &[]) });
        let commands: Vec<String> = wish.into_commands().map(|command| format!("{command:?}")).collect();
        commands.into_iter().find(|command| command.starts_with("ViewRoom"))
    };
    let ours = Some("ViewRoom { except: Some(StreamId(\"ours\")) }".to_owned());
    assert_eq!(viewed(connect("ws://host")), ours);
    assert_eq!(viewed(connect("ws://host").in_room("there")), ours);
    assert_eq!(viewed(connect("ws://host").in_room("here")), None);
    let all = connect("ws://host").viewing_room(None);
    assert_eq!(viewed(all), Some("ViewRoom { except: None }".to_owned()));
}

#[test]
fn remembered_viewers_are_known_to_the_machine() {
    let mut plan = complete().plan().unwrap();
    let viewer = ViewerRecord { name: "u1".into(), identity: Identity(9), stream: StreamId("cam".into()) };
    plan.take_over(SessionRecord { viewers: vec![viewer.clone()], ..record(None, &[], &[]) });
    assert_eq!(plan.settings.viewers, [viewer]);
}

#[test]
fn a_remembered_identity_yields_to_a_chosen_one() {
    let settled = |chosen: Option<Identity>| {
        let builder = chosen.into_iter().fold(complete(), SessionBuilder::as_identity);
        let mut plan = builder.plan().unwrap();
        plan.take_over(record(None, &[], &[]));
        plan.settings.identity
    };
    assert_eq!(settled(None), Identity(7));
    assert_eq!(settled(Some(Identity(2))), Identity(2));
}

fn complete() -> SessionBuilder {
    let ((signaling, _), (peers, _)) = (transport(), transport());
    connect("ws://host").with_policies(idle_policies()).over(Box::new(signaling), Box::new(peers))
}

fn record(room: Option<&str>, streams: &[&str], views: &[&str]) -> SessionRecord {
    let names = |names: &[&str]| names.iter().map(|name| StreamId((*name).into())).collect();
    SessionRecord {
        room: room.map(|room| RoomId(room.into())),
        streams: names(streams),
        views: names(views),
        ..SessionRecord::new(Identity(7))
    }
}
