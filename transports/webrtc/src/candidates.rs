//! ICE candidates: when the peer's are added, and how ours are written.

use std::collections::{BTreeSet, VecDeque};

use rejoin_core::IceCandidate;
use rejoin_core::sdp::Description;
use webrtc::peer_connection::RTCIceCandidateInit;

/// How many of the peer's candidates are held until its description arrives (the oldest are dropped first), and how
/// many are added to one description.
///
/// A host with many interfaces finds some forty; more is a broken or hostile peer, and every one is checked for seconds.
const MAX_CANDIDATES: usize = 64;

/// How many of the peer's former user name fragments are kept, to recognise late candidates.
const MAX_FORMER: usize = 8;

/// Holds the peer's candidates until the description that they belong to is applied.
#[derive(Debug, Default)]
pub(crate) struct RemoteCandidates {
    current: Option<String>,
    former: VecDeque<String>,
    held: VecDeque<IceCandidate>,
    /// How many were added to the current description.
    added: usize,
}

impl RemoteCandidates {
    /// Returns those of `candidates` that can be added now and holds those whose description is yet to come.
    ///
    /// While a description is awaited, a candidate without a fragment may belong to it, so it is held too.
    pub(crate) fn ready(&mut self, candidates: Vec<IceCandidate>, awaited: bool) -> Vec<IceCandidate> {
        let mut ready = Vec::new();
        for candidate in candidates {
            let fragment = fragment(&candidate);
            match (&self.current, fragment) {
                (Some(current), Some(fragment)) if current == fragment => ready.push(candidate),
                (Some(_), None) if !awaited => ready.push(candidate),
                (Some(_) | None, Some(fragment)) if self.former.iter().any(|former| former == fragment) => {
                    tracing::debug!(fragment, "dropped a candidate of an older generation");
                }
                (Some(_) | None, Some(_) | None) => self.hold(candidate),
            }
        }
        ready.truncate(MAX_CANDIDATES.saturating_sub(self.added));
        self.added += ready.len();
        ready
    }

    /// Returns whether `description` restarts ICE: it belongs to another ICE generation than the current one.
    pub(crate) fn is_restart(&self, description: &Description) -> bool {
        self.current.as_deref() != description.ice_ufrag()
    }

    /// Records that `description` was applied; returns the candidates that were held for it.
    pub(crate) fn on_description(&mut self, description: &Description) -> Vec<IceCandidate> {
        let current = description.ice_ufrag().map(str::to_owned);
        if let Some(former) = self.current.take().filter(|former| Some(former) != current.as_ref()) {
            if self.former.len() == MAX_FORMER {
                self.former.pop_front();
            }
            self.former.push_back(former);
        }
        if self.current != current {
            self.added = 0;
        }
        self.current = current;
        let held = std::mem::take(&mut self.held).into();
        self.ready(held, false)
    }

    fn hold(&mut self, candidate: IceCandidate) {
        if self.held.len() == MAX_CANDIDATES {
            self.held.pop_front();
            tracing::debug!(
                limit = MAX_CANDIDATES,
                "too many candidates are held for a description; dropped the oldest"
            );
        }
        self.held.push_back(candidate);
    }
}

/// Returns the user name fragment of a candidate, from its own field or from the candidate line.
fn fragment(candidate: &IceCandidate) -> Option<&str> {
    let field = candidate.username_fragment.as_deref().filter(|fragment| !fragment.is_empty());
    field.or_else(|| {
        let mut words = candidate.candidate.split_whitespace().skip_while(|word| *word != "ufrag");
        words.nth(1)
    })
}

/// Returns the engine's form of a peer's candidate, or `None` where there is nothing to add.
///
/// An empty candidate marks the end of candidates, which a trickling agent does not need. A `.local` name
/// cannot be resolved here (see the settings); the peer's own checks make a candidate of its address. A TCP
/// candidate has no counterpart, because none is bound here; the engine would dial it all the same.
pub(crate) fn incoming(candidate: IceCandidate) -> Option<RTCIceCandidateInit> {
    let mut words = candidate.candidate.split_whitespace();
    let (transport, address) = (words.nth(2)?, words.nth(1)?);
    if !transport.eq_ignore_ascii_case("udp") || address.ends_with(".local") {
        return None;
    }
    Some(RTCIceCandidateInit {
        candidate: candidate.candidate,
        sdp_mid: candidate.sdp_mid,
        sdp_mline_index: candidate.sdp_m_line_index,
        username_fragment: candidate.username_fragment,
        url: None,
    })
}

/// The media section of our description that our candidates belong to; the engine leaves it out.
#[derive(Debug, Default)]
pub(crate) struct LocalSection {
    mid: Option<String>,
    index: Option<u16>,
    fragment: Option<String>,
    /// The candidates that were sent: a STUN retry and the engine's own query may find the same.
    sent: BTreeSet<String>,
}

