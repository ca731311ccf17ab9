//! The values of `--nats` and `--nats-log`: where the log of the nodes is.

use super::value::{OptionValue, ValueKind};
use crate::nats::{LogName, LogNameError};

/// Servers of NATS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NatsServers(pub(super) Vec<String>);

impl OptionValue for NatsServers {
    const KIND: ValueKind = ValueKind::Text;

    /// Parses addresses separated by commas. The text is not repeated if it may contain a secret.
    fn parse(text: &str) -> Result<Self, String> {
        let servers: Vec<String> = text.split(',').map(|server| server.trim().to_owned()).collect();
        for server in &servers {
            if server.contains('@') {
                return Err("user and password belong into a file: see --nats-creds".to_owned());
            }
            let (scheme, rest) = server.split_once("://").unwrap_or(("nats", server));
            if !matches!(scheme, "nats" | "tls") || rest.is_empty() || rest.contains(['/', ' ']) {
                return Err(format!("{server:?} is no address like nats://n1:4222, tls://n1:4222 or n1"));
            }
        }
        Ok(Self(servers))
    }
}

impl OptionValue for LogName {
    const KIND: ValueKind = ValueKind::Text;

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: LogNameError| error.to_string())
    }
}
