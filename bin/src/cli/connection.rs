//! The arguments of a connection: server, room, streams, identity and files.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use rejoin::{Identity, Platform};

/// Where, who and with whom.
#[derive(Args, Clone, Debug)]
pub(crate) struct ConnectionArgs {
    /// Signaling server; repeat it for others to try when one fails
    #[arg(long = "server", value_name = "URL", default_value = "ws://127.0.0.1:8787")]
    pub(crate) servers: Vec<String>,
    /// What the server and its clients speak
    #[arg(long, value_enum, default_value = "hosted")]
    pub(crate) dialect: DialectName,
    /// Be in a room
    #[arg(long)]
    pub(crate) room: Option<String>,
    /// Publish a stream
    #[arg(long, value_name = "STREAM")]
    pub(crate) push: Option<String>,
    /// View a stream; repeat it for more
    #[arg(long = "view", value_name = "STREAM")]
    pub(crate) views: Vec<String>,
    /// The label that peers see (Social Stream routes by it)
    #[arg(long)]
    pub(crate) label: Option<String>,
    /// The password of room and streams; `false` for none, VDO.Ninja's own if not given
    #[arg(long, conflicts_with = "password_file")]
    pub(crate) password: Option<String>,
    /// Read the password from a file, so that no list of processes shows it
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// What pages append to the password: their host name
    #[arg(long, default_value = rejoin::DEFAULT_SALT)]
    pub(crate) salt: String,
    /// STUN or TURN server, `stun:host:port` or `turn:user:password@host:port`; repeat it for more
    #[arg(long = "ice-server", value_name = "URL")]
    pub(crate) ice_servers: Vec<String>,
    /// User name for TURN servers that name none
    #[arg(long, value_name = "NAME", requires = "ice_credential")]
    pub(crate) ice_username: Option<String>,
    /// Credential for TURN servers that name none
    #[arg(long, value_name = "SECRET", requires = "ice_username")]
    pub(crate) ice_credential: Option<String>,
    /// Whose timeouts apply: windows, macos, ios, android, linux or other; detected if not given
    #[arg(long)]
    pub(crate) platform: Option<Platform>,
    /// Who we are to rejoin peers, 32 hexadecimal digits; random if not given
    #[arg(long, value_name = "HEX")]
    pub(crate) identity: Option<Identity>,
    /// Remember identity, room, streams and incidents in a file, and go on from there after a restart or a crash
    ///
    /// --room and --push take the place of what is remembered, --view adds to it.
    #[arg(long, alias = "remember", value_name = "FILE")]
    pub(crate) session: Option<PathBuf>,
    /// Keep messages in a directory until they have arrived, and go on from there after a restart or a crash
    ///
    /// A line of stdin that was taken arrives although this process is killed, and a line that was printed
    /// is not printed again; --events tells {"event":"accepted","line":N} when line N of stdin is taken.
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) durable: Option<PathBuf>,
    /// A PEM file with certificate authorities to trust besides the system's
    #[arg(long, value_name = "PEM")]
    pub(crate) ca_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DialectName {
    /// As wss.vdo.ninja does: the server names its clients and lists its rooms
    Hosted,
    /// As VDO.Ninja does with a server of one's own (&wss=): clients name themselves
    SelfHost,
}
