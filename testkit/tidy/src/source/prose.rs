//! Tells Rust code from prose: comments, strings and characters.

/// Returns `text` with comments and literals of text replaced by spaces, byte for byte, line ends kept.
pub(super) fn blank_prose(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let length = prose_length(&bytes[at..]).min(bytes.len() - at);
        for byte in code[at..at + length].iter_mut().filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
        at += length.max(1);
    }
    String::from_utf8_lossy(&code).into_owned()
}

/// Returns the length of the comment or literal that `rest` begins with; zero if it begins with code.
fn prose_length(rest: &[u8]) -> usize {
    match rest {
        [b'/', b'/', ..] => find(rest, 0, b"\n"),
        [b'/', b'*', ..] => block_comment_length(rest),
        [b'"', ..] => quoted_length(rest, b'"'),
        [b'r', b'"' | b'#', ..] => raw_string_length(rest),
        [b'\'', b'\\', ..] => quoted_length(rest, b'\''),
        [b'\'', first, ..] => {
            // A quote that closes right after one character makes a literal; any other begins a lifetime.
            let end = 1 + character_length(*first);
            if rest.get(end) == Some(&b'\'') { end + 1 } else { 0 }
        }
        _ => 0,
    }
}

/// Returns where `needle` begins at or after `from`, or the end.
fn find(rest: &[u8], from: usize, needle: &[u8]) -> usize {
    let tail = rest.get(from..).unwrap_or_default();
    tail.windows(needle.len()).position(|window| window == needle).map_or(rest.len(), |at| from + at)
}

fn quoted_length(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while let Some(&byte) = rest.get(at) {
        match byte {
            b'\\' => at += 2,
            _ if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw_string_length(rest: &[u8]) -> usize {
    let hashes = rest[1..].iter().take_while(|byte| **byte == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        // A raw identifier such as `r#type`.
        return 0;
    }
    let close = [b"\"".as_slice(), &rest[1..=hashes]].concat();
    find(rest, 2 + hashes, &close) + close.len()
}

fn block_comment_length(rest: &[u8]) -> usize {
    let (mut at, mut depth) = (2, 1);
    while depth > 0 && at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (at, depth) = (at + 2, depth + 1),
            [b'*', b'/', ..] => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
    }
    at
}

/// Returns the bytes of a UTF-8 character by its first one.
fn character_length(first: u8) -> usize {
    match first {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        blank_prose(text).split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn comments_are_prose() {
        assert_eq!(words("a // b\nc /* d /* e */ f\n*/ g"), ["a", "c", "g"]);
    }

    #[test]
    fn strings_are_prose() {
        assert_eq!(words("a \"b \\\" c\" d"), ["a", "d"]);
        assert_eq!(words("a r#\"b \" c\"# d r\"e\\\" f"), ["a", "d", "f"]);
    }

    #[test]
    fn lifetimes_and_raw_identifiers_are_code() {
        assert_eq!(
            words("&'a str, r#type, '\"', '\\'', 'é', b"),
            ["&'a", "str,", "r#type,", ",", ",", ",", "b"]
        );
    }

    #[test]
    fn bytes_and_lines_keep_their_places() {
        let text = "a\n/* é\n */ \"\n\" b";
        assert_eq!(blank_prose(text).len(), text.len());
        assert_eq!(blank_prose(text).lines().count(), text.lines().count());
    }

    #[test]
    fn unclosed_prose_ends_with_the_file() {
        for text in ["\"a", "/* a", "r#\"a", "'\\", "\"a\\"] {
            assert_eq!(blank_prose(text).trim(), "");
        }
    }
}
