//! The WebSocket transport keeps the contract of the port, and each check refuses a transport that breaks its rule.

#![allow(clippy::expect_used, clippy::panic, reason = "the helpers of tests fail tests")]

mod broken_sockets;

use std::time::Duration;

use rejoin_conformance::signaling_transport::{self, SignalingTransports};
use rejoin_core::port::{SignalingAction, SignalingEvent};
use rejoin_websocket::{WebSocketOptions, WebSocketTransport};

use broken_sockets::{Broken, refused};

#[tokio::test]
async fn websocket_keeps_the_contract() {
    let transports = SignalingTransports::new(|dialect| {
        Box::new(WebSocketTransport::new(dialect, WebSocketOptions::default()).expect("a transport"))
    });
    assert_eq!(signaling_transport::check_all(&transports).await, []);
}

#[tokio::test]
async fn refuses_swapped_messages() {
    let flaw = Broken::by_event(|broken, event| {
        let received = matches!(event, SignalingEvent::Received(_));
        broken.count += u32::from(received);
        if received && broken.count == 5 {
            broken.held = Some(event);
        } else {
            broken.report(event);
            if let Some(held) = broken.held.take() {
                broken.report(held);
            }
        }
    });
    refused!(messages_travel_in_order, flaw, "expected \"message 4\"");
}

#[tokio::test]
async fn refuses_a_malformed_frame_that_vanishes() {
    let flaw = Broken::by_event(|broken, event| {
        if !matches!(event, SignalingEvent::Malformed { .. }) {
            broken.report(event);
        }
    });
    refused!(malformed_frames_leave_the_socket_open, flaw, "no event came");
}

#[tokio::test]
async fn refuses_two_pongs_for_one_ping() {
    let flaw = Broken::by_event(|broken, event| {
        if event == SignalingEvent::Pong {
            broken.report(event.clone());
        }
        broken.report(event);
    });
    refused!(ping_yields_a_pong, flaw, "nothing more was to come");
}

#[tokio::test]
async fn refuses_two_closed_for_one_failed_open() {
    refused!(failed_open_yields_one_closed, Broken::by_event(twice_closed), "nothing more was to come");
}

#[tokio::test]
async fn refuses_an_open_without_a_limit() {
    let flaw = Broken::by_action(|broken, generation, action| {
        let action = match action {
            SignalingAction::Open { server, resume, limit: _ } => {
                SignalingAction::Open { server, limit: Duration::from_secs(60), resume }
            }
            action => action,
        };
        broken.perform_for(generation, action);
    });
    refused!(open_ends_within_its_limit, flaw, "no event came");
}

#[tokio::test]
async fn refuses_two_closed_for_one_close() {
    refused!(close_yields_one_closed, Broken::by_event(twice_closed), "nothing more was to come");
}

#[tokio::test]
async fn refuses_a_lost_close_code() {
    let flaw = Broken::by_event(|broken, event| match event {
        SignalingEvent::Closed { opened, status, retry_after, reason, code: _ } => {
            broken.report(SignalingEvent::Closed { opened, code: None, status, retry_after, reason });
        }
        event => broken.report(event),
    });
    refused!(lost_socket_yields_one_closed, flaw, "code: 4001");
}

#[tokio::test]
async fn refuses_an_event_of_the_replaced_socket() {
    let flaw = Broken::by_action(|broken, generation, action| {
        broken.count += u32::from(matches!(action, SignalingAction::Open { .. }));
        if broken.count == 2 {
            broken.report(SignalingEvent::Pong);
        }
        broken.perform_for(generation, action);
    });
    refused!(open_replaces_the_socket, flaw, "the socket is");
}

#[tokio::test]
async fn refuses_an_action_for_another_generation() {
    let flaw = Broken::by_action(|broken, _, action| {
        let current = broken.current_or(&action);
        broken.perform_for(current, action);
    });
    refused!(other_generations_are_ignored, flaw, "expected the echo");
}

#[tokio::test]
async fn refuses_a_cancelled_future_that_loses_its_event() {
    refused!(next_event_is_cancel_safe, Broken::lossy(), "lost messages");
}

fn twice_closed(broken: &mut Broken, event: SignalingEvent) {
    if matches!(event, SignalingEvent::Closed { .. }) {
        broken.report(event.clone());
    }
    broken.report(event);
}
