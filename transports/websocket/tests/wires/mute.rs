//! A dialect without messages.

use rejoin_core::message::{ChannelMessage, SignalingMessage};
use rejoin_core::port::{ChannelFrame, Dialect, DialectError};

/// Encodes nothing and decodes every frame to nothing.
#[derive(Debug)]
pub(crate) struct Mute;

impl Dialect for Mute {
    fn encode_signaling(&self, _: &SignalingMessage) -> Result<String, DialectError> {
        Err(DialectError("mute".to_owned()))
    }

    fn decode_signaling(&self, _: &str) -> Result<Vec<SignalingMessage>, DialectError> {
        Ok(Vec::new())
    }

    fn encode_channel(&self, _: &ChannelMessage) -> Result<ChannelFrame, DialectError> {
        Err(DialectError("mute".to_owned()))
    }

    fn decode_channel(&self, _: &ChannelFrame) -> Result<Vec<ChannelMessage>, DialectError> {
        Ok(Vec::new())
    }

    fn channel_label(&self) -> &str {
        "mute"
    }
}
