//! Names of streams and rooms as VDO.Ninja's clients clean them before use.

use rejoin_core::StreamId;
use rejoin_core::id::RoomId;

use crate::excerpt::excerpt;
use crate::password::is_javascript_space;

/// Longer stream ids are cut by other clients, so they would never meet.
const STREAM_LETTERS: usize = 64;

/// Longer rooms are cut by other clients, so they would never meet.
const ROOM_LETTERS: usize = 30;

/// A name with no usable letter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" names no stream or room; use letters, digits and underscores")]
pub struct NameError(String);

/// Returns `text` as the stream id that other clients make of it.
pub fn stream_id(text: &str) -> Result<StreamId, NameError> {
    clean(text, STREAM_LETTERS).map(|name| StreamId(name.into()))
}

/// Returns `text` as the room that other clients make of it.
pub fn room_id(text: &str) -> Result<RoomId, NameError> {
    clean(text, ROOM_LETTERS).map(|name| RoomId(name.into()))
}

fn clean(text: &str, letters: usize) -> Result<String, NameError> {
    let mut name = String::new();
    let mut in_gap = false;
    for letter in text.trim_matches(is_javascript_space).chars() {
        let fits = letter.is_ascii_alphanumeric() || letter == '_';
        if fits {
            name.push(letter);
        } else if !in_gap {
            name.push('_');
        }
        in_gap = !fits;
    }
    name.truncate(letters);
    if name.is_empty() { Err(NameError(excerpt(text))) } else { Ok(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_other_letters_become_one_underscore() {
        assert_eq!(stream_id("  my cam / é!  ").unwrap().0.as_ref(), "my_cam_");
    }

    #[test]
    fn underscores_of_the_user_stay() {
        assert_eq!(stream_id("a__b _c").unwrap().0.as_ref(), "a__b__c");
    }

    #[test]
    fn streams_end_after_64_letters_and_rooms_after_30() {
        let long = "x".repeat(100);
        assert_eq!(stream_id(&long).unwrap().0.len(), 64);
        assert_eq!(room_id(&long).unwrap().0.len(), 30);
    }

    #[test]
    fn nothing_is_no_name() {
        assert!(stream_id(" \u{feff}").is_err());
    }

    #[test]
    fn clean_names_stay() {
        let once = room_id("Grüße aus München, liebe Freunde des Südens").unwrap();
        assert_eq!(room_id(&once.0), Ok(once));
    }
}
