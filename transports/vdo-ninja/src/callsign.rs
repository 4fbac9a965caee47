//! The name that a client gives itself where no server gives it one: the `from` of the self-host dialect.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rejoin_core::port::DialectError;

use crate::excerpt::excerpt;

/// As long as the web app's; twenty letters of sixty-two cannot be guessed and never meet by chance.
const LETTERS: usize = 20;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Names a client to servers and peers, for as long as the process lives: 20 letters and digits.
///
/// Peers find their way back by it, so it must outlive every socket that the server lets go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Callsign(Arc<str>);

impl Callsign {
    /// Draws a callsign that nobody else has.
    pub fn random() -> Result<Self, DialectError> {
        let mut name = String::with_capacity(LETTERS);
        while name.len() < LETTERS {
            let mut bytes = [0; LETTERS];
            getrandom::fill(&mut bytes).map_err(|error| {
                DialectError(format!(
                    "the system gives no random bytes for a callsign ({error}); check its random source"
                ))
            })?;
            // Six bits name 64 letters, of which two are none; leaving them out keeps the others equally likely.
            let drawn = bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 63)));
            name.extend(drawn.take(LETTERS - name.len()).map(|letter| char::from(*letter)));
        }
        Ok(Self(name.into()))
    }

    /// Returns its letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Callsign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Says that a text is no callsign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no callsign; give 20 letters and digits, or draw one")]
pub struct NoCallsign(String);

impl FromStr for Callsign {
    type Err = NoCallsign;

    fn from_str(text: &str) -> Result<Self, NoCallsign> {
        if text.len() == LETTERS && text.bytes().all(|letter| letter.is_ascii_alphanumeric()) {
            Ok(Self(text.into()))
        } else {
            Err(NoCallsign(excerpt(text)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_callsigns_are_callsigns_and_differ() {
        let (one, two) = (Callsign::random().unwrap(), Callsign::random().unwrap());
        assert_eq!(one.as_str().parse(), Ok(one.clone()));
        assert_ne!(one, two);
    }

    #[test]
    fn anything_but_20_letters_and_digits_is_refused() {
        for text in ["", "LTke2ri7t9NT9pHhvrj", "LTke2ri7t9NT9pHhvrjVV", "LTke2ri7t9NT9pHhvrj_", "ÄÄÄÄÄÄÄÄÄÄ"]
        {
            assert!(text.parse::<Callsign>().is_err(), "{text}");
        }
    }
}
