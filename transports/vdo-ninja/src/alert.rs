//! What the server's alerts mean, told from their words.

use rejoin_core::message::AlertKind;

/// Codes that newer servers add to their words.
const IN_USE_CODES: [&str; 2] = ["STREAMID_IN_USE", "TRANSFER_STREAMID_CONFLICT"];

/// Words of a server that gave our stream id to another socket.
const IN_USE_WORDS: [&str; 4] = ["already in use", "already claimed", "duplicate", "conflict"];

/// Words of a server that refuses for good, even where they sound like a shortage.
const REFUSAL_WORDS: [&str; 2] = ["not approved", "rejected"];

/// Words of a server that may have room later.
const BUSY_WORDS: [&str; 5] = ["busy", "unavailable", "try again shortly", "room is full", "capacity"];

/// Returns what an alert means; refusals win over shortages, as in VDO.Ninja's own clients.
pub(crate) fn classify(text: &str, code: Option<&str>) -> AlertKind {
    let text = text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if code.is_some_and(|code| IN_USE_CODES.contains(&code)) {
        AlertKind::StreamIdInUse
    } else if says(&["uuid"]) && says(&["already in use"]) {
        AlertKind::UuidInUse
    } else if says(&IN_USE_WORDS) {
        AlertKind::StreamIdInUse
    } else if says(&REFUSAL_WORDS) {
        AlertKind::Other
    } else if says(&BUSY_WORDS) {
        AlertKind::Busy
    } else {
        AlertKind::Other
    }
}

/// Returns the code that goes with an alert of `kind`, where servers have one.
pub(crate) fn code(kind: AlertKind) -> Option<&'static str> {
    match kind {
        AlertKind::StreamIdInUse => Some("STREAMID_IN_USE"),
        AlertKind::UuidInUse | AlertKind::Busy | AlertKind::Other => None,
        // Kinds that a newer core may add have no code either.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_tell_the_kind() {
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
    fn codes_win_over_words() {
        assert_eq!(classify("no", Some("STREAMID_IN_USE")), AlertKind::StreamIdInUse);
        assert_eq!(classify("busy", Some("TRANSFER_STREAMID_CONFLICT")), AlertKind::StreamIdInUse);
        assert_eq!(classify("busy", Some("SOMETHING")), AlertKind::Busy);
    }
}
