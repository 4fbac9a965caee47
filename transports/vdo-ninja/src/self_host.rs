//! The dialect of self-hosted servers, which forward frames unchanged: clients add a `from` of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use rejoin_core::Dialect;
use rejoin_core::id::SignalingAddress;
use rejoin_core::message::{ChannelMessage, Member, SignalingMessage};
use rejoin_core::port::{ChannelFrame, DialectError};
use rejoin_core::sdp::SdpType;

use crate::client_id::ClientId;
use crate::fields::{Fields, missing};
use crate::hosted::{Hosted, HostedOptions};
use crate::password::{DEFAULT_SALT, Password};
use crate::peer_frames;
use crate::server_frames;
use crate::truncate::truncate;
use crate::wire_codec::{SignalingPath, to_json};

/// The options of [`SelfHost`]: what both sides must share, and our client id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfHostOptions {
    /// The password.
    pub password: Password,
    /// The text that is appended to the password; web pages use their host name.
    pub salt: String,
    /// Our client id until a server forces a new one; keep it for as long as peers should recognize us.
    pub from: ClientId,
}

impl SelfHostOptions {
    /// Returns the options of clients that set neither password nor salt.
    pub fn new(from: ClientId) -> Self {
        Self { password: Password::default(), salt: DEFAULT_SALT.to_owned(), from }
    }
}

/// The dialect of self-hosted servers, both of those that route frames and of those that send each frame to every client.
///
/// Such servers do not separate rooms and streams.
/// The dialect therefore records what it has announced, and ignores frames that do not concern it.
#[derive(Debug)]
pub struct SelfHost {
    /// The dialect between peers, which is the same.
    hosted: Hosted,
    from: Mutex<ClientId>,
    announced: Mutex<Announced>,
}

/// What we have announced to the server, by the names on the wire.
#[derive(Debug, Default)]
struct Announced {
    room: Option<String>,
    streams: BTreeSet<String>,
}

/// The fields that are appended to a frame.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SenderFields<'frame> {
    #[serde(skip_serializing_if = "Option::is_none")]
    is_scene: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    roomid: Option<&'frame str>,
    from: &'frame str,
}

impl SelfHost {
    /// Derives the keys of `options`.
    pub fn new(options: SelfHostOptions) -> Self {
        let SelfHostOptions { password, salt, from } = options;
        let hosted = Hosted::new(&HostedOptions { password, salt });
        Self { hosted, from: Mutex::new(from), announced: Mutex::default() }
    }

