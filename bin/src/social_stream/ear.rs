//! Understands what arrives in a Social Stream session: chat, chat that came before, or something else.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Instant;

use rejoin_core::Payload;
use serde_json::{Map, Value};

use crate::social_stream::html;
use crate::social_stream::repeats::Repeats;

/// As much of a message as tells it from another one of the same id, for the dock's own page looks at no more.
const TELLING_LETTERS: usize = 100;

/// Hears chat, each message once.
#[derive(Debug, Default)]
pub(crate) struct Ear {
    repeats: Repeats,
}

/// What was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A message of a person, as a line of text.
    Chat(String),
    /// A message that has been heard a moment ago.
    Again,
    /// Something for programs.
    Control,
}

impl Ear {
    /// Says what a payload is.
    pub(crate) fn hear(&mut self, payload: &Payload, now: Instant) -> Heard {
        let Some(chat) = chat(payload) else { return Heard::Control };
        if mark(&chat).is_some_and(|mark| self.repeats.has(mark, now)) {
            let repeated = self.repeats.count();
            if repeated.is_power_of_two() {
                tracing::debug!(repeated, "chat arrived more than once and is told once");
            }
            return Heard::Again;
        }
        Heard::Chat(line(&chat))
    }
}

/// Returns the chat in a payload; an object that says nothing for a person is none.
fn chat(payload: &Payload) -> Option<Map<String, Value>> {
    let Ok(Value::Object(mut outer)) = serde_json::from_str(&payload.0) else { return None };
    let Some(Value::Object(inner)) = outer.remove("overlayNinja") else { return None };
    let says = |field| inner.get(field).is_some_and(Value::is_string);
    (says("chatname") || says("chatmessage")).then_some(inner)
}

/// Returns what two copies of one message share; one without id has no copies.
///
/// The id alone does not do: hosts count from the start again when their page is reloaded.
fn mark(chat: &Map<String, Value>) -> Option<u64> {
    let id = chat.get("id").filter(|id| id.is_number() || id.is_string())?;
    let mut hasher = DefaultHasher::new();
    id.to_string().hash(&mut hasher);
    for field in ["type", "chatname", "hasDonation", "event"] {
        chat.get(field).unwrap_or(&Value::Null).to_string().hash(&mut hasher);
    }
    let message = text(chat, "chatmessage");
    message.char_indices().nth(TELLING_LETTERS).map_or(message, |(end, _)| &message[..end]).hash(&mut hasher);
    Some(hasher.finish())
}

/// Returns chat as `name: message`.
fn line(chat: &Map<String, Value>) -> String {
    let is_text = chat.get("textonly").is_some_and(|textonly| *textonly == Value::Bool(true));
    let read = if is_text { html::text_line } else { html::line };
    let (name, message) = (read(text(chat, "chatname")), read(text(chat, "chatmessage")));
    if name.is_empty() { message } else { format!("{name}: {message}") }
}

fn text<'a>(chat: &'a Map<String, Value>, field: &str) -> &'a str {
    chat.get(field).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_told_as_text() {
        let message = r#"<b title='a > b'>hi</b><br>&lt;3 &amp;amp; <img src=\"x\">"#;
        assert_eq!(
            told(&format!(r#"{{"chatname":"<i>Ann</i>","chatmessage":"{message}"}}"#)),
            "Ann: hi <3 &amp;"
        );
    }

    #[test]
    fn text_keeps_what_looks_like_tags() {
        assert_eq!(
            told(r#"{"chatname":"Ann","chatmessage":"a <b> &lt;c&gt;","textonly":true}"#),
            "Ann: a <b> <c>"
        );
    }

    #[test]
    fn a_line_stays_one_and_commands_no_terminal() {
        let chat = r#"{"chatname":"A\nB","chatmessage":"x\r\n\u001b[2J&#27;[1m&#x9b;y","textonly":true}"#;
        assert_eq!(told(chat), "A B: x   [2J [1m y");
    }

    #[test]
    fn nobody_may_speak() {
        assert_eq!(told(r#"{"chatmessage":"hi"}"#), "hi");
    }

    #[test]
    fn control_is_no_chat() {
        for control in
            [r#"{"action":"clear","value":1}"#, r#"{"delete":{"id":1}}"#, r#"{"mid":7}"#, "[1]", "null"]
        {
            assert_eq!(heard(&mut Ear::default(), control), Heard::Control, "{control}");
        }
        let bare = Payload(r#"{"chatname":"a","chatmessage":"b"}"#.into());
        assert_eq!(Ear::default().hear(&bare, Instant::now()), Heard::Control);
    }

    #[test]
    fn a_copy_is_heard_once() {
        let (mut ear, chat) = (Ear::default(), r#"{"chatname":"a","chatmessage":"b","id":1,"type":"x"}"#);
        assert_ne!(heard(&mut ear, chat), Heard::Again);
        assert_eq!(heard(&mut ear, chat), Heard::Again);
        assert_eq!(ear.repeats.count(), 1);
    }

    #[test]
    fn an_id_that_is_used_again_is_no_copy() {
        let mut ear = Ear::default();
        for chat in [
            r#"{"chatname":"a","chatmessage":"b","id":1,"type":"x"}"#,
            r#"{"chatname":"a","chatmessage":"b","id":1,"type":"y"}"#,
            r#"{"chatname":"a","chatmessage":"c","id":1,"type":"x"}"#,
        ] {
            assert_ne!(heard(&mut ear, chat), Heard::Again);
        }
    }

    #[test]
    fn what_has_no_id_has_no_copies() {
        let (mut ear, chat) = (Ear::default(), r#"{"chatname":"a","chatmessage":"b"}"#);
        assert_eq!(heard(&mut ear, chat), heard(&mut ear, chat));
    }

    fn told(chat: &str) -> String {
        match heard(&mut Ear::default(), chat) {
            Heard::Chat(line) => line,
            other => panic!("{other:?}"),
        }
    }

    fn heard(ear: &mut Ear, chat: &str) -> Heard {
        ear.hear(&Payload(format!(r#"{{"overlayNinja":{chat}}}"#).into()), Instant::now())
    }
}
