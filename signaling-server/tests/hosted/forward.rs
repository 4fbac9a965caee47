//! Directed frames, and frames that the server cannot do anything with.

use rejoin_signaling_server::{CountedEvent, Limits};

use crate::script::{perform, perform_with};

#[test]
fn a_directed_frame_changes_its_uuid_only() {
    perform(
        r#"
        bob > {"request":"ping"}
        ann > {"z":1.50,"UUID":"@bob","session":"s","n":12345678901234567890123,"a":[1E5, {"UUID":"@bob"}]}
        bob < {"z":1.50,"UUID":"@ann","session":"s","n":12345678901234567890123,"a":[1E5, {"UUID":"@bob"}]}
        "#,
    );
}

#[test]
fn frames_to_nobody_are_dropped_and_counted() {
    let stage = perform(
        r#"
        ann > {"UUID":"ffffffff-ffff-4fff-bfff-ffffffffffff","bye":true}
        ann > {"UUID":"no uuid at all","bye":true}
        ann > {"leave":true}
        "#,
    );
    let expected =
        [CountedEvent::UnknownDestination, CountedEvent::UnknownDestination, CountedEvent::NoDestination];
    assert!(stage.counted.ends_with(&expected), "{:?}", stage.counted);
}

#[test]
fn frames_to_those_who_left_are_dropped() {
    perform(
        r#"
        bob > {"request":"ping"}
        bob leaves
        ann > {"UUID":"@bob","bye":true}
        bob > {"request":"seed","streamID":"from beyond"}
        ann > {"request":"seed","streamID":"from beyond"}
        "#,
    );
}

#[test]
fn an_unknown_request_is_explained() {
    perform(
        r#"
        ann > {"request":"sendroom","UUID":"@ann"}
        ann < {"request":"error","message":"unknown request \"sendroom\"; known: seed, play, joinroom, migrate, ping"}
        "#,
    );
}

#[test]
fn unknown_requests_never_end_a_socket() {
    let mut stage = perform_with(Limits { malformed_in_a_row: 2, ..Limits::default() }, "");
    for _ in 0..100 {
        let happened = stage.hear("ann", r#"{"request":"x"}"#);
        assert!(matches!(&happened[..], [only] if only.contains("unknown request")), "{happened:?}");
    }
}

#[test]
fn a_missing_key_is_named() {
    perform(
        r#"
        ann > {"request":"joinroom"}
        ann < {"request":"error","message":"`roomid` is not a string of 1 to 256 bytes; send one"}
        "#,
    );
}

#[test]
fn malformed_frames_are_explained_until_there_are_too_many_in_a_row() {
    perform_with(
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
