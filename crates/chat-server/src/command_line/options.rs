//! The options of the server, from one source: the command line or the configuration file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgAction, Args};
use serde::Deserialize;

use super::keep::Keep;
use super::nats_servers::NatsServers;
use super::value::{self, ByteRate, ByteSize, LogFormat, LogLevel, Networks, NicknameChars, OptionValue, OrOff};
use crate::config::ServerConfig;
use crate::error::StartError;
use crate::limits::{Limits, Rate};
use crate::nats::LogName;
use crate::net::TlsPorts;
use crate::registration::RegistrationPolicy;
use crate::retention::Retention;

/// The options of the server. Each field is a long option of the command line and a key of the configuration file, under
/// the same name. `None` means that this source does not set it.
#[derive(Debug, Clone, Default, PartialEq, Args, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Options {
    /// Address for listeners; port 0 picks a free port [default: 127.0.0.1:5000].
    #[arg(long, value_name = "ADDR", value_parser = SocketAddr::parse)]
    #[serde(deserialize_with = "value::read")]
    pub listen: Option<SocketAddr>,
    /// Address for writers; port 0 picks a free port [default: 127.0.0.1:5050].
    #[arg(long, value_name = "ADDR", value_parser = SocketAddr::parse)]
    #[serde(deserialize_with = "value::read")]
    pub write: Option<SocketAddr>,
    /// Data directory [default: the user's data directory].
    #[arg(long, value_name = "DIR")]
    #[serde(deserialize_with = "value::read")]
    pub data_dir: Option<PathBuf>,
    /// Keep everything in memory and discard it at exit.
    #[arg(long, action = ArgAction::Set, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_possible_values = true, conflicts_with = "data_dir")]
    #[serde(deserialize_with = "value::read")]
    pub memory: Option<bool>,
    /// Address of /metrics, /healthz and /readyz; port 0 picks a free port.
    #[arg(long, value_name = "ADDR", value_parser = SocketAddr::parse)]
    #[serde(deserialize_with = "value::read")]
    pub metrics: Option<SocketAddr>,
    /// Address for listeners over TLS.
    #[arg(long, value_name = "ADDR", value_parser = SocketAddr::parse)]
    #[serde(deserialize_with = "value::read")]
    pub tls_listen: Option<SocketAddr>,
    /// Address for writers over TLS.
    #[arg(long, value_name = "ADDR", value_parser = SocketAddr::parse)]
    #[serde(deserialize_with = "value::read")]
    pub tls_write: Option<SocketAddr>,
    /// Certificate chain, PEM.
    #[arg(long, value_name = "F")]
    #[serde(deserialize_with = "value::read")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate, PEM.
    #[arg(long, value_name = "F")]
    #[serde(deserialize_with = "value::read")]
    pub tls_key: Option<PathBuf>,
    /// Networks of balancers that send a PROXY header (10.0.0.0/8,192.0.2.7); limits count the address in it.
    #[arg(long, value_name = "CIDR[,CIDR]", value_parser = Networks::parse)]
    #[serde(deserialize_with = "value::read")]
    proxy_from: Option<Networks>,
    /// Serve as one of several nodes, which share a log in NATS at these servers (n1,n2:4222,tls://n3).
    #[arg(long, value_name = "SERVER[,SERVER]", value_parser = NatsServers::parse, conflicts_with = "memory",
          help_heading = "Nodes")]
    #[serde(deserialize_with = "value::read")]
    pub(super) nats: Option<NatsServers>,
    /// Name of that log [default: room].
    #[arg(long, value_name = "NAME", value_parser = LogName::parse, help_heading = "Nodes")]
    #[serde(deserialize_with = "value::read")]
    pub(super) nats_log: Option<LogName>,
    /// File with the credentials of this node for NATS: a creds file, an nkey seed, or user:password.
    #[arg(long, value_name = "F", help_heading = "Nodes")]
    #[serde(deserialize_with = "value::read")]
    pub(super) nats_creds: Option<PathBuf>,
    /// Certificates that the servers of NATS are checked with, PEM [default: those of the system].
    #[arg(long, value_name = "F", help_heading = "Nodes")]
    #[serde(deserialize_with = "value::read")]
    pub(super) nats_ca: Option<PathBuf>,
    /// Also use a NATS older than 2.11, which can lose what it has confirmed: for trying things out.
    #[arg(long, action = ArgAction::Set, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_possible_values = true, help_heading = "Nodes")]
    #[serde(deserialize_with = "value::read")]
    pub(super) allow_old_nats: Option<bool>,
    /// Close after an unknown token instead of asking for a nickname.
    #[arg(long, action = ArgAction::Set, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_possible_values = true)]
    #[serde(deserialize_with = "value::read")]
    pub strict: Option<bool>,
    /// Announce new accounts to the room.
    #[arg(long, action = ArgAction::Set, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_possible_values = true)]
    #[serde(deserialize_with = "value::read")]
    pub announce: Option<bool>,
    /// Do not offer the extensions: behave exactly like the original server.
    #[arg(long, action = ArgAction::Set, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_possible_values = true)]
    #[serde(deserialize_with = "value::read")]
    pub no_extensions: Option<bool>,
    /// Format of the log on standard error [default: text].
    #[arg(long, value_enum, value_name = "FORMAT")]
    #[serde(deserialize_with = "value::read")]
    pub log_format: Option<LogFormat>,
    /// Lowest level of the log: error, warn, info, debug or trace [default: info].
    #[arg(long, value_enum, value_name = "LEVEL", hide_possible_values = true)]
    #[serde(deserialize_with = "value::read")]
    pub log_level: Option<LogLevel>,
    /// File for the log in place of standard error; SIGHUP opens it again.
    #[arg(long, value_name = "F")]
    #[serde(deserialize_with = "value::read")]
    pub log_file: Option<PathBuf>,

    /// Connections in total [default: 16384].
    #[arg(long, value_name = "N", help_heading = "Limits")]
    #[serde(deserialize_with = "value::read")]
    max_connections: Option<usize>,
    /// Connections per address, loopback excluded [default: 1024].
    #[arg(long, value_name = "N", help_heading = "Limits")]
    #[serde(deserialize_with = "value::read")]
    max_connections_per_address: Option<usize>,
    /// Seconds a client has to send its token [default: 60].
    #[arg(long, value_name = "SECONDS", value_parser = Duration::parse, help_heading = "Limits")]
    #[serde(deserialize_with = "value::read")]
    login_within: Option<Duration>,
    /// Seconds a client has to send its nickname [default: 600].
    #[arg(long, value_name = "SECONDS", value_parser = Duration::parse, help_heading = "Limits")]
    #[serde(deserialize_with = "value::read")]
    nickname_within: Option<Duration>,
    /// Longest nickname in characters, without its adjective [default: 40].
    #[arg(long, value_name = "N", value_parser = NicknameChars::parse, help_heading = "Limits")]
    #[serde(deserialize_with = "value::read")]
    max_nickname: Option<NicknameChars>,
    /// Posts per account, as posts per second, or that and a burst (20 or 20:200), or off [default: 20:10000].
    #[arg(long, value_name = "RATE[:BURST]", value_parser = OrOff::<Rate>::parse, help_heading = "Limits")]
    #[serde(deserialize_with = "value::read")]
    post_rate: Option<OrOff<Rate>>,
    /// Bytes of posts per account, per second and at once (32K:32M), or off [default: 32K:32M].
    #[arg(long, value_name = "SIZE[:SIZE]", value_parser = OrOff::<ByteRate>::parse, help_heading = "Limits")]
    #[serde(deserialize_with = "value::read")]
    post_bytes: Option<OrOff<ByteRate>>,
    /// The same per address over all of its accounts, loopback excluded, or off [default: 128K:128M].
    #[arg(long, value_name = "SIZE[:SIZE]", value_parser = OrOff::<ByteRate>::parse, help_heading = "Limits")]
    #[serde(deserialize_with = "value::read")]
    address_bytes: Option<OrOff<ByteRate>>,
    /// Largest size of the data directory (10G), or off; beyond it posts are declined [default: off].
    #[arg(long, value_name = "SIZE", value_parser = OrOff::<ByteSize>::parse, help_heading = "Limits")]
    #[serde(deserialize_with = "value::read")]
    max_store: Option<OrOff<ByteSize>>,
    /// Space that must stay free on its disk (1G), or off; below it posts are declined [default: 100M].
    #[arg(long, value_name = "SIZE", value_parser = OrOff::<ByteSize>::parse, help_heading = "Limits")]
    #[serde(deserialize_with = "value::read")]
    min_free: Option<OrOff<ByteSize>>,
    /// Keep messages of this age (90d), of this size in all (10GB), or both (90d,10GB); older ones are removed [default: off].
    #[arg(long, value_name = "AGE|SIZE", value_parser = OrOff::<Keep>::parse, help_heading = "Limits")]
    #[serde(deserialize_with = "value::read")]
    keep: Option<OrOff<Keep>>,
    /// Who may create an account: open, closed, or invite:CODE, then CODE precedes the nickname [default: open].
    #[arg(long, value_name = "WHO", value_parser = RegistrationPolicy::parse, help_heading = "Limits")]
    #[serde(deserialize_with = "value::read")]
    registration: Option<RegistrationPolicy>,
    /// Registrations per address, as --post-rate [default: 1:1000].
    #[arg(long, value_name = "RATE[:BURST]", value_parser = OrOff::<Rate>::parse, help_heading = "Limits")]
    #[serde(deserialize_with = "value::read")]
    register_rate: Option<OrOff<Rate>>,
    /// Registrations of all addresses together [default: 10:5000].
    #[arg(long, value_name = "RATE[:BURST]", value_parser = OrOff::<Rate>::parse, help_heading = "Limits")]
    #[serde(deserialize_with = "value::read")]
    register_rate_total: Option<OrOff<Rate>>,
    /// Seconds a listener may read nothing, or a writer may leave its last answers unread [default: 60].
    #[arg(long, value_name = "SECONDS", value_parser = Duration::parse, help_heading = "Limits")]
    #[serde(deserialize_with = "value::read")]
    stall: Option<Duration>,
    /// Seconds that draining may take [default: 10].
    #[arg(long, value_name = "SECONDS", value_parser = Duration::parse, help_heading = "Limits")]
    #[serde(deserialize_with = "value::read")]
    drain_within: Option<Duration>,
}

