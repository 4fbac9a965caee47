//! Oddities: what is not as it should be and breaks nothing.

use std::fmt;

use crate::id::PeerKey;

/// Something odd that is not an outage.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A signaling frame could not be read.
    MalformedSignaling {
        /// What is wrong with it and what may help.
        reason: String,
    },
    /// A channel frame could not be read.
    MalformedMessage {
        /// The link it came over.
        peer: PeerKey,
        /// What is wrong with it and what may help.
        reason: String,
    },
    /// The server sent a request that we do not know.
    UnknownRequest {
        /// Its name.
        request: String,
    },
    /// Somebody offered a stream that we do not view.
    UnexpectedOffer {
        /// The stream that it named.
        stream: Option<String>,
    },
    /// A description or candidates for a session that we do not have.
    UnknownSession,
    /// A message is larger than a data channel carries and was not taken.
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
        /// The largest that is taken.
        limit: usize,
    },
    /// A peer that does not know our way to deliver has connected: it is served as well as can be.
    BestEffort {
        /// The link.
        peer: PeerKey,
    },
    /// A peer acknowledges nothing although its connection works; what it was sent is kept.
    Unacknowledged {
        /// The link.
        peer: PeerKey,
        /// How many messages wait for it.
        messages: u64,
    },
    /// The server reported something.
    ServerAlert {
        /// Its words.
        text: String,
    },
    /// The server held our name for somebody else through every retry, so we took another.
    Renamed,
    /// The session could not be stored.
    StoreFailed {
        /// Why.
        reason: String,
    },
}

impl Warning {
    /// Returns the word that logs, metrics and JSON use.
    pub fn name(&self) -> &'static str {
        match self {
            Self::MalformedSignaling { .. } => "malformed_signaling",
            Self::MalformedMessage { .. } => "malformed_message",
            Self::UnknownRequest { .. } => "unknown_request",
            Self::UnexpectedOffer { .. } => "stranger_offer",
            Self::UnknownSession => "unknown_session",
            Self::TooLarge { .. } => "too_large",
            Self::BestEffort { .. } => "best_effort",
            Self::Unacknowledged { .. } => "unacknowledged",
            Self::ServerAlert { .. } => "server_alert",
            Self::Renamed => "renamed",
            Self::StoreFailed { .. } => "store_failed",
        }
    }
}

/// Says what is odd, and the remedy where there is one.
impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MalformedSignaling { reason } => {
                write!(f, "a frame from the server could not be read: {reason}")
            }
            Self::MalformedMessage { peer, reason } => {
                write!(f, "a message {peer} could not be read: {reason}")
            }
            Self::UnknownRequest { request } => {
                write!(f, "the server sent a request that is not known: {request}")
            }
            Self::UnexpectedOffer { stream: Some(stream) } => {
                write!(f, "stream \"{stream}\" was offered and is not viewed; view it to receive it")
            }
            Self::UnexpectedOffer { stream: None } => {
                f.write_str("a stream was offered that is not viewed; view it to receive it")
            }
            Self::UnknownSession => f.write_str("a message arrived for a session that is over"),
            Self::TooLarge { bytes, limit } => {
                write!(f, "a message of {bytes} bytes was not sent; send at most {limit} bytes at a time")
            }
            Self::BestEffort { peer } => {
                write!(
                    f,
                    "messages {peer} are not acknowledged there: \
                     what is under way when the connection has to be rebuilt is lost"
                )
            }
            Self::Unacknowledged { peer, messages } => {
                write!(
                    f,
                    "{messages} messages {peer} wait, and none is acknowledged; \
                     see whether the program there is stuck"
                )
            }
            Self::ServerAlert { text } => write!(f, "the server says: {text}"),
            Self::Renamed => f.write_str(
                "the server does not let go of our name, so we took another; \
                 let it close sockets that answer no pings",
            ),
            Self::StoreFailed { reason } => write!(f, "the session could not be stored: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_oddity_names_itself_and_the_remedy() {
        let warning = Warning::TooLarge { bytes: 9, limit: 8 };
        assert_eq!(warning.name(), "too_large");
        assert!(warning.to_string().ends_with("send at most 8 bytes at a time"), "{warning}");
    }
}
