//! The binary frames of delivery between rejoin peers: a kind, numbers in LEB128, and a payload.
//!
//! No other client sends binary frames on this channel, and none is sent these before it has announced delivery.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use rejoin_core::delivery::durable::Durability;
use rejoin_core::delivery::{Cursor, DeliveryHello, Epoch, Part};
use rejoin_core::message::{ChannelMessage, Payload};
use rejoin_core::port::DialectError;

/// The version of the frames and of the `delivery` key.
const VERSION: u32 = 1;

// The high nibble can begin no UTF-8 text, so a frame is never mistaken for text in disguise.
const NUMBERED: u8 = 0x81;
const ACKNOWLEDGED: u8 = 0x82;
const GAP: u8 = 0x83;
const PART: u8 = 0x84;

/// What the `rejoin` key of a hello says about delivery.
#[derive(Serialize, Deserialize)]
pub(crate) struct DeliveryFrame {
    v: u32,
    epoch: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    received: Option<CursorFrame>,
    /// Whether the sender keeps how far it has come across restarts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    durable: bool,
}

#[derive(Serialize, Deserialize)]
struct CursorFrame {
    epoch: String,
    sequence: u64,
}

impl From<&DeliveryHello> for DeliveryFrame {
    fn from(hello: &DeliveryHello) -> Self {
        let received = hello
            .received
            .map(|cursor| CursorFrame { epoch: written(cursor.epoch), sequence: cursor.sequence });
        let durable = hello.durability == Durability::Durable;
        Self { v: VERSION, epoch: written(hello.epoch), received, durable }
    }
}

impl DeliveryFrame {
    /// Returns what it says; `None` from a peer whose version we do not speak.
    pub(crate) fn read(self) -> Option<DeliveryHello> {
        let epoch = epoch(&self.epoch).filter(|_| self.v == VERSION)?;
        let cursor =
            |frame: CursorFrame| Some(Cursor { epoch: self::epoch(&frame.epoch)?, sequence: frame.sequence });
        let durability = if self.durable { Durability::Durable } else { Durability::InMemory };
        Some(DeliveryHello { epoch, received: self.received.and_then(cursor), durability })
    }
}

/// An epoch travels as text: a JSON number of 64 bits does not survive every reader.
fn written(epoch: Epoch) -> String {
    format!("{:016x}", epoch.0)
}

fn epoch(text: &str) -> Option<Epoch> {
    u64::from_str_radix(text, 16).ok().filter(|_| text.len() == 16).map(Epoch)
}

/// Returns the frame of a message of the delivery layer; `None` for any other.
pub(crate) fn encode(message: &ChannelMessage) -> Option<Vec<u8>> {
    match message {
        ChannelMessage::Numbered { sequence, acknowledged, payload } => {
            Some(frame(NUMBERED, &[*sequence, *acknowledged], &payload.0))
        }
        ChannelMessage::Part { acknowledged, part } => {
            let (total, offset) = (part.total as u64, part.offset as u64);
            Some(frame(PART, &[part.sequence, *acknowledged, total, offset], &part.slice))
        }
        ChannelMessage::Acknowledged { through } => Some(frame(ACKNOWLEDGED, &[*through], "")),
        ChannelMessage::Gap { after, through } => Some(frame(GAP, &[*after, *through], "")),
        _ => None,
    }
}

fn frame(kind: u8, numbers: &[u64], text: &str) -> Vec<u8> {
    // exactly as large, so that it need not be copied on its way out
    let head: usize = numbers.iter().map(|number| length(*number)).sum();
    let mut frame = Vec::with_capacity(1 + head + text.len());
    frame.push(kind);
    for number in numbers {
        write_number(&mut frame, *number);
    }
    frame.extend_from_slice(text.as_bytes());
    frame
}

/// Returns what a frame of the delivery layer says; `None` if it is no such frame.
pub(crate) fn decode(frame: &[u8]) -> Option<Result<ChannelMessage, DialectError>> {
    let (kind, rest) = frame.split_first()?;
    let message = match *kind {
        NUMBERED => numbered(rest),
        ACKNOWLEDGED => acknowledged(rest),
        GAP => gap(rest),
        PART => part(rest),
        _ => return None,
    };
    Some(message.ok_or_else(|| {
        DialectError(format!("a delivery frame of kind {kind:#x} is broken; update both peers"))
    }))
}

fn numbered(rest: &[u8]) -> Option<ChannelMessage> {
    let (sequence, rest) = read_number(rest)?;
    let (acknowledged, rest) = read_number(rest)?;
    let text = std::str::from_utf8(rest).ok()?;
    serde_json::from_str::<&RawValue>(text).ok()?;
    Some(ChannelMessage::Numbered { sequence, acknowledged, payload: Payload(Arc::from(text)) })
}

/// Reads a part; whether the whole is JSON is seen when it is complete.
fn part(rest: &[u8]) -> Option<ChannelMessage> {
    let (sequence, rest) = read_number(rest)?;
    let (acknowledged, rest) = read_number(rest)?;
    let (total, rest) = read_number(rest)?;
    let (offset, rest) = read_number(rest)?;
    let slice = Arc::from(std::str::from_utf8(rest).ok().filter(|slice| !slice.is_empty())?);
    let (total, offset) = (usize::try_from(total).ok()?, usize::try_from(offset).ok()?);
    Some(ChannelMessage::Part { acknowledged, part: Part { sequence, total, offset, slice } })
}

