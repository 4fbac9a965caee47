//! The trait of everything that observes the datagrams of a socket.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::task::Context;

use webrtc::runtime::Transmit;

use crate::socket::datagram::Datagram;

/// Observes the datagrams of one UDP socket; it can repeat datagrams, and changes or drops none.
pub(crate) trait Interceptor: Debug + Send + Sync {
    /// Observes what the engine sends: a datagram, or several of one size in one buffer.
    fn on_send(&self, _transmit: &Transmit<'_>) {}

    /// Observes a datagram that arrived from `from`.
    fn on_receive(&self, _from: SocketAddr, _datagram: &[u8]) {}

    /// Returns the datagrams that are due to be sent again, and wakes `cx` when more are.
    ///
    /// A retransmission has a timer, and the engine polls a socket for nothing but datagrams; so a receive drives the
    /// timers too.
    fn poll_retransmit(&self, _cx: &mut Context<'_>) -> Vec<Datagram> {
        Vec::new()
    }
}
