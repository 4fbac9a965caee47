//! Says lines of stdin as chat of a Social Stream session.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use rejoin_core::Recipient;
use serde_json::{Map, Value, json};

use crate::social_stream::html;

/// Who speaks if nobody said who.
const NAMELESS: &str = "rejoin";

/// Speaks in a name, and numbers what it says.
#[derive(Debug)]
pub(crate) struct Voice {
    name: String,
    listeners: Recipient,
    next_id: u64,
}

impl Voice {
    /// Creates the voice of somebody.
    ///
    /// Its numbers begin with the time, so that those of the next process are others.
    pub(crate) fn new(name: Option<&str>, listeners: Recipient) -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let next_id = u64::try_from(since_epoch.as_millis()).unwrap_or_default();
        Self { name: name.unwrap_or(NAMELESS).to_owned(), listeners, next_id }
    }

    /// Returns who hears what is said to nobody in particular.
    pub(crate) fn listeners(&self) -> Recipient {
        self.listeners.clone()
    }

    /// Returns a JSON value as a payload: a text as a message, an object as it is, chat with what it lacks.
    pub(crate) fn say(&mut self, json: &str) -> Result<String> {
        let inner = match serde_json::from_str(json)? {
            Value::String(line) => {
                let message = html::escaped(&line);
                self.signed(Map::from_iter([
                    ("chatmessage".to_owned(), message.into()),
                    ("textonly".to_owned(), true.into()),
                ]))
            }
            Value::Object(object) if object.contains_key("overlayNinja") => return Ok(json.to_owned()),
            Value::Object(object) if object.contains_key("chatmessage") => self.signed(object),
            Value::Object(object) => object,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                bail!("a session understands texts and objects; give a string or {{\"chatmessage\":TEXT}}")
            }
        };
        Ok(json!({ "overlayNinja": inner }).to_string())
    }

    /// Adds name, type and number where they are missing.
    fn signed(&mut self, mut chat: Map<String, Value>) -> Map<String, Value> {
        if !chat.contains_key("chatname") {
            chat.insert("chatname".to_owned(), self.name.as_str().into());
        }
        if !chat.contains_key("type") {
            chat.insert("type".to_owned(), NAMELESS.into());
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
    fn a_line_is_text_of_somebody() {
        let expected =
            json!({"chatname":"Ann","chatmessage":"a &lt;b&gt;","type":"rejoin","id":7,"textonly":true});
        assert_eq!(said(r#""a <b>""#), expected);
    }

    #[test]
    fn an_object_keeps_what_it_says() {
        let expected =
            json!({"chatname":"Bob","chatmessage":"<b>x</b>","type":"youtube","id":7,"membership":"M"});
        let typed = r#"{"chatname":"Bob","chatmessage":"<b>x</b>","type":"youtube","membership":"M"}"#;
        assert_eq!(said(typed), expected);
    }

    #[test]
    fn control_goes_out_as_it_is() {
        assert_eq!(said(r#"{"action":"clear"}"#), json!({"action":"clear"}));
        assert_eq!(said(r#"{"overlayNinja":{"mid":1}}"#), json!({"mid":1}));
    }

    #[test]
    fn numbers_differ() {
        let mut voice = voice();
        assert_ne!(voice.say("\"a\"").unwrap(), voice.say("\"a\"").unwrap());
    }

    #[test]
    fn what_is_no_chat_is_refused_with_a_remedy() {
        for typed in ["1", "[\"a\"]", "null"] {
            assert!(voice().say(typed).unwrap_err().to_string().contains("give a string"), "{typed}");
        }
    }

    fn voice() -> Voice {
        Voice { next_id: 7, ..Voice::new(Some("Ann"), Recipient::Everyone) }
    }

    fn said(typed: &str) -> Value {
        let said: Value = serde_json::from_str(&voice().say(typed).unwrap()).unwrap();
        said["overlayNinja"].clone()
    }
}
