//! Reads what happens in a script.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use rejoin_core::delivery::durable::Durability;
use rejoin_core::delivery::{Cursor, DeliveryFrame, DeliveryHello, Epoch, Part};
use rejoin_core::message::{AlertKind, Hello, Member, RejoinHello, Token};
use rejoin_core::network::{DefaultRoute, Interface};
use rejoin_core::port::{PeerEvent, Resumption, SignalingEvent};
use rejoin_core::sdp::{Description, SdpType};
use rejoin_core::stats::Sample;
use rejoin_core::{
    ChannelMessage, Command, Direction, Generation, IceCandidate, IceConnectionState, Identity, Input,
    NetworkSnapshot, Payload, Recipient, SessionId, SignalingAddress, SignalingMessage, StreamId,
};

use crate::play::Play;

type Read<T> = Result<T, String>;

/// Returns what a line lets happen.
pub(crate) fn inputs(words: &[&str], play: &Play) -> Read<Vec<Input>> {
    let (first, rest) = words.split_first().ok_or("an empty line")?;
    Ok(match *first {
        "server" => vec![Input::Signaling(play.socket, server(rest, play)?)],
        "network" => vec![Input::Network(network(rest)?)],
        "suspended" => vec![Input::Suspended(duration(rest[0])?)],
        name if name.starts_with('#') => {
            let connection = generation(name, play)?;
            let events = peer(rest, connection, play)?;
            events.into_iter().map(|event| Input::Peer(connection, event)).collect()
        }
        _ => vec![Input::Command(command(words)?)],
    })
}

fn command(words: &[&str]) -> Read<Command> {
    Ok(match *words {
        ["room", room] => Command::JoinRoom(rejoin_core::id::RoomId(room.into())),
        ["publish", stream] => Command::Publish(StreamId(stream.into())),
        ["view", stream] => Command::View(StreamId(stream.into())),
        ["view-room"] => Command::ViewRoom { except: None },
        ["view-room", "except", stream] => Command::ViewRoom { except: Some(StreamId(stream.into())) },
        ["unview", stream] => Command::Unview(StreamId(stream.into())),
        ["send", "everyone", text] => Command::Send { to: Recipient::Everyone, payload: payload(text)? },
        ["send", name, text] => {
            Command::Send { to: Recipient::Named(name.to_owned()), payload: Payload(text.into()) }
        }
        ["send-labelled", labels, text] => {
            let to = Recipient::Labelled(labels.split(',').map(str::to_owned).collect());
            Command::Send { to, payload: Payload(text.into()) }
        }
        ["restart"] => Command::Restart,
        ["leave"] => Command::Leave,
        _ => return Err(format!("no such command: {words:?}")),
    })
}

/// Reads a text, or `*9` for nine bytes.
fn payload(word: &str) -> Read<Payload> {
    let size = word.strip_prefix('*').map(whole).transpose()?;
    Ok(Payload(size.map_or(word.into(), |size| "x".repeat(size as usize).into())))
}

fn server(words: &[&str], play: &Play) -> Read<SignalingEvent> {
    Ok(match words[0] {
        "opens" => SignalingEvent::Opened {
            resumption: value(words, "address").map(|address| Resumption {
                address: SignalingAddress(address.into()),
                secret: "secret".into(),
            }),
            resumed: words.contains(&"resumed"),
        },
        "pongs" => SignalingEvent::Pong,
        end @ ("closes" | "refuses") => SignalingEvent::Closed {
            opened: end == "closes",
            code: number(words, "code")?,
            status: number(words, "status")?,
            retry_after: value(words, "retry-after").map(duration).transpose()?,
            reason: String::new(),
        },
        _ => SignalingEvent::Received(message(words, play)?),
    })
}

