//! The wire of delivery, version 1: the `delivery` key of a hello, and binary frames.
//!
//! A frame is a kind, numbers in LEB128, and a payload.
//! A dialect puts [`HelloFields`] into its hello and sends frames as binary messages of the data channel,
//! but only to a peer that has announced delivery.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::delivery::durability::Durability;
use crate::delivery::frame::{Cursor, DeliveryFrame, DeliveryHello, Epoch, Part};
use crate::message::{Payload, is_json};

/// The version of the frames and of the `delivery` key.
const VERSION: u32 = 1;

// The high nibble can begin no UTF-8 text, so a frame is never mistaken for text in disguise.
const MESSAGE: u8 = 0x81;
const ACKNOWLEDGEMENT: u8 = 0x82;
const GAP: u8 = 0x83;
const PART: u8 = 0x84;

/// The fields of a [`DeliveryHello`] as they travel.
#[derive(Debug, Serialize, Deserialize)]
pub struct HelloFields {
    v: u32,
    epoch: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    received: Option<CursorFields>,
    /// Whether the sender keeps its position across restarts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    durable: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct CursorFields {
    epoch: String,
    sequence: u64,
}

impl From<&DeliveryHello> for HelloFields {
    fn from(hello: &DeliveryHello) -> Self {
        let received = hello
            .received
            .map(|cursor| CursorFields { epoch: epoch_text(cursor.epoch), sequence: cursor.sequence });
        let durable = hello.durability == Durability::Durable;
        Self { v: VERSION, epoch: epoch_text(hello.epoch), received, durable }
    }
}

impl HelloFields {
    /// Returns the hello; `None` if the version or the epoch is unknown, which counts as no delivery.
    pub fn read(self) -> Option<DeliveryHello> {
        let epoch = parse_epoch(&self.epoch).filter(|_| self.v == VERSION)?;
        let cursor = |fields: CursorFields| {
            Some(Cursor { epoch: parse_epoch(&fields.epoch)?, sequence: fields.sequence })
        };
        let durability = if self.durable { Durability::Durable } else { Durability::InMemory };
        Some(DeliveryHello { epoch, received: self.received.and_then(cursor), durability })
    }
}

/// An epoch travels as text: a JSON number of 64 bits does not survive every reader.
fn epoch_text(epoch: Epoch) -> String {
    format!("{:016x}", epoch.0)
}

fn parse_epoch(text: &str) -> Option<Epoch> {
    u64::from_str_radix(text, 16).ok().filter(|_| text.len() == 16).map(Epoch)
}

/// A binary message that begins as a delivery frame and is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a delivery frame of kind {kind:#x} is broken; update both peers")]
pub struct BrokenFrame {
    /// The first byte.
    pub kind: u8,
}

/// Returns the bytes of a frame.
pub fn encode(frame: &DeliveryFrame) -> Vec<u8> {
    match frame {
        DeliveryFrame::Message { sequence, acknowledged, payload } => {
            bytes(MESSAGE, &[*sequence, *acknowledged], &payload.0)
        }
        DeliveryFrame::Part { acknowledged, part } => {
            let (total, offset) = (part.total as u64, part.offset as u64);
            bytes(PART, &[part.sequence, *acknowledged, total, offset], &part.slice)
        }
        DeliveryFrame::Acknowledgement { through } => bytes(ACKNOWLEDGEMENT, &[*through], ""),
        DeliveryFrame::Gap { after, through } => bytes(GAP, &[*after, *through], ""),
    }
}

