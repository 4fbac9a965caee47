//! An offer of the peer.

use crate::id::{SessionId, SignalingAddress};
use crate::sdp::Description;

/// An offer, with all that is known about where it came from.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) address: Option<SignalingAddress>,
    pub(crate) session: SessionId,
    pub(crate) description: Description,
    pub(crate) over_channel: bool,
}
