//! Requests links, addresses and routes from the kernel over a netlink socket.

use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_MULTIPART, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NetlinkBuffer,
    NetlinkHeader, NetlinkMessage, NetlinkPayload, parse_i32,
};
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::link::LinkMessage;
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, sendto, socket_with};

use super::assemble::ObservationBuilder;
use crate::observation::{INTERNET_V4, INTERNET_V6, Observation};

/// The protocol of links, addresses and routes is number zero, which rustix writes as `None`.
pub(super) const NETLINK_ROUTE: Option<Protocol> = None;

/// The kernel puts at most 32 KiB into one message of a dump.
const BUFFER_SIZE: usize = 64 * 1024;
/// The kernel answers in less than a millisecond; the limit is for one that does not answer at all.
const REPLY_TIMEOUT: Duration = Duration::from_secs(5);
/// Dumps before an interrupted one is accepted: the change that interrupted it is an event, so another scan follows.
const MAX_ATTEMPTS: u32 = 3;

/// A socket for requests; one scan at a time.
#[derive(Debug)]
pub(super) struct Requests {
    socket: OwnedFd,
    /// Numbers requests, so that late answers to an earlier one are recognised.
    sequence: AtomicU32,
}

/// The kernel's answer to a request.
enum Reply {
    /// The complete list of payloads.
    Complete(Vec<Vec<u8>>),
    /// A list that changed while the kernel wrote it.
    Interrupted(Vec<Vec<u8>>),
    /// An error.
    Refused(io::Error),
}

impl Requests {
    /// Opens the socket.
    pub(super) fn open() -> io::Result<Self> {
        let (family, flags) = (rustix::net::AddressFamily::NETLINK, SocketFlags::CLOEXEC);
        let socket = socket_with(family, SocketType::RAW, flags, NETLINK_ROUTE)?;
        bind(&socket, &SocketAddrNetlink::new(0, 0))?;
        set_socket_timeout(&socket, Timeout::Recv, Some(REPLY_TIMEOUT))?;
        Ok(Self { socket, sequence: AtomicU32::new(0) })
    }

    /// Returns the links, addresses and default routes.
    pub(super) fn scan(&self) -> io::Result<Observation> {
        let mut builder = ObservationBuilder::default();
        for link in self.list(&RouteNetlinkMessage::GetLink(LinkMessage::default()))? {
            builder.add_link(&link);
        }
        for address in self.list(&RouteNetlinkMessage::GetAddress(AddressMessage::default()))? {
            builder.add_address(&address);
        }
        for route in self.route_to(INTERNET_V4.into())? {
            builder.set_default_v4(&route);
        }
        for route in self.route_to(INTERNET_V6.into())? {
            builder.set_default_v6(&route);
        }
        Ok(builder.build())
    }

    /// Returns all links, or all addresses.
    fn list(&self, request: &RouteNetlinkMessage) -> io::Result<Vec<Vec<u8>>> {
        let mut attempt = 1;
        loop {
            match self.ask(request, NLM_F_DUMP)? {
                Reply::Interrupted(_) if attempt < MAX_ATTEMPTS => attempt += 1,
                Reply::Complete(answers) | Reply::Interrupted(answers) => return Ok(answers),
                Reply::Refused(error) => return Err(error),
            }
        }
    }

    /// Returns the route that packets to `destination` take; nothing if there is none.
    ///
    /// The kernel looks it up, so that rules, metrics, dead next hops and VPNs apply as they do to packets.
    fn route_to(&self, destination: IpAddr) -> io::Result<Vec<Vec<u8>>> {
        let mut route = RouteMessage::default();
        (route.header.address_family, route.header.destination_prefix_length) = match destination {
            IpAddr::V4(_) => (AddressFamily::Inet, 32),
            IpAddr::V6(_) => (AddressFamily::Inet6, 128),
        };
        route.attributes.push(RouteAttribute::Destination(RouteAddress::from(destination)));
        match self.ask(&RouteNetlinkMessage::GetRoute(route), 0)? {
            Reply::Complete(answers) | Reply::Interrupted(answers) => Ok(answers),
            Reply::Refused(_) => Ok(Vec::new()),
        }
    }

    fn ask(&self, request: &RouteNetlinkMessage, flags: u16) -> io::Result<Reply> {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        let mut header = NetlinkHeader::default();
        (header.flags, header.sequence_number) = (NLM_F_REQUEST | flags, sequence);
        let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(request.clone()));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        sendto(&self.socket, &bytes, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;

        let mut answers = Answers::default();
        let mut buffer = vec![0; BUFFER_SIZE];
        loop {
            let (taken, length) = recv(&self.socket, &mut buffer[..], RecvFlags::TRUNC)?;
            if length > taken {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the kernel's answer is longer than the buffer",
                ));
            }
            if let Some(reply) = answers.read(&buffer[..taken], sequence)? {
                return Ok(reply);
            }
        }
    }
}

