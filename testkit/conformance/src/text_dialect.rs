//! A dialect of plain texts, with which transports are checked.

use rejoin_core::message::{ChannelMessage, Payload, SignalingMessage};
use rejoin_core::port::{ChannelFrame, Dialect, DialectError};
use rejoin_core::sdp::{Description, SdpType};

/// Encodes application messages and descriptions on the channel, and signaling requests, as plain texts.
///
/// Frames that begin with `!` are malformed.
#[derive(Clone, Copy, Debug, Default)]
pub struct TextDialect;

impl Dialect for TextDialect {
    fn encode_signaling(&self, message: &SignalingMessage) -> Result<String, DialectError> {
        match message {
            SignalingMessage::Unknown { request } => Ok(request.clone()),
            other => Err(DialectError(format!("the text dialect cannot encode {other:?}"))),
        }
    }

    fn decode_signaling(&self, frame: &str) -> Result<Vec<SignalingMessage>, DialectError> {
        refuse_malformed(frame)?;
        Ok(vec![SignalingMessage::Unknown { request: frame.to_owned() }])
    }

    fn encode_channel(&self, message: &ChannelMessage) -> Result<ChannelFrame, DialectError> {
        match message {
            ChannelMessage::Application(Payload(text)) => Ok(ChannelFrame::Text(text.to_string())),
            ChannelMessage::Signaling(SignalingMessage::Description { description, .. }) => {
                Ok(ChannelFrame::Text(format!("{:?} {}", description.sdp_type, description.sdp)))
            }
            other => Err(DialectError(format!("the text dialect cannot encode {other:?}"))),
        }
    }

    fn decode_channel(&self, frame: &ChannelFrame) -> Result<Vec<ChannelMessage>, DialectError> {
        let ChannelFrame::Text(text) = frame else {
            return Err(DialectError("the text dialect has no binary frames".to_owned()));
        };
        refuse_malformed(text)?;
        Ok(vec![match text.split_once(' ') {
            Some(("Offer", sdp)) => description_message(SdpType::Offer, sdp),
            Some(("Answer", sdp)) => description_message(SdpType::Answer, sdp),
            Some(_) | None => text_message(text),
        }])
    }

    fn channel_label(&self) -> &str {
        "text"
    }
}

fn refuse_malformed(frame: &str) -> Result<(), DialectError> {
    if frame.starts_with('!') { Err(DialectError("the frame begins with !".to_owned())) } else { Ok(()) }
}

/// Returns an application message.
pub(crate) fn text_message(text: &str) -> ChannelMessage {
    ChannelMessage::Application(Payload(text.into()))
}

/// Returns a description that travels over the channel.
pub(crate) fn description_message(sdp_type: SdpType, sdp: &str) -> ChannelMessage {
    let description = Description { sdp_type, sdp: sdp.to_owned() };
    let (address, session, stream) = (None, None, None);
    ChannelMessage::Signaling(SignalingMessage::Description { address, session, stream, description })
}
