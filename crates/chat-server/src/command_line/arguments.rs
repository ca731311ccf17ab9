//! The options of the binary and their conversion to a configuration. Each option is declared only here: the
//! configuration file uses the same parsers.

use std::ffi::OsString;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand, ValueEnum};
use etcetera::{AppStrategy, AppStrategyArgs};

use super::config_file::ConfigFile;
use super::usage_error::UsageError;
use crate::config::ServerConfig;
use crate::error::StartError;
use crate::limits::{Limits, Rate};
use crate::net::TlsPorts;

/// A chat server: two ports, one log. It confirms a message when it is stored.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Arguments {
    /// Options for serving, the default command.
    #[command(flatten)]
    pub serve: Serve,
    /// Another command.
    #[command(subcommand)]
    pub command: Option<ServerCommand>,
}

/// The other commands.
#[derive(Debug, Subcommand)]
pub enum ServerCommand {
    /// Manage accounts, also while a server runs.
    Accounts {
        /// The store.
        #[command(flatten)]
        store: StoreLocation,
        /// The operation.
        #[command(subcommand)]
        what: AccountsCommand,
    },
    /// Verify a store without changing it. Exit code 1 if it is damaged.
    Check {
        /// The store.
        #[command(flatten)]
        store: StoreLocation,
    },
}

/// The operations on accounts.
#[derive(Debug, Subcommand)]
pub enum AccountsCommand {
    /// List accounts, one per line: nickname, time of creation (seconds since 1970), "revoked" if it is.
    List,
    /// Revoke an account's right to log in, and close its connections.
    Revoke {
        /// The complete nickname.
        nickname: String,
    },
}

/// The location of the store, and the configuration file.
#[derive(Debug, Args)]
pub struct StoreLocation {
    /// Data directory [default: the user's data directory].
    #[arg(long, value_name = "DIR", global = true)]
    data_dir: Option<PathBuf>,
    /// TOML file whose keys are these options; the command line overrides it.
    #[arg(long, value_name = "F", global = true)]
    config: Option<PathBuf>,
}

/// Options for serving.
#[derive(Debug, Args)]
pub struct Serve {
    /// Address for listeners; port 0 picks a free port.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:5000", value_parser = parse_address)]
    listen: SocketAddr,
    /// Address for writers; port 0 picks a free port.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:5050", value_parser = parse_address)]
    write: SocketAddr,
    /// The location of the store.
    #[command(flatten)]
    pub store: StoreLocation,
    /// Keep everything in memory and discard it at exit.
    #[arg(long, action = ArgAction::Set, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false",
          default_missing_value = "true", hide_default_value = true, hide_possible_values = true, conflicts_with = "data_dir")]
    pub memory: bool,
    /// Address of /metrics, /healthz and /readyz; port 0 picks a free port.
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    pub metrics: Option<SocketAddr>,
    /// Address for listeners over TLS.
    #[arg(long, value_name = "ADDR", requires = "tls_write", value_parser = parse_address)]
    tls_listen: Option<SocketAddr>,
    /// Address for writers over TLS.
    #[arg(long, value_name = "ADDR", requires = "tls_cert", value_parser = parse_address)]
    tls_write: Option<SocketAddr>,
    /// Certificate chain, PEM.
    #[arg(long, value_name = "F", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate, PEM.
    #[arg(long, value_name = "F", requires = "tls_listen")]
    tls_key: Option<PathBuf>,
    /// Close after an unknown token instead of asking for a nickname.
    #[arg(long, action = ArgAction::Set, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false",
          default_missing_value = "true", hide_default_value = true, hide_possible_values = true)]
    strict: bool,
    /// Announce new accounts to the room.
    #[arg(long, action = ArgAction::Set, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false",
          default_missing_value = "true", hide_default_value = true, hide_possible_values = true)]
    announce: bool,
    /// Do not offer the extensions: behave exactly like the original server.
    #[arg(long, action = ArgAction::Set, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false",
          default_missing_value = "true", hide_default_value = true, hide_possible_values = true)]
    no_extensions: bool,
    #[command(flatten)]
    limits: LimitArguments,
    /// Format of the log on standard error.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// The format of the log.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum LogFormat {
    /// Text for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// The limits that depend on the room; the documentation gives the reason for each.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
struct LimitArguments {
    /// Connections in total [default: 16384].
    #[arg(long, value_name = "N")]
    max_connections: Option<usize>,
    /// Connections per address, loopback excluded [default: 1024].
    #[arg(long, value_name = "N")]
    max_connections_per_address: Option<usize>,
    /// Seconds a client has to send its token [default: 60].
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    login_within: Option<Duration>,
    /// Seconds a client has to send its nickname [default: 600].
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    nickname_within: Option<Duration>,
    /// Longest nickname in characters, without its adjective [default: 40].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=60))]
    max_nickname: Option<u8>,
    /// Posts per account, as posts per second, or that and a burst (20 or 20:200) [default: no limit].
    #[arg(long, value_name = "RATE[:BURST]", value_parser = parse_rate)]
    post_rate: Option<Rate>,
    /// Registrations per address, in the same form [default: 1:1000].
    #[arg(long, value_name = "RATE[:BURST]", value_parser = parse_rate)]
    register_rate: Option<Rate>,
    /// Seconds a listener may read nothing, or a writer may leave its last answers unread [default: 60].
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    stall: Option<Duration>,
    /// Seconds that draining may take [default: 10].
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    drain_within: Option<Duration>,
}