/// Reads a message from the server or over a channel.
fn message(words: &[&str], play: &Play) -> Read<SignalingMessage> {
    let address = value(words, "address").map(|address| SignalingAddress(address.into()));
    let session = value(words, "session").map(|name| match generation(name, play) {
        Ok(generation) => play.sessions.get(&generation).cloned().ok_or(format!("{name} has no session")),
        Err(_) => Ok(SessionId(name.into())),
    });
    let (session, stream) =
        (session.transpose()?, value(words, "stream").map(|stream| StreamId(stream.into())));
    let member = |word: &&str| {
        let (address, stream) =
            word.split_once(':').map_or((*word, None), |(address, it)| (address, Some(it)));
        Member {
            address: SignalingAddress(address.into()),
            stream: stream.map(|stream| StreamId(stream.into())),
        }
    };
    Ok(match words[0] {
        "offer" | "answer" => {
            SignalingMessage::Description { address, session, stream, description: description(words) }
        }
        "candidates" => SignalingMessage::Candidates {
            address,
            session,
            sender: if words.contains(&"publisher") { Direction::Publishing } else { Direction::Viewing },
            candidates: vec![IceCandidate::default()],
        },
        "restart-ice" => SignalingMessage::RestartIce { address, session },
        "bye" => SignalingMessage::Bye { address },
        "withdraw" => SignalingMessage::Withdraw { session: session.ok_or("session is missing")? },
        "spare" => SignalingMessage::Spare { session },
        "offer-requested" => {
            SignalingMessage::OfferRequested { address: address.ok_or("address is missing")?, stream }
        }
        "listing" => {
            let members = words[1..].iter().map(member).collect();
            SignalingMessage::Listing { members, director: None, claim: None }
        }
        "joined" => SignalingMessage::Joined(member(&words[1])),
        "stream-id-in-use" => {
            SignalingMessage::Alert { kind: AlertKind::StreamIdInUse, text: "in use".to_owned() }
        }
        "uuid-in-use" => SignalingMessage::Alert { kind: AlertKind::UuidInUse, text: "in use".to_owned() },
        _ => return Err(format!("no such message: {words:?}")),
    })
}

fn peer(words: &[&str], connection: Generation, play: &Play) -> Read<Vec<PeerEvent>> {
    let pong = || {
        let token = play.pings.get(&connection).cloned().unwrap_or(Token("0".into()));
        PeerEvent::Received(ChannelMessage::Pong(token))
    };
    let received = |message| Ok(vec![PeerEvent::Received(message)]);
    Ok(vec![match *words {
        ["describes", ..] => PeerEvent::LocalDescription(description(&words[1..])),
        ["finds", "candidates"] => PeerEvent::LocalCandidates(vec![IceCandidate::default()]),
        ["ice", state] => PeerEvent::IceConnectionState(match state {
            "checking" => IceConnectionState::Checking,
            "connected" => IceConnectionState::Connected,
            "disconnected" => IceConnectionState::Disconnected,
            "failed" => IceConnectionState::Failed,
            _ => return Err(format!("no such state: {state}")),
        }),
        ["channel", "opens"] => PeerEvent::ChannelOpen,
        ["channel", "closes"] => PeerEvent::ChannelClosed,
        ["connects"] => {
            return Ok(vec![
                PeerEvent::IceConnectionState(IceConnectionState::Connected),
                PeerEvent::ChannelOpen,
            ]);
        }
        ["hello", ..] => return received(ChannelMessage::Hello(hello(words, play)?)),
        ["pongs"] => pong(),
        ["pings"] => PeerEvent::Received(ChannelMessage::Ping(Token("7".into()))),
        ["bye"] => PeerEvent::Received(ChannelMessage::Bye),
        ["says", text] => PeerEvent::Received(ChannelMessage::Application(Payload(text.into()))),
        ["says", sequence, text] => {
            let (sequence, payload) = (whole(sequence)?, Payload(text.into()));
            let frame = DeliveryFrame::Message { sequence, acknowledged: 0, payload };
            return received(ChannelMessage::Delivery(frame));
        }
        ["says", sequence, place, slice] => {
            let part = part(sequence, place, slice)?;
            return received(ChannelMessage::Delivery(DeliveryFrame::Part { acknowledged: 0, part }));
        }
        ["has", through] => {
            let frame = DeliveryFrame::Acknowledgement { through: whole(through)? };
            return received(ChannelMessage::Delivery(frame));
        }
        ["lost", after, through] => {
            let (after, through) = (whole(after)?, whole(through)?);
            return received(ChannelMessage::Delivery(DeliveryFrame::Gap { after, through }));
        }
        ["signals", ..] => {
            return received(ChannelMessage::Signaling(message(&words[1..], play)?));
        }
        ["full", tag, text] => {
            PeerEvent::Unsent { tag: whole(tag)?, message: ChannelMessage::Application(Payload(text.into())) }
        }
        ["full", sequence, place, slice] => {
            let part = part(sequence, place, slice)?;
            let message = ChannelMessage::Delivery(DeliveryFrame::Part { acknowledged: 0, part });
            PeerEvent::Unsent { tag: whole(sequence)?, message }
        }
        ["writable"] => PeerEvent::Writable,
        ["delivered"] => PeerEvent::Stats(nothing_outstanding()),
        ["measures", "nothing"] => PeerEvent::Stats(nothing_outstanding()),
        ["measures", "at", name] => sample_with(|sample| sample.local = Some(address(name))),
        ["measures", rtt] => {
            let rtt = duration(rtt)?;
            sample_with(|sample| sample.rtt = Some(rtt))
        }
        // with a byte on its way, which proves nothing yet
        ["consents", times] => {
            let times = whole(times)?;
            sample_with(|sample| (sample.responses_received, sample.bytes_outstanding) = (times, 1))
        }
        ["dies"] => PeerEvent::Failed { reason: "its socket is gone".to_owned() },
        _ => return Err(format!("no such event: {words:?}")),
    }])
}

