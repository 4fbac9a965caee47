//! Converts the HTML of chat messages to a line of text, and text to HTML, without a parser.

/// Returns HTML as one line of text.
pub(crate) fn line(html: &str) -> String {
    text_line(&without_tags(html))
}

/// Returns text that may hold character references as one line.
///
/// Control characters become spaces, because the writer of chat must not control the reader's terminal.
pub(crate) fn text_line(text: &str) -> String {
    let breaks = |letter: char| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}');
    let line: String =
        decoded(text).chars().map(|letter| if breaks(letter) { ' ' } else { letter }).collect();
    line.trim().to_owned()
}

/// Returns text as HTML that shows it.
pub(crate) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

/// Returns HTML without its tags; a tag that breaks the line becomes a space, and a tag without end is text.
fn without_tags(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        text.push_str(before);
        let opens = |letter: char| letter.is_ascii_alphabetic() || matches!(letter, '/' | '!' | '?');
        if !tag[1..].starts_with(opens) {
            text.push('<');
            rest = &tag[1..];
            continue;
        }
        let Some(end) = end_of_tag(tag) else {
            rest = tag;
            break;
        };
        let name = tag[1..end].trim_start_matches('/');
        let breaks = ["br", "p", "div", "li"].into_iter().any(|it| {
            let same = name.get(..it.len()).is_some_and(|name| name.eq_ignore_ascii_case(it));
            same && !name[it.len()..].starts_with(|letter: char| letter.is_ascii_alphanumeric())
        });
        if breaks {
            text.push(' ');
        }
        rest = &tag[end + 1..];
    }
    text + rest
}

/// Returns where the tag at the beginning of `tag` ends; quoted attributes may contain `>`.
fn end_of_tag(tag: &str) -> Option<usize> {
    let mut quote = None;
    for (at, letter) in tag.char_indices() {
        match (quote, letter) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            (Some(_) | None, _) => {}
        }
    }
    None
}

/// The longest reference that is read, `&#x10ffff;` and room for leading zeros.
const LONGEST_REFERENCE: usize = 12;

/// Returns text with its character references resolved, once; unknown ones stay as they are.
fn decoded(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        plain.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.bytes().take(LONGEST_REFERENCE).position(|byte| byte == b';');
        match end.and_then(|end| Some((referred(&rest[1..end])?, end))) {
            Some((letter, end)) => {
                plain.push(letter);
                rest = &rest[end + 1..];
            }
            None => {
                plain.push('&');
                rest = &rest[1..];
            }
        }
    }
    plain + rest
}

fn referred(name: &str) -> Option<char> {
    let number = |digits, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => match name.strip_prefix('#')? {
            hexadecimal if hexadecimal.starts_with(['x', 'X']) => number(&hexadecimal[1..], 16),
            decimal => number(decimal, 10),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_vanish_and_breaks_become_spaces() {
        assert_eq!(line("<p>a<BR/>b</p><pre>c</pre><!-- d -->"), "a b c");
    }

    #[test]
    fn a_less_than_sign_without_a_tag_stays() {
        assert_eq!(line("1 < 2, a <3 b, x <y"), "1 < 2, a <3 b, x <y");
    }

    #[test]
    fn a_quoted_end_does_not_end_a_tag() {
        assert_eq!(line(r#"<img alt="a>b" title='">'>c"#), "c");
    }

    #[test]
    fn references_are_resolved_once() {
        assert_eq!(text_line("&amp;lt; &#65;&#x42; &nope; &#xd800; &;& &"), "&lt; AB &nope; &#xd800; &;& &");
    }

    #[test]
    fn many_open_tags_take_linear_time() {
        let many = "<a ".repeat(100_000);
        assert_eq!(line(&many).len(), many.len() - 1);
        let many = "&".repeat(100_000);
        assert_eq!(text_line(&many), many);
    }

    #[test]
    fn escaped_text_reads_as_before() {
        let text = r#"<b>"it's" &amp; more</b>"#;
        assert_eq!(text_line(&escaped(text)), text);
        assert_eq!(line(&escaped(text)), text);
    }
}
