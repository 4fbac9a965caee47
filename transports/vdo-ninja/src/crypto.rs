//! The keys of a password: stream suffixes, room hashes and AES-256-CBC ciphertexts.
//!
//! The wire has no authentication code, so every decryption failure returns the same error and reveals nothing.

use std::fmt;

use aes::Aes256;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use cbc::{Decryptor, Encryptor};
use sha2::{Digest, Sha256};

use rejoin_core::port::DialectError;

use crate::password::Password;

/// The number of hexadecimal digits of the phrase's hash at the end of a stream id.
const SUFFIX_DIGITS: usize = 6;

/// The number of hexadecimal digits of a room's hash on the wire.
const ROOM_DIGITS: usize = 16;

/// The keys that are derived from a password and a salt.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    phrase: String,
    key: [u8; 32],
    suffix: String,
}

/// A ciphertext with its vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The ciphertext, in lower-case hexadecimal digits.
    pub text: String,
    /// The initialisation vector, as 32 lower-case hexadecimal digits.
    pub vector: String,
}

impl Keys {
    /// Derives the keys of `password` and `salt`; `None` when the password is off.
    pub fn derive(password: &Password, salt: &str) -> Option<Self> {
        let phrase = password.normalised()? + salt;
        let key: [u8; 32] = Sha256::digest(phrase.as_bytes()).into();
        let suffix = first_digits(&key, SUFFIX_DIGITS);
        Some(Self { phrase, key, suffix })
    }

    /// Returns the suffix of every stream id on the wire.
    pub fn suffix(&self) -> &str {
        &self.suffix
    }

    /// Returns the name of `room` on the wire, which cannot be reversed.
    pub fn room(&self, room: &str) -> String {
        let hash = Sha256::new().chain_update(room).chain_update(&self.phrase).finalize();
        first_digits(&hash, ROOM_DIGITS)
    }

    /// Encrypts `plaintext` under a fresh random vector.
    pub fn seal(&self, plaintext: &str) -> Result<Sealed, DialectError> {
        let mut vector = [0; 16];
        getrandom::fill(&mut vector).map_err(|error| {
            DialectError(format!(
                "the system provides no random bytes for an encryption ({error}); check its random source"
            ))
        })?;
        Ok(self.seal_under(vector, plaintext))
    }

    /// Decrypts `text`; every failure returns the same error.
    pub fn open(&self, text: &str, vector: &str) -> Result<String, DialectError> {
        self.plaintext(text, vector).ok_or_else(cannot_decrypt)
    }

    fn seal_under(&self, vector: [u8; 16], plaintext: &str) -> Sealed {
        let cipher = Encryptor::<Aes256>::new(&self.key.into(), &vector.into());
        let text = hex::encode(cipher.encrypt_padded_vec::<Pkcs7>(plaintext.as_bytes()));
        Sealed { text, vector: hex::encode(vector) }
    }

    fn plaintext(&self, text: &str, vector: &str) -> Option<String> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(vector, &mut bytes).ok()?;
        let cipher = Decryptor::<Aes256>::new(&self.key.into(), &bytes.into());
        let plaintext = cipher.decrypt_padded_vec::<Pkcs7>(&hex::decode(text).ok()?).ok()?;
        String::from_utf8(plaintext).ok()
    }
}

/// Shows no field, because the suffix alone reveals three bytes of the key.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

/// Returns the error of every decryption failure.
pub(crate) fn cannot_decrypt() -> DialectError {
    DialectError("cannot decrypt the peer's message; set the same password on both sides".to_owned())
}

