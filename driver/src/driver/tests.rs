//! The loop with a scripted machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{advance, timeout};

use rejoin_core::delivery::WhenFull;
use rejoin_core::port::{PeerAction, SignalingAction, SignalingEvent};
use rejoin_core::session::SessionRecord;
use rejoin_core::{Generation, Identity, Payload, Recipient, Settings};

use super::fakes::{Scene, connected, received, recovered};
use super::*;
use crate::command_queue::{SendError, command_queue};
use crate::store::fakes::{FullStore, SlowStore};
use crate::suspend_detector::Reading;

#[tokio::test(start_paused = true)]
async fn outputs_are_performed() {
    let (session, mut world) = Scene::default().start(|input| match input {
        Input::Command(Command::Restart) => vec![
            Output::Signaling(Generation(3), SignalingAction::Ping),
            Output::Peer(Generation(4), PeerAction::ReadStats),
        ],
        _ => Vec::new(),
    });
    session.restart().await.unwrap();
    assert_eq!(world.signaling.performed.recv().await, Some((Generation(3), SignalingAction::Ping)));
    assert_eq!(world.peers.performed.recv().await, Some((Generation(4), PeerAction::ReadStats)));
}

#[tokio::test(start_paused = true)]
async fn inputs_arrive_with_their_generation() {
    let (_session, mut world) = Scene::default().start(|_| Vec::new());
    world.signaling.events.send((Generation(1), SignalingEvent::Pong)).unwrap();
    assert!(matches!(next(&mut world.inputs).await, Input::Signaling(Generation(1), SignalingEvent::Pong)));
    world.peers.events.send((Generation(2), PeerEvent::ChannelOpen)).unwrap();
    assert!(matches!(next(&mut world.inputs).await, Input::Peer(Generation(2), PeerEvent::ChannelOpen)));
    world.network.send(NetworkSnapshot::default()).unwrap();
    assert!(matches!(next(&mut world.inputs).await, Input::Network(_)));
}

