//! The command line of `chat-server cluster`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::nats_servers::NatsServers;
use super::options::Options;
use super::value::OptionValue as _;
use crate::nats::{LogName, NatsOptions};

/// Options of `chat-server cluster`.
#[derive(Debug, Args)]
pub struct ClusterArguments {
    /// Servers of NATS that have the log (n1,n2:4222,tls://n3).
    #[arg(long, value_name = "SERVER[,SERVER]", value_parser = NatsServers::parse, global = true)]
    nats: Option<NatsServers>,
    /// Name of the log [default: room].
    #[arg(long, value_name = "NAME", value_parser = LogName::parse, global = true)]
    nats_log: Option<LogName>,
    /// NATS credentials file, or a file with an nkey seed or user:password.
    #[arg(long, value_name = "F", global = true)]
    nats_creds: Option<PathBuf>,
    /// Certificates that the servers are checked with, PEM [default: those of the system].
    #[arg(long, value_name = "F", global = true)]
    nats_ca: Option<PathBuf>,
    /// Also use servers older than 2.11, which cannot keep what they have confirmed.
    #[arg(long, global = true)]
    allow_old_nats: bool,
    /// The operation.
    #[command(subcommand)]
    pub what: ClusterCommand,
}

/// The operations on a cluster.
#[derive(Debug, Subcommand)]
pub enum ClusterCommand {
    /// Create the log, and make the room of this server its beginning. The server must be stopped.
    Init,
    /// Make a further node of a copy of another one. The server must be stopped.
    Join {
        /// A file that "admin backup" has written where a node runs.
        #[arg(long, value_name = "FILE")]
        snapshot: PathBuf,
        /// Set a room that is there aside.
        #[arg(long)]
        replace: bool,
    },
    /// Close the log for all nodes, and make a server alone of this one. All servers must be stopped.
    Leave {
        /// Ask no log: what this node had not applied is lost, and listeners see a gap.
        #[arg(long)]
        as_it_is: bool,
    },
    /// Begin a lost log again with the room of this node, which must be the furthest. All servers must be stopped.
    Reseed {
        /// Go on although other nodes may have had later messages: they are lost, and listeners see a gap.
        #[arg(long)]
        lost_end: bool,
        /// Remove the log that is there, even if it seems good or is of another room.
        #[arg(long)]
        replace_log: bool,
    },
    /// Show the log and where this node is in it, also while it runs. Exit code 1 if something is wrong.
    Status {
        /// Print a JSON object.
        #[arg(long)]
        json: bool,
    },
}

impl ClusterArguments {
    /// Returns where the log is: these options over those of a configuration file. `None` if neither says it.
    #[must_use]
    pub fn nats(&self, file: Options) -> Option<NatsOptions> {
        let mut given = Options::default();
        (given.nats, given.nats_log) = (self.nats.clone(), self.nats_log.clone());
        (given.nats_creds, given.nats_ca) = (self.nats_creds.clone(), self.nats_ca.clone());
        given.allow_old_nats = self.allow_old_nats.then_some(true);
        given.over(file).nats()
    }
}

impl Options {
    /// Returns where the log of the nodes is, if this is one of several.
    #[must_use]
    pub fn nats(&self) -> Option<NatsOptions> {
        let NatsServers(servers) = self.nats.clone()?;
        let options = NatsOptions::new(servers).with_name(self.nats_log.clone().unwrap_or_default());
        let options = options.with_credentials(self.nats_creds.clone()).with_ca(self.nats_ca.clone());
        Some(options.with_old(self.allow_old_nats == Some(true)))
    }
}
