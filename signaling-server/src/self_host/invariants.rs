//! Property test: after any sequence of connections and frames the tables agree, and no frame leaves its room.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::route::{Route, Secret};

#[derive(Clone, Debug)]
enum Step {
    Open,
    /// One of all earlier connections sends a frame.
    Send {
        number: u64,
        text: String,
    },
    Close {
        number: u64,
    },
}

proptest! {
    #[test]
    fn the_tables_agree_after_any_sequence(steps in vec(step(), 0..60)) {
        let limits = Limits { sockets: 5, malformed_in_a_row: 3, ..Limits::default() };
        let mut dialect = SelfHostDialect::new(limits);
        let now = Instant::now();
        let mut opened = 0;
        for step in steps {
            match step {
                Step::Open => {
                    let (route, secret) = (Route::from_random([0; 16]), Secret::from_random([0; 16]));
                    let new = NewConnection { connection: ConnectionId(opened), route, secret, resume: None };
                    let is_full = dialect.sockets.len() == limits.sockets;
                    prop_assert_eq!(dialect.open(new, now).is_err(), is_full);
                    opened += 1;
                }
                Step::Send { number, text } => {
                    let sender = ConnectionId(number);
                    for effect in dialect.receive(sender, Ok(&text), now) {
                        if let Effect::Send { to, text: received } = effect
                            && to != sender
                        {
                            prop_assert_eq!(&received, &text);
                            let room = |socket| dialect.sockets.get(socket).map(|socket: &Socket| &socket.room);
                            prop_assert_eq!(room(&to), room(&sender));
                        }
                    }
                }
                Step::Close { number } => dialect.close(ConnectionId(number), now),
            }
            check(&dialect)?;
        }
    }
}

fn check(dialect: &SelfHostDialect) -> Result<(), TestCaseError> {
    let is_open = |connection: &ConnectionId| dialect.sockets.contains_key(connection);
    prop_assert!(dialect.names.is_consistent(is_open));
    prop_assert!(dialect.streams.is_consistent(is_open));
    prop_assert_eq!(dialect.rooms.values().map(BTreeSet::len).sum::<usize>(), dialect.sockets.len());
    for (room, members) in &dialect.rooms {
        prop_assert!(!members.is_empty());
        prop_assert!(members.iter().all(|member| dialect.sockets[member].room == *room));
    }
    Ok(())
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Open),
        8 => (0..12_u64, frame()).prop_map(|(number, text)| Step::Send { number, text }),
        1 => (0..12_u64).prop_map(|number| Step::Close { number }),
    ]
}

fn frame() -> impl Strategy<Value = String> {
    prop_oneof![
        r#"\{"request":"(seed|play)","streamID":"[abc]","from":"[xyz]"\}"#,
        r#"\{"request":"joinroom","roomid":"[rs]"(,"streamID":"[abc]")?,"from":"[xyz]"\}"#,
        r#"\{"UUID":"[xyz]","bye":true(,"from":"[xyz]")?\}"#,
        r#"[\[{]?"?(request|from|UUID)?"?:?[0-9a-z"{}\[\],]{0,12}\}?"#,
        any::<String>(),
    ]
}
