//! The dialect of `wss.vdo.ninja` and of servers that rewrite `UUID` from the receiver to the sender as it does.

use rejoin_core::Dialect;
use rejoin_core::id::Route;
use rejoin_core::message::{ChannelMessage, SignalingMessage};
use rejoin_core::port::{ChannelFrame, DialectError};

use crate::channel;
use crate::codebook::{Codebook, to_json};
use crate::crypto::Keys;
use crate::directed::{self, DescriptionFrame, OutgoingCandidates, SealedDescription};
use crate::excerpt::excerpt;
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
    codebook: Codebook,
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
                request::join_frame(codebook, room, claim.then_some(true))
            }
            SignalingMessage::Seed { stream } => request::stream_frame("seed", codebook, stream),
            SignalingMessage::Play { stream } => request::stream_frame("play", codebook, stream),
            SignalingMessage::Description { route, session, stream, description } => {
                to_json(&DescriptionFrame {
                    route: Some(addressed(route.as_ref(), "a description")?),
                    session: session.as_ref(),
                    stream: stream.as_ref().map(|stream| codebook.wire_stream(stream)).transpose()?,
                    content: SealedDescription::new(codebook, description)?,
                })
            }
            SignalingMessage::Candidates { route, session, sender, candidates } => {
                directed::candidates_frame(
                    codebook,
                    OutgoingCandidates {
                        route: Some(addressed(route.as_ref(), "a candidate")?),
                        session: session.as_ref(),
                        sender: *sender,
                        candidates,
                    },
                )
            }
            SignalingMessage::RestartIce { route } => {
                directed::restart_frame(Some(addressed(route.as_ref(), "a wish for an ice restart")?))
            }
            SignalingMessage::Bye { route } => {
                directed::bye_frame(Some(addressed(route.as_ref(), "a farewell")?))
            }
            SignalingMessage::OfferRequested { route, stream } => {
                request::offer_request_frame(codebook, route, stream.as_ref())
            }
            SignalingMessage::Listing { members, director, claim } => {
                request::listing_frame(codebook, members, director.as_ref(), *claim)
            }
            SignalingMessage::Joined(member) => request::joined_frame(codebook, member),
            SignalingMessage::Alert { kind, text } => request::alert_frame(*kind, text),
            SignalingMessage::Present => Err(unsendable("a name for the server")),
            SignalingMessage::Unknown { request } => Err(unsendable(request)),
            _ => Err(unsendable("a message of a newer core")),
        }
    }

    fn decode_signaling(&self, frame: &str) -> Result<Vec<SignalingMessage>, DialectError> {
        let fields = Fields::parse(frame)?;
        if let Some(request) = fields.text("request")? {
            return Ok(vec![request::decode(&request, &fields, &self.codebook)?]);
        }
        let route = request::route(&fields)?;
        let mut messages = directed::decode(&fields, &self.codebook, route.as_ref())?;
        if fields.truthy("bye") {
            messages.push(SignalingMessage::Bye { route });
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
        channel::encode(&self.codebook, message).map(ChannelFrame::Text)
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

/// Returns the route that the server needs to deliver `message`.
fn addressed<'message>(
    route: Option<&'message Route>,
    message: &str,
) -> Result<&'message Route, DialectError> {
    route.ok_or_else(|| {
        DialectError(format!("{message} has no route; name its receiver, or send it over the data channel"))
    })
}

fn unsendable(message: &str) -> DialectError {
    let message = excerpt(message);
    DialectError(format!("\"{message}\" has no form in the hosted dialect; do not send it"))
}
