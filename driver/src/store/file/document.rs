//! The format of a session file: JSON with a version.

use serde::{Deserialize, Serialize};

use rejoin_core::session::SessionRecord;

/// The version that this program writes and reads; it is increased when an older program would misread the file.
pub(super) const VERSION: u64 = 1;

/// The reason why a text is not a session.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FormatError {
    /// No version writes such a text. The reason quotes nothing from the text, because it names rooms and streams.
    Damaged(String),
    /// A newer program wrote it.
    Newer(u64),
}

#[derive(Serialize)]
struct Written<'a> {
    version: u64,
    session: &'a SessionRecord,
}

#[derive(Deserialize)]
struct Read {
    session: SessionRecord,
}

/// The part of a text that is read before its version is known.
#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

/// Returns the text of `session`.
pub(super) fn encode(session: &SessionRecord) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = serde_json::to_vec_pretty(&Written { version: VERSION, session })?;
    text.push(b'\n');
    Ok(text)
}

/// Returns the session in `text`.
pub(super) fn decode(text: &[u8]) -> Result<SessionRecord, FormatError> {
    match serde_json::from_slice::<Versioned>(text).map_err(damage)?.version {
        VERSION => Ok(serde_json::from_slice::<Read>(text).map_err(damage)?.session),
        newer if newer > VERSION => Err(FormatError::Newer(newer)),
        unknown => Err(FormatError::Damaged(format!("version {unknown} does not exist"))),
    }
}

fn damage(error: serde_json::Error) -> FormatError {
    use serde_json::error::Category;

    let kind = match error.classify() {
        Category::Io | Category::Syntax => "not JSON",
        Category::Data => "not a session",
        Category::Eof => "incomplete",
    };
    FormatError::Damaged(format!("{kind} at line {} column {}", error.line(), error.column()))
}

#[cfg(test)]
mod tests {
    use rejoin_core::Identity;
    use rejoin_core::id::{RoomId, StreamId};
    use rejoin_core::session::{ViewAll, ViewerRecord};

    use super::*;

    fn record() -> SessionRecord {
        SessionRecord {
            identity: Identity(u128::MAX),
            room: Some(RoomId("räum \"1\"".into())),
            audience: Some(ViewAll { except: Some(StreamId("d".into())) }),
            streams: vec![StreamId("a".into())],
            views: vec![StreamId("b".into()), StreamId("\0\n".into())],
            viewers: vec![ViewerRecord {
                name: "c".into(),
                identity: Identity(2),
                stream: StreamId("a".into()),
            }],
        }
    }

    #[test]
    fn a_text_holds_every_field_of_a_session() {
        assert_eq!(decode(&encode(&record()).unwrap()), Ok(record()));
    }

    #[test]
    fn a_text_holds_its_version() {
        let text: serde_json::Value = serde_json::from_slice(&encode(&record()).unwrap()).unwrap();
        assert_eq!(text["version"], VERSION);
    }

    #[test]
    fn a_text_without_viewers_and_audience_is_valid() {
        let text = br#"{"version":1,"session":{"identity":"00000000000000000000000000000007","room":null,"streams":[],"views":[],"peers":[]}}"#;
        assert_eq!(decode(text), Ok(SessionRecord::new(Identity(7))));
    }

    #[test]
    fn every_truncated_text_is_damaged() {
        let text = encode(&record()).unwrap();
        let whole = text.trim_ascii_end().len();
        for length in 0..whole {
            assert!(matches!(decode(&text[..length]), Err(FormatError::Damaged(_))), "{length} bytes");
        }
    }

    #[test]
    fn a_text_of_no_version_is_damaged() {
        for text in [
            "null",
            "[]",
            "{}",
            r#"{"version":1}"#,
            r#"{"version":"1","session":null}"#,
            r#"{"version":0,"session":null}"#,
            r#"{"version":-1}"#,
            r#"{"version":1e99}"#,
            r#"{"version":1,"version":1}"#,
            "\u{0}\u{0}\u{0}\u{0}",
        ] {
            assert!(matches!(decode(text.as_bytes()), Err(FormatError::Damaged(_))), "{text}");
        }
        assert!(matches!(decode(b"\xff\xfe{}"), Err(FormatError::Damaged(_))));
    }

    #[test]
    fn a_newer_version_is_not_damage() {
        assert_eq!(decode(br#"{"version":2,"crew":[1,2]}"#), Err(FormatError::Newer(2)));
    }

    #[test]
    fn the_reason_of_damage_quotes_nothing() {
        let text = r#"{"version":1,"session":{"identity":"secret-room"}}"#;
        let Err(FormatError::Damaged(reason)) = decode(text.as_bytes()) else { panic!("{text} was read") };
        assert!(!reason.contains("secret"), "{reason}");
    }
}
