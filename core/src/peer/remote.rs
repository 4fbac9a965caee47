//! The peer at the other end of a link: its name, its stream, its address and what it said about itself.

use crate::ice::Role;
use crate::id::{PeerKey, SignalingAddress, StreamId};
use crate::message::Hello;
use crate::output::LinkName;

/// The peer of a link.
#[derive(Debug)]
pub(crate) struct RemotePeer {
    pub(crate) key: PeerKey,
    /// Whether no command names this peer, so that its link expires when it does not come back.
    pub(crate) implicit: bool,
    pub(crate) stream: StreamId,
    /// Where the signaling server finds it; `None` until known.
    pub(crate) address: Option<SignalingAddress>,
    /// What it said about itself last.
    pub(crate) hello: Hello,
}

impl RemotePeer {
    /// Returns our role in negotiations with it.
    pub(crate) fn role(&self) -> Role {
        self.key.direction.role()
    }

    /// Returns the name of its link.
    pub(crate) fn name(&self) -> LinkName {
        LinkName::Peer(self.key.clone())
    }

    /// Returns whether it runs rejoin.
    pub(crate) fn is_rejoin(&self) -> bool {
        self.hello.rejoin.is_some()
    }

    /// Returns whether its label is one of `labels`; without a label it is "".
    pub(crate) fn is_labelled(&self, labels: &[String]) -> bool {
        let label = self.hello.label.as_deref().unwrap_or_default();
        labels.iter().any(|wanted| wanted == label)
    }
}
