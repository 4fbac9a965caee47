//! Encodes answers to DNS questions (RFC 1035 section 4.1), without a socket.

use std::net::IpAddr;

use super::records::Records;
use crate::fault::DnsFailure;

/// Returns the answer to a question, or `None` for silence and for a packet that is not a question.
pub(super) fn to(question: &[u8], records: &Records, failure: Option<DnsFailure>) -> Option<Vec<u8>> {
    let question = Question::read(question)?;
    let known = records.names.get(&question.name).copied();
    match failure {
        None => Some(match known {
            Some(address) => question.answer(Code::Done, Some(address)),
            None => question.answer(Code::NoSuchName, None),
        }),
        Some(DnsFailure::Silence) => None,
        Some(DnsFailure::ServerFailure) => Some(question.answer(Code::ServerFailure, None)),
        Some(DnsFailure::NoSuchName) => Some(question.answer(Code::NoSuchName, None)),
        Some(DnsFailure::Refused) => Some(question.answer(Code::Refused, None)),
        Some(DnsFailure::WrongAddress) => Some(question.answer(Code::Done, Some(records.unused_address))),
    }
}

/// A single question of class IN.
struct Question<'a> {
    id: [u8; 2],
    name: String,
    kind: u16,
    /// The question as it stood in the packet.
    section: &'a [u8],
}

/// RFC 1035 section 4.1.1, RCODE.
#[derive(Clone, Copy)]
enum Code {
    Done = 0,
    ServerFailure = 2,
    NoSuchName = 3,
    Refused = 5,
}

const HEADER: usize = 12;
const KIND_A: u16 = 1;
/// RFC 3596 section 2.1.
const KIND_AAAA: u16 = 28;

impl<'a> Question<'a> {
    fn read(packet: &'a [u8]) -> Option<Self> {
        let id = [*packet.first()?, *packet.get(1)?];
        let one_question = packet.get(4..6)? == [0, 1];
        let (mut name, mut at) = (String::new(), HEADER);
        loop {
            let length = usize::from(*packet.get(at)?);
            let label = packet.get(at + 1..at + 1 + length)?;
            at += 1 + length;
            match length {
                0 => break,
                1..64 => {
                    name += if name.is_empty() { "" } else { "." };
                    name += &String::from_utf8_lossy(label).to_ascii_lowercase();
                }
                // A question cannot contain a compression pointer.
                64.. => return None,
            }
        }
        let kind = u16::from_be_bytes(packet.get(at..at + 2)?.try_into().ok()?);
        let section = packet.get(HEADER..at + 4)?;
        one_question.then_some(Self { id, name, kind, section })
    }

    /// Encodes the answer, with the address if it is of the requested kind.
    fn answer(&self, code: Code, address: Option<IpAddr>) -> Vec<u8> {
        let data = match (address, self.kind) {
            (Some(IpAddr::V4(address)), KIND_A) => Some(address.octets().to_vec()),
            (Some(IpAddr::V6(address)), KIND_AAAA) => Some(address.octets().to_vec()),
            (Some(_) | None, _) => None,
        };
        let mut packet = self.id.to_vec();
        // An authoritative response, recursion desired and available.
        packet.extend([0x85, 0x80 | code as u8]);
        packet.extend([0, 1, 0, u8::from(data.is_some()), 0, 0, 0, 0]);
        packet.extend(self.section);
        if let Some(data) = data {
            // A pointer to the name in the question, and a time to live of a second.
            packet.extend([0xc0, HEADER as u8]);
            packet.extend(self.kind.to_be_bytes());
            packet.extend([0, 1, 0, 0, 0, 1, 0, data.len() as u8]);
            packet.extend(data);
        }
        packet
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 10);

    fn records() -> Records {
        let names = [("x.lab".to_owned(), IpAddr::from(HERE))].into();
        Records { names, clients: [].into(), unused_address: Ipv4Addr::new(203, 0, 113, 99).into() }
    }

    fn question(name: &[u8], kind: u8) -> Vec<u8> {
        let mut packet = vec![7, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        packet.extend(name);
        packet.extend([0, kind, 0, 1]);
        packet
    }

    fn asked(name: &[u8], kind: u8, failure: Option<DnsFailure>) -> Option<Vec<u8>> {
        to(&question(name, kind), &records(), failure)
    }

    #[test]
    fn a_known_name_has_its_address() {
        let answer = asked(b"\x01X\x03lab\0", 1, None).unwrap();
        assert_eq!((&answer[..2], answer[3] & 15, answer[7]), (&[7, 9][..], 0, 1));
        assert!(answer.ends_with(&HERE.octets()));
    }

    #[test]
    fn the_other_kind_of_address_is_missing_without_an_error() {
        let answer = asked(b"\x01x\x03lab\0", 28, None).unwrap();
        assert_eq!((answer[3] & 15, answer[7]), (0, 0));
    }

    #[test]
    fn each_failure_has_its_code() {
        for (failure, code) in
            [(DnsFailure::ServerFailure, 2), (DnsFailure::NoSuchName, 3), (DnsFailure::Refused, 5)]
        {
            let answer = asked(b"\x01x\x03lab\0", 1, Some(failure)).unwrap();
            assert_eq!((answer[3] & 15, answer[7]), (code, 0), "{failure:?}");
        }
    }

    #[test]
    fn an_unknown_name_does_not_exist() {
        assert_eq!(asked(b"\x01y\0", 1, None).unwrap()[3] & 15, 3);
    }

    #[test]
    fn silence_does_not_answer() {
        assert_eq!(asked(b"\x01x\x03lab\0", 1, Some(DnsFailure::Silence)), None);
    }

    #[test]
    fn a_packet_that_is_not_a_question_is_ignored() {
        let whole = question(b"\x01x\x03lab\0", 1);
        for length in 0..whole.len() {
            assert_eq!(to(&whole[..length], &records(), None), None, "{length}");
        }
        assert_eq!(asked(b"\xc0\x0c", 1, None), None);
    }
}