/// The answers to one request, as they come in.
#[derive(Default)]
struct Answers {
    payloads: Vec<Vec<u8>>,
    interrupted: bool,
}

impl Answers {
    /// Reads a datagram, and returns the reply when it is complete.
    fn read(&mut self, mut datagram: &[u8], sequence: u32) -> io::Result<Option<Reply>> {
        while !datagram.is_empty() {
            let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
            let message = NetlinkBuffer::new_checked(datagram).map_err(invalid)?;
            // Messages are padded to four bytes.
            let end = (message.length() as usize).next_multiple_of(4).min(datagram.len());
            datagram = &datagram[end..];
            if message.sequence_number() != sequence {
                continue;
            }
            self.interrupted |= message.flags() & NLM_F_DUMP_INTR != 0;
            let code = || message.payload().get(..4).and_then(|bytes| parse_i32(bytes).ok()).unwrap_or(0);
            match message.message_type() {
                NLMSG_DONE | NLMSG_ERROR if code() < 0 => {
                    let error = io::Error::from_raw_os_error(code().saturating_neg());
                    return Ok(Some(Reply::Refused(error)));
                }
                NLMSG_DONE | NLMSG_ERROR => return Ok(Some(self.reply())),
                _ => self.payloads.push(message.payload().to_vec()),
            }
            if message.flags() & NLM_F_MULTIPART == 0 {
                return Ok(Some(self.reply()));
            }
        }
        Ok(None)
    }

    fn reply(&mut self) -> Reply {
        let payloads = std::mem::take(&mut self.payloads);
        if self.interrupted { Reply::Interrupted(payloads) } else { Reply::Complete(payloads) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: u16 = 16;

    #[test]
    fn a_list_ends_with_done() {
        let mut answers = Answers::default();
        assert!(answers.read(&message(DATA, NLM_F_MULTIPART, 7, &[1; 4]), 7).unwrap().is_none());
        let two =
            [message(DATA, NLM_F_MULTIPART, 7, &[2; 4]), message(NLMSG_DONE, NLM_F_MULTIPART, 7, &[0; 4])];
        let reply = answers.read(&two.concat(), 7).unwrap();
        assert!(matches!(reply, Some(Reply::Complete(payloads)) if payloads == [[1; 4], [2; 4]]));
    }

    #[test]
    fn a_single_answer_needs_no_end() {
        let reply = Answers::default().read(&message(DATA, 0, 7, &[1; 4]), 7).unwrap();
        assert!(matches!(reply, Some(Reply::Complete(payloads)) if payloads == [[1; 4]]));
    }

    #[test]
    fn an_error_keeps_its_code() {
        let unreachable = 101_i32;
        let refusal = message(NLMSG_ERROR, 0, 7, &(-unreachable).to_ne_bytes());
        let reply = Answers::default().read(&refusal, 7).unwrap();
        assert!(matches!(reply, Some(Reply::Refused(error)) if error.raw_os_error() == Some(unreachable)));
    }

    #[test]
    fn a_list_that_changed_is_interrupted() {
        let done = message(NLMSG_DONE, NLM_F_MULTIPART | NLM_F_DUMP_INTR, 7, &[0; 4]);
        assert!(matches!(Answers::default().read(&done, 7).unwrap(), Some(Reply::Interrupted(_))));
    }

    #[test]
    fn answers_to_earlier_requests_are_skipped() {
        let stale = message(NLMSG_DONE, NLM_F_MULTIPART, 6, &[0; 4]);
        assert!(Answers::default().read(&stale, 7).unwrap().is_none());
    }

    #[test]
    fn a_truncated_message_is_an_error() {
        let whole = message(DATA, 0, 7, &[1; 8]);
        assert!((1..whole.len()).all(|length| Answers::default().read(&whole[..length], 7).is_err()));
    }

    fn message(kind: u16, flags: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 16 + payload.len()];
        bytes[16..].copy_from_slice(payload);
        let length = u32::try_from(bytes.len()).unwrap();
        let mut buffer = NetlinkBuffer::new(&mut bytes);
        buffer.set_length(length);
        buffer.set_message_type(kind);
        buffer.set_flags(flags);
        buffer.set_sequence_number(sequence);
        bytes
    }
}
