//! One end of an emulated link: a packet socket that takes every frame of an interface, and sends whole frames.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::sockopt::{RcvBuf, RcvBufForce};
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrLike, bind, recv, send,
    setsockopt, socket,
};

use crate::error::LabError;

/// One end of an emulated link.
#[derive(Debug)]
pub(super) struct Port {
    socket: OwnedFd,
}

/// More than a full frame; offloads are off, so none is longer.
const LONGEST: usize = 2048;
/// The receive buffer for times when the thread does not run: 8 MiB is 50 ms of a gigabit.
const BUFFER: usize = 8 << 20;

impl Port {
    /// Opens the interface called `name` in the network of the calling thread.
    pub(super) fn open(name: &str) -> Result<Self, LabError> {
        let wrap = |errno| LabError::system(format!("a packet socket on {name}"), errno);
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let socket =
            socket(AddressFamily::Packet, SockType::Raw, flags, SockProtocol::EthAll).map_err(wrap)?;
        // Only real root may exceed the system's limit; others get as much as there is.
        if setsockopt(&socket, RcvBufForce, &BUFFER).is_err() {
            setsockopt(&socket, RcvBuf, &BUFFER).map_err(wrap)?;
        }
        bind(socket.as_raw_fd(), &link_address(name)?).map_err(wrap)?;
        Ok(Self { socket })
    }

    /// Takes the next frame that arrived; frames that this port sent are not among them.
    pub(super) fn receive(&self) -> Option<Vec<u8>> {
        let mut frame = vec![0; LONGEST];
        // An interface that goes down causes one error; the socket receives again when it is up.
        let size = recv(self.socket.as_raw_fd(), &mut frame, MsgFlags::empty()).ok()?;
        frame.truncate(size);
        Some(frame)
    }

    /// Sends a frame.
    pub(super) fn send(&self, frame: &[u8]) -> io::Result<()> {
        send(self.socket.as_raw_fd(), frame, MsgFlags::empty()).map(drop).map_err(io::Error::from)
    }
}

impl AsFd for Port {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Returns what a packet socket on the interface called `name` is bound to.
fn link_address(name: &str) -> Result<LinkAddr, LabError> {
    let interfaces = getifaddrs().map_err(|errno| LabError::system("listing interfaces", errno))?;
    let address = interfaces.filter(|interface| interface.interface_name == name).find_map(|interface| {
        let address = interface.address?;
        address.as_link_addr().copied().filter(|address| address.family() == Some(AddressFamily::Packet))
    });
    address.ok_or_else(|| LabError::InvalidFault(format!("there is no interface called {name}")))
}
