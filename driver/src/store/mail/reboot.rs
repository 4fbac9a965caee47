//! What a loss of power means: numbers that were given out may be gone, so they must not be given out again.

use rejoin_core::delivery::Epoch;
use rejoin_core::mail::{MailChange, MailRecord, PeerNote};
use rejoin_core::port::StoreError;

/// Returns the name of the host's present life, where the host tells it.
pub(super) fn present_life() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(name.trim().to_owned())
}

/// Gives what is kept new numbers in a new epoch, and returns what the store is told of that.
///
/// A receiver knows repetitions by their numbers, so a message under a number that it has seen would be lost.
/// What it had got and we do not know of comes again instead.
pub(super) fn renumber(record: &mut MailRecord) -> Result<Vec<MailChange>, StoreError> {
    let epoch =
        getrandom::u64().map_err(|error| StoreError(format!("the host has no randomness ({error})")))?;
    for (number, (sequence, _)) in (1..).zip(&mut record.kept) {
        *sequence = number;
    }
    let newest = record.kept.len() as u64;
    record.note = PeerNote { epoch: Epoch(epoch), newest, acknowledged: 0, ..record.note.clone() };
    let address = || record.address.clone();
    let kept = record.kept.iter().cloned();
    let kept = kept.map(|(sequence, payload)| MailChange::Kept { address: address(), sequence, payload });
    let noted = MailChange::Noted { address: address(), note: record.note.clone() };
    Ok(std::iter::once(MailChange::Forgotten { address: address() }).chain(kept).chain([noted]).collect())
}
