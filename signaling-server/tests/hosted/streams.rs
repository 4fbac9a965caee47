//! The requests `seed` and `play`.

use rejoin_signaling_server::Limits;

use crate::script::{run, run_with};

#[test]
fn a_play_requests_an_offer_from_the_publisher() {
    run(r#"
        pub > {"request":"seed","streamID":"cam"}
        viewer > {"request":"play","streamID":"cam"}
        pub < {"request":"offerSDP","UUID":"@viewer"}
        "#);
}

#[test]
fn every_repeated_play_requests_an_offer() {
    run(r#"
        pub > {"request":"seed","streamID":"cam"}
        viewer > {"request":"play","streamID":"cam"}
        pub < {"request":"offerSDP","UUID":"@viewer"}
        viewer > {"request":"play","streamID":"cam"}
        pub < {"request":"offerSDP","UUID":"@viewer"}
        "#);
}

#[test]
fn early_plays_are_served_once_each_in_order() {
    run(r#"
        zoe > {"request":"play","streamID":"cam"}
        zoe > {"request":"play","streamID":"cam"}
        adam > {"request":"play","streamID":"cam"}
        pub > {"request":"seed","streamID":"cam"}
        pub < {"request":"offerSDP","UUID":"@zoe"}
        pub < {"request":"offerSDP","UUID":"@adam"}
        pub leaves
        next > {"request":"seed","streamID":"cam"}
        "#);
}

#[test]
fn a_closed_viewer_is_not_served() {
    run(r#"
        viewer > {"request":"play","streamID":"cam"}
        viewer leaves
        pub > {"request":"seed","streamID":"cam"}
        "#);
}

#[test]
fn a_stream_id_has_one_owner() {
    run(r#"
        pub > {"request":"seed","streamID":"cam"}
        thief > {"request":"seed","streamID":"cam"}
        thief < {"request":"alert","message":"Stream ID is already in use."}
        "#);
}

#[test]
fn a_repeated_seed_has_no_effect() {
    run(r#"
        pub > {"request":"seed","streamID":"cam"}
        pub > {"request":"seed","streamID":"cam"}
        "#);
}

#[test]
fn a_stream_id_cannot_change() {
    run(r#"
        pub > {"request":"seed","streamID":"cam"}
        pub > {"request":"seed","streamID":"other"}
        pub < {"request":"alert","message":"Stream ID cannot change on an existing connection."}
        free > {"request":"seed","streamID":"other"}
        "#);
}

#[test]
fn closing_frees_the_stream_id_and_notifies_no_client() {
    run(r#"
        viewer > {"request":"play","streamID":"cam"}
        pub > {"request":"seed","streamID":"cam"}
        pub < {"request":"offerSDP","UUID":"@viewer"}
        pub leaves
        next > {"request":"seed","streamID":"cam"}
        "#);
}

#[test]
fn too_many_pending_plays_close_the_socket() {
    run_with(
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
