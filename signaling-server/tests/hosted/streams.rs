//! seed and play.

use rejoin_signaling_server::Limits;

use crate::script::{perform, perform_with};

#[test]
fn a_play_asks_the_publisher_for_an_offer() {
    perform(
        r#"
        pub > {"request":"seed","streamID":"cam"}
        viewer > {"request":"play","streamID":"cam"}
        pub < {"request":"offerSDP","UUID":"@viewer"}
        "#,
    );
}

#[test]
fn every_repeated_play_asks_again() {
    perform(
        r#"
        pub > {"request":"seed","streamID":"cam"}
        viewer > {"request":"play","streamID":"cam"}
        pub < {"request":"offerSDP","UUID":"@viewer"}
        viewer > {"request":"play","streamID":"cam"}
        pub < {"request":"offerSDP","UUID":"@viewer"}
        "#,
    );
}

#[test]
fn early_plays_are_served_once_each_in_order() {
    perform(
        r#"
        zoe > {"request":"play","streamID":"cam"}
        zoe > {"request":"play","streamID":"cam"}
        adam > {"request":"play","streamID":"cam"}
        pub > {"request":"seed","streamID":"cam"}
        pub < {"request":"offerSDP","UUID":"@zoe"}
        pub < {"request":"offerSDP","UUID":"@adam"}
        pub leaves
        next > {"request":"seed","streamID":"cam"}
        "#,
    );
}

#[test]
fn a_viewer_that_left_is_not_served() {
    perform(
        r#"
        viewer > {"request":"play","streamID":"cam"}
        viewer leaves
        pub > {"request":"seed","streamID":"cam"}
        "#,
    );
}

#[test]
fn a_stream_id_has_one_owner() {
    perform(
        r#"
        pub > {"request":"seed","streamID":"cam"}
        thief > {"request":"seed","streamID":"cam"}
        thief < {"request":"alert","message":"Stream ID is already in use."}
        "#,
    );
}

#[test]
fn seeding_twice_is_seeding_once() {
    perform(
        r#"
        pub > {"request":"seed","streamID":"cam"}
        pub > {"request":"seed","streamID":"cam"}
        "#,
    );
}

#[test]
fn a_stream_id_cannot_change() {
    perform(
        r#"
        pub > {"request":"seed","streamID":"cam"}
        pub > {"request":"seed","streamID":"other"}
        pub < {"request":"alert","message":"Stream ID cannot change on an existing connection."}
        free > {"request":"seed","streamID":"other"}
        "#,
    );
}

#[test]
fn leaving_frees_the_stream_id_and_tells_nobody() {
    perform(
        r#"
        viewer > {"request":"play","streamID":"cam"}
        pub > {"request":"seed","streamID":"cam"}
        pub < {"request":"offerSDP","UUID":"@viewer"}
        pub leaves
        next > {"request":"seed","streamID":"cam"}
        "#,
    );
}

#[test]
fn too_many_pending_plays_end_the_socket() {
    perform_with(
        Limits { pending_plays: 2, ..Limits::default() },
        r#"
        viewer > {"request":"play","streamID":"a"}
        viewer > {"request":"play","streamID":"b"}
        viewer > {"request":"play","streamID":"b"}
        viewer > {"request":"play","streamID":"c"}
        viewer < closed 1008 more than 2 plays of absent streams; play fewer at once
        pub > {"request":"seed","streamID":"a"}
        "#,
    );
}
