//! Property test: whatever comes in, nothing panics and the books balance.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::route::ResumeToken;

const LIMITS: Limits = Limits {
    sockets: 5,
    frame_bytes: 1024,
    frames_per_second: 1,
    burst_frames: 1,
    queue_frames: 1,
    queue_bytes: 1024,
    pending_plays: 2,
    malformed_in_a_row: 3,
    tombstones: 3,
    resume_expiry: Duration::from_secs(60),
};

#[derive(Clone, Debug)]
enum Step {
    /// A socket comes in, perhaps with the pass of an earlier one or a forged one.
    Open {
        resume: Option<u8>,
        forged: bool,
    },
    /// One of the sockets that ever were says something.
    Say {
        who: u8,
        text: String,
    },
    Leave {
        who: u8,
    },
    Wait {
        seconds: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (proptest::option::of(any::<u8>()), any::<bool>())
            .prop_map(|(resume, forged)| Step::Open { resume, forged }),
        8 => (any::<u8>(), frame()).prop_map(|(who, text)| Step::Say { who, text }),
        2 => any::<u8>().prop_map(|who| Step::Leave { who }),
        1 => (0..90_u64).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

fn frame() -> impl Strategy<Value = String> {
    let name = || prop_oneof![Just("a"), Just("b"), Just("c"), Just(" A "), Just("")];
    prop_oneof![
        name().prop_map(|stream| format!(r#"{{"request":"seed","streamID":"{stream}"}}"#)),
        name().prop_map(|stream| format!(r#"{{"request":"play","streamID":"{stream}"}}"#)),
        (name(), any::<bool>()).prop_map(|(room, claim)| format!(
            r#"{{"request":"joinroom","roomid":"{room}","claim":{claim}}}"#
        )),
        (name(), 0..8_u8).prop_map(|(room, target)| {
            let target = route(target);
            format!(r#"{{"request":"migrate","roomid":"{room}","target":"{target}"}}"#)
        }),
        (0..8_u8).prop_map(|to| format!(r#"{{"UUID":"{}","x":1}}"#, route(to))),
        r#"[\[{]?"?(request|UUID|streamID)?"?:?[0-9a-z"{}\[\],]{0,12}\}?"#,
        any::<String>(),
    ]
}

fn route(number: u8) -> Route {
    Route::from_random([number; 16])
}

fn secret(number: u8) -> Secret {
    Secret::from_random([number; 16])
}

/// Plays the steps and returns what must hold after each of them.
fn play(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut board = HostedDialect::new(LIMITS);
    let mut now = Instant::now();
    let mut opened = 0_u8;
    for step in steps {
        let connection = |who: u8| ConnectionId(u64::from(who % opened.max(1)));
        match step {
            Step::Open { resume, forged } => {
                let pass = |who: u8| ResumeToken {
                    route: route(who % 8),
                    secret: secret(if forged { 99 } else { who % 8 }),
                };
                let extension = Some(Extension { secret: secret(opened % 8), resume: resume.map(pass) });
                let arrival =
                    Arrival { connection: ConnectionId(opened.into()), route: route(opened % 8), extension };
                opened = opened.saturating_add(1);
                if let Ok((admission, effects)) = board.open(arrival, now) {
                    prop_assert!(!(forged && admission.resumed));
                    check_effects(&board, &effects)?;
                }
            }
            Step::Say { who, text } => {
                let effects = board.receive(connection(who), &text, now);
                check_effects(&board, &effects)?;
            }
            Step::Leave { who } => board.close(connection(who), now),
            Step::Wait { seconds } => now += Duration::from_secs(seconds),
        }
        check(&board)?;
    }
    Ok(())
}

/// Frames go to the living only, and whoever is closed is forgotten.
fn check_effects(board: &HostedDialect, effects: &[Effect]) -> Result<(), TestCaseError> {
    let closed = |id: &ConnectionId| {
        effects.iter().any(|effect| matches!(effect, Effect::Close { connection, .. } if connection == id))
    };
    for effect in effects {
        match effect {
            Effect::Send { to, .. } => prop_assert!(board.route(*to).is_some() || closed(to)),
            Effect::Close { connection, .. } => prop_assert!(board.route(*connection).is_none()),
            Effect::Count(_) => {}
        }
    }
    Ok(())
}

fn check(board: &HostedDialect) -> Result<(), TestCaseError> {
    let counts = board.counts();
    prop_assert!(counts.sockets <= LIMITS.sockets && counts.tombstones <= LIMITS.tombstones);
    prop_assert_eq!(board.connections.len(), board.sockets.len());
    for (connection, route) in &board.connections {
        prop_assert_eq!(board.sockets[route].connection, *connection);
        prop_assert!(!board.tombstones.contains(*route), "a living route lies in a tombstone");
    }
    for (stream, owner) in &board.streams {
        prop_assert_eq!(board.stream_of(*owner), Some(stream));
    }
    let publishing = board.sockets.values().filter(|socket| socket.stream.is_some()).count();
    prop_assert_eq!(publishing, counts.streams);
    for (stream, viewer) in board.pending_plays.pairs() {
        prop_assert!(board.sockets[&viewer].pending.contains(stream));
    }
    let pending: usize = board.sockets.values().map(|socket| socket.pending.len()).sum();
    prop_assert_eq!(
        (pending, board.pending_plays.pairs().count()),
        (counts.pending_plays, counts.pending_plays)
    );
    prop_assert!(board.sockets.values().all(|socket| socket.pending.len() <= LIMITS.pending_plays));
    for (name, room) in &board.rooms {
        prop_assert!(!room.members.is_empty(), "an empty room is kept");
        prop_assert!(room.members.iter().all(|member| board.room_of(*member) == Some(name)));
        prop_assert!(room.director.is_none_or(|director| room.members.contains(&director)));
    }
    let seated: usize = board.rooms.values().map(|room| room.members.len()).sum();
    prop_assert_eq!(seated, board.sockets.values().filter(|socket| socket.room.is_some()).count());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_books_balance(steps in proptest::collection::vec(step(), 0..120)) {
        play(steps)?;
    }
}
