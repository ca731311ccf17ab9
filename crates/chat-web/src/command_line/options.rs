//! The options of the gateway, from one source: the command line or the configuration file.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};
use serde::Deserialize;

use super::value::{NetworksOption, RateOption};

/// The format of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogSetting {
    /// Nothing but errors at the start.
    #[default]
    Off,
    /// Lines for people, on standard error.
    Text,
}

/// The header in which proxies name the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ProxyHeaderSetting {
    XForwardedFor,
    Forwarded,
}

/// The options. Each field is a long option of the command line and a key of the configuration file, under the same
/// name. `None` means that this source does not set it.
#[derive(Clone, Debug, Default, PartialEq, Args, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct WebOptions {
    /// Address for browsers; port 0 picks a free port [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDR")]
    pub(crate) http: Option<SocketAddr>,
    /// Certificate chain for browsers, PEM.
    #[arg(long, value_name = "F", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Private key of the certificate, PEM.
    #[arg(long, value_name = "F", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Networks of proxies in front of this gateway (10.0.0.0/8,192.0.2.7), whose X-Forwarded-For names the browser.
    #[arg(long, value_name = "CIDR[,CIDR]")]
    pub(crate) behind_proxy: Option<NetworksOption>,
    /// The header of these proxies: x-forwarded-for, or forwarded (RFC 7239) [default: x-forwarded-for].
    #[arg(long, value_enum, value_name = "NAME", hide_possible_values = true)]
    pub(crate) proxy_header: Option<ProxyHeaderSetting>,
    /// Networks of balancers in front of this gateway, whose connections begin with a PROXY header, version 1 or 2, that
    /// names the browser (or the next proxy, see --behind-proxy).
    #[arg(long, value_name = "CIDR[,CIDR]")]
    pub(crate) proxy_from: Option<NetworksOption>,
    /// Serve another address than loopback without encryption: everyone on the way can read messages and tokens.
    #[arg(long, action = ArgAction::Set, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_possible_values = true)]
    pub(crate) plain_http: Option<bool>,
    /// The address of the page as people type it (https://chat.example), behind a proxy or under a name.
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Address of /metrics, /healthz and /readyz; port 0 picks a free port.
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics: Option<SocketAddr>,
    /// Begin each connection to the room with a PROXY header that names the browser; the server needs --proxy-from.
    #[arg(long, action = ArgAction::Set, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_possible_values = true)]
    pub(crate) send_proxy: Option<bool>,
    /// Write a log to standard error: off or text (tokens are never written) [default: off].
    #[arg(long, value_enum, value_name = "FORMAT", hide_possible_values = true)]
    pub(crate) log: Option<LogSetting>,

    /// Host name or address of the room, or of each of its nodes: HOST, or HOST:LISTEN:WRITE with both ports
    /// [default: 127.0.0.1].
    #[arg(long, value_name = "HOST[,HOST]", help_heading = "Room")]
    pub(crate) host: Option<String>,
    /// Listen port of the room [default: 5000].
    #[arg(long, value_name = "PORT", help_heading = "Room", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) listen_port: Option<u16>,
    /// Write port of the room [default: 5050].
    #[arg(long, value_name = "PORT", help_heading = "Room", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) write_port: Option<u16>,
    /// Connect to the room with TLS, and verify it by the system's root certificates.
    #[arg(long, action = ArgAction::Set, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_possible_values = true, help_heading = "Room")]
    pub(crate) tls: Option<bool>,
    /// Verify the room by the certificates in this file (PEM); implies --tls.
    #[arg(long, value_name = "F", conflicts_with = "pin", help_heading = "Room")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Trust the certificate of the room with this SHA-256 fingerprint; implies --tls.
    #[arg(long, value_name = "SHA256", help_heading = "Room")]
    pub(crate) pin: Option<String>,
    /// Directory of the local room [default: the user's data directory].
    #[arg(long, value_name = "DIR", help_heading = "Room")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Let others join at this address of this machine: 127.0.0.1 for its users, 0.0.0.0 for the network; without
    /// encryption. Opens the local room and the page.
    #[arg(long, value_name = "ADDR", help_heading = "Room", conflicts_with_all = ["no_local_room", "host"])]
    pub(crate) share: Option<IpAddr>,
    /// Never start a local room.
    #[arg(long, action = ArgAction::Set, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_possible_values = true, help_heading = "Room")]
    pub(crate) no_local_room: Option<bool>,
    /// Start a local room if no server runs, on other than the default ports too.
    #[arg(long, action = ArgAction::Set, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_possible_values = true, help_heading = "Room",
          conflicts_with = "no_local_room")]
    pub(crate) local_room: Option<bool>,

    /// Registrations per address, per second, or that and a burst (1 or 1:100), or off [default: 1:1000].
    #[arg(long, value_name = "RATE[:BURST]", help_heading = "Limits")]
    pub(crate) register_rate: Option<RateOption>,
    /// Posts per address, as --register-rate [default: 100:10000].
    #[arg(long, value_name = "RATE[:BURST]", help_heading = "Limits")]
    pub(crate) post_rate: Option<RateOption>,
}

impl WebOptions {
    /// Returns these options, with those that are not set taken from another source.
    pub(crate) fn over(self, below: Self) -> Self {
        // The settings of trust belong together.
        let has_trust = self.tls.is_some() || self.ca_file.is_some() || self.pin.is_some();
        let (tls, ca_file, pin) =
            if has_trust { (self.tls, self.ca_file, self.pin) } else { (below.tls, below.ca_file, below.pin) };
        // A certificate and its key too.
        let (tls_cert, tls_key) = match (self.tls_cert, self.tls_key) {
            (None, None) => (below.tls_cert, below.tls_key),
            given => given,
        };
        Self {
            tls,
            ca_file,
            pin,
            tls_cert,
            tls_key,
            http: self.http.or(below.http),
            behind_proxy: self.behind_proxy.or(below.behind_proxy),
            proxy_header: self.proxy_header.or(below.proxy_header),
            proxy_from: self.proxy_from.or(below.proxy_from),
            plain_http: self.plain_http.or(below.plain_http),
            public_url: self.public_url.or(below.public_url),
            metrics: self.metrics.or(below.metrics),
            send_proxy: self.send_proxy.or(below.send_proxy),
            log: self.log.or(below.log),
            host: self.host.or(below.host),
            listen_port: self.listen_port.or(below.listen_port),
            write_port: self.write_port.or(below.write_port),
            data_dir: self.data_dir.or(below.data_dir),
            share: self.share.or(below.share),
            no_local_room: self.no_local_room.or(below.no_local_room),
            local_room: self.local_room.or(below.local_room),
            register_rate: self.register_rate.or(below.register_rate),
            post_rate: self.post_rate.or(below.post_rate),
        }
    }
}
