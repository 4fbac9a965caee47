//! The password that both sides share, and its spelling in the phrase that everything is derived from.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Deserializer, de};

/// Names the password of everybody who gives none; VDO.Ninja clients carry it in their source.
pub const DEFAULT_PASSWORD: &str = "someEncryptionKey123";

/// Names the salt of clients that run outside a browser, and of pages at vdo.ninja.
pub const DEFAULT_SALT: &str = "vdo.ninja";

/// What JavaScript's `encodeURIComponent` escapes; an escape too many gives another room and another key.
const URI_COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// A password, or the wish for none.
///
/// Parsed from text: `false` means none, empty text means the default.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Option<String>);

impl Password {
    /// Returns the wish for no password: names and descriptions travel bare.
    pub fn off() -> Self {
        Self(None)
    }

    /// Returns whether names and descriptions travel bare.
    pub fn is_off(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the spelling that is hashed, `None` when the password is off.
    pub(crate) fn normalised(&self) -> Option<String> {
        self.0.as_deref().map(|password| utf8_percent_encode(password, URI_COMPONENT).to_string())
    }
}

/// The password that every VDO.Ninja client uses when none is given.
impl Default for Password {
    fn default() -> Self {
        Self(Some(DEFAULT_PASSWORD.to_owned()))
    }
}

/// Shows whether there is a password, never which.
impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_off() { "Password(off)" } else { "Password(on)" })
    }
}

impl From<&str> for Password {
    fn from(text: &str) -> Self {
        match text.trim_matches(is_javascript_space) {
            "false" => Self::off(),
            "" => Self::default(),
            password => Self(Some(password.to_owned())),
        }
    }
}

impl FromStr for Password {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::from(text))
    }
}

/// Reads text, or the boolean `false`.
impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Switch(false) => Ok(Self::off()),
            Written::Switch(true) => {
                Err(de::Error::custom("the password is true; give its text, or false for none"))
            }
            Written::Text(text) => Ok(Self::from(text.as_str())),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "the password is neither text nor false; give one of them")]
enum Written {
    Switch(bool),
    Text(String),
}

/// `String.prototype.trim` takes the byte order mark for a space and U+0085 for none; Rust's `trim` differs in both.
pub(crate) fn is_javascript_space(letter: char) -> bool {
    letter == '\u{feff}' || (letter.is_whitespace() && letter != '\u{85}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn false_turns_it_off() {
        assert!(Password::from(" false\n").is_off());
        assert!(serde_json::from_str::<Password>("false").unwrap().is_off());
    }

    #[test]
    fn true_and_numbers_are_refused() {
        assert!(serde_json::from_str::<Password>("true").is_err());
        assert!(serde_json::from_str::<Password>("1").is_err());
    }

    #[test]
    fn nothing_means_the_default() {
        assert_eq!(Password::from("  "), Password::default());
    }

    #[test]
    fn spelling_follows_encode_uri_component() {
        let spelled = Password::from("\u{feff} aZ09-_.!~*'() /é+&%\t").normalised();
        assert_eq!(spelled.as_deref(), Some("aZ09-_.!~*'()%20%2F%C3%A9%2B%26%25"));
    }

    #[test]
    fn debug_keeps_the_secret() {
        assert_eq!(format!("{:?}", Password::from("hunter2")), "Password(on)");
    }
}
