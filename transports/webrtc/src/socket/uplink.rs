//! By what a connection's packets come and go: where the peer is heard, and the interfaces that sockets are tied to.

use std::net::{IpAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};

/// The first byte of a datagram that carries more than checks: DTLS, and what a relay brings (RFC 7983 section 7).
const CARRIES: std::ops::RangeInclusive<u8> = 20..=79;

/// What the sockets of one connection share about its uplink.
#[derive(Clone, Debug, Default)]
pub(crate) struct Uplink {
    tied: bool,
    heard_at: Arc<Mutex<Option<IpAddr>>>,
}

impl Uplink {
    /// Creates the uplink of a connection whose packets may leave by `interfaces` only; by any if there is none.
    pub(crate) fn by(interfaces: &[String]) -> Self {
        Self { tied: !interfaces.is_empty(), heard_at: Arc::default() }
    }

    /// Learns that a datagram arrived at `local`.
    pub(crate) fn heard(&self, local: IpAddr, datagram: &[u8]) {
        if datagram.first().is_some_and(|kind| CARRIES.contains(kind)) {
            *self.heard_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(local);
        }
    }

    /// Returns the address of ours at which the peer was heard last.
    pub(crate) fn local(&self) -> Option<IpAddr> {
        *self.heard_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ties `socket`, which is bound to `local`, to the interface of that address, if this connection is tied.
    ///
    /// The default route would else take its packets to another uplink, with an address that is wrong there.
    #[cfg(target_os = "linux")]
    pub(crate) fn tie(&self, socket: &UdpSocket, local: IpAddr) {
        if !self.tied {
            return;
        }
        let Some(interface) = crate::bind_addresses::interface_of(local) else { return };
        if let Err(error) = socket2::SockRef::from(socket).bind_device(Some(interface.as_bytes())) {
            tracing::debug!(%error, interface, "a socket could not be tied to its interface; routes decide");
        }
    }

    /// Leaves it to the system which way the packets of `socket` take: by its address, on most.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn tie(&self, _socket: &UdpSocket, _local: IpAddr) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_no_sign_of_the_peer() {
        let uplink = Uplink::default();
        let (wifi, cell) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([198, 51, 100, 1]));
        uplink.heard(wifi, &[0, 1, 0, 0]);
        assert_eq!(uplink.local(), None);
        uplink.heard(cell, &[23, 254, 253]);
        uplink.heard(wifi, &[1, 1]);
        assert_eq!(uplink.local(), Some(cell));
    }
}
