//! Checks of a [`Dialect`].

mod samples;

use std::fmt::{self, Debug};

use rejoin_core::id::SignalingAddress;
use rejoin_core::message::ChannelMessage;
use rejoin_core::port::{ChannelFrame, Dialect};

use crate::dialect::samples::{channel_messages, directed_messages, malformed_frames};
use crate::violation::{Violation, named, require};

/// Two clients of one dialect, and the server between them.
pub struct Clients {
    /// The dialect of the client that sends.
    pub sender: Box<dyn Dialect>,
    /// The dialect of the client that receives.
    pub receiver: Box<dyn Dialect>,
    /// Where the server finds the sender.
    pub sender_address: SignalingAddress,
    /// Where the server finds the receiver.
    pub receiver_address: SignalingAddress,
    /// Returns the frame that the server sends to the receiver for a frame that it gets from the sender.
    pub forward: Box<dyn Fn(String) -> String + Send + Sync>,
}

impl Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").field("sender", &self.sender).finish_non_exhaustive()
    }
}

/// Runs every check of this module and returns the violations.
pub fn check_all(clients: &Clients) -> Vec<Violation> {
    let checks = [
        channel_label_is_stable,
        channel_messages_round_trip,
        channel_frames_fit,
        signaling_arrives_with_the_sender,
        malformed_frames_yield_short_errors,
    ];
    checks.into_iter().filter_map(|check| check(clients).err()).collect()
}

/// Checks that the label of the data channel is not empty, never changes, and is the same for both clients.
pub fn channel_label_is_stable(clients: &Clients) -> Result<(), Violation> {
    let label = clients.sender.channel_label();
    let same = label == clients.sender.channel_label() && label == clients.receiver.channel_label();
    let finding = require(same && !label.is_empty(), || {
        format!("\"{label}\" and \"{}\"", clients.receiver.channel_label())
    });
    named("channel_label_is_stable", finding)
}

/// Checks that the receiver decodes every message of the data channel as it was, twice in a row.
pub fn channel_messages_round_trip(clients: &Clients) -> Result<(), Violation> {
    let check = || {
        for message in channel_messages() {
            for _ in 0..2 {
                let frame = clients.sender.encode_channel(&message);
                let frame = frame.map_err(|error| format!("{message:?} has no frame: {error}"))?;
                let decoded = clients.receiver.decode_channel(&frame).map_err(|error| error.to_string())?;
                require(decoded == [message.clone()], || format!("{message:?} was decoded as {decoded:?}"))?;
            }
        }
        Ok(())
    };
    named("channel_messages_round_trip", check())
}

/// Checks that the largest part of a message fits a data channel with its frame: every stack takes 60,000 bytes.
pub fn channel_frames_fit(clients: &Clients) -> Result<(), Violation> {
    const MAX_FRAME: usize = 60_000;
    let check = || {
        let message = samples::largest_part();
        let frame = clients.sender.encode_channel(&message).map_err(|error| error.to_string())?;
        let size = match &frame {
            ChannelFrame::Text(text) => text.len(),
            ChannelFrame::Binary(bytes) => bytes.len(),
        };
        require(size <= MAX_FRAME, || format!("the largest part has a frame of {size} bytes"))
    };
    named("channel_frames_fit", check())
}

/// Checks that a message to the receiver arrives there as one of the sender, over the server and over the channel.
pub fn signaling_arrives_with_the_sender(clients: &Clients) -> Result<(), Violation> {
    let check = || {
        let (to, from) = (Some(clients.receiver_address.clone()), Some(clients.sender_address.clone()));
        for (sent, expected) in directed_messages(to).into_iter().zip(directed_messages(from)) {
            let frame = clients.sender.encode_signaling(&sent);
            let frame = frame.map_err(|error| format!("{sent:?} has no frame: {error}"))?;
            let decoded = clients.receiver.decode_signaling(&(clients.forward)(frame));
            let decoded = decoded.map_err(|error| format!("{sent:?} was not decoded: {error}"))?;
            require(decoded == [expected.clone()], || format!("{expected:?} was decoded as {decoded:?}"))?;
        }
        for message in directed_messages(None).into_iter().map(ChannelMessage::Signaling) {
            let frame = clients.sender.encode_channel(&message).map_err(|error| error.to_string())?;
            let decoded = clients.receiver.decode_channel(&frame).map_err(|error| error.to_string())?;
            let bye = ChannelMessage::Signaling(samples::bye());
            let expected = if message == bye { ChannelMessage::Bye } else { message };
            require(decoded == [expected.clone()], || format!("{expected:?} was decoded as {decoded:?}"))?;
        }
        Ok(())
    };
    named("signaling_arrives_with_the_sender", check())
}

/// Checks that malformed frames yield an error of readable length or messages, and never a panic.
pub fn malformed_frames_yield_short_errors(clients: &Clients) -> Result<(), Violation> {
    const MAX_ERROR: usize = 400;
    let check = || {
        for frame in malformed_frames(clients.sender.as_ref()) {
            let signaling = clients.receiver.decode_signaling(&frame).err();
            let text = clients.receiver.decode_channel(&ChannelFrame::Text(frame.clone())).err();
            let binary = clients.receiver.decode_channel(&ChannelFrame::Binary(frame.into_bytes())).err();
            for error in [signaling, text, binary].into_iter().flatten() {
                let length = error.0.chars().count();
                require((1..=MAX_ERROR).contains(&length), || format!("an error of {length} characters"))?;
            }
        }
        Ok(())
    };
    named("malformed_frames_yield_short_errors", check())
}
