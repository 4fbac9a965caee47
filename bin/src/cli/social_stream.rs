//! The arguments that view a whole room or join a Social Stream session.

use clap::Args;

use crate::social_stream::role::Role;

/// What to view besides single streams.
#[derive(Args, Clone, Debug)]
pub(crate) struct SocialStreamArgs {
    /// View every stream in the room
    #[arg(long, requires = "room")]
    pub(crate) view_all: bool,
    /// Join a Social Stream session: its room, with its labels, its chat and no password
    ///
    /// Chat is printed as `name: message`, and lines of stdin are sent as chat.
    #[arg(long, value_name = "SESSION", conflicts_with_all = ["room", "push", "view_all"], verbatim_doc_comment)]
    pub(crate) social_stream: Option<String>,
    /// The role in that session; dock if not given
    #[arg(long, alias = "as", value_name = "ROLE", value_enum, requires = "social_stream")]
    pub(crate) role: Option<Role>,
}
