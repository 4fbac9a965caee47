//! Detects the local address at which the peer's packets arrive.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use crate::socket::interceptor::Interceptor;

/// The first byte of a datagram that carries more than checks: DTLS, and what a relay brings (RFC 7983 section 7).
const PAYLOAD: std::ops::RangeInclusive<u8> = 20..=79;

/// The local address at which the peer's payload arrived last, shared by the sockets of one connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Uplink(Arc<Mutex<Option<IpAddr>>>);

impl Uplink {
    /// Returns the address; `None` while nothing but checks has arrived.
    pub(crate) fn local(&self) -> Option<IpAddr> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Updates the [`Uplink`] of a connection from one of its sockets.
#[derive(Debug)]
pub(crate) struct UplinkDetector {
    pub(crate) local: IpAddr,
    pub(crate) uplink: Uplink,
}

impl Interceptor for UplinkDetector {
    fn on_receive(&self, _: SocketAddr, datagram: &[u8]) {
        if datagram.first().is_some_and(|kind| PAYLOAD.contains(kind)) {
            *self.uplink.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.local);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignores_connectivity_checks() {
        let uplink = Uplink::default();
        let (wifi, cell) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([198, 51, 100, 1]));
        receive(&uplink, wifi, &[0, 1, 0, 0]);
        assert_eq!(uplink.local(), None);
        receive(&uplink, cell, &[23, 254, 253]);
        receive(&uplink, wifi, &[1, 1]);
        assert_eq!(uplink.local(), Some(cell));
    }

    fn receive(uplink: &Uplink, local: IpAddr, datagram: &[u8]) {
        let detector = UplinkDetector { local, uplink: uplink.clone() };
        detector.on_receive(([203, 0, 113, 1], 5000).into(), datagram);
    }
}
