//! Encodes lines of stdin as chat of a Social Stream session.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use rejoin::Recipient;
use serde_json::{Map, Value, json};

use crate::social_stream::html;

/// The name of a sender without a label, and the platform of its messages.
const DEFAULT_NAME: &str = "rejoin";

/// Encodes chat, with a sender and message ids.
#[derive(Debug)]
pub(crate) struct OutgoingChat {
    name: String,
    recipients: Recipient,
    next_id: u64,
}

impl OutgoingChat {
    /// Creates the encoder for a sender.
    ///
    /// The ids start with the current time, so that they differ from those of earlier processes.
    pub(crate) fn new(name: Option<&str>, recipients: Recipient) -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let next_id = u64::try_from(since_epoch.as_millis()).unwrap_or_default();
        Self { name: name.unwrap_or(DEFAULT_NAME).to_owned(), recipients, next_id }
    }

    /// Returns the recipients of a message without an address.
    pub(crate) fn recipients(&self) -> Recipient {
        self.recipients.clone()
    }

    /// Returns a JSON value as a payload: a string as a chat message, an object unchanged, chat with its missing fields.
    ///
    /// # Errors
    /// Fails if the value is neither a string nor an object.
    pub(crate) fn encode(&mut self, json: &str) -> Result<String> {
        let inner = match serde_json::from_str(json)? {
            Value::String(line) => {
                let message = html::escaped(&line);
                self.with_sender(Map::from_iter([
                    ("chatmessage".to_owned(), message.into()),
                    ("textonly".to_owned(), true.into()),
                ]))
            }
            Value::Object(object) if object.contains_key("overlayNinja") => return Ok(json.to_owned()),
            Value::Object(object) if object.contains_key("chatmessage") => self.with_sender(object),
            Value::Object(object) => object,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                bail!(
                    "a Social Stream session takes strings and objects; give a string or {{\"chatmessage\":TEXT}}"
                )
            }
        };
        Ok(json!({ "overlayNinja": inner }).to_string())
    }

    /// Adds name, type and id if they are missing.
    fn with_sender(&mut self, mut chat: Map<String, Value>) -> Map<String, Value> {
        if !chat.contains_key("chatname") {
            chat.insert("chatname".to_owned(), self.name.as_str().into());
        }
        if !chat.contains_key("type") {
            chat.insert("type".to_owned(), DEFAULT_NAME.into());
        }
        if !chat.contains_key("id") {
            chat.insert("id".to_owned(), self.next_id.into());
            self.next_id += 1;
        }
        chat
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_text_message_of_the_sender() {
        let expected =
            json!({"chatname":"Ann","chatmessage":"a &lt;b&gt;","type":"rejoin","id":7,"textonly":true});
        assert_eq!(encoded(r#""a <b>""#), expected);
    }

    #[test]
    fn an_object_keeps_its_fields() {
        let expected =
            json!({"chatname":"Bob","chatmessage":"<b>x</b>","type":"youtube","id":7,"membership":"M"});
        let json = r#"{"chatname":"Bob","chatmessage":"<b>x</b>","type":"youtube","membership":"M"}"#;
        assert_eq!(encoded(json), expected);
    }

    #[test]
    fn control_messages_are_not_changed() {
        assert_eq!(encoded(r#"{"action":"clear"}"#), json!({"action":"clear"}));
        assert_eq!(encoded(r#"{"overlayNinja":{"mid":1}}"#), json!({"mid":1}));
    }

    #[test]
    fn ids_differ() {
        let mut chat = chat();
        assert_ne!(chat.encode("\"a\"").unwrap(), chat.encode("\"a\"").unwrap());
    }

    #[test]
    fn a_value_that_is_not_chat_is_refused_with_a_remedy() {
        for json in ["1", "[\"a\"]", "null"] {
            assert!(chat().encode(json).unwrap_err().to_string().contains("give a string"), "{json}");
        }
    }

    fn chat() -> OutgoingChat {
        OutgoingChat { next_id: 7, ..OutgoingChat::new(Some("Ann"), Recipient::Everyone) }
    }

    fn encoded(json: &str) -> Value {
        let payload: Value = serde_json::from_str(&chat().encode(json).unwrap()).unwrap();
        payload["overlayNinja"].clone()
    }
}