fn first_digits(hash: &[u8], digits: usize) -> String {
    hex::encode(hash).chars().take(digits).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const VECTOR: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

    #[test]
    fn names_match_every_password_vector() {
        let vectors = vectors();
        let rows: Vec<_> = vectors.iter().filter(|row| row.get("wireStream").is_some()).collect();
        assert_eq!(rows.len(), 5);
        for row in rows {
            let password = Password::from(text(row, "password"));
            assert_eq!(password.normalised().as_deref(), Some(text(row, "effective")));
            let keys = Keys::derive(&password, text(row, "salt")).unwrap();
            assert_eq!(keys.suffix(), text(row, "suffix"));
            assert_eq!(text(row, "stream").to_owned() + keys.suffix(), text(row, "wireStream"));
            assert_eq!(keys.room(text(row, "room")), text(row, "wireRoom"));
        }
    }

    #[test]
    fn ciphertexts_match_every_password_vector() {
        let vectors = vectors();
        let rows: Vec<_> = vectors.iter().filter(|row| row.get("ciphertext").is_some()).collect();
        assert_eq!(rows.len(), 4);
        for row in rows {
            let password = text(row, "phrase").strip_suffix("vdo.ninja").unwrap();
            let keys = Keys::derive(&password.into(), "vdo.ninja").unwrap();
            if row.get("key").is_some() {
                assert_eq!(hex::encode(keys.key), text(row, "key"));
            }
            assert_eq!(hex::encode(VECTOR), text(row, "iv"));
            assert_eq!(keys.seal_under(VECTOR, text(row, "plaintext")).text, text(row, "ciphertext"));
            assert_eq!(keys.open(text(row, "ciphertext"), text(row, "iv")).unwrap(), text(row, "plaintext"));
        }
    }

    #[test]
    fn short_hash_of_the_phrase_matches_its_vector() {
        let keys = Keys::derive(&Password::default(), "vdo.ninja").unwrap();
        let vectors = vectors();
        let row = vectors.iter().find(|row| row.get("crcHash4").is_some()).unwrap();
        assert!(keys.suffix().starts_with(text(row, "crcHash4")));
    }

    /// Published by Social Stream Ninja for its mobile clients.
    #[test]
    fn third_party_vector_holds() {
        let keys = Keys::derive(&"mobile-test-pass".into(), "vdo.ninja").unwrap();
        assert_eq!(keys.suffix(), "6a279c");
        assert_eq!(keys.room("mobile-irl-test"), "04402d40f6735fc6");
        assert_eq!(hex::encode(keys.key), "6a279c7921a06127bbef0a28b4498bb1817e0c289d6bf3662a8a0bda20f21320");
        assert_eq!(
            keys.seal_under(VECTOR, r#"{"type":"offer","sdp":"test"}"#).text,
            "99a7857c65f9d54951e1a9a788bc8b057aa3ade63865575422517180a1917292"
        );
    }

    #[test]
    fn password_off_derives_nothing() {
        assert_eq!(Keys::derive(&Password::off(), "vdo.ninja"), None);
    }

    #[test]
    fn every_failure_returns_the_same_error() {
        let keys = Keys::derive(&Password::default(), "vdo.ninja").unwrap();
        let sealed = keys.seal("{}").unwrap();
        let vector = sealed.vector.as_str();
        let others = Keys::derive(&"other".into(), "vdo.ninja").unwrap().seal("{}").unwrap();
        let attempts = [
            (sealed.text.as_str(), ""),
            (sealed.text.as_str(), "zz"),
            ("", vector),
            ("abc", vector),
            ("xy", vector),
            ("00", vector),
            (others.text.as_str(), others.vector.as_str()),
        ];
        for (text, vector) in attempts {
            assert_eq!(keys.open(text, vector), Err(cannot_decrypt()));
        }
    }

    #[test]
    fn vectors_are_fresh() {
        let keys = Keys::derive(&Password::default(), "vdo.ninja").unwrap();
        assert_ne!(keys.seal("{}").unwrap(), keys.seal("{}").unwrap());
    }

    fn vectors() -> Vec<Value> {
        serde_json::from_str(include_str!("../fixtures/password-vectors.json")).unwrap()
    }

    fn text<'row>(row: &'row Value, name: &str) -> &'row str {
        row[name].as_str().unwrap()
    }
}
