//! Taking an earlier UUID over.

use rejoin_signaling_server::{AdmissionError, CountedEvent, Limits};

use crate::script::{Stage, perform};

#[test]
fn a_living_socket_hands_everything_over() {
    perform(
        r#"
        bob arrives
        bob > {"request":"seed","streamID":"b"}
        bob > {"request":"play","streamID":"later"}
        ann > {"request":"ping"}
        bob resumes
        bob-before < closed 4000 resumed elsewhere
        ann > {"UUID":"@bob","x":1}
        bob < {"UUID":"@ann","x":1}
        ann > {"request":"play","streamID":"b"}
        bob < {"request":"offerSDP","UUID":"@ann"}
        ann > {"request":"seed","streamID":"later"}
        ann < {"request":"offerSDP","UUID":"@bob"}
        "#,
    );
}

#[test]
fn the_old_socket_has_no_voice_and_its_end_no_effect() {
    let mut stage = perform(
        r#"
        bob arrives
        bob > {"request":"seed","streamID":"b"}
        bob resumes
        bob-before < closed 4000 resumed elsewhere
        "#,
    );
    let before = rejoin_signaling_server::ConnectionId(0);
    stage.board.close(before, std::time::Instant::now());
    assert!(stage.board.receive(before, r#"{"request":"x"}"#, std::time::Instant::now()).is_empty());
    assert_eq!(stage.board.counts().streams, 1);
}

#[test]
fn a_room_does_not_notice_a_handover() {
    perform(
        r#"
        ann > {"request":"joinroom","roomid":"r"}
        ann < {"request":"listing","list":[]}
        bob arrives
        bob > {"request":"joinroom","roomid":"r"}
        ann < {"request":"someonejoined","UUID":"@bob"}
        bob < {"request":"listing","list":[{"UUID":"@ann"}]}
        bob resumes
        bob-before < closed 4000 resumed elsewhere
        bob > {"request":"joinroom","roomid":"r"}
        bob < {"request":"listing","list":[{"UUID":"@ann"}]}
        bob > {"request":"joinroom","roomid":"r"}
        "#,
    );
}

#[test]
fn a_resumed_socket_may_choose_another_room() {
    perform(
        r#"
        bob arrives
        bob > {"request":"joinroom","roomid":"r"}
        bob < {"request":"listing","list":[]}
        bob resumes
        bob-before < closed 4000 resumed elsewhere
        bob > {"request":"joinroom","roomid":"s"}
        bob < {"request":"listing","list":[]}
        ann > {"request":"joinroom","roomid":"r"}
        ann < {"request":"listing","list":[]}
        "#,
    );
}

#[test]
fn a_closed_socket_comes_back_with_room_seat_and_stream() {
    perform(
        r#"
        ann > {"request":"joinroom","roomid":"r"}
        ann < {"request":"listing","list":[]}
        bob arrives
        bob > {"request":"joinroom","roomid":"r","claim":true}
        ann < {"request":"someonejoined","UUID":"@bob","director":true}
        bob < {"request":"listing","list":[{"UUID":"@ann"}],"claim":true}
        bob > {"request":"seed","streamID":"b"}
        ann < {"request":"videoaddedtoroom","UUID":"@bob","streamID":"b"}
        bob leaves
        59 s pass
        bob resumes
        ann < {"request":"someonejoined","UUID":"@bob","director":true,"streamID":"b"}
        ann > {"request":"play","streamID":"b"}
        bob < {"request":"offerSDP","UUID":"@ann"}
        "#,
    );
}

#[test]
fn a_stream_taken_meanwhile_stays_taken() {
    perform(
        r#"
        bob arrives
        bob > {"request":"seed","streamID":"b"}
        bob leaves
        thief > {"request":"seed","streamID":"b"}
        bob resumes
        bob < {"request":"alert","message":"Stream ID is already in use."}
        "#,
    );
}

#[test]
fn a_returning_stream_serves_who_waited() {
    perform(
        r#"
        bob arrives
        bob > {"request":"seed","streamID":"b"}
        bob leaves
        ann > {"request":"play","streamID":"b"}
        bob resumes
        bob < {"request":"offerSDP","UUID":"@ann"}
        "#,
    );
}

#[test]
fn after_a_minute_nothing_is_left() {
    perform(
        r#"
        bob arrives
        bob leaves
        61 s pass
        bob fails to resume
        "#,
    );
}

#[test]
fn a_wrong_secret_gets_a_new_route_and_disturbs_nobody() {
    let stage = perform(
        r#"
        bob arrives
        bob > {"request":"seed","streamID":"b"}
        eve forges bob
        ann > {"UUID":"@bob","x":1}
        bob < {"UUID":"@ann","x":1}
        bob leaves
        mal forges bob
        bob resumes
        "#,
    );
    assert_eq!(stage.counted.iter().filter(|event| **event == CountedEvent::ResumeDenied).count(), 2);
}

#[test]
fn an_ordinary_client_leaves_no_tombstone() {
    let stage = perform("ann > {\"request\":\"ping\"}\nann leaves");
    assert_eq!(stage.board.counts().tombstones, 0);
}

#[test]
fn a_full_house_still_lets_the_living_resume() {
    let mut stage = Stage::new(Limits { sockets: 1, ..Limits::default() });
    stage.play("bob arrives\nbob resumes\nbob-before < closed 4000 resumed elsewhere");
    assert_eq!(stage.enter("ann", None), Err(AdmissionError::Full));
}
