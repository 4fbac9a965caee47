//! Normalizes the names of streams and rooms as VDO.Ninja's clients do.

use rejoin_core::StreamId;
use rejoin_core::id::RoomId;

use crate::password::is_javascript_space;
use crate::truncate::truncate;

/// Other clients truncate longer stream ids.
const MAX_STREAM_LENGTH: usize = 64;

/// Other clients truncate longer room ids.
const MAX_ROOM_LENGTH: usize = 30;

/// The name has no usable character.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a usable stream or room; use letters, digits and underscores")]
pub struct NameError(String);

/// Returns the stream id that other clients derive from `text`.
pub fn stream_id(text: &str) -> Result<StreamId, NameError> {
    normalize(text, MAX_STREAM_LENGTH).map(|name| StreamId(name.into()))
}

/// Returns the room id that other clients derive from `text`.
pub fn room_id(text: &str) -> Result<RoomId, NameError> {
    normalize(text, MAX_ROOM_LENGTH).map(|name| RoomId(name.into()))
}

fn normalize(text: &str, max_length: usize) -> Result<String, NameError> {
    let mut name = String::new();
    let mut in_gap = false;
    for character in text.trim_matches(is_javascript_space).chars() {
        let is_usable = character.is_ascii_alphanumeric() || character == '_';
        if is_usable {
            name.push(character);
        } else if !in_gap {
            name.push('_');
        }
        in_gap = !is_usable;
    }
    name.truncate(max_length);
    if name.is_empty() { Err(NameError(truncate(text))) } else { Ok(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_other_characters_become_one_underscore() {
        assert_eq!(stream_id("  my cam / é!  ").unwrap().0.as_ref(), "my_cam_");
    }

    #[test]
    fn underscores_of_the_user_are_kept() {
        assert_eq!(stream_id("a__b _c").unwrap().0.as_ref(), "a__b__c");
    }

    #[test]
    fn streams_are_cut_to_64_characters_and_rooms_to_30() {
        let long = "x".repeat(100);
        assert_eq!(stream_id(&long).unwrap().0.len(), 64);
        assert_eq!(room_id(&long).unwrap().0.len(), 30);
    }

    #[test]
    fn an_empty_name_is_rejected() {
        assert!(stream_id(" \u{feff}").is_err());
    }

    #[test]
    fn normalized_names_are_unchanged() {
        let once = room_id("Grüße aus München, liebe Freunde des Südens").unwrap();
        assert_eq!(room_id(&once.0), Ok(once));
    }
}
