//! The message of a peer that is arriving in parts.

use crate::delivery::frame::{LARGEST_MESSAGE, Part};
use crate::id::Generation;
use crate::message::Payload;

/// Puts a message together; a channel keeps order, so at most one message is incomplete.
#[derive(Debug, Default)]
pub(crate) struct Reassembly(Option<Incomplete>);

#[derive(Debug)]
struct Incomplete {
    over: Generation,
    sequence: u64,
    total: usize,
    text: String,
}

impl Reassembly {
    /// Adds a part that arrived over connection `over`, and returns the message that it completes.
    ///
    /// A newer connection begins the message again, and parts that still arrive over an older one are ignored.
    /// A repetition is ignored; an impossible part ends the message, and the next number of the peer counts it as missed.
    pub(crate) fn add(&mut self, over: Generation, part: &Part) -> Option<Payload> {
        if self.0.as_ref().is_some_and(|incomplete| over < incomplete.over) {
            return None;
        }
        let same = |known: &Incomplete| {
            known.over == over && known.sequence == part.sequence && known.total == part.total
        };
        let begun = self.0.take().filter(same);
        let mut incomplete = begun.unwrap_or_else(|| Incomplete {
            over,
            sequence: part.sequence,
            total: part.total,
            text: String::new(),
        });
        let (here, end) = (incomplete.text.len(), part.offset.checked_add(part.slice.len())?);
        if part.total > LARGEST_MESSAGE || part.slice.is_empty() || end > part.total || part.offset > here {
            return None;
        }
        if part.offset == here {
            incomplete.text.push_str(&part.slice);
        }
        if incomplete.text.len() == part.total {
            return Some(Payload(incomplete.text.into()));
        }
        self.0 = Some(incomplete);
        None
    }

    /// Drops a message whose rest will never arrive, if its number is at most `through`.
    pub(crate) fn give_up(&mut self, through: u64) {
        self.0.take_if(|incomplete| incomplete.sequence <= through);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_part_completes_the_message() {
        let mut reassembly = Reassembly::default();
        assert_eq!(reassembly.add(FIRST, &part(1, 5, 0, "abc")), None);
        assert_eq!(reassembly.add(FIRST, &part(1, 5, 3, "de")), Some(Payload("abcde".into())));
    }

    #[test]
    fn a_repetition_changes_nothing() {
        let mut reassembly = begun();
        assert_eq!(reassembly.add(FIRST, &part(1, 5, 0, "abc")), None);
        assert_eq!(reassembly.add(FIRST, &part(1, 5, 3, "de")), Some(Payload("abcde".into())));
    }

    #[test]
    fn a_new_connection_begins_again() {
        let mut reassembly = begun();
        assert_eq!(reassembly.add(SECOND, &part(1, 5, 0, "ABCD")), None);
        assert_eq!(reassembly.add(FIRST, &part(1, 5, 3, "de")), None);
        assert_eq!(reassembly.add(SECOND, &part(1, 5, 4, "E")), Some(Payload("ABCDE".into())));
    }

    #[test]
    fn a_new_connection_does_not_go_on_in_the_middle() {
        let mut reassembly = begun();
        assert_eq!(reassembly.add(SECOND, &part(1, 5, 3, "de")), None);
        assert_eq!(reassembly.add(FIRST, &part(1, 5, 3, "de")), None);
    }

    #[test]
    fn the_next_message_displaces_one_that_never_ended() {
        let mut reassembly = begun();
        assert_eq!(reassembly.add(FIRST, &part(2, 2, 0, "ij")), Some(Payload("ij".into())));
        assert_eq!(reassembly.add(FIRST, &part(1, 5, 3, "de")), None);
    }

    #[test]
    fn an_impossible_part_ends_the_message() {
        let impossible = [
            part(1, 5, 4, "e"),
            part(1, 5, 3, "def"),
            part(1, 6, 3, "def"),
            part(1, 5, 3, ""),
            part(1, 5, usize::MAX, "de"),
            part(1, LARGEST_MESSAGE + 1, 0, "abc"),
            part(1, 0, 0, ""),
        ];
        for wrong in impossible {
            let mut reassembly = begun();
            assert_eq!(reassembly.add(FIRST, &wrong), None, "{wrong:?}");
            assert!(reassembly.0.is_none(), "{wrong:?}");
            assert_eq!(reassembly.add(FIRST, &part(1, 5, 3, "de")), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_gap_drops_the_message_in_it() {
        let mut reassembly = begun();
        reassembly.give_up(0);
        assert!(reassembly.0.is_some());
        reassembly.give_up(1);
        assert!(reassembly.0.is_none());
    }

    const FIRST: Generation = Generation(1);
    const SECOND: Generation = Generation(2);

    fn begun() -> Reassembly {
        let mut reassembly = Reassembly::default();
        assert_eq!(reassembly.add(FIRST, &part(1, 5, 0, "abc")), None);
        reassembly
    }

    fn part(sequence: u64, total: usize, offset: usize, slice: &str) -> Part {
        Part { sequence, total, offset, slice: slice.into() }
    }
}