fn acknowledged(rest: &[u8]) -> Option<ChannelMessage> {
    let (through, rest) = read_number(rest)?;
    rest.is_empty().then_some(ChannelMessage::Acknowledged { through })
}

fn gap(rest: &[u8]) -> Option<ChannelMessage> {
    let (after, rest) = read_number(rest)?;
    let (through, rest) = read_number(rest)?;
    rest.is_empty().then_some(ChannelMessage::Gap { after, through })
}

/// Returns in how many bytes a number is written.
fn length(number: u64) -> usize {
    number.max(1).ilog2() as usize / 7 + 1
}

/// Writes a number, seven bits a byte, the lowest first (LEB128).
fn write_number(frame: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        frame.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    frame.push(number as u8);
}

/// Reads a number and returns it with what follows; `None` if it is cut short or exceeds 64 bits.
fn read_number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0u64;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        let bits = u64::from(byte & 0x7f);
        let shift = 7 * index as u32;
        number |= bits.checked_shl(shift).filter(|shifted| shifted >> shift == bits)?;
        if byte & 0x80 == 0 {
            return Some((number, bytes.get(index + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use rejoin_core::delivery::LARGEST_SLICE;

    use super::*;

    #[test]
    fn numbers_of_every_size_survive() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            write_number(&mut bytes, number);
            bytes.push(7);
            assert_eq!(bytes.len(), length(number) + 1);
            assert_eq!(read_number(&bytes), Some((number, &[7u8][..])));
        }
    }

    #[test]
    fn numbers_that_are_too_long_are_refused() {
        assert_eq!(read_number(&[0xff; 10]), None);
        assert_eq!(read_number(&[0x80]), None);
        assert_eq!(read_number(&[]), None);
    }

    #[test]
    fn messages_survive_their_frames() {
        let payload = Payload(r#"{"n":1}"#.into());
        let part = Part { sequence: 300, total: 1 << 20, offset: 59_900, slice: "\"é".into() };
        for message in [
            ChannelMessage::Numbered { sequence: 300, acknowledged: 7, payload },
            ChannelMessage::Part { acknowledged: 7, part },
            ChannelMessage::Acknowledged { through: 300 },
            ChannelMessage::Gap { after: 1, through: u64::MAX },
        ] {
            let frame = encode(&message).unwrap();
            assert_eq!(frame.capacity(), frame.len());
            assert_eq!(decode(&frame), Some(Ok(message)));
        }
    }

    #[test]
    fn a_payload_costs_a_handful_of_bytes() {
        let payload = Payload(format!("\"{}\"", "x".repeat(1022)).into());
        let message = ChannelMessage::Numbered { sequence: 1_000_000, acknowledged: 1_000_000, payload };
        assert_eq!(encode(&message).unwrap().len(), 1024 + 7);
    }

    #[test]
    fn the_largest_slice_fits_the_largest_frame() {
        let slice = "x".repeat(LARGEST_SLICE).into();
        let part = Part { sequence: u64::MAX, total: usize::MAX, offset: usize::MAX, slice };
        let frame = encode(&ChannelMessage::Part { acknowledged: u64::MAX, part }).unwrap();
        // the kind, and four numbers at their longest
        assert_eq!(frame.len(), 1 + 4 * 10 + LARGEST_SLICE);
        assert!(frame.len() <= 60_000);
    }

    #[test]
    fn broken_frames_are_refused_and_foreign_ones_left_alone() {
        assert!(matches!(decode(&[NUMBERED, 1]), Some(Err(_))));
        assert!(matches!(decode(&[NUMBERED, 1, 1, b'x']), Some(Err(_))));
        assert!(matches!(decode(&[ACKNOWLEDGED, 1, 1]), Some(Err(_))));
        assert!(matches!(decode(&[PART, 1, 1, 1, 0]), Some(Err(_))));
        assert!(matches!(decode(&[PART, 1, 1, 1, b'x']), Some(Err(_))));
        assert!(matches!(decode(&[PART, 1, 1, 2, 0, 0xc3]), Some(Err(_))));
        assert_eq!(decode(b"{\"ping\":1}"), None);
        assert_eq!(decode(b""), None);
    }

    #[test]
    fn a_hello_survives_its_key() {
        let received = Some(Cursor { epoch: Epoch(u64::MAX), sequence: 9 });
        for (received, durability) in [(received, Durability::Durable), (None, Durability::InMemory)] {
            let hello = DeliveryHello { epoch: Epoch(1), received, durability };
            assert_eq!(DeliveryFrame::from(&hello).read(), Some(hello));
        }
    }

    #[test]
    fn another_version_is_no_delivery() {
        let frame = DeliveryFrame { v: 2, epoch: written(Epoch(1)), received: None, durable: false };
        assert_eq!(frame.read(), None);
    }
}
