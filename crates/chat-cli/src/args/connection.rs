//! The options of all commands that connect.

use std::path::PathBuf;
use std::time::Duration;

use chat_frontend::time;

/// The address of the room, and the deadlines.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectArgs {
    /// Name or address of the server, or of each node of the room: HOST, or HOST:LISTEN:WRITE with both ports
    /// [default: 127.0.0.1]
    #[arg(long, value_name = "HOST[,HOST]")]
    pub(crate) host: Vec<String>,
    /// Port of this command: the listen port for `listen`, the write port for all others
    #[arg(short, long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,
    /// Listen port [default: 5000]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) listen_port: Option<u16>,
    /// Write port [default: 5050]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) write_port: Option<u16>,
    /// Use TLS, and verify the server by the system's root certificates
    #[arg(long)]
    pub(crate) tls: bool,
    /// Verify the server by the certificates in this file (PEM); implies --tls
    #[arg(long, value_name = "F", conflicts_with = "pin")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Trust the certificate with this SHA-256 fingerprint; implies --tls
    #[arg(long, value_name = "SHA256")]
    pub(crate) pin: Option<String>,
    /// Exit when the first connection fails or breaks
    #[arg(long)]
    pub(crate) no_retry: bool,
    /// Give up after D without a connection
    #[arg(long, value_name = "D", value_parser = time::duration, conflicts_with = "no_retry")]
    pub(crate) retry_max_time: Option<Duration>,
}

/// The account of a writer.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Account")]
pub(crate) struct IdentityArgs {
    /// The account: its complete nickname, or the name that was requested
    #[arg(short, long, value_name = "NAME")]
    pub(crate) username: Option<String>,
    /// Read the token from this file; - is standard input
    #[arg(long, value_name = "F", conflicts_with = "token")]
    pub(crate) token_file: Option<PathBuf>,
    /// The token itself; other users of this machine can see it
    #[arg(short, long, value_name = "TOKEN", allow_hyphen_values = true)]
    pub(crate) token: Option<String>,
    /// Save accounts in this file
    #[arg(long, value_name = "F")]
    pub(crate) credential_path: Option<PathBuf>,
}
