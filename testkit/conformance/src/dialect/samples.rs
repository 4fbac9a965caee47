//! Messages that every dialect encodes, and frames that none does.

use rejoin_core::delivery::durable::Durability;
use rejoin_core::delivery::{Cursor, DeliveryFrame, DeliveryHello, Epoch, LARGEST_SLICE, Part};
use rejoin_core::id::{SessionId, SignalingAddress};
use rejoin_core::message::{ChannelMessage, Hello, Payload, RejoinHello, SignalingMessage, Token};
use rejoin_core::port::{ChannelFrame, Dialect};
use rejoin_core::sdp::{Description, SdpType};
use rejoin_core::{Direction, IceCandidate, Identity, StreamId};

/// Returns messages of the data channel.
pub(crate) fn channel_messages() -> Vec<ChannelMessage> {
    let payloads =
        ["{\"a\":[1,2.50,null],\"b\":\"ü \\\" 😀\"}", "\"text\"", "0", "true", "{ \"spaces\" : [ ] }"];
    let payloads = payloads.map(|text| Payload(text.into()));
    let mut messages = vec![
        ChannelMessage::Hello(Hello { label: Some("dock".to_owned()), rejoin: None }),
        ChannelMessage::Hello(Hello { label: None, rejoin: Some(rejoin_hello()) }),
        ChannelMessage::Ping(Token("12.50".into())),
        ChannelMessage::Pong(Token("\"token\"".into())),
        ChannelMessage::Bye,
        ChannelMessage::Delivery(DeliveryFrame::Acknowledgement { through: u64::from(u32::MAX) }),
        ChannelMessage::Delivery(DeliveryFrame::Gap { after: 3, through: 7 }),
        largest_part(),
    ];
    for payload in payloads {
        messages.push(ChannelMessage::Application(payload.clone()));
        let frame = DeliveryFrame::Message { sequence: 9, acknowledged: 4, payload };
        messages.push(ChannelMessage::Delivery(frame));
    }
    messages
}

/// Returns a part of a message that is as large as a part may be.
pub(crate) fn largest_part() -> ChannelMessage {
    let slice = "x".repeat(LARGEST_SLICE).into();
    let part = Part { sequence: 5, total: 3 * LARGEST_SLICE, offset: LARGEST_SLICE, slice };
    ChannelMessage::Delivery(DeliveryFrame::Part { acknowledged: 2, part })
}

fn rejoin_hello() -> RejoinHello {
    let received = Some(Cursor { epoch: Epoch(8), sequence: 3 });
    RejoinHello {
        identity: Identity(0x1234_5678_9abc_def0),
        address: Some(SignalingAddress("0123456789abcdef".into())),
        delivery: Some(DeliveryHello { epoch: Epoch(7), received, durability: Durability::Durable }),
        spares: true,
    }
}

/// Returns messages from one client to another, with `address` in them.
pub(crate) fn directed_messages(address: Option<SignalingAddress>) -> Vec<SignalingMessage> {
    let session = Some(SessionId("session1".into()));
    let sdp = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-ufrag:abcd\r\n".to_owned();
    let candidate = IceCandidate {
        candidate: "candidate:1 1 udp 1 192.0.2.1 9 typ host".to_owned(),
        sdp_mid: Some("0".to_owned()),
        sdp_m_line_index: Some(0),
        username_fragment: Some("abcd".to_owned()),
    };
    vec![
        SignalingMessage::Description {
            address: address.clone(),
            session: session.clone(),
            stream: Some(StreamId("camera".into())),
            description: Description { sdp_type: SdpType::Offer, sdp: sdp.clone() },
        },
        SignalingMessage::Description {
            address: address.clone(),
            session: session.clone(),
            stream: None,
            description: Description { sdp_type: SdpType::Answer, sdp },
        },
        SignalingMessage::Candidates {
            address: address.clone(),
            session: session.clone(),
            sender: Direction::Publishing,
            candidates: vec![candidate.clone(), IceCandidate { sdp_m_line_index: Some(1), ..candidate }],
        },
        SignalingMessage::RestartIce { address: address.clone(), session },
        SignalingMessage::Bye { address },
    ]
}

/// Returns the `Bye` of [`directed_messages`] over the channel, which is decoded as [`ChannelMessage::Bye`].
pub(crate) fn bye() -> SignalingMessage {
    SignalingMessage::Bye { address: None }
}

/// Returns frames that are cut, combined wrongly, nested deeply or not frames at all.
pub(crate) fn malformed_frames(dialect: &dyn Dialect) -> Vec<String> {
    let mut frames = vec![
        String::new(),
        "\0".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        "{\"description\":7}".to_owned(),
        "x".repeat(10_000),
        "[".repeat(10_000),
        format!("{{\"request\":\"{}\"}}", "y".repeat(10_000)),
    ];
    for message in channel_messages() {
        let Ok(ChannelFrame::Text(frame)) = dialect.encode_channel(&message) else { continue };
        let cuts = [1, 2, 3].map(|quarter| frame.len() * quarter / 4);
        frames.extend(cuts.iter().filter_map(|cut| frame.get(..*cut)).map(str::to_owned));
        frames.push(frame.replace(':', ","));
    }
    frames
}
