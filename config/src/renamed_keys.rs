//! Keys that had another name in an earlier version, for the hint of the error that refuses the old name.

/// Old names with the new ones.
const RENAMED: [(&str, &str); 8] = [
    ("ice_failure", "ice_failed_timeout"),
    ("ice_silence", "ice_disconnected_timeout"),
    ("peer_away", "rejoin_peer_expiry"),
    ("peer_gone", "peer_expiry"),
    ("proven_health", "stable_after"),
    ("signaling_doubt", "signaling_suspect_pong"),
    ("urgent", "urgent_debounce"),
    ("window", "debounce"),
];

/// Returns the new name of a key, given the last level of the old one.
pub(crate) fn new_name(old: &str) -> Option<&'static str> {
    RENAMED.iter().find(|(name, _)| *name == old).map(|(_, new)| *new)
}
