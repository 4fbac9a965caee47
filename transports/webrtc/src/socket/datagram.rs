//! A datagram that may have to be sent again.

use std::net::SocketAddr;

use webrtc::runtime::Transmit;

/// A datagram, or several of one size in one buffer, as it went out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Datagram {
    pub(crate) destination: SocketAddr,
    pub(crate) contents: Vec<u8>,
    pub(crate) segment_size: Option<usize>,
}

impl Datagram {
    /// Keeps what is sent.
    pub(crate) fn of(transmit: &Transmit<'_>) -> Self {
        let Transmit { destination, contents, segment_size, .. } = *transmit;
        Self { destination, contents: contents.to_vec(), segment_size }
    }

    /// Returns it as it is sent.
    pub(crate) fn transmit(&self) -> Transmit<'_> {
        let Self { destination, contents, segment_size } = self;
        let (destination, segment_size) = (*destination, *segment_size);
        Transmit { destination, ecn: None, contents, segment_size, src_ip: None }
    }
}
