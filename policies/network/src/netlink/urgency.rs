//! Whether a change that the kernel reports is urgent, or can wait for the rest of its burst.

use netlink_packet_core::NetlinkBuffer;
use netlink_packet_route::link::{LinkFlags, LinkHeader};
use netlink_packet_route::route::RouteHeader;

use crate::debounce::Urgency;

const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_NEWROUTE: u16 = 24;
const RTM_DELROUTE: u16 = 25;
/// The netlink header and the fixed part of a message about a link, which is longer than that about a route.
pub(super) const HEADER_LENGTH: usize = 16 + 16;

impl Urgency {
    /// Returns the urgency of a message, given its first [`HEADER_LENGTH`] bytes.
    ///
    /// A message that cannot be read is ordinary.
    pub(super) fn of(start: &[u8]) -> Self {
        // The header holds the length of the whole message, so it is not checked against the part that was read.
        if start.len() < 16 {
            return Self::Ordinary;
        }
        let (kind, fixed) = (NetlinkBuffer::new(start).message_type(), &start[16..]);
        let carrier = LinkFlags::LowerUp | LinkFlags::Running;
        let urgent = match kind {
            RTM_NEWLINK => LinkHeader::parse(fixed).is_ok_and(|link| !link.flags.contains(carrier)),
            RTM_DELLINK => true,
            RTM_NEWROUTE | RTM_DELROUTE => {
                RouteHeader::parse(fixed).is_ok_and(|route| route.destination_prefix_length == 0)
            }
            _ => false,
        };
        if urgent { Self::Urgent } else { Self::Ordinary }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTM_NEWADDR: u16 = 20;

    #[test]
    fn a_lost_carrier_is_urgent() {
        assert_eq!(Urgency::of(&link(LinkFlags::Up)), Urgency::Urgent);
        assert_eq!(Urgency::of(&message(RTM_DELLINK, [0; 16])), Urgency::Urgent);
    }

    #[test]
    fn a_new_carrier_is_ordinary() {
        let up = LinkFlags::Up | LinkFlags::LowerUp | LinkFlags::Running;
        assert_eq!(Urgency::of(&link(up)), Urgency::Ordinary);
    }

    #[test]
    fn only_default_routes_are_urgent() {
        let route = |kind, prefix| message(kind, [2, prefix, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(Urgency::of(&route(RTM_NEWROUTE, 0)), Urgency::Urgent);
        assert_eq!(Urgency::of(&route(RTM_DELROUTE, 0)), Urgency::Urgent);
        assert_eq!(Urgency::of(&route(RTM_NEWROUTE, 24)), Urgency::Ordinary);
    }

    #[test]
    fn addresses_are_ordinary() {
        assert_eq!(Urgency::of(&message(RTM_NEWADDR, [0; 16])), Urgency::Ordinary);
    }

    #[test]
    fn truncated_messages_are_ordinary() {
        let whole = message(RTM_NEWROUTE, [0; 16]);
        assert!((0..20).all(|length| Urgency::of(&whole[..length]) == Urgency::Ordinary));
    }

    fn link(flags: LinkFlags) -> Vec<u8> {
        let mut fixed = [0; 16];
        fixed[8..12].copy_from_slice(&flags.bits().to_ne_bytes());
        message(RTM_NEWLINK, fixed)
    }

    /// A message whose header counts attributes that were not read.
    fn message(kind: u16, fixed: [u8; 16]) -> Vec<u8> {
        let mut bytes = vec![0; 16];
        let mut header = NetlinkBuffer::new(&mut bytes);
        header.set_length(1000);
        header.set_message_type(kind);
        [bytes.as_slice(), fixed.as_slice()].concat()
    }
}
