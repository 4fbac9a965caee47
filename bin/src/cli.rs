//! What can be typed: commands, options, and their help.

pub(crate) mod history;
pub(crate) mod profiles;

mod serve;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use rejoin_core::{Identity, Platform};

use crate::output::Format;
use crate::schema::Document;
use crate::social_stream::AudienceArgs;
use history::HistoryArgs;
use profiles::{CheckArgs, ProfilesArgs};
pub(crate) use serve::ServeArgs;

/// Keeps VDO.Ninja and Social Stream WebRTC connections alive
///
/// Without a command it runs `rejoin demo`.
#[derive(Debug, Parser)]
#[command(name = "rejoin", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// What is logged: a level (error, warn, info, debug, trace, off) or a filter in the words of RUST_LOG
    #[arg(long, global = true, value_name = "LEVEL|FILTER")]
    pub(crate) log: Option<String>,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    done, or left politely after Ctrl-C, SIGTERM or a closed pipe
  1    the run failed; for demo: not every incident was recovered and verified
  2    something in the command or the configuration is wrong
  130  interrupted: the demo by Ctrl-C, everything else by a second Ctrl-C

Logs go to stderr; --log debug shows more of them, and goes before RUST_LOG.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Be in a session: stdin goes to the peers, their data comes to stdout
    Join(JoinArgs),
    /// Run a signaling server that VDO.Ninja clients understand
    Serve(ServeArgs),
    /// List the profiles, or show one with every setting
    Profiles(ProfilesArgs),
    /// List the policies that a profile can choose from
    #[command(after_help = "Examples:\n  rejoin policies")]
    Policies,
    /// Print the JSON Schema of a document, for editors and validators
    #[command(after_help = "Examples:\n  rejoin schema config > rejoin.schema.json")]
    Schema {
        /// The document
        document: Document,
    },
    /// Check a configuration and say what is wrong with it
    Check(CheckArgs),
    /// List the incidents of a session that is remembered
    History(HistoryArgs),
    /// Print a script that completes commands and options in a shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Break a real connection in every way and measure how it recovers
    Demo(rejoin_demo::Options),
    /// Be one of the two peers of the demonstration
    #[command(hide = true)]
    DemoPeer(DemoPeerArgs),
}

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  rejoin completions bash > /etc/bash_completion.d/rejoin
  rejoin completions zsh > ~/.zfunc/_rejoin
  rejoin completions fish > ~/.config/fish/completions/rejoin.fish";

#[derive(Args, Debug)]
#[command(after_help = JOIN_EXAMPLES)]
pub(crate) struct JoinArgs {
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) audience: AudienceArgs,
    #[command(flatten)]
    pub(crate) choice: ChoiceArgs,
    /// How data travels over stdin and stdout
    ///
    /// raw: every line of stdin is sent as a text, and texts are printed as they are.
    /// jsonl: every line of stdin is a JSON value, or {"to":"NAME","data":VALUE} for one peer;
    /// data is printed as {"from":{...},"data":VALUE}.
    #[arg(long, value_name = "FORMAT", default_value = "raw", verbatim_doc_comment)]
    pub(crate) format: Format,
    /// Print every event as a line of JSON, data included
    #[arg(long)]
    pub(crate) events: bool,
    /// Serve /metrics (Prometheus) and /healthz over HTTP; port 0 lets the system choose
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) metrics: Option<SocketAddr>,
}

const JOIN_EXAMPLES: &str = "\
Stdin is sent once the first peer is connected, and its end does not end the session.
A name in {\"to\":NAME} is a stream, an identity or a label.

Examples:
  rejoin join --push studio
  rejoin join --view studio --format jsonl | jq .data
  rejoin join --server wss://rejoin.example.org --room show --push bot --view studio --password-file secret
  rejoin join --push bot --view studio --session bot.json
  rejoin join --session bot.json
  rejoin join --push bot --durable bot.mail --events
  rejoin join --social-stream SESSION
  rejoin join --view studio --metrics 127.0.0.1:9187
  rejoin join --view studio --events --profile aggressive --set backoff.use=constant";

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
    /// The label that peers see (Social Stream addresses by it)
    #[arg(long)]
    pub(crate) label: Option<String>,
    /// The password of room and streams; `false` for none, VDO.Ninja's own if not given
    #[arg(long, conflicts_with = "password_file")]
    pub(crate) password: Option<String>,
    /// Read the password from a file, so that no list of processes shows it
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// What pages append to the password: their host name
    #[arg(long, default_value = rejoin_vdo_ninja::DEFAULT_SALT)]
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
    #[arg(long = "session", alias = "remember", value_name = "FILE")]
    pub(crate) remember: Option<PathBuf>,
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

/// Which policies, by layers.
#[derive(Args, Clone, Debug)]
pub(crate) struct ChoiceArgs {
    /// The profile to start from; `rejoin profiles` lists them
    #[arg(long)]
    pub(crate) profile: Option<String>,
    /// A TOML file over the profile
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// One setting over everything else, as in `backoff.use=constant`; repeat it for more
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) settings: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct DemoPeerArgs {
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) choice: ChoiceArgs,
    /// The seed of the random numbers of the session
    #[arg(long)]
    pub(crate) seed: u64,
}