/// Reads `7 3/9 def`: what comes behind 3 of the 9 bytes of message 7.
fn part(sequence: &str, place: &str, slice: &str) -> Read<Part> {
    let (offset, total) = place.split_once('/').ok_or_else(|| format!("{place} is not a position"))?;
    let (offset, total) = (whole(offset)? as usize, whole(total)? as usize);
    Ok(Part { sequence: whole(sequence)?, total, offset, slice: slice.into() })
}

/// Reads `epoch=5 received=2`: the peer numbers its messages, and has come so far in ours.
fn numbered(words: &[&str], play: &Play) -> Read<Option<DeliveryHello>> {
    let Some(epoch) = number(words, "epoch")? else { return Ok(None) };
    let received = number(words, "received")?;
    let cursor = |sequence| Cursor { epoch: play.epoch, sequence: u64::from(sequence) };
    let received = received.map(cursor);
    Ok(Some(DeliveryHello { epoch: Epoch(u64::from(epoch)), received, durability: Durability::InMemory }))
}

fn hello(words: &[&str], play: &Play) -> Read<Hello> {
    let rejoin = value(words, "identity").map(|digits| {
        let identity = u128::from_str_radix(digits, 16).map_err(|error| format!("{digits}: {error}"))?;
        let address = value(words, "address").map(|address| SignalingAddress(address.into()));
        let delivery = numbered(words, play)?;
        Ok::<_, String>(RejoinHello {
            identity: Identity(identity),
            address,
            delivery,
            spares: words.contains(&"spares"),
        })
    });
    Ok(Hello { label: value(words, "label").map(str::to_owned), rejoin: rejoin.transpose()? })
}

fn description(words: &[&str]) -> Description {
    let sdp_type = if words[0] == "offer" { SdpType::Offer } else { SdpType::Answer };
    let ufrag = value(words, "ufrag").unwrap_or("u");
    let fingerprint = value(words, "fingerprint").unwrap_or("f");
    Description { sdp_type, sdp: format!("a=ice-ufrag:{ufrag}\r\na=fingerprint:{fingerprint}\r\n") }
}

/// Returns the address of an interface.
fn address(name: &str) -> IpAddr {
    if name == "wifi" { [10, 0, 0, 2].into() } else { [10, 1, 0, 2].into() }
}

/// Reads interfaces: `wifi cell`, the first of which is the default; with `none` there is no default.
fn network(words: &[&str]) -> Read<NetworkSnapshot> {
    let names = words.iter().filter(|name| **name != "none");
    let interface = |name: &&str| {
        (name.to_string(), Interface { carrier: true, addresses: BTreeSet::from([address(name)]) })
    };
    Ok(NetworkSnapshot {
        interfaces: names.map(interface).collect(),
        default_v4: words
            .first()
            .filter(|name| **name != "none")
            .map(|name| DefaultRoute { interface: name.to_string(), source: None }),
        default_v6: None,
    })
}

fn nothing_outstanding() -> Sample {
    Sample::new(Instant::now())
}

fn sample_with(change: impl FnOnce(&mut Sample)) -> PeerEvent {
    let mut sample = nothing_outstanding();
    change(&mut sample);
    PeerEvent::Stats(sample)
}

/// Reads `#2`, or `server` for the newest socket.
pub(crate) fn generation(word: &str, play: &Play) -> Read<Generation> {
    if word == "server" {
        return Ok(play.socket);
    }
    let number = word.strip_prefix('#').and_then(|number| number.parse().ok());
    number.map(Generation).ok_or_else(|| format!("{word} names no connection"))
}

/// Reads `250ms`, `5s` or `5m`.
pub(crate) fn duration(word: &str) -> Read<Duration> {
    let digits = word.trim_end_matches(char::is_alphabetic);
    let number: u64 = digits.parse().map_err(|error| format!("{word}: {error}"))?;
    match &word[digits.len()..] {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number * 60)),
        unit => Err(format!("no such unit: {unit}")),
    }
}

fn whole(word: &str) -> Read<u64> {
    word.parse().map_err(|error| format!("{word}: {error}"))
}

fn value<'a>(words: &[&'a str], key: &str) -> Option<&'a str> {
    words.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}

fn number(words: &[&str], key: &str) -> Read<Option<u16>> {
    value(words, key).map(|text| text.parse().map_err(|error| format!("{text}: {error}"))).transpose()
}
