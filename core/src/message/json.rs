//! Whether a text is one JSON value (RFC 8259), however deep it nests.

/// Returns whether `text` is one JSON value.
///
/// Nothing but the syntax is checked: a lone surrogate or a number of any size passes.
pub fn is_json(text: &str) -> bool {
    Reader(text.as_bytes()).value().is_some()
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    /// Reads one value and nothing behind it.
    fn value(&mut self) -> Option<()> {
        let mut open = Vec::new();
        loop {
            self.skip_space();
            match self.0.first()? {
                opener @ (b'[' | b'{') => {
                    let close = if *opener == b'[' { b']' } else { b'}' };
                    self.skip(1);
                    self.skip_space();
                    if self.0.first() != Some(&close) {
                        if close == b'}' {
                            self.key()?;
                        }
                        open.push(close);
                        continue;
                    }
                    self.skip(1);
                }
                b'"' => self.string()?,
                b'-' | b'0'..=b'9' => self.number()?,
                _ => [b"true".as_slice(), b"false", b"null"].iter().find(|word| self.take(word)).map(drop)?,
            }
            // a value has ended: another one follows, or what it stands in ends too
            loop {
                self.skip_space();
                let Some(close) = open.last().copied() else {
                    return self.0.is_empty().then_some(());
                };
                if self.take(b",") {
                    if close == b'}' {
                        self.key()?;
                    }
                    break;
                }
                self.take(&[close]).then_some(())?;
                open.pop();
            }
        }
    }

    fn key(&mut self) -> Option<()> {
        self.skip_space();
        self.string()?;
        self.skip_space();
        self.take(b":").then_some(())
    }

    fn string(&mut self) -> Option<()> {
        self.take(b"\"").then_some(())?;
        loop {
            let plain = self.0.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
            let byte = *self.0.get(plain)?;
            self.skip(plain + 1);
            match byte {
                b'"' => return Some(()),
                b'\\' => self.escape()?,
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let byte = *self.0.first()?;
        self.skip(1);
        if byte == b'u' {
            self.0.get(..4)?.iter().all(u8::is_ascii_hexdigit).then_some(())?;
            self.skip(4);
        }
        b"\"\\/bfnrtu".contains(&byte).then_some(())
    }

    fn number(&mut self) -> Option<()> {
        self.take(b"-");
        if !self.take(b"0") {
            self.digits()?;
        }
        if self.take(b".") {
            self.digits()?;
        }
        if self.take(b"e") || self.take(b"E") {
            let _sign = self.take(b"+") || self.take(b"-");
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.skip(digits);
        (digits > 0).then_some(())
    }

    fn take(&mut self, word: &[u8]) -> bool {
        let rest = self.0.strip_prefix(word);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn skip_space(&mut self) {
        let spaces = self.0.iter().take_while(|byte| b" \t\n\r".contains(byte)).count();
        self.skip(spaces);
    }

    fn skip(&mut self, bytes: usize) {
        self.0 = self.0.get(bytes..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_json() {
        let values = [
            "null",
            " true ",
            "-0.5e+3",
            "0",
            r#""a\u00e9\"\n""#,
            "[]",
            "[{\"a\":[{}]}]",
            "[ ]",
            "{}",
            "{ }",
            "[1,[2,{\"a\":[]}]]",
            "{\"a\" : 1 , \"b\":{}}\n",
        ];
        for text in values {
            assert!(is_json(text), "{text}");
        }
    }

    #[test]
    fn other_texts_are_not() {
        let others = [
            "",
            " ",
            "nul",
            "tru e",
            "01",
            "1.",
            ".5",
            "1e",
            "-",
            "+1",
            "\"",
            "\"\n\"",
            r#""\x""#,
            r#""\u12g4""#,
            "[",
            "[1,]",
            "[,1]",
            "]",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "{\"a\":1,}",
            "1 2",
            "[1}",
            "{\"a\":1]",
            "1}\n{\"b\":2",
        ];
        for text in others {
            assert!(!is_json(text), "{text}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let depth = 1 << 19;
        assert!(is_json(&("[".repeat(depth) + &"]".repeat(depth))));
        assert!(!is_json(&"[".repeat(2 * depth)));
    }
}
