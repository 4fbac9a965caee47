//! Checks of a [`PeerTransport`](rejoin_core::PeerTransport).

mod channel;
mod lifecycle;
mod negotiation;
mod pair;

pub use channel::{
    channel_opens_once_before_messages, full_buffer_returns_messages_until_writable,
    malformed_frames_leave_the_channel_open, messages_arrive_in_order,
    no_message_overtakes_an_unread_refusal, send_before_open_is_returned,
    unencodable_messages_leave_the_channel_open,
};
pub use lifecycle::{
    close_delivers_what_was_sent, close_is_silent, create_replaces_the_connection,
    every_read_yields_one_sample, ice_states_change_and_precede_the_channel,
    malformed_description_fails_the_connection, next_event_is_cancel_safe, unknown_generations_are_ignored,
};
pub use negotiation::{
    answerer_waits_for_the_offer, candidates_follow_the_description, candidates_may_precede_the_description,
    old_path_works_until_a_restart_is_answered, repeated_answer_is_ignored,
    restart_description_over_the_channel_is_held, restart_keeps_the_channel,
    restart_replaces_an_unanswered_offer,
};
pub use pair::PeerTransports;

use crate::violation::Violation;

/// Runs every check of this module, one after another, and returns the violations.
pub async fn check_all(transports: &PeerTransports) -> Vec<Violation> {
    let results = [
        unknown_generations_are_ignored(transports).await,
        answerer_waits_for_the_offer(transports).await,
        candidates_follow_the_description(transports).await,
        candidates_may_precede_the_description(transports).await,
        malformed_description_fails_the_connection(transports).await,
        repeated_answer_is_ignored(transports).await,
        ice_states_change_and_precede_the_channel(transports).await,
        channel_opens_once_before_messages(transports).await,
        messages_arrive_in_order(transports).await,
        send_before_open_is_returned(transports).await,
        full_buffer_returns_messages_until_writable(transports).await,
        no_message_overtakes_an_unread_refusal(transports).await,
        malformed_frames_leave_the_channel_open(transports).await,
        unencodable_messages_leave_the_channel_open(transports).await,
        restart_keeps_the_channel(transports).await,
        restart_replaces_an_unanswered_offer(transports).await,
        old_path_works_until_a_restart_is_answered(transports).await,
        restart_description_over_the_channel_is_held(transports).await,
        every_read_yields_one_sample(transports).await,
        create_replaces_the_connection(transports).await,
        close_delivers_what_was_sent(transports).await,
        close_is_silent(transports).await,
        next_event_is_cancel_safe(transports).await,
    ];
    results.into_iter().filter_map(Result::err).collect()
}