/// Passes all fields of [`Options`] to another macro, so that a new option cannot be forgotten where all are needed.
macro_rules! with_all_options {
    ($then:ident) => {
        $then!(
            listen,
            write,
            data_dir,
            memory,
            metrics,
            tls_listen,
            tls_write,
            tls_cert,
            tls_key,
            proxy_from,
            nats,
            nats_log,
            nats_creds,
            nats_ca,
            allow_old_nats,
            strict,
            announce,
            no_extensions,
            log_format,
            log_level,
            log_file,
            max_connections,
            max_connections_per_address,
            login_within,
            nickname_within,
            max_nickname,
            post_rate,
            post_bytes,
            address_bytes,
            max_store,
            min_free,
            keep,
            registration,
            register_rate_total,
            register_rate,
            stall,
            drain_within
        )
    };
}

impl Options {
    /// Returns these options, with missing ones taken from `below`.
    #[must_use]
    pub fn over(self, mut below: Self) -> Self {
        // Alternatives: one of them here replaces the other one below.
        if self.memory == Some(true) {
            below.data_dir = None;
            below.nats = None;
        }
        if self.data_dir.is_some() || self.nats.is_some() {
            below.memory = None;
        }
        macro_rules! merge {
            ($($field:ident),*) => { Self { $($field: self.$field.or(below.$field)),* } };
        }
        with_all_options!(merge)
    }

