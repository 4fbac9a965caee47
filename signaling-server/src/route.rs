//! The UUID by which clients address a socket, and the secret with which its client proves that it owned it.

use std::fmt;
use std::hint::black_box;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// The UUID by which other clients address a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Route([u8; 16]);

impl Route {
    /// Returns a version 4 UUID (RFC 9562 section 5.4) made of random bytes.
    pub const fn from_random(mut bytes: [u8; 16]) -> Self {
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Self(bytes)
    }
}

impl fmt::Display for Route {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                formatter.write_str("-")?;
            }
            write!(formatter, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl Serialize for Route {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The text is not a UUID or secret in this server's notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a lower-case UUID or 32 hexadecimal digits; send back what the server sent")]
pub struct ParseRouteError;

impl FromStr for Route {
    type Err = ParseRouteError;

    fn from_str(text: &str) -> Result<Self, ParseRouteError> {
        let mut bytes = [0; 16];
        let digits: String = text.chars().filter(|character| *character != '-').collect();
        hex::decode_to_slice(&digits, &mut bytes).map_err(|_| ParseRouteError)?;
        let route = Self(bytes);
        // Each route has one notation: upper case and displaced hyphens are invalid.
        if route.to_string() == text { Ok(route) } else { Err(ParseRouteError) }
    }
}

/// Proves that a client owned a route: 128 random bits.
#[derive(Clone, Copy)]
pub struct Secret([u8; 16]);

impl Secret {
    /// Returns a secret made of random bytes.
    pub const fn from_random(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Compares in constant time, so that the duration does not reveal where two secrets differ.
    pub fn matches(&self, other: &Self) -> bool {
        let difference =
            self.0.iter().zip(other.0).fold(0, |sum, (ours, theirs)| black_box(sum | (ours ^ theirs)));
        black_box(difference) == 0
    }

    /// Returns the 32 hexadecimal digits for the client.
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

impl FromStr for Secret {
    type Err = ParseRouteError;

    fn from_str(text: &str) -> Result<Self, ParseRouteError> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| ParseRouteError)?;
        Ok(Self(bytes))
    }
}

/// Pairs a route with the secret that proves its ownership.
#[derive(Clone, Copy, Debug)]
pub struct ResumeToken {
    /// The UUID.
    pub route: Route,
    /// The proof.
    pub secret: Secret,
}

impl ResumeToken {
    /// Compares routes, and secrets in constant time.
    pub fn matches(&self, other: &Self) -> bool {
        self.route == other.route && self.secret.matches(&other.secret)
    }
}

impl FromStr for ResumeToken {
    type Err = ParseRouteError;

    /// Reads `<uuid> <secret>`.
    fn from_str(text: &str) -> Result<Self, ParseRouteError> {
        let (route, secret) = text.trim().split_once(' ').ok_or(ParseRouteError)?;
        Ok(Self { route: route.parse()?, secret: secret.trim().parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_uuids_of_version_4() {
        let route = Route::from_random([0xff; 16]);
        assert_eq!(route.to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }

    #[test]
    fn a_route_has_one_notation() {
        let text = "ffffffff-ffff-4fff-bfff-ffffffffffff";
        assert_eq!(text.parse(), Ok(Route::from_random([0xff; 16])));
        for other in [&text.to_uppercase(), &text.replace('-', ""), "", "é", &text[1..]] {
            assert_eq!(other.parse::<Route>(), Err(ParseRouteError), "{other}");
        }
    }

    #[test]
    fn a_token_is_read_back_from_its_header() {
        let token = ResumeToken { route: Route::from_random([7; 16]), secret: Secret::from_random([9; 16]) };
        let read: ResumeToken = format!("{} {}", token.route, token.secret.to_hex()).parse().unwrap();
        assert!(read.matches(&token));
    }

    #[test]
    fn secrets_that_differ_in_one_bit_do_not_match() {
        let mut bytes = [9; 16];
        bytes[15] ^= 1;
        assert!(!Secret::from_random([9; 16]).matches(&Secret::from_random(bytes)));
    }

    #[test]
    fn debug_output_hides_the_secret() {
        assert_eq!(format!("{:?}", Secret::from_random([9; 16])), "Secret(..)");
    }
}
