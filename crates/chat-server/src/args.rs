//! The command line of the binary, and what it means as a configuration.

use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
    path::PathBuf,
    time::Duration,
};

use chat_server::{Limits, Rate, ServerConfig, StartError, TlsPorts};
use clap::{Args, Parser, Subcommand, ValueEnum};
use etcetera::{AppStrategy, AppStrategyArgs};

/// The room: two ports, one log. What it confirms is stored.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) serve: Serve,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What can be done beside serving.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look after accounts, also while a server runs.
    Accounts {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        what: AccountsCommand,
    },
    /// Verify a store and change nothing. Exit code 1 when it is damaged.
    Check {
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountsCommand {
    /// One account a line: nickname, time of creation (seconds since 1970), "revoked" where it is.
    List,
    /// Take away an account's right to log in, and close its connections.
    Revoke {
        /// The whole nickname.
        nickname: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Where the store is [default: the user's data directory].
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) data_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where listeners connect; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:5000", value_parser = parse_address)]
    listen: SocketAddr,
    /// Where writers connect; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:5050", value_parser = parse_address)]
    write: SocketAddr,
    #[command(flatten)]
    pub(crate) place: Place,
    /// Keep everything in memory and forget it at the end.
    #[arg(long, conflicts_with = "data_dir")]
    pub(crate) memory: bool,
    /// Where listeners connect by TLS.
    #[arg(long, value_name = "ADDR", requires = "tls_write", value_parser = parse_address)]
    tls_listen: Option<SocketAddr>,
    /// Where writers connect by TLS.
    #[arg(long, value_name = "ADDR", requires = "tls_cert", value_parser = parse_address)]
    tls_write: Option<SocketAddr>,
    /// The certificate with its chain, in PEM.
    #[arg(long, value_name = "F", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key, in PEM.
    #[arg(long, value_name = "F", requires = "tls_listen")]
    tls_key: Option<PathBuf>,
    /// Close after an unknown token instead of asking for a nickname.
    #[arg(long)]
    strict: bool,
    /// Tell the room who registers.
    #[arg(long)]
    announce: bool,
    /// Do not offer ids and resume: the original's server to the byte.
    #[arg(long)]
    no_extensions: bool,
    #[command(flatten)]
    limits: LimitArguments,
    /// How what happens is written to standard error.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
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

impl Serve {
    /// # Errors
    /// The certificate cannot be used.
    pub(crate) fn config(&self) -> Result<ServerConfig, StartError> {
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

impl Place {
    /// The directory that was asked for, or the user's.
    pub(crate) fn directory(&self) -> Result<PathBuf, etcetera::HomeDirError> {
        if let Some(asked) = &self.data_dir {
            return Ok(asked.clone());
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
    let missing = || io::Error::new(io::ErrorKind::NotFound, "no address found for this name");
    text.to_socket_addrs()?.next().ok_or_else(missing)
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
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent_and_the_defaults_are_the_library_s() {
        Arguments::command().debug_assert();
        let parsed = Arguments::parse_from(["chat-server"]).serve.config().unwrap();
        assert_eq!(format!("{parsed:?}"), format!("{:?}", ServerConfig::default()));
    }

    #[test]
    fn every_limit_argument_arrives() {
        let line = "chat-server --max-connections 1 --max-connections-per-address 2 --login-within 3 \
                    --nickname-within 4 --max-nickname 5 --post-rate 6:7 --register-rate 8 --stall 9 \
                    --drain-within 0.5";
        let limits = Arguments::parse_from(line.split_whitespace()).serve.config().unwrap().limits;
        assert_eq!((limits.connections, limits.connections_per_address, limits.nickname_chars), (1, 2, 5));
        assert_eq!((limits.login_within.as_secs(), limits.nickname_within.as_secs()), (3, 4));
        assert_eq!(limits.posts, Some(Rate { per_second: 6.0, burst: 7 }));
        assert_eq!(limits.registrations, Some(Rate { per_second: 8.0, burst: 8 }));
        assert_eq!((limits.stall.as_secs(), limits.drain_within.as_millis()), (9, 500));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for bad in [
            "--listen 5000",
            "--listen 127.0.0.1:99999",
            "--memory --data-dir x",
            "--post-rate 0",
            "--post-rate nan",
            "--post-rate 1:-1",
            "--login-within -1",
            "--login-within inf",
            "--metrics 127.0.0.1:0",
            "--max-nickname 0",
            "--tls-listen 127.0.0.1:0",
            "--tls-cert x --tls-key y",
            "check extra",
        ] {
            let line = std::iter::once("chat-server").chain(bad.split_whitespace());
            assert!(Arguments::try_parse_from(line).is_err(), "{bad}");
        }
    }
}
