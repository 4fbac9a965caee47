//! The WebRTC transport keeps the contract of the port, and each check refuses a transport that breaks its rule.

#![allow(clippy::expect_used, clippy::panic, reason = "the helpers of tests fail tests")]

mod broken_peers;

use rejoin_conformance::peer_transport::{self, PeerTransports};
use rejoin_core::port::{PeerAction, PeerEvent};
use rejoin_core::sdp::{Description, SdpType};
use rejoin_core::{Generation, Role};
use rejoin_webrtc::WebRtcTransport;

use broken_peers::{Broken, refused};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webrtc_keeps_the_contract() {
    let transports = PeerTransports::new(|dialect| Box::new(WebRtcTransport::new(dialect)));
    assert_eq!(peer_transport::check_all(&transports).await, []);
}

#[tokio::test]
async fn refuses_an_event_for_an_unknown_generation() {
    let flaw = Broken::by_action(|broken, generation, action| {
        if action == PeerAction::Close && generation == Generation(99) {
            broken.report_for(generation, PeerEvent::ChannelClosed);
        }
        broken.perform_for(generation, action);
    });
    refused!(unknown_generations_are_ignored, flaw, "which has no connection");
}

#[tokio::test]
async fn refuses_an_answer_without_an_offer() {
    let flaw = Broken::by_action(|broken, generation, action| {
        if matches!(&action, PeerAction::Create(setup) if setup.role == Role::Answerer) {
            let sdp = "v=0\r\n".to_owned();
            let description = Description { sdp_type: SdpType::Answer, sdp };
            broken.report_for(generation, PeerEvent::LocalDescription(description));
        }
        broken.perform_for(generation, action);
    });
    refused!(answerer_waits_for_the_offer, flaw, "without an offer");
}

#[tokio::test]
async fn refuses_candidates_before_their_description() {
    let flaw = Broken::by_event(|broken, event| match event {
        PeerEvent::LocalDescription(_) => broken.held.push(event),
        PeerEvent::LocalCandidates(_) => {
            broken.report(event);
            broken.report_held();
        }
        event => broken.report(event),
    });
    refused!(candidates_follow_the_description, flaw, "candidates before the description");
}

#[tokio::test]
async fn refuses_a_loss_of_early_candidates() {
    let flaw = Broken::by_action(|broken, generation, action| match action {
        PeerAction::AddCandidates(_) if broken.count == 0 => {}
        action => {
            broken.count += u32::from(matches!(action, PeerAction::Accept(_)));
            broken.perform_for(generation, action);
        }
    });
    refused!(candidates_may_precede_the_description, flaw, "after early candidates");
}

#[tokio::test]
async fn refuses_a_silent_failure() {
    let flaw = Broken::by_event(|broken, event| {
        if !matches!(event, PeerEvent::Failed { .. }) {
            broken.report(event);
        }
    });
    refused!(malformed_description_fails_the_connection, flaw, "no event came");
}

#[tokio::test]
async fn refuses_a_failure_by_a_repeated_answer() {
    let flaw = Broken::by_action(|broken, generation, action| {
        if matches!(&action, PeerAction::Accept(description) if description.sdp_type == SdpType::Answer) {
            broken.count += 1;
            if broken.count == 2 {
                broken.report(PeerEvent::Failed { reason: "a second answer".to_owned() });
            }
        }
        broken.perform_for(generation, action);
    });
    refused!(repeated_answer_is_ignored, flaw, "a second answer");
}

#[tokio::test]
async fn refuses_a_repeated_ice_state() {
    let flaw = Broken::by_event(|broken, event| {
        if matches!(event, PeerEvent::IceConnectionState(_)) {
            broken.report(event.clone());
        }
        broken.report(event);
    });
    refused!(ice_states_change_and_precede_the_channel, flaw, "was reported twice");
}

#[tokio::test]
async fn refuses_a_second_channel_open() {
    let flaw = Broken::by_event(|broken, event| {
        if event == PeerEvent::ChannelOpen {
            broken.report(event.clone());
        }
        broken.report(event);
    });
    refused!(channel_opens_once_before_messages, flaw, "a second ChannelOpen");
}

#[tokio::test]
async fn refuses_swapped_messages() {
    let flaw = Broken::by_event(|broken, event| {
        broken.count += u32::from(matches!(event, PeerEvent::Received(_)));
        if matches!(event, PeerEvent::Received(_)) && broken.count == 5 {
            broken.held.push(event);
        } else {
            broken.report(event);
            broken.report_held();
        }
    });
    refused!(messages_arrive_in_order, flaw, "in place of");
}

#[tokio::test]
async fn refuses_an_early_message_that_vanishes() {
    let flaw = Broken::by_event(|broken, event| {
        if !matches!(event, PeerEvent::Unsent { .. }) {
            broken.report(event);
        }
    });
    refused!(send_before_open_is_returned, flaw, "expected [");
}

#[tokio::test]
async fn refuses_writable_while_the_buffer_is_full() {
    let flaw = Broken::by_event(|broken, event| {
        let refused = matches!(event, PeerEvent::Unsent { .. });
        broken.report(event);
        if refused {
            broken.report(PeerEvent::Writable);
        }
    });
    refused!(full_buffer_returns_messages_until_writable, flaw, "Writable came among");
}

