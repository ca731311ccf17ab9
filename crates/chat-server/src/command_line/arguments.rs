//! The command line: the options of the server, and its other commands.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};
use etcetera::{AppStrategy, AppStrategyArgs};

#[cfg(unix)]
use super::admin::AdminArguments;
use super::cluster::ClusterArguments;
use super::config_file::ConfigFile;
use super::options::Options;
use super::usage_error::UsageError;

/// A chat server: two ports, one log. It confirms a message when it is stored.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Arguments {
    /// Options for serving, the default command.
    #[command(flatten)]
    pub options: Options,
    /// TOML file whose keys are these options; the command line overrides it.
    #[arg(long, value_name = "F")]
    pub config: Option<PathBuf>,
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
    /// Moderate the room: remove messages, mute, ban and more, also while a server runs.
    #[cfg(unix)]
    Admin {
        /// The store.
        #[command(flatten)]
        store: StoreLocation,
        /// The operation.
        #[command(flatten)]
        arguments: AdminArguments,
    },
    /// Make several nodes of a server, which share a log in NATS, and a server alone of a node.
    Cluster {
        /// The store.
        #[command(flatten)]
        store: StoreLocation,
        /// The operation.
        #[command(flatten)]
        arguments: ClusterArguments,
    },
    /// Make a room of a file that "admin export" has written, or of a history file. The server must be stopped.
    Import {
        /// The store.
        #[command(flatten)]
        store: StoreLocation,
        /// The file; - is standard input.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Set a room that is there aside.
        #[arg(long)]
        replace: bool,
    },
    /// Put a file that "admin backup" has written in the place of the room. The server must be stopped.
    Restore {
        /// The store.
        #[command(flatten)]
        store: StoreLocation,
        /// The file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Set a room that is there aside.
        #[arg(long)]
        replace: bool,
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
    List {
        /// Begin each line with the number of the account, which is unique even where names look alike.
        #[arg(long)]
        ids: bool,
    },
    /// Revoke an account's right to log in, and close its connections.
    Revoke {
        /// The complete nickname.
        #[arg(required_unless_present = "id")]
        nickname: Option<String>,
        /// The number of the account, as "list --ids" prints it.
        #[arg(long, value_name = "N", conflicts_with = "nickname")]
        id: Option<i64>,
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

impl Arguments {
    /// Parses a command line and the configuration file that it names. The command line overrides the file.
    ///
    /// # Errors
    /// [`UsageError`] if either is wrong, or if help is requested.
    pub fn from_command_line(words: impl IntoIterator<Item = OsString>) -> Result<Self, UsageError> {
        let mut this = Self::try_parse_from(words)?;
        if this.command.is_none() {
            let file = this.config.as_deref().map(ConfigFile::read).transpose()?;
            this.options = this.options.over(file.as_ref().map(ConfigFile::options).cloned().unwrap_or_default());
            check_tls(&this.options, file.as_ref())?;
        }
        Ok(this)
    }
}

/// Checks that the options for TLS are complete. An error names the file if it contains one of them.
fn check_tls(options: &Options, file: Option<&ConfigFile>) -> Result<(), UsageError> {
    let tls = options.tls();
    let Some((given, ..)) = tls.iter().find(|(_, _, set)| *set) else { return Ok(()) };
    let missing: Vec<String> =
        tls.iter().filter(|(_, _, set)| !set).map(|(key, value, _)| format!("--{key} <{value}>")).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(" and ");
    Err(match file.and_then(|file| file.incomplete(&tls.map(|(key, ..)| key), &missing)) {
        Some(of_the_file) => of_the_file.into(),
        None => {
            let message = format!("--{given} needs {missing} too");
            Arguments::command().error(ErrorKind::MissingRequiredArgument, message).into()
        }
    })
}

impl StoreLocation {
    /// Returns the options of the configuration file, if one is named.
    ///
    /// # Errors
    /// [`UsageError`] if the file is wrong.
    pub fn file_options(&self) -> Result<Options, UsageError> {
        let file = self.config.as_deref().map(ConfigFile::read).transpose()?;
        Ok(file.as_ref().map(ConfigFile::options).cloned().unwrap_or_default())
    }

    /// Returns the requested directory, or else that of the configuration file, or else the user's.
    ///
    /// # Errors
    /// [`UsageError`] if the file is wrong, or there is no home directory.
    pub fn directory(&self) -> Result<PathBuf, UsageError> {
        if let Some(asked) = &self.data_dir {
            return Ok(asked.clone());
        }
        match &self.config {
            Some(path) => data_directory(ConfigFile::read(path)?.options()),
            None => data_directory(&Options::default()),
        }
    }
}

/// Returns the data directory of these options, or else the user's.
///
/// # Errors
/// [`UsageError::NoHome`].
pub fn data_directory(options: &Options) -> Result<PathBuf, UsageError> {
    if let Some(asked) = &options.data_dir {
        return Ok(asked.clone());
    }
    let strategy = etcetera::choose_app_strategy(AppStrategyArgs {
        top_level_domain: String::new(),
        author: String::new(),
        app_name: "minechat".to_owned(),
    })?;
    Ok(strategy.in_data_dir("server"))
}
