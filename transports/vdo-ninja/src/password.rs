//! The password that both sides share, and its form in the phrase from which the keys are derived.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Deserializer, de};

/// The password of clients that set none, which VDO.Ninja clients contain.
pub const DEFAULT_PASSWORD: &str = "someEncryptionKey123";

/// The salt of clients outside a browser, and of pages at vdo.ninja.
pub const DEFAULT_SALT: &str = "vdo.ninja";

/// The characters that JavaScript's `encodeURIComponent` escapes; any difference would change the room and the key.
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

/// A password, or the choice to use none.
///
/// As text, `false` means none and empty text means the default.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Option<String>);

impl Password {
    /// Returns the choice to use no password: names and descriptions are not encrypted.
    pub fn off() -> Self {
        Self(None)
    }

    /// Returns whether names and descriptions are not encrypted.
    pub fn is_off(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the form that is hashed, or `None` if the password is off.
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

/// Shows whether there is a password, and never the password.
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

/// Accepts text or the boolean `false`.
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

/// `String.prototype.trim` removes the byte order mark and keeps U+0085; Rust's `trim` differs in both.
pub(crate) fn is_javascript_space(character: char) -> bool {
    character == '\u{feff}' || (character.is_whitespace() && character != '\u{85}')
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
    fn true_and_numbers_are_rejected() {
        assert!(serde_json::from_str::<Password>("true").is_err());
        assert!(serde_json::from_str::<Password>("1").is_err());
    }

    #[test]
    fn empty_text_means_the_default() {
        assert_eq!(Password::from("  "), Password::default());
    }

    #[test]
    fn escapes_follow_encode_uri_component() {
        let escaped = Password::from("\u{feff} aZ09-_.!~*'() /é+&%\t").normalised();
        assert_eq!(escaped.as_deref(), Some("aZ09-_.!~*'()%20%2F%C3%A9%2B%26%25"));
    }

    #[test]
    fn debug_output_hides_the_password() {
        assert_eq!(format!("{:?}", Password::from("hunter2")), "Password(on)");
    }
}
