//! Classifies the payloads of a Social Stream session: chat, copies of chat, and control messages.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Instant;

use rejoin::Payload;
use serde_json::{Map, Value};

use crate::social_stream::dedup::RecentMessages;
use crate::social_stream::html;

/// The characters of a message that distinguish it from another one with the same id, as in the dock page.
const HASHED_CHARACTERS: usize = 100;

/// Classifies payloads, and reports each chat message once.
#[derive(Debug, Default)]
pub(crate) struct IncomingChat {
    recent: RecentMessages,
}

/// The class of a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// A chat message, as a line of text.
    Chat(String),
    /// A copy of a recent chat message.
    Copy,
    /// A message between programs.
    Control,
}

impl IncomingChat {
    /// Returns the class of a payload that arrives at `now`.
    pub(crate) fn classify(&mut self, payload: &Payload, now: Instant) -> Message {
        let Some(chat) = chat(payload) else { return Message::Control };
        if hash(&chat).is_some_and(|hash| self.recent.is_copy(hash, now)) {
            let copies = self.recent.copies();
            if copies.is_power_of_two() {
                tracing::debug!(copies, "copies of chat messages were dropped");
            }
            return Message::Copy;
        }
        Message::Chat(line(&chat))
    }
}

/// Returns the chat in a payload; an object without name and message is not chat.
fn chat(payload: &Payload) -> Option<Map<String, Value>> {
    let Ok(Value::Object(mut outer)) = serde_json::from_str(&payload.0) else { return None };
    let Some(Value::Object(inner)) = outer.remove("overlayNinja") else { return None };
    let has_text = |field| inner.get(field).is_some_and(Value::is_string);
    (has_text("chatname") || has_text("chatmessage")).then_some(inner)
}

/// Returns a hash that copies of one message share; a message without id has no copies.
///
/// The id is not sufficient: a host starts at the same id again when its page is reloaded.
fn hash(chat: &Map<String, Value>) -> Option<u64> {
    let id = chat.get("id").filter(|id| id.is_number() || id.is_string())?;
    let mut hasher = DefaultHasher::new();
    id.to_string().hash(&mut hasher);
    for field in ["type", "chatname", "hasDonation", "event"] {
        chat.get(field).unwrap_or(&Value::Null).to_string().hash(&mut hasher);
    }
    let message = text(chat, "chatmessage");
    message
        .char_indices()
        .nth(HASHED_CHARACTERS)
        .map_or(message, |(end, _)| &message[..end])
        .hash(&mut hasher);
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
    fn html_becomes_text() {
        let message = r#"<b title='a > b'>hi</b><br>&lt;3 &amp;amp; <img src=\"x\">"#;
        assert_eq!(
            line_of(&format!(r#"{{"chatname":"<i>Ann</i>","chatmessage":"{message}"}}"#)),
            "Ann: hi <3 &amp;"
        );
    }

    #[test]
    fn text_keeps_what_looks_like_tags() {
        assert_eq!(
            line_of(r#"{"chatname":"Ann","chatmessage":"a <b> &lt;c&gt;","textonly":true}"#),
            "Ann: a <b> <c>"
        );
    }

    #[test]
    fn a_line_has_no_line_ends_and_no_control_characters() {
        let chat = r#"{"chatname":"A\nB","chatmessage":"x\r\n\u001b[2J&#27;[1m&#x9b;y","textonly":true}"#;
        assert_eq!(line_of(chat), "A B: x   [2J [1m y");
    }

    #[test]
    fn the_name_may_be_missing() {
        assert_eq!(line_of(r#"{"chatmessage":"hi"}"#), "hi");
    }

    #[test]
    fn control_is_not_chat() {
        for control in
            [r#"{"action":"clear","value":1}"#, r#"{"delete":{"id":1}}"#, r#"{"mid":7}"#, "[1]", "null"]
        {
            assert_eq!(classify(&mut IncomingChat::default(), control), Message::Control, "{control}");
        }
        let bare = Payload(r#"{"chatname":"a","chatmessage":"b"}"#.into());
        assert_eq!(IncomingChat::default().classify(&bare, Instant::now()), Message::Control);
    }

    #[test]
    fn a_copy_is_detected() {
        let (mut incoming, chat) =
            (IncomingChat::default(), r#"{"chatname":"a","chatmessage":"b","id":1,"type":"x"}"#);
        assert_ne!(classify(&mut incoming, chat), Message::Copy);
        assert_eq!(classify(&mut incoming, chat), Message::Copy);
        assert_eq!(incoming.recent.copies(), 1);
    }

    #[test]
    fn a_reused_id_is_not_a_copy() {
        let mut incoming = IncomingChat::default();
        for chat in [
            r#"{"chatname":"a","chatmessage":"b","id":1,"type":"x"}"#,
            r#"{"chatname":"a","chatmessage":"b","id":1,"type":"y"}"#,
            r#"{"chatname":"a","chatmessage":"c","id":1,"type":"x"}"#,
        ] {
            assert_ne!(classify(&mut incoming, chat), Message::Copy);
        }
    }

    #[test]
    fn a_message_without_id_has_no_copies() {
        let (mut incoming, chat) = (IncomingChat::default(), r#"{"chatname":"a","chatmessage":"b"}"#);
        assert_eq!(classify(&mut incoming, chat), classify(&mut incoming, chat));
    }

    fn line_of(chat: &str) -> String {
        match classify(&mut IncomingChat::default(), chat) {
            Message::Chat(line) => line,
            other => panic!("{other:?}"),
        }
    }

    fn classify(incoming: &mut IncomingChat, chat: &str) -> Message {
        incoming.classify(&Payload(format!(r#"{{"overlayNinja":{chat}}}"#).into()), Instant::now())
    }
}
