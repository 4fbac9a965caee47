//! The dialect of `wss.vdo.ninja` and of servers that rewrite `UUID` from the receiver to the sender as it does.

use rejoin_core::Dialect;
use rejoin_core::message::{ChannelMessage, SignalingMessage};
use rejoin_core::port::{ChannelFrame, DialectError};

use crate::channel;
use crate::codebook::Codebook;
use crate::crypto::Keys;
use crate::directed;
use crate::fields::Fields;
use crate::password::{DEFAULT_SALT, Password};
use crate::request;

/// The label that publishers give their data channel; viewers look for no other.
const CHANNEL_LABEL: &str = "sendChannel";

/// What both sides must agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostedOptions {
    /// The password.
    pub password: Password,
    /// What is appended to the password; pages take it from their host name.
    pub salt: String,
}

/// The password and salt of clients that set neither.
impl Default for HostedOptions {
    fn default() -> Self {
        Self { password: Password::default(), salt: DEFAULT_SALT.to_owned() }
    }
}

/// Speaks to the hosted server, and to peers under one password.
#[derive(Clone, Debug)]
pub struct Hosted {
    pub(crate) codebook: Codebook,
}

impl Hosted {
    /// Derives the keys of `options`.
    pub fn new(options: &HostedOptions) -> Self {
        Self { codebook: Codebook::new(Keys::derive(&options.password, &options.salt)) }
    }
}

impl Dialect for Hosted {
    fn encode_signaling(&self, message: &SignalingMessage) -> Result<String, DialectError> {
        let codebook = &self.codebook;
        match message {
            // A claim that is not made is not written.
            SignalingMessage::JoinRoom { room, claim, stream: _ } => {
                request::join_frame(codebook, room, claim.then_some(true), None)
            }
            SignalingMessage::Seed { stream } => request::stream_frame("seed", codebook, stream),
            SignalingMessage::Play { stream } => request::stream_frame("play", codebook, stream),
            SignalingMessage::OfferRequested { address, stream } => {
                request::offer_request_frame(codebook, address, stream.as_ref())
            }
            SignalingMessage::Listing { members, director, claim } => {
                request::listing_frame(codebook, members, director.as_ref(), *claim)
            }
            SignalingMessage::Joined(member) => request::joined_frame(codebook, member),
            SignalingMessage::Alert { kind, text } => request::alert_frame(*kind, text),
            SignalingMessage::Present => Err(unsendable("a name for the server")),
            SignalingMessage::Rename => Err(unsendable("another name")),
            SignalingMessage::Unknown { request } => Err(unsendable(request)),
            other => match directed::encode(codebook, other)? {
                Some(frame) => Ok(frame),
                None => Err(unsendable("a message of a newer core")),
            },
        }
    }

    fn decode_signaling(&self, frame: &str) -> Result<Vec<SignalingMessage>, DialectError> {
        let fields = Fields::parse(frame)?;
        if let Some(request) = fields.text("request")? {
            return Ok(vec![request::decode(&request, &fields, &self.codebook)?]);
        }
        let address = request::address(&fields)?;
        let mut messages = directed::decode(&fields, &self.codebook, address.as_ref())?;
        if fields.truthy("bye") {
            messages.push(SignalingMessage::Bye { address });
        }
        // Self-hosted servers refuse in these words, without a request.
        if fields.truthy("error") {
            messages.push(request::alert_of(&fields, "error"));
        }
        if messages.is_empty() {
            messages.push(SignalingMessage::Unknown { request: fields.names() });
        }
        Ok(messages)
    }

    fn encode_channel(&self, message: &ChannelMessage) -> Result<ChannelFrame, DialectError> {
        channel::encode(&self.codebook, message)
    }

    fn decode_channel(&self, frame: &ChannelFrame) -> Result<Vec<ChannelMessage>, DialectError> {
        match frame {
            ChannelFrame::Text(text) => channel::decode(&self.codebook, text),
            ChannelFrame::Binary(bytes) => channel::decode_binary(&self.codebook, bytes),
        }
    }

    fn channel_label(&self) -> &str {
        CHANNEL_LABEL
    }
}

fn unsendable(message: &str) -> DialectError {
    directed::unsendable(message, "hosted")
}
