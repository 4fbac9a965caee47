//! Truncates received text for messages.

/// The most characters that a person reads in one line.
const MAX_CHARACTERS: usize = 80;

/// Returns the beginning of `text` on one line.
pub(crate) fn truncate(text: &str) -> String {
    let mut characters = text.chars().map(|character| if character.is_control() { ' ' } else { character });
    let mut cut: String = characters.by_ref().take(MAX_CHARACTERS).collect();
    if characters.next().is_some() {
        cut.pop();
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_text_is_unchanged() {
        assert_eq!(truncate("Stream ID is already in use."), "Stream ID is already in use.");
    }

    #[test]
    fn long_text_is_cut_to_80_characters() {
        assert_eq!(truncate(&"é".repeat(1000)).chars().count(), 80);
    }

    #[test]
    fn line_breaks_become_spaces() {
        assert_eq!(truncate("a\r\nb"), "a  b");
    }
}
