//! The negotiation of one connection: what was sent to the peer, again when its socket broke, and what arrived from it.

use crate::ice::IceCandidate;
use crate::id::{Direction, Generation, SessionId};
use crate::message::SignalingMessage;
use crate::peer::remote::RemotePeer;
use crate::sdp::{Description, SdpType};
use crate::supervisor::context::Context;

/// Both halves of a connection's offer and answer.
#[derive(Debug, Default)]
pub(crate) struct Negotiation {
    /// Whether the local description in preparation answers over this connection's own channel.
    pub(crate) answers_over_channel: bool,
    /// Whether its signaling goes over the channel of the active connection, beside the server or instead of it.
    pub(crate) over_channel: bool,
    local_description: Option<Description>,
    local_candidates: Vec<IceCandidate>,
    /// The signaling socket that took our half last; `None` while there was none.
    socket: Option<Generation>,
    /// The socket since which the server has had the address of ours that our half carried.
    address_since: Option<Generation>,
    /// Whether we offered and no answer has arrived.
    awaits_answer: bool,
    /// The peer's candidates since ICE started, without repetitions.
    remote_candidates: Vec<IceCandidate>,
    fingerprint: Option<String>,
    ice_ufrag: Option<String>,
}

/// Candidates remembered per connection: more than hosts have, and repeating further ones does no harm.
const MAX_REMEMBERED: usize = 64;

impl Negotiation {
    /// Returns what a remote description means for this connection.
    pub(crate) fn compare(&self, description: &Description) -> Lineage {
        let changed = |known: &Option<String>, sent: Option<&str>| match (known, sent) {
            (Some(known), Some(sent)) => known != sent,
            (None, _) | (Some(_), None) => false,
        };
        if changed(&self.fingerprint, description.fingerprint()) {
            Lineage::Stranger
        } else if self.ice_ufrag.is_some() && !changed(&self.ice_ufrag, description.ice_ufrag()) {
            Lineage::Same
        } else {
            Lineage::Restart
        }
    }

    /// Records the peer's description and returns what it means.
    pub(crate) fn on_remote_description(&mut self, description: &Description) -> Lineage {
        let lineage = self.compare(description);
        if lineage == Lineage::Restart {
            self.remote_candidates.clear();
        }
        self.fingerprint = description.fingerprint().map(str::to_owned);
        self.ice_ufrag = description.ice_ufrag().map(str::to_owned);
        lineage
    }

    /// Records the peer's candidates and returns those that are new.
    pub(crate) fn on_remote_candidates(&mut self, mut found: Vec<IceCandidate>) -> Vec<IceCandidate> {
        found.retain(|candidate| !self.remote_candidates.contains(candidate));
        let room = MAX_REMEMBERED.saturating_sub(self.remote_candidates.len());
        self.remote_candidates.extend(found.iter().take(room).cloned());
        found
    }

    /// Records the answer to our offer and returns whether one was awaited; a second one is not.
    pub(crate) fn on_answer(&mut self) -> bool {
        std::mem::take(&mut self.awaits_answer)
    }

    /// Records our description, which replaces all that we sent before.
    pub(crate) fn on_local_description(&mut self, description: Description) {
        self.awaits_answer = description.sdp_type == SdpType::Offer;
        self.local_description = Some(description);
        self.local_candidates.clear();
        (self.socket, self.address_since) = (None, None);
    }

    /// Records our candidates.
    pub(crate) fn on_local_candidates(&mut self, candidates: &[IceCandidate]) {
        self.local_candidates.extend(candidates.iter().cloned());
    }

    /// Records that our half goes into the present signaling socket.
    pub(crate) fn on_sent(&mut self, context: &Context) {
        self.socket = context.signaling.socket;
        self.address_since = context.signaling.address_since;
    }

    /// Returns whether our half went into the present signaling socket.
    pub(crate) fn is_sent(&self, context: &Context) -> bool {
        self.socket == context.signaling.socket
    }

    /// Returns whether the peer received our half from the address that we have.
    pub(crate) fn is_known_by_address(&self, context: &Context) -> bool {
        self.address_since == context.signaling.address_since
    }

    /// Returns our description as a message.
    pub(crate) fn description_message(
        &self,
        session: &SessionId,
        remote: &RemotePeer,
    ) -> Option<SignalingMessage> {
        // an offer names its stream
        let stream = (remote.key.direction == Direction::Publishing).then(|| remote.stream.clone());
        let (address, session) = (remote.address.clone(), Some(session.clone()));
        let description = self.local_description.clone()?;
        Some(SignalingMessage::Description { address, session, stream, description })
    }

    /// Returns our whole half as messages.
    pub(crate) fn messages(&self, session: &SessionId, remote: &RemotePeer) -> Vec<SignalingMessage> {
        let candidates = candidates_message(session, self.local_candidates.clone(), remote);
        self.description_message(session, remote).into_iter().chain(candidates).collect()
    }
}

/// Returns candidates of ours as a message, if there are any.
pub(crate) fn candidates_message(
    session: &SessionId,
    candidates: Vec<IceCandidate>,
    remote: &RemotePeer,
) -> Option<SignalingMessage> {
    let (address, session) = (remote.address.clone(), Some(session.clone()));
    let (sender, some) = (remote.key.direction, !candidates.is_empty());
    some.then_some(SignalingMessage::Candidates { address, session, sender, candidates })
}

/// What a remote description means under a known session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lineage {
    /// Nothing new: a repetition, or a renegotiation on the same path.
    Same,
    /// The first description, or an ICE restart by the same DTLS peer.
    Restart,
    /// The DTLS fingerprint changed: another process, or the peer rebuilt its end.
    Stranger,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(fingerprint: &str, ufrag: &str) -> Description {
        let sdp = format!("a=fingerprint:sha-256 {fingerprint}\r\na=ice-ufrag:{ufrag}\r\n");
        Description { sdp_type: SdpType::Answer, sdp }
    }

    #[test]
    fn a_new_ufrag_is_a_restart_and_a_new_fingerprint_a_stranger() {
        let mut negotiation = Negotiation::default();
        assert_eq!(negotiation.on_remote_description(&answer("AA", "one")), Lineage::Restart);
        assert_eq!(negotiation.compare(&answer("AA", "one")), Lineage::Same);
        assert_eq!(negotiation.compare(&answer("AA", "two")), Lineage::Restart);
        assert_eq!(negotiation.compare(&answer("BB", "two")), Lineage::Stranger);
    }

    #[test]
    fn one_offer_awaits_one_answer() {
        let mut negotiation = Negotiation::default();
        negotiation.on_local_description(Description { sdp_type: SdpType::Offer, ..answer("AA", "one") });
        assert!(negotiation.on_answer());
        assert!(!negotiation.on_answer());
    }
}
