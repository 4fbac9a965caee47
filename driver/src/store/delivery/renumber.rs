//! New numbers after a reboot: a power failure may have lost used numbers, which must not be used again.

use rejoin_core::delivery::Epoch;
use rejoin_core::delivery::durable::{PeerRecord, PeerState, StoreChange};
use rejoin_core::port::StoreError;

/// Returns the id of the current boot, on systems that have one.
pub(super) fn current_boot() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

/// Renumbers the undelivered messages of a peer in a new epoch, and returns the changes for the store.
///
/// A receiver detects repetitions by their numbers, so it would drop a message under a number that it has seen.
/// Messages that it received without our knowledge arrive again instead.
pub(super) fn renumber(record: &mut PeerRecord) -> Result<Vec<StoreChange>, StoreError> {
    let epoch =
        getrandom::u64().map_err(|error| StoreError(format!("the host has no randomness ({error})")))?;
    for (number, (sequence, _)) in (1..).zip(&mut record.kept) {
        *sequence = number;
    }
    let newest = record.kept.len() as u64;
    record.state = PeerState { epoch: Epoch(epoch), newest, acknowledged: 0, ..record.state.clone() };
    let delivery_key = || record.delivery_key.clone();
    let kept = record.kept.iter().cloned();
    let kept =
        kept.map(|(sequence, payload)| StoreChange::Kept { delivery_key: delivery_key(), sequence, payload });
    let changed = StoreChange::StateChanged { delivery_key: delivery_key(), state: record.state.clone() };
    Ok(std::iter::once(StoreChange::Forgotten { delivery_key: delivery_key() })
        .chain(kept)
        .chain([changed])
        .collect())
}
