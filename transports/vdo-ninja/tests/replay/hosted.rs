//! The SDK on a hosted server with the default password.

use rejoin_core::id::{SignalingAddress, StreamId};
use rejoin_core::message::SignalingMessage;
use rejoin_core::{Dialect, Direction};
use rejoin_vdo_ninja::{Hosted, HostedOptions, Password};

use crate::recording::{ServerRow, server_rows};
use crate::rewritten::{assert_equal, assert_same_length, assert_same_order};

const SDK: &str = include_str!("../../fixtures/hosted.jsonl");
const SDK_ON_NODE_DATACHANNEL: &str = include_str!("../../fixtures/hosted-ndc.jsonl");

#[test]
fn client_frames_are_encoded_as_recorded() {
    let dialect = Hosted::new(&HostedOptions::default());
    for row in client_rows() {
        let recorded = row.m.unwrap();
        let [message] = dialect.decode_signaling(&recorded).unwrap().try_into().unwrap();
        let ours = dialect.encode_signaling(&message).unwrap();
        assert_equal(&Password::default(), &ours, &recorded, &[]);
        assert_same_order(&ours, &recorded);
        assert_eq!(dialect.decode_signaling(&ours).unwrap(), [message]);
    }
}

#[test]
fn ciphertexts_of_the_browser_stack_are_as_long_as_recorded() {
    let dialect = Hosted::new(&HostedOptions::default());
    for row in server_rows(SDK).into_iter().filter(|row| row.dir == "in").take(6) {
        let recorded = row.m.unwrap();
        let message = &dialect.decode_signaling(&recorded).unwrap()[0];
        assert_same_length(&dialect.encode_signaling(message).unwrap(), &recorded);
    }
}

#[test]
fn requests_for_offers_contain_viewer_and_stream() {
    let rows: Vec<_> = all_rows().into_iter().filter(|row| row.dir == "out").collect();
    let requests: Vec<_> = rows.iter().filter(|row| frame(row).contains("request")).collect();
    assert_eq!(requests.len(), 4);
    for row in requests {
        let viewer = serde_json::from_str::<serde_json::Value>(frame(row)).unwrap()["UUID"].clone();
        assert_eq!(
            Hosted::new(&HostedOptions::default()).decode_signaling(frame(row)).unwrap(),
            [SignalingMessage::OfferRequested {
                address: SignalingAddress(viewer.as_str().unwrap().into()),
                stream: Some(StreamId("cam1".into())),
            }]
        );
    }
}

#[test]
fn forwarded_frames_are_decoded_with_their_sender() {
    let dialect = Hosted::new(&HostedOptions::default());
    let rows = all_rows();
    let mut relayed = 0;
    for pair in rows.windows(2) {
        if pair[1].dir != "out" || frame(&pair[1]).contains("request") {
            continue;
        }
        let sender = SignalingAddress(pair[0].c.as_str().unwrap().into());
        let mut expected = dialect.decode_signaling(frame(&pair[0])).unwrap();
        for message in &mut expected {
            match message {
                SignalingMessage::Description { address, .. }
                | SignalingMessage::Candidates { address, .. } => {
                    *address = Some(sender.clone());
                }
                other => panic!("{other:?} is not forwarded"),
            }
        }
        assert_eq!(dialect.decode_signaling(frame(&pair[1])).unwrap(), expected);
        relayed += 1;
    }
    assert_eq!(relayed, 10);
}

#[test]
fn publishers_send_local_candidates_and_viewers_remote_ones() {
    let dialect = Hosted::new(&HostedOptions::default());
    let said = client_rows().into_iter().flat_map(|row| dialect.decode_signaling(&row.m.unwrap()).unwrap());
    let senders: Vec<_> = said
        .filter_map(|message| match message {
            SignalingMessage::Candidates { sender, candidates, .. } => {
                assert!(candidates.iter().all(|candidate| candidate.candidate.starts_with("candidate:")));
                Some(sender)
            }
            _ => None,
        })
        .collect();
    use Direction::{Publishing, Viewing};
    assert_eq!(senders, [Publishing, Viewing, Publishing, Publishing, Publishing, Viewing]);
}

#[test]
fn another_password_decrypts_nothing() {
    let dialect = Hosted::new(&HostedOptions { password: "other".into(), ..HostedOptions::default() });
    let sealed = client_rows().into_iter().filter(|row| frame(row).contains("vector"));
    let errors: Vec<_> = sealed.map(|row| dialect.decode_signaling(frame(&row)).unwrap_err().0).collect();
    assert_eq!(errors.len(), 10);
    for error in errors {
        assert_eq!(error, "cannot decrypt the peer's message; set the same password on both sides");
    }
}

fn client_rows() -> Vec<ServerRow> {
    all_rows().into_iter().filter(|row| row.dir == "in").collect()
}

fn all_rows() -> Vec<ServerRow> {
    let mut rows = server_rows(SDK);
    rows.extend(server_rows(SDK_ON_NODE_DATACHANNEL));
    rows
}

fn frame(row: &ServerRow) -> &str {
    row.m.as_deref().unwrap()
}
