//! What can be typed: commands, options, and their help.

pub(crate) mod config;
pub(crate) mod connection;
pub(crate) mod history;
pub(crate) mod profiles;
pub(crate) mod serve;
pub(crate) mod social_stream;

use std::net::SocketAddr;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::output::Format;
use crate::schema::Document;
use config::ConfigArgs;
use connection::ConnectionArgs;
use history::HistoryArgs;
use profiles::{CheckArgs, ProfilesArgs};
use serve::ServeArgs;
use social_stream::SocialStreamArgs;

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
    #[command(after_help = "Examples:\n  rejoin schema config > rejoin.schema.json\n  rejoin schema events")]
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
    /// Print the manual page
    #[command(after_help = MAN_EXAMPLES)]
    Man,
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

const MAN_EXAMPLES: &str = "\
Examples:
  rejoin man > ~/.local/share/man/man1/rejoin.1
  rejoin man | man -l -";

#[derive(Args, Debug)]
#[command(after_help = JOIN_EXAMPLES)]
pub(crate) struct JoinArgs {
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) social_stream: SocialStreamArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
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

#[derive(Args, Debug)]
pub(crate) struct DemoPeerArgs {
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// The seed of the random numbers of the session
    #[arg(long)]
    pub(crate) seed: u64,
}