#[tokio::test]
async fn refuses_a_message_that_overtakes_returned_ones() {
    let flaw = Broken::by_event(|broken, event| match event {
        PeerEvent::Unsent { tag: 256, message } => broken.perform(PeerAction::Send { tag: 256, message }),
        event => broken.report(event),
    });
    refused!(no_message_overtakes_an_unread_refusal, flaw, "before the returned ones");
}

#[tokio::test]
async fn refuses_a_channel_closed_by_a_malformed_frame() {
    let flaw = Broken::by_event(|broken, event| {
        if matches!(event, PeerEvent::Malformed { .. }) {
            broken.report(PeerEvent::ChannelClosed);
        }
        broken.report(event);
    });
    refused!(malformed_frames_leave_the_channel_open, flaw, "closed the channel");
}

#[tokio::test]
async fn refuses_an_unencodable_message_that_vanishes() {
    let flaw = Broken::by_event(|broken, event| {
        if !matches!(event, PeerEvent::Malformed { .. }) {
            broken.report(event);
        }
    });
    refused!(unencodable_messages_leave_the_channel_open, flaw, "expected Malformed");
}

#[tokio::test]
async fn refuses_a_restart_that_closes_the_channel() {
    let flaw = Broken::by_action(|broken, generation, action| {
        if matches!(action, PeerAction::RestartIce(_)) {
            broken.report(PeerEvent::ChannelClosed);
        }
        broken.perform_for(generation, action);
    });
    refused!(restart_keeps_the_channel, flaw, "ChannelClosed during an ICE restart");
}

#[tokio::test]
async fn refuses_a_restart_that_repeats_the_lost_offer() {
    let flaw = Broken::by_both(
        |broken, generation, action| {
            broken.count += u32::from(matches!(action, PeerAction::RestartIce(_)));
            match (&action, broken.count) {
                (PeerAction::RestartIce(_), 2) => broken.report_held(),
                _ => broken.perform_for(generation, action),
            }
        },
        |broken, event| {
            if broken.count == 1 && matches!(event, PeerEvent::LocalDescription(_)) {
                broken.held.push(event.clone());
            }
            broken.report(event);
        },
    );
    refused!(restart_replaces_an_unanswered_offer, flaw, "the lost offer was repeated");
}

#[tokio::test]
async fn refuses_an_offer_that_ends_the_old_path() {
    let flaw = Broken::by_action(|broken, generation, action| {
        broken.count += u32::from(matches!(action, PeerAction::RestartIce(_)));
        if !(broken.count > 0 && matches!(action, PeerAction::Send { .. })) {
            broken.perform_for(generation, action);
        }
    });
    refused!(old_path_works_until_a_restart_is_answered, flaw, "a message in each direction");
}

#[tokio::test]
async fn refuses_a_description_that_ends_the_path_too_early() {
    let flaw = Broken::by_both(
        |broken, generation, action| {
            if matches!(action, PeerAction::Accept(_)) {
                broken.count = 1;
            }
            broken.perform_for(generation, action);
        },
        |broken, event| match event {
            PeerEvent::Received(_) if broken.count == 1 => broken.held.push(event),
            PeerEvent::LocalDescription(_) => {
                broken.count = 0;
                broken.report(event);
                broken.report_held();
            }
            event => broken.report(event),
        },
    );
    refused!(restart_description_over_the_channel_is_held, flaw, "before the message that followed");
}

#[tokio::test]
async fn refuses_two_samples_for_one_read() {
    let flaw = Broken::by_event(|broken, event| {
        if matches!(event, PeerEvent::Stats(_)) {
            broken.report(event.clone());
        }
        broken.report(event);
    });
    refused!(every_read_yields_one_sample, flaw, "a second sample");
}

#[tokio::test]
async fn refuses_probes_counted_by_the_transport() {
    let flaw = Broken::by_event(|broken, event| match event {
        PeerEvent::Stats(mut sample) => {
            sample.probes_sent = 3;
            broken.report(PeerEvent::Stats(sample));
        }
        event => broken.report(event),
    });
    refused!(every_read_yields_one_sample, flaw, "counted by core");
}

#[tokio::test]
async fn refuses_a_create_that_keeps_the_old_connection() {
    let flaw = Broken::by_action(|broken, generation, action| {
        broken.count += u32::from(matches!(action, PeerAction::Create(_)));
        if !(broken.count == 2 && matches!(action, PeerAction::Create(_))) {
            broken.perform_for(generation, action);
        }
    });
    refused!(create_replaces_the_connection, flaw, "ChannelOpen on both sides");
}

#[tokio::test]
async fn refuses_a_close_that_drops_what_was_sent() {
    let flaw = Broken::by_action(|broken, generation, action| {
        if !matches!(action, PeerAction::Send { .. }) {
            broken.perform_for(generation, action);
        }
    });
    refused!(close_delivers_what_was_sent, flaw, "did not arrive");
}

#[tokio::test]
async fn refuses_an_event_after_close() {
    let flaw = Broken::by_action(|broken, generation, action| {
        if action == PeerAction::Close {
            broken.report(PeerEvent::ChannelClosed);
        }
        broken.perform_for(generation, action);
    });
    refused!(close_is_silent, flaw, "came after Close");
}

#[tokio::test]
async fn refuses_a_cancelled_future_that_loses_its_event() {
    refused!(next_event_is_cancel_safe, Broken::lossy(), "came out of cancelled futures");
}
