//! Resuming an earlier UUID.

use rejoin_signaling_server::{AdmissionError, CountedEvent, Limits, ServerDialect};

use crate::script::{Script, run};

#[test]
fn an_open_socket_passes_on_stream_and_pending_plays() {
    run(r#"
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
        "#);
}

#[test]
fn frames_and_close_of_the_replaced_socket_have_no_effect() {
    let mut script = run(r#"
        bob arrives
        bob > {"request":"seed","streamID":"b"}
        bob resumes
        bob-before < closed 4000 resumed elsewhere
        "#);
    let before = rejoin_signaling_server::ConnectionId(0);
    script.dialect.close(before, std::time::Instant::now());
    assert!(script.dialect.receive(before, Ok(r#"{"request":"x"}"#), std::time::Instant::now()).is_empty());
    assert_eq!(script.dialect.counts().streams, 1);
}

#[test]
fn a_takeover_is_not_announced_to_the_room() {
    run(r#"
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
        "#);
}

#[test]
fn a_resumed_socket_may_join_another_room() {
    run(r#"
        bob arrives
        bob > {"request":"joinroom","roomid":"r"}
        bob < {"request":"listing","list":[]}
        bob resumes
        bob-before < closed 4000 resumed elsewhere
        bob > {"request":"joinroom","roomid":"s"}
        bob < {"request":"listing","list":[]}
        ann > {"request":"joinroom","roomid":"r"}
        ann < {"request":"listing","list":[]}
        "#);
}

#[test]
fn a_closed_socket_is_resumed_with_room_directorship_and_stream() {
    run(r#"
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
        "#);
}

#[test]
fn a_stream_that_another_client_took_is_not_given_back() {
    run(r#"
        bob arrives
        bob > {"request":"seed","streamID":"b"}
        bob leaves
        thief > {"request":"seed","streamID":"b"}
        bob resumes
        bob < {"request":"alert","message":"Stream ID is already in use."}
        "#);
}

#[test]
fn a_resumed_stream_serves_pending_plays() {
    run(r#"
        bob arrives
        bob > {"request":"seed","streamID":"b"}
        bob leaves
        ann > {"request":"play","streamID":"b"}
        bob resumes
        bob < {"request":"offerSDP","UUID":"@ann"}
        "#);
}

#[test]
fn a_closed_socket_cannot_be_resumed_after_a_minute() {
    run(r#"
        bob arrives
        bob leaves
        61 s pass
        bob fails to resume
        "#);
}

#[test]
fn a_wrong_secret_gets_a_new_route_and_affects_no_other_socket() {
    let script = run(r#"
        bob arrives
        bob > {"request":"seed","streamID":"b"}
        eve forges bob
        ann > {"UUID":"@bob","x":1}
        bob < {"UUID":"@ann","x":1}
        bob leaves
        mal forges bob
        bob resumes
        "#);
    assert_eq!(script.counted.iter().filter(|event| **event == CountedEvent::ResumeDenied).count(), 2);
}

#[test]
fn a_client_without_resuming_leaves_no_tombstone() {
    let script = run("ann > {\"request\":\"ping\"}\nann leaves");
    assert_eq!(script.dialect.counts().tombstones, 0);
}

#[test]
fn a_full_server_still_resumes_open_sockets() {
    let mut script = Script::new(Limits { sockets: 1, ..Limits::default() });
    script.run("bob arrives\nbob resumes\nbob-before < closed 4000 resumed elsewhere");
    assert_eq!(script.open("ann", None), Err(AdmissionError::Full));
}
