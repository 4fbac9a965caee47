//! A copy of a sent datagram, for its retransmission.

use std::net::SocketAddr;

use webrtc::runtime::Transmit;

/// A datagram, or several of one size in one buffer, as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Datagram {
    pub(crate) destination: SocketAddr,
    pub(crate) contents: Vec<u8>,
    pub(crate) segment_size: Option<usize>,
}

impl Datagram {
    /// Copies what is sent.
    pub(crate) fn of(transmit: &Transmit<'_>) -> Self {
        let Transmit { destination, contents, segment_size, .. } = *transmit;
        Self { destination, contents: contents.to_vec(), segment_size }
    }

    /// Returns it in the form that a socket sends.
    pub(crate) fn transmit(&self) -> Transmit<'_> {
        let Self { destination, contents, segment_size } = self;
        let (destination, segment_size) = (*destination, *segment_size);
        Transmit { destination, ecn: None, contents, segment_size, src_ip: None }
    }
}
