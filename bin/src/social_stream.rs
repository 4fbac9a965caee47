//! `rejoin join --social-stream`: a part in a Social Stream session, and what it means for room, names and chat.

pub(crate) mod ear;
#[cfg(test)]
mod golden;
mod html;
mod repeats;
pub(crate) mod voice;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use rejoin_core::Recipient;
use rejoin_vdo_ninja::stream_id;

use crate::cli::ConnectionArgs;
use crate::session::Plan;
use ear::Ear;
use voice::Voice;

/// Whom to view besides the streams that are named.
#[derive(Args, Clone, Debug)]
pub(crate) struct AudienceArgs {
    /// View every stream in the room
    #[arg(long, requires = "room")]
    pub(crate) view_all: bool,
    /// Take part in a Social Stream session: its room, with its labels, its chat and no password
    ///
    /// Chat is printed as `name: message`, and lines of stdin are said as chat.
    #[arg(long, value_name = "SESSION", conflicts_with_all = ["room", "push", "view_all"], verbatim_doc_comment)]
    pub(crate) social_stream: Option<String>,
    /// The part in that session; dock if not given
    #[arg(long = "as", value_name = "PART", value_enum, requires = "social_stream")]
    pub(crate) part: Option<Part>,
}

/// A part in a Social Stream session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Sees all chat, and is seen by overlays
    #[default]
    Dock,
    /// Sees what docks show
    Overlay,
    /// Is the source of all chat
    Source,
}

/// Labels of the peers to which a source sends chat; "" is a peer that has told none.
///
/// Pages with another label ask for something of their own, so chat would be noise to them.
const CHAT_LABELS: [&str; 5] = ["", "dock", "aioverlay", "cohost", "tipjar"];

impl Part {
    /// Returns the label by which Social Stream pages know this part.
    fn label(self) -> &'static str {
        match self {
            Self::Dock => "dock",
            Self::Overlay => "overlay",
            Self::Source => "SocialStream",
        }
    }

    /// Returns who hears what this part says to nobody in particular.
    fn listeners(self) -> Recipient {
        match self {
            Self::Dock | Self::Overlay => Recipient::Everyone,
            Self::Source => Recipient::Labelled(CHAT_LABELS.map(str::to_owned).to_vec()),
        }
    }
}

/// What was typed about the audience, settled.
pub(crate) enum ViewAll {
    /// The named streams only.
    Named,
    /// Whatever the room has.
    Room,
    /// A part in the Social Stream session whose host publishes `host`.
    SocialStream {
        part: Part,
        host: String,
        /// Who speaks, if the user said so.
        name: Option<String>,
    },
}

impl ViewAll {
    /// Reads what was typed, and fills in what a session implies and nobody typed.
    pub(crate) fn settle(args: &AudienceArgs, connection: &mut ConnectionArgs) -> Result<Self> {
        let Some(session) = &args.social_stream else {
            return Ok(if args.view_all { Self::Room } else { Self::Named });
        };
        let part = args.part.unwrap_or_default();
        let host = stream_id(session).context("--social-stream cannot be used")?.0.to_string();
        let name = connection.label.clone();
        let remembers = connection.remember.as_ref().is_some_and(|file| file.exists());
        connection.room = Some(session.clone());
        connection.push = match part {
            Part::Source => Some(session.clone()),
            // a remembered dock goes on under the name that it had
            Part::Dock if remembers => None,
            Part::Dock => Some(random_stream()?),
            Part::Overlay => None,
        };
        connection.label.get_or_insert_with(|| part.label().to_owned());
        if connection.password_file.is_none() {
            connection.password.get_or_insert_with(|| "false".to_owned());
        }
        Ok(Self::SocialStream { part, host, name })
    }

    /// Adds the wish to view the room, as far as there is one.
    pub(crate) fn join(&self, plan: Plan) -> Plan {
        match self {
            Self::Named | Self::SocialStream { part: Part::Source, .. } => plan,
            Self::Room => plan.viewing_room(None),
            Self::SocialStream { part: Part::Dock, host, .. } => {
                let mut plan = plan.viewing_room(None);
                // a dock without its host sees nothing, so somebody should hear of that
                plan.views.push(host.clone());
                plan
            }
            Self::SocialStream { part: Part::Overlay, host, .. } => plan.viewing_room(Some(host)),
        }
    }

    /// Returns what understands chat, in a session that has any.
    pub(crate) fn ear(&self) -> Option<Ear> {
        match self {
            Self::Named | Self::Room => None,
            Self::SocialStream { .. } => Some(Ear::default()),
        }
    }

    /// Returns what speaks chat, in a session that has any.
    pub(crate) fn voice(&self) -> Option<Voice> {
        match self {
            Self::Named | Self::Room => None,
            Self::SocialStream { part, name, .. } => Some(Voice::new(name.as_deref(), part.listeners())),
        }
    }
}

/// Draws a name as docks do: 7 letters and digits.
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

    use super::*;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        connection: ConnectionArgs,
        #[command(flatten)]
        audience: AudienceArgs,
    }

    #[test]
    fn a_source_sends_chat_to_the_listed_labels_only() {
        let Recipient::Labelled(labels) = Part::Source.listeners() else { panic!("a source filters") };
        let hears = |label: &str| labels.iter().any(|listed| listed == label);
        assert!(["", "dock", "aioverlay", "cohost", "tipjar"].into_iter().all(hears));
        assert!(!["hype", "overlay", "SocialStream", "Dock"].into_iter().any(hears));
    }

    #[test]
    fn docks_and_overlays_speak_to_whoever_is_there() {
        assert_eq!(Part::Dock.listeners(), Recipient::Everyone);
        assert_eq!(Part::Overlay.listeners(), Recipient::Everyone);
    }

    #[test]
    fn a_session_is_a_room_without_password() {
        let connection = settled(&["--social-stream", "my show"]);
        assert_eq!(connection.room.as_deref(), Some("my show"));
        assert_eq!(connection.password.as_deref(), Some("false"));
        assert_eq!(connection.label.as_deref(), Some("dock"));
    }

    #[test]
    fn what_was_typed_wins() {
        let connection = settled(&["--social-stream", "show", "--label", "hype", "--password", "s3cret"]);
        assert_eq!(connection.label.as_deref(), Some("hype"));
        assert_eq!(connection.password.as_deref(), Some("s3cret"));
        assert_eq!(settled(&["--social-stream", "show", "--password-file", "secret"]).password, None);
    }

    #[test]
    fn a_source_publishes_the_session_a_dock_anything_and_an_overlay_nothing() {
        let pushed = |part| settled(&["--social-stream", "show", "--as", part]).push;
        assert_eq!(pushed("source").as_deref(), Some("show"));
        assert_eq!(pushed("overlay"), None);
        assert_eq!(pushed("dock").map(|stream| stream.len()), Some(7));
        assert_ne!(pushed("dock"), pushed("dock"));
    }

    #[test]
    fn a_session_leaves_no_room_for_another() {
        for more in ["--room", "--push"] {
            assert!(Typed::try_parse_from(["", "--social-stream", "show", more, "x"]).is_err());
        }
        assert!(Typed::try_parse_from(["", "--view-all"]).is_err());
        assert!(Typed::try_parse_from(["", "--as", "dock"]).is_err());
    }

    fn settled(arguments: &[&str]) -> ConnectionArgs {
        let mut typed = Typed::parse_from([&[""], arguments].concat());
        ViewAll::settle(&typed.audience, &mut typed.connection).unwrap();
        typed.connection
    }
}
