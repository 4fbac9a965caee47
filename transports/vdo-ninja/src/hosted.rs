//! The dialect of `wss.vdo.ninja` and of servers that replace the receiver's `UUID` by the sender's as it does.

use rejoin_core::Dialect;
use rejoin_core::message::{ChannelMessage, SignalingMessage};
use rejoin_core::port::{ChannelFrame, DialectError};

use crate::channel;
use crate::crypto::Keys;
use crate::fields::Fields;
use crate::password::{DEFAULT_SALT, Password};
use crate::peer_frames;
use crate::server_frames;
use crate::wire_codec::{SignalingPath, WireCodec};

/// The label of the publisher's data channel; viewers accept no other.
const CHANNEL_LABEL: &str = "sendChannel";

/// The options of [`Hosted`], which both sides must share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostedOptions {
    /// The password.
    pub password: Password,
    /// The text that is appended to the password; web pages use their host name.
    pub salt: String,
}

/// The password and the salt of clients that set neither.
impl Default for HostedOptions {
    fn default() -> Self {
        Self { password: Password::default(), salt: DEFAULT_SALT.to_owned() }
    }
}

/// The dialect of the hosted server, with one password.
#[derive(Clone, Debug)]
pub struct Hosted {
    pub(crate) codec: WireCodec,
}

impl Hosted {
    /// Derives the keys of `options`.
    pub fn new(options: &HostedOptions) -> Self {
        Self { codec: WireCodec::new(Keys::derive(&options.password, &options.salt)) }
    }
}

impl Dialect for Hosted {
    fn encode_signaling(&self, message: &SignalingMessage) -> Result<String, DialectError> {
        let codec = &self.codec;
        match message {
            // `claim` is written only if it is true.
            SignalingMessage::JoinRoom { room, claim, stream: _ } => {
                server_frames::join_frame(codec, room, claim.then_some(true), None)
            }
            SignalingMessage::Seed { stream } => server_frames::stream_frame("seed", codec, stream),
            SignalingMessage::Play { stream } => server_frames::stream_frame("play", codec, stream),
            SignalingMessage::OfferRequested { address, stream } => {
                server_frames::offer_request_frame(codec, address, stream.as_ref())
            }
            SignalingMessage::Listing { members, director, claim } => {
                server_frames::listing_frame(codec, members, director.as_ref(), *claim)
            }
            SignalingMessage::Joined(member) => server_frames::joined_frame(codec, member),
            SignalingMessage::Alert { kind, text } => server_frames::alert_frame(*kind, text),
            SignalingMessage::Present => Err(unsendable("a client id for the server")),
            SignalingMessage::Rename => Err(unsendable("a new client id")),
            SignalingMessage::Unknown { request } => Err(unsendable(request)),
            other => peer_frames::encode(codec, SignalingPath::Server, other)?
                .ok_or_else(|| unsendable("a message of a newer core")),
        }
    }

    fn decode_signaling(&self, frame: &str) -> Result<Vec<SignalingMessage>, DialectError> {
        let fields = Fields::parse(frame)?;
        if let Some(request) = fields.text("request")? {
            return Ok(vec![server_frames::decode(&request, &fields, &self.codec)?]);
        }
        let address = server_frames::address(&fields)?;
        let mut messages = peer_frames::decode(&fields, &self.codec, address.as_ref())?;
        if fields.truthy("bye") {
            messages.push(SignalingMessage::Bye { address });
        }
        // Self-hosted servers report errors in this form, without a request.
        if fields.truthy("error") {
            messages.push(server_frames::alert_of(&fields, "error"));
        }
        if messages.is_empty() {
            messages.push(SignalingMessage::Unknown { request: fields.names() });
        }
        Ok(messages)
    }

    fn encode_channel(&self, message: &ChannelMessage) -> Result<ChannelFrame, DialectError> {
        channel::encode(&self.codec, message)
    }

    fn decode_channel(&self, frame: &ChannelFrame) -> Result<Vec<ChannelMessage>, DialectError> {
        match frame {
            ChannelFrame::Text(text) => channel::decode(&self.codec, text),
            ChannelFrame::Binary(bytes) => channel::decode_binary(&self.codec, bytes),
        }
    }

    fn channel_label(&self) -> &str {
        CHANNEL_LABEL
    }
}

fn unsendable(message: &str) -> DialectError {
    peer_frames::unsendable(message, "hosted")
}
