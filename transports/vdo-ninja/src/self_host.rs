//! The dialect of self-hosted servers, which pass every frame on as it came: clients sign with a `from` of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use rejoin_core::Dialect;
use rejoin_core::id::SignalingAddress;
use rejoin_core::message::{ChannelMessage, Member, SignalingMessage};
use rejoin_core::port::{ChannelFrame, DialectError};
use rejoin_core::sdp::SdpType;

use crate::callsign::Callsign;
use crate::codebook::to_json;
use crate::directed;
use crate::excerpt::excerpt;
use crate::fields::{Fields, missing};
use crate::hosted::{Hosted, HostedOptions};
use crate::password::{DEFAULT_SALT, Password};
use crate::request;

/// What both sides must agree on, and who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfHostOptions {
    /// The password.
    pub password: Password,
    /// What is appended to the password; pages take it from their host name.
    pub salt: String,
    /// Who we are to servers and peers until we must rename ourselves; keep it as long as they are to know us again.
    pub from: Callsign,
}

impl SelfHostOptions {
    /// Creates the options of clients that set neither password nor salt.
    pub fn new(from: Callsign) -> Self {
        Self { password: Password::default(), salt: DEFAULT_SALT.to_owned(), from }
    }
}

/// Speaks to self-hosted servers, routing ones and such that repeat everything to everybody.
///
/// Nobody but the members themselves keeps rooms and streams apart there.
/// So it remembers what it has announced, and reads only what concerns that.
#[derive(Debug)]
pub struct SelfHost {
    /// Between peers all clients speak alike.
    hosted: Hosted,
    from: Mutex<Callsign>,
    announced: Mutex<Announced>,
}

/// What we have told the server, in the wire's names.
#[derive(Debug, Default)]
struct Announced {
    room: Option<String>,
    streams: BTreeSet<String>,
}

/// What stands at the end of a frame.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Signature<'frame> {
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

    /// Returns who we are.
    fn from(&self) -> Callsign {
        self.from.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Draws another callsign and returns it.
    fn rename(&self) -> Result<Callsign, DialectError> {
        let from = Callsign::random()?;
        *self.from.lock().unwrap_or_else(PoisonError::into_inner) = from.clone();
        Ok(from)
    }

    fn announced(&self) -> MutexGuard<'_, Announced> {
        // Names are only ever added whole, so a panic elsewhere does not spoil them.
        self.announced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Signs a frame that the server or everybody is to read.
    fn sign(&self, frame: String) -> Result<String, DialectError> {
        append(frame, &Signature { is_scene: None, roomid: None, from: self.from().as_str() })
    }

    /// Signs a frame for one peer, which tells by the room whether it is meant.
    fn sign_to_peer(&self, frame: String, message: &SignalingMessage) -> Result<String, DialectError> {
        let is_scene = match message {
            // We publish as a guest does; a scene is an overlay in a director's hands.
            SignalingMessage::Description { description, .. } => {
                (description.sdp_type == SdpType::Offer).then_some(false)
            }
            _ => None,
        };
        let announced = self.announced();
        append(frame, &Signature { is_scene, roomid: announced.room.as_deref(), from: self.from().as_str() })
    }

    /// The server takes our name from the first frame, and delivers one to ourselves to nobody.
    fn present(&self, ourselves: &Callsign) -> Result<String, DialectError> {
        self.sign(to_json(&BTreeMap::from([("UUID", ourselves.as_str())]))?)
    }

    /// Reads what a client told its server, and the server told everybody.
    fn overheard(
        &self,
        request: &str,
        address: SignalingAddress,
        fields: &Fields<'_>,
    ) -> Result<Option<SignalingMessage>, DialectError> {
        let stream = fields.text("streamID")?;
        let require_stream = || stream.clone().ok_or_else(|| missing("streamID", request));
        let ours = |stream: &str| self.hosted.codebook.our_stream(stream);
        Ok(match request {
            "play" => {
                let stream = Some(require_stream()?).filter(|name| self.announced().streams.contains(name));
                stream.map(|name| SignalingMessage::OfferRequested { address, stream: Some(ours(&name)) })
            }
            "seed" => {
                let stream = Some(ours(&require_stream()?));
                Some(SignalingMessage::Joined(Member { address, stream }))
            }
            "joinroom" => {
                let room = fields.text("roomid")?.ok_or_else(|| missing("roomid", request))?;
                let stream = stream.as_deref().map(ours);
                let is_ours = self.announced().room.as_ref() == Some(&room);
                is_ours.then_some(SignalingMessage::Joined(Member { address, stream }))
            }
            // The web app pings after losing a peer and expects no answer.
            "ping" => None,
            unknown => Some(SignalingMessage::Unknown { request: excerpt(unknown) }),
        })
    }
}

impl Dialect for SelfHost {
    fn encode_signaling(&self, message: &SignalingMessage) -> Result<String, DialectError> {
        let codebook = &self.hosted.codebook;
        match message {
            SignalingMessage::JoinRoom { room, claim, stream } => {
                let frame = request::join_frame(codebook, room, claim.then_some(true), stream.as_ref())?;
                let stream = stream.as_ref().map(|stream| codebook.wire_stream(stream)).transpose()?;
                let mut announced = self.announced();
                announced.room = Some(codebook.wire_room(room)?);
                announced.streams.extend(stream);
                self.sign(frame)
            }
            SignalingMessage::Seed { stream } => {
                self.announced().streams.insert(codebook.wire_stream(stream)?);
                self.sign(request::stream_frame("seed", codebook, stream)?)
            }
            SignalingMessage::Play { stream } => self.sign(request::stream_frame("play", codebook, stream)?),
            SignalingMessage::Present => self.present(&self.from()),
            SignalingMessage::Rename => self.present(&self.rename()?),
            other => match directed::encode(codebook, other)? {
                Some(frame) => self.sign_to_peer(frame, other),
                None => Err(directed::unsendable("what only a hosted server says", "self-host")),
            },
        }
    }

    fn decode_signaling(&self, frame: &str) -> Result<Vec<SignalingMessage>, DialectError> {
        let fields = Fields::parse(frame)?;
        let Some(from) = fields.text("from")? else {
            // The server's own words are the only ones without a signature.
            return if fields.truthy("error") {
                Ok(vec![request::alert_of(&fields, "error")])
            } else {
                Err(unsigned(&fields))
            };
        };
        let (ourselves, to) = (self.from(), request::address(&fields)?);
        let is_for_us = to.is_none_or(|to| to.0.as_ref() == ourselves.as_str());
        if from == ourselves.as_str() || !is_for_us {
            return Ok(Vec::new());
        }
        let address = SignalingAddress(from.into());
        if let Some(request) = fields.text("request")? {
            return Ok(self.overheard(&request, address, &fields)?.into_iter().collect());
        }
        let mut messages = directed::decode(&fields, &self.hosted.codebook, Some(&address))?;
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

/// Appends the fields of `signature` to the text of an object that has fields already.
fn append(mut frame: String, signature: &Signature<'_>) -> Result<String, DialectError> {
    let signature = to_json(signature)?;
    frame.pop();
    frame.push(',');
    frame.extend(signature.chars().skip(1));
    Ok(frame)
}

fn unsigned(fields: &Fields<'_>) -> DialectError {
    let names = fields.names();
    DialectError(format!(
        "a frame ({names}) does not say who it is from; choose the hosted dialect if the server speaks that one"
    ))
}
