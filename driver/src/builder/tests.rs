//! The builder, with fake transports and the real machine.

use std::time::Duration;

use rejoin_core::output::Warning;
use rejoin_core::port::{SignalingAction, SignalingEvent};
use rejoin_core::session::{SessionRecord, ViewAll, ViewerRecord};
use rejoin_core::{Event, SignalingMessage};

use super::fakes::idle_policies;
use super::*;
use crate::driver::fakes::transport;
use crate::store::fakes::{FullStore, HangingStore};

#[test]
fn a_start_error_names_the_missing_part() {
    let refusal = |builder: SessionBuilder| builder.start().unwrap_err();
    assert_eq!(refusal(connect("http://host")), StartError::InvalidServer("http://host".to_owned()));
    assert_eq!(refusal(connect("ws://host")), StartError::NoPolicies);
    assert_eq!(refusal(connect("ws://host").policies(idle_policies())), StartError::NoTransports);
    assert_eq!(refusal(complete()), StartError::NoRuntime);
}

#[tokio::test(start_paused = true)]
async fn starts_and_leaves() {
    let mut session = complete().publish("cam1").view("cam2").room("studio").start().unwrap();
    session.leave().await;
    while let Some(event) = session.next_event().await {
        if let Event::Left = event {
            return;
        }
    }
    panic!("the session ended without Event::Left");
}

#[tokio::test(start_paused = true)]
async fn starts_without_a_store_that_fails() {
    let mut session = complete().session_store(Box::new(FullStore)).start().unwrap();
    let event = session.next_event().await;
    assert!(matches!(event, Some(Event::Warning(Warning::StoreFailed { .. }))), "{event:?}");
}

#[tokio::test(start_paused = true)]
async fn starts_without_a_store_that_hangs() {
    let mut session = complete().session_store(Box::new(HangingStore)).start().unwrap();
    let event = tokio::time::timeout(Duration::from_secs(3), session.next_event()).await.unwrap();
    assert!(matches!(event, Some(Event::Warning(Warning::StoreFailed { .. }))), "{event:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stored_stream_is_published_again() {
    let ((signaling, mut server), (peers, _)) = (transport(), transport());
    let _session = complete()
        .transports(Box::new(signaling), Box::new(peers))
        .session_store(Box::new(MemoryStore::with_record(record(None, &["old"], &[]))))
        .start()
        .unwrap();
    let (generation, action) = server.performed.recv().await.unwrap();
    assert!(matches!(action, SignalingAction::Open { .. }), "{action:?}");
    server.events.send((generation, SignalingEvent::Opened { resumption: None, resumed: false })).unwrap();
    let seed = SignalingAction::Send(SignalingMessage::Seed { stream: StreamId("old".into()) });
    while server.performed.recv().await.unwrap() != (generation, seed.clone()) {}
}

#[test]
fn stored_streams_are_added_to_those_of_the_builder() {
    let mut builder = connect("ws://host").publish("new").view("same");
    builder.intent.merge(record(None, &["old"], &["same", "other"]));
    let intent: Vec<String> = builder.intent.into_commands().map(|command| format!("{command:?}")).collect();
    let named = |command, stream| format!("{command}(StreamId({stream:?}))");
    let expected =
        [named("Publish", "new"), named("Publish", "old"), named("View", "same"), named("View", "other")];
    assert_eq!(intent, expected);
}

#[test]
fn the_room_of_the_builder_takes_precedence_over_the_stored_one() {
    let mut builder = connect("ws://host").room("here");
    builder.intent.merge(record(Some("there"), &[], &[]));
    assert_eq!(builder.intent.room, Some(RoomId("here".into())));
}

#[test]
fn the_stored_intent_to_view_the_room_applies_to_that_room() {
    let viewed = |builder: SessionBuilder| {
        let mut intent = builder.intent;
        let audience = Some(ViewAll { except: Some(StreamId("ours".into())) });
        intent.merge(SessionRecord { audience, ..record(Some("there"), &[], &[]) });
        let commands: Vec<String> = intent.into_commands().map(|command| format!("{command:?}")).collect();
        commands.into_iter().find(|command| command.starts_with("ViewRoom"))
    };
    let ours = Some("ViewRoom { except: Some(StreamId(\"ours\")) }".to_owned());
    assert_eq!(viewed(connect("ws://host")), ours);
    assert_eq!(viewed(connect("ws://host").room("there")), ours);
    assert_eq!(viewed(connect("ws://host").room("here")), None);
    let all = connect("ws://host").view_room(None);
    assert_eq!(viewed(all), Some("ViewRoom { except: None }".to_owned()));
}

#[test]
fn stored_viewers_are_passed_to_the_machine() {
    let mut startup = complete().startup().unwrap();
    let viewer = ViewerRecord { name: "u1".into(), identity: Identity(9), stream: StreamId("cam".into()) };
    startup.merge(SessionRecord { viewers: vec![viewer.clone()], ..record(None, &[], &[]) });
    assert_eq!(startup.settings.viewers, [viewer]);
}

#[test]
fn the_identity_of_the_builder_takes_precedence_over_the_stored_one() {
    let settled = |chosen: Option<Identity>| {
        let builder = chosen.into_iter().fold(complete(), SessionBuilder::identity);
        let mut startup = builder.startup().unwrap();
        startup.merge(record(None, &[], &[]));
        startup.settings.identity
    };
    assert_eq!(settled(None), Identity(7));
    assert_eq!(settled(Some(Identity(2))), Identity(2));
}

fn complete() -> SessionBuilder {
    let ((signaling, _), (peers, _)) = (transport(), transport());
    connect("ws://host").policies(idle_policies()).transports(Box::new(signaling), Box::new(peers))
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
