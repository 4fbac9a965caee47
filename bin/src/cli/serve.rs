//! What `rejoin serve` can be told.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::connection::DialectName;

#[derive(Args, Debug)]
#[command(after_help = SERVE_EXAMPLES)]
pub(crate) struct ServeArgs {
    /// The address to listen on; port 0 lets the system choose
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    pub(crate) listen: SocketAddr,
    /// What the clients speak
    #[arg(long, value_enum, default_value = "hosted")]
    pub(crate) dialect: DialectName,
    /// Speak TLS with this certificate, a PEM file with its authorities behind it
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The private key of the certificate, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Serve /metrics (Prometheus) and /healthz over HTTP; port 0 lets the system choose
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) metrics: Option<SocketAddr>,
    /// Stop when stdin closes, as it does when the parent process dies
    #[arg(long, hide = true)]
    pub(crate) until_stdin_closes: bool,
}

const SERVE_EXAMPLES: &str = "\
The bound address is printed as one line on stdout, for example ws://127.0.0.1:8787.
With --tls-cert and --tls-key it is wss://; a renewed certificate is read at the next start.

Examples:
  rejoin serve
  rejoin serve --listen 0.0.0.0:8787
  rejoin serve --listen 0.0.0.0:8443 --tls-cert fullchain.pem --tls-key privkey.pem
  rejoin serve --dialect self-host
  rejoin serve --listen 127.0.0.1:0 --metrics 127.0.0.1:9187";