impl LocalSection {
    /// Returns the data channel's media section of our `description`.
    pub(crate) fn of(description: &Description) -> Self {
        let fragment = description.ice_ufrag().map(str::to_owned);
        let sent = BTreeSet::new();
        let sections = description.sdp.split("\nm=").skip(1);
        match sections.zip(0..).find(|(section, _)| section.starts_with("application")) {
            Some((section, index)) => {
                let mid = section.lines().find_map(|line| line.strip_prefix("a=mid:"));
                Self { mid: mid.map(|mid| mid.trim().to_owned()), index: Some(index), fragment, sent }
            }
            None => Self { mid: None, index: Some(0), fragment, sent },
        }
    }

    /// Returns our candidate in the form that the peer gets; `None` for one that was returned before.
    pub(crate) fn outgoing(&mut self, candidate: RTCIceCandidateInit) -> Option<IceCandidate> {
        self.sent.insert(candidate.candidate.clone()).then(|| IceCandidate {
            candidate: candidate.candidate,
            sdp_mid: self.mid.clone(),
            sdp_m_line_index: self.index,
            username_fragment: self.fragment.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use rejoin_core::sdp::SdpType;

    use super::*;

    #[test]
    fn holds_candidates_until_the_description_is_applied() {
        let mut remote = RemoteCandidates::default();
        assert_eq!(remote.ready(vec![candidate("a", None), candidate("b", Some("one"))], true), []);
        assert_eq!(lines(&remote.on_description(&description("one"))), ["a", "b"]);
        assert_eq!(lines(&remote.ready(vec![candidate("c", Some("one"))], false)), ["c"]);
    }

    #[test]
    fn drops_candidates_of_an_older_generation() {
        let mut remote = RemoteCandidates::default();
        remote.on_description(&description("one"));
        remote.on_description(&description("two"));
        assert_eq!(remote.ready(vec![candidate("late", Some("one"))], false), []);
        assert_eq!(remote.on_description(&description("three")), []);
    }

    #[test]
    fn holds_candidates_of_the_next_description() {
        let mut remote = RemoteCandidates::default();
        remote.on_description(&description("one"));
        assert_eq!(
            remote.ready(vec![candidate("early", Some("two")), candidate("unmarked", None)], true),
            []
        );
        assert_eq!(lines(&remote.on_description(&description("two"))), ["early", "unmarked"]);
    }

    #[test]
    fn holds_the_newest_of_too_many_candidates() {
        let mut remote = RemoteCandidates::default();
        remote.ready(
            (0..MAX_CANDIDATES + 3).map(|number| candidate(&number.to_string(), None)).collect(),
            false,
        );
        let held = remote.on_description(&description("one"));
        assert_eq!((held.len(), held[0].candidate.as_str()), (MAX_CANDIDATES, "3"));
    }

    #[test]
    fn reads_the_fragment_from_the_candidate_line() {
        let line = "candidate:1 1 udp 1 192.0.2.1 9 typ host generation 0 ufrag abcd network-cost 999";
        assert_eq!(fragment(&candidate(line, None)), Some("abcd"));
    }

    #[test]
    fn adds_neither_end_of_candidates_nor_mdns_names_nor_tcp() {
        assert!(incoming(candidate("", None)).is_none());
        let hidden = "candidate:1 1 udp 1 0c2c2a8a-0000.local 9 typ host";
        assert!(incoming(candidate(hidden, None)).is_none());
        let tcp = "candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype passive";
        assert!(incoming(candidate(tcp, None)).is_none());
        assert!(incoming(candidate("candidate:1 1 UDP 1 192.0.2.1 9 typ host", None)).is_some());
    }

    #[test]
    fn local_candidates_carry_the_section_of_the_data_channel() {
        let sdp = "v=0\r\nm=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\nm=application 9 UDP/DTLS/SCTP \
                   webrtc-datachannel\r\na=ice-ufrag:abcd\r\na=mid:data\r\n";
        let mut section = LocalSection::of(&Description { sdp_type: SdpType::Answer, sdp: sdp.to_owned() });
        let candidate = section.outgoing(RTCIceCandidateInit::default()).expect("the first");
        assert_eq!(candidate.sdp_mid.as_deref(), Some("data"));
        assert_eq!(candidate.sdp_m_line_index, Some(1));
        assert_eq!(candidate.username_fragment.as_deref(), Some("abcd"));
    }

    #[test]
    fn a_local_candidate_is_returned_once() {
        let mut section = LocalSection::default();
        assert!(section.outgoing(RTCIceCandidateInit::default()).is_some());
        assert!(section.outgoing(RTCIceCandidateInit::default()).is_none());
    }

    fn candidate(line: &str, fragment: Option<&str>) -> IceCandidate {
        let username_fragment = fragment.map(str::to_owned);
        IceCandidate { candidate: line.to_owned(), username_fragment, ..IceCandidate::default() }
    }

    fn description(fragment: &str) -> Description {
        Description { sdp_type: SdpType::Offer, sdp: format!("v=0\r\na=ice-ufrag:{fragment}\r\n") }
    }

    fn lines(candidates: &[IceCandidate]) -> Vec<&str> {
        candidates.iter().map(|candidate| candidate.candidate.as_str()).collect()
    }
}
