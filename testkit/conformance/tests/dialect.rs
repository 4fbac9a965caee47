//! Both dialects of VDO.Ninja keep the contract of the port, and each check refuses a dialect that breaks its rule.

#![allow(clippy::expect_used, clippy::panic, reason = "the helpers of tests fail tests")]

use rejoin_conformance::dialect::{self, Clients};
use rejoin_core::id::SignalingAddress;
use rejoin_core::message::{ChannelMessage, SignalingMessage};
use rejoin_core::port::{ChannelFrame, Dialect, DialectError};
use rejoin_vdo_ninja::{ClientId, Hosted, HostedOptions, SelfHost, SelfHostOptions};
use serde_json::Value;

const SENDER: &str = "sender-address-0001";
const RECEIVER: &str = "receiver-address-02";

#[test]
fn the_hosted_dialect_keeps_the_contract() {
    assert_eq!(dialect::check_all(&hosted(hosted_dialect(), hosted_dialect())), []);
}

#[test]
fn the_self_host_dialect_keeps_the_contract() {
    let (sender, receiver) = (ClientId::random().expect("random"), ClientId::random().expect("random"));
    let address = |id: &ClientId| SignalingAddress(id.as_str().into());
    let clients = Clients {
        sender_address: address(&sender),
        receiver_address: address(&receiver),
        sender: Box::new(SelfHost::new(SelfHostOptions::new(sender))),
        receiver: Box::new(SelfHost::new(SelfHostOptions::new(receiver))),
        forward: Box::new(|frame| frame),
    };
    assert_eq!(dialect::check_all(&clients), []);
}

#[test]
fn refuses_a_label_that_differs() {
    refused(dialect::channel_label_is_stable, Flaw::Label, "other");
}

#[test]
fn refuses_a_payload_that_changes() {
    refused(dialect::channel_messages_round_trip, Flaw::Payload, "was decoded as");
}

#[test]
fn refuses_frames_that_are_too_large() {
    refused(dialect::channel_frames_fit, Flaw::Size, "bytes");
}

#[test]
fn refuses_a_message_without_its_sender() {
    refused(dialect::signaling_arrives_with_the_sender, Flaw::Sender, "was decoded as");
}

#[test]
fn refuses_an_error_that_repeats_the_frame() {
    refused(dialect::malformed_frames_yield_short_errors, Flaw::Error, "an error of");
}

fn refused(check: fn(&Clients) -> Result<(), rejoin_conformance::Violation>, flaw: Flaw, reason: &str) {
    let broken = Box::new(Broken { inner: hosted_dialect(), flaw });
    let clients = match flaw {
        Flaw::Size => hosted(broken, hosted_dialect()),
        _ => hosted(hosted_dialect(), broken),
    };
    let violation = check(&clients).expect_err("the flaw is found");
    assert!(violation.detail.contains(reason), "{violation}");
}

/// Returns two clients of the hosted server, which replaces the receiver's address by the sender's.
fn hosted(sender: Box<dyn Dialect>, receiver: Box<dyn Dialect>) -> Clients {
    let forward = |frame: String| {
        let mut fields: Value = serde_json::from_str(&frame).expect("an object");
        fields["UUID"] = SENDER.into();
        fields.to_string()
    };
    let address = |text: &str| SignalingAddress(text.into());
    let (sender_address, receiver_address) = (address(SENDER), address(RECEIVER));
    Clients { sender, receiver, sender_address, receiver_address, forward: Box::new(forward) }
}

fn hosted_dialect() -> Box<dyn Dialect> {
    Box::new(Hosted::new(&HostedOptions::default()))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    Label,
    Payload,
    Size,
    Sender,
    Error,
}

/// The hosted dialect with a flaw.
#[derive(Debug)]
struct Broken {
    inner: Box<dyn Dialect>,
    flaw: Flaw,
}

impl Dialect for Broken {
    fn encode_signaling(&self, message: &SignalingMessage) -> Result<String, DialectError> {
        self.inner.encode_signaling(message)
    }

    fn decode_signaling(&self, frame: &str) -> Result<Vec<SignalingMessage>, DialectError> {
        let mut messages = self.inner.decode_signaling(frame).map_err(|error| match self.flaw {
            Flaw::Error => DialectError(format!("cannot decode {frame}")),
            _ => error,
        })?;
        if self.flaw == Flaw::Sender {
            for message in &mut messages {
                if let SignalingMessage::Description { address, .. } = message {
                    *address = None;
                }
            }
        }
        Ok(messages)
    }

    fn encode_channel(&self, message: &ChannelMessage) -> Result<ChannelFrame, DialectError> {
        match self.flaw {
            Flaw::Size => Ok(ChannelFrame::Binary(vec![0; 60_001])),
            _ => self.inner.encode_channel(message),
        }
    }

    fn decode_channel(&self, frame: &ChannelFrame) -> Result<Vec<ChannelMessage>, DialectError> {
        let mut messages = self.inner.decode_channel(frame)?;
        for message in &mut messages {
            if let (Flaw::Payload, ChannelMessage::Application(payload)) = (self.flaw, message) {
                payload.0 = payload.0.replace("2.50", "2.5").into();
            }
        }
        Ok(messages)
    }

    fn channel_label(&self) -> &str {
        if self.flaw == Flaw::Label { "other" } else { self.inner.channel_label() }
    }
}