impl Arguments {
    /// Parses a command line and the configuration file that it names. The command line overrides the file.
    ///
    /// # Errors
    /// [`UsageError`] if either is wrong, or if help is requested.
    pub fn from_command_line(words: impl IntoIterator<Item = OsString>) -> Result<Self, UsageError> {
        let words: Vec<OsString> = words.into_iter().collect();
        let command = Self::command();
        // Ignore errors for now: what is missing may be in the file, and the final parse reports the rest.
        let said = command.clone().ignore_errors(true).try_get_matches_from(&words)?;
        let path = said.get_one::<PathBuf>("config").filter(|_| said.subcommand().is_none());
        let Some(path) = path else { return Ok(Self::try_parse_from(words)?) };
        let file = ConfigFile::read(path, &command)?.beneath(&said, &command);
        let (program, rest) = words.split_at(words.len().min(1));
        let all = program.iter().cloned().chain(file.arguments()).chain(rest.iter().cloned());
        Self::try_parse_from(all).map_err(|error| match file.blame(&command, error) {
            Ok(of_the_file) => of_the_file.into(),
            Err(of_the_command_line) => of_the_command_line.into(),
        })
    }
}

impl Serve {
    /// Returns the configuration of the server.
    ///
    /// # Errors
    /// The certificate cannot be used.
    pub fn config(&self) -> Result<ServerConfig, StartError> {
        let mut config = ServerConfig::default();
        if let (Some(listen), Some(write), Some(cert), Some(key)) =
            (self.tls_listen, self.tls_write, &self.tls_cert, &self.tls_key)
        {
            config.tls = Some(TlsPorts::from_files(listen, write, cert, key)?);
        }
        (config.listen, config.write) = (self.listen, self.write);
        (config.strict, config.announce, config.extensions) = (self.strict, self.announce, !self.no_extensions);
        self.limits.apply(&mut config.limits);
        Ok(config)
    }
}

impl LimitArguments {
    fn apply(&self, limits: &mut Limits) {
        fn set<T: Copy>(limit: &mut T, asked: Option<T>) {
            *limit = asked.unwrap_or(*limit);
        }
        set(&mut limits.connections, self.max_connections);
        set(&mut limits.connections_per_address, self.max_connections_per_address);
        set(&mut limits.login_within, self.login_within);
        set(&mut limits.nickname_within, self.nickname_within);
        set(&mut limits.nickname_chars, self.max_nickname.map(usize::from));
        set(&mut limits.stall, self.stall);
        set(&mut limits.drain_within, self.drain_within);
        limits.posts = self.post_rate.or(limits.posts);
        limits.registrations = self.register_rate.or(limits.registrations);
    }
}

impl StoreLocation {
    /// Returns the requested directory, or else that of the configuration file, or else the user's.
    ///
    /// # Errors
    /// [`UsageError`] if the file is wrong, or there is no home directory.
    pub fn directory(&self) -> Result<PathBuf, UsageError> {
        if let Some(asked) = &self.data_dir {
            return Ok(asked.clone());
        }
        if let Some(path) = &self.config
            && let Some(dir) = ConfigFile::read(path, &Arguments::command())?.value("data-dir")
        {
            return Ok(dir.into());
        }
        let strategy = etcetera::choose_app_strategy(AppStrategyArgs {
            top_level_domain: String::new(),
            author: String::new(),
            app_name: "minechat".to_owned(),
        })?;
        Ok(strategy.in_data_dir("server"))
    }
}

/// Parses host and port, and resolves a host name.
fn parse_address(text: &str) -> Result<SocketAddr, io::Error> {
    let no_address = || io::Error::new(io::ErrorKind::NotFound, "no address found for this name");
    let no_port = |error: io::Error| match error.kind() {
        io::ErrorKind::InvalidInput => io::Error::new(error.kind(), "not an address with a port, like 127.0.0.1:5000"),
        _ => error,
    };
    text.to_socket_addrs().map_err(no_port)?.next().ok_or_else(no_address)
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    // A year is as good as unlimited, and adding a longer time to a clock could overflow.
    if (0.001..=31_536_000.0).contains(&seconds) {
        Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
    } else {
        Err("not between 0.001 and 31536000".to_owned())
    }
}

fn parse_rate(text: &str) -> Result<Rate, String> {
    let (rate, burst) = text.split_once(':').unwrap_or((text, ""));
    let per_second: f64 = rate.parse().map_err(|_| "the rate is not a number".to_owned())?;
    if !(per_second.is_finite() && per_second > 0.0) {
        return Err("the rate is not above zero".to_owned());
    }
    let burst = match burst {
        "" => per_second.ceil().clamp(1.0, f64::from(u32::MAX)) as u32,
        burst => burst.parse().map_err(|_| "the burst is not a whole number".to_owned())?,
    };
    Ok(Rate { per_second, burst })
}

#[cfg(test)]
mod tests;