    /// Returns our client id.
    fn from(&self) -> ClientId {
        self.from.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces our client id by a random one and returns it.
    fn rename(&self) -> Result<ClientId, DialectError> {
        let from = ClientId::random()?;
        *self.from.lock().unwrap_or_else(PoisonError::into_inner) = from.clone();
        Ok(from)
    }

    fn announced(&self) -> MutexGuard<'_, Announced> {
        // The state is consistent after every statement, so a panic of another thread does not invalidate it.
        self.announced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds our client id to a frame for the server or for every client.
    fn with_sender(&self, frame: String) -> Result<String, DialectError> {
        append(frame, &SenderFields { is_scene: None, roomid: None, from: self.from().as_str() })
    }

    /// Adds our client id and room to a frame for one peer, which checks the room.
    fn with_sender_and_room(
        &self,
        frame: String,
        message: &SignalingMessage,
    ) -> Result<String, DialectError> {
        let is_scene = match message {
            // We publish as a guest does; a scene is an overlay that a director controls.
            SignalingMessage::Description { description, .. } => {
                (description.sdp_type == SdpType::Offer).then_some(false)
            }
            _ => None,
        };
        let announced = self.announced();
        append(
            frame,
            &SenderFields { is_scene, roomid: announced.room.as_deref(), from: self.from().as_str() },
        )
    }

    /// Returns a frame to ourselves: the server reads our client id from it and forwards it to no client.
    fn introduction(&self, ourselves: &ClientId) -> Result<String, DialectError> {
        self.with_sender(to_json(&BTreeMap::from([("UUID", ourselves.as_str())]))?)
    }

    /// Returns the message of another client's request, which the server forwarded.
    fn forwarded_request(
        &self,
        request: &str,
        address: SignalingAddress,
        fields: &Fields<'_>,
    ) -> Result<Option<SignalingMessage>, DialectError> {
        let stream = fields.text("streamID")?;
        let require_stream = || stream.clone().ok_or_else(|| missing("streamID", request));
        let local = |stream: &str| self.hosted.codec.local_stream(stream);
        Ok(match request {
            "play" => {
                let stream = Some(require_stream()?).filter(|name| self.announced().streams.contains(name));
                stream.map(|name| SignalingMessage::OfferRequested { address, stream: Some(local(&name)) })
            }
            "seed" => {
                let stream = Some(local(&require_stream()?));
                Some(SignalingMessage::Joined(Member { address, stream }))
            }
            "joinroom" => {
                let room = fields.text("roomid")?.ok_or_else(|| missing("roomid", request))?;
                let stream = stream.as_deref().map(local);
                let is_ours = self.announced().room.as_ref() == Some(&room);
                is_ours.then_some(SignalingMessage::Joined(Member { address, stream }))
            }
            // The web app pings after losing a peer and expects no answer.
            "ping" => None,
            unknown => Some(SignalingMessage::Unknown { request: truncate(unknown) }),
        })
    }
}

impl Dialect for SelfHost {
    fn encode_signaling(&self, message: &SignalingMessage) -> Result<String, DialectError> {
        let codec = &self.hosted.codec;
        match message {
            SignalingMessage::JoinRoom { room, claim, stream } => {
                let frame = server_frames::join_frame(codec, room, claim.then_some(true), stream.as_ref())?;
                let stream = stream.as_ref().map(|stream| codec.wire_stream(stream)).transpose()?;
                let mut announced = self.announced();
                announced.room = Some(codec.wire_room(room)?);
                announced.streams.extend(stream);
                self.with_sender(frame)
            }
            SignalingMessage::Seed { stream } => {
                self.announced().streams.insert(codec.wire_stream(stream)?);
                self.with_sender(server_frames::stream_frame("seed", codec, stream)?)
            }
            SignalingMessage::Play { stream } => {
                self.with_sender(server_frames::stream_frame("play", codec, stream)?)
            }
            SignalingMessage::Present => self.introduction(&self.from()),
            SignalingMessage::Rename => self.introduction(&self.rename()?),
            other => match peer_frames::encode(codec, SignalingPath::Server, other)? {
                Some(frame) => self.with_sender_and_room(frame, other),
                None => Err(peer_frames::unsendable("a message of hosted servers", "self-host")),
            },
        }
    }

    fn decode_signaling(&self, frame: &str) -> Result<Vec<SignalingMessage>, DialectError> {
        let fields = Fields::parse(frame)?;
        let Some(from) = fields.text("from")? else {
            // Only the server's own frames have no `from`.
            return if fields.truthy("error") {
                Ok(vec![server_frames::alert_of(&fields, "error")])
            } else {
                Err(missing_sender(&fields))
            };
        };
        let (ourselves, to) = (self.from(), server_frames::address(&fields)?);
        let is_for_us = to.is_none_or(|to| to.0.as_ref() == ourselves.as_str());
        if from == ourselves.as_str() || !is_for_us {
            return Ok(Vec::new());
        }
        let address = SignalingAddress(from.into());
        if let Some(request) = fields.text("request")? {
            return Ok(self.forwarded_request(&request, address, &fields)?.into_iter().collect());
        }
        let mut messages = peer_frames::decode(&fields, &self.hosted.codec, Some(&address))?;
        if fields.truthy("bye") {
            messages.push(SignalingMessage::Bye { address: Some(address) });
        }
        if messages.is_empty() {
            messages.push(SignalingMessage::Unknown { request: fields.names() });
        }
        Ok(messages)
    }

    fn encode_channel(&self, message: &ChannelMessage) -> Result<ChannelFrame, DialectError> {
        self.hosted.encode_channel(message)
    }

    fn decode_channel(&self, frame: &ChannelFrame) -> Result<Vec<ChannelMessage>, DialectError> {
        self.hosted.decode_channel(frame)
    }

    fn channel_label(&self) -> &str {
        self.hosted.channel_label()
    }
}

/// Appends fields to the text of an object that is not empty.
fn append(mut frame: String, fields: &SenderFields<'_>) -> Result<String, DialectError> {
    let fields = to_json(fields)?;
    frame.pop();
    frame.push(',');
    frame.extend(fields.chars().skip(1));
    Ok(frame)
}

fn missing_sender(fields: &Fields<'_>) -> DialectError {
    let names = fields.names();
    DialectError(format!(
        "a frame ({names}) has no `from`; choose the hosted dialect if the server uses that one"
    ))
}
