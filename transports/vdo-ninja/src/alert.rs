//! Classifies the server's alerts by their text.

use rejoin_core::message::AlertKind;

/// Codes that newer servers add to the text.
const IN_USE_CODES: [&str; 2] = ["STREAMID_IN_USE", "TRANSFER_STREAMID_CONFLICT"];

/// Phrases for a stream id that another socket holds.
const IN_USE_PHRASES: [&str; 4] = ["already in use", "already claimed", "duplicate", "conflict"];

/// Phrases for a permanent rejection, even if the text also contains a phrase for a shortage.
const REJECTION_PHRASES: [&str; 2] = ["not approved", "rejected"];

/// Phrases for a temporary shortage.
const BUSY_PHRASES: [&str; 5] = ["busy", "unavailable", "try again shortly", "room is full", "capacity"];

/// Returns the kind of an alert; rejections take precedence over shortages, as in VDO.Ninja's own clients.
pub(crate) fn classify(text: &str, code: Option<&str>) -> AlertKind {
    let text = text.to_lowercase();
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    if code.is_some_and(|code| IN_USE_CODES.contains(&code)) {
        AlertKind::StreamIdInUse
    } else if has(&["uuid"]) && has(&["already in use"]) {
        AlertKind::UuidInUse
    } else if has(&IN_USE_PHRASES) {
        AlertKind::StreamIdInUse
    } else if has(&REJECTION_PHRASES) {
        AlertKind::Other
    } else if has(&BUSY_PHRASES) {
        AlertKind::Busy
    } else {
        AlertKind::Other
    }
}

/// Returns the code of an alert kind, if servers have one.
pub(crate) fn code(kind: AlertKind) -> Option<&'static str> {
    match kind {
        AlertKind::StreamIdInUse => Some("STREAMID_IN_USE"),
        AlertKind::UuidInUse | AlertKind::Busy | AlertKind::Other => None,
        // Kinds of a newer core have no code either.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_determines_the_kind() {
        for (text, kind) in [
            ("Stream ID is already in use.", AlertKind::StreamIdInUse),
            ("sid already in use", AlertKind::StreamIdInUse),
            ("Stream already claimed", AlertKind::StreamIdInUse),
            ("Duplicate stream", AlertKind::StreamIdInUse),
            ("ID CONFLICT", AlertKind::StreamIdInUse),
            ("uuid already in use", AlertKind::UuidInUse),
            ("Server busy", AlertKind::Busy),
            ("Service unavailable", AlertKind::Busy),
            ("Please try again shortly", AlertKind::Busy),
            ("viewer capacity reached", AlertKind::Busy),
            ("The room is full", AlertKind::Busy),
            ("Rejected: capacity", AlertKind::Other),
            ("This client is not approved", AlertKind::Other),
            ("Stream ID cannot change on an existing connection.", AlertKind::Other),
            ("", AlertKind::Other),
        ] {
            assert_eq!(classify(text, None), kind, "{text}");
        }
    }

    #[test]
    fn codes_take_precedence_over_texts() {
        assert_eq!(classify("no", Some("STREAMID_IN_USE")), AlertKind::StreamIdInUse);
        assert_eq!(classify("busy", Some("TRANSFER_STREAMID_CONFLICT")), AlertKind::StreamIdInUse);
        assert_eq!(classify("busy", Some("SOMETHING")), AlertKind::Busy);
    }
}
