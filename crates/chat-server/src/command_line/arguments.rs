//! The options of the binary, and what they mean as a configuration. Each is declared here and nowhere else: the
//! configuration file goes through the same parsers.

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

/// The room: two ports, one log. What it confirms is stored.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Arguments {
    /// How to serve, where nothing else is asked for.
    #[command(flatten)]
    pub serve: Serve,
    /// What else to do.
    #[command(subcommand)]
    pub command: Option<ServerCommand>,
}

/// What can be done beside serving.
#[derive(Debug, Subcommand)]
pub enum ServerCommand {
    /// Look after accounts, also while a server runs.
    Accounts {
        /// In which store.
        #[command(flatten)]
        store: StoreLocation,
        /// What to do with them.
        #[command(subcommand)]
        what: AccountsCommand,
    },
    /// Verify a store and change nothing. Exit code 1 when it is damaged.
    Check {
        /// Which store.
        #[command(flatten)]
        store: StoreLocation,
    },
}

/// What can be done with accounts.
#[derive(Debug, Subcommand)]
pub enum AccountsCommand {
    /// One account a line: nickname, time of creation (seconds since 1970), "revoked" where it is.
    List,
    /// Take away an account's right to log in, and close its connections.
    Revoke {
        /// The whole nickname.
        nickname: String,
    },
}

/// Where the store is, and the file that may say so.
#[derive(Debug, Args)]
pub struct StoreLocation {
    /// Where the store is [default: the user's data directory].
    #[arg(long, value_name = "DIR", global = true)]
    data_dir: Option<PathBuf>,
    /// A TOML file whose keys are these options; the command line goes over it.
    #[arg(long, value_name = "F", global = true)]
    config: Option<PathBuf>,
}

/// How to serve.
#[derive(Debug, Args)]
pub struct Serve {
    /// Where listeners connect; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:5000", value_parser = parse_address)]
    listen: SocketAddr,
    /// Where writers connect; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:5050", value_parser = parse_address)]
    write: SocketAddr,
    /// Where the store is.
    #[command(flatten)]
    pub store: StoreLocation,
    /// Keep everything in memory and forget it at the end.
    #[arg(long, action = ArgAction::Set, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false",
          default_missing_value = "true", hide_default_value = true, hide_possible_values = true, conflicts_with = "data_dir")]
    pub memory: bool,
    /// Where /metrics, /healthz and /readyz are; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    pub metrics: Option<SocketAddr>,
    /// Where listeners connect by TLS.
    #[arg(long, value_name = "ADDR", requires = "tls_write", value_parser = parse_address)]
    tls_listen: Option<SocketAddr>,
    /// Where writers connect by TLS.
    #[arg(long, value_name = "ADDR", requires = "tls_cert", value_parser = parse_address)]
    tls_write: Option<SocketAddr>,
    /// The certificate with its sequence, in PEM.
    #[arg(long, value_name = "F", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key, in PEM.
    #[arg(long, value_name = "F", requires = "tls_listen")]
    tls_key: Option<PathBuf>,
    /// Close after an unknown token instead of asking for a nickname.
    #[arg(long, action = ArgAction::Set, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false",
          default_missing_value = "true", hide_default_value = true, hide_possible_values = true)]
    strict: bool,
    /// Tell the room who registers.
    #[arg(long, action = ArgAction::Set, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false",
          default_missing_value = "true", hide_default_value = true, hide_possible_values = true)]
    announce: bool,
    /// Do not offer ids and resume: the original's server to the byte.
    #[arg(long, action = ArgAction::Set, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false",
          default_missing_value = "true", hide_default_value = true, hide_possible_values = true)]
    no_extensions: bool,
    #[command(flatten)]
    limits: LimitArguments,
    /// How what happens is written to standard error.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

/// Every limit that depends on the room; its reason is in the documentation.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
struct LimitArguments {
    /// Connections in all [default: 16384].
    #[arg(long, value_name = "N")]
    max_connections: Option<usize>,
    /// Connections from one address, loopback not counted [default: 1024].
    #[arg(long, value_name = "N")]
    max_connections_per_address: Option<usize>,
    /// Seconds to say a token [default: 60].
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    login_within: Option<Duration>,
    /// Seconds to say a nickname [default: 600].
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    nickname_within: Option<Duration>,
    /// Characters of a nickname, its adjective not counted [default: 40].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=60))]
    max_nickname: Option<u8>,
    /// Posts of one account, per second or per second and at once (20 or 20:200) [default: no limit].
    #[arg(long, value_name = "RATE[:BURST]", value_parser = parse_rate)]
    post_rate: Option<Rate>,
    /// Registrations from one address, likewise [default: 1:1000].
    #[arg(long, value_name = "RATE[:BURST]", value_parser = parse_rate)]
    register_rate: Option<Rate>,
    /// Seconds that a listener may take no data, or a writer its last answers [default: 60].
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    stall: Option<Duration>,
    /// Seconds that draining may take [default: 10].
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    drain_within: Option<Duration>,
}

impl Arguments {
    /// Understands a command line, and the configuration file that it names. What the file says comes first and is
    /// left out where the command line says otherwise.
    ///
    /// # Errors
    /// [`UsageError`] when either is wrong, or when help is asked for.
    pub fn from_command_line(words: impl IntoIterator<Item = OsString>) -> Result<Self, UsageError> {
        let words: Vec<OsString> = words.into_iter().collect();
        let command = Self::command();
        // Whatever is wrong or missing yet: it may be in the file, and the last parser says it otherwise.
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
    /// What to start the server with.
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
    /// The directory that was asked for, else that of the configuration file, else the user's.
    ///
    /// # Errors
    /// [`UsageError`] when the file is wrong, or there is no home directory.
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

/// Host and port; a name is looked up.
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
    // A year is as good as never, and times far from now cannot be reckoned with.
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
