//! Frames for other clients, and frames that the server cannot process.

use rejoin_signaling_server::{CountedEvent, Limits};

use crate::script::{run, run_with};

#[test]
fn a_forwarded_frame_changes_only_its_uuid() {
    run(r#"
        bob > {"request":"ping"}
        ann > {"z":1.50,"UUID":"@bob","session":"s","n":12345678901234567890123,"a":[1E5, {"UUID":"@bob"}]}
        bob < {"z":1.50,"UUID":"@ann","session":"s","n":12345678901234567890123,"a":[1E5, {"UUID":"@bob"}]}
        "#);
}

#[test]
fn frames_without_a_destination_are_dropped_and_counted() {
    let script = run(r#"
        ann > {"UUID":"ffffffff-ffff-4fff-bfff-ffffffffffff","bye":true}
        ann > {"UUID":"no uuid at all","bye":true}
        ann > {"leave":true}
        "#);
    let expected =
        [CountedEvent::UnknownDestination, CountedEvent::UnknownDestination, CountedEvent::NoDestination];
    assert!(script.counted.ends_with(&expected), "{:?}", script.counted);
}

#[test]
fn frames_to_and_from_closed_sockets_are_dropped() {
    run(r#"
        bob > {"request":"ping"}
        bob leaves
        ann > {"UUID":"@bob","bye":true}
        bob > {"request":"seed","streamID":"from beyond"}
        ann > {"request":"seed","streamID":"from beyond"}
        "#);
}

#[test]
fn an_unknown_request_is_answered_with_the_known_ones() {
    run(r#"
        ann > {"request":"sendroom","UUID":"@ann"}
        ann < {"request":"error","message":"unknown request \"sendroom\"; known: seed, play, joinroom, migrate, ping"}
        "#);
}

#[test]
fn unknown_requests_never_close_a_socket() {
    let mut script = run_with(Limits { malformed_in_a_row: 2, ..Limits::default() }, "");
    for _ in 0..100 {
        let observed = script.send("ann", r#"{"request":"x"}"#);
        assert!(matches!(&observed[..], [only] if only.contains("unknown request")), "{observed:?}");
    }
}

#[test]
fn a_missing_key_is_named() {
    run(r#"
        ann > {"request":"joinroom"}
        ann < {"request":"error","message":"`roomid` is not a string of 1 to 256 bytes; send one"}
        "#);
}

#[test]
fn malformed_frames_are_answered_and_too_many_in_a_row_close_the_socket() {
    run_with(
        Limits { malformed_in_a_row: 2, ..Limits::default() },
        r#"
        ann > []
        ann < {"request":"error","message":"frame is not a JSON object; send one JSON object per text frame"}
        ann > {"request":"seed","streamID":"a"}
        ann > 1
        ann < {"request":"error","message":"frame is not a JSON object; send one JSON object per text frame"}
        ann > {"request":
        ann < {"request":"error","message":"frame is not readable JSON (EOF while parsing a value at line 1 column 11); send one JSON object per text frame"}
        ann < closed 1007 2 unreadable frames in a row; send one JSON object per text frame
        bob > {"request":"seed","streamID":"a"}
        "#,
    );
}
