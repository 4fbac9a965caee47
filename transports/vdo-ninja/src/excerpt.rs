//! Cuts foreign text to what fits in a message.

/// As much as a person reads in one line.
const LETTERS: usize = 80;

/// Returns the beginning of `text`, on one line.
pub(crate) fn excerpt(text: &str) -> String {
    let mut letters = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let mut cut: String = letters.by_ref().take(LETTERS).collect();
    if letters.next().is_some() {
        cut.pop();
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_text_stays() {
        assert_eq!(excerpt("Stream ID is already in use."), "Stream ID is already in use.");
    }

    #[test]
    fn long_text_ends_after_80_letters() {
        assert_eq!(excerpt(&"é".repeat(1000)).chars().count(), 80);
    }

    #[test]
    fn lines_are_joined() {
        assert_eq!(excerpt("a\r\nb"), "a  b");
    }
}
