//! The peer's candidates that arrive before the offer of their session.

use crate::ice::IceCandidate;
use crate::id::SessionId;

/// The peer's candidates for a session whose offer has not arrived yet.
#[derive(Debug, Default)]
pub(crate) struct EarlyCandidates {
    session: Option<SessionId>,
    candidates: Vec<IceCandidate>,
}

/// More candidates than hosts have; ICE finds the rest by checking.
const MAX_EARLY: usize = 32;

impl EarlyCandidates {
    /// Keeps candidates of the newest unknown session, within bounds.
    pub(crate) fn hold(&mut self, session: &SessionId, found: Vec<IceCandidate>) {
        if self.session.as_ref() != Some(session) {
            *self = Self { session: Some(session.clone()), candidates: Vec::new() };
        }
        let room = MAX_EARLY.saturating_sub(self.candidates.len());
        self.candidates.extend(found.into_iter().take(room));
    }

    /// Returns the candidates of `session` and forgets all.
    pub(crate) fn take(&mut self, session: &SessionId) -> Vec<IceCandidate> {
        let kept = std::mem::take(self);
        if kept.session.as_ref() == Some(session) { kept.candidates } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(number: usize) -> IceCandidate {
        IceCandidate { candidate: format!("candidate:{number}"), ..IceCandidate::default() }
    }

    #[test]
    fn only_the_newest_session_is_held_and_not_without_bound() {
        let mut early = EarlyCandidates::default();
        let (old, new) = (SessionId("old".into()), SessionId("new".into()));
        early.hold(&old, vec![candidate(0)]);
        early.hold(&new, (0..100).map(candidate).collect());
        assert_eq!(early.take(&new).len(), MAX_EARLY);
        assert!(early.take(&old).is_empty());
    }
}
