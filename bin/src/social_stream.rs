//! `rejoin join --social-stream`: room, streams, label and chat of a Social Stream session.

mod dedup;
#[cfg(test)]
mod golden;
mod html;
pub(crate) mod incoming;
pub(crate) mod outgoing;
pub(crate) mod role;

use anyhow::{Context as _, Result};
use rejoin::stream_id;

use crate::cli::connection::ConnectionArgs;
use crate::cli::social_stream::SocialStreamArgs;
use crate::session::PreparedSession;
use incoming::IncomingChat;
use outgoing::OutgoingChat;
use role::Role;

/// What a session views besides single streams.
pub(crate) enum ViewScope {
    /// Single streams only.
    Streams,
    /// Every stream of the room.
    Room,
    /// The Social Stream session whose host publishes `host`.
    SocialStream {
        role: Role,
        host: String,
        /// The name of the sender of chat, if `--label` gives one.
        name: Option<String>,
    },
}

impl ViewScope {
    /// Reads the arguments, and adds those that a Social Stream session implies.
    ///
    /// # Errors
    /// Fails if the session is not a stream id, or the host has no randomness.
    pub(crate) fn resolve(args: &SocialStreamArgs, connection: &mut ConnectionArgs) -> Result<Self> {
        let Some(session) = &args.social_stream else {
            return Ok(if args.view_all { Self::Room } else { Self::Streams });
        };
        let role = args.role.unwrap_or_default();
        let host = stream_id(session).context("--social-stream cannot be used")?.0.to_string();
        let name = connection.label.clone();
        let has_file = connection.session.as_ref().is_some_and(|file| file.exists());
        connection.room = Some(session.clone());
        connection.push = match role {
            Role::Source => Some(session.clone()),
            // The session file has the stream id of this dock.
            Role::Dock if has_file => None,
            Role::Dock => Some(random_stream()?),
            Role::Overlay => None,
        };
        connection.label.get_or_insert_with(|| role.label().to_owned());
        if connection.password_file.is_none() {
            connection.password.get_or_insert_with(|| "false".to_owned());
        }
        Ok(Self::SocialStream { role, host, name })
    }

    /// Adds the intent to view the room, if this scope has it.
    pub(crate) fn apply(&self, session: PreparedSession) -> PreparedSession {
        match self {
            Self::Streams | Self::SocialStream { role: Role::Source, .. } => session,
            Self::Room => session.view_room(None),
            Self::SocialStream { role: Role::Dock, host, .. } => {
                let mut session = session.view_room(None);
                // A dock receives nothing without its host, so its absence is worth a hint.
                session.views.push(host.clone());
                session
            }
            Self::SocialStream { role: Role::Overlay, host, .. } => session.view_room(Some(host)),
        }
    }

    /// Returns the reader of chat, in a session with chat.
    pub(crate) fn incoming(&self) -> Option<IncomingChat> {
        match self {
            Self::Streams | Self::Room => None,
            Self::SocialStream { .. } => Some(IncomingChat::default()),
        }
    }

    /// Returns the writer of chat, in a session with chat.
    pub(crate) fn outgoing(&self) -> Option<OutgoingChat> {
        match self {
            Self::Streams | Self::Room => None,
            Self::SocialStream { role, name, .. } => {
                Some(OutgoingChat::new(name.as_deref(), role.recipients()))
            }
        }
    }
}

/// Returns a random stream id like that of a dock page: 7 letters and digits.
fn random_stream() -> Result<String> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0; 7];
    getrandom::fill(&mut bytes)
        .context("the system gives no random bytes for a stream id; check its random source")?;
    Ok(bytes
        .iter()
        .filter_map(|byte| ALPHABET.get(usize::from(byte & 31)))
        .map(|it| char::from(*it))
        .collect())
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use rejoin::Recipient;

    use super::*;

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        connection: ConnectionArgs,
        #[command(flatten)]
        social_stream: SocialStreamArgs,
    }

    #[test]
    fn a_source_sends_chat_to_the_listed_labels_only() {
        let Recipient::Labelled(labels) = Role::Source.recipients() else { panic!("a source filters") };
        let receives = |label: &str| labels.iter().any(|listed| listed == label);
        assert!(["", "dock", "aioverlay", "cohost", "tipjar"].into_iter().all(receives));
        assert!(!["hype", "overlay", "SocialStream", "Dock"].into_iter().any(receives));
    }

    #[test]
    fn docks_and_overlays_send_to_everyone() {
        assert_eq!(Role::Dock.recipients(), Recipient::Everyone);
        assert_eq!(Role::Overlay.recipients(), Recipient::Everyone);
    }

    #[test]
    fn a_session_is_a_room_without_password() {
        let connection = resolved(&["--social-stream", "my show"]);
        assert_eq!(connection.room.as_deref(), Some("my show"));
        assert_eq!(connection.password.as_deref(), Some("false"));
        assert_eq!(connection.label.as_deref(), Some("dock"));
    }

    #[test]
    fn arguments_take_precedence_over_implied_values() {
        let connection = resolved(&["--social-stream", "show", "--label", "hype", "--password", "s3cret"]);
        assert_eq!(connection.label.as_deref(), Some("hype"));
        assert_eq!(connection.password.as_deref(), Some("s3cret"));
        assert_eq!(resolved(&["--social-stream", "show", "--password-file", "secret"]).password, None);
    }

    #[test]
    fn a_source_publishes_the_session_a_dock_anything_and_an_overlay_nothing() {
        let pushed = |role| resolved(&["--social-stream", "show", "--role", role]).push;
        assert_eq!(pushed("source").as_deref(), Some("show"));
        assert_eq!(pushed("overlay"), None);
        assert_eq!(pushed("dock").map(|stream| stream.len()), Some(7));
        assert_ne!(pushed("dock"), pushed("dock"));
    }

    #[test]
    fn a_session_excludes_another_room() {
        for more in ["--room", "--push"] {
            assert!(Arguments::try_parse_from(["", "--social-stream", "show", more, "x"]).is_err());
        }
        assert!(Arguments::try_parse_from(["", "--view-all"]).is_err());
        assert!(Arguments::try_parse_from(["", "--role", "dock"]).is_err());
        assert!(Arguments::try_parse_from(["", "--as", "dock"]).is_err());
    }

    fn resolved(arguments: &[&str]) -> ConnectionArgs {
        let mut parsed = Arguments::parse_from([&[""], arguments].concat());
        ViewScope::resolve(&parsed.social_stream, &mut parsed.connection).unwrap();
        parsed.connection
    }
}