#[tokio::test(start_paused = true)]
async fn only_messages_wait_until_the_machine_accepts_them() {
    let (session, mut world) = Scene { crowded: true, ..Scene::default() }.start(|_| Vec::new());
    session.restart().await.unwrap();
    next(&mut world.inputs).await;
    let message = || session.send(Recipient::Everyone, Payload("1".into()));
    assert!(timeout(Duration::from_secs(1), message()).await.is_err());
    session.restart().await.unwrap();
    next(&mut world.inputs).await;
    world.peers.events.send((Generation(1), PeerEvent::Writable)).unwrap();
    next(&mut world.inputs).await;
    message().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_message_to_a_full_outbox_fails_with_when_full_refuse() {
    let scene = Scene { crowded: true, when_full: WhenFull::Refuse, ..Scene::default() };
    let (session, mut world) = scene.start(|_| Vec::new());
    let message = || session.send(Recipient::Everyone, Payload("1".into()));
    let refused = message().await.unwrap_err();
    assert!(matches!(refused, SendError::Full { .. }), "{refused:?}");
    assert!(refused.to_string().contains("raise outbox.messages or outbox.bytes"), "{refused}");
    world.peers.events.send((Generation(1), PeerEvent::Writable)).unwrap();
    assert!(matches!(next(&mut world.inputs).await, Input::Peer(..)));
    message().await.unwrap();
    assert!(matches!(next(&mut world.inputs).await, Input::Command(Command::Send { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_message_does_not_wait_with_when_full_drop_oldest() {
    let scene = Scene { crowded: true, when_full: WhenFull::DropOldest, ..Scene::default() };
    let (session, mut world) = scene.start(|_| Vec::new());
    session.send(Recipient::Everyone, Payload("1".into())).await.unwrap();
    assert!(matches!(next(&mut world.inputs).await, Input::Command(Command::Send { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_too_large_fails_and_the_next_does_not() {
    let (session, mut world) = Scene::default().start(|_| Vec::new());
    let message = |bytes: usize| session.send(Recipient::Everyone, Payload("1".repeat(bytes).into()));
    let refused = message((1 << 20) + 1).await.unwrap_err();
    assert_eq!(refused, SendError::TooLarge { bytes: (1 << 20) + 1, limit: 1 << 20 });
    assert_eq!(
        refused.to_string(),
        "a message of 1048577 bytes is too large; send at most 1048576 bytes at a time"
    );
    message(1 << 20).await.unwrap();
    let Input::Command(Command::Send { payload, .. }) = next(&mut world.inputs).await else { panic!() };
    assert_eq!(payload.len(), 1 << 20);
}

#[tokio::test(start_paused = true)]
async fn queued_messages_take_half_of_the_outbox_at_most() {
    let (commands, mut receiver) = command_queue(&Settings::new(Identity(1), ""));
    let message = || commands.send_message(Recipient::Everyone, Payload("1".repeat(1 << 20).into()));
    message().await.unwrap();
    message().await.unwrap();
    // 2 MiB are half of the outbox.
    assert!(timeout(Duration::from_secs(1), message()).await.is_err());
    drop(receiver.queue.recv().await);
    message().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_message_that_waited_for_a_slot_checks_again_whether_it_is_accepted() {
    let (commands, mut receiver) = command_queue(&Settings::new(Identity(1), ""));
    let message = || commands.send_message(Recipient::Everyone, Payload("1".repeat(1 << 20).into()));
    message().await.unwrap();
    message().await.unwrap();
    let third = message();
    tokio::pin!(third);
    assert!(timeout(Duration::from_secs(1), &mut third).await.is_err());
    receiver.can_accept.send_replace(false);
    while receiver.queue.try_recv().is_ok() {}
    assert!(timeout(Duration::from_secs(1), &mut third).await.is_err());
    assert!(receiver.queue.try_recv().is_err());
    receiver.can_accept.send_replace(true);
    third.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_timer_fires_at_the_deadline() {
    let deadline = Duration::from_millis(700);
    let scene = Scene { deadline: Some(deadline), ..Scene::default() };
    let begun = Instant::now();
    let (_session, mut world) = scene.start_timed(|_, _, deadline| {
        *deadline = None;
        Vec::new()
    });
    assert!(matches!(next(&mut world.inputs).await, Input::Timeout));
    assert_eq!(begun.elapsed().as_millis(), deadline.as_millis());
}

#[tokio::test(start_paused = true)]
async fn a_machine_stuck_in_the_past_does_not_spin() {
    let scene = Scene { deadline: Some(Duration::ZERO), ..Scene::default() };
    let (_session, mut world) = scene.start(|_| Vec::new());
    tokio::time::sleep(Duration::from_millis(100)).await; // paused clock: counts turns over time
    let turns = std::iter::from_fn(|| world.inputs.try_recv().ok()).count();
    assert!((10..=110).contains(&turns), "{turns} turns in 100 ms");
}

#[tokio::test(start_paused = true)]
async fn many_peer_events_do_not_delay_the_timer() {
    let wait = Duration::from_millis(10);
    let scene = Scene { deadline: Some(wait), peers_flood: true, ..Scene::default() };
    let late = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&late);
    let (fired_sender, mut fired) = unbounded_channel();
    let (_session, mut world) = scene.start_timed(move |input, now, deadline| {
        match (input, *deadline) {
            (Input::Timeout, _) => {
                *deadline = None;
                let _ = fired_sender.send(());
            }
            (_, Some(at)) if at <= now => _ = counted.fetch_add(1, Ordering::Relaxed),
            _ => {}
        }
        Vec::new()
    });
    next(&mut world.inputs).await;
    advance(wait).await;
    fired.recv().await.unwrap();
    assert!(late.load(Ordering::Relaxed) <= 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_application_loses_messages_and_keeps_link_events() {
    let (mut session, mut world) = Scene::default().start(|input| match input {
        Input::Peer(_, PeerEvent::Writable) => vec![Output::Event(received("1"))],
        Input::Peer(_, PeerEvent::ChannelOpen) => vec![Output::Event(recovered())],
        _ => Vec::new(),
    });
    world.peers.events.send((Generation(1), PeerEvent::ChannelOpen)).unwrap();
    for _ in 0..40_000 {
        world.peers.events.send((Generation(1), PeerEvent::Writable)).unwrap();
    }
    for _ in 0..=40_000 {
        next(&mut world.inputs).await;
    }
    assert!(matches!(session.next_event().await, Some(Event::Dropped { peer: None, messages: 23_617 })));
    assert!(matches!(session.next_event().await, Some(Event::Recovered(_))));
    assert!(matches!(session.next_event().await, Some(Event::Received { .. })));
}

#[tokio::test(start_paused = true)]
async fn dropping_every_handle_leaves() {
    let (session, mut world) = Scene::default().start(leaving_at_once);
    let (handle, mut events) = session.split();
    let other = handle.clone();
    drop(handle);
    assert!(timeout(Duration::from_secs(60), world.inputs.recv()).await.is_err());
    drop(other);
    assert!(matches!(next(&mut world.inputs).await, Input::Command(Command::Leave)));
    assert!(matches!(events.next().await, Some(Event::Left)));
    assert!(events.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn leaving_completes_and_later_commands_fail() {
    let (mut session, _world) = Scene::default().start(leaving_at_once);
    session.leave().await;
    assert!(session.send(Recipient::Everyone, Payload("1".into())).await.is_err());
    assert!(matches!(session.next_event().await, Some(Event::Left)));
    assert!(session.next_event().await.is_none());
    session.leave().await;
}

#[tokio::test(start_paused = true)]
async fn transports_run_for_the_close_grace_after_leaving() {
    let (session, mut world) = Scene::default().start(leaving_at_once);
    let begun = Instant::now();
    session.leave().await;
    assert!(begun.elapsed() >= CLOSE_GRACE);
    assert!(world.peers.performed.recv().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn leaving_takes_two_seconds_at_most() {
    let (store, _saved) = SlowStore::taking(Duration::from_secs(60));
    let scene = Scene { store: Box::new(store), ..Scene::default() };
    let (mut session, _world) = scene.start(|_| vec![persisting()]);
    session.restart().await.unwrap();
    let begun = Instant::now();
    session.leave().await;
    assert!(begun.elapsed() <= Duration::from_millis(2010), "{:?}", begun.elapsed());
    assert!(matches!(session.next_event().await, Some(Event::Left)));
    assert!(session.next_event().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn commands_behind_leave_fail() {
    let (session, mut world) = Scene::default().start(leaving_at_once);
    let leaving = session.leave();
    let viewing = session.view("late");
    let ((), _) = tokio::join!(leaving, viewing);
    let inputs: Vec<Input> = std::iter::from_fn(|| world.inputs.try_recv().ok()).collect();
    assert!(matches!(inputs[..], [Input::Command(Command::Leave)]), "{inputs:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failing_store_is_a_warning() {
    let scene = Scene { store: Box::new(FullStore), ..Scene::default() };
    let (mut session, _world) = scene.start(|_| vec![persisting()]);
    session.restart().await.unwrap();
    let Some(Event::Warning(Warning::StoreFailed { reason })) = session.next_event().await else { panic!() };
    assert_eq!(reason, "the disk is full");
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_does_not_stall_the_loop() {
    let (store, _saved) = SlowStore::taking(Duration::from_secs(60));
    let scene = Scene { store: Box::new(store), ..Scene::default() };
    let (mut session, _world) = scene.start(|_| vec![persisting(), Output::Event(connected())]);
    let begun = Instant::now();
    for _ in 0..10 {
        session.restart().await.unwrap();
        session.next_event().await.unwrap();
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_suspension_is_detected_within_the_maximum_sleep() {
    let slept = Arc::new(AtomicU64::new(0));
    let sleeping = Arc::clone(&slept);
    let suspend_detector = SuspendDetector::with_clocks(move || {
        let boottime = Duration::from_secs(sleeping.load(Ordering::Relaxed));
        Reading { boottime, monotonic: Duration::ZERO }
    });
    let (_session, mut world) = Scene { suspend_detector, ..Scene::default() }.start(|_| Vec::new());
    slept.store(90, Ordering::Relaxed);
    let input = timeout(MAX_SLEEP + 10 * MIN_SLEEP, next(&mut world.inputs)).await.unwrap();
    assert!(matches!(input, Input::Suspended(gap) if gap == Duration::from_secs(90)));
}

#[tokio::test(start_paused = true)]
async fn a_suspension_is_handled_before_the_input_that_follows_it() {
    let suspend_detector = {
        let mut looks = 0;
        SuspendDetector::with_clocks(move || {
            looks += 60;
            Reading { boottime: Duration::from_secs(looks), monotonic: Duration::ZERO }
        })
    };
    let (session, mut world) = Scene { suspend_detector, ..Scene::default() }.start(|_| Vec::new());
    session.restart().await.unwrap();
    assert!(matches!(next(&mut world.inputs).await, Input::Suspended(_)));
    assert!(matches!(next(&mut world.inputs).await, Input::Command(Command::Restart)));
}

fn leaving_at_once(input: &Input) -> Vec<Output> {
    match input {
        Input::Command(Command::Leave) => vec![Output::Event(Event::Left)],
        _ => Vec::new(),
    }
}

fn persisting() -> Output {
    Output::Persist(SessionRecord::new(Identity(1)))
}

async fn next(inputs: &mut UnboundedReceiver<Input>) -> Input {
    inputs.recv().await.unwrap()
}
