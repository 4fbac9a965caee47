//! The web app on a hosted server with the default password: socket and data channel.

use rejoin_core::id::{SessionId, SignalingAddress, StreamId};
use rejoin_core::message::{ChannelMessage, Hello, SignalingMessage};
use rejoin_core::port::ChannelFrame;
use rejoin_core::sdp::{Description, SdpType};
use rejoin_core::{Dialect, Direction};
use rejoin_vdo_ninja::{Hosted, HostedOptions, Password};

use crate::recording::browser_frames;
use crate::rewritten::{assert_equal, assert_same_length, assert_same_order};

const PUBLISHER: &str = include_str!("../../fixtures/web1-pub.json");
const VIEWER: &str = include_str!("../../fixtures/web1-view.json");

#[test]
fn socket_frames_are_encoded_as_recorded() {
    let dialect = Hosted::new(&HostedOptions::default());
    let mut frames = browser_frames(PUBLISHER, "ws.out");
    frames.extend(browser_frames(VIEWER, "ws.out"));
    assert_eq!(frames.len(), 7);
    for recorded in frames {
        let [message] = dialect.decode_signaling(&recorded).unwrap().try_into().unwrap();
        let ours = dialect.encode_signaling(&message).unwrap();
        assert_equal(&Password::default(), &ours, &recorded, &[]);
        assert_same_length(&ours, &recorded);
        // In descriptions the web app orders its fields differently from the SDK, whose order we use.
        if !recorded.contains("description") {
            assert_same_order(&ours, &recorded);
        }
    }
}

#[test]
fn channel_copies_are_encoded_as_recorded() {
    let dialect = Hosted::new(&HostedOptions::default());
    let mut frames = browser_frames(PUBLISHER, "dc.out");
    frames.extend(browser_frames(VIEWER, "dc.out"));
    frames.retain(|frame| frame.contains("vector"));
    assert_eq!(frames.len(), 3);
    for recorded in frames {
        let [message] = from_channel(&dialect, &recorded).try_into().unwrap();
        let ChannelFrame::Text(ours) = dialect.encode_channel(&message).unwrap() else {
            panic!("frames are text")
        };
        assert_equal(&Password::default(), &ours, &recorded, &["UUID"]);
    }
}

#[test]
fn channel_copies_are_decoded_like_socket_frames_without_an_address() {
    let dialect = Hosted::new(&HostedOptions::default());
    let copies: Vec<_> = browser_frames(PUBLISHER, "dc.out")
        .iter()
        .filter(|frame| frame.contains("vector"))
        .flat_map(|frame| from_channel(&dialect, frame))
        .collect();
    let said: Vec<_> = browser_frames(PUBLISHER, "ws.out")
        .iter()
        .filter(|frame| frame.contains("vector"))
        .flat_map(|frame| dialect.decode_signaling(frame).unwrap())
        .map(|message| ChannelMessage::Signaling(unaddressed(message)))
        .collect();
    assert_eq!(copies, said);
}

#[test]
fn a_publisher_receives_requests_and_an_answer() {
    let dialect = Hosted::new(&HostedOptions::default());
    let viewer = SignalingAddress("00325443f22c3683fb".into());
    let said: Vec<_> = browser_frames(PUBLISHER, "ws.in")
        .iter()
        .flat_map(|frame| dialect.decode_signaling(frame).unwrap())
        .collect();
    let [first, second, answer] = said.as_slice() else { panic!("three frames arrived") };
    let requested = SignalingMessage::OfferRequested { address: viewer.clone(), stream: None };
    assert_eq!([first, second], [&requested, &requested]);
    let SignalingMessage::Description { address, session, stream, description } = answer else {
        panic!("an answer arrived")
    };
    assert_eq!((address, stream), (&Some(viewer), &None));
    assert_eq!(session, &Some(SessionId("TkGmQStQ4v".into())));
    assert_eq!(description.sdp_type, SdpType::Answer);
}

#[test]
fn a_viewer_receives_an_offer_and_local_candidates() {
    let dialect = Hosted::new(&HostedOptions::default());
    let said: Vec<_> = browser_frames(VIEWER, "ws.in")
        .iter()
        .flat_map(|frame| dialect.decode_signaling(frame).unwrap())
        .collect();
    let [SignalingMessage::Description { address, stream, description, .. }, candidates] = said.as_slice()
    else {
        panic!("an offer arrived first")
    };
    assert_eq!(address, &Some(SignalingAddress("c142d5bcd0f5229a3b".into())));
    assert_eq!(stream, &Some(StreamId("cam1".into())));
    let Description { sdp_type: SdpType::Offer, .. } = description else { panic!("it is an offer") };
    assert!(description.ice_ufrag().is_some() && description.fingerprint().is_some());
    let SignalingMessage::Candidates { sender: Direction::Publishing, candidates, .. } = candidates else {
        panic!("the publisher's candidates arrived second")
    };
    assert_eq!(candidates[0].username_fragment.as_deref(), description.ice_ufrag());
}

#[test]
fn the_first_channel_frames_are_hellos() {
    let dialect = Hosted::new(&HostedOptions::default());
    for (recording, label) in [(PUBLISHER, "dock"), (VIEWER, "pubber")] {
        let frames = browser_frames(recording, "dc.in");
        let hello = Hello { label: Some(label.to_owned()), rejoin: None };
        assert_eq!(from_channel(&dialect, &frames[0]), [ChannelMessage::Hello(hello)]);
    }
}

#[test]
fn the_viewers_candidates_are_received_over_the_channel() {
    let frames = browser_frames(PUBLISHER, "dc.in");
    let said = from_channel(&Hosted::new(&HostedOptions::default()), &frames[1]);
    let [ChannelMessage::Signaling(SignalingMessage::Candidates { address, sender, .. })] = said.as_slice()
    else {
        panic!("candidates arrived")
    };
    assert_eq!((address, sender), (&None, &Direction::Viewing));
}

fn from_channel(dialect: &Hosted, frame: &str) -> Vec<ChannelMessage> {
    dialect.decode_channel(&ChannelFrame::Text(frame.to_owned())).unwrap()
}

fn unaddressed(mut message: SignalingMessage) -> SignalingMessage {
    match &mut message {
        SignalingMessage::Description { address, .. } | SignalingMessage::Candidates { address, .. } => {
            *address = None
        }
        other => panic!("{other:?} is not copied to the channel"),
    }
    message
}
