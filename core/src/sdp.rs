//! Session descriptions, and the two attributes of them that tell a restart from a new peer.

use serde::{Deserialize, Serialize};

/// Whether a description opens or closes a negotiation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SdpType {
    /// Opens it.
    Offer,
    /// Closes it.
    Answer,
}

/// `RTCSessionDescription`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Offer or answer.
    #[serde(rename = "type")]
    pub sdp_type: SdpType,
    /// The SDP text.
    pub sdp: String,
}

impl Description {
    /// Returns the DTLS fingerprint (RFC 8122); a change under an unchanged session is a new peer.
    pub fn fingerprint(&self) -> Option<&str> {
        self.attribute("a=fingerprint:")
    }

    /// Returns the ICE user name fragment (RFC 8839); a change under an unchanged session is a restart.
    pub fn ice_ufrag(&self) -> Option<&str> {
        self.attribute("a=ice-ufrag:")
    }

    fn attribute(&self, prefix: &str) -> Option<&str> {
        self.sdp.lines().find_map(|line| line.strip_prefix(prefix)).map(str::trim)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_fingerprint_and_ufrag() {
        let sdp = "v=0\r\na=ice-ufrag:wlYa\r\na=fingerprint:sha-256 AB:CD\r\n".to_owned();
        let description = Description { sdp_type: SdpType::Offer, sdp };
        assert_eq!(description.fingerprint(), Some("sha-256 AB:CD"));
        assert_eq!(description.ice_ufrag(), Some("wlYa"));
    }
}
