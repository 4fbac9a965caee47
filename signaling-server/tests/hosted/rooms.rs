//! The requests `joinroom` and `migrate`.

use rejoin_signaling_server::ServerDialect;

use crate::script::run;

#[test]
fn a_new_member_gets_a_listing_and_is_announced() {
    run(r#"
        ann > {"request":"joinroom","roomid":"studio"}
        ann < {"request":"listing","list":[]}
        ann > {"request":"seed","streamID":"a"}
        bob > {"request":"joinroom","roomid":"studio"}
        ann < {"request":"someonejoined","UUID":"@bob"}
        bob < {"request":"listing","list":[{"UUID":"@ann","streamID":"a"}]}
        cid > {"request":"seed","streamID":"c"}
        cid > {"request":"joinroom","roomid":"studio"}
        ann < {"request":"someonejoined","UUID":"@cid","streamID":"c"}
        bob < {"request":"someonejoined","UUID":"@cid","streamID":"c"}
        cid < {"request":"listing","list":[{"UUID":"@ann","streamID":"a"},{"UUID":"@bob"}]}
        "#);
}

#[test]
fn room_names_ignore_case_and_surrounding_space() {
    run(r#"
        ann > {"request":"joinroom","roomid":" Studio "}
        ann < {"request":"listing","list":[]}
        bob > {"request":"joinroom","roomid":"sTUDIO"}
        ann < {"request":"someonejoined","UUID":"@bob"}
        bob < {"request":"listing","list":[{"UUID":"@ann"}]}
        "#);
}

#[test]
fn a_second_joinroom_is_ignored() {
    run(r#"
        ann > {"request":"joinroom","roomid":"studio"}
        ann < {"request":"listing","list":[]}
        ann > {"request":"joinroom","roomid":"elsewhere"}
        bob > {"request":"joinroom","roomid":"elsewhere"}
        bob < {"request":"listing","list":[]}
        "#);
}

#[test]
fn the_first_claim_gets_the_directorship() {
    run(r#"
        guest > {"request":"joinroom","roomid":"r"}
        guest < {"request":"listing","list":[]}
        boss > {"request":"joinroom","roomid":"r","claim":true}
        guest < {"request":"someonejoined","UUID":"@boss","director":true}
        boss < {"request":"listing","list":[{"UUID":"@guest"}],"claim":true}
        rival > {"request":"joinroom","roomid":"r","claim":true}
        guest < {"request":"someonejoined","UUID":"@rival"}
        boss < {"request":"someonejoined","UUID":"@rival"}
        rival < {"request":"listing","list":[{"UUID":"@guest"},{"UUID":"@boss"}],"director":"@boss","claim":false}
        late > {"request":"joinroom","roomid":"r"}
        guest < {"request":"someonejoined","UUID":"@late"}
        boss < {"request":"someonejoined","UUID":"@late"}
        rival < {"request":"someonejoined","UUID":"@late"}
        late < {"request":"listing","list":[{"UUID":"@guest"},{"UUID":"@boss"},{"UUID":"@rival"}],"director":"@boss"}
        "#);
}

#[test]
fn a_director_that_leaves_frees_the_directorship() {
    run(r#"
        guest > {"request":"joinroom","roomid":"r"}
        guest < {"request":"listing","list":[]}
        boss > {"request":"joinroom","roomid":"r","claim":true}
        guest < {"request":"someonejoined","UUID":"@boss","director":true}
        boss < {"request":"listing","list":[{"UUID":"@guest"}],"claim":true}
        boss leaves
        heir > {"request":"joinroom","roomid":"r","claim":true}
        guest < {"request":"someonejoined","UUID":"@heir","director":true}
        heir < {"request":"listing","list":[{"UUID":"@guest"}],"claim":true}
        "#);
}

#[test]
fn a_new_stream_is_announced_to_the_room() {
    run(r#"
        ann > {"request":"joinroom","roomid":"r"}
        ann < {"request":"listing","list":[]}
        ann > {"request":"play","streamID":"b"}
        bob > {"request":"joinroom","roomid":"r"}
        ann < {"request":"someonejoined","UUID":"@bob"}
        bob < {"request":"listing","list":[{"UUID":"@ann"}]}
        bob > {"request":"seed","streamID":"b"}
        ann < {"request":"videoaddedtoroom","UUID":"@bob","streamID":"b"}
        ann > {"request":"play","streamID":"b"}
        bob < {"request":"offerSDP","UUID":"@ann"}
        "#);
}

#[test]
fn plays_do_not_reach_publishers_in_another_room() {
    let script = run(r#"
        outside > {"request":"play","streamID":"b"}
        bob > {"request":"joinroom","roomid":"r"}
        bob < {"request":"listing","list":[]}
        bob > {"request":"seed","streamID":"b"}
        outside > {"request":"play","streamID":"b"}
        other > {"request":"joinroom","roomid":"s"}
        other < {"request":"listing","list":[]}
        other > {"request":"play","streamID":"b"}
        "#);
    assert_eq!(script.dialect.counts().pending_plays, 2);
}

#[test]
fn a_pending_play_in_a_room_is_not_served_from_outside() {
    run(r#"
        ann > {"request":"joinroom","roomid":"r"}
        ann < {"request":"listing","list":[]}
        ann > {"request":"play","streamID":"b"}
        bob > {"request":"seed","streamID":"b"}
        "#);
}

#[test]
fn a_director_moves_a_guest() {
    run(r#"
        boss > {"request":"joinroom","roomid":"lobby","claim":true}
        boss < {"request":"listing","list":[],"claim":true}
        guest > {"request":"joinroom","roomid":"lobby"}
        boss < {"request":"someonejoined","UUID":"@guest"}
        guest < {"request":"listing","list":[{"UUID":"@boss"}],"director":"@boss"}
        guest > {"request":"seed","streamID":"g"}
        boss < {"request":"videoaddedtoroom","UUID":"@guest","streamID":"g"}
        host > {"request":"joinroom","roomid":"studio","claim":true}
        host < {"request":"listing","list":[],"claim":true}
        boss > {"request":"migrate","roomid":"Studio","target":"@guest"}
        host < {"request":"someonejoined","UUID":"@guest","streamID":"g"}
        guest < {"request":"transferred","list":[{"UUID":"@host"}],"director":"@host"}
        host > {"request":"play","streamID":"g"}
        guest < {"request":"offerSDP","UUID":"@host"}
        "#);
}

#[test]
fn only_a_director_moves_and_only_its_own_guests() {
    run(r#"
        boss > {"request":"joinroom","roomid":"lobby","claim":true}
        boss < {"request":"listing","list":[],"claim":true}
        guest > {"request":"joinroom","roomid":"lobby"}
        boss < {"request":"someonejoined","UUID":"@guest"}
        guest < {"request":"listing","list":[{"UUID":"@boss"}],"director":"@boss"}
        guest > {"request":"migrate","roomid":"x","target":"@boss"}
        guest < {"request":"alert","message":"only the director of a room can move its guests; join with claim first"}
        free > {"request":"migrate","roomid":"x","target":"@boss"}
        free < {"request":"alert","message":"only the director of a room can move its guests; join with claim first"}
        boss > {"request":"migrate","roomid":"x","target":"@free"}
        boss < {"request":"alert","message":"no such guest in your room; choose a UUID from the listing"}
        "#);
}