fn bytes(kind: u8, numbers: &[u64], text: &str) -> Vec<u8> {
    // exactly as large, so that it need not be copied on its way out
    let head: usize = numbers.iter().map(|number| length(*number)).sum();
    let mut bytes = Vec::with_capacity(1 + head + text.len());
    bytes.push(kind);
    for number in numbers {
        write_number(&mut bytes, *number);
    }
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// Returns the frame in a binary message; `None` if its first byte is not the kind of a frame.
///
/// # Errors
///
/// Fails if the numbers or the text behind the kind cannot be read, or if a whole message is not a JSON value.
pub fn decode(message: &[u8]) -> Option<Result<DeliveryFrame, BrokenFrame>> {
    let (kind, rest) = message.split_first()?;
    let frame = match *kind {
        MESSAGE => read_message(rest),
        ACKNOWLEDGEMENT => read_acknowledgement(rest),
        GAP => read_gap(rest),
        PART => read_part(rest),
        _ => return None,
    };
    Some(frame.ok_or(BrokenFrame { kind: *kind }))
}

fn read_message(rest: &[u8]) -> Option<DeliveryFrame> {
    let (sequence, rest) = read_number(rest)?;
    let (acknowledged, rest) = read_number(rest)?;
    let text = std::str::from_utf8(rest).ok().filter(|text| is_json(text))?;
    Some(DeliveryFrame::Message { sequence, acknowledged, payload: Payload(Arc::from(text)) })
}

/// Reads a part; whether the whole is JSON is seen when it is complete.
fn read_part(rest: &[u8]) -> Option<DeliveryFrame> {
    let (sequence, rest) = read_number(rest)?;
    let (acknowledged, rest) = read_number(rest)?;
    let (total, rest) = read_number(rest)?;
    let (offset, rest) = read_number(rest)?;
    let slice = Arc::from(std::str::from_utf8(rest).ok().filter(|slice| !slice.is_empty())?);
    let (total, offset) = (usize::try_from(total).ok()?, usize::try_from(offset).ok()?);
    Some(DeliveryFrame::Part { acknowledged, part: Part { sequence, total, offset, slice } })
}

fn read_acknowledgement(rest: &[u8]) -> Option<DeliveryFrame> {
    let (through, rest) = read_number(rest)?;
    rest.is_empty().then_some(DeliveryFrame::Acknowledgement { through })
}

fn read_gap(rest: &[u8]) -> Option<DeliveryFrame> {
    let (after, rest) = read_number(rest)?;
    let (through, rest) = read_number(rest)?;
    rest.is_empty().then_some(DeliveryFrame::Gap { after, through })
}

/// Returns how many bytes a number takes.
fn length(number: u64) -> usize {
    number.max(1).ilog2() as usize / 7 + 1
}

/// Writes a number, seven bits a byte, the lowest first (LEB128).
fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
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
    use super::*;
    use crate::delivery::LARGEST_SLICE;

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
    fn frames_survive_their_bytes() {
        let payload = Payload(r#"{"n":1}"#.into());
        let part = Part { sequence: 300, total: 1 << 20, offset: 59_900, slice: "\"é".into() };
        for frame in [
            DeliveryFrame::Message { sequence: 300, acknowledged: 7, payload },
            DeliveryFrame::Part { acknowledged: 7, part },
            DeliveryFrame::Acknowledgement { through: 300 },
            DeliveryFrame::Gap { after: 1, through: u64::MAX },
        ] {
            let bytes = encode(&frame);
            assert_eq!(bytes.capacity(), bytes.len());
            assert_eq!(decode(&bytes), Some(Ok(frame)));
        }
    }

    #[test]
    fn the_header_of_a_message_takes_seven_bytes() {
        let payload = Payload(format!("\"{}\"", "x".repeat(1022)).into());
        let frame = DeliveryFrame::Message { sequence: 1_000_000, acknowledged: 1_000_000, payload };
        assert_eq!(encode(&frame).len(), 1024 + 7);
    }

    #[test]
    fn the_largest_slice_fits_the_largest_frame() {
        let slice = "x".repeat(LARGEST_SLICE).into();
        let part = Part { sequence: u64::MAX, total: usize::MAX, offset: usize::MAX, slice };
        let bytes = encode(&DeliveryFrame::Part { acknowledged: u64::MAX, part });
        // the kind, and four numbers at their longest
        assert_eq!(bytes.len(), 1 + 4 * 10 + LARGEST_SLICE);
        assert!(bytes.len() <= 60_000);
    }

    #[test]
    fn broken_frames_are_refused_and_foreign_ones_left_alone() {
        assert!(matches!(decode(&[MESSAGE, 1]), Some(Err(_))));
        assert!(matches!(decode(&[MESSAGE, 1, 1, b'x']), Some(Err(_))));
        assert!(matches!(decode(&[ACKNOWLEDGEMENT, 1, 1]), Some(Err(_))));
        assert!(matches!(decode(&[PART, 1, 1, 1, 0]), Some(Err(_))));
        assert!(matches!(decode(&[PART, 1, 1, 1, b'x']), Some(Err(_))));
        assert!(matches!(decode(&[PART, 1, 1, 2, 0, 0xc3]), Some(Err(_))));
        assert_eq!(decode(b"{\"ping\":1}"), None);
        assert_eq!(decode(b""), None);
    }

    #[test]
    fn a_hello_survives_its_fields() {
        let received = Some(Cursor { epoch: Epoch(u64::MAX), sequence: 9 });
        for (received, durability) in [(received, Durability::Durable), (None, Durability::InMemory)] {
            let hello = DeliveryHello { epoch: Epoch(1), received, durability };
            assert_eq!(HelloFields::from(&hello).read(), Some(hello));
        }
    }

    #[test]
    fn another_version_counts_as_no_delivery() {
        let fields = HelloFields { v: 2, epoch: epoch_text(Epoch(1)), received: None, durable: false };
        assert_eq!(fields.read(), None);
    }
}
