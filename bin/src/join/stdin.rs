//! Reads stdin line by line on a separate thread, and reports invalid lines.

use std::io::{self, BufRead, Read as _};

use anyhow::{Result, anyhow, bail};
use rejoin::delivery::LARGEST_MESSAGE;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use crate::output::Format;

/// A message on its way to the peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outgoing {
    /// One peer's name; `None` for everyone.
    pub(crate) to: Option<String>,
    /// The JSON text.
    pub(crate) json: String,
}

/// The lines that may wait for a peer; a writer of more lines has to wait. The longest take 16 MiB together.
const MAX_WAITING_LINES: usize = 16;

/// A longer line is longer than any message.
const MAX_LINE: usize = LARGEST_MESSAGE;

/// Starts to read stdin; the channel yields the numbers of lines, from 1, and their messages.
pub(crate) fn lines(format: Format) -> mpsc::Receiver<(u64, Outgoing)> {
    let (messages, waiting) = mpsc::channel(MAX_WAITING_LINES);
    // A runtime waits for its blocking reads when it shuts down, but not for this thread.
    std::thread::spawn(move || {
        let read = read(io::stdin().lock(), format, |number, message| {
            messages.blocking_send((number, message)).is_ok()
        });
        match read {
            Ok(refused) => tracing::debug!(refused, "stdin has ended; the session continues"),
            Err(error) => tracing::warn!(%error, "stdin cannot be read; the session continues without it"),
        }
    });
    waiting
}

/// Reads until the end, or until `send` returns false; returns how many lines were invalid.
fn read(
    mut input: impl BufRead,
    format: Format,
    mut send: impl FnMut(u64, Outgoing) -> bool,
) -> io::Result<u64> {
    let (mut number, mut refused) = (0_u64, 0_u64);
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.by_ref().take(MAX_LINE as u64 + 2).read_until(b'\n', &mut line)? == 0 {
            return Ok(refused);
        }
        number += 1;
        let complete = line.ends_with(b"\n") || line.len() <= MAX_LINE;
        if !complete {
            skip_line(&mut input)?;
        }
        match message(&line, format, complete) {
            Ok(message) => {
                if !send(number, message) {
                    return Ok(refused);
                }
            }
            Err(problem) => {
                refused += 1;
                tracing::warn!(refused, "line {number} of stdin was not sent: {problem:#}");
            }
        }
    }
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let waiting = input.fill_buf()?;
        let end = waiting.iter().position(|byte| *byte == b'\n');
        let (used, done) = (end.map_or(waiting.len(), |end| end + 1), end.is_some() || waiting.is_empty());
        input.consume(used);
        if done {
            return Ok(());
        }
    }
}

/// A JSON line with the address of one peer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Addressed<'a> {
    to: String,
    #[serde(borrow)]
    data: &'a RawValue,
}

fn message(line: &[u8], format: Format, complete: bool) -> Result<Outgoing> {
    if !complete {
        bail!("it is longer than {MAX_LINE} bytes; send it in parts")
    }
    let Ok(text) = std::str::from_utf8(line) else { bail!("it is not UTF-8; convert it first") };
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    match format {
        Format::Raw => Ok(Outgoing { to: None, json: serde_json::to_string(text)? }),
        Format::Jsonl => {
            if let Ok(Addressed { to, data }) = serde_json::from_str(text) {
                return Ok(Outgoing { to: Some(to), json: data.get().to_owned() });
            }
            let value: &RawValue = serde_json::from_str(text).map_err(|error| {
                anyhow!(
                    "it is not JSON ({error}); write one JSON value per line, or leave out --format jsonl"
                )
            })?;
            Ok(Outgoing { to: None, json: value.get().to_owned() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_lines_become_strings() {
        assert_eq!(sent("a \"b\"\r\n\nend", Format::Raw), [r#""a \"b\"""#, r#""""#, r#""end""#]);
    }

    #[test]
    fn json_lines_stay_as_they_are() {
        assert_eq!(sent("{\"a\": 1.0}\n[1]\n", Format::Jsonl), [r#"{"a": 1.0}"#, "[1]"]);
    }

    #[test]
    fn an_address_takes_exactly_two_keys() {
        let addressed = message(br#"{"to":"dock","data":{"a":1}}"#, Format::Jsonl, true).unwrap();
        assert_eq!(addressed, Outgoing { to: Some("dock".to_owned()), json: r#"{"a":1}"#.to_owned() });
        let data = message(br#"{"to":"dock","data":1,"more":2}"#, Format::Jsonl, true).unwrap();
        assert_eq!(data.to, None);
    }

    #[test]
    fn an_invalid_line_does_not_stop_the_reader() {
        let mut sent = Vec::new();
        let refused = read(&b"1\n{bad\n2\n"[..], Format::Jsonl, |number, message| {
            sent.push((number, message.json));
            true
        });
        assert_eq!((refused.unwrap(), sent), (1, vec![(1, "1".to_owned()), (3, "2".to_owned())]));
    }

    #[test]
    fn errors_name_the_remedy() {
        let bad = |line: &[u8]| message(line, Format::Jsonl, true).unwrap_err().to_string();
        assert!(bad(b"{bad").contains("one JSON value per line"));
        assert!(bad(b"\xff").contains("convert it"));
    }

    #[test]
    fn a_line_without_end_is_skipped() {
        let long = format!("{}\n\"next\"\n", "x".repeat(3 * MAX_LINE));
        assert_eq!(sent(&long, Format::Raw), [r#""\"next\"""#]);
    }

    fn sent(input: &str, format: Format) -> Vec<String> {
        let mut sent = Vec::new();
        read(input.as_bytes(), format, |_, message| {
            sent.push(message.json);
            true
        })
        .unwrap();
        sent
    }
}