    /// Returns these options with those of `new` that a running server can change.
    #[must_use]
    pub fn reloaded(&self, new: &Self) -> Self {
        // Cloned as a whole, so that the list contains only what can change.
        let new = new.clone();
        Self {
            tls_cert: new.tls_cert,
            tls_key: new.tls_key,
            log_level: new.log_level,
            log_file: new.log_file,
            max_connections: new.max_connections,
            max_connections_per_address: new.max_connections_per_address,
            login_within: new.login_within,
            nickname_within: new.nickname_within,
            post_rate: new.post_rate,
            post_bytes: new.post_bytes,
            address_bytes: new.address_bytes,
            max_store: new.max_store,
            min_free: new.min_free,
            keep: new.keep,
            registration: new.registration,
            register_rate_total: new.register_rate_total,
            register_rate: new.register_rate,
            stall: new.stall,
            drain_within: new.drain_within,
            ..self.clone()
        }
    }

    /// Returns the names of the options that differ.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut different = Vec::new();
        macro_rules! compare {
            ($($field:ident),*) => {
                $(if self.$field != other.$field {
                    different.push(stringify!($field).replace('_', "-"));
                })*
            };
        }
        with_all_options!(compare);
        different
    }

    /// Returns the limits: these options over the defaults.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        self.set_limits(&mut limits);
        limits
    }

    /// Returns the options with paths relative to `folder`.
    #[must_use]
    pub(super) fn relative_to(mut self, folder: &Path) -> Self {
        for path in [
            &mut self.data_dir,
            &mut self.tls_cert,
            &mut self.tls_key,
            &mut self.log_file,
            &mut self.nats_creds,
            &mut self.nats_ca,
        ]
        .into_iter()
        .flatten()
        {
            *path = folder.join(&*path);
        }
        self
    }

    /// Returns the TLS options with their placeholders, and whether each is set. They are used together.
    pub(super) fn tls(&self) -> [(&'static str, &'static str, bool); 4] {
        [
            ("tls-listen", "ADDR", self.tls_listen.is_some()),
            ("tls-write", "ADDR", self.tls_write.is_some()),
            ("tls-cert", "F", self.tls_cert.is_some()),
            ("tls-key", "F", self.tls_key.is_some()),
        ]
    }

    /// Returns the configuration of the server: these options over the defaults.
    ///
    /// # Errors
    /// The certificate cannot be used.
    pub fn server_config(&self) -> Result<ServerConfig, StartError> {
        let mut config = ServerConfig::default();
        if let (Some(listen), Some(write), Some(cert), Some(key)) =
            (self.tls_listen, self.tls_write, &self.tls_cert, &self.tls_key)
        {
            config.tls = Some(TlsPorts::from_files(listen, write, cert, key)?);
        }
        set(&mut config.listen, self.listen);
        set(&mut config.write, self.write);
        set(&mut config.proxy_from, self.proxy_from.clone().map(|Networks(networks)| networks));
        set(&mut config.strict, self.strict);
        set(&mut config.announce, self.announce);
        set(&mut config.extensions, self.no_extensions.map(|off| !off));
        config.limits = self.limits();
        Ok(config)
    }

    fn set_limits(&self, limits: &mut Limits) {
        set(&mut limits.connections, self.max_connections);
        set(&mut limits.connections_per_address, self.max_connections_per_address);
        set(&mut limits.login_within, self.login_within);
        set(&mut limits.nickname_within, self.nickname_within);
        set(&mut limits.nickname_chars, self.max_nickname.map(|NicknameChars(count)| count.into()));
        set(&mut limits.stall, self.stall);
        set(&mut limits.drain_within, self.drain_within);
        set_or_off(&mut limits.posts, self.post_rate);
        set_or_off(&mut limits.post_bytes, self.post_bytes.map(|rate| rate.map(|ByteRate(rate)| rate)));
        set_or_off(&mut limits.address_bytes, self.address_bytes.map(|rate| rate.map(|ByteRate(rate)| rate)));
        set_or_off(&mut limits.max_store, self.max_store.map(|size| size.map(|ByteSize(bytes)| bytes)));
        set_or_off(&mut limits.min_free, self.min_free.map(|size| size.map(|ByteSize(bytes)| bytes)));
        match self.keep {
            Some(OrOff::At(Keep(keep))) => limits.keep = keep,
            Some(OrOff::Off) => limits.keep = Retention::everything(),
            None => {}
        }
        set(&mut limits.registration, self.registration.clone());
        set_or_off(&mut limits.registrations, self.register_rate);
        set_or_off(&mut limits.registrations_in_all, self.register_rate_total);
    }
}

fn set<T>(value: &mut T, asked: Option<T>) {
    if let Some(asked) = asked {
        *value = asked;
    }
}

fn set_or_off<T>(value: &mut Option<T>, asked: Option<OrOff<T>>) {
    match asked {
        Some(OrOff::At(asked)) => *value = Some(asked),
        Some(OrOff::Off) => *value = None,
        None => {}
    }
}

#[cfg(test)]
mod tests;
