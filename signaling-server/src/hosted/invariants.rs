//! Property test: after any sequence of connections and frames the tables agree and stay within their limits.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::dialect::NewConnection;
use crate::route::{Route, Secret};

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
    /// A connection opens, perhaps with the token of an earlier one or a forged token.
    Open {
        resume: Option<u8>,
        forged: bool,
    },
    /// One of all earlier connections sends a frame.
    Send {
        number: u8,
        text: String,
    },
    Close {
        number: u8,
    },
    Wait {
        seconds: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (proptest::option::of(any::<u8>()), any::<bool>())
            .prop_map(|(resume, forged)| Step::Open { resume, forged }),
        8 => (any::<u8>(), frame()).prop_map(|(number, text)| Step::Send { number, text }),
        2 => any::<u8>().prop_map(|number| Step::Close { number }),
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

/// Runs the steps and checks the invariants after each of them.
fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut dialect = HostedDialect::new(LIMITS);
    let mut now = Instant::now();
    let mut opened = 0_u8;
    for step in steps {
        let connection = |number: u8| ConnectionId(u64::from(number % opened.max(1)));
        match step {
            Step::Open { resume, forged } => {
                let token = |number: u8| ResumeToken {
                    route: route(number % 8),
                    secret: secret(if forged { 99 } else { number % 8 }),
                };
                let new = NewConnection {
                    connection: ConnectionId(opened.into()),
                    route: route(opened % 8),
                    secret: secret(opened % 8),
                    resume: Some(
                        resume.map_or(ResumeRequest::NewRoute, |of| ResumeRequest::Resume(token(of))),
                    ),
                };
                opened = opened.saturating_add(1);
                if let Ok((admission, effects)) = dialect.open(new, now) {
                    prop_assert!(!(forged && admission.resumed));
                    check_effects(&dialect, &effects)?;
                }
            }
            Step::Send { number, text } => {
                let effects = dialect.receive(connection(number), Ok(&text), now);
                check_effects(&dialect, &effects)?;
            }
            Step::Close { number } => dialect.close(connection(number), now),
            Step::Wait { seconds } => now += Duration::from_secs(seconds),
        }
        check(&dialect)?;
    }
    Ok(())
}

/// Frames go to open connections only, and a closed connection is removed.
fn check_effects(dialect: &HostedDialect, effects: &[Effect]) -> Result<(), TestCaseError> {
    let is_open = |connection: &ConnectionId| dialect.router.sockets.is_open(*connection);
    let closed = |id: &ConnectionId| {
        effects.iter().any(|effect| matches!(effect, Effect::Close { connection, .. } if connection == id))
    };
    for effect in effects {
        match effect {
            Effect::Send { to, .. } => {
                prop_assert!(is_open(to) || closed(to))
            }
            Effect::Close { connection, .. } => {
                prop_assert!(!is_open(connection))
            }
            Effect::Count(_) => {}
        }
    }
    Ok(())
}

fn check(dialect: &HostedDialect) -> Result<(), TestCaseError> {
    let (counts, router) = (dialect.counts(), &dialect.router);
    let is_open = |route: Route| router.sockets.socket(route).is_some();
    prop_assert!(counts.sockets <= LIMITS.sockets && counts.tombstones <= LIMITS.tombstones);
    prop_assert!(router.sockets.is_consistent());
    prop_assert!(router.streams.is_consistent(|route| is_open(*route)));
    prop_assert!(router.rooms.is_consistent(is_open));
    prop_assert!(router.pending_plays.is_consistent(is_open));
    prop_assert!((0..8).map(route).all(|route| !(is_open(route) && dialect.tombstones.contains(route))));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_tables_agree_after_any_sequence(steps in proptest::collection::vec(step(), 0..120)) {
        run(steps)?;
    }
}
