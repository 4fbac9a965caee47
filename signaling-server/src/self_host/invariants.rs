//! Property test: whatever comes in, nothing panics, the books balance, and no frame leaves its room.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::route::Route;

#[derive(Clone, Debug)]
enum Step {
    Open,
    /// One of the sockets that ever were says something.
    Say {
        who: u64,
        text: String,
    },
    Leave {
        who: u64,
    },
}

proptest! {
    #[test]
    fn the_books_balance_whatever_comes_in(steps in vec(step(), 0..60)) {
        let limits = Limits { sockets: 5, malformed_in_a_row: 3, ..Limits::default() };
        let mut repeater = SelfHostDialect::new(limits);
        let mut opened = 0;
        for step in steps {
            match step {
                Step::Open => {
                    let route = Route::from_random([0; 16]);
                    let arrival = Arrival { connection: ConnectionId(opened), route, extension: None };
                    let is_full = repeater.sockets.len() == limits.sockets;
                    prop_assert_eq!(repeater.open(arrival).is_err(), is_full);
                    opened += 1;
                }
                Step::Say { who, text } => {
                    let speaker = ConnectionId(who);
                    for effect in repeater.receive(speaker, &text) {
                        if let Effect::Send { to, text: heard } = effect
                            && to != speaker
                        {
                            prop_assert_eq!(&heard, &text);
                            let room = |socket| repeater.sockets.get(socket).map(|socket: &Socket| &socket.room);
                            prop_assert_eq!(room(&to), room(&speaker));
                        }
                    }
                }
                Step::Leave { who } => repeater.close(ConnectionId(who)),
            }
            balance(&repeater)?;
        }
    }
}

/// What must hold between any two steps.
fn balance(repeater: &SelfHostDialect) -> Result<(), TestCaseError> {
    for (name, holder) in &repeater.names {
        prop_assert_eq!(repeater.sockets[holder].name.as_ref(), Some(name));
    }
    for (stream, holder) in &repeater.streams {
        prop_assert_eq!(repeater.sockets[holder].stream.as_ref(), Some(stream));
    }
    let count = |held: fn(&Socket) -> bool| repeater.sockets.values().filter(|socket| held(socket)).count();
    prop_assert_eq!(count(|socket| socket.name.is_some()), repeater.names.len());
    prop_assert_eq!(count(|socket| socket.stream.is_some()), repeater.streams.len());
    prop_assert_eq!(repeater.rooms.values().map(BTreeSet::len).sum::<usize>(), repeater.sockets.len());
    for (room, members) in &repeater.rooms {
        prop_assert!(!members.is_empty());
        prop_assert!(members.iter().all(|member| repeater.sockets[member].room == *room));
    }
    Ok(())
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Open),
        8 => (0..12_u64, frame()).prop_map(|(who, text)| Step::Say { who, text }),
        1 => (0..12_u64).prop_map(|who| Step::Leave { who }),
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
