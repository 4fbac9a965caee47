//! The name that a client chooses for itself in the self-host dialect: its `from`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rejoin_core::port::DialectError;

use crate::truncate::truncate;

/// The length of the web app's; twenty characters out of sixty-two cannot be guessed and do not collide.
const LENGTH: usize = 20;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The name of a client for servers and peers: 20 letters and digits.
///
/// Peers address the client by it after a reconnect, so it must stay the same for the lifetime of the process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientId(Arc<str>);

impl ClientId {
    /// Returns a random id, or an error if the system provides no random bytes.
    pub fn random() -> Result<Self, DialectError> {
        let mut name = String::with_capacity(LENGTH);
        while name.len() < LENGTH {
            let mut bytes = [0; LENGTH];
            getrandom::fill(&mut bytes).map_err(|error| {
                DialectError(format!(
                    "the system provides no random bytes for a client id ({error}); check its random source"
                ))
            })?;
            // Six bits have 64 values for 62 characters; skipping the other two keeps the distribution uniform.
            let random = bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 63)));
            name.extend(random.take(LENGTH - name.len()).map(|character| char::from(*character)));
        }
        Ok(Self(name.into()))
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not a client id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a client id; give 20 letters and digits, or create a random one")]
pub struct ParseClientIdError(String);

impl FromStr for ClientId {
    type Err = ParseClientIdError;

    fn from_str(text: &str) -> Result<Self, ParseClientIdError> {
        if text.len() == LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            Ok(Self(text.into()))
        } else {
            Err(ParseClientIdError(truncate(text)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_ids_are_valid_and_differ() {
        let (one, two) = (ClientId::random().unwrap(), ClientId::random().unwrap());
        assert_eq!(one.as_str().parse(), Ok(one.clone()));
        assert_ne!(one, two);
    }

    #[test]
    fn anything_but_20_letters_and_digits_is_rejected() {
        for text in ["", "LTke2ri7t9NT9pHhvrj", "LTke2ri7t9NT9pHhvrjVV", "LTke2ri7t9NT9pHhvrj_", "ÄÄÄÄÄÄÄÄÄÄ"]
        {
            assert!(text.parse::<ClientId>().is_err(), "{text}");
        }
    }
}
