//! Asks the kernel for links, addresses and ways, over a netlink socket.

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

use super::picture::Picture;
use crate::sight::{FAR_V4, FAR_V6, Sight};

/// The protocol of links, addresses and routes is the first, zero, which rustix writes as none.
pub(super) const NETLINK_ROUTE: Option<Protocol> = None;

/// More than the 32 KiB that the kernel puts into one message of a dump at most.
const ROOM: usize = 64 * 1024;
/// The kernel answers in less than a millisecond; this is for one that does not answer at all.
const PATIENCE: Duration = Duration::from_secs(5);
/// Dumps before a torn one is taken: what tore it is an event, so another look follows.
const ATTEMPTS: u32 = 3;

/// A socket for questions; one look at a time.
#[derive(Debug)]
pub(super) struct Requests {
    socket: OwnedFd,
    /// Tells the answers to this question from those to an earlier one.
    sequence: AtomicU32,
}

/// How the kernel answered.
enum Reply {
    /// With all there is.
    Whole(Vec<Vec<u8>>),
    /// With a list that changed while it was being written.
    Torn(Vec<Vec<u8>>),
    /// With a no.
    Refused(io::Error),
}

impl Requests {
    /// Opens the socket.
    pub(super) fn open() -> io::Result<Self> {
        let (family, flags) = (rustix::net::AddressFamily::NETLINK, SocketFlags::CLOEXEC);
        let socket = socket_with(family, SocketType::RAW, flags, NETLINK_ROUTE)?;
        bind(&socket, &SocketAddrNetlink::new(0, 0))?;
        set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
        Ok(Self { socket, sequence: AtomicU32::new(0) })
    }

    /// Returns what the network looks like.
    pub(super) fn look(&self) -> io::Result<Sight> {
        let mut picture = Picture::default();
        for link in self.list(&RouteNetlinkMessage::GetLink(LinkMessage::default()))? {
            picture.add_link(&link);
        }
        for address in self.list(&RouteNetlinkMessage::GetAddress(AddressMessage::default()))? {
            picture.add_address(&address);
        }
        for way in self.way(FAR_V4.into())? {
            picture.lead_v4(&way);
        }
        for way in self.way(FAR_V6.into())? {
            picture.lead_v6(&way);
        }
        Ok(picture.into_sight())
    }

    /// Returns everything of a kind.
    fn list(&self, question: &RouteNetlinkMessage) -> io::Result<Vec<Vec<u8>>> {
        let mut attempt = 1;
        loop {
            match self.ask(question, NLM_F_DUMP)? {
                Reply::Torn(_) if attempt < ATTEMPTS => attempt += 1,
                Reply::Whole(answers) | Reply::Torn(answers) => return Ok(answers),
                Reply::Refused(error) => return Err(error),
            }
        }
    }

    /// Returns the way that packets to `destination` take; nothing if there is none.
    ///
    /// The kernel decides, so that rules, metrics, dead next hops and VPNs count as they do for packets.
    fn way(&self, destination: IpAddr) -> io::Result<Vec<Vec<u8>>> {
        let mut route = RouteMessage::default();
        (route.header.address_family, route.header.destination_prefix_length) = match destination {
            IpAddr::V4(_) => (AddressFamily::Inet, 32),
            IpAddr::V6(_) => (AddressFamily::Inet6, 128),
        };
        route.attributes.push(RouteAttribute::Destination(RouteAddress::from(destination)));
        match self.ask(&RouteNetlinkMessage::GetRoute(route), 0)? {
            Reply::Whole(answers) | Reply::Torn(answers) => Ok(answers),
            Reply::Refused(_) => Ok(Vec::new()),
        }
    }

    fn ask(&self, question: &RouteNetlinkMessage, flags: u16) -> io::Result<Reply> {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        let mut header = NetlinkHeader::default();
        (header.flags, header.sequence_number) = (NLM_F_REQUEST | flags, sequence);
        let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(question.clone()));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        sendto(&self.socket, &bytes, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;

        let mut answers = Answers::default();
        let mut room = vec![0; ROOM];
        loop {
            let (taken, length) = recv(&self.socket, &mut room[..], RecvFlags::TRUNC)?;
            if length > taken {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "an answer of the kernel is too long",
                ));
            }
            if let Some(reply) = answers.read(&room[..taken], sequence)? {
                return Ok(reply);
            }
        }
    }
}

/// The answers to one question, as they come in.
#[derive(Default)]
struct Answers {
    payloads: Vec<Vec<u8>>,
    torn: bool,
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
            self.torn |= message.flags() & NLM_F_DUMP_INTR != 0;
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
        if self.torn { Reply::Torn(payloads) } else { Reply::Whole(payloads) }
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
        assert!(matches!(reply, Some(Reply::Whole(payloads)) if payloads == [[1; 4], [2; 4]]));
    }

    #[test]
    fn a_single_answer_needs_no_end() {
        let reply = Answers::default().read(&message(DATA, 0, 7, &[1; 4]), 7).unwrap();
        assert!(matches!(reply, Some(Reply::Whole(payloads)) if payloads == [[1; 4]]));
    }

    #[test]
    fn a_no_keeps_its_reason() {
        let unreachable = 101_i32;
        let no = message(NLMSG_ERROR, 0, 7, &(-unreachable).to_ne_bytes());
        let reply = Answers::default().read(&no, 7).unwrap();
        assert!(matches!(reply, Some(Reply::Refused(error)) if error.raw_os_error() == Some(unreachable)));
    }

    #[test]
    fn an_interrupted_list_is_torn() {
        let done = message(NLMSG_DONE, NLM_F_MULTIPART | NLM_F_DUMP_INTR, 7, &[0; 4]);
        assert!(matches!(Answers::default().read(&done, 7).unwrap(), Some(Reply::Torn(_))));
    }

    #[test]
    fn answers_to_earlier_questions_are_skipped() {
        let stale = message(NLMSG_DONE, NLM_F_MULTIPART, 6, &[0; 4]);
        assert!(Answers::default().read(&stale, 7).unwrap().is_none());
    }

    #[test]
    fn a_cut_message_is_an_error() {
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
